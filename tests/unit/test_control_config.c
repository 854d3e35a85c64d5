/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration loader: good texts, every kind of error, the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/control/config.h>

#include <unistd.h>

#define HASH "*2470C0C06DEE42FD1618BBB99005ADCA2EC9D1E0"

/* What a good text leaves in one setting, as setting_format() reveals it. */
static const struct {
	const char *text;
	const char *path;
	const char *value;
} good[] = {
	{ "", "probe.user", "root" },
	{ "# nothing\n", "workers", "0" },
	{ "---\n", "workers", "0" },
	{ "workers: 4", "workers", "4" },
	{ "\xef\xbb\xbfworkers: 4", "workers", "4" },
	{ "workers: 4\r\nconsistency: eventual\r\n", "consistency", "eventual" },
	{ "{workers: 4}", "workers", "4" },
	{ "probe: {max_lag: 5s, user: 'it''s'}", "probe.user", "it's" },
	{ "probe:\n  max_lag: 5s\n", "probe.max_lag", "5s" },
	{ "probe:\n  # all commented out\nworkers: 2\n", "workers", "2" },
	{ "probe.max_lag: 5s", "probe.max_lag", "5s" },
	{ "probe: {password: }", "probe.password", "" },
	{ "probe: {password: ~}", "probe.password", "" },
	{ "probe: {password: 'null'}", "probe.password", "null" },
	{ "probe: {password: \"a\\tb\"}", "probe.password", "a\tb" },
	{ "tls: {mode: off}", "tls.mode", "off" },
	{ "backends: {servers: ['10.0.0.1:1', \"[::1]:2\"]}", "backends.servers",
	  "10.0.0.1:1, [::1]:2" },
	{ "backends: {servers: [10.0.0.1, 10.0.0.2:9], port: 3307}", "backends.servers",
	  "10.0.0.1:3307, 10.0.0.2:9" },
	{ "backends: {servers: []}", "backends.servers", "" },
	{ "listen: [{address: '127.0.0.1:1'}]", "listen", "127.0.0.1:1 split" },
	{ "listen:\n- address: '[::]:1'\n  route: read\n", "listen", "[::]:1 read" },
	{ "listen: [{address: '127.0.0.1:1', consistency: eventual}]", "listen",
	  "127.0.0.1:1 split eventual" },
	{ "users: [{name: report, consistency: eventual}]", "users", "report:*** eventual" },
	{ "users: [{name: a, password: b, consistency: primary}]", "users", "a:b primary" },
	{ "users: [{name: a, password: 'x,y'}, {name: b, password: ''}]", "users",
	  "a:x,y, b:" },
	{ "users: [{name: a, password_hash: '" HASH "'}]", "users", "a:***" },
	{ "users: &u [{name: a, password: b}]\n", "users", "a:b" },
};

