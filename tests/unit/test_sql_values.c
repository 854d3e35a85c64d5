/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts with the session's values in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include <readmux/sql/values.h>

static const struct sql_mode mode = { .mariadb = true, .server_version = 101119 };

/*
 * In <then>, <R> is what stands for ROW_COUNT() when it is -1, <F> for FOUND_ROWS() when it is 3,
 * <C> for CONNECTION_ID() when it is 7, <W> for @@warning_count when it is 2.  NULL: as it was.
 */
static const struct {
	const char *sql;
	const char *then;
	unsigned    numbers;
} rows[] = {
	/* values */
	{ "SET @n=FOUND_ROWS()", "SET @n=<F>", 1 },
	{ "SET @n := ROW_COUNT(), @m = CONNECTION_ID()", "SET @n := <R>, @m = <C>", 1 },
	{ "SET @a = @@warning_count", "SET @a = <W>", 0 },
	{ "SET @@pseudo_thread_id = 5", NULL, 0 },
	{ "SET @a = 1, @@warning_count = 5", NULL, 0 },
	{ "DO ROW_COUNT()", "DO <R>", 1 },
	{ "INSERT INTO t VALUES (ROW_COUNT(), CONNECTION_ID())", "INSERT INTO t VALUES (<R>, <C>)", 1 },
	{ "INSERT INTO t (row_count) VALUES (1)", NULL, 0 },
	{ "INSERT INTO row_count() VALUES ()", NULL, 1 },
	{ "UPDATE t SET a = 1 + ROW_COUNT() WHERE b > FOUND_ROWS() AND ROW_COUNT() < 2",
	  "UPDATE t SET a = 1 + <R> WHERE b > <F> AND <R> < 2", 3 },
	{ "DELETE FROM t WHERE id = CONNECTION_ID()", "DELETE FROM t WHERE id = <C>", 0 },
	{ "CALL p(ROW_COUNT())", "CALL p(<R>)", 1 },
	{ "REPLACE t SET a = CONNECTION_ID()", "REPLACE t SET a = <C>", 0 },
	{ "(SELECT a FROM t WHERE b = CONNECTION_ID())", "(SELECT a FROM t WHERE b = <C>)", 0 },
	{ "SELECT 1 UNION SELECT 2 ORDER BY ROW_COUNT()", "SELECT 1 UNION SELECT 2 ORDER BY <R>", 1 },
	{ "SELECT LAST_INSERT_ID()", NULL, 0 },
	/* the names of columns */
	{ "SELECT ROW_COUNT()", "SELECT <R> AS `ROW_COUNT()`", 1 },
	{ "SELECT found_rows( )+1  , 2", "SELECT <F>+1 AS `found_rows( )+1`  , 2", 1 },
	{ "SELECT IF(ROW_COUNT()>0,'`a',b) FROM t", "SELECT IF(<R>>0,'`a',b) AS `IF(ROW_COUNT()>0,'``a',b)` FROM t", 1 },
	{ "SELECT 1, FOUND_ROWS() AS n, ROW_COUNT() r, CONNECTION_ID() 'c'", "SELECT 1, <F> AS n, <R> r, <C> 'c'", 2 },
	{ "SELECT ROW_COUNT()+1 x INTO @a", "SELECT <R>+1 x INTO @a", 1 },
	{ "SELECT FOUND_ROWS() INTO @m", "SELECT <F> AS `FOUND_ROWS()` INTO @m", 1 },
	{ "SELECT ROW_COUNT() IS NOT NULL", "SELECT <R> IS NOT NULL AS `ROW_COUNT() IS NOT NULL`", 1 },
	{ "SELECT CASE WHEN ROW_COUNT() > 0 THEN a ELSE b END FROM t",
	  "SELECT CASE WHEN <R> > 0 THEN a ELSE b END AS `CASE WHEN ROW_COUNT() > 0 THEN a ELSE b END` FROM t", 1 },
	{ "SELECT CASE WHEN ROW_COUNT() > 0 THEN a END c FROM t", NULL, 1 },
	{ "SELECT DISTINCT SQL_NO_CACHE CONNECTION_ID()=id FROM t",
	  "SELECT DISTINCT SQL_NO_CACHE <C>=id AS `CONNECTION_ID()=id` FROM t", 0 },
	{ "SELECT NOW() + INTERVAL ROW_COUNT() DAY", NULL, 1 },
	{ "SELECT ROW_COUNT() /* x */ + 1", NULL, 1 },
	{ "SELECT ROW_COUNT() + '\xc3\xa4'", NULL, 1 },
	{ "SELECT (SELECT ROW_COUNT()) + 1, 2",
	  "SELECT (SELECT <R> AS `ROW_COUNT()`) + 1 AS `(SELECT ROW_COUNT()) + 1`, 2", 1 },
	{ "SELECT * FROM (SELECT ROW_COUNT(), 1) t",
	  "SELECT * FROM (SELECT <R> AS `ROW_COUNT()`, 1) t", 1 },
	{ "INSERT INTO t SELECT FOUND_ROWS()", "INSERT INTO t SELECT <F> AS `FOUND_ROWS()`", 1 },
	{ "INSERT INTO t SELECT ROW_COUNT() ON DUPLICATE KEY UPDATE a = ROW_COUNT()",
	  "INSERT INTO t SELECT <R> AS `ROW_COUNT()` ON DUPLICATE KEY UPDATE a = <R>", 2 },
	{ "INSERT INTO t VALUES (CONNECTION_ID()) RETURNING CONNECTION_ID()",
	  "INSERT INTO t VALUES (<C>) RETURNING CONNECTION_ID()", 0 },
	{ "WITH a AS (SELECT CONNECTION_ID()) SELECT * FROM a",
	  "WITH a AS (SELECT <C> AS `CONNECTION_ID()`) SELECT * FROM a", 0 },
	{ "SELECT @@sql_mode, @@warning_count + 1", "SELECT @@sql_mode, <W> + 1 AS `@@warning_count + 1`", 0 },
	/* several statements */
	{ "UPDATE t SET a=1; SELECT ROW_COUNT() AS n, CONNECTION_ID() + 1 AS m",
	  "UPDATE t SET a=1; SELECT ROW_COUNT() AS n, <C> + 1 AS m", 0 },
	{ "SET @a=ROW_COUNT(); SET @a=ROW_COUNT();", "SET @a=<R>; SET @a=ROW_COUNT();", 1 },
	{ "DO 1; CREATE PROCEDURE p() SET @a=CONNECTION_ID()", NULL, 0 },
	/* what is not run now, or by others */
	{ "CREATE PROCEDURE p() SET @a=ROW_COUNT()", NULL, 1 },
	{ "CREATE VIEW v AS SELECT CONNECTION_ID()", NULL, 0 },
	{ "CREATE TABLE t (a INT DEFAULT (CONNECTION_ID()))", NULL, 0 },
	{ "PREPARE s FROM 'SELECT ROW_COUNT()'", NULL, 0 },
	{ "EXPLAIN SELECT ROW_COUNT()", NULL, 1 },
	{ "SHOW WARNINGS", NULL, 0 },
	{ "GET DIAGNOSTICS @a = ROW_COUNT", NULL, 1 },
	{ "SELECT s.row_count() AS a", NULL, 0 },
	{ "SELECT ROW_COUNT(1) AS a, 'ROW_COUNT()', `ROW_COUNT`()", NULL, 0 },
	{ "SELECT @@global.warning_count AS a", NULL, 0 },
	{ "SELECT {fn CONNECTION_ID()} AS a", NULL, 0 },
	/* what cannot be read */
	{ "SET @a=ROW_COUNT(), @b='", NULL, 1 },
	{ "SET @a=(ROW_COUNT()", NULL, 1 },
	{ "SET @a=ROW_COUNT())", NULL, 1 },
	{ "", NULL, 0 },
};

