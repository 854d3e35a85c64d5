/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fleet with its loop and its probe threads, in front of servers that are a
 * few lines each: what evidence leads to which verdict.
 */
#include "fleet_scene.h"

#include <readmux/base/clock.h>
#include <readmux/wire/protocol.h>

static const struct fake_script primary = {
	.version = "8.0.30-fake",
	.identity = WHO("0", "100", "ON", "aaaa"),
};
static const struct fake_script read_only_primary = {
	.version = "8.0.30-fake",
	.identity = WHO("1", "100", "ON", "aaaa"),
};
static const struct fake_script replica = {
	.version = "8.0.30-fake",
	.identity = WHO("1", "101", "ON", "bbbb"),
	.replication = FINE,
};

/* --- what is waited for ------------------------------------------------------------- */

static bool first_is_up(const struct scene *s) { return view(s, 0)->health == HEALTH_UP; }
static bool first_is_down(const struct scene *s)
{
	return view(s, 0)->health == HEALTH_DOWN;
}
static bool first_is_writable(const struct scene *s) { return view(s, 0)->writable; }
static bool first_is_read_only(const struct scene *s)
{
	return view(s, 0)->usable && !view(s, 0)->writable;
}
static bool both_are_up(const struct scene *s)
{
	return first_is_up(s) && view(s, 1)->health == HEALTH_UP;
}
static bool second_is_used(const struct scene *s) { return view(s, 1)->usable; }
static bool second_is_not_used(const struct scene *s) { return !view(s, 1)->usable; }
static bool second_has_full_weight(const struct scene *s)
{
	return view(s, 1)->weight == 100;
}
static bool first_has_another_id(const struct scene *s)
{
	return view(s, 0)->id != s->old_id;
}
static bool accounts_were_read(const struct scene *s)
{
	return strstr(s->accounts, "[ ]") != NULL;
}

/* --- tests ---------------------------------------------------------------------------- */

static void test_first_snapshot(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
	scene_begin(scene);
	assert_int_equal(scene->latest->n, 1);
	assert_true(scene->latest->discovered);
	assert_int_equal(view(scene, 0)->health, HEALTH_UNKNOWN);
	assert_false(view(scene, 0)->usable);
	assert_string_equal(view(scene, 0)->name, "mysql-0");
	scene_end(scene);
}

static void test_facts(void **state)
{
	struct scene *scene = scene_new();
	const struct server_facts *f;

	(void)state;
	(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_writable);
	f = &view(scene, 0)->facts;
	assert_true(f->known);
	assert_false(f->mariadb);
	assert_true(f->gtid);
	assert_int_equal(f->version, 80030);
	assert_int_equal(f->server_id, 100);
	assert_int_equal(f->max_connections, 151);
	assert_int_equal(f->max_allowed_packet, 67108864);
	assert_int_equal(f->collation, 45);
	assert_true((f->capabilities & CLIENT_PLUGIN_AUTH) != 0);
	assert_string_equal(f->version_text, "8.0.30-fake");
	assert_string_equal(f->plugin, "mysql_native_password");
	assert_string_equal(f->hostname, "pod");
	assert_string_equal(f->uuid, "aaaa");
	assert_int_equal(view(scene, 0)->weight, 100);
	assert_string_equal(view(scene, 0)->cause, "");
	scene_end(scene);
}

/* Every way in which a server can be out, and what is said of it. */
static void test_out(void **state)
{
	static const struct {
		enum fake_mood mood;
		const char    *cause;
	} rows[] = {
		{ FAKE_DENIES, "(1045)" },
		{ FAKE_BLOCKS, "(1130)" },
		{ FAKE_MUTTERS, "no MySQL server" },
		{ FAKE_MUTE, "no greeting in time" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scene *scene = scene_new();

		(void)scene_add_fake(scene, &primary, rows[i].mood);
		scene_begin(scene);
		RUN_UNTIL(scene, first_is_down);
		assert_cause(scene, 0, rows[i].cause);
		scene_end(scene);
	}
}

static void test_refused(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = fake_mysql_start(&primary, FAKE_ANSWERS);
	struct address nobody;

	(void)state;
	fake_mysql_address(fake, &nobody);
	fake_mysql_stop(fake);
	scene_add_server(scene, &nobody);
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_down);
	assert_cause(scene, 0, "Connection refused");
	scene_end(scene);
}