/* What a bad text is answered with: all of the lines. */
static const struct {
	const char *text;
	const char *problem;
} bad[] = {
	{ "prob: {user: x}",
	  "t:1:8: unknown setting 'prob.user'; did you mean 'probe.user'?\n" },
	{ "probe:\n  usr: x\n",
	  "t:2:3: unknown setting 'probe.usr'; did you mean 'probe.user'?\n" },
	{ "prob: 3", "t:1:1: unknown setting 'prob'; did you mean 'probe.user'?\n" },
	{ "probe: {colour: {a: b}}",
	  "t:1:9: unknown setting 'probe.colour'; did you mean 'probe.user'?\n" },
	{ "backends: {port_file: x}",
	  "t:1:12: unknown setting 'backends.port_file'; did you mean 'backends.port'?\n" },
	{ "probe: {max_lag: abc}",
	  "t:1:18: probe.max_lag expects a duration such as 1s or 500ms, got 'abc'\n" },
	{ "workers: 4096\npool: {idle_timeout: 5}\n",
	  "t:1:10: workers must be from 0 to 1024, got '4096'\n"
	  "t:2:22: pool.idle_timeout expects a duration such as 1s or 500ms, got '5'\n" },
	{ "workers: 1\nworkers: 2\n",
	  "t:2:1: 'workers' is given twice; the first is on line 1\n" },
	{ "probe: {fall: 1}\nprobe: {rise: 1}\n",
	  "t:2:1: 'probe' is given twice; the first is on line 1\n" },
	{ "probe: {fall: 1}\nprobe.fall: 1\n",
	  "t:2:1: 'probe.fall' is given twice; the first is on line 1\n" },
	{ "probe: {password: x, password_file: /x}",
	  "t:1:22: 'probe.password' is given twice; the first is on line 1\n" },
	{ "probe: {password_file: /nonexistent/x}",
	  "t:1:24: probe.password_file cannot be read from '/nonexistent/x': "
	  "No such file or directory\n" },
	{ "probe: {password_file: /dev/zero}",
	  "t:1:24: probe.password_file cannot be read from '/dev/zero': "
	  "not a regular file\n" },
	{ "probe: {password: \"a\\0b\"}", "t:1:19: probe.password contains a zero byte\n" },
	{ "workers: [1]", "t:1:10: workers expects a single value, got a list\n" },
	{ "workers: {a: 1}", "t:1:10: workers expects a single value, got a mapping\n" },
	{ "probe: 7",
	  "t:1:8: probe is a section and expects settings in it, got a single value\n" },
	{ "- a", "t:1:1: expects settings such as 'workers: 4', got a list\n" },
	{ "hello", "t:1:1: expects settings such as 'workers: 4', got a single value\n" },
	{ "[a]: b", "t:1:1: expects the name of a setting\n" },
	{ "workers: 1\n---\nworkers: 2\n",
	  "t:3:1: a second YAML document begins here; there must be one only\n" },
	{ "workers: 1\n... x", "t:2:5: did not find expected <document start>\n" },
	{ "probe:\n\tuser: x\n",
	  "t:2:1: YAML does not allow tabs at the start of a line\n" },
	{ "probe: {user: x\nlog: 3",
	  "t:2:4: did not find expected ',' or '}' (while parsing a flow mapping from line "
	  "1)\n" },
	{ "a: 'x", "t:1:6: found unexpected end of stream "
	  "(while scanning a quoted scalar from line 1)\n" },
	{ "# x\nlog: \"\xff\"\n", "t:2:7: invalid leading UTF-8 octet\n" },
	{ "listen: []", "t:1:1: listen needs at least one address\n" },
	{ "listen: 1", "t:1:9: listen expects a list, got a single value\n" },
	{ "listen: [a]",
	  "t:1:10: expects an entry such as {address: ...}, got a single value\n" },
	{ "listen: [{adress: x}]",
	  "t:1:11: unknown key 'adress'; an entry has address, route, consistency\n" },
	{ "listen: [{route: read}]", "t:1:10: this entry has no 'address'\n" },
	{ "listen: [{address: 'h:1'}]", "t:1:20: expects a numeric address such as "
	  "10.0.0.1:3306 or [::1]:3306, got 'h:1'\n" },
	{ "listen: [{address: 1.1.1.1, route: x}]",
	  "t:1:36: route expects one of split, read; got 'x'\n" },
	{ "listen: [{address: 1.1.1.1, consistency: x}]",
	  "t:1:42: consistency expects one of session, eventual, primary; got 'x'\n" },
	{ "users: [{name: a}]",
	  "t:1:16: user 'a' needs exactly one of password, password_file and "
	  "password_hash\n" },
	{ "listen: [{address: 1.1.1.1, address: 1.1.1.1}]",
	  "t:1:29: 'address' is given twice\n" },
	{ "listen: [{address: [x]}]",
	  "t:1:20: address expects a single value, got a list\n" },
	{ "listen: [{address: 1.1.1.1}, {address: 1.1.1.1}]",
	  "t:1:1: listen has the same address twice\n" },
	{ "backends: {servers: [1.1.1.1, 1.1.1.1:3306]}",
	  "t:1:12: backends.servers has the same server twice\n" },
	{ "backends: {servers: [[]]}", "t:1:22: expects a numeric address such as "
	  "10.0.0.1:3306 or [::1]:3306, got ''\n" },
	{ "users: [{name: a}]", "t:1:16: user 'a' needs exactly one of password, "
	  "password_file and password_hash\n" },
	{ "users: [{name: a, password: x, password_file: y}]", "t:1:16: user 'a' needs "
	  "exactly one of password, password_file and password_hash\n" },
	{ "users: [{name: '', password: x}]", "t:1:16: name must not be empty\n" },
	{ "users: [{name: a, password: x}, {name: a, password: y}]",
	  "t:1:40: user 'a' is listed twice\n" },
	{ "users: [{name: a, password_hash: zz}]", "t:1:34: password_hash expects '*' and "
	  "40 hex digits, as PASSWORD() gives\n" },
	{ "users: [{name: a, password: \"a\\0b\"}]",
	  "t:1:29: password contains a zero byte\n" },
	{ "a: &a [*a]\nusers: *a\n",
	  "t:1:1: unknown setting 'a'; did you mean 'sessions.max'?\n"
	  "t:1:4: expects an entry such as {name: ...}, got a list\n" },
	{ "probe: &p {probe: *p}",
	  "t:1:12: unknown setting 'probe.probe'; did you mean 'probe.rise'?\n" },
	{ "tls: {certificate: /x}", "t:1:7: tls.certificate needs tls.key\n"
	  "t:1:7: tls.certificate: cannot read '/x': No such file or directory\n" },
	{ "tls: {client_ca: /dev/null}", "t:1:7: tls.client_ca needs tls.mode: required, "
	  "or a client without TLS goes round it\n" },
	{ "backends: {tls_verify_name: on}",
	  "t:1:12: backends.tls_verify_name needs backends.tls_ca\n" },
	{ "backends: {tls_ca: /dev/null, tls: off}",
	  "t:1:12: backends.tls_ca is given, but backends.tls is off\n" },
};

