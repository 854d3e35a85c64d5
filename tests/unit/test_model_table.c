/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of text: cells, order, choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/model/table.h>

static const struct table_column columns[] = {
	{ "name", TABLE_TEXT, "" },
	{ "count", TABLE_NUMBER, "" },
};

static void add(struct table *t, const char *name, uint64_t count)
{
	table_put_text(t, name);
	table_put_number(t, count);
}

/* The names, in order, with a blank between them. */
static void check(const struct table *t, const char *names)
{
	char all[200] = "";

	for (size_t row = 0; row < t->rows; row++) {
		char name[40];

		(void)span_copy(table_cell(t, row, 0), name, sizeof(name));
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
			       row > 0 ? " " : "", name);
	}
	assert_string_equal(all, names);
}

static void test_cells(void **state)
{
	static const struct table_column kinds[] = {
		{ "text", TABLE_TEXT, "" }, { "truth", TABLE_TRUTH, "" },
		{ "seconds", TABLE_NUMBER, "" }, { "none", TABLE_TEXT, "" },
	};
	struct table t = TABLE(kinds);

	(void)state;
	table_put(&t, SPAN_LITERAL(""));
	assert_int_equal(t.rows, 0);
	table_put_truth(&t, true);
	table_put_seconds(&t, 1000002);
	table_put_text(&t, NULL);
	assert_int_equal(t.rows, 1);
	assert_non_null(table_cell(&t, 0, 0).data);
	assert_true(span_is(table_cell(&t, 0, 1), "1"));
	assert_true(span_is(table_cell(&t, 0, 2), "1.000002"));
	assert_null(table_cell(&t, 0, 3).data);
	table_free(&t);
}

static void test_order(void **state)
{
	static const struct { unsigned n; const char *sorted; } rows[] = {
		{ 0, "" }, { 1, "a" }, { 2, "b a" }, { 3, "b a c" }, { 6, "b e a f d c" },
	};
	static const uint64_t counts[] = { 5, 100, 1, 2, 7, 4 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct table t = TABLE(columns);

		for (unsigned k = 0; k < rows[i].n; k++)
			add(&t, (const char[]){ (char)('a' + k), '\0' }, counts[k]);
		table_sort(&t, 1);
		check(&t, rows[i].sorted);
		table_free(&t);
	}
}

static void test_choice(void **state)
{
	static const struct { const char *like; uint64_t limit; const char *left; } rows[] = {
		{ NULL, 9, "mysql-0 mysql-1 other 12" },
		{ NULL, 2, "mysql-0 mysql-1" },
		{ NULL, 0, "" },
		{ "mysql%", 9, "mysql-0 mysql-1" },
		{ "MYSQL-_", 9, "mysql-0 mysql-1" },
		{ "%-1", 9, "mysql-1" },
		{ "%s%l%", 9, "mysql-0 mysql-1" },
		{ "mysql", 9, "" },
		{ "", 9, "" },
		{ "%", 9, "mysql-0 mysql-1 other 12" },
		{ "12", 9, "12" },
		{ "%th%", 1, "other" },
		{ "mysql\\-_", 9, "mysql-0 mysql-1" },
		{ "mysql\\_0", 9, "" },
		{ "%\\%", 9, "" },
		{ "o%\\her", 9, "other" },
		{ "a\\_b", 9, "a_b" },
		{ "a_b", 9, "a_b axb a\\b" },
		{ "a\\\\b", 9, "a\\b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct table part = TABLE(columns), t = TABLE(columns);

		add(&part, "mysql-0", 12);
		add(&part, "mysql-1", 12);
		table_append(&t, &part);
		add(&t, "other", 3);
		add(&t, "12", 0);
		if (rows[i].like != NULL && rows[i].like[0] == 'a') {
			add(&t, "a_b", 1);
			add(&t, "axb", 1);
			add(&t, "a\\b", 1);
		}
		table_filter(&t, rows[i].like != NULL ? span_of(rows[i].like) : SPAN_NONE,
			     rows[i].limit);
		check(&t, rows[i].left);
		table_free(&part);
		table_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
