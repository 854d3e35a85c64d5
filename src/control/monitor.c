/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One server's probe thread; see monitor.h.
 *
 * The library's header and readmux's wire layer give the same names to the
 * protocol's numbers, so what needs wire is in probe_greeting.c.
 */
#include <readmux/base/clock.h>
#include <readmux/base/log.h>
#include <readmux/control/monitor.h>
#include <readmux/control/probe_greeting.h>

#include <mysql.h>
#include <pthread.h>

#define STACK_BYTES       (512u * 1024u)
#define ACCOUNTS_EVERY_US 10000000u

struct monitor {
	pthread_t              thread;
	pthread_mutex_t        lock;
	pthread_cond_t         wake;
	bool                   stopping;	/* under <lock> */
	bool                   kicked;		/* under <lock> */
	const struct settings *settings;	/* under <lock> */
	uint32_t               backend;
	bool                   primary;
	struct address         address;
	struct mailbox        *box;

	/* the thread's own */
	const struct settings *now;		/* settings of this probe */
	MYSQL                 *mysql;
	struct server_facts    facts;
	uint64_t               accounts_us;	/* when they were read last; 0 = never */
	bool                   status_denied;	/* may not ask for replication status; said once */
};

static unsigned seconds(uint64_t ms)
{
	return ms < 1000 ? 1u : (unsigned)((ms + 999) / 1000);
}

static void words_of_library(struct monitor *m, struct probe_report *r)
{
	unsigned number = mysql_errno(m->mysql);

	(void)snprintf(r->words, sizeof(r->words), "probe: %s (%u)", mysql_error(m->mysql), number);
	r->evidence = number == 1045 || number == 1044 || number == 1227 || number == 1142 ?
		      EVIDENCE_MISCONFIGURED : EVIDENCE_PROBE_FAILED;
}

/* --- the connection -------------------------------------------------------------- */

static void set_options(struct monitor *m)
{
	unsigned limit = seconds(m->now->probe_timeout_ms);

	(void)mysql_options(m->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &limit);
	(void)mysql_options(m->mysql, MYSQL_OPT_READ_TIMEOUT, &limit);
	(void)mysql_options(m->mysql, MYSQL_OPT_WRITE_TIMEOUT, &limit);
#ifdef MARIADB_BASE_VERSION
	{
		my_bool off = 0, on = 1;

		(void)mysql_options(m->mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &off);
		/* a socket needs none; a server without TLS would refuse */
		if ((m->facts.capabilities & CLIENT_SSL) != 0 && m->address.u.any.sa_family != AF_UNIX &&
		    m->now->backend_tls != TLS_SERVER_OFF)
			(void)mysql_options(m->mysql, MYSQL_OPT_SSL_ENFORCE, &on);
	}
#else
	{
		bool ask = true;
		unsigned mode = m->now->backend_tls == TLS_SERVER_OFF ? SSL_MODE_DISABLED :
				SSL_MODE_PREFERRED;

		(void)mysql_options(m->mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &ask);
		(void)mysql_options(m->mysql, MYSQL_OPT_SSL_MODE, &mode);
	}
#endif
}

static void disconnect(struct monitor *m)
{
	if (m->mysql != NULL)
		mysql_close(m->mysql);
	m->mysql = NULL;
}

static bool connect_with_library(struct monitor *m, struct probe_report *r)
{
	char host[ADDRESS_TEXT_MAX] = "localhost";
	const char *local = NULL;

	m->mysql = mysql_init(NULL);
	if (m->mysql == NULL) {
		(void)snprintf(r->words, sizeof(r->words), "probe: out of memory");
		return false;
	}
	set_options(m);
	if (m->address.u.any.sa_family == AF_UNIX)
		local = m->address.u.local.sun_path;
	else
		address_format_host(&m->address, host, sizeof(host));
	if (mysql_real_connect(m->mysql, host, m->now->probe_user, m->now->probe_password, NULL,
			       address_port(&m->address), local, 0) != NULL)
		return true;
	words_of_library(m, r);
	disconnect(m);
	return false;
}

static bool ensure_connected(struct monitor *m, struct probe_report *r)
{
	if (m->mysql != NULL)
		return true;
	r->evidence = EVIDENCE_PROBE_FAILED;
	return probe_greeting(&m->address, m->now->probe_timeout_ms, &m->facts, r->words,
			      sizeof(r->words)) && connect_with_library(m, r);
}

/* --- questions --------------------------------------------------------------- */

/* The whole answer to <sql>, or NULL with words in <r>. */
static MYSQL_RES *ask(struct monitor *m, const char *sql, struct probe_report *r)
{
	MYSQL_RES *res = NULL;

	if (mysql_query(m->mysql, sql) == 0)
		res = mysql_store_result(m->mysql);
	if (res == NULL)
		words_of_library(m, r);
	return res;
}