static const struct sql_values values = {
	.known = 0xff,
	.value = {
		[SQL_VALUE_ROW_COUNT] = -1, [SQL_VALUE_FOUND_ROWS] = 3,
		[SQL_VALUE_CONNECTION_ID] = 7, [SQL_VALUE_WARNING_COUNT] = 2,
	},
};

/* <then> as a pattern of <seen>: a letter in brackets for the number and the call. */
static void expand(const char *then, const char *sql, char *out, size_t room)
{
	size_t n = 0;

	for (; *then != '\0' && n + 40 < room; then++) {
		static const char *const heads[] = {
			['R'] = "IF(1,CAST(-1 AS SIGNED),", ['F'] = "IF(1,CAST(3 AS SIGNED),",
			['C'] = "IF(1,CAST(7 AS UNSIGNED),", ['W'] = "IF(1,CAST(2 AS UNSIGNED),",
		};
		static const char *const calls[] = {
			['R'] = "ROW_COUNT()", ['F'] = "FOUND_ROWS()",
			['C'] = "CONNECTION_ID()", ['W'] = "@@warning_count",
		};

		if (then[0] != '<' || then[1] == '\0' || then[2] != '>') {
			out[n++] = *then;
			continue;
		}
		n += (size_t)snprintf(out + n, room - n, "%s%s)", heads[(int)then[1]],
				      then[1] == 'F' && strstr(sql, "found_rows( )") != NULL ?
				      "found_rows( )" : calls[(int)then[1]]);
		then += 2;
	}
	out[n] = '\0';
}

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sql_places places;
		uint8_t out[600];
		char wanted[600];
		size_t len;

		sql_places_of(span_of(rows[i].sql), &mode, &places);
		len = sql_write_values(span_of(rows[i].sql), &places, &values, out, sizeof(out) - 1);
		out[len] = '\0';
		expand(rows[i].then != NULL ? rows[i].then : rows[i].sql, rows[i].sql,
		       wanted, sizeof(wanted));
		if (strcmp((char *)out, wanted) != 0)
			fail_msg("%s:\n%s\n%s", rows[i].sql, (char *)out, wanted);
		if (places.numbers != rows[i].numbers)
			fail_msg("%s: %u numbers", rows[i].sql, places.numbers);
	}
}

static void test_unknown_stays(void **state)
{
	struct sql_values some = values;
	struct sql_places places;
	struct span sql = span_of("SET @a = ROW_COUNT() + FOUND_ROWS()");
	uint8_t out[100];
	size_t len;

	(void)state;
	some.known = 1u << SQL_VALUE_ROW_COUNT;
	sql_places_of(sql, &mode, &places);
	len = sql_write_values(sql, &places, &some, out, sizeof(out));
	assert_true(span_is((struct span){ out, len },
			    "SET @a = IF(1,CAST(-1 AS SIGNED),ROW_COUNT()) + FOUND_ROWS()"));
	for (size_t room = 0; room < len; room++)
		assert_int_equal(sql_write_values(sql, &places, &some, out, room), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_unknown_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
