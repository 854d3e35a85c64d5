/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The balancing policies: who is chosen, how often, and never whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/model/balance.h>

#define CANDIDATES_MAX 8
#define PICKS 40000

/* Shares in per mille of PICKS, with the same candidates every time. */
static void measure(const struct balance_policy *policy, const struct candidate *c,
		    size_t n, unsigned shares[CANDIDATES_MAX])
{
	struct balance_state state = { 0 };
	unsigned counts[CANDIDATES_MAX] = { 0 };

	for (unsigned i = 0; i < PICKS; i++) {
		size_t picked = policy->pick(c, n, &state);

		assert_true(picked < n);
		counts[picked]++;
	}
	for (size_t i = 0; i < n; i++)
		shares[i] = counts[i] * 1000 / PICKS;
}

struct share {
	unsigned low, high;	/* per mille */
};

static const struct row {
	const char      *because;
	const char      *policy;
	size_t           n;
	struct candidate c[CANDIDATES_MAX];
	struct share     shares[CANDIDATES_MAX];
} rows[] = {
	{ "p2c: equals share evenly", "p2c", 3,
	  { { 100, 0, 0, 0 }, { 100, 0, 0, 0 }, { 100, 0, 0, 0 } },
	  { { 320, 346 }, { 320, 346 }, { 320, 346 } } },
	{ "p2c: indexes do not matter with a gap", "p2c", 5,
	  { { 100, 1, 0, 900 }, { 0, 0, 0, 0 }, { 100, 1, 0, 900 }, { 0, 0, 0, 0 },
	    { 100, 1, 0, 900 } },
	  { { 320, 346 }, { 0, 0 }, { 320, 346 }, { 0, 0 }, { 320, 346 } } },
	{ "p2c: the busier of two gets next to nothing", "p2c", 2,
	  { { 100, 9, 0, 1000 }, { 100, 1, 0, 1000 } }, { { 2, 15 }, { 985, 998 } } },
	{ "p2c: the slower of two gets next to nothing", "p2c", 2,
	  { { 100, 0, 0, 90000 }, { 100, 0, 0, 1000 } }, { { 2, 15 }, { 985, 998 } } },
	{ "p2c: but it is asked now and then, or it would stay slow for ever", "p2c", 2,
	  { { 100, 0, 0, 90000000 }, { 100, 5, 0, 1 } }, { { 2, 15 }, { 985, 998 } } },
	{ "p2c: work in flight outweighs a little latency", "p2c", 2,
	  { { 100, 7, 0, 1000 }, { 100, 1, 0, 2000 } }, { { 2, 15 }, { 985, 998 } } },
	{ "p2c: half as much again is still a tie", "p2c", 2,
	  { { 100, 2, 0, 1000 }, { 100, 0, 0, 2000 } }, { { 480, 520 }, { 480, 520 } } },
	{ "p2c: differences below the floor are noise", "p2c", 2,
	  { { 100, 0, 0, 100 }, { 100, 0, 0, 450 } }, { { 480, 520 }, { 480, 520 } } },
	{ "p2c: the worst of three still is in two thirds of the draws, and loses", "p2c",
	  3, { { 100, 9, 0, 0 }, { 100, 0, 0, 0 }, { 100, 0, 0, 0 } },
	  { { 2, 15 }, { 480, 510 }, { 480, 510 } } },
	{ "p2c: slow start at a tenth", "p2c", 2,
	  { { 100, 0, 0, 0 }, { 10, 0, 0, 0 } }, { { 930, 970 }, { 30, 70 } } },
	{ "p2c: slow start at a half", "p2c", 2,
	  { { 100, 0, 0, 0 }, { 50, 0, 0, 0 } }, { { 730, 770 }, { 230, 270 } } },
	{ "p2c: one alone", "p2c", 1, { { 1, 1000, 1000, 90000 } }, { { 1000, 1000 } } },
	{ "round-robin: strict turns", "round-robin", 4,
	  { { 100, 9, 0, 0 }, { 0, 0, 0, 0 }, { 100, 0, 9, 0 }, { 100, 0, 0, 9 } },
	  { { 333, 334 }, { 0, 0 }, { 333, 334 }, { 333, 334 } } },
	{ "round-robin: by weight", "round-robin", 2,
	  { { 100, 0, 0, 0 }, { 25, 0, 0, 0 } }, { { 780, 820 }, { 180, 220 } } },
	{ "least-connections: the least", "least-connections", 3,
	  { { 100, 0, 3, 0 }, { 100, 9, 2, 0 }, { 100, 0, 4, 0 } },
	  { { 0, 0 }, { 1000, 1000 }, { 0, 0 } } },
	{ "least-connections: ties rotate", "least-connections", 2,
	  { { 100, 0, 3, 0 }, { 100, 0, 3, 0 } }, { { 500, 500 }, { 500, 500 } } },
	{ "least-connections: a light one gets its first last", "least-connections", 2,
	  { { 100, 0, 5, 0 }, { 10, 0, 0, 0 } }, { { 1000, 1000 }, { 0, 0 } } },
	{ "least-connections: nobody without weight", "least-connections", 2,
	  { { 0, 0, 0, 0 }, { 1, 0, 1000, 0 } }, { { 0, 0 }, { 1000, 1000 } } },
	{ "random: by weight", "random", 3,
	  { { 100, 0, 0, 0 }, { 0, 0, 0, 0 }, { 50, 0, 0, 0 } },
	  { { 646, 687 }, { 0, 0 }, { 313, 354 } } },
};

