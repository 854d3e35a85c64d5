/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The base layer: spans, buffers, slabs, log lines, the error table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include <readmux/base/buffer.h>
#include <readmux/base/error.h>
#include <readmux/base/hash.h>
#include <readmux/base/log.h>
#include <readmux/base/slab.h>
#include <readmux/base/utf8.h>

static char last_line[4096];
static unsigned lines;

static void keep_line(const char *line, size_t len)
{
	memcpy(last_line, line, len + 1);
	lines++;
}

static void test_span_to_u64(void **state)
{
	static const struct {
		const char *text;
		bool        good;
		uint64_t    value;
	} rows[] = {
		{ "0", true, 0 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "12 ", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t value = 0;

		assert_int_equal(span_to_u64(span_of(rows[i].text), &value), rows[i].good);
		if (rows[i].good)
			assert_true(value == rows[i].value);
	}
}

static void test_span_compare(void **state)
{
	(void)state;
	assert_true(span_compare(span_of("a"), span_of("ab")) < 0);
	assert_true(span_compare(span_of("b"), span_of("ab")) > 0);
	assert_true(span_compare(SPAN_NONE, SPAN_NONE) == 0);
	assert_true(span_is_nocase(span_of("SeLeCt"), "select"));
	assert_true(span_starts_nocase(span_of("SELECT 1"), "select"));
	assert_false(span_starts_nocase(span_of("SEL"), "select"));
	assert_true(span_from(span_of("abc"), 9).len == 0);
}

static void test_span_copy_cuts(void **state)
{
	char out[4];

	(void)state;
	assert_false(span_copy(span_of("abcdef"), out, sizeof(out)));
	assert_string_equal(out, "abc");
	assert_true(span_copy(span_of("ab"), out, sizeof(out)));
	assert_string_equal(out, "ab");
}

static void test_buffer(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(buffer_append(&b, span_of("0123456789")));
	assert_int_equal(b.len, 10000);
	buffer_consume(&b, 9995);
	assert_true(span_is(buffer_span(&b), "56789"));
	assert_false(buffer_reserve(&b, SIZE_MAX));
	assert_true(span_is(buffer_span(&b), "56789"));
	buffer_free(&b);
	assert_null(b.data);
}

static void test_slab_reuses(void **state)
{
	struct slab slab;
	void *a, *b;

	(void)state;
	slab_init(&slab, 64, 1);
	a = slab_take(&slab);
	b = slab_take_zeroed(&slab);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(slab.lent, 2);
	slab_give(&slab, a);
	slab_give(&slab, b);
	slab_give(&slab, NULL);
	assert_int_equal(slab.lent, 0);
	assert_true(slab.kept <= 1);
	slab_clear(&slab);
}

static void test_log_makes_bytes_harmless(void **state)
{
	(void)state;
	log_set_sink(keep_line);
	log_warn(NULL, "it happened", LOG_TEXT("user", "a\"b\n\x1b[31m"),
		 LOG_UINT("n", 7), LOG_TEXT("plain", "mysql-1"), LOG_TEXT("none", NULL));
	assert_non_null(strstr(last_line, "level=warn event=\"it happened\""));
	assert_non_null(strstr(last_line,
		"user=\"a\\\"b\\n\\x1b[31m\" n=7 plain=mysql-1 none=\"\"\n"));
	log_set_sink(NULL);
}

static void test_log_limits_its_rate(void **state)
{
	(void)state;
	log_set_sink(keep_line);
	lines = 0;
	for (int i = 0; i < 5 * LOG_SITE_LINES; i++)
		log_warn(NULL, "again", LOG_UINT("i", (uint64_t)i));
	/* a second may turn over in between, once */
	assert_in_range(lines, LOG_SITE_LINES, 2 * LOG_SITE_LINES);
	log_tell_left_out();
	(void)usleep(1100000);
	lines = 0;
	log_tell_left_out();
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "event=\"lines left out\" of=again left_out="));
	log_tell_left_out();
	assert_int_equal(lines, 1);
	log_set_sink(NULL);
}

