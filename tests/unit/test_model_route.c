/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routing: one row per rule, and per pair of rules whose order matters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/model/route.h>

/* What a row's situation changes against a fresh session with replicas. */
enum at {
	FRESH       = 0,
	ATTACHED    = 1u << 0,
	IN_TRX      = 1u << 1,
	NO_AUTO     = 1u << 2,
	PINNED      = 1u << 3,
	WROTE       = 1u << 4,
	NO_REPLICAS = 1u << 5,
	READ_PORT   = 1u << 6,
	EVENTUAL    = 1u << 7,
	PRIMARY     = 1u << 8,
};

#define READ    SQL_READ, REASON_PLAIN_READ
#define WRITE   SQL_WRITE, REASON_MODIFIES
#define SET     SQL_SESSION, REASON_SET_SESSION
#define RO_TRX  SQL_READ, REASON_READ_TRANSACTION

struct row {
	const char       *because;
	unsigned          at;
	enum sql_class    class;
	enum route_reason said;
	uint32_t          flags;
	uint32_t          pins;
	enum sql_hint     hint;
	enum route_target target;
	enum route_reason reason;
	bool              retryable;
};

static const struct row rows[] = {
	{ "a plain read", FRESH, READ, 0, 0, 0, ROUTE_REPLICA, REASON_PLAIN_READ, true },
	{ "a write", FRESH, WRITE, 0, 0, 0, ROUTE_PRIMARY, REASON_MODIFIES, false },
	{ "session state", FRESH, SET, SQL_HAS_SET, 0, 0, ROUTE_ANY, REASON_SET_SESSION,
	  false },

	/* what ties to a connection */
	{ "in a transaction", ATTACHED | IN_TRX, READ, 0, 0, 0,
	  ROUTE_ATTACHED, REASON_IN_TRANSACTION, false },
	{ "a write in a transaction", ATTACHED | IN_TRX, WRITE, 0, 0, 0,
	  ROUTE_ATTACHED, REASON_IN_TRANSACTION, false },
	{ "a hint cannot leave a transaction", ATTACHED | IN_TRX, READ, 0, 0,
	  SQL_HINT_REPLICA, ROUTE_ATTACHED, REASON_IN_TRANSACTION, false },
	{ "a transaction on the read-only address", ATTACHED | IN_TRX | READ_PORT, WRITE,
	  0, 0, 0, ROUTE_ATTACHED, REASON_IN_TRANSACTION, false },
	{ "a transaction whose connection is gone", IN_TRX, READ, 0, 0, 0,
	  ROUTE_PRIMARY, REASON_IN_TRANSACTION, false },
	{ "pinned", ATTACHED | PINNED, READ, 0, 0, 0, ROUTE_ATTACHED, REASON_PINNED,
	  false },
	{ "pinned with autocommit off stays there", ATTACHED | PINNED | NO_AUTO, READ, 0, 0,
	  0, ROUTE_ATTACHED, REASON_PINNED, false },
	{ "about the previous statement", FRESH, READ, SQL_ABOUT_PREVIOUS, 0, 0,
	  ROUTE_PREVIOUS, REASON_PREVIOUS_STATEMENT, false },
	{ "about the previous statement, autocommit off", NO_AUTO, READ, SQL_ABOUT_PREVIOUS,
	  0, 0, ROUTE_PREVIOUS, REASON_PREVIOUS_STATEMENT, false },
	{ "about the previous one, pinned", ATTACHED | PINNED, READ, SQL_ABOUT_PREVIOUS, 0,
	  0, ROUTE_ATTACHED, REASON_PINNED, false },

	/* autocommit */
	{ "autocommit off: a read", NO_AUTO, READ, 0, 0, 0,
	  ROUTE_PRIMARY, REASON_AUTOCOMMIT_OFF, false },
	{ "autocommit off: session state", NO_AUTO, SET, SQL_HAS_SET, 0, 0,
	  ROUTE_PRIMARY, REASON_AUTOCOMMIT_OFF, false },
	{ "autocommit off: not even with a hint", NO_AUTO, READ, 0, 0, SQL_HINT_REPLICA,
	  ROUTE_PRIMARY, REASON_AUTOCOMMIT_OFF, false },

	/* hints */
	{ "hint primary", FRESH, READ, 0, 0, SQL_HINT_PRIMARY,
	  ROUTE_PRIMARY, REASON_HINT_PRIMARY, true },
	{ "hint replica", FRESH, READ, 0, 0, SQL_HINT_REPLICA,
	  ROUTE_REPLICA, REASON_HINT_REPLICA, true },
	{ "hint replica on a write means nothing", FRESH, WRITE, 0, 0, SQL_HINT_REPLICA,
	  ROUTE_PRIMARY, REASON_MODIFIES, false },
	{ "hint replica after a write", WROTE, READ, 0, 0, SQL_HINT_REPLICA,
	  ROUTE_REPLICA, REASON_HINT_REPLICA, true },
	{ "hint replica, consistency primary", PRIMARY, READ, 0, 0, SQL_HINT_REPLICA,
	  ROUTE_REPLICA, REASON_HINT_REPLICA, true },
	{ "hint replica without replicas", NO_REPLICAS, READ, 0, 0, SQL_HINT_REPLICA,
	  ROUTE_PRIMARY, REASON_NO_REPLICA, true },
	{ "hint backend", FRESH, READ, 0, 0, SQL_HINT_BACKEND,
	  ROUTE_NAMED, REASON_HINT_BACKEND, false },
	{ "hint backend on a write", FRESH, WRITE, 0, 0, SQL_HINT_BACKEND,
	  ROUTE_NAMED, REASON_HINT_BACKEND, false },
	{ "hint explain does not change the way", FRESH, READ, 0, 0, SQL_HINT_EXPLAIN,
	  ROUTE_REPLICA, REASON_PLAIN_READ, true },

	/* the read-only address */
	{ "read-only address: a read", READ_PORT, READ, 0, 0, 0,
	  ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, true },
	{ "read-only address: a write", READ_PORT, WRITE, 0, 0, 0,
	  ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, false },
	{ "read-only address: session state", READ_PORT, SET, SQL_HAS_SET, 0, 0,
	  ROUTE_ANY, REASON_SET_SESSION, false },
	{ "read-only address: BEGIN", READ_PORT, SQL_WRITE, REASON_STARTS_TRANSACTION,
	  SQL_BEGINS, 0, 0, ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, false },
	{ "read-only address: a hint opens no way for writes", READ_PORT, WRITE, 0, 0,
	  SQL_HINT_PRIMARY, ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, false },
	{ "read-only address: nor does naming the primary", READ_PORT, WRITE, 0, 0,
	  SQL_HINT_BACKEND, ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, false },
	{ "read-only address: a read may ask for the primary", READ_PORT, READ, 0, 0,
	  SQL_HINT_PRIMARY, ROUTE_PRIMARY, REASON_HINT_PRIMARY, true },
	{ "read-only address without replicas: a read", READ_PORT | NO_REPLICAS, READ, 0, 0,
	  0, ROUTE_PRIMARY, REASON_NO_REPLICA, true },
	{ "read-only address without replicas: a write", READ_PORT | NO_REPLICAS, WRITE,
	  0, 0, 0, ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, false },
	{ "read-only address without replicas: a read that would open a transaction",
	  READ_PORT | NO_REPLICAS | NO_AUTO, READ, 0, 0, 0,
	  ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, false },
	{ "read-only address, autocommit off", READ_PORT | NO_AUTO, READ, 0, 0, 0,
	  ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, false },
	{ "read-only address, consistency primary", READ_PORT | PRIMARY, READ, 0, 0, 0,
	  ROUTE_REPLICA, REASON_READ_ONLY_LISTENER, true },

	/* freshness */
	{ "consistency primary", PRIMARY, READ, 0, 0, 0,
	  ROUTE_PRIMARY, REASON_CONSISTENCY_PRIMARY, true },
	{ "after a write", WROTE, READ, 0, 0, 0, ROUTE_PRIMARY, REASON_RECENT_WRITE, true },
	{ "after a write, eventual", WROTE | EVENTUAL, READ, 0, 0, 0,
	  ROUTE_REPLICA, REASON_PLAIN_READ, true },
	{ "after a write: session state", WROTE, SET, SQL_HAS_SET, 0, 0,
	  ROUTE_ANY, REASON_SET_SESSION, false },
	{ "no replica", NO_REPLICAS, READ, 0, 0, 0, ROUTE_PRIMARY, REASON_NO_REPLICA,
	  true },
	{ "no replica: session state", NO_REPLICAS, SET, SQL_HAS_SET, 0, 0,
	  ROUTE_ANY, REASON_SET_SESSION, false },

	/* transactions */
	{ "BEGIN", FRESH, SQL_WRITE, REASON_STARTS_TRANSACTION, SQL_BEGINS, 0, 0,
	  ROUTE_PRIMARY, REASON_STARTS_TRANSACTION, false },
	{ "START TRANSACTION READ ONLY", FRESH, RO_TRX, SQL_BEGINS | SQL_BEGINS_READ_ONLY,
	  0, 0, ROUTE_REPLICA, REASON_READ_TRANSACTION, false },
	{ "the same if classified as a write", FRESH, SQL_WRITE, REASON_READ_TRANSACTION,
	  SQL_BEGINS | SQL_BEGINS_READ_ONLY, 0, 0,
	  ROUTE_REPLICA, REASON_READ_TRANSACTION, false },
	{ "START TRANSACTION READ ONLY; with more behind it", FRESH, WRITE,
	  SQL_BEGINS | SQL_BEGINS_READ_ONLY | SQL_MULTI, 0, 0,
	  ROUTE_PRIMARY, REASON_MODIFIES, false },
	{ "START TRANSACTION READ ONLY after a write", WROTE, RO_TRX,
	  SQL_BEGINS | SQL_BEGINS_READ_ONLY, 0, 0, ROUTE_PRIMARY, REASON_RECENT_WRITE,
	  false },

	/* running again */
	{ "several reads in one text", FRESH, READ, SQL_MULTI, 0, 0,
	  ROUTE_REPLICA, REASON_PLAIN_READ, false },
	{ "a read that leaves state behind", FRESH, READ, 0, SQL_PIN_USER_LOCK, 0,
	  ROUTE_REPLICA, REASON_PLAIN_READ, false },
	{ "a read that sets something", FRESH, READ, SQL_HAS_SET, 0, 0,
	  ROUTE_REPLICA, REASON_PLAIN_READ, false },
	{ "SQL_CALC_FOUND_ROWS is counted again", FRESH, READ, SQL_FOUND_ROWS_WANTED, 0, 0,
	  ROUTE_REPLICA, REASON_PLAIN_READ, true },
	{ "user variables are restored", FRESH, READ, SQL_USES_USER_VARS, 0, 0,
	  ROUTE_REPLICA, REASON_PLAIN_READ, true },
};

