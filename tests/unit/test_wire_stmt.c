/* SPDX-License-Identifier: GPL-2.0-or-later */
/* COM_STMT_*: ids, and where the types of parameters stand; what is cut or malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/wire/stmt.h>

#define BYTES(text) ((struct span){ (const uint8_t *)(text), sizeof(text) - 1 })

/* <bytes> alone in a block of memory, so that a look behind its end is seen. */
static struct span exactly(struct span bytes)
{
	uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes.data, bytes.len);
	return (struct span){ copy, bytes.len };
}

static void forget(struct span bytes)
{
	free((void *)(uintptr_t)bytes.data);
}

static void test_prepare_ok(void **state)
{
	const struct span full = BYTES("\0\4\3\2\1\2\0\5\0\0\7\0");
	struct stmt_prepare_ok ok;

	(void)state;
	assert_true(stmt_prepare_ok_parse(full, &ok));
	assert_int_equal(ok.id, 0x01020304);
	assert_int_equal(ok.columns, 2);
	assert_int_equal(ok.parameters, 5);
	assert_int_equal(ok.warnings, 7);
	assert_true(stmt_prepare_ok_parse(span_head(full, 10), &ok));	/* old servers' */
	assert_int_equal(ok.warnings, 0);
	assert_false(stmt_prepare_ok_parse(BYTES("\xff\x1e\4#42S22no such column"), &ok));
	for (size_t len = 0; len < 10; len++) {
		struct span cut = exactly(span_head(full, len));

		assert_false(stmt_prepare_ok_parse(cut, &ok));
		forget(cut);
	}
}

static void test_id(void **state)
{
	uint8_t payload[] = "\x19\1\2\3\4rest";
	struct span whole = { payload, sizeof(payload) - 1 };
	uint32_t id;

	(void)state;
	assert_true(stmt_id(whole, &id));
	assert_int_equal(id, 0x04030201);
	stmt_set_id(payload, 0xfedcba98);
	assert_memory_equal(payload, "\x19\x98\xba\xdc\xferest", sizeof(payload));
	assert_true(stmt_id(whole, &id));
	assert_int_equal(id, 0xfedcba98);
	assert_true(stmt_id(BYTES("\x19\xff\xff\xff\xff"), &id));
	assert_int_equal(id, STMT_ID_LAST);
	for (size_t len = 0; len < 5; len++) {
		struct span cut = exactly(span_head(whole, len));

		assert_false(stmt_id(cut, &id));
		forget(cut);
	}
}

/* Of both commands: number of the statement's parameters and the payload. */
#define HEAD "\x17\1\0\0\0"		/* execute statement 1 */
#define ONCE "\1\0\0\0"			/* iterations */
#define BULK "\xfa\1\0\0\0"