static void test_log_never_overruns(void **state)
{
	static char long_text[9000];

	(void)state;
	memset(long_text, '"', sizeof(long_text) - 1);
	log_set_sink(keep_line);
	log_warn(NULL, "long", LOG_TEXT("x", long_text), LOG_TEXT("y", "z z"));
	assert_true(strlen(last_line) < 2048);
	assert_int_equal(last_line[strlen(last_line) - 1], '\n');
	log_set_sink(NULL);
}

static void test_log_as_json(void **state)
{
	static char long_text[9000];

	(void)state;
	memset(long_text, '\n', sizeof(long_text) - 1);
	atomic_store(&log_json, true);
	log_set_sink(keep_line);
	log_warn(NULL, "it happened", LOG_TEXT("user", "a\"b\n\x1b"), LOG_UINT("n", 7),
		 LOG_INT("i", -1), LOG_TEXT("none", NULL));
	assert_memory_equal(last_line, "{\"ts\":\"", 7);
	assert_non_null(strstr(last_line, "\"level\":\"warn\",\"event\":\"it happened\",\"user\":"
			       "\"a\\\"b\\n\\u001b\",\"n\":7,\"i\":-1,\"none\":\"\"}\n"));
	log_warn(NULL, "x", LOG_TEXT("user", "m\xc3\xbc" "a\xff\xe2\x82\xf0\x9f\x90\xac"));
	assert_non_null(strstr(last_line, "\"m\xc3\xbc" "a\\u00ff\\u00e2\\u0082"
			       "\xf0\x9f\x90\xac\""));
	log_warn(NULL, "long", LOG_TEXT("x", long_text), LOG_TEXT("y", "z"));
	assert_true(strlen(last_line) < 2048);
	assert_string_equal(last_line + strlen(last_line) - 5, "\\n\"}\n");
	log_set_sink(NULL);
	atomic_store(&log_json, false);
}

static void test_utf8(void **state)
{
	static const struct { const char *text; size_t len; } rows[] = {
		{ "", 0 }, { "a", 1 }, { "\x7f", 1 }, { "\x80", 0 }, { "\xc3\xbc", 2 },
		{ "\xc0\x80", 0 }, { "\xc1\xbf", 0 }, { "\xc3", 0 }, { "\xc3x", 0 },
		{ "\xe0\xa0\x80", 3 }, { "\xe0\x9f\xbf", 0 }, { "\xe2\x82\xac", 3 },
		{ "\xe2\x82", 0 }, { "\xe2\x82x", 0 }, { "\xed\xa0\x80", 0 },
		{ "\xed\x9f\xbf", 3 }, { "\xef\xbf\xbd", 3 }, { "\xf0\x90\x80\x80", 4 },
		{ "\xf0\x8f\xbf\xbf", 0 }, { "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 }, { "\xf5\x80\x80\x80", 0 }, { "\xff", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(utf8_character(span_of(rows[i].text)), rows[i].len);
}

static void test_every_error_has_a_number(void **state)
{
	(void)state;
	for (int e = RMX_OK + 1; e < RMX_ERROR_COUNT; e++) {
		const struct rmx_error_info *info = rmx_error_info((enum rmx_error)e);

		assert_in_range(info->number, 1000, 4999);
		assert_int_equal(strlen(info->sqlstate), 5);
		assert_true(strlen(info->text) > 10);
	}
}

static void test_hash_differs(void **state)
{
	(void)state;
	assert_true(hash_span(HASH_START, span_of("a")) != hash_span(HASH_START, span_of("b")));
	assert_true(hash_mix(1) != hash_mix(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span_to_u64),
		cmocka_unit_test(test_span_compare),
		cmocka_unit_test(test_span_copy_cuts),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_slab_reuses),
		cmocka_unit_test(test_log_makes_bytes_harmless),
		cmocka_unit_test(test_log_limits_its_rate),
		cmocka_unit_test(test_log_never_overruns),
		cmocka_unit_test(test_log_as_json),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_every_error_has_a_number),
		cmocka_unit_test(test_hash_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
