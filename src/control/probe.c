/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a probe asks, and what it makes of the answers; see probe.h. */
#include "probe.h"

#include <readmux/base/clock.h>
#include <readmux/base/log.h>

#define VERSION_SHOW_REPLICA    80022u	/* the first MySQL with SHOW REPLICA STATUS */
#define VERSION_SHOW_BINARY_LOG 80200u	/* ... with SHOW BINARY LOG STATUS */

static uint32_t number_of(const char *text)
{
	return text != NULL ? (uint32_t)strtoull(text, NULL, 10) : 0;
}

static bool is_on(const char *text)
{
	return text != NULL && (strcmp(text, "1") == 0 || strcasecmp(text, "ON") == 0);
}

/* The one row of the answer to <sql>; *res is to be freed when it is not NULL. */
static MYSQL_ROW ask_row(struct probe *p, const char *sql, MYSQL_RES **res)
{
	MYSQL_ROW row;

	*res = probe_ask(p, sql);
	if (*res == NULL)
		return NULL;
	row = mysql_fetch_row(*res);
	if (row != NULL)
		return row;
	mysql_free_result(*res);
	*res = NULL;
	probe_fail(p, "an answer without a row");
	return NULL;
}

static bool ask_alive(struct probe *p)
{
	MYSQL_RES *res;
	bool ok = ask_row(p, "SELECT 1", &res) != NULL;

	mysql_free_result(res);		/* NULL is allowed */
	return ok;
}

/* --- who it is -------------------------------------------------------------------- */

static void copy_text(char *out, size_t room, const char *value)
{
	(void)snprintf(out, room, "%s", value != NULL ? value : "");
}

static void read_identity(struct probe *p, MYSQL_ROW row)
{
	struct server_facts *f = &p->facts;
	bool binlog = is_on(row[5]);

	f->version = (uint32_t)mysql_get_server_version(p->mysql);
	f->read_only = is_on(row[0]) || (!f->mariadb && is_on(row[6]));
	f->server_id = number_of(row[1]);
	copy_text(f->hostname, sizeof(f->hostname), row[2]);
	f->max_connections = number_of(row[3]);
	f->max_allowed_packet = number_of(row[4]);
	f->gtid = binlog && (f->mariadb || is_on(row[7]));
	if (!f->mariadb)
		copy_text(f->uuid, sizeof(f->uuid), row[8]);
	f->known = true;
}

/* MariaDB: the end of a primary's log, and up to where a replica has applied it. */
static void read_gtids(const struct probe *p, MYSQL_ROW row, struct probe_report *r)
{
	const char *position = row[p->primary ? 6 : 7];

	if (position != NULL && strlen(position) < sizeof(r->log))
		copy_text(r->log, sizeof(r->log), position);
}

static bool ask_identity(struct probe *p, struct probe_report *r)
{
	static const char everywhere[] =
		"SELECT @@global.read_only, @@global.server_id, @@hostname, "
		"@@global.max_connections, @@global.max_allowed_packet, @@global.log_bin";
	static const char mysql_only[] =
		", @@global.super_read_only, @@global.gtid_mode, @@server_uuid";
	static const char mariadb_only[] = ", @@global.gtid_binlog_pos, @@global.gtid_slave_pos";
	char sql[sizeof(everywhere) + sizeof(mysql_only) + sizeof(mariadb_only)];
	MYSQL_RES *res;
	MYSQL_ROW row;

	(void)snprintf(sql, sizeof(sql), "%s%s", everywhere,
		       p->facts.mariadb ? mariadb_only : mysql_only);
	r->asked_us = clock_now_us();
	row = ask_row(p, sql, &res);
	if (row == NULL)
		return false;
	read_identity(p, row);
	if (p->facts.mariadb)
		read_gtids(p, row, r);
	mysql_free_result(res);
	return true;
}

/* --- replication ----------------------------------------------------------------- */

