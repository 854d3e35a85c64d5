/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, and the documents that come from tables. */
#include <readmux/command/documents.h>
#include <readmux/command/options.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The committed file is what the table prints. */
static void expect_fresh(const struct document *document)
{
	const char *top = getenv("top_srcdir");
	char full[4096], *printed, *stored;
	size_t len, stored_len;
	FILE *out = open_memstream(&printed, &len), *f;

	document->print(out);
	(void)fclose(out);
	(void)snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".", document->path);
	f = fopen(full, "r");
	if (f == NULL)
		fail_msg("there is no %s: run `make documents'", document->path);
	stored = calloc(1, len + 2);
	stored_len = fread(stored, 1, len + 1, f);
	(void)fclose(f);
	if (stored_len != len || memcmp(stored, printed, len) != 0)
		fail_msg("%s is stale: run `make documents'", document->path);
	free(printed);
	free(stored);
}

static void test_documents_are_fresh(void **state)
{
	size_t n;
	const struct document *all = documents(&n);

	(void)state;
	assert_true(n >= 8);
	for (size_t i = 0; i < n; i++) {
		expect_fresh(&all[i]);
		assert_ptr_equal(document_named(all[i].name), &all[i]);
	}
	assert_null(document_named("SETTINGS"));
}

static void test_options(void **state)
{
	static const struct {
		const char         *argv[6];
		bool                good;
		enum options_action action;
		const char         *config_path;
		const char         *sql;
		const char         *word;
	} cases[] = {
		{ { "readmux" }, true, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "--config", "x" }, true, OPTIONS_RUN, "x", NULL, NULL },
		{ { "readmux", "-c", "x", "--check-config" }, true, OPTIONS_CHECK_CONFIG,
		  "x", NULL, NULL },
		{ { "readmux", "--explain=select 1" }, true, OPTIONS_EXPLAIN, NULL,
		  "select 1", NULL },
		{ { "readmux", "--explain", "-" }, true, OPTIONS_EXPLAIN, NULL, "-", NULL },
		{ { "readmux", "--print-document", "readmux.8" }, true,
		  OPTIONS_PRINT_DOCUMENT, NULL, NULL, NULL },
		{ { "readmux", "-h" }, true, OPTIONS_HELP, NULL, NULL, NULL },
		{ { "readmux", "--help", "--help" }, true, OPTIONS_HELP, NULL, NULL, NULL },
		{ { "readmux", "--help", "--version" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "--config" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "extra" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "--nothing" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "status" }, true, OPTIONS_STATUS, NULL, NULL, NULL },
		{ { "readmux", "status", "backends", "-c", "x" }, true, OPTIONS_STATUS, "x",
		  NULL, "backends" },
		{ { "readmux", "status", "a", "b" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "status", "--help" }, true, OPTIONS_HELP, NULL, NULL, NULL },
		{ { "readmux", "--json", "status" }, true, OPTIONS_STATUS, NULL, NULL, NULL },
		{ { "readmux", "--json", "top" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "--json" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "--interval=2", "top" }, true, OPTIONS_TOP, NULL, NULL, NULL },
		{ { "readmux", "resume" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "resume", "mysql-1" }, true, OPTIONS_RESUME, NULL, NULL,
		  "mysql-1" },
		{ { "readmux", "drain", "--version" }, false, OPTIONS_RUN, NULL, NULL, NULL },
		{ { "readmux", "check", "a", "b", "c" }, true, OPTIONS_CHECK, NULL, NULL, "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *argv[6];
		int argc = 0;
		struct options o;

		memcpy(argv, cases[i].argv, sizeof(argv));
		while (argc < 5 && argv[argc] != NULL)
			argc++;
		if (options_parse(argc, argv, &o) != cases[i].good)
			fail_msg("case %zu", i);
		if (!cases[i].good)
			continue;
		assert_int_equal(o.action, cases[i].action);
		assert_string_equal(o.config_path != NULL ? o.config_path : "-",
				    cases[i].config_path != NULL ? cases[i].config_path :
				    "-");
		assert_string_equal(o.sql != NULL ? o.sql : "none",
				    cases[i].sql != NULL ? cases[i].sql : "none");
		assert_string_equal(o.word_count > 0 ? o.words[0] : "none",
				    cases[i].word != NULL ? cases[i].word : "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents_are_fresh),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