static bool holds(const struct row *row)
{
	const struct balance_policy *policy = balance_policy_by_name(span_of(row->policy));
	unsigned shares[CANDIDATES_MAX];
	bool good = true;

	assert_non_null(policy);
	measure(policy, row->c, row->n, shares);
	for (size_t i = 0; i < row->n; i++) {
		if (shares[i] >= row->shares[i].low && shares[i] <= row->shares[i].high)
			continue;
		print_error("%s: candidate %zu has %u per mille\n", row->because, i,
			    shares[i]);
		good = false;
	}
	return good;
}

static void test_shares(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		failed += !holds(&rows[i]);
	assert_int_equal(failed, 0);
}

static void test_nobody_takes_work(void **state)
{
	static const struct candidate none[3];
	struct balance_state any = { UINT64_MAX, UINT64_MAX };
	size_t n;
	const struct balance_policy *policies = balance_policies(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_true(policies[i].pick(none, 3, &any) == BALANCE_NONE);
		assert_true(policies[i].pick(NULL, 0, &any) == BALANCE_NONE);
	}
}

/* The largest numbers neither overflow nor hang. */
static void test_extremes(void **state)
{
	static const struct candidate c[] = {
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
		{ UINT32_MAX, 0, 0, 0 },
	};
	struct balance_state any = { UINT64_MAX, UINT64_MAX };
	size_t n;
	const struct balance_policy *policies = balance_policies(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < 100; k++)
			assert_true(policies[i].pick(c, ARRAY_LEN(c), &any) < ARRAY_LEN(c));
	}
}

/* Servers of equal speed that work off what they get end up with equal work. */
static void test_p2c_evens_out(void **state)
{
	const struct balance_policy *p2c = balance_policy_by_name(SPAN_LITERAL("p2c"));
	struct candidate c[4] = {
		{ 100, 40, 0, 800 }, { 100, 0, 0, 800 },
		{ 100, 0, 0, 800 }, { 100, 0, 0, 800 },
	};
	struct balance_state any = { 0 };

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		c[p2c->pick(c, 4, &any)].in_flight++;
		if (c[i % 4].in_flight > 0)
			c[i % 4].in_flight--;	/* each ends one in turn */
	}
	for (size_t i = 0; i < 4; i++)
		assert_in_range(c[i].in_flight, 1, 30);
}

static void test_names(void **state)
{
	size_t n;
	const struct balance_policy *policies = balance_policies(&n);

	(void)state;
	assert_string_equal(policies[0].name, "p2c");
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(balance_policy_by_name(span_of(policies[i].name)),
				 &policies[i]);
	assert_null(balance_policy_by_name(SPAN_LITERAL("fastest")));
	assert_null(balance_policy_by_name(SPAN_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_nobody_takes_work),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_p2c_evens_out),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
