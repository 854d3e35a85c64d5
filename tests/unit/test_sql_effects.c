/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What SET statements assign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/sql/effects.h>

static const struct sql_mode mysql = { .server_version = 90704 };

static const char *const kind_names[] = {
	[SQL_ASSIGN_USER_VARIABLE] = "user", [SQL_ASSIGN_SESSION] = "session",
	[SQL_ASSIGN_GLOBAL] = "global", [SQL_ASSIGN_NAMES] = "names",
	[SQL_ASSIGN_TRANSACTION] = "transaction", [SQL_ASSIGN_OTHER] = "other",
};

/* Each assignment as "kind name=value", with ~ for = where the value is not
 * plain; " broken" at the end of what is not understood. */
static const struct {
	const char *sql;
	const char *want;
	const char *because;
} rows[] = {
	{ "SET @a = 1", "user a=1;", "a user variable" },
	{ "set @a:=1", "user a=1;", "with :=" },
	{ "SET @`a b` = 'x'", "user a b='x';", "the value keeps its quotes" },
	{ "SET @a = 'it''s', @b = \"x\\\"y\"",
	  "user a='it''s';user b=\"x\\\"y\";", "quotes" },
	{ "SET @a = -5, @b = +1.5e3", "user a=-5;user b=+1.5e3;", "signs" },
	{ "SET @a = - 5", "user a=- 5;", "a blank after the sign" },
	{ "SET @a = 0xff, @b = x'ff', @c = b'01'",
	  "user a=0xff;user b=x'ff';user c=b'01';", "hex" },
	{ "SET @a = _utf8mb4'x', @b = N'y'",
	  "user a=_utf8mb4'x';user b=N'y';", "introducers" },
	{ "SET @a = 'a' 'b'", "user a='a' 'b';", "joined strings" },
	{ "SET @a = NULL, @b = TRUE, @c = false",
	  "user a=NULL;user b=TRUE;user c=false;", "words" },
	{ "SET @a = @b", "user a~@b;", "another variable" },
	{ "SET @a = @@sql_mode", "user a~@@sql_mode;", "a system variable" },
	{ "SET @a = 1 + 1", "user a~1 + 1;", "a sum" },
	{ "SET @a = (1)", "user a~(1);", "parentheses" },
	{ "SET @a = NOW()", "user a~NOW();", "a function" },
	{ "SET @a = CURRENT_USER", "user a~CURRENT_USER;", "one without parentheses" },
	{ "SET @a = foo", "user a~foo;", "a bare word is no value of a user variable" },
	{ "SET @a = IF(1, 2, 3), @b = 4", "user a~IF(1, 2, 3);user b=4;", "commas inside" },
	{ "SET @a = (SELECT a FROM t), @b = 1",
	  "user a~(SELECT a FROM t);user b=1;", "a query" },
	{ "SET @a = 'x' COLLATE utf8mb4_bin",
	  "user a~'x' COLLATE utf8mb4_bin;", "a collation" },
	{ "SET @a = DATE '2020-01-01'", "user a~DATE '2020-01-01';", "a typed literal" },
	{ "SET @a = ?", "user a~?;", "a placeholder" },
	{ "SET @a = - -1", "user a~- -1;", "two signs" },
	{ "SET @a = -'1'", "user a~-'1';", "minus a string is computed" },
	{ "SET @a = @b := 1", "user a~@b := 1;", "an assignment inside" },
	{ "SET autocommit=0", "session autocommit=0;", "a system variable" },
	{ "SET SESSION a = ON", "session a=ON;", "a bare word" },
	{ "SET LOCAL a = utf8mb4", "session a=utf8mb4;", "LOCAL" },
	{ "SET @@a = DEFAULT", "session a=DEFAULT;", "@@" },
	{ "SET @@session.a = 1, @@local.b = 2",
	  "session a=1;session b=2;", "with a scope" },
	{ "SET @@`session`.`a` = 1",
	  "session session`.`a=1;", "a quoted scope is no scope" },
	{ "SET `sql_mode` = ''", "session sql_mode='';", "a quoted name" },
	{ "SET time_zone = @old", "session time_zone~@old;", "a variable" },
	{ "SET a = CURRENT_TIMESTAMP", "session a~CURRENT_TIMESTAMP;", "a function" },
	{ "SET sql_mode = CONCAT(@@sql_mode, ',X')",
	  "session sql_mode~CONCAT(@@sql_mode, ',X');", "computed" },
	{ "SET dragnet.log_x = 'a'", "session dragnet.log_x='a';", "a component's" },
	{ "SET GLOBAL a = 1", "global a=1;", "global" },
	{ "SET PERSIST a = 1", "global a=1;", "persist" },
	{ "SET PERSIST_ONLY a = 1", "global a=1;", "persist only" },
	{ "SET @@global.a = 1, b = 2", "global a=1;session b=2;", "@@ is for one only" },
	{ "SET GLOBAL a = 1, b = 2", "global a=1;global b=2;", "the word stays in force" },
	{ "SET GLOBAL a = 1, SESSION b = 2, c = 3", "global a=1;session b=2;session c=3;",
	  "until another comes" },
	{ "SET NAMES utf8mb4", "names =utf8mb4;", "names" },
	{ "SET NAMES 'utf8mb4' COLLATE 'x'",
	  "names ='utf8mb4' COLLATE 'x';", "with a collation" },
	{ "SET NAMES DEFAULT", "names =DEFAULT;", "the default" },
	{ "SET CHARACTER SET latin1", "names =latin1;", "the long form" },
	{ "SET CHARSET 'latin1'", "names ='latin1';", "the short form" },
	{ "SET @a=1, NAMES utf8, @b=2", "user a=1;names =utf8;user b=2;", "in a list" },
	{ "SET TRANSACTION READ ONLY", "transaction ~READ ONLY;", "for the next" },
	{ "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
	  "transaction SESSION~ISOLATION LEVEL READ COMMITTED, READ WRITE;",
	  "the session's" },
	{ "SET GLOBAL TRANSACTION READ ONLY",
	  "transaction GLOBAL~READ ONLY;", "everybody's" },
	{ "SET transaction_isolation = 'READ-COMMITTED'",
	  "session transaction_isolation='READ-COMMITTED';", "as a variable" },
	{ "SET PASSWORD = 'x'", "other PASSWORD~= 'x';", "password" },
	{ "SET ROLE NONE", "other ROLE=NONE;", "role" },
	{ "SET DEFAULT ROLE a TO b", "other DEFAULT~ROLE a TO b;", "default role" },
	{ "SET STATEMENT a=1 FOR SELECT 1, 2",
	  "other STATEMENT~a=1 FOR SELECT 1, 2;", "MariaDB" },
	{ "SET @a = 1;", "user a=1;", "a semicolon ends it" },
	{ "SET @a = 1; SELECT 2", "user a=1;", "what follows is left alone" },
	{ "/* x */ SET /* y */ @a /* z */ = 1 -- w", "user a=1;", "comments" },
	{ "/*!40101 SET NAMES utf8 */", "names =utf8;", "a version comment" },
	{ "/*!40014 SET @O=@@U, U=0 */", "user O~@@U;session U=0;", "as in a dump" },
	{ "SET @a = - /*!40000 1 */", "user a~- /*!40000 1;", "could not be sent again" },
	{ "SET", " broken", "nothing" },
	{ "SELECT 1", " broken", "no SET" },
	{ "", " broken", "nothing" },
	{ "SET 1 = 2", " broken", "no name" },
	{ "SET a", " broken", "no value" },
	{ "SET a =", " broken", "no value" },
	{ "SET a = ,", " broken", "no value" },
	{ "SET @a = 'x", " broken", "open string" },
	{ "SET @a = 1,", "user a=1; broken", "nothing after the comma" },
	{ "SET @@ = 1", " broken", "no name" },
	{ "SET @@global. = 1", " broken", "no name" },
	{ "SET CHARACTER utf8", " broken", "no SET" },
};