static const struct {
	const char *because;
	uint16_t    parameters;
	bool        attributes;
	struct span payload;
	int         front;	/* length; -1: malformed */
	int         types;	/* length; -1: none in the packet */
	uint8_t     cursor;
} rows[] = {
	{ "no parameters", 0, false, BYTES(HEAD "\0" ONCE), 10, -1, 0 },
	{ "a cursor", 0, false, BYTES(HEAD "\1" ONCE), 10, -1, 1 },
	{ "one number", 1, false, BYTES(HEAD "\0" ONCE "\0\1\3\0\2\0\0\0"), 12, 2, 0 },
	{ "without types", 1, false, BYTES(HEAD "\0" ONCE "\0\0\2\0\0\0"), 12, -1, 0 },
	{ "neither 0 nor 1 is no types", 1, false, BYTES(HEAD "\0" ONCE "\0\2\3\0"), 12, -1, 0 },
	{ "eight have one byte of nulls", 8, false,
	  BYTES(HEAD "\0" ONCE "\xff\1" "0123456789abcdef"), 12, 16, 0 },
	{ "nine have two", 9, false,
	  BYTES(HEAD "\0" ONCE "\xff\1\1" "0123456789abcdefgh"), 13, 18, 0 },
	{ "types are cut", 2, false, BYTES(HEAD "\0" ONCE "\0\1\3\0\3"), -1, -1, 0 },
	{ "nulls are missing", 1, false, BYTES(HEAD "\0" ONCE), -1, -1, 0 },
	{ "what says whether types follow is missing", 1, false, BYTES(HEAD "\0" ONCE "\0"), -1,
	  -1, 0 },
	{ "iterations are cut", 0, false, BYTES(HEAD "\0\1\0\0"), -1, -1, 0 },

	{ "attributes agreed, none sent", 1, true,
	  BYTES(HEAD "\0" ONCE "\0\1\3\0\0\2\0\0\0"), 12, 3, 0 },
	{ "attributes are parameters with names", 1, true,
	  BYTES(HEAD "\x08" ONCE "\2\0\1\3\0\0\xfe\0\4name\1\0\0\0\1x"), 13, 10, 0 },
	{ "attributes and a cursor", 0, true,
	  BYTES(HEAD "\x09" ONCE "\1\0\1\xfe\0\1a\1x"), 13, 4, 1 },
	{ "the flag alone means nothing", 0, false, BYTES(HEAD "\x08" ONCE), 10, -1, 0 },
	{ "a count of none", 3, true, BYTES(HEAD "\x08" ONCE "\0"), 11, -1, 0 },
	{ "the count is missing", 0, true, BYTES(HEAD "\x08" ONCE), -1, -1, 0 },
	{ "a count beyond reason", 0, true,
	  BYTES(HEAD "\x08" ONCE "\xfe\xff\xff\xff\xff\xff\xff\xff\xff"), -1, -1, 0 },
	{ "a count of 65536", 0, true, BYTES(HEAD "\x08" ONCE "\xfd\0\0\1\0\1"), -1, -1, 0 },
	{ "a name is cut", 1, true, BYTES(HEAD "\x08" ONCE "\1\0\1\3\0\4nam"), -1, -1, 0 },
	{ "a name's length is no length", 1, true, BYTES(HEAD "\x08" ONCE "\1\0\1\3\0\xff"), -1,
	  -1, 0 },

	{ "bulk with types", 2, false, BYTES(BULK "\x80\0\3\0\xfe\0\0\2\0\0\0"), 7, 4, 0 },
	{ "bulk without", 2, false, BYTES(BULK "\0\0\0\2\0\0\0"), 7, -1, 0 },
	{ "bulk that wants ids back", 1, false, BYTES(BULK "\xc0\0\3\0"), 7, 2, 0 },
	{ "bulk, types are cut", 2, false, BYTES(BULK "\x80\0\3\0\xfe"), -1, -1, 0 },
	{ "bulk, flags are cut", 0, false, BYTES(BULK "\x80"), -1, -1, 0 },
	{ "nothing", 0, false, { (const uint8_t *)"", 0 }, -1, -1, 0 },
};

static void test_execute(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span payload = exactly(rows[i].payload);
		struct stmt_execute e;
		bool good = stmt_execute_parse(payload, rows[i].parameters, rows[i].attributes,
					       &e);

		if (good != (rows[i].front >= 0))
			fail_msg("%s: parsed: %d", rows[i].because, good);
		if (good && ((int)e.front.len != rows[i].front || e.cursor != rows[i].cursor ||
			     e.has_types != (rows[i].types >= 0)))
			fail_msg("%s: front %zu, cursor %u, types %d", rows[i].because,
				 e.front.len, e.cursor, e.has_types);
		if (good && e.has_types && ((int)e.types.len != rows[i].types ||
					    e.types.data != e.front.data + e.front.len))
			fail_msg("%s: types: %zu", rows[i].because, e.types.len);
		forget(payload);
	}
}

/* Of no good packet is anything read behind the place where it is cut. */
static void test_execute_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t len = 0; rows[i].front >= 0 && len < (size_t)rows[i].front; len++) {
			struct span cut = exactly(span_head(rows[i].payload, len));
			struct stmt_execute e;

			if (stmt_execute_parse(cut, rows[i].parameters, rows[i].attributes, &e))
				fail_msg("%s: at %zu", rows[i].because, len);
			forget(cut);
		}
	}
}

static const struct {
	uint16_t    parameters;
	struct span without, announced;
} announce_rows[] = {
	{ 1, BYTES(HEAD "\0" ONCE "\0\0"), BYTES(HEAD "\0" ONCE "\0\1") },
	{ 9, BYTES(HEAD "\1" ONCE "\0\1\0"), BYTES(HEAD "\1" ONCE "\0\1\1") },
	{ 1, BYTES(BULK "\x40\0"), BYTES(BULK "\xc0\0") },
};

static void test_announce(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(announce_rows); i++) {
		struct stmt_execute e, again;
		uint8_t front[32];
		uint16_t n = announce_rows[i].parameters;

		assert_true(stmt_execute_parse(announce_rows[i].without, n, false, &e));
		assert_false(e.has_types);
		memcpy(front, e.front.data, e.front.len);
		stmt_execute_announce_types(&e, front);
		assert_int_equal(e.front.len, announce_rows[i].announced.len);
		assert_memory_equal(front, announce_rows[i].announced.data, e.front.len);
		memset(front + e.front.len, 3, 2u * n);
		assert_true(stmt_execute_parse((struct span){ front, e.front.len + 2u * n }, n,
					       false, &again));
		assert_int_equal(again.types.len, 2u * n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prepare_ok),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_execute),
		cmocka_unit_test(test_execute_cut),
		cmocka_unit_test(test_announce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
