/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Query attributes: found, named, skipped; and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/wire/attributes.h>

#define BYTES(text) ((struct span){ (const uint8_t *)(text), sizeof(text) - 1 })

/* command, count, sets, nulls, types follow, types and names, values, text */
static const struct {
	const char *because;
	struct span payload;
	const char *query;	/* NULL: malformed */
	const char *found;	/* name=text; ... */
} rows[] = {
	{ "none", BYTES("\3\0\1SELECT 1"), "SELECT 1", "" },
	{ "one text", BYTES("\3\1\1\0\1\xfe\0\7readmux\7primarySELECT 1"), "SELECT 1",
	  "readmux=primary;" },
	{ "NULL, a number, a text",
	  BYTES("\3\3\1\1\1\xfe\0\1a\3\0\1b\xfd\0\1c\x2a\0\0\0\1zDO 1"), "DO 1", "a=;b=;c=z;" },
	{ "a date and a double", BYTES("\3\2\1\0\1\x0c\0\1d\5\0\1e\4\xe4\7\1\2" "12345678Q"),
	  "Q", "d=;e=;" },
	{ "an empty name and text", BYTES("\3\1\1\0\1\xfc\0\0\0Q"), "Q", "=;" },
	{ "no text at all", BYTES("\3\0\1"), "", "" },
	{ "cut in the types", BYTES("\3\1\1\0\1\xfe"), NULL, "" },
	{ "cut in the value", BYTES("\3\1\1\0\1\xfe\0\1a\x09xx"), NULL, "" },
	{ "no types", BYTES("\3\1\1\0\0SELECT 1"), NULL, "" },
	{ "several sets", BYTES("\3\0\2SELECT 1"), NULL, "" },
	{ "an unknown type", BYTES("\3\1\1\0\1\x63\0\1aQ"), NULL, "" },
	{ "too many", BYTES("\3\xfd\xff\xff\xff\1Q"), NULL, "" },
	{ "nothing", BYTES("\3"), NULL, "" },
};

static void add(char *out, struct span text, const char *end)
{
	size_t len = strlen(out);

	memcpy(out + len, text.data != NULL ? (const void *)text.data : "", text.len);
	(void)snprintf(out + len + text.len, 8, "%s", end);
}

/* command, id, flags, iterations, count, nulls, types follow, types and names, values */
#define EXECUTE(flags) "\x17\1\0\0\0" flags "\1\0\0\0"
static const struct {
	const char *because;
	struct span payload;
	bool        good;
	const char *found;
} execute_rows[] = {
	{ "an attribute alone", BYTES(EXECUTE("\x08") "\1\0\1\xfe\0\7readmux\7primary"), true,
	  "readmux=primary;" },
	{ "behind a parameter",
	  BYTES(EXECUTE("\x08") "\2\0\1\x03\0\0\xfe\0\1c\x2a\0\0\0\1z"), true, "=;c=z;" },
	{ "NULL parameter", BYTES(EXECUTE("\x08") "\2\1\1\x03\0\0\xfe\0\1c\1z"), true, "=;c=z;" },
	{ "types as the time before", BYTES(EXECUTE("\x08") "\1\0\0\1z"), false, "" },
	{ "no count", BYTES(EXECUTE("\0") "\0\1\xfe\0\1z"), false, "" },
	{ "cut in the value", BYTES(EXECUTE("\x08") "\1\0\1\xfe\0\1a\x09xx"), true, "" },
	{ "cut in the types", BYTES(EXECUTE("\x08") "\1\0\1\xfe"), false, "" },
	{ "cut in the nulls", BYTES(EXECUTE("\x08") "\x09\0"), false, "" },
	{ "nothing", BYTES("\x17"), false, "" },
};

static void test_execute_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(execute_rows); i++) {
		struct attributes a;
		struct attribute each;
		char found[200] = "";

		if (attributes_of_execute(execute_rows[i].payload, &a) != execute_rows[i].good)
			fail_msg("%s", execute_rows[i].because);
		while (execute_rows[i].good && attributes_next(&a, &each)) {
			add(found, each.name, "=");
			add(found, each.text, ";");
		}
		if (strcmp(found, execute_rows[i].found) != 0)
			fail_msg("%s: %s", execute_rows[i].because, found);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct attributes a;
		struct attribute each;
		char found[200] = "";
		bool good = attributes_parse(rows[i].payload, &a);

		if (good != (rows[i].query != NULL))
			fail_msg("%s: parsed: %d", rows[i].because, good);
		if (!good)
			continue;
		while (attributes_next(&a, &each)) {
			add(found, each.name, "=");
			add(found, each.text, ";");
		}
		if (strcmp(found, rows[i].found) != 0 || !span_is(a.query, rows[i].query))
			fail_msg("%s: %s", rows[i].because, found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_execute_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
