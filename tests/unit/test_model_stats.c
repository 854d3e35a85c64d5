/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters and their tables; durations in buckets and their quantiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/model/stats.h>

static void check_names(const struct stat_info *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool total_named = strstr(table[i].name, "_total") != NULL;

		assert_int_equal(total_named, table[i].kind == STAT_KIND_counter);
		assert_true(table[i].help[0] >= 'A' && table[i].help[0] <= 'Z');
	}
}

static uint64_t read_named(const void *counters, const struct stat_info *table, size_t n,
			   const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) == 0)
			return stats_read(counters, &table[i]);
	}
	fail_msg("no row %s", name);
	return 0;
}

static void test_tables(void **state)
{
	static struct worker_stats stats;
	const struct stat_info *table;
	struct backend_stats *b;
	size_t n;

	(void)state;
	STAT_ADD(&stats, retries_total, 3);
	STAT_INC(&stats, sessions);
	STAT_INC(&stats, sessions);
	STAT_DEC(&stats, sessions);
	table = stats_table(&n);
	check_names(table, n);
	assert_int_equal(read_named(&stats, table, n, "retries_total"), 3);
	assert_int_equal(read_named(&stats, table, n, "sessions"), 1);

	assert_null(stats_backend_of(&stats, 2));
	b = stats_backend(&stats, 2);
	STAT_SET(b, connections, 7);
	assert_ptr_equal(stats_backend(&stats, 2), b);
	assert_ptr_equal(stats_backend_of(&stats, 2), b);
	table = stats_backend_table(&n);
	check_names(table, n);
	assert_int_equal(read_named(b, table, n, "connections"), 7);
	stats_clear(&stats);
	assert_null(stats_backend_of(&stats, 2));
}

static void test_users_are_bounded(void **state)
{
	static struct worker_stats stats;
	struct user_stats *first = stats_user(&stats, SPAN_LITERAL("app"));
	struct user_stats *others;
	char name[STATS_USER_NAME_MAX + 1];

	(void)state;
	assert_ptr_equal(stats_user(&stats, SPAN_LITERAL("app")), first);
	for (unsigned i = 0; i < 2 * STATS_USERS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "user%u", i);
		(void)stats_user(&stats, span_of(name));
	}
	others = stats_user(&stats, span_of("one more"));
	assert_ptr_equal(others, &stats.users[STATS_USERS_MAX - 1]);
	assert_string_equal(others->name, "");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_ptr_equal(stats_user(&stats, span_of(name)), others);
	assert_ptr_equal(stats_user(&stats, SPAN_LITERAL("app")), first);
}

static void test_errors_are_bounded(void **state)
{
	static struct worker_stats stats;

	(void)state;
	for (uint16_t number = 1000; number < 1000 + 2 * STATS_ERRORS_MAX; number++)
		stats_server_error(&stats, number);
	stats_server_error(&stats, 1000);
	assert_int_equal(STAT_GET(&stats.server_errors[0], number), 1000);
	assert_int_equal(STAT_GET(&stats.server_errors[0], total), 2);
	assert_int_equal(STAT_GET(&stats.server_errors[STATS_ERRORS_MAX - 1], number), 0);
	assert_int_equal(STAT_GET(&stats.server_errors[STATS_ERRORS_MAX - 1], total),
			 STATS_ERRORS_MAX + 1);
}

static void test_buckets_meet(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		assert_int_equal(histogram_bucket(histogram_bound(i) - 1), i);
		assert_int_equal(histogram_bucket(histogram_bound(i)), i + 1);
	}
}

static void test_quantiles(void **state)
{
	static struct histogram h;
	static struct histogram_counts before, now, between;
	uint64_t us;

	(void)state;
	assert_false(histogram_quantile(&now, 0.5, &us));
	histogram_add(&h, 1000000);
	histogram_read(&h, &before);
	for (uint64_t i = 1; i <= 1000; i++)
		histogram_add(&h, i);
	histogram_read(&h, &now);
	histogram_since(&now, &before, &between);
	assert_int_equal(between.total, 1000);
	assert_int_equal(between.sum_us, 500500);
	assert_true(histogram_quantile(&between, 0.5, &us));
	assert_in_range(us, 480, 520);
	assert_true(histogram_quantile(&between, 0.99, &us));
	assert_in_range(us, 960, 1024);
	assert_true(histogram_quantile(&between, 0, &us));
	assert_in_range(us, 0, 16);
	histogram_add(&h, UINT64_MAX / 2);
	memset(&now, 0, sizeof(now));
	histogram_read(&h, &now);
	assert_true(histogram_quantile(&now, 1, &us));
	assert_int_equal(us, histogram_bound(HISTOGRAM_BUCKETS - 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_users_are_bounded),
		cmocka_unit_test(test_errors_are_bounded),
		cmocka_unit_test(test_buckets_meet),
		cmocka_unit_test(test_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
