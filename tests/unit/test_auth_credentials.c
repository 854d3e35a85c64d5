/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The credential store: sources, time, refusals, and the limit on failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/auth/credentials.h>

#include <pthread.h>

#define TTL 1000u

static struct secret secret_for(const char *password)
{
	struct secret s;

	assert_true(secret_from_password(&s, span_of(password)));
	return s;
}

static void put(struct credentials *c, const char *user, enum credential_source source,
		const char *password, uint64_t now)
{
	struct secret s = secret_for(password);

	assert_true(credentials_put(c, span_of(user), source, &s, now));
}

/* What is found has to be <password>; NULL when nothing may be found. */
static void expect(struct credentials *c, const char *user, uint64_t now,
		   enum credential_source source, const char *password)
{
	struct secret found, want, none = { 0 };

	assert_int_equal(credentials_find(c, span_of(user), now, &found), source);
	if (password == NULL) {
		assert_memory_equal(&found, &none, sizeof(none));
		return;
	}
	want = secret_for(password);
	assert_true(secret_equal(&found, &want));
}

/* The list of <source> ends, and an empty one follows. */
static void end_list(struct credentials *c, enum credential_source source)
{
	credentials_settle(c, source);
	credentials_settle(c, source);
}

static void test_precedence(void **state)
{
	struct credentials *c = credentials_new(TTL);

	(void)state;
	expect(c, "app", 0, CREDENTIAL_NONE, NULL);
	put(c, "app", CREDENTIAL_READ, "read", 10);
	expect(c, "app", 20, CREDENTIAL_READ, "read");
	put(c, "app", CREDENTIAL_LEARNED, "learned", 10);
	expect(c, "app", 20, CREDENTIAL_LEARNED, "learned");
	put(c, "app", CREDENTIAL_CONFIGURED, "configured", 10);
	expect(c, "app", 20, CREDENTIAL_CONFIGURED, "configured");
	expect(c, "App", 20, CREDENTIAL_NONE, NULL);
	expect(c, "ap", 20, CREDENTIAL_NONE, NULL);
	end_list(c, CREDENTIAL_CONFIGURED);
	expect(c, "app", 20, CREDENTIAL_LEARNED, "learned");
	end_list(c, CREDENTIAL_LEARNED);
	expect(c, "app", 20, CREDENTIAL_READ, "read");
	end_list(c, CREDENTIAL_READ);
	expect(c, "app", 20, CREDENTIAL_NONE, NULL);
	credentials_free(c);
	credentials_free(NULL);
}

/* Who stays on the list is known at every moment, and with what is on it. */
static void test_lists(void **state)
{
	struct credentials *c = credentials_new(TTL);

	(void)state;
	put(c, "stays", CREDENTIAL_READ, "1", 0);
	put(c, "goes", CREDENTIAL_READ, "1", 0);
	credentials_settle(c, CREDENTIAL_READ);
	for (int i = 0; i < 3; i++) {
		expect(c, "stays", 0, CREDENTIAL_READ, i == 0 ? "1" : "2");
		put(c, "stays", CREDENTIAL_READ, "2", 0);
		expect(c, "stays", 0, CREDENTIAL_READ, "2");
		expect(c, "goes", 0, i == 0 ? CREDENTIAL_READ : CREDENTIAL_NONE,
		       i == 0 ? "1" : NULL);
		put(c, "configured", CREDENTIAL_CONFIGURED, "3", 0);
		credentials_settle(c, CREDENTIAL_READ);
	}
	expect(c, "configured", 0, CREDENTIAL_CONFIGURED, "3");
	credentials_free(c);
}

static void test_replacing(void **state)
{
	struct credentials *c = credentials_new(TTL);

	(void)state;
	put(c, "app", CREDENTIAL_LEARNED, "old", 0);
	put(c, "app", CREDENTIAL_LEARNED, "new", 900);
	expect(c, "app", 1500, CREDENTIAL_LEARNED, "new");
	put(c, "", CREDENTIAL_READ, "anonymous", 0);
	expect(c, "", 0, CREDENTIAL_READ, "anonymous");
	expect(c, "app", 0, CREDENTIAL_LEARNED, "new");
	credentials_free(c);
}

static void test_names_too_long(void **state)
{
	struct credentials *c = credentials_new(TTL);
	struct secret s = secret_for("x");
	static uint8_t name[400];
	struct span whole = { name, sizeof(name) };

	(void)state;
	memset(name, 'n', sizeof(name));
	assert_false(credentials_put(c, whole, CREDENTIAL_LEARNED, &s, 0));
	assert_int_equal(credentials_find(c, whole, 0, &s), CREDENTIAL_NONE);
	assert_true(credentials_put(c, span_head(whole, 287), CREDENTIAL_LEARNED, &s, 0));
	credentials_failed(c, whole, whole, 0);
	assert_int_equal(credentials_blocked(c, whole, whole, 0), 0);
	credentials_free(c);
}

static void test_ttl(void **state)
{
	struct credentials *c = credentials_new(TTL);

	(void)state;
	put(c, "app", CREDENTIAL_LEARNED, "learned", 5000);
	put(c, "cfg", CREDENTIAL_CONFIGURED, "configured", 5000);
	expect(c, "app", 4990, CREDENTIAL_LEARNED, "learned");	/* a clock behind */
	expect(c, "app", 5999, CREDENTIAL_LEARNED, "learned");
	expect(c, "app", 6000, CREDENTIAL_NONE, NULL);
	expect(c, "app", 5001, CREDENTIAL_NONE, NULL);		/* gone for good */
	expect(c, "cfg", 9999999, CREDENTIAL_CONFIGURED, "configured");
	put(c, "gone", CREDENTIAL_LEARNED, "learned", 7000);
	put(c, "here", CREDENTIAL_LEARNED, "learned", 9000);	/* sweeps "gone" */
	expect(c, "gone", 7001, CREDENTIAL_NONE, NULL);
	expect(c, "here", 9001, CREDENTIAL_LEARNED, "learned");
	credentials_free(c);
}

