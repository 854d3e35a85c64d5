/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHOW READMUX: which report, and which of its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/sql/report.h>

#define ALL UINT64_MAX

/* <report> is -1 where none is understood; <like> NULL where there is none. */
static const struct {
	const char *sql;
	bool        ours;
	int         report;
	const char *like;
	uint64_t    limit;
} rows[] = {
	{ "SHOW READMUX STATUS", true, REPORT_STATUS, NULL, ALL },
	{ "show full readmux backends;", true, REPORT_BACKENDS, NULL, ALL },
	{ "/* x */ Show ReadMux Sessions -- y", true, REPORT_SESSIONS, NULL, ALL },
	{ "SHOW READMUX STATUS LIKE '%total'", true, REPORT_STATUS, "'%total'", ALL },
	{ "SHOW READMUX STATUS LIKE \"a\"\"b\" LIMIT 5", true, REPORT_STATUS, "\"a\"\"b\"", 5 },
	{ "SHOW READMUX STATEMENTS LIMIT 10", true, REPORT_STATEMENTS, NULL, 10 },
	{ "SHOW READMUX", true, -1, NULL, ALL },
	{ "SHOW READMUX NONSENSE", true, -1, NULL, ALL },
	{ "SHOW READMUX STATUS LIKE", true, -1, NULL, ALL },
	{ "SHOW READMUX STATUS LIKE x", true, -1, NULL, ALL },
	{ "SHOW READMUX STATUS WHERE a = 1", true, -1, NULL, ALL },
	{ "SHOW READMUX STATUS LIMIT -1", true, -1, NULL, ALL },
	{ "SHOW READMUX STATUS; SELECT 1", true, -1, NULL, ALL },
	{ "SHOW READMUX 'STATUS'", true, -1, NULL, ALL },
	{ "SHOW STATUS", false, -1, NULL, ALL },
	{ "SHOW TABLES LIKE 'readmux'", false, -1, NULL, ALL },
	{ "", false, -1, NULL, ALL },
	{ "SHOW", false, -1, NULL, ALL },
};

static void test_rows(void **state)
{
	static const struct sql_mode mode;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sql_show_readmux show;
		enum report report;
		int got = -1;

		if (sql_show_readmux_of(span_of(rows[i].sql), &mode, &show) != rows[i].ours)
			fail_msg("%s: not understood so", rows[i].sql);
		if (rows[i].ours && report_named(show.word, &report))
			got = (int)report;
		if (got != rows[i].report)
			fail_msg("%s: report %d", rows[i].sql, got);
		if (got < 0)
			continue;
		assert_int_equal(show.limit, rows[i].limit);
		assert_int_equal(show.like.data != NULL, rows[i].like != NULL);
		if (rows[i].like != NULL)
			assert_true(span_is(show.like, rows[i].like));
	}
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REPORT_COUNT; i++) {
		enum report report;

		assert_true(report_named(span_of(report_word((enum report)i)), &report));
		assert_int_equal(report, i);
		assert_true(report_about((enum report)i)[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