static uint64_t number_of(const char *text)
{
	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static bool is_on(const char *text)
{
	return text != NULL && (strcmp(text, "1") == 0 || strcasecmp(text, "ON") == 0);
}

static bool ask_alive(struct monitor *m, struct probe_report *r)
{
	MYSQL_RES *res = ask(m, "SELECT 1", r);
	MYSQL_ROW row = res != NULL ? mysql_fetch_row(res) : NULL;
	bool ok = row != NULL && row[0] != NULL && strcmp(row[0], "1") == 0;

	if (res != NULL && !ok)
		(void)snprintf(r->words, sizeof(r->words), "probe: SELECT 1 answered something else");
	if (res != NULL)
		mysql_free_result(res);
	return ok;
}

static bool ask_identity(struct monitor *m, struct probe_report *r)
{
	static const char both[] =
		"SELECT @@global.read_only, @@server_id, @@hostname, @@global.max_connections, "
		"@@global.max_allowed_packet";
	char sql[400];
	MYSQL_RES *res;
	MYSQL_ROW row;
	struct server_facts *f = &m->facts;

	(void)snprintf(sql, sizeof(sql), "%s%s", both, f->mariadb ? "" :
		       ", @@global.super_read_only, @@global.gtid_mode, @@server_uuid");
	res = ask(m, sql, r);
	row = res != NULL ? mysql_fetch_row(res) : NULL;
	if (row == NULL) {
		if (res != NULL)
			mysql_free_result(res);
		return false;
	}
	f->known = true;
	f->version = (uint32_t)mysql_get_server_version(m->mysql);
	f->read_only = is_on(row[0]) || (!f->mariadb && is_on(row[5]));
	f->server_id = (uint32_t)number_of(row[1]);
	(void)snprintf(f->hostname, sizeof(f->hostname), "%s", row[2] != NULL ? row[2] : "");
	f->max_connections = (uint32_t)number_of(row[3]);
	f->max_allowed_packet = (uint32_t)number_of(row[4]);
	f->gtid = f->mariadb || (row[6] != NULL && strcasecmp(row[6], "ON") == 0);
	if (!f->mariadb && row[7] != NULL)
		(void)snprintf(f->uuid, sizeof(f->uuid), "%s", row[7]);
	mysql_free_result(res);
	return true;
}

/* --- replication ----------------------------------------------------------------- */

/* The value of the first column that has one of two names: before and after the renaming. */
static const char *column(MYSQL_RES *res, MYSQL_ROW row, const char *older, const char *newer)
{
	MYSQL_FIELD *fields = mysql_fetch_fields(res);
	unsigned n = mysql_num_fields(res);

	for (unsigned i = 0; i < n; i++) {
		if (strcasecmp(fields[i].name, older) == 0 || strcasecmp(fields[i].name, newer) == 0)
			return row[i];
	}
	return NULL;
}

static void read_replication(MYSQL_RES *res, struct probe_report *r)
{
	MYSQL_ROW row = mysql_fetch_row(res);
	const char *applier, *lag;

	if (row == NULL) {
		r->lag_state = LAG_STOPPED;	/* not a replica of anybody */
		return;
	}
	applier = column(res, row, "Slave_SQL_Running", "Replica_SQL_Running");
	lag = column(res, row, "Seconds_Behind_Master", "Seconds_Behind_Source");
	if (applier == NULL || strcasecmp(applier, "Yes") != 0) {
		r->lag_state = LAG_STOPPED;
		return;
	}
	r->lag_state = lag != NULL ? LAG_KNOWN : LAG_UNKNOWN;
	r->lag_ms = (uint32_t)(number_of(lag) * 1000);
}

static bool ask_replication(struct monitor *m, struct probe_report *r)
{
	MYSQL_RES *res = ask(m, m->facts.mariadb ? "SHOW SLAVE STATUS" : "SHOW REPLICA STATUS", r);

	if (res != NULL) {
		read_replication(res, r);
		mysql_free_result(res);
		return true;
	}
	if (mysql_errno(m->mysql) != 1227)
		return false;
	if (!m->status_denied)
		log_warn(NULL, "replication lag is unknown: the probe account may not ask for it",
			 LOG_TEXT("user", m->now->probe_user),
			 LOG_TEXT("remedy", "GRANT REPLICA MONITOR (MariaDB) or REPLICATION CLIENT (MySQL) to it"));
	m->status_denied = true;
	r->lag_state = LAG_UNKNOWN;
	return true;
}

/* --- accounts ------------------------------------------------------------------------ */

/* Add one row of the account table; rows are sorted by user. */
static size_t add_account(struct account_hash *list, size_t n, MYSQL_ROW row)
{
	bool native = row[1] != NULL && strcmp(row[1], "mysql_native_password") == 0 &&
		      row[2] != NULL && row[2][0] == '*';
	struct account_hash *last = n > 0 ? &list[n - 1] : NULL;

	if (row[0] == NULL || row[0][0] == '\0')
		return n;
	if (last != NULL && strcmp(last->user, row[0]) == 0) {
		if (!native || strcmp(last->hash, row[2]) != 0)
			last->hash[0] = '\0';	/* it depends on the host: the server decides */
		return n;
	}
	(void)snprintf(list[n].user, sizeof(list[n].user), "%s", row[0]);
	(void)snprintf(list[n].hash, sizeof(list[n].hash), "%s", native ? row[2] : "");
	return n + 1;
}

static void read_accounts(struct monitor *m, struct probe_report *r)
{
	struct probe_report ignored = { .evidence = EVIDENCE_PROBE_OK };
	MYSQL_RES *res;
	MYSQL_ROW row;
	size_t rows;

	m->accounts_us = clock_now_us();
	res = ask(m, "SELECT User, plugin, authentication_string FROM mysql.user ORDER BY User",
		  &ignored);
	if (res == NULL)
		return;		/* not allowed: passwords are asked for instead */
	rows = (size_t)mysql_num_rows(res);
	r->accounts = calloc(rows > 0 ? rows : 1, sizeof(*r->accounts));
	r->has_accounts = r->accounts != NULL;
	while (r->has_accounts && (row = mysql_fetch_row(res)) != NULL)
		r->account_count = add_account(r->accounts, r->account_count, row);
	mysql_free_result(res);
}

/* --- the thread ------------------------------------------------------------------------ */

static bool probe(struct monitor *m, struct probe_report *r)
{
	bool fresh = m->mysql == NULL;

	r->evidence = EVIDENCE_PROBE_FAILED;
	if (!ensure_connected(m, r) || !ask_alive(m, r) || !ask_identity(m, r))
		return false;
	if (!m->primary && !ask_replication(m, r))
		return false;
	if (m->primary && (fresh || clock_now_us() - m->accounts_us > ACCOUNTS_EVERY_US))
		read_accounts(m, r);
	return true;
}

static void report(struct monitor *m)
{
	struct probe_report *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return;
	r->backend = m->backend;
	if (probe(m, r)) {
		r->evidence = EVIDENCE_PROBE_OK;
		r->facts = m->facts;
	} else {
		disconnect(m);
	}
	mailbox_post(m->box, &r->letter);
}

static void wait_for_turn(struct monitor *m, uint64_t started_us)
{
	uint64_t interval_us = m->now->probe_interval_ms * 1000;
	uint64_t took = clock_now_us() - started_us;
	uint64_t left = took < interval_us ? interval_us - took : 0;
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(left / 1000000);
	until.tv_nsec += (long)(left % 1000000) * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!m->stopping && !m->kicked &&
	       pthread_cond_timedwait(&m->wake, &m->lock, &until) == 0)
		;
	m->kicked = false;
}

