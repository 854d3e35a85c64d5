/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection ids in texts: whom KILL means, and which columns are an id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/sql/connection.h>

static const struct sql_mode mode;

static const struct {
	const char     *sql;
	bool            understood;
	struct sql_kill kill;
} kills[] = {
	{ "KILL 5", true, { false, false, 5 } },
	{ "kill connection 77;", true, { false, false, 77 } },
	{ "KILL QUERY 1073741825", true, { true, false, 1073741825 } },
	{ "/* x */ KILL HARD QUERY 4 -- y", true, { true, false, 4 } },
	{ "KILL SOFT 4", true, { false, false, 4 } },
	{ "KILL CONNECTION_ID()", true, { false, true, 0 } },
	{ "KILL QUERY connection_id ( )", true, { true, true, 0 } },
	{ "KILL 0", false, { 0 } },
	{ "KILL", false, { 0 } },
	{ "KILL 5 6", false, { 0 } },
	{ "KILL 5; SELECT 1", false, { 0 } },
	{ "KILL -5", false, { 0 } },
	{ "KILL 1 + 1", false, { 0 } },
	{ "KILL @x", false, { 0 } },
	{ "KILL USER joe", false, { 0 } },
	{ "KILL QUERY ID 5", false, { 0 } },
	{ "SELECT 5", false, { 0 } },
	{ "", false, { 0 } },
	{ "KILL '", false, { 0 } },
};

static void test_kill(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kills); i++) {
		struct sql_kill k;
		bool understood = sql_kill_of(span_of(kills[i].sql), &mode, &k);

		if (understood != kills[i].understood)
			fail_msg("%s: understood: %d", kills[i].sql, understood);
		if (!understood)
			continue;
		assert_int_equal(k.query_only, kills[i].kill.query_only);
		assert_int_equal(k.self, kills[i].kill.self);
		assert_int_equal(k.id, kills[i].kill.id);
	}
}

static const struct {
	const char *sql;
	uint64_t    columns;
} selects[] = {
	{ "SELECT CONNECTION_ID()", 1 },
	{ "select connection_id() ;", 1 },
	{ "SELECT CONNECTION_ID() AS id", 1 },
	{ "SELECT CONNECTION_ID() id, 1", 1 },
	{ "SELECT 1, CONNECTION_ID(), NOW(), @@pseudo_thread_id", 2 | 8 },
	{ "SELECT @@session.pseudo_thread_id `x`", 1 },
	{ "SELECT CONCAT('a', 'b'), CONNECTION_ID()", 2 },
	{ "SELECT 'connection_id()'", 0 },
	{ "SELECT CONNECTION_ID() + 1", 0 },
	{ "SELECT (CONNECTION_ID())", 0 },
	{ "SELECT CONNECTION_ID() = 5, CONNECTION_ID()", 2 },
	{ "SELECT CONNECTION_ID() FROM t", 0 },
	{ "SELECT 1, CONNECTION_ID() UNION SELECT 2, 3", 0 },
	{ "SELECT *, CONNECTION_ID() FROM t", 0 },
	{ "SELECT CONNECTION_ID(); SELECT 1", 0 },
	{ "SELECT DISTINCT CONNECTION_ID()", 0 },
	{ "SELECT CONNECTION_ID() LIMIT 1", 0 },
	{ "INSERT INTO t VALUES (CONNECTION_ID())", 0 },
	{ "SELECT ", 0 },
	{ "", 0 },
};

static void test_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(selects); i++) {
		uint64_t columns = sql_connection_id_columns(span_of(selects[i].sql), &mode);

		if (columns != selects[i].columns)
			fail_msg("%s: %llx", selects[i].sql, (unsigned long long)columns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