static void append(char *out, size_t room, const char *text, size_t len)
{
	size_t have = strlen(out);

	assert_in_range(have + len, 0, room - 1);
	memcpy(out + have, text, len);
	out[have + len] = '\0';
}

static void append_span(char *out, size_t room, struct span s)
{
	if (s.len > 0)
		append(out, room, (const char *)s.data, s.len);
}

static void describe(struct span sql, char *out, size_t room)
{
	struct sql_assignments walk = sql_assignments_of(sql, &mysql);
	struct sql_assignment a;

	out[0] = '\0';
	while (sql_assignments_next(&walk, &a)) {
		append(out, room, kind_names[a.kind], strlen(kind_names[a.kind]));
		append(out, room, " ", 1);
		append_span(out, room, a.name);
		append(out, room, a.plain ? "=" : "~", 1);
		append_span(out, room, a.value);
		append(out, room, ";", 1);
	}
	assert_false(sql_assignments_next(&walk, &a));
	if (walk.broken)
		append(out, room, " broken", 7);
}

static void test_rows(void **state)
{
	char got[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		describe(span_of(rows[i].sql), got, sizeof(got));
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: \"%s\" gives \"%s\"", rows[i].because,
				 rows[i].sql, got);
	}
}

static void test_every_prefix(void **state)
{
	char got[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t len = 0; len <= strlen(rows[i].sql); len++) {
			uint8_t *block = malloc(len > 0 ? len : 1);

			assert_non_null(block);
			memcpy(block, rows[i].sql, len);
			describe((struct span){ block, len }, got, sizeof(got));
			free(block);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
