/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fleet with its loop and its probe threads, in front of servers that are a
 * few lines each: what evidence leads to which verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_mysql.h"

#include <readmux/base/clock.h>
#include <readmux/base/log.h>
#include <readmux/control/fleet.h>
#include <readmux/net/timer.h>
#include <readmux/wire/protocol.h>

#define PATIENCE_US 10000000u
#define BACKENDS    3

#define WHO(read_only, id, gtid, uuid) \
	{ read_only, id, "pod", "151", "67108864", "1", read_only, gtid, uuid, NULL }
#define FINE { "Yes", "Yes", "0", "0", "", "", NULL }

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

struct scene {
	struct loop        *loop;
	struct fleet       *fleet;
	struct settings    *settings;
	struct fake_mysql  *fakes[BACKENDS];
	size_t              n;
	struct timer        patience;
	const struct topology *latest;
	unsigned            published;
	char                accounts[512];
	bool              (*wanted)(const struct scene *scene);
	uint32_t            old_id;
	bool                late;
};

/* --- running until something is so ------------------------------------------------- */

static void look(struct scene *scene)
{
	if (scene->wanted != NULL && scene->wanted(scene))
		loop_stop(scene->loop);
}

static void published(void *arg, const struct topology *topology)
{
	struct scene *scene = arg;

	topology_drop(scene->latest);
	scene->latest = topology_take(topology);
	scene->published++;
	look(scene);
}

static void account(void *arg, struct span user, struct span hash)
{
	struct scene *scene = arg;
	size_t at = strlen(scene->accounts);

	if (user.len == 0)
		at = 0;
	(void)snprintf(scene->accounts + at, sizeof(scene->accounts) - at, "[%.*s %.*s]",
		       (int)user.len, user.len > 0 ? (const char *)user.data : "",
		       (int)hash.len, hash.len > 0 ? (const char *)hash.data : "");
	look(scene);
}

static const struct fleet_host_ops ops = { .published = published, .account = account };

static void out_of_patience(struct timer *t)
{
	struct scene *scene = container_of(t, struct scene, patience);

	scene->late = true;
	loop_stop(scene->loop);
}

static void run_until(struct scene *scene, bool (*wanted)(const struct scene *scene),
		      const char *what)
{
	char states[400];

	scene->wanted = wanted;
	scene->late = false;
	timer_set(&scene->patience, scene->loop, PATIENCE_US, out_of_patience);
	if (!wanted(scene))
		loop_run(scene->loop);
	timer_clear(&scene->patience);
	topology_describe(scene->latest, true, BACKEND_PRIMARY, states, sizeof(states));
	if (scene->late)
		fail_msg("waited in vain until %s; %s", what, states);
}

#define RUN_UNTIL(scene, wanted) run_until(scene, wanted, #wanted)

static const struct backend_view *view(const struct scene *scene, size_t i)
{
	assert_true(i < scene->latest->n);
	return &scene->latest->backends[i];
}

/* --- setting the scene --------------------------------------------------------------- */

static void set(struct scene *scene, const char *path, const char *value)
{
	char problem[200];

	if (!setting_store(scene->settings, setting_find(span_of(path)), span_of(value),
			   problem, sizeof(problem)))
		fail_msg("%s: %s", path, problem);
}

static void no_line(const char *line, size_t len)
{
	(void)line;
	(void)len;
}

static struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	log_set_sink(no_line);
	scene->loop = loop_new();
	scene->settings = settings_new();
	assert_non_null(scene->loop);
	assert_non_null(scene->settings);
	set(scene, "probe.interval", "100ms");
	set(scene, "probe.timeout", "300ms");
	set(scene, "probe.slow_start", "0s");
	return scene;
}

static void add_server(struct scene *scene, const struct address *address)
{
	assert_true(settings_add_server(scene->settings, address));
}

static struct fake_mysql *add_fake(struct scene *scene, const struct fake_script *script,
				   enum fake_mood mood)
{
	struct address address;

	scene->fakes[scene->n] = fake_mysql_start(script, mood);
	fake_mysql_address(scene->fakes[scene->n], &address);
	add_server(scene, &address);
	return scene->fakes[scene->n++];
}

static void begin(struct scene *scene)
{
	scene->fleet = fleet_new(scene->loop, scene->settings, &ops, scene);
	assert_non_null(scene->fleet);
	assert_int_equal(scene->published, 1);	/* before anything was probed */
	assert_ptr_equal(fleet_topology(scene->fleet), scene->latest);
}

static void end(struct scene *scene)
{
	fleet_free(scene->fleet);
	for (size_t i = 0; i < scene->n; i++)
		fake_mysql_stop(scene->fakes[i]);
	topology_drop(scene->latest);
	settings_drop(scene->settings);
	loop_free(scene->loop);
	log_set_sink(NULL);
	free(scene);
}

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
	return strstr(s->accounts, "[last ") != NULL;
}

