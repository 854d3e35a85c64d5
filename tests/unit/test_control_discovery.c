/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a StatefulSet's names are in DNS: a row per pod, cluster and set of settings.
 * And what discovery makes of answers, with a resolver and a clock that the tests play.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/base/log.h>
#include <readmux/control/discovery.h>
#include <readmux/net/timer.h>

#include <unistd.h>

static const struct {
	const char *namespace;		/* the settings */
	const char *domain;
	const char *file;		/* the service account's; NULL: there is none */
	const char *resolv_conf;
	const char *want;
	const char *because;
} rows[] = {
	{ "", "", NULL, NULL, ".mysql.", "no cluster in sight" },
	{ "", "", NULL, "nameserver 10.0.0.1\nsearch example.org\n", ".mysql.",
	  "a search list of no cluster" },
	{ "", "", "shop", NULL, ".mysql.shop.svc.cluster.local.", "the file alone" },
	{ "", "", "shop\n", "search other.svc.k8s.test svc.k8s.test k8s.test\n",
	  ".mysql.shop.svc.k8s.test.", "the file says where, the list in which cluster" },
	{ "", "", NULL, "nameserver 10.0.0.1\nsearch shop.svc.k8s.test svc.k8s.test\n",
	  ".mysql.shop.svc.k8s.test.", "the list alone" },
	{ "", "", NULL, "search\texample.org  shop.svc.k8s.test.\t\n",
	  ".mysql.shop.svc.k8s.test.", "not its first name; tabs; absolute" },
	{ "", "", NULL, "search a.b.svc.k8s.test .svc.k8s.test shop.svc.\n", ".mysql.",
	  "names that only look like it" },
	{ "", "", NULL, "searching shop.svc.k8s.test\n#search shop.svc.k8s.test\n",
	  ".mysql.", "lines that only look like it" },
	{ "", "", "", "search shop.svc.k8s.test\n", ".mysql.shop.svc.k8s.test.",
	  "an empty file says nothing" },
	{ "other", "", "shop", "search shop.svc.k8s.test\n", ".mysql.other.svc.k8s.test.",
	  "the setting is stronger" },
	{ "other", "c.test", NULL, NULL, ".mysql.other.svc.c.test.", "both set" },
	{ "other", "c.test.", NULL, NULL, ".mysql.other.svc.c.test.", "a dot at the end" },
	{ "", "c.test", "shop", "search shop.svc.k8s.test\n", ".mysql.shop.svc.c.test.",
	  "only the domain set" },
};

/* A file with <text> in it; or, for NULL, the name of none. */
static void make_file(char path[32], const char *text)
{
	int fd;

	memcpy(path, "/tmp/readmux.XXXXXX", sizeof("/tmp/readmux.XXXXXX"));
	fd = mkstemp(path);
	assert_true(fd >= 0);
	if (text != NULL)
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	else
		(void)unlink(path);
	(void)close(fd);
}

static void set(struct settings *s, const char *path, const char *value)
{
	char problem[200];

	assert_true(setting_store(s, setting_find(span_of(path)), span_of(value), problem,
				  sizeof(problem)));
}

static void test_suffix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct settings *s = settings_new();
		char file[32], resolv_conf[32], suffix[300];

		assert_non_null(s);
		set(s, "backends.namespace", rows[i].namespace);
		set(s, "backends.domain", rows[i].domain);
		make_file(file, rows[i].file);
		make_file(resolv_conf, rows[i].resolv_conf);
		discovery_suffix(s, file, resolv_conf, suffix, sizeof(suffix));
		(void)unlink(file);
		(void)unlink(resolv_conf);
		settings_drop(s);
		if (strcmp(suffix, rows[i].want) != 0)
			fail_msg("%s: %s, not %s", rows[i].because, suffix, rows[i].want);
	}
}

/* --- the world: what DNS says, and what time it is ---------------------------------- */

#define NAMES_MAX 80u

