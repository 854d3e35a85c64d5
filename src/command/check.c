/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readmux check: what of these servers would hurt behind readmux, in words.
 *
 * Every check is one row of a table; it looks at one server, and at the primary where it
 * compares.  What it finds is one of: bad (answers would be wrong or missing), poor (it works,
 * but less well), note.
 */
#include <readmux/command/command.h>

#include <readmux/control/inspect.h>
#include <readmux/wire/protocol.h>

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>

#define WORDS_MAX    400u
#define CLOCK_SKEW_S 1.0	/* more than this between two servers is told */
#define SPARE        10u	/* connections of a server that are not readmux's to take */

enum variable {
	VAR_LOG_BIN, VAR_GTID_MODE, VAR_READ_ONLY, VAR_SUPER_READ_ONLY, VAR_SERVER_ID,
	VAR_SERVER_UUID, VAR_REQUIRE_SECURE_TRANSPORT, VAR_SYNC_BINLOG, VAR_FLUSH_LOG,
	/* those that sessions start with or that name tables: they have to be equal */
	VAR_SQL_MODE, VAR_TIME_ZONE, VAR_SYSTEM_TIME_ZONE, VAR_CHARACTER_SET, VAR_COLLATION,
	VAR_LOWER_CASE, VAR_ISOLATION, VAR_ISOLATION_MYSQL, VAR_MAX_ALLOWED_PACKET,
	VAR_COUNT
};
#define VAR_EQUAL_FIRST VAR_SQL_MODE
#define VAR_EQUAL_LAST  VAR_ISOLATION_MYSQL

static const char *const variables[VAR_COUNT] = {
	[VAR_LOG_BIN] = "log_bin",
	[VAR_GTID_MODE] = "gtid_mode",
	[VAR_READ_ONLY] = "read_only",
	[VAR_SUPER_READ_ONLY] = "super_read_only",
	[VAR_SERVER_ID] = "server_id",
	[VAR_SERVER_UUID] = "server_uuid",
	[VAR_REQUIRE_SECURE_TRANSPORT] = "require_secure_transport",
	[VAR_SYNC_BINLOG] = "sync_binlog",
	[VAR_FLUSH_LOG] = "innodb_flush_log_at_trx_commit",
	[VAR_SQL_MODE] = "sql_mode",
	[VAR_TIME_ZONE] = "time_zone",
	[VAR_SYSTEM_TIME_ZONE] = "system_time_zone",
	[VAR_CHARACTER_SET] = "character_set_server",
	[VAR_COLLATION] = "collation_server",
	[VAR_LOWER_CASE] = "lower_case_table_names",
	[VAR_ISOLATION] = "tx_isolation",
	[VAR_ISOLATION_MYSQL] = "transaction_isolation",
	[VAR_MAX_ALLOWED_PACKET] = "max_allowed_packet",
};

enum severity { BAD, POOR, NOTE, SEVERITIES };

static const char *const severity_names[SEVERITIES] = { "bad", "poor", "note" };

struct server {
	unsigned          ordinal;
	char              name[64];
	char              address[ADDRESS_TEXT_MAX];
	bool              reached;
	struct inspection seen;
};

struct checking {
	const struct settings *settings;
	struct server         *servers;
	size_t                 n;
	json_t                *findings;
	unsigned               counts[SEVERITIES];
	const char            *check;	/* under way */
};

/* --- findings ------------------------------------------------------------------------- */

