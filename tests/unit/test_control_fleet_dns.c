/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fleet and what DNS says: pods that come, move, go, and that are not who they seem.
 * Discovery is this file's own: the tests say what it has found.
 */
#include "fleet_scene.h"

#include <readmux/control/discovery.h>

static const struct fake_script primary = {
	.version = "8.0.30-fake",
	.identity = WHO_AT("mysql-0", "0", "100", "ON", "aaaa"),
};
static const struct fake_script first = {
	.version = "8.0.30-fake",
	.identity = WHO_AT("mysql-1", "1", "101", "ON", "bbbb"),
	.replication = FINE,
};
static const struct fake_script second = {
	.version = "8.0.30-fake",
	.identity = WHO_AT("mysql-2", "1", "102", "ON", "cccc"),
	.replication = FINE,
};

/* --- discovery ------------------------------------------------------------------------ */

struct discovery {
	const struct discovery_user_ops *ops;
	void                            *arg;
	unsigned                         hurried;
};

static struct discovery dns;

struct discovery *discovery_new(struct loop *loop, const struct settings *settings,
				const struct discovery_user_ops *ops, void *arg)
{
	(void)loop;
	(void)settings;
	dns = (struct discovery){ .ops = ops, .arg = arg };
	return &dns;
}

void discovery_free(struct discovery *d)
{
	(void)d;
}

void discovery_host(const struct discovery *d, unsigned ordinal, char *out, size_t room)
{
	(void)d;
	(void)snprintf(out, room, "mysql-%u.mysql.default.svc.cluster.local", ordinal);
}

const uint64_t *discovery_answers(const struct discovery *d)
{
	static const uint64_t answers[RESOLVER_ANSWERS];

	(void)d;
	return answers;
}

void discovery_hurry(struct discovery *d)
{
	d->hurried++;
}

static void dns_found(unsigned ordinal, const struct fake_mysql *fake)
{
	struct address address;

	fake_mysql_address(fake, &address);
	dns.ops->found(dns.arg, ordinal, &address, 1);
	dns.ops->passed(dns.arg, true);
}

static void dns_gone(unsigned ordinal)
{
	dns.ops->gone(dns.arg, ordinal);
	dns.ops->passed(dns.arg, true);
}

/* --- what is waited for -------------------------------------------------------------- */

static bool is_in(const struct scene *s, size_t i)
{
	return i < s->latest->n && s->latest->backends[i].state == BACKEND_IS_IN;
}

static bool is_down(const struct scene *s, size_t i)
{
	return s->latest->backends[i].state == BACKEND_IS_DOWN;
}

static bool first_is_in(const struct scene *s) { return is_in(s, 0); }
static bool second_is_in(const struct scene *s) { return is_in(s, 1); }
static bool second_is_down(const struct scene *s) { return is_down(s, 1); }
static bool all_are_in(const struct scene *s)
{
	return is_in(s, 0) && is_in(s, 1) && is_in(s, 2);
}
static bool second_lags(const struct scene *s)
{
	return view(s, 1)->state == BACKEND_IS_LAGGING;
}
static bool second_has_unknown_lag(const struct scene *s)
{
	return view(s, 1)->lag_state == LAG_UNKNOWN;
}
static bool first_is_down(const struct scene *s) { return is_down(s, 0); }

/* A primary and two replicas, found and in. */
static struct scene *three_pods(const char *max_lag)
{
	struct scene *scene = scene_new();

	scene_set(scene, "probe.max_lag", max_lag);
	scene_begin(scene);
	dns_found(0, scene_start_fake(scene, &primary, FAKE_ANSWERS));
	dns_found(1, scene_start_fake(scene, &first, FAKE_ANSWERS));
	dns_found(2, scene_start_fake(scene, &second, FAKE_ANSWERS));
	RUN_UNTIL(scene, all_are_in);
	return scene;
}

/* --- tests ---------------------------------------------------------------------------- */

static void test_discovered(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene_begin(scene);
	assert_int_equal(scene->latest->n, 0);
	dns.ops->passed(dns.arg, false);
	assert_false(scene->latest->discovered);
	dns.ops->passed(dns.arg, true);
	assert_true(scene->latest->discovered);
	scene_end(scene);
}

/* No traffic before a passed probe, and then slowly. */
static void test_new_pod(void **state)
{
	struct scene *scene = three_pods("10s");
	const struct backend_view *v;
	uint32_t old_id = view(scene, 1)->id;
	struct address other;

	(void)state;
	scene_set(scene, "probe.slow_start", "1h");
	fake_mysql_address(scene_start_fake(scene, &first, FAKE_ANSWERS), &other);
	dns_found(1, scene->fakes[3]);
	v = view(scene, 1);
	assert_int_not_equal(v->id, old_id);
	assert_int_equal(v->state, BACKEND_IS_NEW);
	assert_false(v->usable);
	assert_true(address_equal(&v->address, &other));
	RUN_UNTIL(scene, second_is_in);
	assert_in_range(view(scene, 1)->weight, 1, 20);
	scene_end(scene);
}