static struct settings *load(const char *text, char *const *environment, char *problem,
			     size_t room)
{
	return config_load_text("t", span_of(text), environment, problem, room);
}

static void test_good(void **state)
{
	char problem[1024], value[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct settings *s = load(good[i].text, NULL, problem, sizeof(problem));

		if (s == NULL)
			fail_msg("'%s': %s", good[i].text, problem);
		setting_format(s, setting_find(span_of(good[i].path)), true, value,
			       sizeof(value));
		assert_string_equal(value, good[i].value);
		settings_drop(s);
	}
}

static void test_bad(void **state)
{
	char problem[1024];
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct settings *s = load(bad[i].text, NULL, problem, sizeof(problem));

		if (s == NULL && strcmp(problem, bad[i].problem) == 0)
			continue;
		print_error("'%s': %s\n", bad[i].text, s == NULL ? problem : "loaded");
		settings_drop(s);
		failed++;
	}
	assert_int_equal(failed, 0);
}

/* One variable, what it changes, or what is said. */
static const struct {
	const char *variable;
	const char *path;	/* NULL: refused */
	const char *words;	/* value, or problem */
} variables[] = {
	{ "READMUX_PROBE_MAX_LAG=7s", "probe.max_lag", "7s" },
	{ "READMUX_WORKERS=3", "workers", "3" },
	{ "READMUX_TLS_MODE=off", "tls.mode", "off" },
	{ "READMUX_BACKENDS_SERVERS=10.0.0.1,10.0.0.2:9", "backends.servers",
	  "10.0.0.1:3306, 10.0.0.2:9" },
	{ "READMUX_LISTEN=127.0.0.1:1 read", "listen", "127.0.0.1:1 read" },
	{ "READMUX_USERS=a:b=c", "users", "a:b=c" },
	{ "READMUX_PROBE_PASSWORD=", "probe.password", "" },
	{ "READMUXED=1", "workers", "8" },
	{ "READMUX_WITHOUT_VALUE", "workers", "8" },
	/* what Kubernetes injects */
	{ "READMUX_SERVICE_HOST=10.96.0.7", "workers", "8" },
	{ "READMUX_SERVICE_PORT=3306", "workers", "8" },
	{ "READMUX_SERVICE_PORT_MYSQL=3306", "workers", "8" },
	{ "READMUX_PORT=tcp://10.96.0.7:3306", "workers", "8" },
	{ "READMUX_PORT_3306_TCP=tcp://10.96.0.7:3306", "workers", "8" },
	{ "READMUX_PORT_3306_TCP_ADDR=10.96.0.7", "workers", "8" },
	{ "READMUX_PORT_3306_TCP_PORT=3306", "workers", "8" },
	{ "READMUX_PORT_3306_TCP_PROTO=tcp", "workers", "8" },
	{ "READMUX_READ_SERVICE_HOST=10.96.0.8", "workers", "8" },
	{ "READMUX_READ_PORT_3307_TCP=tcp://10.96.0.8:3307", "workers", "8" },
	{ "READMUX_BACKENDS_PORT=tcp://10.96.0.9:1", "backends.port", "3306" },
	{ "READMUX_BACKENDS_PORT=3308", "backends.port", "3308" },
	/* what is not understood */
	{ "READMUX_PROB_USER=x", NULL,
	  "unknown environment variable READMUX_PROB_USER; did you mean "
	  "READMUX_PROBE_USER?\n" },
	{ "READMUX_WORKER=1", NULL,
	  "unknown environment variable READMUX_WORKER; did you mean READMUX_WORKERS?\n" },
	{ "READMUX_PORT=3307", NULL,
	  "unknown environment variable READMUX_PORT; did you mean "
	  "READMUX_BACKENDS_PORT?\n" },
	{ "READMUX_WORKERS_FILE=/x", NULL,
	  "unknown environment variable READMUX_WORKERS_FILE; did you mean "
	  "READMUX_WORKERS?\n" },
	{ "READMUX_WORKERS=many", NULL,
	  "READMUX_WORKERS expects a whole number, got 'many'\n" },
	{ "READMUX_PROBE_PASSWORD_FILE=/nonexistent", NULL,
	  "READMUX_PROBE_PASSWORD_FILE: cannot be read from '/nonexistent': "
	  "No such file or directory\n" },
	{ "READMUX_LISTEN=", NULL, "READMUX_LISTEN needs at least one address\n" },
};

