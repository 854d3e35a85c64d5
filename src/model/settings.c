/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of settings, and the life of a set of values; see settings.h. */
#include "setting_kind.h"

#define AT(field) offsetof(struct settings, field)

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    UINT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

const char *const listen_route_names[] = { "split", "read", NULL };

/* Each in the order of its enum. */
static const char *const server_tls_modes[] = { "off", "preferred", "required", NULL };
static const char *const client_tls_modes[] = { "off", "on", "required", NULL };
static const char *const compressions[] = { "off", "zlib", "zstd", NULL };
static const char *const consistencies[] = { "session", "eventual", "primary", NULL };
static const char *const log_formats[] = { "logfmt", "json", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };

static const struct setting table[] = {
	{ "listen", SETTING_LISTEN_LIST, AT(listen), 0, 0,
	  "0.0.0.0:3306 split, 0.0.0.0:3307 read", NULL, 0,
	  "Addresses for clients. Route 'split' sends writes to the primary and reads to "
	  "replicas; 'read' takes reads only, as the mysql-read Service does. An address may "
	  "have a consistency of its own." },

	{ "admin.address", SETTING_ADDRESS, AT(admin_address), 0, 0, "127.0.0.1:9306", NULL, 0,
	  "Address of the status page and of /metrics, /healthz, /readyz and /status.json; "
	  "empty: none." },
	{ "admin.token", SETTING_TEXT, AT(admin_token), 0, 256, "", NULL,
	  SETTING_RELOAD | SETTING_SECRET,
	  "With it as bearer token, the admin address also takes orders: drain or resume a "
	  "server, reload, drain readmux; empty: it takes none." },
	{ "admin.users", SETTING_TEXT, AT(admin_users), 0, 4095, "", NULL, SETTING_RELOAD,
	  "Users who may SHOW READMUX, separated by commas; empty: those with the PROCESS or "
	  "SUPER right on the server." },

	{ "backends.service", SETTING_TEXT, AT(service), 1, 63, "mysql", NULL, 0,
	  "Headless Service of the StatefulSet: its pods are mysql-0.mysql, mysql-1.mysql, "
	  "... and ordinal 0 is the primary." },
	{ "backends.namespace", SETTING_TEXT, AT(namespace), 0, 63, "", NULL, 0,
	  "Kubernetes namespace of that Service; empty: the one that readmux runs in." },
	{ "backends.domain", SETTING_TEXT, AT(domain), 0, 253, "", NULL, 0,
	  "Cluster domain, such as cluster.local; empty: taken from /etc/resolv.conf." },
	{ "backends.port", SETTING_UINT, AT(port), 1, 65535, "3306", NULL, 0,
	  "Port of the MySQL servers." },
	{ "backends.servers", SETTING_ADDRESS_LIST, AT(servers), 0, 0, "", NULL, 0,
	  "Fixed list of servers instead of DNS, as host:port with numeric addresses. The "
	  "first is ordinal 0, the primary." },
	{ "backends.tls", SETTING_CHOICE, AT(backend_tls), 0, 0, "preferred",
	  server_tls_modes, SETTING_RELOAD,
	  "TLS toward the servers; 'preferred' uses it wherever a server offers it." },
	{ "backends.tls_ca", SETTING_TEXT, AT(backend_tls_ca), 0, 4095, "", NULL,
	  SETTING_RELOAD,
	  "PEM file of the authorities that sign the servers' certificates; empty: "
	  "certificates are not verified." },
	{ "backends.tls_verify_name", SETTING_BOOL, AT(backend_tls_verify_name), 0, 1,
	  "off", NULL, SETTING_RELOAD,
	  "A server's certificate must also carry the server's name: the pod's full one, such "
	  "as mysql-0.mysql.shop.svc.cluster.local; of backends.servers the IP address. Needs "
	  "backends.tls_ca." },
	{ "backends.compression", SETTING_CHOICE, AT(backend_compression), 0, 0, "off",
	  compressions, SETTING_RELOAD,
	  "Compression toward the servers, for new connections to those that offer it "
	  "(MariaDB: zlib only)." },
	{ "backends.connect_timeout", SETTING_DURATION, AT(connect_timeout_ms),
	  10, 5 * MINUTE, "2s", NULL, SETTING_RELOAD,
	  "Longest wait for a new server connection: connect, TLS and login together." },
	{ "backends.silence", SETTING_DURATION, AT(silence_ms), 3 * SECOND, 5 * MINUTE, "5s",
	  NULL, SETTING_RELOAD,
	  "When a server is down, or its pod has another address, statements that run there "
	  "end once nothing at all was heard of its machine for so long. A server that "
	  "is only slow answers at the level of TCP. For new connections." },
	{ "backends.balance", SETTING_BALANCE, AT(balance), 0, 0, "p2c", NULL,
	  SETTING_RELOAD,
	  "How a replica is chosen for a read. p2c draws two and takes the one with less "
	  "work in flight and lower latency; the others do what their names say." },

	{ "probe.user", SETTING_TEXT, AT(probe_user), 1, 128, "root", NULL, SETTING_RELOAD,
	  "Account that health probes log in with. It needs REPLICATION CLIENT to see "
	  "replication; it needs to read mysql.user for clients to log in without TLS." },
	{ "probe.password", SETTING_TEXT, AT(probe_password), 0, 256, "", NULL,
	  SETTING_RELOAD | SETTING_SECRET, "Password of probe.user." },
	{ "probe.interval", SETTING_DURATION, AT(probe_interval_ms), 100, HOUR, "1s", NULL,
	  SETTING_RELOAD, "Time between two probes of a server." },
	{ "probe.timeout", SETTING_DURATION, AT(probe_timeout_ms), 10, MINUTE, "1s", NULL,
	  SETTING_RELOAD, "A probe that takes longer has failed." },
	{ "probe.fall", SETTING_UINT, AT(probe_fall), 1, 100, "2", NULL, SETTING_RELOAD,
	  "Failed probes in a row that take a server out." },
	{ "probe.rise", SETTING_UINT, AT(probe_rise), 1, 100, "2", NULL, SETTING_RELOAD,
	  "Good probes in a row that bring a server back." },
	{ "probe.max_lag", SETTING_DURATION, AT(max_lag_ms), 100, 30 * DAY, "10s", NULL,
	  SETTING_RELOAD,
	  "A replica further behind the primary gets no reads, unless it is the last "
	  "one." },
	{ "probe.slow_start", SETTING_DURATION, AT(slow_start_ms), 0, HOUR, "10s", NULL,
	  SETTING_RELOAD,
	  "Time over which the share of a returning replica grows to its full size; 0s: "
	  "none." },

	{ "users", SETTING_USER_LIST, AT(users), 0, 0, "", NULL, SETTING_RELOAD,
	  "Optional: accounts that readmux itself knows, each with name and password, "
	  "password_file or password_hash ('*' and 40 hex digits). Without the list the "
	  "servers decide who may log in. A user may have a consistency of its own, with or "
	  "without a password." },
	{ "workers", SETTING_UINT, AT(workers), 0, 1024, "0", NULL, 0,
	  "Threads for traffic; 0: one per CPU that the process may use." },
	{ "consistency", SETTING_CHOICE, AT(consistency), 0, 0, "session", consistencies,
	  SETTING_RELOAD,
	  "What reads may miss. 'session': a session sees its own writes and never goes back; "
	  "'eventual': reads go to any healthy replica; 'primary': reads go to the primary. "
	  "A listen address, a user, a session or a statement may ask for another." },

	{ "pool.max_connections", SETTING_UINT, AT(pool_max_connections), 0, 100000, "0",
	  NULL, SETTING_RELOAD,
	  "Most server connections to one server; 0: 80 % of its max_connections." },
	{ "pool.idle_timeout", SETTING_DURATION, AT(pool_idle_timeout_ms), SECOND, DAY,
	  "1m", NULL, SETTING_RELOAD,
	  "A server connection that nobody used for this long is closed." },
	{ "pool.share", SETTING_BOOL, AT(pool_share), 0, 1, "on", NULL, SETTING_RELOAD,
	  "Sessions of one user take turns on server connections; 'off': a connection "
	  "serves one session only and is closed with it." },
	{ "pool.trust_routines", SETTING_BOOL, AT(pool_trust_routines), 0, 1, "off", NULL,
	  SETTING_RELOAD,
	  "'on': stored routines leave nothing on their connection that the servers' trackers do "
	  "not report (no GET_LOCK, SET TRANSACTION, SET ROLE, SELECT .. INTO @x; on MariaDB no "
	  "SET @@x), so a session need not stay on its connection to the primary after CALL or a "
	  "stored function." },

	{ "wait.read", SETTING_DURATION, AT(wait_read_ms), 0, HOUR, "5s", NULL,
	  SETTING_RELOAD,
	  "Longest wait of a read for a server; then the client gets an error." },
	{ "wait.write", SETTING_DURATION, AT(wait_write_ms), 0, HOUR, "30s", NULL,
	  SETTING_RELOAD,
	  "Longest wait of a write for the primary; then the client gets an error." },
	{ "wait.max_statements", SETTING_UINT, AT(wait_max_statements), 0, 10000000,
	  "10000", NULL, SETTING_RELOAD,
	  "Most statements that wait at the same time, per worker: for a server, or in line for "
	  "a connection." },
	{ "wait.max_bytes", SETTING_BYTES, AT(wait_max_bytes), 0, 64 * GIB, "64M", NULL,
	  SETTING_RELOAD, "Most bytes of waiting statements, per worker." },

	{ "sessions.max", SETTING_UINT, AT(max_sessions), 1, 10000000, "50000", NULL,
	  SETTING_RELOAD, "Most client connections at the same time." },
	{ "sessions.idle_timeout", SETTING_DURATION, AT(session_idle_timeout_ms), SECOND,
	  365 * DAY, "8h", NULL, SETTING_RELOAD,
	  "A client that sent nothing for this long is disconnected." },
	{ "sessions.max_statement", SETTING_BYTES, AT(max_statement_bytes), KIB, 16 * MIB, "1M",
	  NULL, SETTING_RELOAD,
	  "Longest text that is read to tell reads from writes; a longer statement, and any of "
	  "16 MiB (several packets of the protocol), goes to the primary." },

	{ "login.timeout", SETTING_DURATION, AT(login_timeout_ms), 100, 10 * MINUTE, "10s",
	  NULL, SETTING_RELOAD, "Longest time that a client may take to log in." },
	{ "login.ttl", SETTING_DURATION, AT(login_ttl_ms), SECOND, 30 * DAY, "5m", NULL,
	  SETTING_RELOAD,
	  "A password that readmux has learned is verified at a server again after this." },
	{ "login.failures", SETTING_UINT, AT(login_failures), 1, 1000000, "10", NULL,
	  SETTING_RELOAD,
	  "Failed logins per address and user, within the window, that block further "
	  "ones." },
	{ "login.failure_window", SETTING_DURATION, AT(login_failure_window_ms), SECOND,
	  DAY, "1m", NULL, SETTING_RELOAD,
	  "The window in which failed logins are counted." },

	{ "tls.mode", SETTING_CHOICE, AT(tls), 0, 0, "on", client_tls_modes, SETTING_RELOAD,
	  "TLS toward clients; 'on' lets them choose, 'required' refuses those without." },
	{ "tls.certificate", SETTING_TEXT, AT(tls_certificate), 0, 4095, "", NULL,
	  SETTING_RELOAD,
	  "PEM file with the certificate chain shown to clients; empty: self-signed, "
	  "made at start." },
	{ "tls.key", SETTING_TEXT, AT(tls_key), 0, 4095, "", NULL, SETTING_RELOAD,
	  "PEM file with the private key of tls.certificate." },
	{ "tls.client_ca", SETTING_TEXT, AT(tls_client_ca), 0, 4095, "", NULL,
	  SETTING_RELOAD,
	  "PEM file of the authorities that sign clients' certificates; empty: clients "
	  "need none." },

	{ "log.level", SETTING_CHOICE, AT(log_level), 0, 0, "info", log_levels,
	  SETTING_RELOAD, "Most detailed level that is written." },
	{ "log.format", SETTING_CHOICE, AT(log_format), 0, 0, "logfmt", log_formats,
	  SETTING_RELOAD, "How a line is written: key=value, or a JSON object." },
	{ "log.slow_statement", SETTING_DURATION, AT(log_slow_ms), 0, DAY, "0s", NULL,
	  SETTING_RELOAD,
	  "A statement that takes longer is logged: where it ran, why, and where its time "
	  "went; 0s: none." },
	{ "log.statements", SETTING_BOOL, AT(log_statements), 0, 1, "off", NULL, SETTING_RELOAD,
	  "Every statement is logged like that; for a developer's machine." },
	{ "log.literals", SETTING_BOOL, AT(log_literals), 0, 1, "off", NULL, SETTING_RELOAD,
	  "Statements in the log keep their values; else only their shape is told." },
	{ "debug.reshuffle", SETTING_BOOL, AT(debug_reshuffle), 0, 1, "off", NULL,
	  SETTING_RELOAD,
	  "For tests of readmux: no statement runs on the connection of the one before, "
	  "wherever another may be taken." },
	{ "drain.lameduck", SETTING_DURATION, AT(drain_lameduck_ms), 0, HOUR, "5s", NULL,
	  SETTING_RELOAD,
	  "After SIGTERM new clients are served for this long, until whoever sends them has "
	  "noticed; part of drain.timeout. SIGINT does not wait." },
	{ "drain.handover", SETTING_DURATION, AT(drain_handover_ms), 0, 30 * DAY, "10m", NULL,
	  SETTING_RELOAD,
	  "After SIGUSR2, when a new process serves, sessions of the old one go on for this "
	  "long; then it drains." },
	{ "drain.timeout", SETTING_DURATION, AT(drain_timeout_ms), 0, HOUR, "25s", NULL,
	  SETTING_RELOAD,
	  "After SIGTERM sessions may finish their transactions for this long. Keep it "
	  "below the pod's terminationGracePeriodSeconds." },
};

const struct setting *settings_table(size_t *n)
{
	*n = ARRAY_LEN(table);
	return table;
}

const struct setting *setting_find(struct span path)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (span_is(path, table[i].path))
			return &table[i];
	}
	return NULL;
}

struct settings *settings_new(void)
{
	struct settings *s = calloc(1, sizeof(*s));
	char problem[160];

	if (s == NULL)
		return NULL;
	atomic_init(&s->references, 1);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!setting_store(s, &table[i], span_of(table[i].preset),
				   problem, sizeof(problem))) {
			settings_drop(s);
			return NULL;
		}
	}
	return s;
}

static void clear_row(struct settings *s, const struct setting *row)
{
	char **text = setting_field(s, row);

	if (row->kind == SETTING_TEXT)
		settings_wipe_text(*text);
	else
		settings_clear_list(s, row);
}

void settings_wipe_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

const struct settings *settings_take(const struct settings *s)
{
	struct settings *counted = (struct settings *)s;

	(void)atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
	return s;
}

void settings_drop(const struct settings *s)
{
	struct settings *counted = (struct settings *)s;

	if (counted == NULL ||
	    atomic_fetch_sub_explicit(&counted->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		clear_row(counted, &table[i]);
	free(counted);
}
