/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shapes of statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/sql/digest.h>

#include "sql_rows.h"

static const struct {
	const char *sql;
	const char *shape;
	const char *because;
} shapes[] = {
	{ "SELECT name FROM t WHERE id = 5",
	  "select name from t where id = ?", "a literal" },
	{ "select  NAME\nfrom t where id=-5.5e1 -- x", "select name from t where id = ?",
	  "its sign, blanks and comments" },
	{ "SELECT name FROM t WHERE id = 'x';", "select name from t where id = ?",
	  "another literal, a semicolon" },
	{ "SELECT /*+ MAX_EXECUTION_TIME(5) */ 1", "select ?", "a hint" },
	{ "SELECT a FROM t WHERE b IN (1)",
	  "select a from t where b in (?)", "a list of one" },
	{ "SELECT a FROM t WHERE b IN (1, -2, 'x', 0xff)", "select a from t where b in (?)",
	  "a longer one" },
	{ "SELECT a FROM t WHERE b IN (?, ?)",
	  "select a from t where b in (?)", "placeholders" },
	{ "INSERT INTO t (a, b) VALUES (1, 2)",
	  "insert into t(a, b) values (?)", "one row" },
	{ "INSERT INTO t (a, b) VALUES (1, 2), (3, 4) , (5, 6)",
	  "insert into t(a, b) values (?)", "several" },
	{ "INSERT INTO t VALUES (1, now()), (2, now())", "insert into t values (?, now())",
	  "rows with more than literals" },
	{ "INSERT INTO t VALUES (1), (2) ON DUPLICATE"
	  " KEY UPDATE a = VALUES(a), b = VALUES(b)",
	  "insert into t values (?) on duplicate key update a = values (a), b = values (b)",
	  "VALUES() is no row" },
	{ "VALUES ROW(1, 2), ROW(3, 4)", "values row (?)", "table values" },
	{ "SELECT * FROM t WHERE (a, b) IN ((1, 2), (3, 4))",
	  "select * from t where (a, b) in ((?))", "rows in a list" },
	{ "SELECT a - 1, -1, - a, +2", "select a - ?, - a, ?", "signs" },
	{ "SELECT a-1", "select a - ?", "minus one is no literal here" },
	{ "SELECT 'a' 'b'", "select ?", "joined strings" },
	{ "SELECT _utf8'a', N'b'", "select _utf8 ?, n ?", "introducers" },
	{ "SELECT t.*, `T`.`a b`, COUNT(*) FROM `T` t",
	  "select t.*, `T`.`a b`, count(*) from `T` t",
	  "names" },
	{ "SELECT @A, @`b c`, @@Global.X", "select @a, @`b c`, @@global.x", "variables" },
	{ "SELECT a>=1, a<=>b, a->>'$.x'", "select a >= ?, a <=> b, a ->> ?", "operators" },
	{ "SELECT @a:=1", "select @a := ?", "assignment" },
	{ "SELECT 1; SELECT 2;", "select ?; select ?", "two statements" },
	{ "SELECT f(1, 2) LIMIT 5, 10",
	  "select f(?) limit ?", "arguments are a list, too" },
	{ "SELECT 1, 'open", "select ?, ...", "the unreadable rest" },
	{ "SELECT 1,", "select ?,", "unfinished" },
	{ "INSERT INTO t VALUES (1), (2", "insert into t values (?)", "unfinished" },
	{ "INSERT INTO t VALUES (1),", "insert into t values (?),", "unfinished" },
	{ "", "", "nothing" },
	{ "/*!50000 SELECT 1 */", "select ?", "version comments are code" },
};

static void test_shapes(void **state)
{
	char got[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		sql_digest_text(span_of(shapes[i].sql), &row_modes[MYSQL], got,
				sizeof(got));
		if (strcmp(got, shapes[i].shape) != 0)
			fail_msg("%s: \"%s\" gives \"%s\"", shapes[i].because,
				 shapes[i].sql, got);
	}
}

static uint64_t digest_of(const char *sql)
{
	return sql_digest(span_of(sql), &row_modes[MYSQL]);
}

/* Texts have the same digest exactly when they have the same shape. */
static void test_digests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		for (size_t k = 0; k < i; k++) {
			bool equal = digest_of(shapes[i].sql) == digest_of(shapes[k].sql);
			bool same = strcmp(shapes[i].shape, shapes[k].shape) == 0;

			assert_int_equal(equal, same);
		}
	}
}

static void test_cut_to_room(void **state)
{
	char got[8];

	(void)state;
	sql_digest_text(span_of("SELECT name FROM t"), &row_modes[MYSQL], got, sizeof(got));
	assert_string_equal(got, "select ");
	sql_digest_text(span_of("SELECT name FROM t"), &row_modes[MYSQL], got, 1);
	assert_string_equal(got, "");
}

/* A shape is its own shape. */
static void test_shape_of_shape(void **state)
{
	char once[1024], twice[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sql_digest_text(span_of(rows[i].sql), &row_modes[rows[i].mode], once,
				sizeof(once));
		if (strstr(once, "...") != NULL)
			continue;
		sql_digest_text(span_of(once), &row_modes[MYSQL], twice, sizeof(twice));
		assert_string_equal(once, twice);
	}
}

static void test_every_prefix(void **state)
{
	char got[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t len = 0; len <= strlen(rows[i].sql); len++) {
			uint8_t *block = malloc(len > 0 ? len : 1);
			struct span sql = { block, len };

			assert_non_null(block);
			memcpy(block, rows[i].sql, len);
			sql_digest_text(sql, &row_modes[rows[i].mode], got, sizeof(got));
			(void)sql_digest(sql, &row_modes[rows[i].mode]);
			free(block);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_cut_to_room),
		cmocka_unit_test(test_shape_of_shape),
		cmocka_unit_test(test_every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