/* What a name has; one that is not in the list does not exist. */
struct name {
	const char *name;		/* "1", or "SRV" */
	const char *value;		/* addresses, or "ordinal:port", apart by blanks; or
					 * "FAILED", "PARTLY value" */
};

static struct {
	struct name      names[NAMES_MAX];
	size_t           n;
	uint32_t         ttl_s;
	uint64_t         now_us;
	struct timer    *timer;
	uint64_t         due_us;	/* 0: not set */
	char             asked[1024];	/* in this pass, "SRV 0 1 2" */
	char             events[2048];
	bool             refreshed;
} world;

uint64_t loop_now_us(const struct loop *loop)
{
	(void)loop;
	return world.now_us;
}

void timer_set(struct timer *t, struct loop *loop, uint64_t after_us, timer_fn *fired)
{
	(void)loop;
	t->fired = fired;
	world.timer = t;
	world.due_us = world.now_us + after_us;
}

void timer_clear(struct timer *t)
{
	(void)t;
	world.due_us = 0;
}

struct resolver *resolver_new(struct loop *loop, const char *resolv_conf)
{
	static int nothing;

	(void)loop;
	(void)resolv_conf;
	return (struct resolver *)&nothing;
}

void resolver_free(struct resolver *r)
{
	(void)r;
}

bool resolver_refresh(struct resolver *r)
{
	(void)r;
	world.refreshed = true;
	return false;
}

static void note(char *list, size_t room, const char *format, ...) RMX_PRINTF(3, 4);

static void note(char *list, size_t room, const char *format, ...)
{
	size_t len = strlen(list);
	va_list ap;

	va_start(ap, format);
	len += (size_t)snprintf(list + len, room - len, "%s", len > 0 ? " " : "");
	(void)vsnprintf(list + len, room - len, format, ap);
	va_end(ap);
}

static const char *value_of(const char *key)
{
	for (size_t i = 0; i < world.n; i++) {
		if (strcmp(world.names[i].name, key) == 0)
			return world.names[i].value;
	}
	return NULL;
}

/* <result> without its lists; what follows in <value>, or NULL. */
static const char *begin_result(const char *key, struct resolver_result *result)
{
	const char *value = value_of(key);
	bool failed = value != NULL && strcmp(value, "FAILED") == 0;
	bool partly = value != NULL && strncmp(value, "PARTLY ", 7) == 0;

	note(world.asked, sizeof(world.asked), "%s", key);
	*result = (struct resolver_result){
		.answer = failed ? RESOLVER_FAILED : value == NULL ? RESOLVER_GONE :
			  RESOLVER_FOUND,
		.whole = !failed && !partly,
		.ttl_s = world.ttl_s,
		.words = "10.0.0.1: Timeout",
	};
	return failed ? NULL : partly ? value + 7 : value;
}

void resolver_ask_addresses(struct resolver *r, const char *name, resolver_fn *answered,
			    void *arg)
{
	struct address addresses[8];
	struct resolver_result result;
	const char *value;
	char key[8];

	(void)r;
	assert_int_equal(strncmp(name, "mysql-", 6), 0);
	assert_non_null(strstr(name, ".mysql.shop.svc.test."));
	(void)snprintf(key, sizeof(key), "%.*s", (int)strcspn(name + 6, "."), name + 6);
	value = begin_result(key, &result);
	while (value != NULL && *value != '\0') {
		struct span word = { (const uint8_t *)value, strcspn(value, " ") };

		assert_true(address_parse(word, 0, &addresses[result.n++]));
		value += word.len + (value[word.len] == ' ');
	}
	result.addresses = addresses;
	answered(arg, &result);
}

