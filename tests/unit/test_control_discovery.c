/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a StatefulSet's names are in DNS: a row per pod, cluster and set of settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/control/discovery.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suffix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