__attribute__((format(printf, 5, 6)))
static void find(struct checking *c, enum severity severity, const struct server *s,
		 const char *remedy, const char *format, ...)
{
	char words[WORDS_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	for (char *p = words; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	c->counts[severity]++;
	(void)json_array_append_new(c->findings, json_pack("{s:s, s:s, s:s?, s:s, s:s}",
		"severity", severity_names[severity], "check", c->check,
		"server", s != NULL ? s->name : NULL, "words", words, "remedy", remedy));
}

static const char *value_of(const struct server *s, enum variable v)
{
	return s->seen.values[v];
}

static bool is_on(const char *value)
{
	return strcasecmp(value, "ON") == 0 || strcmp(value, "1") == 0;
}

static const struct server_facts *facts_of(const struct server *s)
{
	return &s->seen.probe.facts;
}

static bool is_primary(const struct server *s)
{
	return s->ordinal == 0;
}

/* NULL: there is none, or it could not be asked. */
static const struct server *primary_of(const struct checking *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_primary(&c->servers[i]) && c->servers[i].reached)
			return &c->servers[i];
	return NULL;
}

/* --- the checks ------------------------------------------------------------------------- */

static void check_role(struct checking *c, const struct server *s)
{
	bool read_only = facts_of(s)->read_only;

	if (is_primary(s) && read_only)
		find(c, BAD, s, "SET GLOBAL read_only=OFF there, or put the right server first",
		     "it is the primary, but read-only: writes would wait and then fail");
	if (!is_primary(s) && !read_only)
		find(c, BAD, s, "SET GLOBAL read_only=ON there (on MySQL super_read_only=ON)",
		     "it is a replica, but takes writes: anybody who connects to it directly can "
		     "make its data differ");
	if (!is_primary(s) && read_only && value_of(s, VAR_SUPER_READ_ONLY)[0] != '\0' &&
	    !is_on(value_of(s, VAR_SUPER_READ_ONLY)))
		find(c, POOR, s, "SET GLOBAL super_read_only=ON there",
		     "read_only is on, but super_read_only is off: accounts with SUPER or "
		     "CONNECTION_ADMIN can still write there");
}

static void check_replication(struct checking *c, const struct server *s)
{
	const struct probe_report *r = &s->seen.probe;
	bool known = r->lag_state == LAG_KNOWN;

	if (is_primary(s))
		return;
	if (r->lag_state == LAG_STOPPED)
		find(c, BAD, s, "look at SHOW REPLICA STATUS there and start replication",
		     "replication does not run: %s", r->replication);
	if (r->lag_state == LAG_UNKNOWN)
		find(c, POOR, s, "let the primary be reached from there",
		     "its replication receiver is not connected to the primary");
	if (known && r->lag_ms > c->settings->max_lag_ms)
		find(c, BAD, s, "find out what holds its applier up, or raise probe.max_lag",
		     "it is %" PRIu32 " s behind, more than probe.max_lag: it would get no reads",
		     r->lag_ms / 1000);
	else if (known && r->lag_ms > 1000)
		find(c, NOTE, s, "more applier threads help (replica_parallel_workers, "
		     "slave_parallel_threads)",
		     "it is %" PRIu32 " s behind: sessions that have written wait for it or read "
		     "from the primary", r->lag_ms / 1000);
}

static void check_grants(struct checking *c, const struct server *s)
{
	bool mariadb = facts_of(s)->mariadb;

	if (!is_primary(s) && s->seen.probe.lag_state == LAG_SECRET)
		find(c, POOR, s, mariadb ? "GRANT REPLICA MONITOR ON *.* TO the probe account" :
		     "GRANT REPLICATION CLIENT ON *.* TO the probe account",
		     "the probe account '%s' may not ask for the state of replication: lag stays "
		     "unknown, and a replica that has stopped is used all the same",
		     c->settings->probe_user);
	if (is_primary(s) && !s->seen.probe.has_accounts)
		find(c, NOTE, s, mariadb ? "GRANT SELECT ON mysql.global_priv TO the probe account "
		     "spares that" : "GRANT SELECT ON mysql.user TO the probe account spares that",
		     "the probe account '%s' may not read the account table: clients are asked "
		     "for their password itself, over TLS or encrypted",
		     c->settings->probe_user);
}

/* MySQL only: MariaDB always counts what it applies. */
static void check_replica_positions(struct checking *c, const struct server *s)
{
	const char *mode = value_of(s, VAR_GTID_MODE);
	const struct server *primary = primary_of(c);

	if (mode[0] != '\0' && !is_on(mode) && primary != NULL && facts_of(primary)->gtid)
		find(c, POOR, s, "set gtid_mode=ON there, as on the primary",
		     "its gtid_mode is %s: a session that has written cannot wait for it, and "
		     "reads from the primary instead", mode);
}

static void check_positions(struct checking *c, const struct server *s)
{
	if (!is_primary(s)) {
		check_replica_positions(c, s);
		return;
	}
	if (!is_on(value_of(s, VAR_LOG_BIN)))
		find(c, BAD, s, "set log_bin in its configuration and restart it",
		     "it writes no binary log: nothing can replicate from it");
	else if (!facts_of(s)->gtid)
		find(c, POOR, s, "turn on GTIDs: gtid_mode=ON with enforce_gtid_consistency=ON",
		     "it has no GTIDs: after a write, a session reads from the primary for a "
		     "while, as nothing tells when a replica has that write");
	if (strcmp(value_of(s, VAR_SYNC_BINLOG), "1") != 0 ||
	    strcmp(value_of(s, VAR_FLUSH_LOG), "1") != 0)
		find(c, NOTE, s, "sync_binlog=1 and innodb_flush_log_at_trx_commit=1 prevent that",
		     "after a power failure it may have lost writes that it had acknowledged, or "
		     "that replicas have (sync_binlog=%s, innodb_flush_log_at_trx_commit=%s)",
		     value_of(s, VAR_SYNC_BINLOG), value_of(s, VAR_FLUSH_LOG));
}

static void check_trackers(struct checking *c, const struct server *s)
{
	if ((facts_of(s)->capabilities & CLIENT_SESSION_TRACK) == 0)
		find(c, BAD, s, "use MySQL 5.7 or MariaDB 10.2 or later",
		     "it has no session trackers: what a session sets cannot be followed");
}

static void check_connections(struct checking *c, const struct server *s)
{
	uint64_t pool = c->settings->pool_max_connections, room = facts_of(s)->max_connections;

	if (pool + SPARE > room && pool > 0)
		find(c, BAD, s, "raise max_connections there, or lower pool.max_connections",
		     "it takes %" PRIu64 " connections, and pool.max_connections is %" PRIu64
		     ": under load, logins and statements would fail with error 1040", room, pool);
	else if (pool == 0 && room < 50)
		find(c, POOR, s, "raise max_connections there",
		     "it takes %" PRIu64 " connections only; readmux uses 80 %% of them, and each "
		     "further readmux the same", room);
}

static void check_transport(struct checking *c, const struct server *s)
{
	bool has_tls = (facts_of(s)->capabilities & CLIENT_SSL) != 0;

	if (c->settings->backend_tls == TLS_SERVER_REQUIRED && !has_tls)
		find(c, BAD, s, "give it a certificate, or set backends.tls to preferred",
		     "backends.tls is required, but it offers no TLS");
	if (c->settings->backend_tls == TLS_SERVER_OFF &&
	    is_on(value_of(s, VAR_REQUIRE_SECURE_TRANSPORT)))
		find(c, BAD, s, "set backends.tls to preferred or required",
		     "it refuses connections without TLS, and backends.tls is off");
}

/* What accounts log in with that does not simply work. */
static const struct {
	const char   *plugin;
	enum severity severity;
	const char   *words, *remedy;
} plugins[] = {
	{ "mysql_clear_password", NOTE, "sends passwords in clear: clients need TLS to readmux, "
	  "and readmux needs it to the servers", "set tls.mode and backends.tls to required" },
	{ "pam", POOR, "asks for passwords in clear: clients need TLS to readmux, and readmux "
	  "needs it to the servers", "set pam_use_cleartext_plugin=ON there, and tls.mode and "
	  "backends.tls to required" },
	{ "authentication_pam", POOR, "asks for passwords in clear: clients need TLS to readmux, "
	  "and readmux needs it to the servers", "set tls.mode and backends.tls to required" },
	{ "authentication_ldap_simple", POOR, "asks for passwords in clear: clients need TLS to "
	  "readmux, and readmux needs it to the servers",
	  "set tls.mode and backends.tls to required" },
	{ "ed25519", BAD, "is one that readmux does not have",
	  "use mysql_native_password for accounts that go through readmux" },
	{ "parsec", BAD, "is one that readmux does not have",
	  "use mysql_native_password for accounts that go through readmux" },
	{ "gssapi", BAD, "is one that readmux does not have",
	  "use mysql_native_password for accounts that go through readmux" },
	{ "mysql_old_password", BAD, "is one that readmux does not have",
	  "give the accounts new passwords" },
	{ "authentication_ldap_sasl", BAD, "is one that readmux does not have",
	  "use caching_sha2_password for accounts that go through readmux" },
	{ "authentication_kerberos", BAD, "is one that readmux does not have",
	  "use caching_sha2_password for accounts that go through readmux" },
	{ "authentication_webauthn", BAD, "is one that readmux does not have",
	  "use caching_sha2_password for accounts that go through readmux" },
	{ "authentication_openid_connect", BAD, "is one that readmux does not have",
	  "use caching_sha2_password for accounts that go through readmux" },
};

static void check_accounts(struct checking *c, const struct server *s)
{
	for (size_t i = 0; i < s->seen.plugin_count; i++) {
		const struct inspected_plugin *p = &s->seen.plugins[i];

		for (size_t k = 0; k < ARRAY_LEN(plugins); k++) {
			if (strcmp(p->name, plugins[k].plugin) == 0)
				find(c, plugins[k].severity, s, plugins[k].remedy,
				     "%u account%s ('%s'%s) log%s in with %s, which %s",
				     p->accounts, p->accounts == 1 ? "" : "s", p->user,
				     p->accounts == 1 ? "" : " and others",
				     p->accounts == 1 ? "s" : "", p->name, plugins[k].words);
		}
	}
}

static void check_clock(struct checking *c, const struct server *s)
{
	const struct server *primary = primary_of(c);
	double ahead;

	if (primary == NULL || primary == s || !s->seen.clock_known ||
	    !primary->seen.clock_known)
		return;
	ahead = s->seen.clock_ahead_s - primary->seen.clock_ahead_s;
	if (fabs(ahead) > CLOCK_SKEW_S)
		find(c, POOR, s, "let NTP or chrony set the clocks",
		     "its clock is %.1f s %s the primary's: NOW() jumps between statements",
		     fabs(ahead), ahead > 0 ? "ahead of" : "behind");
}

static void check_identity(struct checking *c, const struct server *s)
{
	for (const struct server *other = c->servers; other < s; other++) {
		if (!other->reached)
			continue;
		if (value_of(s, VAR_SERVER_UUID)[0] != '\0' &&
		    strcmp(value_of(s, VAR_SERVER_UUID), value_of(other, VAR_SERVER_UUID)) == 0)
			find(c, BAD, s, "remove auto.cnf from its data directory and restart it, "
			     "or name each server once",
			     "it has the server_uuid of %s: it is the same server, or a copy",
			     other->name);
		else if (facts_of(s)->server_id == facts_of(other)->server_id)
			find(c, BAD, s, "give each server a server_id of its own",
			     "it has the server_id of %s, %s", other->name,
			     value_of(s, VAR_SERVER_ID));
	}
}

static void check_equal(struct checking *c, const struct server *s)
{
	const struct server *primary = primary_of(c);

	if (primary == NULL || primary == s)
		return;
	for (unsigned v = VAR_EQUAL_FIRST; v <= VAR_EQUAL_LAST; v++) {
		const char *here = value_of(s, v), *there = value_of(primary, v);

		if (strcmp(here, there) != 0 && here[0] != '\0' && there[0] != '\0')
			find(c, BAD, s, "configure all servers alike",
			     "%s is %s here and %s on the primary: statements mean another thing "
			     "here", variables[v], here, there);
	}
	if (facts_of(s)->max_allowed_packet < facts_of(primary)->max_allowed_packet)
		find(c, POOR, s, "configure all servers alike",
		     "max_allowed_packet is %" PRIu32 " here and %" PRIu32 " on the primary: what "
		     "the primary takes can fail here", facts_of(s)->max_allowed_packet,
		     facts_of(primary)->max_allowed_packet);
	if (facts_of(s)->mariadb != facts_of(primary)->mariadb)
		find(c, BAD, s, "use one product for all",
		     "it is %s, and the primary %s", facts_of(s)->mariadb ? "MariaDB" : "MySQL",
		     facts_of(primary)->mariadb ? "MariaDB" : "MySQL");
	else if (facts_of(s)->version < facts_of(primary)->version)
		find(c, POOR, s, "upgrade replicas before their primary",
		     "it is older (%s) than the primary (%s): it may not know what the primary "
		     "sends", server_version(facts_of(s)),
		     server_version(facts_of(primary)));
}

typedef void check_fn(struct checking *c, const struct server *s);

static const struct {
	const char *name;
	check_fn   *check;
} checks[] = {
	{ "role", check_role },
	{ "replication", check_replication },
	{ "grants", check_grants },
	{ "positions", check_positions },
	{ "trackers", check_trackers },
	{ "connections", check_connections },
	{ "transport", check_transport },
	{ "accounts", check_accounts },
	{ "clock", check_clock },
	{ "identity", check_identity },
	{ "equality", check_equal },
};

/* --- all of it ----------------------------------------------------------------------------- */

static void find_unreached(struct checking *c, const struct server *s)
{
	c->check = "reach";
	if (s->seen.probe.evidence == EVIDENCE_MISCONFIGURED)
		find(c, BAD, s, "create the account of probe.user there, or set probe.user and "
		     "probe.password", "%s", s->seen.probe.words);
	else
		find(c, BAD, s, "start it, or correct its address", "%s", s->seen.probe.words);
}

static void find_all(struct checking *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!c->servers[i].reached)
			find_unreached(c, &c->servers[i]);
		for (size_t k = 0; k < ARRAY_LEN(checks) && c->servers[i].reached; k++) {
			c->check = checks[k].name;
			checks[k].check(c, &c->servers[i]);
		}
	}
	c->check = "reach";
	if (c->n > 0 && !is_primary(&c->servers[0]))
		find(c, BAD, NULL, "start the pod with ordinal 0",
		     "there is no primary among the servers: nothing can be written");
	if (c->n == 1)
		find(c, POOR, NULL, "add a replica", "there is no replica: the primary serves all "
		     "reads, and nothing does while it is away");
}