void resolver_ask_services(struct resolver *r, const char *name, resolver_fn *answered,
			   void *arg)
{
	struct resolver_target targets[NAMES_MAX];
	struct resolver_result result;
	const char *value;

	(void)r;
	assert_string_equal(name, "_mysql._tcp.mysql.shop.svc.test.");
	value = begin_result("SRV", &result);
	while (value != NULL && *value != '\0') {
		struct resolver_target *target = &targets[result.n++];
		int len = 0;
		char host[64];

		assert_int_equal(2, sscanf(value, "%63[^:]:%hu%n", host, &target->port,
					   &len));
		(void)snprintf(target->host, sizeof(target->host),
			       "%s.mysql.shop.svc.test", host);
		value += len + (value[len] == ' ');
	}
	result.targets = targets;
	answered(arg, &result);
}

/* --- what discovery tells ----------------------------------------------------------- */

static void found(void *arg, unsigned ordinal, const struct address *addresses, size_t n)
{
	char at[ADDRESS_TEXT_MAX];

	(void)arg;
	note(world.events, sizeof(world.events), "+%u", ordinal);
	for (size_t i = 0; i < n; i++) {
		address_format(&addresses[i], at, sizeof(at));
		note(world.events, sizeof(world.events), "%s", at);
	}
}

static void gone(void *arg, unsigned ordinal)
{
	(void)arg;
	note(world.events, sizeof(world.events), "-%u", ordinal);
}

static void passed(void *arg, bool usable)
{
	(void)arg;
	if (!usable)
		note(world.events, sizeof(world.events), "useless");
}

static const struct discovery_user_ops ops = { found, gone, passed };

static void no_line(const char *line, size_t len)
{
	(void)line;
	(void)len;
}

static struct discovery *begin(void)
{
	struct settings *s = settings_new();
	struct discovery *d;

	memset(&world, 0, sizeof(world));
	world.now_us = 1000000;
	world.ttl_s = 30;
	assert_non_null(s);
	set(s, "backends.namespace", "shop");
	set(s, "backends.domain", "test");
	log_set_sink(no_line);
	d = discovery_new(NULL, s, &ops, NULL);
	settings_drop(s);
	assert_non_null(d);
	return d;
}

static void end(struct discovery *d)
{
	discovery_free(d);
	log_set_sink(NULL);
}

/* DNS has <value> for <name> from now on; NULL: nothing. */
static void say(const char *name, const char *value)
{
	for (size_t i = 0; i < world.n; i++) {
		if (strcmp(world.names[i].name, name) == 0)
			world.names[i--] = world.names[--world.n];
	}
	assert_true(world.n < NAMES_MAX);
	if (value != NULL)
		world.names[world.n++] = (struct name){ name, value };
}

/* The next pass comes after <after_ms>, asks for <asked>, and tells <events>. */
static void pass_at(unsigned line, uint64_t after_ms, const char *asked, const char *events)
{
	uint64_t after_us = world.due_us - world.now_us;

	if (world.due_us == 0 || after_us != after_ms * 1000)
		fail_msg("line %u: after %llu us", line, (unsigned long long)after_us);
	world.now_us = world.due_us;
	world.due_us = 0;
	world.asked[0] = world.events[0] = '\0';
	world.refreshed = false;
	world.timer->fired(world.timer);
	assert_true(world.refreshed);
	if (strcmp(world.asked, asked) != 0 || strcmp(world.events, events) != 0)
		fail_msg("line %u: asked \"%s\", told \"%s\"", line, world.asked,
			 world.events);
}

#define PASS(after_ms, asked, events) pass_at(__LINE__, after_ms, asked, events)

/* Two pods, listed and found. */
static struct discovery *begin_with_two(void)
{
	struct discovery *d = begin();

	say("SRV", "mysql-0:3306 mysql-1:3306");
	say("0", "10.0.0.1");
	say("1", "10.0.0.2");
	PASS(0, "SRV 0 1", "+0 10.0.0.1:3306 +1 10.0.0.2:3306");
	return d;
}

/* --- stories ------------------------------------------------------------------------- */

