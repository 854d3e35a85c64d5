/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom KILL means, and which columns a session can fill in itself. */
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

/* <values>: one letter a column; - another value.  "" = not of this kind. */
static const struct {
	const char *sql;
	const char *values;
} selects[] = {
	{ "SELECT CONNECTION_ID()", "c" },
	{ "select connection_id() ;", "c" },
	{ "SELECT CONNECTION_ID() AS id", "c" },
	{ "SELECT CONNECTION_ID() id, 1", "c-" },
	{ "SELECT 1, CONNECTION_ID(), NOW(), @@pseudo_thread_id", "-c-c" },
	{ "SELECT @@session.pseudo_thread_id `x`", "c" },
	{ "SELECT CONCAT('a', 'b'), CONNECTION_ID()", "-c" },
	{ "SELECT ROW_COUNT(), FOUND_ROWS(), LAST_INSERT_ID()", "rfi" },
	{ "SELECT @@identity, @@last_insert_id, @@warning_count, @@error_count", "iiwe" },
	{ "SELECT @@local.warning_count", "w" },
	{ "SELECT (SELECT 1), ROW_COUNT()", "-r" },
	{ "SELECT @@sql_mode, ROW_COUNT()", "-r" },
	{ "SELECT LAST_INSERT_ID(5)", "" },
	{ "SELECT ROW_COUNT() > 0, FOUND_ROWS()", "" },
	{ "SELECT IF(ROW_COUNT(), 1, 2), FOUND_ROWS()", "" },
	{ "SELECT 'connection_id()'", "" },
	{ "SELECT CONNECTION_ID() + 1", "" },
	{ "SELECT (CONNECTION_ID())", "" },
	{ "SELECT CONNECTION_ID() = 5, CONNECTION_ID()", "" },
	{ "SELECT CONNECTION_ID() FROM t", "" },
	{ "SELECT 1, CONNECTION_ID() UNION SELECT 2, 3", "" },
	{ "SELECT *, CONNECTION_ID() FROM t", "" },
	{ "SELECT CONNECTION_ID(); SELECT 1", "" },
	{ "SELECT DISTINCT CONNECTION_ID()", "" },
	{ "SELECT CONNECTION_ID() LIMIT 1", "" },
	{ "SELECT CONNECTION_ID() INTO @x", "" },
	{ "INSERT INTO t VALUES (CONNECTION_ID())", "" },
	{ "SELECT 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,ROW_COUNT()", "---------------r" },
	{ "SELECT 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,ROW_COUNT()", "" },
	{ "SELECT 1", "" },
	{ "SELECT ", "" },
	{ "", "" },
};

static void test_columns(void **state)
{
	static const char letters[] = "-crfiwe";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(selects); i++) {
		struct sql_session_columns columns;
		char seen[SQL_SESSION_COLUMNS_MAX + 1] = "";

		sql_session_columns_of(span_of(selects[i].sql), &mode, &columns);
		for (unsigned k = 0; k < columns.n; k++)
			seen[k] = letters[columns.value[k]];
		if (strcmp(seen, selects[i].values) != 0)
			fail_msg("%s: %s", selects[i].sql, seen);
	}
}

/* c(onsistency) or p(osition), each with the name of its column */
static const struct {
	const char *sql;
	const char *columns;
} asked[] = {
	{ "SELECT @@readmux_position", "p:@@readmux_position " },
	{ "select @@session.READMUX_position , @@readmux_consistency as c ;",
	  "p:@@session.READMUX_position c:c " },
	{ "SELECT @@readmux_position 'where'", "p:where " },
	{ "SELECT @@readmux_nothing", "" },
	{ "SELECT @@readmux_position, 1", "" },
	{ "SELECT @@readmux_position FROM t", "" },
	{ "SELECT @@readmux_position + 1", "" },
	{ "SELECT @@readmux_position; SELECT 1", "" },
	{ "SELECT @readmux_position", "" },
	{ "SELECT @@", "" },
	{ "SELECT", "" },
	{ "", "" },
};

static void test_readmux_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct sql_readmux_columns columns;
		char seen[200] = "";
		bool known = sql_readmux_columns_of(span_of(asked[i].sql), &mode, &columns);

		for (unsigned k = 0; known && k < columns.n; k++)
			(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%c:%.*s ",
				       "cp"[columns.column[k].variable],
				       (int)columns.column[k].name.len,
				       (const char *)columns.column[k].name.data);
		if (strcmp(seen, asked[i].columns) != 0)
			fail_msg("%s: %s", asked[i].sql, seen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_readmux_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
