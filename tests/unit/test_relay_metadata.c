/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metadata caching: finding definitions, and the numbers behind those left out. */
#include <readmux/relay/metadata.h>
#include <readmux/wire/frame.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Packets of one byte of payload each. */
#define PACKET(seq, byte) 1, 0, 0, (seq), (byte)
#define LEN 5u

static struct metadata begun(uint32_t parameters, uint32_t columns)
{
	struct metadata m = { 0 };

	metadata_begin(&m, parameters, columns);
	return m;
}

static uint64_t hash_of(const uint8_t *bytes, size_t len, uint32_t parameters, uint32_t columns)
{
	struct metadata m = begun(parameters, columns);

	assert_int_equal(metadata_take(&m, (struct span){ bytes, len }), len);
	assert_int_equal(m.columns, 0);
	return metadata_hash(&m);
}

static void test_definitions_end_where_rows_begin(void **state)
{
	static const uint8_t bytes[] = { PACKET(2, 'a'), PACKET(3, 'b'), PACKET(4, 'r') };
	struct metadata m = begun(0, 2);

	(void)state;
	assert_int_equal(metadata_take(&m, (struct span){ bytes, sizeof(bytes) }), 2 * LEN);
	assert_int_equal(m.columns, 0);
	assert_int_equal(metadata_take(&m, (struct span){ bytes, sizeof(bytes) }), 0);
}

static void test_pieces_hash_as_the_whole(void **state)
{
	static const uint8_t bytes[] = { PACKET(2, 'a'), PACKET(3, 'b') };
	struct metadata m = begun(0, 2);

	(void)state;
	assert_int_equal(metadata_take(&m, (struct span){ bytes, LEN }), LEN);
	assert_int_equal(m.columns, 1);
	assert_int_equal(metadata_take(&m, (struct span){ bytes + LEN, LEN }), LEN);
	assert_true(metadata_hash(&m) == hash_of(bytes, sizeof(bytes), 0, 2));
}

/* Those of a prepare stand behind the parameters', with other numbers. */
static void test_only_columns_are_hashed(void **state)
{
	static const uint8_t prepared[] = { PACKET(2, '?'), PACKET(4, 'a'), PACKET(5, 'b') };
	static const uint8_t executed[] = { PACKET(2, 'a'), PACKET(3, 'b') };
	static const uint8_t others[] = { PACKET(2, 'a'), PACKET(3, 'c') };
	uint64_t known = hash_of(prepared, sizeof(prepared), 1, 2);

	(void)state;
	assert_true(known == hash_of(executed, sizeof(executed), 0, 2));
	assert_true(known != hash_of(others, sizeof(others), 0, 2));
	assert_true(known != 0);
}

static void test_count(void **state)
{
	static const uint8_t follow[] = { 4, 0, 0, 1, 0xfc, 0x2c, 0x01, 1 };
	static const uint8_t left_out[] = { 4, 0, 0, 1, 0xfc, 0x2c, 0x01, 0 };
	struct metadata m = begun(0, 300);
	uint8_t memory[16];
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	m.head_seq = 1;
	metadata_write_count(&m, true, &w);
	assert_int_equal(w.len, sizeof(follow));
	assert_memory_equal(memory, follow, sizeof(follow));
	w = writer_over(memory, sizeof(memory));
	metadata_write_count(&m, false, &w);
	assert_memory_equal(memory, left_out, sizeof(left_out));
	w = writer_over(memory, 4);
	metadata_write_count(&m, true, &w);
	assert_true(w.bad);
}

/* However the packets are cut, outside their headers. */
static void test_numbers_behind(void **state)
{
	static const uint8_t packets[] = {
		PACKET(4, 0xaa), 3, 0, 0, 5, 1, 2, 3, 0, 0, 0, 0, PACKET(1, 0xbb),
	};
	static const uint8_t expected[] = {
		PACKET(2, 0xaa), 3, 0, 0, 3, 1, 2, 3, 0, 0, 0, 254, PACKET(255, 0xbb),
	};
	static const size_t cuts[] = { 0, LEN, LEN + 5, LEN + 6, LEN + 7, LEN + 11 };

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct metadata m = { .left_out = 2 };
		uint8_t bytes[sizeof(packets)];

		memcpy(bytes, packets, sizeof(bytes));
		metadata_renumber(&m, bytes, cuts[i]);
		metadata_renumber(&m, bytes + cuts[i], sizeof(bytes) - cuts[i]);
		assert_memory_equal(bytes, expected, sizeof(bytes));
		assert_int_equal(m.left, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_definitions_end_where_rows_begin),
		cmocka_unit_test(test_pieces_hash_as_the_whole),
		cmocka_unit_test(test_only_columns_are_hashed),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_numbers_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
