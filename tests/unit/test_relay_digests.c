/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics of statements by shape: counting, sampling, bounds, several workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/relay/digests.h>

static const struct sql_mode mode;

static void add(struct digests *d, const char *sql, uint64_t took_us, bool replica,
		unsigned weight)
{
	struct digest_sample sample = { .took_us = took_us, .rows = 2, .replica = replica };

	digests_add(d, span_of(sql), &mode, &sample, weight);
}

static void check(const struct table *t, size_t row, const char *const *cells)
{
	for (unsigned column = 1; column < t->width; column++) {
		struct span cell = table_cell(t, row, column);

		if (!span_is(cell, cells[column - 1]))
			fail_msg("column %s is %.*s, not %s", t->columns[column].name,
				 (int)cell.len, (const char *)cell.data, cells[column - 1]);
	}
}

static void test_counts_of_two_workers(void **state)
{
	static const char *const first[] = { "12", "1", "11", "1150", "95", "100", "24", "0",
					     "select a from t where id = ?" };
	static const char *const second[] = { "1", "1", "0", "7", "7", "7", "2", "0",
					      "commit" };
	struct digests *one = digests_new(), *two = digests_new();
	struct table t = { .columns = digests_columns, .width = digests_width };

	(void)state;
	add(one, "SELECT a FROM t WHERE id = 5", 100, true, 1);
	add(one, "select a from t where id = 77", 50, false, 1);
	add(two, "SELECT  a FROM t WHERE id=6 /* x */", 100, true, 10);
	add(two, "COMMIT", 7, false, 1);
	digests_fill(one, &t);
	digests_fill(two, &t);
	assert_int_equal(t.rows, 3);
	digests_merge(&t);
	assert_int_equal(t.rows, 2);
	check(&t, 0, first);
	check(&t, 1, second);
	table_free(&t);
	digests_free(one);
	digests_free(two);
}

static void test_sampling_keeps_the_sum(void **state)
{
	struct digests *d = digests_new();
	unsigned seen = 0, sum = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		unsigned weight = digests_weight(d, 5000000);

		seen += weight > 0;
		sum += weight;
	}
	assert_in_range(sum, 99900, 100100);
	assert_true(seen < 8000);
	assert_int_equal(digests_weight(d, 6000000), 1);
	digests_free(d);
}

static void test_shapes_are_bounded(void **state)
{
	struct digests *d = digests_new();
	struct table t = { .columns = digests_columns, .width = digests_width };
	char sql[64];

	(void)state;
	add(d, "SELECT often", 1, true, 100);
	for (unsigned i = 0; i < 2 * DIGESTS_MAX; i++) {
		(void)snprintf(sql, sizeof(sql), "SELECT a%u FROM t", i);
		add(d, sql, 1, true, 1);
	}
	digests_fill(d, &t);
	assert_int_equal(t.rows, DIGESTS_MAX);
	table_filter(&t, SPAN_LITERAL("select often"), 10);
	assert_int_equal(t.rows, 1);
	table_free(&t);
	digests_free(d);
}

/* Among shapes that come once each, one that comes again and again stays. */
static void test_a_new_shape_can_stay(void **state)
{
	struct digests *d = digests_new();
	struct table t = { .columns = digests_columns, .width = digests_width };
	char sql[64];

	(void)state;
	for (unsigned i = 0; i < DIGESTS_MAX; i++) {
		(void)snprintf(sql, sizeof(sql), "SELECT old%u FROM t", i);
		add(d, sql, 1, true, 1000);
	}
	for (unsigned i = 0; i < DIGESTS_MAX / 2; i++) {
		(void)snprintf(sql, sizeof(sql), "SELECT once%u FROM t", i);
		add(d, "SELECT hot", 1, true, 1);
		add(d, sql, 1, true, 1);
	}
	digests_fill(d, &t);
	assert_int_equal(t.rows, DIGESTS_MAX);
	table_filter(&t, SPAN_LITERAL("select hot"), 10);
	assert_int_equal(t.rows, 1);
	assert_true(span_is(table_cell(&t, 0, 1), "250"));
	table_free(&t);
	digests_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_of_two_workers),
		cmocka_unit_test(test_sampling_keeps_the_sum),
		cmocka_unit_test(test_shapes_are_bounded),
		cmocka_unit_test(test_a_new_shape_can_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