/* A login that is refused again and again must not be an aborted connection as well. */
static void test_greeted_once(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = scene_add_fake(scene, &primary, FAKE_DENIES);

	(void)state;
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_down);
	fake_mysql_become(fake, &primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_up);
	assert_int_equal(fake_mysql_greetings(fake), 1 + fake_mysql_logins(fake));
	scene_end(scene);
}

static void test_read_only(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = scene_add_fake(scene, &read_only_primary, FAKE_ANSWERS);

	(void)state;
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_read_only);
	assert_cause(scene, 0, "read-only");
	fake_mysql_become(fake, &primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_writable);
	scene_end(scene);
}

static void test_connect_failed(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_up);
	fleet_evidence(scene->fleet, view(scene, 0)->id, EVIDENCE_CONNECT_FAILED,
		       "worker: Connection refused");
	assert_int_equal(view(scene, 0)->health, HEALTH_DOWN);
	assert_cause(scene, 0, "worker: Connection refused");
	RUN_UNTIL(scene, first_is_up);
	fleet_evidence(scene->fleet, 12345, EVIDENCE_CONNECT_FAILED, "a backend of old");
	assert_int_equal(view(scene, 0)->health, HEALTH_UP);
	scene_end(scene);
}

/* Whoever reached a stranger is believed until a probe has looked. */
static void test_stranger(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
	scene_set(scene, "probe.interval", "1h");	/* a probe at once clears it */
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_up);
	fleet_evidence(scene->fleet, view(scene, 0)->id, EVIDENCE_LINK_BROKE,
		       "worker: reset");
	assert_int_equal(view(scene, 0)->health, HEALTH_UP);
	assert_true(view(scene, 0)->usable);
	fleet_evidence(scene->fleet, view(scene, 0)->id, EVIDENCE_STRANGER,
		       "worker: another server");
	assert_int_equal(view(scene, 0)->health, HEALTH_SUSPECT);
	assert_false(view(scene, 0)->usable);
	RUN_UNTIL(scene, first_is_up);
	scene_end(scene);
}

/* The probe's own connection was lost: the server is not. */
static void test_lost_connection(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = scene_add_fake(scene, &primary, FAKE_ANSWERS);
	unsigned before;

	(void)state;
	scene_set(scene, "probe.fall", "1");
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_up);
	before = scene->published;
	fake_mysql_hang_up(fake);
	/* the next news is of a probe on a new connection; nothing came before it */
	fake_mysql_become(fake, &read_only_primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_read_only);
	assert_int_equal(scene->published, before + 1);
	assert_int_equal(fake_mysql_logins(fake), 2);
	scene_end(scene);
}

static void test_falls_silent(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = scene_add_fake(scene, &primary, FAKE_ANSWERS);

	(void)state;
	scene_set(scene, "probe.fall", "1");
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_up);
	fake_mysql_become(fake, &primary, FAKE_MUTE);
	RUN_UNTIL(scene, first_is_down);
	assert_cause(scene, 0, "no answer in time");
	scene_end(scene);
}

/* Another data directory at the same address. */
static void test_another_server(void **state)
{
	static const struct fake_script other = {
		.version = "8.0.30-fake",
		.identity = WHO("0", "100", "ON", "cccc"),
	};
	struct scene *scene = scene_new();
	struct fake_mysql *fake = scene_add_fake(scene, &primary, FAKE_ANSWERS);

	(void)state;
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_up);
	scene->old_id = view(scene, 0)->id;
	fake_mysql_become(fake, &other, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_has_another_id);
	assert_string_equal(view(scene, 0)->facts.uuid, "cccc");
	scene_end(scene);
}