static void inspect(struct checking *c, const struct inspected_place *place, struct server *s)
{
	s->ordinal = place->ordinal;
	(void)snprintf(s->name, sizeof(s->name), "%.48s-%u", c->settings->service,
		       place->ordinal);
	address_format(&place->address, s->address, sizeof(s->address));
	s->reached = inspect_server(place, is_primary(s), variables, VAR_COUNT,
				    c->settings, &s->seen) &&
		     s->seen.probe.evidence == EVIDENCE_PROBE_OK;
}

static void print_server(const struct server *s)
{
	const struct server_facts *f = facts_of(s);

	if (s->reached)
		(void)printf("%s at %s: %s, %s %s, server_id %" PRIu32 ", host %s\n", s->name,
			     s->address, is_primary(s) ? "primary" : "replica",
			     f->mariadb ? "MariaDB" : "MySQL", server_version(f), f->server_id,
			     f->hostname);
	else
		(void)printf("%s at %s: %s, not reached\n", s->name, s->address,
			     is_primary(s) ? "primary" : "replica");
}

static void print_finding(const json_t *finding)
{
	const char *server = json_string_value(json_object_get(finding, "server"));

	(void)printf("%-5s %s%s%s\n      -> %s\n",
		     json_string_value(json_object_get(finding, "severity")),
		     server != NULL ? server : "", server != NULL ? ": " : "",
		     json_string_value(json_object_get(finding, "words")),
		     json_string_value(json_object_get(finding, "remedy")));
}