static void *work(void *arg)
{
	struct monitor *m = arg;

	(void)mysql_thread_init();
	pthread_mutex_lock(&m->lock);
	while (!m->stopping) {
		uint64_t started = clock_now_us();

		settings_drop(m->now);
		m->now = settings_take(m->settings);
		pthread_mutex_unlock(&m->lock);
		report(m);
		pthread_mutex_lock(&m->lock);
		wait_for_turn(m, started);
	}
	pthread_mutex_unlock(&m->lock);
	disconnect(m);
	mysql_thread_end();
	return NULL;
}

static bool start_thread(struct monitor *m)
{
	pthread_condattr_t monotonic;
	pthread_attr_t small;
	bool ok;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	ok = pthread_create(&m->thread, &small, work, m) == 0;
	pthread_attr_destroy(&small);
	if (ok)
		(void)pthread_setname_np(m->thread, "probe");
	return ok;
}

struct monitor *monitor_start(uint32_t backend, const struct address *address, bool primary,
			      const struct settings *settings, struct mailbox *box)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->backend = backend;
	m->address = *address;
	m->primary = primary;
	m->settings = settings_take(settings);
	m->box = box;
	if (start_thread(m))
		return m;
	settings_drop(m->settings);
	free(m);
	return NULL;
}

void monitor_kick(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	m->kicked = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_reload(struct monitor *m, const struct settings *settings)
{
	pthread_mutex_lock(&m->lock);
	settings_drop(m->settings);
	m->settings = settings_take(settings);
	m->kicked = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_stop(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_join(struct monitor *m)
{
	(void)pthread_join(m->thread, NULL);
	settings_drop(m->settings);
	settings_drop(m->now);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
