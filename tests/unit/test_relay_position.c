/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing and joining positions: GTIDs of MariaDB and of MySQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/relay/position.h>

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "5c4f8a90-0000-11ee-be56-0242ac120002"

static const struct {
	const char *reached, *wanted;
	bool        answer;
} reached_rows[] = {
	{ "0-100-42", "0-100-42", true },
	{ "0-100-43", "0-100-42", true },
	{ "0-100-41", "0-100-42", false },
	{ "0-101-43", "0-100-42", true },	/* another server's number in the same domain */
	{ "1-100-43", "0-100-42", false },
	{ "0-100-43,1-100-7", "0-100-42,1-100-7", true },
	{ "0-100-43,1-100-6", "0-100-42,1-100-7", false },
	{ "0-100-43", "0-100-42,1-100-7", false },
	{ "0-100-43, 1-100-7", "1-100-7", true },
	{ "", "0-100-1", false },
	{ "0-100-1", "", true },
	{ "", "", true },
	{ A ":42", A ":41", true },
	{ A ":41", A ":42", false },
	{ A ":42", B ":1", false },
	{ A ":42," B ":9", B ":9", true },
	{ "mysql-bin.000003:1542", "mysql-bin.000003:1541", true },
	{ "mysql-bin.000003:1541", "mysql-bin.000003:1542", false },
	{ "mysql-bin.000010:4", "mysql-bin.000009:99999", true },	/* not by letters */
	{ "mysql-bin.000009:99999", "mysql-bin.000010:4", false },
	{ "a.b-bin.999999:4", "a.b-bin.1000000:4", false },
	{ "binlog.000003:1542", "mysql-bin.000003:1", false },	/* another log */
	{ "mysql-bin.000003:1542", A ":1", false },
	{ "mysql-bin.000003:1099511627776", "mysql-bin.000003:1", false },	/* no offset */
	{ "mysql-bin.x:5", "mysql-bin.000001:5", false },
	{ "nonsense", "0-100-1", false },
	{ "0-100-1", "nonsense", false },
};

static void test_reached(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reached_rows); i++) {
		if (position_reached(reached_rows[i].reached, reached_rows[i].wanted) !=
		    reached_rows[i].answer)
			fail_msg("%s, %s", reached_rows[i].reached, reached_rows[i].wanted);
	}
}

static const struct {
	const char *position, *other, *joined;	/* NULL: cannot be told */
} advance_rows[] = {
	{ "", "0-100-1", "0-100-1" },
	{ "0-100-1", "", "0-100-1" },
	{ "0-100-1", "0-100-2", "0-100-2" },
	{ "0-100-2", "0-100-1", "0-100-2" },
	{ "0-100-2", "1-100-1", "0-100-2,1-100-1" },
	{ "0-100-2,1-100-5", "0-100-9,1-100-1", "1-100-5,0-100-9" },
	{ A ":5", A ":7", A ":7" },
	{ A ":5", B ":7", A ":5," B ":7" },
	{ "", "mysql-bin.000003:1542", "mysql-bin.000003:1542" },
	{ "mysql-bin.000003:1542", "mysql-bin.000004:4", "mysql-bin.000004:4" },
	{ "mysql-bin.000004:4", "mysql-bin.000003:1542", "mysql-bin.000004:4" },
	{ "0-100-1", "nonsense", NULL },
	{ A ":5," B ":7", "deadbeef-0000-11ee-be56-0242ac1200021234567890123456789012345678901234:1", NULL },
};

static void test_advance(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(advance_rows); i++) {
		const char *want = advance_rows[i].joined;
		char position[POSITION_MAX];

		(void)snprintf(position, sizeof(position), "%s", advance_rows[i].position);
		if (position_advance(position, advance_rows[i].other) != (want != NULL))
			fail_msg("row %zu", i);
		assert_string_equal(position, want != NULL ? want : advance_rows[i].position);
	}
}

static const struct {
	const char *executed, *low, *high;
} source_rows[] = {
	{ A ":1-42", A ":42", A ":42" },
	{ A ":42", "", A ":42" },
	{ A ":1", A ":1", A ":1" },
	{ A ":1-5:7-9:11", A ":5", A ":11" },
	{ B ":1-9,\n" A ":1-3", A ":3", A ":3" },
	{ B ":1-9", "", "" },
	{ A ":1-5:tag:1-9", A ":5", A ":5" },
	{ "", "", "" },
	{ A, "", "" },
	{ A ":x", "", "" },
};

static void test_source(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(source_rows); i++) {
		char low[POSITION_MAX], high[POSITION_MAX];

		position_of_source(span_of(source_rows[i].executed), A, low, high);
		assert_string_equal(low, source_rows[i].low);
		assert_string_equal(high, source_rows[i].high);
	}
	for (size_t i = 0; i < ARRAY_LEN(source_rows); i++) {
		char low[POSITION_MAX], high[POSITION_MAX];

		position_of_source(span_of(source_rows[i].executed), "", low, high);
		assert_string_equal(high, "");
	}
}

static const struct {
	const char *owned, *high, *both;
	bool any;
} owned_rows[] = {
	{ "", A ":42", A ":42", false },
	{ A ":43#12", A ":42", A ":43", true },
	{ A ":45#13:43#12:44#14", A ":42", A ":45", true },
	{ A ":40#12", A ":42", A ":42", true },
	{ B ":99#12" A ":43#12", A ":42", A ":43", true },
	{ B ":99#1" A ":43#12:44#9" B ":98#7", A ":42", A ":44", true },
	{ A ":43#12" B ":99#12", A ":42", A ":43", true },
	{ A ":43#12" B ":tag:99#12:98#3", A ":42", A ":43", true },
	{ B ":99#12", A ":42", A ":42", false },
	{ A ":43#12:tag:99#13:98#1", A ":42", A ":43", true },
	{ A ":tag:99#12", A ":42", A ":42", false },
	{ A ":tag:99#12" A ":43#5", A ":42", A ":43", true },
	{ A ":1#12", "", A ":1", true },
};

static void test_owned(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(owned_rows); i++) {
		char high[POSITION_MAX];

		(void)snprintf(high, sizeof(high), "%s", owned_rows[i].high);
		if (position_add_owned(span_of(owned_rows[i].owned), A, high) != owned_rows[i].any)
			fail_msg("row %zu", i);
		assert_string_equal(high, owned_rows[i].both);
	}
}

static void test_wellformed(void **state)
{
	char long_one[200];

	(void)state;
	assert_true(position_is_wellformed(span_of("0-100-42")));
	assert_true(position_is_wellformed(span_of("0-100-42,1-100-1")));
	assert_true(position_is_wellformed(span_of(A ":42")));
	assert_true(position_is_wellformed(span_of("")));
	assert_false(position_is_wellformed(span_of("0-100-42'")));
	assert_false(position_is_wellformed(span_of("nonsense")));
	assert_false(position_is_wellformed(span_of(A ":1-42")));
	memset(long_one, '1', sizeof(long_one));
	long_one[1] = long_one[3] = '-';
	long_one[sizeof(long_one) - 1] = '\0';
	assert_false(position_is_wellformed(span_of(long_one)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reached),
		cmocka_unit_test(test_advance),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_owned),
		cmocka_unit_test(test_wellformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
