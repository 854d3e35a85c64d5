/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The classifier: its table, every beginning of every text, hints, and what must
 * never pass for a read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "sql_rows.h"

static const char *const class_names[] = { "READ", "WRITE", "SESSION" };

static struct sql_verdict verdict_of(const struct row *row)
{
	struct sql_verdict v;

	sql_classify(span_of(row->sql), &row_modes[row->mode], &v);
	return v;
}

static bool row_holds(const struct row *row)
{
	struct sql_verdict v = verdict_of(row);

	v.flags &= ~(uint32_t)SQL_KEEPS_TRANSACTION;	/* test_transactions_kept() */
	if (v.class == row->class && v.reason == row->reason && v.flags == row->flags &&
	    v.pins == row->pins)
		return true;
	print_message("not ok: %s: \"%s\"\n", row->because, row->sql);
	print_message("  is   %s %s flags %x pins %x\n", class_names[v.class],
		      reason_word(v.reason), v.flags, v.pins);
	print_message("  want %s %s flags %x pins %x\n", class_names[row->class],
		      reason_word(row->reason), row->flags, row->pins);
	return false;
}

static void test_rows(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		failed += !row_holds(&rows[i]);
	assert_int_equal(failed, 0);
	assert_true(ARRAY_LEN(rows) >= 300);
}

static const struct {
	bool          keeps;
	enum row_mode mode;
	const char   *sql;
} kept[] = {
	{ true, MYSQL, "SELECT 1" },
	{ true, MYSQL, "SELECT * FROM t FOR UPDATE" },
	{ true, MYSQL, "SELECT f(1)" },			/* functions cannot commit (1422) */
	{ true, MYSQL, "SELECT 1 INTO @a" },
	{ true, MYSQL, "INSERT INTO t VALUES (1)" },
	{ true, MYSQL, "UPDATE t SET a = f(a)" },
	{ true, MYSQL, "LOAD DATA INFILE 'x' INTO TABLE t" },
	{ true, MYSQL, "SAVEPOINT a" },
	{ true, MYSQL, "ROLLBACK TO a" },
	{ true, MYSQL, "EXPLAIN UPDATE t SET a = 1" },
	{ true, MYSQL, "SHOW TABLES" },
	{ true, MYSQL, "SHOW WARNINGS" },
	{ true, MYSQL, "SHOW PROCESSLIST" },
	{ true, MYSQL, "USE app" },
	{ true, MYSQL, "SET @a = 1, sql_mode = ''" },
	{ true, MYSQL, "SET @a = @b + 1" },
	{ true, MYSQL, "DO SLEEP(1)" },
	{ true, MYSQL, "INSERT INTO t VALUES (1); DELETE FROM t" },
	{ true, MYSQL, "/*!80000 INSERT INTO t VALUES (1) */" },
	{ false, MYSQL, "SET autocommit = 1" },
	{ false, MYSQL, "SET @a = 1, @@session.autocommit = ON" },
	{ false, MYSQL, "SET autocommit = @a" },
	{ false, MYSQL, "SET GLOBAL max_connections = 5" },
	{ false, MYSQL, "BEGIN" },
	{ false, MYSQL, "START TRANSACTION" },
	{ false, MYSQL, "START TRANSACTION READ ONLY" },
	{ false, MYSQL, "COMMIT" },
	{ false, MYSQL, "ROLLBACK" },
	{ false, MYSQL, "XA PREPARE 'x'" },
	{ false, MYSQL, "XA COMMIT 'x'" },
	{ false, MYSQL, "XA ROLLBACK 'x'" },
	{ false, MYSQL, "CALL p()" },
	{ false, MYSQL, "EXECUTE s" },
	{ false, MARIADB, "EXECUTE IMMEDIATE 'COMMIT'" },
	{ false, MARIADB, "BEGIN NOT ATOMIC COMMIT; END" },
	{ false, MARIADB, "SET STATEMENT max_statement_time = 1 FOR COMMIT" },
	{ false, MYSQL, "CREATE TABLE t (a INT)" },
	{ false, MYSQL, "ANALYZE TABLE t" },
	{ false, MYSQL, "LOCK TABLES t WRITE" },
	{ false, MYSQL, "UNLOCK TABLES" },
	{ false, MYSQL, "SET PASSWORD = 'x'" },
	{ false, MYSQL, "BINLOG 'x'" },
	{ false, MYSQL, "frob" },
	{ false, MYSQL, "INSERT INTO t VALUES (1); COMMIT" },
	{ false, MYSQL, "COMMIT; INSERT INTO t VALUES (1)" },
	{ false, MYSQL, "SET sql_mode = 'ANSI_QUOTES'; INSERT INTO t VALUES ('a')" },
	{ false, MYSQL, "INSERT INTO t VALUES ('a" },
	{ false, SJIS, "INSERT INTO t VALUES ('\x95\\'); COMMIT -- ')" },
	{ false, UNKNOWN, "INSERT INTO t VALUES (1) /*!50701 ; COMMIT */" },
};

