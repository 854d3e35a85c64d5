/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which users of the primary have one native password hash, whatever host they
 * come from; see probe.h.  With it a client is verified without asking a server.
 *
 * Left out, so that a server decides: users with several different hashes or
 * other plugins, without password, locked or expired.
 */
#include "probe.h"

#include <readmux/base/clock.h>

#define EVERY_US 10000000u

/* Columns: user, plugin, hash, and 1 when the account must not be used. */
static const char mariadb_sql[] =
	"SELECT User, JSON_VALUE(Priv, '$.plugin'), "
	"JSON_VALUE(Priv, '$.authentication_string'), "
	"JSON_EXISTS(Priv, '$.auth_or') "
	"OR COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) "
	"OR COALESCE(JSON_VALUE(Priv, '$.password_last_changed') = 0, 0) "
	"FROM mysql.global_priv "
	"WHERE NOT COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) ORDER BY User";
static const char mysql_sql[] =
	"SELECT User, plugin, authentication_string, "
	"account_locked = 'Y' OR password_expired = 'Y' FROM mysql.user ORDER BY User";
static const char older_mariadb_sql[] =
	"SELECT User, IF(plugin = '', 'mysql_native_password', plugin), "
	"IF(authentication_string = '', Password, authentication_string), "
	"password_expired = 'Y' FROM mysql.user WHERE is_role = 'N' ORDER BY User";

/* The hash that this row alone would give its user; "" for none. */
static const char *hash_of(MYSQL_ROW row)
{
	bool native = row[1] != NULL && strcmp(row[1], "mysql_native_password") == 0;
	bool barred = row[3] == NULL || strcmp(row[3], "0") != 0;

	return native && !barred && row[2] != NULL && row[2][0] == '*' ? row[2] : "";
}

/* Rows come sorted by user: those of one user stand together. */
static size_t add_account(struct account_hash *list, size_t n, MYSQL_ROW row)
{
	struct account_hash *last = n > 0 ? &list[n - 1] : NULL;
	const char *hash = hash_of(row);

	if (row[0] == NULL || row[0][0] == '\0')
		return n;
	if (last != NULL && strcmp(last->user, row[0]) == 0) {
		if (strcmp(last->hash, hash) != 0)
			last->hash[0] = '\0';	/* it depends on the host */
		return n;
	}
	(void)snprintf(list[n].user, sizeof(list[n].user), "%s", row[0]);
	(void)snprintf(list[n].hash, sizeof(list[n].hash), "%s", hash);
	return n + 1;
}

static MYSQL_RES *ask_for_accounts(struct probe *p)
{
	MYSQL_RES *res;

	if (!p->facts.mariadb)
		return probe_ask(p, mysql_sql);
	res = probe_ask(p, mariadb_sql);
	if (res == NULL && mysql_errno(p->mysql) == 1146)	/* before 10.4 */
		res = probe_ask(p, older_mariadb_sql);
	return res;
}

void probe_accounts(struct probe *p, struct probe_report *report)
{
	uint64_t now = clock_now_us();
	MYSQL_RES *res;
	MYSQL_ROW row;
	size_t rows;

	if (p->accounts_us != 0 && now - p->accounts_us < EVERY_US)
		return;
	p->accounts_us = now;
	p->deadline_us = now + p->settings->probe_timeout_ms * 1000;
	res = ask_for_accounts(p);
	if (res == NULL)
		return;		/* not allowed: passwords are asked for instead */
	rows = (size_t)mysql_num_rows(res);
	report->accounts = calloc(size_max(rows, 1), sizeof(*report->accounts));
	report->has_accounts = report->accounts != NULL;
	while (report->has_accounts && (row = mysql_fetch_row(res)) != NULL)
		report->account_count = add_account(report->accounts, report->account_count,
						    row);
	mysql_free_result(res);
}
