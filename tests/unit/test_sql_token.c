/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lexer and the table of words.  Called with --slots it prints word_slots.h
 * for the list of words it was built with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/sql/token.h>

#include "word.h"

/* The kinds of tokens as letters, so that a row shows a whole text. */
static const char kind_letters[] = {
	[TOKEN_END] = '.', [TOKEN_WORD] = 'w', [TOKEN_QUOTED_NAME] = 'q',
	[TOKEN_STRING] = 's', [TOKEN_NUMBER] = 'n', [TOKEN_HEX] = 'x',
	[TOKEN_USER_VARIABLE] = 'u',
	[TOKEN_SYSTEM_VARIABLE] = 'v', [TOKEN_ASSIGN] = 'a', [TOKEN_PLACEHOLDER] = 'p',
	[TOKEN_COMMENT] = 'c', [TOKEN_OPERATOR] = 'o', [TOKEN_BROKEN] = '!',
};

static const struct sql_mode mysql = { .server_version = 90704 };
static const struct sql_mode mysql_old = { .server_version = 50744 };
static const struct sql_mode mariadb = { .server_version = 101119, .mariadb = true };
static const struct sql_mode unknown;
static const struct sql_mode ansi = { .server_version = 90704, .ansi_quotes = true };
static const struct sql_mode no_escapes = {
	.server_version = 90704, .no_backslash_escapes = true,
};
static const struct sql_mode sjis = { .server_version = 90704, .ambiguous_charset = true };