/* DNS may turn the list of a name's addresses; what answers is kept. */
static void test_several_addresses(void **state)
{
	struct scene *scene = three_pods("10s");
	struct address addresses[2];
	uint32_t id = view(scene, 1)->id;

	(void)state;
	fake_mysql_address(scene->fakes[2], &addresses[0]);
	fake_mysql_address(scene->fakes[1], &addresses[1]);
	dns.ops->found(dns.arg, 1, addresses, 2);
	dns.ops->passed(dns.arg, true);
	assert_int_equal(view(scene, 1)->id, id);
	assert_true(address_equal(&view(scene, 1)->address, &addresses[1]));
	scene_end(scene);
}

static void test_gone_replica_drains(void **state)
{
	struct scene *scene = three_pods("10s");
	uint32_t id = view(scene, 1)->id;

	(void)state;
	dns_gone(1);
	assert_int_equal(view(scene, 1)->state, BACKEND_IS_DRAINING);
	assert_true(view(scene, 1)->draining);
	assert_false(view(scene, 1)->usable);
	assert_cause(scene, 1, "DNS name is gone");
	dns_gone(2);		/* the last ones are kept while they answer */
	assert_true(view(scene, 1)->usable && view(scene, 2)->usable);
	assert_false(view(scene, 1)->draining || view(scene, 2)->draining);
	dns_found(1, scene->fakes[1]);
	assert_true(view(scene, 1)->usable);
	assert_int_equal(view(scene, 1)->id, id);
	assert_int_equal(view(scene, 2)->state, BACKEND_IS_DRAINING);
	scene_end(scene);
}

static void test_gone_primary_serves(void **state)
{
	struct scene *scene = three_pods("10s");

	(void)state;
	dns_gone(0);
	assert_true(view(scene, 0)->writable);
	assert_false(view(scene, 0)->draining);
	assert_cause(scene, 0, "but it answers");
	scene_end(scene);
}

/* A replica that has neither a name nor an answer has left; a primary is waited for. */
static void test_dead_without_name(void **state)
{
	struct scene *scene = three_pods("10s");

	(void)state;
	fake_mysql_become(scene->fakes[0], &primary, FAKE_BLOCKS);
	fake_mysql_become(scene->fakes[1], &first, FAKE_BLOCKS);
	fake_mysql_hang_up(scene->fakes[0]);
	fake_mysql_hang_up(scene->fakes[1]);
	RUN_UNTIL(scene, second_is_down);
	RUN_UNTIL(scene, first_is_down);
	assert_int_equal(scene->latest->n, 3);
	dns.ops->gone(dns.arg, 0);
	dns_gone(1);
	assert_int_equal(scene->latest->n, 2);
	assert_int_equal(view(scene, 0)->ordinal, 0);
	assert_int_equal(view(scene, 1)->ordinal, 2);
	scene_end(scene);
}

/* mysql-2 has got the address that mysql-1 had, and DNS does not know yet. */
static void test_address_of_another_pod(void **state)
{
	struct scene *scene = three_pods("10s");
	uint32_t id = view(scene, 1)->id;
	unsigned hurried = dns.hurried;

	(void)state;
	fake_mysql_become(scene->fakes[1], &second, FAKE_ANSWERS);
	RUN_UNTIL(scene, second_is_down);
	assert_cause(scene, 1, "at its address is mysql-2");
	assert_string_equal(view(scene, 1)->facts.uuid, "bbbb");	/* as before */
	assert_true(dns.hurried > hurried);
	fake_mysql_become(scene->fakes[1], &first, FAKE_ANSWERS);
	RUN_UNTIL(scene, second_is_in);
	assert_int_equal(view(scene, 1)->id, id);
	scene_end(scene);
}

/* A pod of another StatefulSet, which happens to have the same probe account. */
static void test_address_of_another_set(void **state)
{
	static const struct fake_script orders = {
		.version = "8.0.30-fake",
		.identity = WHO_AT("orders-0", "0", "100", "ON", "dddd"),
		.replication = FINE,
	};
	struct scene *scene = three_pods("10s");
	uint32_t id = view(scene, 0)->id;

	(void)state;
	fake_mysql_become(scene->fakes[0], &orders, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_down);
	assert_cause(scene, 0, "at its address is orders-0");
	assert_int_equal(view(scene, 0)->id, id);
	assert_string_equal(view(scene, 0)->facts.uuid, "aaaa");
	fake_mysql_become(scene->fakes[0], &primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_in);
	dns_found(1, scene_start_fake(scene, &orders, FAKE_ANSWERS));	/* nor at a new one */
	RUN_UNTIL(scene, second_is_down);
	assert_cause(scene, 1, "at its address is orders-0");
	scene_end(scene);
}