static struct route_situation situation_of(unsigned at)
{
	return (struct route_situation){
		.attached = (at & ATTACHED) != 0,
		.in_transaction = (at & IN_TRX) != 0,
		.autocommit_off = (at & NO_AUTO) != 0,
		.pinned = (at & PINNED) != 0,
		.recent_write = (at & WROTE) != 0,
		.consistency = (at & EVENTUAL) != 0 ? CONSISTENCY_EVENTUAL :
			(at & PRIMARY) != 0 ? CONSISTENCY_PRIMARY : CONSISTENCY_SESSION,
		.listen = (at & READ_PORT) != 0 ? LISTEN_READ : LISTEN_SPLIT,
		.replica_usable = (at & NO_REPLICAS) == 0,
	};
}

static bool holds(const struct row *row)
{
	struct route_situation at = situation_of(row->at);
	struct sql_verdict verdict = {
		.class = row->class, .reason = row->said, .flags = row->flags,
		.pins = row->pins, .hint = row->hint,
	};
	struct route route;

	route_decide(&verdict, &at, &route);
	if (route.target == row->target && route.reason == row->reason &&
	    route.retryable == row->retryable)
		return true;
	print_error("%s: target %s, reason %d, retryable %d\n", row->because,
		    route_target_name(route.target), (int)route.reason, route.retryable);
	return false;
}