static const struct {
	const struct sql_mode *mode;
	const char            *sql;
	const char            *kinds;
	const char            *last;	/* text of the last token */
	const char            *because;
} rows[] = {
	{ &mysql, "", "", "", "nothing" },
	{ &mysql, "a", "w", "a", "a word" },
	{ &mysql, "select a_1$,b", "wwow", "b", "words" },
	{ &mysql, "1a", "w", "1a", "a name may begin with a digit" },
	{ &mysql, "12", "n", "12", "a number" },
	{ &mysql, "1.5", "n", "1.5", "with a fraction" },
	{ &mysql, "1.", "n", "1.", "or none" },
	{ &mysql, ".5", "n", ".5", "or nothing before it" },
	{ &mysql, "1e5", "n", "1e5", "an exponent" },
	{ &mysql, "1E-5", "n", "1E-5", "a signed one" },
	{ &mysql, "1.e2", "n", "1.e2", "after a dot" },
	{ &mysql, "1e", "w", "1e", "no exponent: a name" },
	{ &mysql, "1e+", "wo", "+", "nor here" },
	{ &mysql, "1e5a", "nw", "a", "a name after a number" },
	{ &mysql, "0x1F", "x", "0x1F", "hex" },
	{ &mysql, "0x1g", "w", "0x1g", "a name" },
	{ &mysql, "0X1", "w", "0X1", "capital X: a name" },
	{ &mysql, "0x", "w", "0x", "a name" },
	{ &mysql, "0b01", "x", "0b01", "bits" },
	{ &mysql, "0b02", "w", "0b02", "a name" },
	{ &mysql, "x'1f'", "x", "1f", "hex string" },
	{ &mysql, "X'1f' B'01'", "xx", "01", "in capitals" },
	{ &mysql, "x'1g'", "!", "x'1g'", "no hex" },
	{ &mysql, "x '1f'", "ws", "1f", "with a blank it is a word" },
	{ &mysql, "N'a' _utf8'b'", "wsws", "b", "introducers are words" },
	{ &mysql, "t.1e5", "wow", "1e5", "after a name and a dot all is name" },
	{ &mysql, "t.1max", "wow", "1max", "likewise" },
	{ &mysql, "t .1", "wn", ".1", "unless there is a blank" },
	{ &mysql, "`t`.1a", "qow", "1a", "after a quoted name as well" },
	{ &mysql, "a.b.c", "wowow", "c", "dots" },
	{ &mysql, "`a``b`", "q", "a``b", "doubled back quotes" },
	{ &mysql, "`a\\`", "q", "a\\", "no escapes in names" },
	{ &mysql, "`", "!", "`", "open" },
	{ &mysql, "'a''b'", "s", "a''b", "doubled quotes" },
	{ &mysql, "'a\\'b'", "s", "a\\'b", "escaped quote" },
	{ &mysql, "'a\\\\'", "s", "a\\\\", "escaped backslash" },
	{ &mysql, "''", "s", "", "empty" },
	{ &mysql, "'a' 'b'", "ss", "b", "two" },
	{ &mysql, "'a", "!", "'a", "open" },
	{ &mysql, "'a\\'", "!", "'a\\'", "open, with an escaped quote" },
	{ &mysql, "'\\", "!", "'\\", "ends in an escape" },
	{ &mysql, "\"a'b\"", "s", "a'b", "double quotes" },
	{ &ansi, "\"a\\\"", "q", "a\\", "are names in ANSI mode, without escapes" },
	{ &ansi, "'a\\''", "s", "a\\'", "strings keep theirs" },
	{ &no_escapes, "'a\\'", "s", "a\\", "no escapes at all" },
	{ &mysql, "@a", "u", "a", "user variable" },
	{ &mysql, "@a.b$c", "u", "a.b$c", "with dots" },
	{ &mysql, "@`a b`", "u", "a b", "quoted" },
	{ &mysql, "@'a\\'b'", "u", "a\\'b", "as a string" },
	{ &ansi, "@\"a\\\"", "u", "a\\", "as an ANSI name" },
	{ &mysql, "@", "u", "", "nameless" },
	{ &mysql, "@ a", "uw", "a", "nameless" },
	{ &mysql, "@'a", "!", "@'a", "open" },
	{ &mysql, "@@a", "vw", "a", "system variable" },
	{ &mysql, "@@global.a", "vwow", "a", "with its scope" },
	{ &mysql, "@@`a`", "vq", "a", "quoted" },
	{ &mysql, "@a:=1", "uan", "1", "assignment" },
	{ &mysql, ": =", "oo", "=", "no assignment" },
	{ &mysql, "a->>'$.b'", "wooos", "$.b", "operators are single characters" },
	{ &mysql, "? , ?", "pop", "?", "placeholders" },
	{ &mysql, "a-- b\nc", "ww", "c", "line comment" },
	{ &mysql, "a--b", "woow", "b", "none without a blank" },
	{ &mysql, "a--", "w", "a", "at the end" },
	{ &mysql, "a--\x01 b\nc", "ww", "c", "a control character will do" },
	{ &mysql, "a#b\nc", "ww", "c", "hash comment" },
	{ &mysql, "a/*b*/c", "ww", "c", "block comment" },
	{ &mysql, "a/*/b*/c", "ww", "c", "its end does not overlap its start" },
	{ &mysql, "a/**/c", "ww", "c", "empty" },
	{ &mysql, "a/* /* */ b */", "wwoo", "/", "comments do not nest" },
	{ &mysql, "a/*", "w!", "/*", "open" },
	{ &mysql, "a/*b*", "w!", "/*b*", "open" },
	{ &mysql, "a */ b", "woow", "b", "no comment to end" },
	{ &mysql, "/*+ a */ b", "w", "b", "hints" },
	{ &mysql, "/*+ 'a' `b` */ b", "w", "b", "with quotes in pairs" },
	{ &mysql, "/*+ ' */ b", "!", "/*+ ' */ b", "or not" },
	{ &mysql, "/*! a */ b", "ww", "b", "version comment" },
	{ &mysql, "/*!50000 a */ b", "ww", "b", "old enough" },
	{ &mysql, "/*!50000a*/b", "ww", "b", "without blanks" },
	{ &mysql, "/*!99999 a */ b", "w", "b", "too new" },
	{ &mysql, "/*!99999 /* c */ a */ b", "w", "b", "with a comment inside" },
	{ &mysql, "/*!99999 /* c */ a", "!", "/*!99999 /* c */ a", "open" },
	{ &mysql, "/*!50000 /* c */ a */ b", "ww", "b", "the same, running" },
	{ &mysql, "/*!50000 /*!50000 a */ b */", "wwoo", "/", "the first end ends both" },
	{ &mysql, "/*!50000 a", "w!", "", "open" },
	{ &mysql, "/*!5000 a */", "nw", "a", "four digits are no version" },
	{ &mysql, "/*!080000 a */", "w", "a", "six digits" },
	{ &mysql, "/*!100000 a */ b", "w", "b", "six digits, too new" },
	{ &mysql, "/*!500001*/", "n", "1", "MySQL wants a blank after six digits" },
	{ &mysql, "/*M! a */ b", "w", "b", "MariaDB's is a comment" },
	{ &mariadb, "/*M! a */ b", "ww", "b", "here it runs" },
	{ &mariadb, "/*m! a */ b", "w", "b", "not in small letters" },
	{ &mariadb, "/*M!50701 a */ b", "ww", "b", "whatever the version" },
	{ &mariadb, "/*M!101120 a */ b", "w", "b", "unless too new" },
	{ &mariadb, "/*!50600 a */ b", "ww", "b", "before the split" },
	{ &mariadb, "/*!50700 a */ b", "w", "b", "MySQL's" },
	{ &mariadb, "/*!99999 a */ b", "w", "b", "MySQL's" },
	{ &mariadb, "/*!100000 a */ b", "ww", "b", "MariaDB's" },
	{ &mariadb, "/*!101119a*/ b", "ww", "b", "this one" },
	{ &mariadb, "/*!101120 a */ b", "w", "b", "the next" },
	{ &unknown, "/*!50600 a */ b", "ww", "b", "runs everywhere" },
	{ &unknown, "/*!80000 a */ b", "ww", "b", "conditional, taken for code" },
	{ &unknown, "/*M! a */ b", "ww", "b", "conditional, taken for code" },
	{ &mysql_old, "/*!100000 a */ b", "ww", "b", "does it read the sixth digit?" },
	{ &mysql, "$a", "w", "$a", "a name" },
	{ &mysql, "$$", "!", "$$", "dollar quotes?" },
	{ &mysql, "$a$ b", "!", "$a$ b", "dollar quotes?" },
	{ &mysql, "a$b$c", "w", "a$b$c", "a name" },
	{ &mysql, "\xc3\xa9", "w", "\xc3\xa9", "letters above 0x7f" },
	{ &sjis, "\xc3\xa9", "!", "\xc3\xa9", "a letter or a blank?" },
	{ &sjis, "@\xc3\xa9", "!", "@\xc3\xa9", "likewise" },
	{ &sjis, "'\xc3\xa9'", "s", "\xc3\xa9", "harmless in a string" },
	{ &sjis, "a '\x95\\'", "!", "a '\x95\\'", "an escape or half a character?" },
	{ &sjis, "a `\x95`", "!", "a `\x95`", "the end of the name or half a character?" },
	{ &sjis, "'a\\'b'", "s", "a\\'b", "ASCII is ASCII" },
	{ &mysql, "\x01", "o", "\x01", "a control character" },
};