/* What seems to be another pod's name is not, where it is the pod's own in full. */
static void test_host_names(void **state)
{
	static const struct { const char *host; bool used; } rows[] = {
		{ "mysql-1", true }, { "MYSQL-1.mysql.shop.svc.test", true },
		{ "db7", true }, { "mysql", true }, { "mysql-", true }, { "mysql-x", true },
		{ "mysqlx-2", true }, { "", true },
		{ "mysql-2", false }, { "Mysql-2.mysql.shop.svc.test", false },
		{ "mysql-11", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake_script script = {
			.version = "8.0.30-fake",
			.identity = WHO_AT(rows[i].host, "1", "101", "ON", "bbbb"),
			.replication = FINE,
		};
		struct scene *scene = scene_new();

		scene_begin(scene);
		dns_found(0, scene_start_fake(scene, &primary, FAKE_ANSWERS));
		dns_found(1, scene_start_fake(scene, &script, FAKE_ANSWERS));
		scene_run_until(scene, rows[i].used ? second_is_in : second_is_down,
				rows[i].host);
		scene_end(scene);
	}
}

/* Whatever goes wrong may be for a pod that is elsewhere by now. */
static void test_failures_hurry_discovery(void **state)
{
	struct scene *scene = three_pods("10s");
	unsigned before = dns.hurried;

	(void)state;
	fleet_evidence(scene->fleet, view(scene, 1)->id, EVIDENCE_LINK_BROKE, "reset");
	assert_int_equal(dns.hurried, before + 1);
	fake_mysql_become(scene->fakes[2], &second, FAKE_BLOCKS);
	fake_mysql_hang_up(scene->fakes[2]);
	while (dns.hurried == before + 1)
		scene_run(scene, 10000);
	scene_end(scene);
}

/* A worker's write was refused: no more of them until a probe has another opinion. */
static void test_primary_went_read_only(void **state)
{
	struct scene *scene = three_pods("10s");

	(void)state;
	fleet_evidence(scene->fleet, view(scene, 0)->id, EVIDENCE_READ_ONLY, "");
	assert_int_equal(view(scene, 0)->state, BACKEND_IS_READ_ONLY);
	assert_true(view(scene, 0)->usable);
	assert_false(view(scene, 0)->writable);
	RUN_UNTIL(scene, first_is_in);
	assert_true(view(scene, 0)->writable);
	scene_end(scene);
}

/* A replica that does not find the primary, which is there, gets old. */
static void test_blind_replica(void **state)
{
	static const struct fake_script blind = {
		.version = "8.0.30-fake",
		.identity = WHO_AT("mysql-1", "1", "101", "ON", "bbbb"),
		.replication = { "Connecting", "Yes", "NULL", "2003", "", "", IN_LOG, NULL },
	};
	struct scene *scene = three_pods("1s");

	(void)state;
	fake_mysql_become(scene->fakes[1], &blind, FAKE_ANSWERS);
	RUN_UNTIL(scene, second_has_unknown_lag);
	assert_true(view(scene, 1)->usable);
	RUN_UNTIL(scene, second_lags);
	assert_cause(scene, 1, "has not found the primary");
	fake_mysql_become(scene->fakes[0], &primary, FAKE_BLOCKS);
	fake_mysql_hang_up(scene->fakes[0]);
	RUN_UNTIL(scene, second_is_in);		/* it is the primary that is away */
	scene_end(scene);
}

/* The state's time is that of its last change. */
static void test_since(void **state)
{
	struct scene *scene = three_pods("10s");
	uint64_t since = view(scene, 1)->since_us, other = view(scene, 2)->since_us;

	(void)state;
	assert_true(since > 0 && other > 0);
	scene_run(scene, 250000);
	assert_int_equal(view(scene, 1)->since_us, since);
	dns_gone(1);
	assert_true(view(scene, 1)->since_us >= since + 250000);
	assert_int_equal(view(scene, 2)->since_us, other);
	scene_end(scene);
}

/* As many as there may be, with gaps; nobody is there. */
static void test_many(void **state)
{
	struct scene *scene = scene_new();
	unsigned n = 0;

	(void)state;
	scene_begin(scene);
	for (unsigned i = 0; i < DISCOVERY_PODS_MAX; i++) {
		struct address nobody;

		if (i % 5 == 3)
			continue;
		assert_true(address_parse(span_of("127.0.9.9:1"), 1, &nobody));
		dns.ops->found(dns.arg, i, &nobody, 1);
		n++;
	}
	dns.ops->passed(dns.arg, true);
	assert_int_equal(scene->latest->n, n);
	RUN_UNTIL(scene, first_is_down);
	for (unsigned i = 0; i < DISCOVERY_PODS_MAX; i++)
		dns.ops->gone(dns.arg, i);
	while (scene->latest->n > 1) {		/* as each is found dead */
		scene_run(scene, 50000);
		dns.ops->passed(dns.arg, true);
	}
	assert_int_equal(view(scene, 0)->ordinal, 0);
	scene_end(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_discovered),
		cmocka_unit_test(test_new_pod),
		cmocka_unit_test(test_several_addresses),
		cmocka_unit_test(test_gone_replica_drains),
		cmocka_unit_test(test_gone_primary_serves),
		cmocka_unit_test(test_dead_without_name),
		cmocka_unit_test(test_address_of_another_pod),
		cmocka_unit_test(test_address_of_another_set),
		cmocka_unit_test(test_host_names),
		cmocka_unit_test(test_failures_hurry_discovery),
		cmocka_unit_test(test_primary_went_read_only),
		cmocka_unit_test(test_blind_replica),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