/* SHOW REPLICA STATUS, as far as it matters; its columns were renamed in MySQL 8.0.22. */
enum column {
	IO_RUNNING, SQL_RUNNING, LAG, IO_ERRNO, IO_ERROR, SQL_ERROR, LOG_FILE, LOG_OFFSET,
	SOURCE_ID, COLUMNS,
};

static const char *const column_names[COLUMNS][2] = {
	[IO_RUNNING]  = { "Slave_IO_Running",      "Replica_IO_Running" },
	[SQL_RUNNING] = { "Slave_SQL_Running",     "Replica_SQL_Running" },
	[LAG]         = { "Seconds_Behind_Master", "Seconds_Behind_Source" },
	[IO_ERRNO]    = { "Last_IO_Errno",         "Last_IO_Errno" },
	[IO_ERROR]    = { "Last_IO_Error",         "Last_IO_Error" },
	[SQL_ERROR]   = { "Last_SQL_Error",        "Last_SQL_Error" },
	[LOG_FILE]    = { "Relay_Master_Log_File", "Relay_Source_Log_File" },
	[LOG_OFFSET]  = { "Exec_Master_Log_Pos",   "Exec_Source_Log_Pos" },
	[SOURCE_ID]   = { "Master_Server_Id",      "Source_Server_Id" },
};

static void pick_columns(MYSQL_RES *res, MYSQL_ROW row, const char *values[COLUMNS])
{
	const MYSQL_FIELD *fields = mysql_fetch_fields(res);
	unsigned n = mysql_num_fields(res);

	for (unsigned c = 0; c < COLUMNS; c++) {
		values[c] = NULL;
		for (unsigned i = 0; i < n; i++) {
			if (strcmp(fields[i].name, column_names[c][0]) == 0 ||
			    strcmp(fields[i].name, column_names[c][1]) == 0)
				values[c] = row[i];
		}
	}
}

static bool is_text(const char *value, const char *text)
{
	return value != NULL && strcasecmp(value, text) == 0;
}

/*
 * A receiver that is connecting, or gave up connecting, says that the primary is
 * away: the replica is as good as it was.  One that was stopped or met another error
 * falls behind for ever.
 */
static bool receiver_stopped(const char *const values[COLUMNS])
{
	uint32_t number = number_of(values[IO_ERRNO]);

	return is_text(values[IO_RUNNING], "No") &&
	       (number < CLIENT_ERROR_FIRST || number > CLIENT_ERROR_LAST);
}

static void stopped(struct probe_report *r, const char *what, const char *error)
{
	bool said = error != NULL && error[0] != '\0';

	r->lag_state = LAG_STOPPED;
	(void)snprintf(r->replication, sizeof(r->replication), "%s%s%.120s", what,
		       said ? ": " : "", said ? error : "");
}

static void read_position(const char *file, const char *offset, struct probe_report *r)
{
	int len = -1;

	if (file != NULL && file[0] != '\0' && offset != NULL)
		len = snprintf(r->log, sizeof(r->log), "%s:%s", file, offset);
	if (len < 0 || (size_t)len >= sizeof(r->log))
		r->log[0] = '\0';
}

static void read_replication(const struct probe *p, MYSQL_RES *res, struct probe_report *r)
{
	MYSQL_ROW row = mysql_fetch_row(res);
	const char *values[COLUMNS];

	if (row == NULL) {
		stopped(r, "it replicates from nobody", NULL);
		return;
	}
	pick_columns(res, row, values);
	if (!p->facts.mariadb && !p->facts.gtid)
		read_position(values[LOG_FILE], values[LOG_OFFSET], r);
	r->source_id = number_of(values[SOURCE_ID]);
	if (!is_text(values[SQL_RUNNING], "Yes")) {
		stopped(r, "its replication applier does not run", values[SQL_ERROR]);
	} else if (receiver_stopped(values)) {
		stopped(r, "its replication receiver does not run", values[IO_ERROR]);
	} else if (values[LAG] != NULL) {
		r->lag_state = LAG_KNOWN;
		r->lag_ms = (uint32_t)size_min((size_t)number_of(values[LAG]) * 1000,
					       UINT32_MAX);
	}
}

