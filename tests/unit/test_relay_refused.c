/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements that replicas have refused: remembered, for a while, and not too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/relay/refused.h>

static void test_remembered(void **state)
{
	struct refused *r = refused_new();

	(void)state;
	assert_non_null(r);
	assert_int_equal(refused_count(r), 0);
	assert_false(refused_has(r, 7, 0));
	refused_add(r, 7, 0);
	assert_true(refused_has(r, 7, 1));
	assert_false(refused_has(r, 8, 1));
	refused_add(r, 7, 2);
	assert_int_equal(refused_count(r), 1);
	refused_free(r);
}

static void test_expires(void **state)
{
	struct refused *r = refused_new();

	(void)state;
	refused_add(r, 1, 0);
	refused_add(r, 2, 10);
	refused_add(r, 1, 20);		/* renewed */
	assert_true(refused_has(r, 2, REFUSED_EXPIRY_US + 9));
	assert_false(refused_has(r, 2, REFUSED_EXPIRY_US + 10));
	assert_true(refused_has(r, 1, REFUSED_EXPIRY_US + 19));
	assert_false(refused_has(r, 1, REFUSED_EXPIRY_US + 20));
	assert_int_equal(refused_count(r), 0);
	refused_free(r);
}

static void test_bounded(void **state)
{
	struct refused *r = refused_new();

	(void)state;
	for (uint64_t digest = 0; digest < 3 * REFUSED_MAX; digest++)
		refused_add(r, digest, digest);
	assert_int_equal(refused_count(r), REFUSED_MAX);
	assert_false(refused_has(r, 2 * REFUSED_MAX - 1, 0));
	assert_true(refused_has(r, 2 * REFUSED_MAX, 0));
	refused_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
