/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What statements leave on a connection by name, and take away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/sql/ties.h>

static const struct sql_mode mode;

/* +kind:schema.name for what comes, - for what goes; t(able), l(ock), h(andler), p(repared) */
static const struct {
	const char *sql;
	const char *ties;
} rows[] = {
	{ "CREATE TEMPORARY TABLE a (b INT)", "+t:.a " },
	{ "create or replace temporary table `a b` select 1", "+t:.a b " },
	{ "CREATE TEMPORARY TABLE IF NOT EXISTS s.a LIKE b", "+t:s.a " },
	{ "CREATE TABLE a (b INT)", "" },
	{ "CREATE TEMPORARY SEQUENCE a", "" },
	{ "DROP TABLE a", "-t:.a " },
	{ "DROP TEMPORARY TABLE IF EXISTS a, s.b , c;", "-t:.a -t:s.b -t:.c " },
	{ "DROP TABLES a,b", "-t:.a -t:.b " },
	{ "DROP VIEW a", "" },
	{ "DROP PREPARE p", "-p:.p " },
	{ "DEALLOCATE PREPARE `p`", "-p:.p " },
	{ "PREPARE p FROM 'SELECT 1'", "+p:.p " },
	{ "PREPARE p FROM @x", "+p:.p " },
	{ "EXECUTE p", "" },
	{ "HANDLER t OPEN", "+h:.t " },
	{ "HANDLER s.t OPEN AS x", "+h:.x " },
	{ "HANDLER t OPEN y", "+h:.y " },
	{ "HANDLER x READ FIRST", "" },
	{ "HANDLER x CLOSE", "-h:.x " },
	{ "SELECT GET_LOCK('a', 10)", "+l:.a " },
	{ "SELECT get_lock ('a', -1) AS got;", "+l:.a " },
	{ "DO RELEASE_LOCK('a')", "-l:.a " },
	{ "SELECT RELEASE_LOCK('a') got", "-l:.a " },
	{ "SELECT GET_LOCK(@x, 10)", "" },
	{ "SELECT GET_LOCK('a', 10), 1", "" },
	{ "SELECT GET_LOCK('a', 10) FROM t", "" },
	{ "SELECT GET_LOCK(CONCAT('a', 'b'), 1)", "" },
	{ "SELECT 1", "" },
	{ "DROP TABLE", "" },
	{ "CREATE TEMPORARY TABLE", "" },
	{ "", "" },
};

static char kind_of(enum sql_pin pin)
{
	return pin == SQL_PIN_TEMPORARY_TABLE ? 't' : pin == SQL_PIN_USER_LOCK ? 'l' :
	       pin == SQL_PIN_HANDLER ? 'h' : 'p';
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sql_ties walk = sql_ties_of(span_of(rows[i].sql), &mode);
		struct sql_tie tie;
		char seen[200] = "";

		while (sql_ties_next(&walk, &tie))
			(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
				       "%c%c:%.*s.%.*s ", tie.ends ? '-' : '+', kind_of(tie.pin),
				       (int)tie.schema.len, (const char *)tie.schema.data,
				       (int)tie.name.len, (const char *)tie.name.data);
		if (strcmp(seen, rows[i].ties) != 0)
			fail_msg("%s: %s", rows[i].sql, seen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
