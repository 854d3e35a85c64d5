/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readmux dev: a proxy for one developer, on loopback, that prints where statements go.
 *
 * It is the ordinary proxy with other defaults: what the configuration or the environment
 * says about the same settings counts more.
 */
#include <readmux/command/command.h>

#include <readmux/control/config.h>
#include <readmux/control/inspect.h>
#include <readmux/control/proxy.h>
#include <readmux/net/listener.h>

#include <unistd.h>

#define PROBLEM_ROOM   8192u
#define GREET_MS       300u
#define CLIENTS_PORT   4306u	/* the first that is tried */
#define PORTS_TRIED    100u
#define ADMIN_PORT     9306u
#define PLACES_MAX     64u

/* Where servers of a developer's machine usually are. */
static const char *const usual_places[] = {
	"127.0.0.1:3306", "127.0.0.1:3307", "127.0.0.1:3308", "127.0.0.1:3309",
	"127.0.0.1:3310", "127.0.0.1:3311", "127.0.0.1:3312", "127.0.0.1:3313",
	"127.0.0.1:13306", "127.0.0.1:23306", "127.0.0.1:33060",
};

/* The same servers once more, perhaps: only if none of the above answers. */
static const char *const usual_sockets[] = {
	"/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock",
};

struct candidates {
	struct address places[PLACES_MAX];
	bool           read_only[PLACES_MAX];
	size_t         n;
};

static void add_greeting(struct candidates *c, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n && c->n < PLACES_MAX; i++) {
		struct address *at = &c->places[c->n];

		if (address_parse(span_of(texts[i]), 0, at) && inspect_greets(at, GREET_MS))
			c->n++;
	}
}

static bool find_servers(const struct options *options, const struct settings *s,
			 struct candidates *c)
{
	for (size_t i = 0; i < options->word_count; i++) {
		if (address_parse(span_of(options->words[i]), (uint16_t)s->port,
				  &c->places[c->n++]))
			continue;
		(void)fprintf(stderr, "readmux: '%s' is no server; write numeric addresses such "
			      "as 127.0.0.1:3306, or the path of a socket\n",
			      options->words[i]);
		return false;
	}
	for (size_t i = 0; c->n == 0 && i < s->server_count; i++)
		c->places[c->n++] = s->servers[i];
	if (c->n == 0)
		add_greeting(c, usual_places, ARRAY_LEN(usual_places));
	if (c->n == 0)
		add_greeting(c, usual_sockets, ARRAY_LEN(usual_sockets));
	if (c->n == 0)
		(void)fputs("readmux: no MySQL server answers at the usual ports and sockets of "
			    "this machine; start one, or name it: readmux dev 127.0.0.1:PORT\n",
			    stderr);
	return c->n > 0;
}

/* Every server can be asked, and the one that takes writes comes first. */
static bool ask_servers(struct candidates *c, const struct settings *s)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < c->n; i++) {
		struct inspected_place place;
		struct inspection seen;
		bool good;

		address_format(&c->places[i], text, sizeof(text));
		inspected_place_at(&place, (unsigned)i, &c->places[i]);
		good = inspect_server(&place, false, NULL, 0, s, &seen) &&
		       seen.probe.evidence == EVIDENCE_PROBE_OK;
		if (!good)
			(void)fprintf(stderr, "readmux: %s cannot be asked as '%s' (%s); set "
				      "READMUX_PROBE_USER and READMUX_PROBE_PASSWORD to an account "
				      "of it\n", text, s->probe_user, seen.probe.words);
		c->read_only[i] = seen.probe.facts.read_only;
		inspection_free(&seen);
		if (!good)
			return false;
	}
	for (size_t i = 1; i < c->n && c->read_only[0]; i++) {
		struct address writable = c->places[i];

		if (c->read_only[i])
			continue;
		c->places[i] = c->places[0];
		c->places[0] = writable;
		c->read_only[i] = true;
		c->read_only[0] = false;
	}
	return true;
}

/* --- settings of its own ------------------------------------------------------------------- */

static bool is_free(unsigned port)
{
	struct address at;
	char text[32];
	int fd;

	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	if (!address_parse(span_of(text), 0, &at))
		return false;
	fd = listener_socket(&at, 1);
	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

/* 0: all are taken. */
static unsigned free_port(unsigned first)
{
	for (unsigned port = first; port < first + PORTS_TRIED; port++)
		if (is_free(port))
			return port;
	return 0;
}

static void join_servers(const struct candidates *c, char *out, size_t room)
{
	size_t len = (size_t)snprintf(out, room, "READMUX_BACKENDS_SERVERS=");

	for (size_t i = 0; i < c->n && len < room; i++) {
		char text[ADDRESS_TEXT_MAX];

		address_format(&c->places[i], text, sizeof(text));
		len += (size_t)snprintf(out + len, room - len, "%s%s", i > 0 ? "," : "", text);
	}
}

/* The settings of a developer's proxy; NULL: said on stderr what is wrong. */
static struct settings *dev_settings(const struct options *options, const struct candidates *c)
{
	char listen[80], admin[80], servers[PLACES_MAX * ADDRESS_TEXT_MAX];
	char problem[PROBLEM_ROOM];
	char *own[] = { listen, admin, (char[]){ "READMUX_LOG_STATEMENTS=on" },
			(char[]){ "READMUX_LOG_LITERALS=on" } };
	size_t n = 0;
	char **all;
	struct settings *s;

	(void)snprintf(listen, sizeof(listen), "READMUX_LISTEN=127.0.0.1:%u",
		       free_port(CLIENTS_PORT));
	(void)snprintf(admin, sizeof(admin), "READMUX_ADMIN_ADDRESS=127.0.0.1:%u",
		       free_port(ADMIN_PORT));
	join_servers(c, servers, sizeof(servers));
	while (environ[n] != NULL)
		n++;
	all = calloc(ARRAY_LEN(own) + n + 2, sizeof(*all));
	if (all == NULL) {
		(void)fputs("readmux: out of memory\n", stderr);
		return NULL;
	}
	memcpy(all, own, sizeof(own));
	memcpy(all + ARRAY_LEN(own), environ, n * sizeof(*all));
	all[ARRAY_LEN(own) + n] = servers;
	s = config_load(options->config_path, all, problem, sizeof(problem));
	if (s == NULL)
		(void)fputs(problem, stderr);
	free(all);
	return s;
}

static void greet_developer(const struct settings *s)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < s->server_count; i++) {
		address_format(&s->servers[i], text, sizeof(text));
		(void)printf("%s %s\n", i == 0 ? "primary" : "replica", text);
	}
	address_format_host(&s->listen[0].address, text, sizeof(text));
	(void)printf("clients: mariadb --host=%s --port=%u\n", text,
		     address_port(&s->listen[0].address));
	if (s->admin_address.len > 0) {
		address_format(&s->admin_address, text, sizeof(text));
		(void)printf("status:  http://%s/\n", text);
	}
	(void)printf("Ctrl-C ends it.  Each statement and where it goes:\n");
	(void)fflush(stdout);
}

int command_dev(const struct options *options, const struct settings *settings)
{
	struct candidates c = { .n = 0 };
	struct settings *s;
	int status;

	if (!find_servers(options, settings, &c) || !ask_servers(&c, settings))
		return EXIT_FAILURE;
	s = dev_settings(options, &c);
	if (s == NULL)
		return EXIT_FAILURE;
	atomic_store(&log_threshold, (int)s->log_level);
	atomic_store(&log_json, s->log_format == LOG_FORMAT_JSON);
	greet_developer(s);
	status = proxy_run(s, options->config_path);
	settings_drop(s);
	return status;
}
