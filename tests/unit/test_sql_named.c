/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PREPARE, EXECUTE and DEALLOCATE by text, and what a string literal stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/sql/named.h>

/* P(repare), E(xecute) or D(eallocate), the name, the literal; "" = none of them */
static const struct row {
	const char *sql;
	const char *named;
} rows[] = {
	{ "PREPARE s FROM 'SELECT 1'", "P s 'SELECT 1'" },
	{ "prepare /* c */ `a b` from \"SELECT \\\"x\\\"\" ;", "P a b \"SELECT \\\"x\\\"\"" },
	{ "PREPARE s FROM 'it''s' -- end", "P s 'it''s'" },
	{ "PREPARE s FROM ''", "P s ''" },
	{ "PREPARE s FROM @x", "P s " },
	{ "PREPARE s FROM 'a' 'b'", "P s " },
	{ "PREPARE s FROM N'a'", "P s " },
	{ "PREPARE s FROM CONCAT('a', 'b')", "P s " },
	{ "PREPARE s FROM /*!40000 'a' */", "P s 'a'" },
	{ "PREPARE s FROM", "P s " },
	{ "PREPARE s", "" },
	{ "PREPARE FROM 'a'", "" },
	{ "PREPARE s FROM 'a'; SELECT 1", "" },
	{ "PREPARE s FROM 'a", "" },
	{ "PREPARE `a``b` FROM 'a'", "" },
	{ "EXECUTE s", "E s " },
	{ "EXECUTE s USING @a, @b;", "E s " },
	{ "EXECUTE IMMEDIATE", "E IMMEDIATE " },	/* a name, on MySQL */
	{ "EXECUTE s; SELECT 1", "" },
	{ "DEALLOCATE PREPARE s", "D s " },
	{ "DROP PREPARE s", "D s " },
	{ "DROP TABLE s", "" },
	{ "SELECT 1", "" },
	{ "", "" },
};

/* Only MariaDB has I(MMEDIATE). */
static const struct row immediate_rows[] = {
	{ "EXECUTE IMMEDIATE 'SELECT 1'", "I  'SELECT 1'" },
	{ "execute immediate 'SELECT ?' USING 1;", "I  'SELECT ?'" },
	{ "EXECUTE IMMEDIATE 'SELECT 1' ;", "I  'SELECT 1'" },
	{ "EXECUTE IMMEDIATE @x", "I  " },
	{ "EXECUTE IMMEDIATE CONCAT('a', 'b')", "I  " },
	{ "EXECUTE IMMEDIATE 'a' 'b'", "I  " },
	{ "EXECUTE IMMEDIATE 'a'; SELECT 1", "" },
	{ "EXECUTE `immediate`", "E immediate " },
	{ "EXECUTE s USING @a", "E s " },
	{ "PREPARE s FROM 'a' USING @a", "P s " },
};

static void check(const struct row *row, const struct sql_mode *mode)
{
	struct sql_named n;
	char seen[200] = "";

	if (sql_named_of(span_of(row->sql), mode, &n))
		(void)snprintf(seen, sizeof(seen), "%c %.*s %.*s", "PEDI"[n.kind],
			       (int)n.name.len, (const char *)n.name.data,
			       (int)n.literal.len, (const char *)n.literal.data);
	if (strcmp(seen, row->named) != 0)
		fail_msg("%s: %s", row->sql, seen);
}

static void test_rows(void **state)
{
	static const struct sql_mode mysql = { .server_version = 90704 };
	static const struct sql_mode mariadb = { .server_version = 101119, .mariadb = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], &mysql);
	for (size_t i = 0; i < ARRAY_LEN(immediate_rows); i++)
		check(&immediate_rows[i], &mariadb);
}

static const struct {
	const char *literal;
	bool        no_escapes;
	struct span text;
} literals[] = {
	{ "'plain'", false, SPAN_LITERAL("plain") },
	{ "''", false, SPAN_LITERAL("") },
	{ "'it''s \"x\"'", false, SPAN_LITERAL("it's \"x\"") },
	{ "\"a\"\"b'c\"", false, SPAN_LITERAL("a\"b'c") },
	{ "'a\\'b\\\\c'", false, SPAN_LITERAL("a'b\\c") },
	{ "'\\0\\b\\n\\r\\t\\Z'", false, SPAN_LITERAL("\0\b\n\r\t\x1a") },
	{ "'\\%\\_\\x'", false, SPAN_LITERAL("\\%\\_x") },
	{ "'a\\nb'", true, SPAN_LITERAL("a\\nb") },
};

static void test_unquote(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
		struct sql_mode mode = { .no_backslash_escapes = literals[i].no_escapes };
		uint8_t out[64];
		size_t n = sql_unquote(span_of(literals[i].literal), &mode, out, sizeof(out));

		if (!span_equal((struct span){ out, n }, literals[i].text))
			fail_msg("%s: %.*s", literals[i].literal, (int)n, (const char *)out);
	}
}

static void test_unquote_into_too_little(void **state)
{
	static const struct sql_mode mode;

	(void)state;
	for (size_t room = 0; room < 5; room++) {
		uint8_t *out = malloc(room + 1);	/* the sanitizer watches its end */

		assert_int_equal(sql_unquote(span_of("'\\%\\%\\%'"), &mode, out, room), room);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unquote),
		cmocka_unit_test(test_unquote_into_too_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