static void assert_cause(const struct scene *scene, size_t i, const char *part)
{
	if (strstr(view(scene, i)->cause, part) == NULL)
		fail_msg("not about \"%s\": \"%s\"", part, view(scene, i)->cause);
}

/* --- tests ---------------------------------------------------------------------------- */

static void test_first_snapshot(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	(void)add_fake(scene, &primary, FAKE_ANSWERS);
	begin(scene);
	assert_int_equal(scene->latest->n, 1);
	assert_true(scene->latest->discovered);
	assert_int_equal(view(scene, 0)->health, HEALTH_UNKNOWN);
	assert_false(view(scene, 0)->usable);
	assert_string_equal(view(scene, 0)->name, "mysql-0");
	end(scene);
}

static void test_facts(void **state)
{
	struct scene *scene = scene_new();
	const struct server_facts *f;

	(void)state;
	(void)add_fake(scene, &primary, FAKE_ANSWERS);
	begin(scene);
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
	end(scene);
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

		(void)add_fake(scene, &primary, rows[i].mood);
		begin(scene);
		RUN_UNTIL(scene, first_is_down);
		assert_cause(scene, 0, rows[i].cause);
		end(scene);
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
	add_server(scene, &nobody);
	begin(scene);
	RUN_UNTIL(scene, first_is_down);
	assert_cause(scene, 0, "Connection refused");
	end(scene);
}

/* A login that is refused again and again must not be an aborted connection as well. */
static void test_greeted_once(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = add_fake(scene, &primary, FAKE_DENIES);

	(void)state;
	begin(scene);
	RUN_UNTIL(scene, first_is_down);
	fake_mysql_become(fake, &primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_up);
	assert_int_equal(fake_mysql_greetings(fake), 1 + fake_mysql_logins(fake));
	end(scene);
}

static void test_read_only(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = add_fake(scene, &read_only_primary, FAKE_ANSWERS);

	(void)state;
	begin(scene);
	RUN_UNTIL(scene, first_is_read_only);
	assert_cause(scene, 0, "read-only");
	fake_mysql_become(fake, &primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_writable);
	end(scene);
}

static void test_connect_failed(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	(void)add_fake(scene, &primary, FAKE_ANSWERS);
	begin(scene);
	RUN_UNTIL(scene, first_is_up);
	fleet_evidence(scene->fleet, view(scene, 0)->id, EVIDENCE_CONNECT_FAILED,
		       "worker: Connection refused");
	assert_int_equal(view(scene, 0)->health, HEALTH_DOWN);
	assert_cause(scene, 0, "worker: Connection refused");
	RUN_UNTIL(scene, first_is_up);
	fleet_evidence(scene->fleet, 12345, EVIDENCE_CONNECT_FAILED, "a backend of old");
	assert_int_equal(view(scene, 0)->health, HEALTH_UP);
	end(scene);
}

static void test_link_broke(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	(void)add_fake(scene, &primary, FAKE_ANSWERS);
	set(scene, "probe.interval", "1h");	/* only a probe at once can clear it */
	begin(scene);
	RUN_UNTIL(scene, first_is_up);
	fleet_evidence(scene->fleet, view(scene, 0)->id, EVIDENCE_LINK_BROKE,
		       "worker: reset");
	assert_int_equal(view(scene, 0)->health, HEALTH_SUSPECT);
	assert_false(view(scene, 0)->usable);
	RUN_UNTIL(scene, first_is_up);
	end(scene);
}

/* The probe's own connection was lost: the server is not. */
static void test_lost_connection(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = add_fake(scene, &primary, FAKE_ANSWERS);
	unsigned before;

	(void)state;
	set(scene, "probe.fall", "1");
	begin(scene);
	RUN_UNTIL(scene, first_is_up);
	before = scene->published;
	fake_mysql_hang_up(fake);
	/* the next news is of a probe on a new connection; nothing came before it */
	fake_mysql_become(fake, &read_only_primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_read_only);
	assert_int_equal(scene->published, before + 1);
	assert_int_equal(fake_mysql_logins(fake), 2);
	end(scene);
}

static void test_falls_silent(void **state)
{
	struct scene *scene = scene_new();
	struct fake_mysql *fake = add_fake(scene, &primary, FAKE_ANSWERS);

	(void)state;
	set(scene, "probe.fall", "1");
	begin(scene);
	RUN_UNTIL(scene, first_is_up);
	fake_mysql_become(fake, &primary, FAKE_MUTE);
	RUN_UNTIL(scene, first_is_down);
	assert_cause(scene, 0, "no answer in time");
	end(scene);
}