/* Of these alone a client may be told that its transaction was rolled back. */
static void test_transactions_kept(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct sql_verdict v;

		sql_classify(span_of(kept[i].sql), &row_modes[kept[i].mode], &v);
		if (((v.flags & SQL_KEEPS_TRANSACTION) != 0) == kept[i].keeps)
			continue;
		print_message("not ok: \"%s\"\n", kept[i].sql);
		failed++;
	}
	assert_int_equal(failed, 0);
}

static bool inside(struct span part, struct span whole)
{
	return part.len == 0 || (part.data >= whole.data &&
		part.data + part.len <= whole.data + whole.len);
}

/* Classify the first <len> bytes of <text> in a heap block of that size. */
static void classify_block(const char *text, size_t len, const struct sql_mode *mode)
{
	uint8_t *block = malloc(len > 0 ? len : 1);
	struct span sql = { block, len };
	struct sql_verdict v;

	assert_non_null(block);
	memcpy(block, text, len);
	sql_classify(sql, mode, &v);
	assert_true(inside(v.what, sql));
	assert_true(inside(v.hint_backend, sql));
	assert_true(v.reason < REASON_COUNT);
	free(block);
}

static void test_every_prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t len = 0; len <= strlen(rows[i].sql); len++) {
			for (size_t mode = 0; mode < ROW_MODES; mode++)
				classify_block(rows[i].sql, len, &row_modes[mode]);
		}
	}
}

/* What makes a write of any read that it is put into. */
static const char *const write_constructs[] = {
	" GET_LOCK('a', 1) ", " @a := 1 ", " INTO @x ", " INTO OUTFILE 'x' ",
	" FOR UPDATE ", " LOCK IN SHARE MODE ", " NEXTVAL(s) ", " @@read_only ",
	" LOAD_FILE('x') ",
	" db.f(1) ", " + f(1) ", " /*! FOR UPDATE */ ", "; DROP TABLE t; ", " ; frob ",
	" LAST_INSERT_ID(5) ", " NEXT VALUE FOR s ", " DELETE ", " = `f`(2) ",
};

/* <sql> with <what> put in at <at>; must not be a read. */
static bool is_write_with(const struct row *row, size_t at, const char *what)
{
	char text[1024];
	struct sql_verdict v;
	int len = snprintf(text, sizeof(text), "%.*s%s%s", (int)at, row->sql, what,
			   row->sql + at);

	assert_in_range(len, 1, sizeof(text) - 1);
	sql_classify(span_of(text), &row_modes[row->mode], &v);
	if (v.class == SQL_WRITE)
		return true;
	print_message("not ok: %s %s: \"%s\"\n", class_names[v.class],
		      reason_word(v.reason), text);
	return false;
}

/* May something be put in front of <t>?  Not into a dotted name or a variable. */
static bool is_boundary(const struct token *prev, const struct token *t, size_t prev_end)
{
	bool dot = t->kind == TOKEN_OPERATOR && t->op == '.';
	bool after_dot = prev->kind == TOKEN_OPERATOR && prev->op == '.';

	if (dot || after_dot || prev->kind == TOKEN_SYSTEM_VARIABLE)
		return false;
	return prev->kind != TOKEN_WORD || prev_end != t->at;
}

static size_t insert_everywhere(const struct row *row, const char *what)
{
	struct lexer lexer = lexer_over(span_of(row->sql), &row_modes[row->mode]);
	struct token prev, t;
	size_t failed = 0, prev_end;

	lexer_next(&lexer, &prev);
	prev_end = lexer.at;
	lexer_next(&lexer, &t);
	while (t.kind != TOKEN_END) {
		if (is_boundary(&prev, &t, prev_end) && lexer.in_version_comment == 0)
			failed += !is_write_with(row, t.at, what);
		prev = t;
		prev_end = lexer.at;
		lexer_next(&lexer, &t);
	}
	return failed;
}

static void test_write_constructs(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].reason != REASON_PLAIN_READ)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(write_constructs); k++)
			failed += insert_everywhere(&rows[i], write_constructs[k]);
	}
	assert_int_equal(failed, 0);
}