static void test_by_record(void **state)
{
	struct discovery *d = begin();

	(void)state;
	say("SRV", "mysql-0:3306 mysql-1:3307");
	say("0", "10.0.0.1");
	say("1", "10.0.0.2");
	say("2", "10.0.0.3");		/* not ready, or of somebody else */
	PASS(0, "SRV 0 1", "+0 10.0.0.1:3306 +1 10.0.0.2:3307");
	say("SRV", "mysql-0:3306 MYSQL-1:3307 mysql-7:3306 other-3:3306 mysql-64:1 "
	    "mysql:1");
	say("7", "fd00::7 10.0.0.7");
	PASS(5000, "SRV 0 1 7",
	     "+0 10.0.0.1:3306 +1 10.0.0.2:3307 +7 [fd00::7]:3306 10.0.0.7:3306");
	end(d);
}

/* Twice in a row, the second time soon; and a name that is not listed is not asked for. */
static void test_record_without_a_pod(void **state)
{
	struct discovery *d = begin_with_two();

	(void)state;
	say("SRV", "mysql-0:3306");
	PASS(5000, "SRV 0", "+0 10.0.0.1:3306");
	say("SRV", "mysql-0:3306 mysql-1:3306");	/* a flap */
	PASS(1000, "SRV 0 1", "+0 10.0.0.1:3306 +1 10.0.0.2:3306");
	say("SRV", "mysql-0:3306");
	PASS(5000, "SRV 0", "+0 10.0.0.1:3306");
	PASS(1000, "SRV 0", "-1 +0 10.0.0.1:3306");
	PASS(5000, "SRV 0", "+0 10.0.0.1:3306");	/* told once */
	say("SRV", "mysql-0:3306 mysql-1:3306");
	PASS(5000, "SRV 0 1", "+0 10.0.0.1:3306 +1 10.0.0.2:3306");
	end(d);
}

/* Another nameserver, which does not answer, may know more. */
static void test_record_of_one_nameserver(void **state)
{
	struct discovery *d = begin_with_two();

	(void)state;
	say("SRV", "PARTLY mysql-0:3306 mysql-2:3306");
	say("2", "PARTLY 10.0.0.3");
	for (int i = 0; i < 4; i++)
		PASS(i == 0 ? 5000 : 1000, "SRV 0 2", "+0 10.0.0.1:3306 +2 10.0.0.3:3306");
	end(d);
}

/* The record and the name were asked for one after the other, or a cache is old. */
static void test_record_and_name_disagree(void **state)
{
	struct discovery *d = begin_with_two();

	(void)state;
	say("1", NULL);
	for (int i = 0; i < 4; i++)
		PASS(i == 0 ? 5000 : 1000, "SRV 0 1", "+0 10.0.0.1:3306");
	end(d);
}

/* Scaled to nothing and back: no names are asked for that a cache would deny then. */
static void test_record_is_empty(void **state)
{
	struct discovery *d = begin_with_two();

	(void)state;
	say("SRV", NULL);
	PASS(5000, "SRV", "");
	PASS(1000, "SRV", "-0 -1");
	PASS(5000, "SRV", "");
	say("SRV", "mysql-0:3306");
	PASS(5000, "SRV 0", "+0 10.0.0.1:3306");
	say("SRV", NULL);
	PASS(5000, "SRV", "");
	PASS(1000, "SRV", "-0");
	for (int i = 0; i < 10; i++)
		PASS(5000, "SRV", "");
	/* after a minute: the Service has perhaps no such port any more */
	PASS(5000, "SRV 0 1 2 3 4", "+0 10.0.0.1:3306 +1 10.0.0.2:3306");
	end(d);
}

static void test_record_fails(void **state)
{
	struct discovery *d = begin_with_two();

	(void)state;
	say("SRV", "FAILED");
	say("0", "10.0.0.9");		/* has moved */
	say("1", NULL);			/* denied, but once it was listed */
	for (int i = 0; i < 4; i++)
		PASS(i == 0 ? 5000 : 1000, "SRV 0 1", "+0 10.0.0.9:3306");
	say("0", "FAILED");
	say("1", "FAILED");
	PASS(1000, "SRV 0 1", "useless");
	end(d);
}