/* The worst first. */
static void print_words(const struct checking *c)
{
	size_t i;
	json_t *finding;

	for (size_t k = 0; k < c->n; k++)
		print_server(&c->servers[k]);
	(void)putchar('\n');
	for (unsigned severity = BAD; severity < SEVERITIES; severity++) {
		json_array_foreach(c->findings, i, finding) {
			const json_t *is = json_object_get(finding, "severity");

			if (strcmp(json_string_value(is), severity_names[severity]) == 0)
				print_finding(finding);
		}
	}
	if (json_array_size(c->findings) == 0)
		(void)printf("good: nothing was found that would hurt.\n");
	else
		(void)printf("%s: %u bad, %u poor, %u to note.\n", c->counts[BAD] > 0 ? "bad" :
			     "good", c->counts[BAD], c->counts[POOR], c->counts[NOTE]);
}

static json_t *servers_json(const struct checking *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->n; i++) {
		const struct server *s = &c->servers[i];

		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:b, s:s}", "name",
			s->name, "address", s->address, "role", is_primary(s) ? "primary" :
			"replica", "reached", s->reached, "version",
			s->reached ? server_version(facts_of(s)) : ""));
	}
	return all;
}

static void print_json(const struct checking *c)
{
	json_t *all = json_pack("{s:b, s:o, s:O}", "good", c->counts[BAD] == 0, "servers",
				servers_json(c), "findings", c->findings);

	(void)json_dumpf(all, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(all);
}

/* Those named, or all of the configuration.  False: said on stderr what is wrong. */
static bool choose_places(const struct options *options, const struct settings *settings,
			  struct inspected_place *places, size_t *n)
{
	for (size_t i = 0; i < options->word_count; i++) {
		struct address at;

		if (address_parse(span_of(options->words[i]), (uint16_t)settings->port, &at)) {
			inspected_place_at(&places[i], (unsigned)i, &at);
			continue;
		}
		(void)fprintf(stderr, "readmux: '%s' is no server; write numeric addresses such "
			      "as 10.0.0.1:3306, the primary first\n", options->words[i]);
		return false;
	}
	*n = options->word_count > 0 ? options->word_count : inspect_places(settings, places);
	if (*n > 0)
		return true;
	(void)fprintf(stderr, "readmux: DNS knows no pod of the Service '%s'; name the servers "
		      "(readmux check 10.0.0.1:3306 ...), or set backends.servers, or "
		      "backends.service and backends.namespace\n", settings->service);
	return false;
}

int command_check(const struct options *options, const struct settings *settings)
{
	struct inspected_place places[DISCOVERY_PODS_MAX];
	struct checking c = { .settings = settings };

	if (!choose_places(options, settings, places, &c.n))
		return EXIT_FAILURE;
	c.findings = json_array();
	c.servers = calloc(c.n, sizeof(*c.servers));
	if (c.servers == NULL || c.findings == NULL) {
		(void)fputs("readmux: out of memory\n", stderr);
		return EXIT_FAILURE;	/* and with it, all of it is given back */
	}
	for (size_t i = 0; i < c.n; i++)
		inspect(&c, &places[i], &c.servers[i]);
	find_all(&c);
	if (options->json)
		print_json(&c);
	else
		print_words(&c);
	for (size_t i = 0; i < c.n; i++)
		inspection_free(&c.servers[i].seen);
	free(c.servers);
	json_decref(c.findings);
	return c.counts[BAD] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