static void test_ttl_of_zero(void **state)
{
	struct credentials *c = credentials_new(0);

	(void)state;
	put(c, "app", CREDENTIAL_LEARNED, "learned", 5);
	expect(c, "app", 5, CREDENTIAL_NONE, NULL);
	credentials_free(c);
}

static void test_refused(void **state)
{
	struct credentials *c = credentials_new(TTL);
	struct secret right = secret_for("right"), other = secret_for("other");

	(void)state;
	put(c, "app", CREDENTIAL_LEARNED, "right", 0);
	credentials_refused(c, span_of("app"), &other);
	expect(c, "app", 1, CREDENTIAL_LEARNED, "right");
	credentials_refused(c, span_of("app"), &right);
	expect(c, "app", 1, CREDENTIAL_NONE, NULL);
	credentials_refused(c, span_of("nobody"), &right);

	put(c, "app", CREDENTIAL_LEARNED, "right", 0);
	put(c, "app", CREDENTIAL_READ, "right", 0);
	credentials_refused(c, span_of("app"), &right);
	expect(c, "app", 1, CREDENTIAL_NONE, NULL);

	put(c, "app", CREDENTIAL_CONFIGURED, "right", 0);
	credentials_refused(c, span_of("app"), &right);
	expect(c, "app", 1, CREDENTIAL_CONFIGURED, "right");
	credentials_free(c);
}

static void fail_times(struct credentials *c, const char *user, const char *from,
		       uint64_t now, int n)
{
	while (n-- > 0)
		credentials_failed(c, span_of(user), span_of(from), now);
}

static uint64_t blocked(struct credentials *c, const char *user, const char *from,
			uint64_t now)
{
	return credentials_blocked(c, span_of(user), span_of(from), now);
}

static void test_blocking_window(void **state)
{
	struct credentials *c = credentials_new(TTL);

	(void)state;
	fail_times(c, "app", "1.2.3.4", 0, 100);
	assert_int_equal(blocked(c, "app", "1.2.3.4", 0), 0);	/* no limit was set */
	credentials_limit(c, 4, 1000);
	fail_times(c, "u", "1.2.3.4", 100, 3);
	assert_int_equal(blocked(c, "u", "1.2.3.4", 100), 0);
	fail_times(c, "u", "1.2.3.4", 200, 1);
	assert_int_equal(blocked(c, "u", "1.2.3.4", 200), 900);
	assert_int_equal(blocked(c, "u", "1.2.3.4", 90), 1000);	/* a clock behind */
	assert_int_equal(blocked(c, "u", "1.2.3.5", 200), 0);
	assert_int_equal(blocked(c, "v", "1.2.3.4", 200), 0);
	assert_int_equal(blocked(c, "u", "1.2.3.4", 1099), 1);
	assert_int_equal(blocked(c, "u", "1.2.3.4", 1100), 0);
	fail_times(c, "u", "1.2.3.4", 1100, 1);			/* a new window */
	assert_int_equal(blocked(c, "u", "1.2.3.4", 1101), 0);
	fail_times(c, "u", "1.2.3.4", 1200, 3);
	assert_int_equal(blocked(c, "u", "1.2.3.4", 1200), 900);
	credentials_limit(c, 0, 1000);
	assert_int_equal(blocked(c, "u", "1.2.3.4", 1200), 0);
	credentials_free(c);
}

/* A flood of other pairs pushes the oldest out, and no memory grows without end. */
static void test_failures_are_bounded(void **state)
{
	struct credentials *c = credentials_new(TTL);
	char user[32];

	(void)state;
	credentials_limit(c, 2, 1000000);
	fail_times(c, "first", "a", 0, 2);
	fail_times(c, "second", "a", 1, 2);
	for (int i = 0; i < 4094; i++) {
		(void)snprintf(user, sizeof(user), "u%d", i);
		fail_times(c, user, "a", 2, 2);
	}
	assert_true(blocked(c, "first", "a", 3) > 0);
	fail_times(c, "one more", "a", 3, 2);
	assert_int_equal(blocked(c, "first", "a", 3), 0);
	assert_true(blocked(c, "second", "a", 3) > 0);
	assert_true(blocked(c, "one more", "a", 3) > 0);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(user, sizeof(user), "w%d", i);
		fail_times(c, user, "a", 4, 1);
	}
	assert_int_equal(blocked(c, "second", "a", 5), 0);
	credentials_free(c);
}

static void *hammer(void *arg)
{
	struct credentials *c = arg;
	struct secret s = secret_for("x"), found;
	char user[16];

	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(user, sizeof(user), "u%u", i % 7);
		if (!credentials_put(c, span_of(user), CREDENTIAL_LEARNED, &s, i))
			abort();
		if (credentials_find(c, span_of(user), i, &found) == CREDENTIAL_LEARNED &&
		    !secret_equal(&s, &found))
			abort();
		credentials_refused(c, span_of(user), &s);
		credentials_failed(c, span_of(user), span_of("a"), i);
		(void)credentials_blocked(c, span_of(user), span_of("a"), i);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct credentials *c = credentials_new(TTL);
	pthread_t threads[4];

	(void)state;
	credentials_limit(c, 5, 100);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, c), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	credentials_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_replacing),
		cmocka_unit_test(test_names_too_long),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_ttl_of_zero),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_blocking_window),
		cmocka_unit_test(test_failures_are_bounded),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
