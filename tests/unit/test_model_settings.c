/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings table: texts to values, values to texts, names nearly right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/model/settings.h>

static const struct row {
	const char *path;
	const char *text;
	const char *stored;	/* as printed again; NULL: refused */
	const char *words;	/* part of what is said then */
} rows[] = {
	{ "probe.max_lag", "500ms", "500ms", NULL },
	{ "probe.max_lag", "1000ms", "1s", NULL },
	{ "probe.max_lag", "90s", "90s", NULL },
	{ "probe.max_lag", "120s", "2m", NULL },
	{ "probe.max_lag", "2H", "2h", NULL },
	{ "probe.max_lag", "1d", "1d", NULL },
	{ "probe.max_lag", "abc", NULL,
	  "expects a duration such as 1s or 500ms, got 'abc'" },
	{ "probe.max_lag", "10", NULL, "expects a duration" },
	{ "probe.max_lag", "1.5s", NULL, "expects a duration" },
	{ "probe.max_lag", "-1s", NULL, "expects a duration" },
	{ "probe.max_lag", "s", NULL, "expects a duration" },
	{ "probe.max_lag", "", NULL, "got nothing" },
	{ "probe.max_lag", "1ms", NULL, "must be from 100ms to 30d, got '1ms'" },
	{ "probe.max_lag", "31d", NULL, "must be from" },
	{ "probe.max_lag", "18446744073709551615d", NULL, "expects a duration" },
	{ "probe.slow_start", "0", "0s", NULL },
	{ "wait.max_bytes", "64K", "64K", NULL },
	{ "wait.max_bytes", "64k", "64K", NULL },
	{ "wait.max_bytes", "64Mi", "64M", NULL },
	{ "wait.max_bytes", "1024", "1K", NULL },
	{ "wait.max_bytes", "1000", "1000", NULL },
	{ "wait.max_bytes", "0", "0", NULL },
	{ "wait.max_bytes", "1T", NULL, "expects a size such as 64K or 1M, got '1T'" },
	{ "wait.max_bytes", "99999999999G", NULL, "expects a size" },
	{ "backends.port", "3307", "3307", NULL },
	{ "backends.port", "0", NULL, "must be from 1 to 65535, got '0'" },
	{ "backends.port", "65536", NULL, "must be from 1 to 65535" },
	{ "backends.port", "0x1", NULL, "expects a whole number, got '0x1'" },
	{ "backends.tls_verify_name", "Yes", "on", NULL },
	{ "backends.tls_verify_name", "false", "off", NULL },
	{ "backends.tls_verify_name", "1", NULL, "expects on or off, got '1'" },
	{ "backends.tls", "required", "required", NULL },
	{ "backends.tls", "on", NULL, "expects one of off, preferred, required; got 'on'" },
	{ "consistency", "EVENTUAL", "eventual", NULL },
	{ "log.level", "warn", "warn", NULL },
	{ "backends.balance", "round-robin", "round-robin", NULL },
	{ "backends.balance", "best", NULL,
	  "expects one of p2c, round-robin, least-connections, random; got 'best'" },
	{ "backends.service", "db", "db", NULL },
	{ "backends.service", "", NULL, "must not be empty" },
	{ "backends.service",
	  "a234567890123456789012345678901234567890123456789012345678901234", NULL,
	  "is longer than 63 bytes" },
	{ "probe.password", "secret", "***", NULL },
	{ "probe.password", "", "", NULL },
	{ "listen", "127.0.0.1:1", "127.0.0.1:1 split", NULL },
	{ "listen", "0.0.0.0 read,[::1]:7", "0.0.0.0:3306 read, [::1]:7 split", NULL },
	{ "listen", "0.0.0.0 read eventual", "0.0.0.0:3306 read eventual", NULL },
	{ "listen", "0.0.0.0:1  split   primary", "0.0.0.0:1 split primary", NULL },
	{ "listen", "0.0.0.0:1 split sloppy", NULL, "expects consistency session, eventual or "
	  "primary, got 'sloppy'" },
	{ "listen", " ", NULL, "needs at least one address" },
	{ "listen", "localhost:3306", NULL, "expects numeric addresses" },
	{ "listen", "1.2.3.4:3306 both", NULL, "expects route split or read, got 'both'" },
	{ "backends.servers", "10.0.0.1:1, 10.0.0.2:2", "10.0.0.1:1, 10.0.0.2:2", NULL },
	{ "backends.servers", "", "", NULL },
	{ "backends.servers", "10.0.0.1,,10.0.0.2", NULL, "got nothing" },
	{ "users", "app:s:ecret, b:", "app:***, b:***", NULL },
	{ "users", "", "", NULL },
	{ "users", "app", NULL, "expects NAME:PASSWORD" },
	{ "users", ":x", NULL, "expects NAME:PASSWORD" },
	{ "users", "a:b,", "a:***", NULL },
	{ "workers", "12345678901234567890123456789012345678901234567890", NULL, "...'" },
	{ "workers", "\x1b[31m", NULL, "'?[31m'" },
};