static void test_by_name(void **state)
{
	struct discovery *d = begin();

	(void)state;
	PASS(0, "SRV 0 1 2", "");
	say("0", "10.0.0.1");
	say("2", "10.0.0.3");
	PASS(5000, "SRV 0 1 2 3 4 5", "+0 10.0.0.1:3306 +2 10.0.0.3:3306");
	say("5", "10.0.0.6");
	say("9", "10.0.0.10");		/* behind too many that are missing */
	PASS(5000, "SRV 0 1 2 3 4 5 6 7 8",
	     "+0 10.0.0.1:3306 +2 10.0.0.3:3306 +5 10.0.0.6:3306");
	say("2", NULL);
	say("5", "FAILED");
	PASS(5000, "SRV 0 1 2 3 4 5 6 7 8", "+0 10.0.0.1:3306");
	PASS(1000, "SRV 0 1 2 3 4 5 6 7 8", "+0 10.0.0.1:3306 -2");
	say("5", NULL);
	PASS(1000, "SRV 0 1 2 3 4 5 6 7 8", "+0 10.0.0.1:3306");
	say("5", "10.0.0.6");		/* a flap */
	PASS(1000, "SRV 0 1 2 3 4 5 6 7 8", "+0 10.0.0.1:3306 +5 10.0.0.6:3306");
	end(d);
}

/* As many as there may be, three more at a time; and no further. */
static void test_many_names(void **state)
{
	static char names[DISCOVERY_PODS_MAX + 2][4];
	struct discovery *d = begin();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%u", i);
		say(names[i], "10.0.0.1");
	}
	world.now_us = world.due_us;
	world.timer->fired(world.timer);
	assert_non_null(strstr(world.asked, " 63"));
	assert_null(strstr(world.asked, " 64"));
	assert_non_null(strstr(world.events, "+63 "));
	end(d);
}

static void test_ttl(void **state)
{
	static const struct { uint32_t ttl_s; uint64_t wait_ms; } ttls[] = {
		{ 0, 1000 }, { 1, 1000 }, { 3, 3000 }, { 5, 5000 }, { 3600, 5000 },
	};
	struct discovery *d = begin();

	(void)state;
	say("SRV", "mysql-0:3306");
	say("0", "10.0.0.1");
	for (size_t i = 0; i < ARRAY_LEN(ttls); i++) {
		world.ttl_s = ttls[i].ttl_s;
		PASS(i == 0 ? 0 : ttls[i - 1].wait_ms, "SRV 0", "+0 10.0.0.1:3306");
	}
	end(d);
}

/* At once, but not more than five times a second, however many ask for it. */
static void test_hurry(void **state)
{
	struct discovery *d = begin();

	(void)state;
	say("SRV", "mysql-0:3306");
	say("0", "10.0.0.1");
	PASS(0, "SRV 0", "+0 10.0.0.1:3306");
	world.now_us += 3000000;
	discovery_hurry(d);
	PASS(0, "SRV 0", "+0 10.0.0.1:3306");
	for (int i = 0; i < 10; i++) {
		discovery_hurry(d);
		world.now_us += 10000;
	}
	PASS(100, "SRV 0", "+0 10.0.0.1:3306");
	PASS(5000, "SRV 0", "+0 10.0.0.1:3306");
	end(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suffix),
		cmocka_unit_test(test_by_record),
		cmocka_unit_test(test_record_without_a_pod),
		cmocka_unit_test(test_record_of_one_nameserver),
		cmocka_unit_test(test_record_and_name_disagree),
		cmocka_unit_test(test_record_is_empty),
		cmocka_unit_test(test_record_fails),
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_hurry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