/* The letters of all tokens of <sql> up to its end. */
static struct token letters(struct span sql, const struct sql_mode *mode, char *out,
			    size_t room)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t, last = { .kind = TOKEN_END };
	size_t n = 0;

	lexer_next(&lexer, &t);
	while (t.kind != TOKEN_END) {
		assert_in_range(n, 0, room - 2);
		out[n++] = kind_letters[t.kind];
		last = t;
		lexer_next(&lexer, &t);
	}
	out[n] = '\0';
	return last;
}

static void test_rows(void **state)
{
	char got[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token last = letters(span_of(rows[i].sql), rows[i].mode, got,
					    sizeof(got));
		struct span text = last.kind == TOKEN_END ? SPAN_NONE : last.text;

		if (strcmp(got, rows[i].kinds) != 0 || !span_is(text, rows[i].last))
			fail_msg("%s: \"%s\" gives %s, \"%.*s\"", rows[i].because,
				 rows[i].sql, got, (int)text.len, (const char *)text.data);
	}
}

/* Tokens lie in the text, one after the other, and end. */
static void check_walk(struct span sql, const struct sql_mode *mode)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t;
	size_t end = 0, tokens = 0;

	lexer.want_comments = true;
	do {
		lexer_next(&lexer, &t);
		assert_true(t.at >= end);
		assert_true(lexer.at <= sql.len);
		assert_true(t.text.len == 0 || (t.text.data >= sql.data + t.at &&
			t.text.data + t.text.len <= sql.data + lexer.at));
		end = lexer.at;
		assert_true(++tokens <= sql.len + 2);
	} while (t.kind != TOKEN_END);
}

static void test_every_prefix(void **state)
{
	static const struct sql_mode *const modes[] = { &mysql, &mariadb, &unknown, &ansi,
							&no_escapes, &sjis };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t len = 0; len <= strlen(rows[i].sql); len++) {
			uint8_t *block = malloc(len > 0 ? len : 1);

			assert_non_null(block);
			memcpy(block, rows[i].sql, len);
			for (size_t m = 0; m < ARRAY_LEN(modes); m++)
				check_walk((struct span){ block, len }, modes[m]);
			free(block);
		}
	}
}