static bool refused_rightly(const struct row *row, const char *before, const char *after,
			    const char *problem)
{
	return row->stored == NULL && strstr(problem, row->words) != NULL &&
	       strcmp(before, after) == 0;
}

static bool holds(struct settings *s, const struct row *row)
{
	const struct setting *setting = setting_find(span_of(row->path));
	char before[256], after[256], problem[256] = "";
	bool stored;

	assert_non_null(setting);
	setting_format(s, setting, false, before, sizeof(before));
	stored = setting_store(s, setting, span_of(row->text), problem, sizeof(problem));
	setting_format(s, setting, false, after, sizeof(after));
	if (stored ? row->stored != NULL && strcmp(after, row->stored) == 0 :
	    refused_rightly(row, before, after, problem))
		return true;
	print_error("%s = '%s': now '%s', said '%s'\n", row->path, row->text, after,
		    problem);
	return false;
}

static void test_store_and_format(void **state)
{
	struct settings *s = settings_new();
	unsigned failed = 0;

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		failed += !holds(s, &rows[i]);
	settings_drop(s);
	assert_int_equal(failed, 0);
}

/* Each default is written the way it is printed, and the table is in order. */
static void test_table(void **state)
{
	struct settings *s = settings_new();
	size_t n;
	const struct setting *table = settings_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char text[256];

		setting_format(s, &table[i], false, text, sizeof(text));
		assert_string_equal(text, table[i].preset);
		assert_ptr_equal(setting_find(span_of(table[i].path)), &table[i]);
		assert_true(strlen(table[i].about) > 15);
		setting_describe(&table[i], text, sizeof(text));
		assert_true(strlen(text) > 3);
	}
	settings_drop(s);
}

static void test_nearest(void **state)
{
	static const struct {
		const char *wrong;
		const char *meant;
	} cases[] = {
		{ "prob.user", "probe.user" },
		{ "probe.usr", "probe.user" },
		{ "probe.maxlag", "probe.max_lag" },
		{ "max_lag", "probe.max_lag" },
		{ "pool.max_lag", "probe.max_lag" },
		{ "lisetn", "listen" },
		{ "worker", "workers" },
		{ "backend.service", "backends.service" },
		{ "backends.server", "backends.servers" },
		{ "consistancy", "consistency" },
		{ "tls.cert", "tls.certificate" },
		{ "tls.certficate", "tls.certificate" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(setting_nearest(span_of(cases[i].wrong)),
				    cases[i].meant);
	assert_non_null(setting_nearest(SPAN_NONE));
}

static void test_secrets_can_be_revealed(void **state)
{
	struct settings *s = settings_new();
	const struct setting *row = setting_find(SPAN_LITERAL("users"));
	char text[64];

	(void)state;
	assert_true(setting_store(s, row, SPAN_LITERAL("a:b"), text, sizeof(text)));
	setting_format(s, row, true, text, sizeof(text));
	assert_string_equal(text, "a:b");
	settings_drop(s);
}

/* A list longer than the room is cut, not overrun. */
static void test_long_list(void **state)
{
	struct settings *s = settings_new();
	struct address address;
	char *text = malloc(20);

	(void)state;
	assert_true(address_parse(SPAN_LITERAL("10.0.0.1:3306"), 0, &address));
	for (unsigned i = 0; i < 100; i++)
		assert_true(settings_add_server(s, &address));
	setting_format(s, setting_find(SPAN_LITERAL("backends.servers")), false, text, 20);
	assert_string_equal(text, "10.0.0.1:3306, 10.0");
	free(text);
	settings_drop(s);
}

static void test_references(void **state)
{
	const struct settings *s = settings_new();

	(void)state;
	assert_ptr_equal(settings_take(s), s);
	settings_drop(s);
	assert_string_equal(s->service, "mysql");
	settings_drop(s);
	settings_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_and_format),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_secrets_can_be_revealed),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