static void test_environment(void **state)
{
	char problem[1024];
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		char *const environment[] = { (char *)variables[i].variable, NULL };
		struct settings *s = load("workers: 8", environment, problem,
					  sizeof(problem));

		if (s != NULL && variables[i].path != NULL)
			setting_format(s, setting_find(span_of(variables[i].path)), true,
				       problem, sizeof(problem));
		if ((s != NULL) != (variables[i].path != NULL) ||
		    strcmp(problem, variables[i].words) != 0) {
			print_error("%s: '%s'\n", variables[i].variable, problem);
			failed++;
		}
		settings_drop(s);
	}
	assert_int_equal(failed, 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_secret_files(void **state)
{
	static const struct {
		const char *content;
		const char *password;	/* NULL: refused */
	} cases[] = {
		{ "secret", "secret" }, { "secret\n", "secret" },
		{ "secret\r\n", "secret" },
		{ " a b \n", " a b " }, { "", "" }, { "a\nb\n", NULL }, { "a\n\n", NULL },
	};
	char path[] = "/tmp/readmux-secret-XXXXXX", text[128], problem[512];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	(void)snprintf(text, sizeof(text), "probe: {password_file: %s}\n"
		       "users: [{name: a, password_file: %s}]", path, path);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings *s;

		write_file(path, cases[i].content);
		s = load(text, NULL, problem, sizeof(problem));
		assert_int_equal(s != NULL, cases[i].password != NULL);
		if (s != NULL) {
			assert_string_equal(s->probe_password, cases[i].password);
			assert_string_equal(s->users[0].password, cases[i].password);
		}
		settings_drop(s);
	}
	(void)unlink(path);
}