static void test_comments_on_demand(void **state)
{
	struct lexer lexer = lexer_over(span_of("/* a */b--c\n/*!99999 d */"), &mysql);
	struct token t;

	(void)state;
	lexer.want_comments = true;
	lexer_next(&lexer, &t);
	assert_int_equal(t.kind, TOKEN_COMMENT);
	assert_true(span_is(t.text, " a "));
	lexer_next(&lexer, &t);
	assert_int_equal(t.kind, TOKEN_WORD);
	assert_int_equal(t.at, 7);
}

static void test_conditional(void **state)
{
	struct lexer lexer = lexer_over(span_of("a /*!80000 b */ c"), &unknown);
	struct token t;

	(void)state;
	lexer_next(&lexer, &t);
	assert_false(t.conditional);
	lexer_next(&lexer, &t);
	assert_true(t.conditional);
	assert_true(span_is(t.text, "b"));
	lexer_next(&lexer, &t);
	assert_false(t.conditional);
	assert_int_equal(lexer.conditional_comments, 1);

	lexer = lexer_over(span_of("a /*!80000 b */ c"), &unknown);
	lexer.skip_conditional = true;
	lexer_next(&lexer, &t);
	lexer_next(&lexer, &t);
	assert_true(span_is(t.text, "c"));
}

/* Every word is found by its text, in any case, and nothing else is. */
static void test_words(void **state)
{
	(void)state;
	for (unsigned i = 1; i < WORDS_END; i++) {
		struct span text = word_text((enum sql_word)i);

		if (text.len == 0)
			continue;	/* a marker between groups */
		if ((unsigned)word_find(text) != i)
			fail_msg("%.*s is not found: word_slots.h is not of this list",
				 (int)text.len, (const char *)text.data);
	}
	assert_int_equal(word_find(span_of("sElEcT")), WORD_SELECT);
	assert_int_equal(word_find(span_of("selec")), WORD_NONE);
	assert_int_equal(word_find(span_of("")), WORD_NONE);
	assert_int_equal(word_find(span_of("sbtest1")), WORD_NONE);
}

static void test_word_calls(void **state)
{
	(void)state;
	assert_int_equal(word_call_of(WORD_CONCAT, false), CALL_PURE);
	assert_int_equal(word_call_of(WORD_COUNT, true), CALL_TIGHT);
	assert_int_equal(word_call_of(WORD_RANK, false), CALL_PURE);
	assert_int_equal(word_call_of(WORD_RANK, true), CALL_TIGHT);
	assert_int_equal(word_call_of(WORD_NVL, false), CALL_NOTHING);
	assert_int_equal(word_call_of(WORD_NVL, true), CALL_PURE);
	assert_int_equal(word_call_of(WORD_NONE, true), CALL_NOTHING);
}

static void place_word(uint16_t *slots, uint16_t word, struct span text)
{
	uint32_t slot = word_hash(text);

	while (slots[slot] != WORD_NONE)
		slot = (slot + 1) % SLOT_COUNT;
	slots[slot] = word;
}

static void print_slots(const uint16_t *slots)
{
	int column = 0;

	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		char slot[32];
		int len = snprintf(slot, sizeof(slot), "[%u]=%u,", i, (unsigned)slots[i]);

		if (slots[i] == WORD_NONE)
			continue;
		if (column + len > 88) {
			(void)printf("\n");
			column = 0;
		}
		column += len;
		(void)printf("%s", slot);
	}
	(void)printf("\n");
}

static int make_slots(void)
{
	static uint16_t slots[SLOT_COUNT];

	for (unsigned i = 1; i < WORDS_END; i++) {
		struct span text = word_text((enum sql_word)i);

		if (text.len > 0)
			place_word(slots, (uint16_t)i, text);
	}
	(void)printf("/* SPDX-License-Identifier: GPL-2.0-or-later */\n"
		     "/* Made from word_list.h by tests/unit/test_sql_token --slots. */\n");
	print_slots(slots);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_comments_on_demand),
		cmocka_unit_test(test_conditional),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_word_calls),
	};

	if (argc > 1 && strcmp(argv[1], "--slots") == 0)
		return make_slots();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