static void test_rules(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		failed += !holds(&rows[i]);
	assert_int_equal(failed, 0);
}

/* Whatever the session is like: a write never reaches a replica on a split address. */
static void test_writes_stay_off_replicas(void **state)
{
	struct sql_verdict verdict = { .class = SQL_WRITE, .reason = REASON_MODIFIES };

	(void)state;
	for (unsigned at = 0; at < 1u << 9; at++) {
		struct route_situation situation = situation_of(at);
		struct route route;

		if (situation.listen == LISTEN_READ)
			continue;
		for (unsigned hint = SQL_HINT_NONE; hint <= SQL_HINT_EXPLAIN; hint++) {
			verdict.hint = (enum sql_hint)hint;
			route_decide(&verdict, &situation, &route);
			assert_true(route.target != ROUTE_REPLICA &&
				    route.target != ROUTE_ANY);
			assert_false(route.retryable);
		}
	}
}

/* And on a read-only address it reaches nothing else. */
static void test_read_only_address_is_tight(void **state)
{
	struct sql_verdict verdict = { .class = SQL_WRITE, .reason = REASON_MODIFIES };

	(void)state;
	for (unsigned at = READ_PORT; at < 1u << 9; at++) {
		struct route_situation situation = situation_of(at | READ_PORT);
		struct route route;

		if (situation.in_transaction || situation.pinned)
			continue;
		for (unsigned hint = SQL_HINT_NONE; hint <= SQL_HINT_EXPLAIN; hint++) {
			verdict.hint = (enum sql_hint)hint;
			route_decide(&verdict, &situation, &route);
			assert_int_equal(route.target, ROUTE_REPLICA);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_writes_stay_off_replicas),
		cmocka_unit_test(test_read_only_address_is_tight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
