/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every setting, one row each: where it stands in the YAML file, its type,
 * range, default, whether a reload changes it, and what it is for.  The parser,
 * --print-config, --help, conf/readmux.yaml and doc/SETTINGS.md come from the table.
 *
 * A struct settings is immutable once loaded and counted; a reload makes a new
 * one.  Durations are in milliseconds.
 */
#ifndef READMUX_MODEL_SETTINGS_H
#define READMUX_MODEL_SETTINGS_H

#include <readmux/base/address.h>
#include <readmux/base/log.h>
#include <readmux/model/balance.h>
#include <readmux/model/route.h>

#include <stdatomic.h>

enum tls_client_mode { TLS_CLIENT_OFF, TLS_CLIENT_ON, TLS_CLIENT_REQUIRED };
enum compression_mode { COMPRESSION_OFF, COMPRESSION_ZLIB, COMPRESSION_ZSTD };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum tls_server_mode { TLS_SERVER_OFF, TLS_SERVER_PREFERRED, TLS_SERVER_REQUIRED };

struct listen_setting {
	struct address    address;
	enum listen_route route;
	enum sql_consistency consistency;	/* of its sessions; UNSET = as everywhere */
};

struct user_setting {
	char *name;
	char *password;		/* NULL: not given */
	char *password_hash;	/* "*2470..." (mysql_native_password); NULL: not given */
	enum sql_consistency consistency;	/* of its sessions; UNSET = as everywhere */
};

struct settings {
	_Atomic uint32_t references;

	struct listen_setting *listen;
	size_t                 listen_count;

	/* admin: */
	struct address  admin_address;	/* no family: off */
	char           *admin_token;	/* secret; "" = nobody may change anything */
	char           *admin_users;	/* "a, b"; "" = whom the server lets see others' sessions */

	/* backends: */
	char           *service;
	char           *namespace;
	char           *domain;		/* cluster domain: "cluster.local"; "" = from resolv.conf */
	uint64_t        port;
	struct address *servers;	/* fixed list; empty = discovery by DNS */
	size_t          server_count;
	enum tls_server_mode backend_tls;
	char           *backend_tls_ca;	/* "" = certificates are not verified */
	bool            backend_tls_verify_name;
	enum compression_mode backend_compression;
	uint64_t        connect_timeout_ms;
	uint64_t        silence_ms;
	const struct balance_policy *balance;

	/* probe: */
	char           *probe_user;
	char           *probe_password;	/* secret; also password_file */
	uint64_t        probe_interval_ms;
	uint64_t        probe_timeout_ms;
	uint64_t        probe_fall;
	uint64_t        probe_rise;
	uint64_t        max_lag_ms;
	uint64_t        slow_start_ms;

	/* users: */
	struct user_setting *users;
	size_t               user_count;

	uint64_t         workers;	/* 0 = one per CPU the process may use */
	enum consistency consistency;

	/* pool: */
	bool     pool_trust_routines;	/* they leave nothing behind that trackers do not report */
	uint64_t pool_max_connections;	/* per backend, all workers; 0 = 80 % of the server's max_connections */
	uint64_t pool_idle_timeout_ms;
	bool     pool_share;

	/* wait: */
	uint64_t wait_read_ms;
	uint64_t wait_write_ms;
	uint64_t wait_max_statements;	/* per worker */
	uint64_t wait_max_bytes;	/* per worker */

	/* sessions: */
	uint64_t max_sessions;		/* whole process */
	uint64_t session_idle_timeout_ms;
	uint64_t login_timeout_ms;
	uint64_t login_ttl_ms;		/* learned passwords are asked again at a server after this */
	uint64_t login_failures;	/* per address and user within the window */
	uint64_t login_failure_window_ms;
	uint64_t max_statement_bytes;	/* longest text that is read for classification */

	/* tls: (toward clients) */
	enum tls_client_mode tls;
	char *tls_certificate;
	char *tls_key;
	char *tls_client_ca;

	/* log: */
	enum log_level log_level;
	enum log_format log_format;
	uint64_t log_slow_ms;		/* 0 = slow statements are not told */
	bool     log_statements;	/* tell every one */
	bool     log_literals;

	/* debug: */
	bool debug_reshuffle;

	/* drain: */
	uint64_t drain_lameduck_ms;
	uint64_t drain_handover_ms;
	uint64_t drain_timeout_ms;
};

enum setting_kind {
	SETTING_UINT, SETTING_DURATION, SETTING_BYTES, SETTING_BOOL, SETTING_TEXT,
	SETTING_CHOICE, SETTING_BALANCE, SETTING_ADDRESS,
	SETTING_LISTEN_LIST, SETTING_ADDRESS_LIST, SETTING_USER_LIST,
	SETTING_KIND_COUNT,
};

enum setting_flag {
	SETTING_RELOAD = 1u << 0,	/* SIGHUP changes it; others need a restart */
	SETTING_SECRET = 1u << 1,	/* printed as ***; also accepted as <name>_file */
};

struct setting {
	const char        *path;	/* "probe.max_lag" */
	enum setting_kind  kind;
	size_t             offset;	/* in struct settings */
	uint64_t           min, max;	/* numbers, durations (ms), bytes; length of a text */
	const char        *preset;	/* default, as it would be written in the file */
	const char *const *choices;	/* SETTING_CHOICE: NULL-terminated; value = index */
	unsigned           flags;
	const char        *about;
};

/* All rows; <n> is set. */
const struct setting *settings_table(size_t *n);

/* The row with <path>, or NULL. */
const struct setting *setting_find(struct span path);

/* The existing path nearest to <path> in spelling; never NULL. */
const char *setting_nearest(struct span path);

/* Every setting at its default, one reference.  NULL: no memory. */
struct settings *settings_new(void);

/*
 * Store the text <value> (as in the file or an environment variable).  A list is
 * comma-separated: "0.0.0.0:3306 split, 0.0.0.0:3307 read"; "10.0.0.1:3306, 10.0.0.2";
 * "app:secret, report:secret2".  False: words into <problem>, nothing changed.
 */
RMX_MUST_CHECK
bool setting_store(struct settings *s, const struct setting *row, struct span value,
		   char *problem, size_t room);

/*
 * Value of a row as text that setting_store() would take; secrets that are not empty
 * as "***" unless <reveal>.  Text of a list that does not fit is cut.
 */
void setting_format(const struct settings *s, const struct setting *row, bool reveal,
		    char *out, size_t room);

/*
 * What a row takes, in words: "a duration such as 1s or 500ms, 100ms to 1h", "one of
 * off, on, required".
 */
void setting_describe(const struct setting *row, char *out, size_t room);

/* Empty a list row, and add one entry to a list (copied).  False: no memory. */
void settings_clear_list(struct settings *s, const struct setting *row);
RMX_MUST_CHECK
bool settings_add_listen(struct settings *s, const struct listen_setting *entry);
RMX_MUST_CHECK
bool settings_add_server(struct settings *s, const struct address *entry);
RMX_MUST_CHECK
bool settings_add_user(struct settings *s, const struct user_setting *entry);

/* Wipe and free a secret; NULL is allowed. */
void settings_wipe_text(char *text);

/* "split" and "read", in the order of enum listen_route; NULL-terminated. */
extern const char *const listen_route_names[];

const struct settings *settings_take(const struct settings *s);
void settings_drop(const struct settings *s);	/* wipes secrets when it was the last */

#endif
