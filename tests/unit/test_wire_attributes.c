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
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