static void test_hints(void **state)
{
	static const struct {
		const char   *sql;
		enum sql_hint hint;
		const char   *backend;
	} hints[] = {
		{ "SELECT 1", SQL_HINT_NONE, "" },
		{ "/* readmux: primary */ SELECT 1", SQL_HINT_PRIMARY, "" },
		{ "/*readmux:replica*/ SELECT 1", SQL_HINT_REPLICA, "" },
		{ "SELECT /* ReadMux: REPLICA */ 1", SQL_HINT_REPLICA, "" },
		{ "SELECT 1 /* readmux: explain */", SQL_HINT_EXPLAIN, "" },
		{ "/* readmux: backend=mysql-2 */ SELECT 1", SQL_HINT_BACKEND, "mysql-2" },
		{ "/* readmux: backend= */ SELECT 1", SQL_HINT_NONE, "" },
		{ "/* readmux: frob */ SELECT 1", SQL_HINT_NONE, "" },
		{ "/* readmux: primary */ /* readmux: replica */ SELECT 1",
		  SQL_HINT_PRIMARY, "" },
		{ "/* x */ /* readmux: replica */ SELECT 1", SQL_HINT_REPLICA, "" },
		{ "/* readmux: primary */ DELETE FROM t /* readmux: explain */",
		  SQL_HINT_EXPLAIN, "" },
		{ "/* readmux: backend=b */ EXPLAIN READMUX SELECT 1", SQL_HINT_BACKEND, "b" },
		{ "EXPLAIN READMUX /* readmux: replica */ SELECT 1", SQL_HINT_REPLICA, "" },
		{ "SELECT '/* readmux: primary */'", SQL_HINT_NONE, "" },
		{ "-- readmux: primary\nSELECT 1", SQL_HINT_PRIMARY, "" },
		{ "/* readmux: replica */ DELETE FROM t", SQL_HINT_REPLICA, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		struct sql_verdict v;

		sql_classify(span_of(hints[i].sql), &row_modes[MYSQL], &v);
		assert_int_equal(v.hint, hints[i].hint);
		assert_true(span_is(v.hint_backend, hints[i].backend));
	}
}

static void test_explained_by_readmux(void **state)
{
	/* <rest>: what is explained; NULL: a server's business */
	static const struct {
		const char    *sql;
		const char    *rest;
		enum sql_class class;
	} explained[] = {
		{ "EXPLAIN READMUX SELECT 1", "SELECT 1", SQL_READ },
		{ "/* x */ explain readmux /* y */ delete from t", "delete from t", SQL_WRITE },
		{ "EXPLAIN READMUX (SELECT 1)", "(SELECT 1)", SQL_READ },
		{ "EXPLAIN READMUX SET NAMES utf8mb4", "SET NAMES utf8mb4", SQL_SESSION },
		{ "EXPLAIN READMUX SELECT 1; DELETE FROM t", "SELECT 1; DELETE FROM t", SQL_WRITE },
		{ "EXPLAIN READMUX EXPLAIN READMUX DELETE FROM t", "EXPLAIN READMUX DELETE FROM t",
		  SQL_READ },
		{ "EXPLAIN READMUX", NULL, SQL_READ },
		{ "EXPLAIN readmux a", NULL, SQL_READ },
		{ "EXPLAIN `readmux`", NULL, SQL_READ },
		{ "DESCRIBE readmux select", NULL, SQL_READ },
		{ "SELECT 1; EXPLAIN READMUX SELECT 1", NULL, SQL_READ },
		{ "EXPLAIN SELECT * FROM readmux", NULL, SQL_READ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(explained); i++) {
		struct span sql = span_of(explained[i].sql);
		struct sql_verdict v;

		sql_classify(sql, &row_modes[MYSQL], &v);
		assert_int_equal(sql_is_explained(&v), explained[i].rest != NULL);
		if (explained[i].rest == NULL)
			continue;
		assert_true(span_is(span_from(sql, v.explained_at), explained[i].rest));
		assert_int_equal(v.class, explained[i].class);
	}
}

/* A hint changes where a statement goes, never what it is. */
static void test_hint_leaves_class(void **state)
{
	struct sql_verdict v;

	(void)state;
	sql_classify(span_of("/* readmux: replica */ DELETE FROM t"),
		     &row_modes[MYSQL], &v);
	assert_int_equal(v.class, SQL_WRITE);
}

static void test_what_decided(void **state)
{
	struct sql_verdict v;

	(void)state;
	sql_classify(span_of("SELECT a, Frob(1) FROM t"), &row_modes[MYSQL], &v);
	assert_true(span_is(v.what, "Frob"));
	sql_classify(span_of("SELECT @@global.read_only"), &row_modes[MYSQL], &v);
	assert_true(span_is(v.what, "read_only"));
	sql_classify(span_of("SELECT 1"), &row_modes[MYSQL], &v);
	assert_int_equal(v.what.len, 0);
}

static void test_reasons(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		assert_true(strlen(reason_word((enum route_reason)i)) > 0);
		assert_true(strlen(reason_text((enum route_reason)i)) > 0);
	}
	assert_string_equal(reason_word(REASON_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_transactions_kept),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_write_constructs),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_explained_by_readmux),
		cmocka_unit_test(test_explained_by_readmux),
		cmocka_unit_test(test_hint_leaves_class),
		cmocka_unit_test(test_what_decided),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