/* Another data directory at the same address. */
static void test_another_server(void **state)
{
	static const struct fake_script other = {
		.version = "8.0.30-fake",
		.identity = WHO("0", "100", "ON", "cccc"),
	};
	struct scene *scene = scene_new();
	struct fake_mysql *fake = add_fake(scene, &primary, FAKE_ANSWERS);

	(void)state;
	begin(scene);
	RUN_UNTIL(scene, first_is_up);
	scene->old_id = view(scene, 0)->id;
	fake_mysql_become(fake, &other, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_has_another_id);
	assert_string_equal(view(scene, 0)->facts.uuid, "cccc");
	end(scene);
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
		.identity = WHO("1", "101", "ON", "bbbb"), .replication = { __VA_ARGS__ } }
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

		(void)add_fake(scene, &primary, FAKE_ANSWERS);
		(void)add_fake(scene, &rows[i].script, FAKE_ANSWERS);
		begin(scene);
		RUN_UNTIL(scene, both_are_up);
		if (view(scene, 1)->usable != rows[i].used)
			fail_msg("row %zu: \"%s\"", i, view(scene, 1)->cause);
		assert_int_equal(view(scene, 1)->lag_state, rows[i].lag);
		assert_cause(scene, 1, rows[i].cause);
		end(scene);
	}
}

static void test_secret_lag(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	(void)add_fake(scene, &primary, FAKE_ANSWERS);
	(void)add_fake(scene, &replica, FAKE_SECRETIVE);
	begin(scene);
	RUN_UNTIL(scene, both_are_up);
	assert_true(view(scene, 1)->usable);
	assert_int_equal(view(scene, 1)->lag_state, LAG_UNKNOWN);
	end(scene);
}

static void test_lag(void **state)
{
	static const struct fake_script late = {
		.version = "8.0.30-fake",
		.identity = WHO("1", "101", "ON", "bbbb"),
		.replication = { "Yes", "Yes", "60", "0", "", "", NULL },
	};
	struct scene *scene = scene_new();
	struct fake_mysql *fake;

	(void)state;
	(void)add_fake(scene, &primary, FAKE_ANSWERS);
	fake = add_fake(scene, &replica, FAKE_ANSWERS);
	(void)add_fake(scene, &replica, FAKE_ANSWERS);
	begin(scene);
	RUN_UNTIL(scene, second_is_used);
	fake_mysql_become(fake, &late, FAKE_ANSWERS);
	RUN_UNTIL(scene, second_is_not_used);
	assert_cause(scene, 1, "probe.max_lag");
	fake_mysql_become(fake, &replica, FAKE_ANSWERS);
	RUN_UNTIL(scene, second_is_used);
	end(scene);
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
	(void)add_fake(scene, &with_accounts, FAKE_ANSWERS);
	begin(scene);
	RUN_UNTIL(scene, accounts_were_read);
	assert_string_equal(scene->accounts, "[ ][app *AB][last *EF]");
	end(scene);
}

static void test_slow_start(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	set(scene, "probe.slow_start", "1s");
	(void)add_fake(scene, &primary, FAKE_ANSWERS);
	(void)add_fake(scene, &replica, FAKE_ANSWERS);
	begin(scene);
	RUN_UNTIL(scene, both_are_up);
	assert_int_equal(view(scene, 1)->weight, 100);	/* not at the start */
	fleet_evidence(scene->fleet, view(scene, 1)->id, EVIDENCE_CONNECT_FAILED,
		       "worker: test");
	assert_int_equal(view(scene, 1)->weight, 0);
	RUN_UNTIL(scene, both_are_up);
	assert_in_range(view(scene, 1)->weight, 10, 50);
	RUN_UNTIL(scene, second_has_full_weight);
	end(scene);
}

/* The probe hangs when the fleet has to end. */
static void test_ends_in_time(void **state)
{
	struct scene *scene = scene_new();
	uint64_t started;

	(void)state;
	for (int i = 0; i < BACKENDS; i++)
		(void)add_fake(scene, &primary, FAKE_MUTE);
	begin(scene);
	RUN_UNTIL(scene, first_is_down);
	started = clock_now_us();
	fleet_free(scene->fleet);
	assert_true(clock_now_us() - started < 900000);	/* all of them side by side */
	scene->fleet = NULL;
	end(scene);
}

static void test_reload(void **state)
{
	struct scene *scene = scene_new();
	struct settings *fresh;

	(void)state;
	(void)add_fake(scene, &primary, FAKE_ANSWERS);
	set(scene, "probe.interval", "1h");
	begin(scene);
	RUN_UNTIL(scene, first_is_up);
	fresh = settings_new();
	assert_non_null(fresh);
	fleet_reload(scene->fleet, fresh);
	settings_drop(fresh);
	fake_mysql_become(scene->fakes[0], &read_only_primary, FAKE_ANSWERS);
	RUN_UNTIL(scene, first_is_read_only);	/* within an hour */
	end(scene);
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
		cmocka_unit_test(test_link_broke),
		cmocka_unit_test(test_lost_connection),
		cmocka_unit_test(test_falls_silent),
		cmocka_unit_test(test_another_server),
		cmocka_unit_test(test_replication),
		cmocka_unit_test(test_secret_lag),
		cmocka_unit_test(test_lag),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_ends_in_time),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
