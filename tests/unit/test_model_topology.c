/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topology snapshots: finding backends, counting references, telling their states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/model/topology.h>

static void put(struct backend_view *v, uint32_t id, const char *name,
		enum backend_role role, enum backend_state state, const char *cause)
{
	v->id = id;
	v->role = role;
	v->state = state;
	v->usable = state == BACKEND_IS_IN;
	(void)snprintf(v->name, sizeof(v->name), "%s", name);
	(void)snprintf(v->cause, sizeof(v->cause), "%s", cause);
}

static struct topology *three(void)
{
	struct topology *t = topology_new(3);

	assert_non_null(t);
	t->discovered = true;
	put(&t->backends[0], 7, "mysql-1", BACKEND_REPLICA, BACKEND_IS_IN, "");
	put(&t->backends[1], 9, "mysql-0", BACKEND_PRIMARY, BACKEND_IS_DOWN,
	    "probe: Connection refused");
	put(&t->backends[2], 8, "mysql-2", BACKEND_REPLICA,
	    BACKEND_IS_NOT_REPLICATING, "it replicates from nobody");
	return t;
}

static void test_finding(void **state)
{
	struct topology *t = three();

	(void)state;
	assert_ptr_equal(topology_primary(t), &t->backends[1]);
	assert_ptr_equal(topology_by_id(t, 8), &t->backends[2]);
	assert_null(topology_by_id(t, 1));
	assert_ptr_equal(topology_by_name(t, span_of("mysql-1")), &t->backends[0]);
	assert_null(topology_by_name(t, span_of("mysql-")));
	assert_null(topology_by_name(t, span_of("mysql-11")));
	assert_int_equal(topology_usable_replicas(t), 1);
	topology_drop(t);
}

static void test_references(void **state)
{
	struct topology *t = three();
	const struct topology *mine = topology_take(t);

	(void)state;
	topology_drop(t);
	assert_int_equal(mine->n, 3);	/* ASan sees it when it is gone */
	topology_drop(mine);
	topology_drop(NULL);
}

static void test_empty(void **state)
{
	struct topology *t = topology_new(0);
	char words[128];

	(void)state;
	assert_non_null(t);
	assert_null(topology_primary(t));
	assert_int_equal(topology_usable_replicas(t), 0);
	topology_describe(t, true, BACKEND_PRIMARY, words, sizeof(words));
	assert_string_equal(words, "no server is known; discovery is still under way");
	t->discovered = true;
	topology_describe(t, true, BACKEND_PRIMARY, words, sizeof(words));
	assert_string_equal(words, "no server is known");
	topology_drop(t);
}

static void test_describe(void **state)
{
	static const struct {
		bool              any;
		enum backend_role role;
		const char       *want;
	} rows[] = {
		{ false, BACKEND_PRIMARY, "mysql-0 is down (probe: Connection refused)" },
		{ false, BACKEND_REPLICA,
		  "mysql-1 is in; mysql-2 is not replicating (it replicates from nobody)" },
		{ true, BACKEND_PRIMARY,
		  "mysql-1 is in; mysql-0 is down (probe: Connection refused); "
		  "mysql-2 is not replicating (it replicates from nobody)" },
	};
	struct topology *t = three();
	char words[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		topology_describe(t, rows[i].any, rows[i].role, words, sizeof(words));
		assert_string_equal(words, rows[i].want);
	}
	topology_drop(t);
}

static void test_describe_states(void **state)
{
	static const struct {
		enum backend_state state;
		const char        *want;
	} rows[] = {
		{ BACKEND_IS_NEW, "mysql-0 is not probed yet" },
		{ BACKEND_IS_IN, "mysql-0 is in" },
		{ BACKEND_IS_READ_ONLY, "mysql-0 is read-only" },
		{ BACKEND_IS_SUSPECT, "mysql-0 is suspect" },
		{ BACKEND_IS_DOWN, "mysql-0 is down" },
		{ BACKEND_IS_NOT_REPLICATING, "mysql-0 is not replicating" },
		{ BACKEND_IS_LAGGING, "mysql-0 is lagging" },
		{ BACKEND_IS_DRAINING, "mysql-0 is draining" },
	};
	struct topology *t = three();
	char words[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put(&t->backends[1], 9, "mysql-0", BACKEND_PRIMARY, rows[i].state, "");
		topology_describe(t, false, BACKEND_PRIMARY, words, sizeof(words));
		assert_string_equal(words, rows[i].want);
	}
	topology_drop(t);
}

/* Cut at every length, in a block of exactly that length. */
static void test_describe_cuts(void **state)
{
	struct topology *t = three();

	(void)state;
	for (size_t room = 1; room < 140; room++) {
		char *words = malloc(room);

		assert_non_null(words);
		topology_describe(t, true, BACKEND_PRIMARY, words, room);
		assert_true(strlen(words) < room);
		free(words);
	}
	topology_drop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_describe_states),
		cmocka_unit_test(test_describe_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