static void status_is_secret(struct probe *p, const char *event)
{
	if (p->status_denied)
		return;
	p->status_denied = true;
	log_warn(NULL, event,
		 LOG_TEXT("user", p->settings->probe_user),
		 LOG_TEXT("server", p->facts.hostname),
		 LOG_TEXT("remedy", p->facts.mariadb ?
			  "GRANT BINLOG MONITOR, REPLICA MONITOR ON *.* TO it" :
			  "GRANT REPLICATION CLIENT ON *.* TO it"));
}

static bool ask_replication(struct probe *p, struct probe_report *r)
{
	bool renamed = !p->facts.mariadb && p->facts.version >= VERSION_SHOW_REPLICA;
	const char *sql = renamed ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
	MYSQL_RES *res;

	res = probe_ask(p, sql);
	r->lag_state = LAG_UNKNOWN;
	if (res != NULL) {
		read_replication(p, res, r);
		mysql_free_result(res);
		p->status_denied = false;
		return true;
	}
	if (p->failure.evidence != EVIDENCE_MISCONFIGURED)
		return false;
	r->lag_state = LAG_SECRET;
	status_is_secret(p, "replication lag is unknown: the probe account may not ask for it");
	return true;
}

/* Without GTIDs.  SHOW MASTER STATUS was renamed in MySQL 8.2 and is gone since 8.4. */
static bool ask_log_end(struct probe *p, struct probe_report *r)
{
	bool renamed = p->facts.version >= VERSION_SHOW_BINARY_LOG;
	MYSQL_RES *res;
	MYSQL_ROW row;

	if (p->facts.mariadb || p->facts.gtid)
		return true;
	r->asked_us = clock_now_us();
	res = probe_ask(p, renamed ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS");
	if (res != NULL) {
		row = mysql_fetch_row(res);	/* none: it writes no log */
		if (row != NULL)
			read_position(row[0], row[1], r);
		mysql_free_result(res);
		p->status_denied = false;
		return true;
	}
	if (p->failure.evidence != EVIDENCE_MISCONFIGURED)
		return false;
	status_is_secret(p, "reads after a write stay on the primary for a while: "
			 "the probe account may not ask where its log ends");
	return true;
}

/* --- the whole ------------------------------------------------------------------- */

static bool ask_everything(struct probe *p, struct probe_report *r)
{
	p->deadline_us = clock_now_us() + p->settings->probe_timeout_ms * 1000;
	if (!ask_alive(p) || !ask_identity(p, r))
		return false;
	if (!(p->primary ? ask_log_end(p, r) : ask_replication(p, r)))
		return false;
	if (p->primary)
		probe_accounts(p, r);
	return true;
}

static bool connect_and_ask(struct probe *p, struct probe_report *r)
{
	p->accounts_us = 0;
	return probe_connect(p) && ask_everything(p, r);
}

/* A kept connection that was lost says little; whether a new one can be had says all. */
static bool ask_anyhow(struct probe *p, struct probe_report *r)
{
	if (p->mysql == NULL)
		return connect_and_ask(p, r);
	if (ask_everything(p, r))
		return true;
	if (!p->broken || p->late)
		return false;
	probe_disconnect(p);
	return connect_and_ask(p, r);
}

void probe_run(struct probe *p, struct probe_report *r)
{
	if (ask_anyhow(p, r)) {
		r->evidence = EVIDENCE_PROBE_OK;
		r->facts = p->facts;
	} else {
		r->evidence = p->failure.evidence;
		(void)snprintf(r->words, sizeof(r->words), "%s", p->failure.words);
		p->broken = true;
	}
	if (p->broken)
		probe_disconnect(p);
}