static void test_replication(void **state)
{
	static const struct {
		struct fake_script script;
		bool               used;
		enum lag_state     lag;
		const char        *cause;
	} rows[] = {
#define REPLICA(version_text, ...) { .version = version_text, \
		.identity = WHO("1", "101", "ON", "bbbb"), .replication = { __VA_ARGS__, IN_LOG } }
		{ REPLICA("8.0.30", "Yes", "Yes", "3", "0", "", ""), true, LAG_KNOWN, "" },
		{ REPLICA("5.7.44", "Yes", "Yes", "3", "0", "", ""), true, LAG_KNOWN, "" },
		{ REPLICA("8.0.30", "Connecting", "Yes", "NULL", "2003", "no primary", ""),
		  true, LAG_UNKNOWN, "" },
		{ REPLICA("8.0.30", "No", "Yes", "NULL", "2003", "gave up", ""), true,
		  LAG_UNKNOWN, "" },
		{ REPLICA("8.0.30", "No", "Yes", "NULL", "0", "", ""), false, LAG_STOPPED,
		  "receiver does not run" },
		{ REPLICA("8.0.30", "No", "Yes", "NULL", "1236", "purged", ""), false,
		  LAG_STOPPED, "receiver does not run: purged" },
		{ REPLICA("8.0.30", "Yes", "No", "NULL", "0", "", "Duplicate entry"), false,
		  LAG_STOPPED, "applier does not run: Duplicate entry" },
		{ { .version = "8.0.30", .identity = WHO("1", "101", "ON", "bbbb") }, false,
		  LAG_STOPPED, "replicates from nobody" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scene *scene = scene_new();

		(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
		(void)scene_add_fake(scene, &rows[i].script, FAKE_ANSWERS);
		scene_begin(scene);
		RUN_UNTIL(scene, both_are_up);
		if (view(scene, 1)->usable != rows[i].used)
			fail_msg("row %zu: \"%s\"", i, view(scene, 1)->cause);
		assert_int_equal(view(scene, 1)->lag_state, rows[i].lag);
		assert_cause(scene, 1, rows[i].cause);
		scene_end(scene);
	}
}

static void test_secret_lag(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
	(void)scene_add_fake(scene, &replica, FAKE_SECRETIVE);
	scene_begin(scene);
	RUN_UNTIL(scene, both_are_up);
	assert_true(view(scene, 1)->usable);
	assert_int_equal(view(scene, 1)->lag_state, LAG_SECRET);
	scene_end(scene);
}

static void test_lag(void **state)
{
	static const struct fake_script late = {
		.version = "8.0.30-fake",
		.identity = WHO("1", "101", "ON", "bbbb"),
		.replication = { "Yes", "Yes", "60", "0", "", "", IN_LOG, NULL },
	};
	struct scene *scene = scene_new();
	struct fake_mysql *fake;

	(void)state;
	(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
	fake = scene_add_fake(scene, &replica, FAKE_ANSWERS);
	(void)scene_add_fake(scene, &replica, FAKE_ANSWERS);
	scene_begin(scene);
	RUN_UNTIL(scene, second_is_used);
	fake_mysql_become(fake, &late, FAKE_ANSWERS);
	RUN_UNTIL(scene, second_is_not_used);
	assert_cause(scene, 1, "probe.max_lag");
	fake_mysql_become(fake, &replica, FAKE_ANSWERS);
	RUN_UNTIL(scene, second_is_used);
	scene_end(scene);
}

static bool places_are_known(const struct scene *scene)
{
	return view(scene, 0)->log[0] != '\0' && view(scene, 1)->log[0] != '\0';
}

/* Each probe is news then: sessions go by when a place was seen. */
static bool a_later_place(const struct scene *scene)
{
	return view(scene, 1)->log_us > scene->latest->backends[0].since_us + 300000;
}

static void test_places_in_the_log(void **state)
{
	static const struct fake_script logs = {
		.version = "8.0.30-fake",
		.identity = WHO("0", "100", "OFF", "aaaa"),
		.log = { "mysql-bin.000003", "2000" },
	};
	static const struct fake_script follower = {
		.version = "8.0.30-fake",
		.identity = WHO("1", "101", "OFF", "bbbb"),
		.replication = FINE,
	};
	static const struct fake_script of_another = {
		.version = "8.0.30-fake",
		.identity = WHO("1", "102", "OFF", "cccc"),
		.replication = { "Yes", "Yes", "0", "0", "", "", "mysql-bin.000003", "9", "101" },
	};
	struct scene *scene = scene_new();

	(void)state;
	(void)scene_add_fake(scene, &logs, FAKE_ANSWERS);
	(void)scene_add_fake(scene, &follower, FAKE_ANSWERS);
	(void)scene_add_fake(scene, &of_another, FAKE_ANSWERS);
	scene_begin(scene);
	RUN_UNTIL(scene, places_are_known);
	assert_string_equal(view(scene, 0)->log, "mysql-bin.000003:2000");
	assert_string_equal(view(scene, 1)->log, "mysql-bin.000003:1542");
	RUN_UNTIL(scene, a_later_place);
	assert_string_equal(view(scene, 2)->log, "");
	assert_true(view(scene, 2)->other_source);
	assert_false(view(scene, 1)->other_source);
	scene_end(scene);
}

static bool source_is_not_known(const struct scene *scene)
{
	return view(scene, 1)->facts.known && view(scene, 1)->other_source;
}

static bool source_is_the_primary(const struct scene *scene)
{
	return view(scene, 0)->facts.known && !view(scene, 1)->other_source;
}

/* The replica is asked only once, before the primary. */
static void test_primary_known_last(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *first, *second;

	(void)state;
	first = scene_add_fake(scene, &primary, FAKE_MUTE);
	second = scene_add_fake(scene, &replica, FAKE_ANSWERS);
	scene_begin(scene);
	RUN_UNTIL(scene, source_is_not_known);
	fake_mysql_become(second, &replica, FAKE_MUTE);
	fake_mysql_become(first, &primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, source_is_the_primary);
	scene_end(scene);
}

static void test_accounts(void **state)
{
	static const struct fake_script with_accounts = {
		.version = "8.0.30-fake",
		.identity = WHO("0", "100", "ON", "aaaa"),
		.accounts = {
			{ "app", "mysql_native_password", "*AB", "0", NULL },
			{ "two", "mysql_native_password", "*AB", "0", NULL },
			{ "two", "mysql_native_password", "*CD", "0", NULL },
			{ "last", "mysql_native_password", "*EF", "0", NULL },
		},
	};
	struct scene *scene = scene_new();

	(void)state;
	(void)scene_add_fake(scene, &with_accounts, FAKE_ANSWERS);
	scene_begin(scene);
	RUN_UNTIL(scene, accounts_were_read);
	assert_string_equal(scene->accounts, "[app *AB][last *EF][ ]");
	scene_end(scene);
}

static void test_slow_start(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene_set(scene, "probe.slow_start", "1s");
	(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
	(void)scene_add_fake(scene, &replica, FAKE_ANSWERS);
	scene_begin(scene);
	RUN_UNTIL(scene, both_are_up);
	assert_int_equal(view(scene, 1)->weight, 100);	/* not at the start */
	fleet_evidence(scene->fleet, view(scene, 1)->id, EVIDENCE_CONNECT_FAILED,
		       "worker: test");
	assert_int_equal(view(scene, 1)->weight, 0);
	RUN_UNTIL(scene, both_are_up);
	assert_in_range(view(scene, 1)->weight, 10, 50);
	RUN_UNTIL(scene, second_has_full_weight);
	scene_end(scene);
}

/* The probe hangs when the fleet has to end. */
static void test_ends_in_time(void **state)
{
	struct scene *scene = scene_new();
	uint64_t started;

	(void)state;
	for (int i = 0; i < SCENE_BACKENDS; i++)
		(void)scene_add_fake(scene, &primary, FAKE_MUTE);
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_down);
	started = clock_now_us();
	fleet_free(scene->fleet);
	assert_true(clock_now_us() - started < 900000);	/* all of them side by side */
	scene->fleet = NULL;
	scene_end(scene);
}

static void test_reload(void **state)
{
	struct scene *scene = scene_new();
	struct settings *fresh;

	(void)state;
	(void)scene_add_fake(scene, &primary, FAKE_ANSWERS);
	scene_set(scene, "probe.interval", "1h");
	scene_begin(scene);
	RUN_UNTIL(scene, first_is_up);
	fresh = settings_new();
	assert_non_null(fresh);
	fleet_reload(scene->fleet, fresh);
	settings_drop(fresh);
	fake_mysql_become(scene->fakes[0], &read_only_primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_read_only);	/* within an hour */
	scene_end(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_snapshot),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_greeted_once),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_connect_failed),
		cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_lost_connection),
		cmocka_unit_test(test_falls_silent),
		cmocka_unit_test(test_another_server),
		cmocka_unit_test(test_replication),
		cmocka_unit_test(test_places_in_the_log),
		cmocka_unit_test(test_primary_known_last),
		cmocka_unit_test(test_secret_lag),
		cmocka_unit_test(test_lag),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_ends_in_time),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