/* A secret is not shown when it is wrong, nor when settings are printed. */
static void test_secrets_stay_secret(void **state)
{
	char problem[512], text[512] = "probe: {password: hunter2", *printed;
	size_t len;
	struct settings *s;
	FILE *out;

	(void)state;
	memset(text + strlen(text), '2', 300);
	(void)snprintf(text + 325, sizeof(text) - 325, "}");
	assert_null(load(text, NULL, problem, sizeof(problem)));
	assert_null(strstr(problem, "hunter2"));
	s = load("probe: {password: hunter2}\nusers: [{name: a, password: hunter3}]", NULL,
		 problem, sizeof(problem));
	out = open_memstream(&printed, &len);
	config_print(out, s);
	(void)fclose(out);
	assert_null(strstr(printed, "hunter"));
	assert_non_null(strstr(printed, "password: \"***\""));
	free(printed);
	settings_drop(s);
}

/* Many errors in little room. */
static void test_many_errors(void **state)
{
	char text[4096], problem[4096], *small = malloc(100);
	size_t len = 0, lines = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "nothing%u: 1\n",
					i);
	assert_null(load(text, NULL, problem, sizeof(problem)));
	for (const char *p = problem; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 21);
	assert_non_null(strstr(problem, "t: and 80 more errors\n"));
	assert_null(load(text, NULL, small, 100));
	assert_int_equal(strlen(small), 99);
	assert_int_equal(small[98], '\n');
	free(small);
}

/* What config_print() writes is read back as the same settings. */
static void test_round_trip(void **state)
{
	static const char text[] =
		"listen: [{address: '[::1]:33', route: read}]\n"
		"backends: {servers: ['10.0.0.1:1'], service: \"a\\\"b\\\\c\\x07\", "
		"balance: random}\n"
		"probe: {max_lag: 90s}\nwait: {max_bytes: 1500}\ntls: {mode: off}\n";
	char problem[1024], *first, *second;
	size_t len;
	struct settings *s = load(text, NULL, problem, sizeof(problem));
	FILE *out = open_memstream(&first, &len);

	(void)state;
	assert_non_null(s);
	config_print(out, s);
	(void)fclose(out);
	settings_drop(s);
	s = load(first, NULL, problem, sizeof(problem));
	assert_non_null(s);
	out = open_memstream(&second, &len);
	config_print(out, s);
	(void)fclose(out);
	assert_string_equal(first, second);
	settings_drop(s);
	free(first);
	free(second);
}

static void test_load_from_file(void **state)
{
	char problem[256];
	struct settings *s = config_load(NULL, NULL, problem, sizeof(problem));

	(void)state;
	assert_non_null(s);
	settings_drop(s);
	assert_null(config_load("/nonexistent/x", NULL, problem, sizeof(problem)));
	assert_string_equal(problem, "/nonexistent/x: No such file or directory\n");
	assert_null(config_load("/dev/zero", NULL, problem, sizeof(problem)));
	assert_string_equal(problem, "/dev/zero: File too large\n");
}

/* The committed file holds the defaults and nothing else. */
static void test_template_is_default(void **state)
{
	const char *top = getenv("top_srcdir");
	char path[4096], problem[1024], a[256], b[256];
	struct settings *loaded, *fresh = settings_new();
	size_t n;
	const struct setting *rows = settings_table(&n);

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/conf/readmux.yaml", top != NULL ? top : ".");
	loaded = config_load(path, NULL, problem, sizeof(problem));
	if (loaded == NULL)
		fail_msg("%s", problem);
	for (size_t i = 0; i < n; i++) {
		setting_format(loaded, &rows[i], true, a, sizeof(a));
		setting_format(fresh, &rows[i], true, b, sizeof(b));
		assert_string_equal(a, b);
	}
	settings_drop(loaded);
	settings_drop(fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_secret_files),
		cmocka_unit_test(test_secrets_stay_secret),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_load_from_file),
		cmocka_unit_test(test_template_is_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
