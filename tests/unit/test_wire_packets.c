/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ground floor of wire: reader, writer, packet headers, the command table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/wire/command.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/reader.h>
#include <readmux/wire/writer.h>

#include "wire_bytes.h"

/* --- reader ---------------------------------------------------------------- */

static void test_lenenc(void **state)
{
	static const struct {
		struct span bytes;
		bool        good;
		uint64_t    value;
		const char *because;
	} rows[] = {
		{ BYTES("\x00"), true, 0, "smallest" },
		{ BYTES("\xfa"), true, 250, "largest in one byte" },
		{ BYTES("\xfb"), false, 0, "NULL is not a length" },
		{ BYTES("\xff"), false, 0, "ERR is not a length" },
		{ BYTES("\xfc\xfb\x00"), true, 251, "two bytes" },
		{ BYTES("\xfc\xfb"), false, 0, "two bytes, cut" },
		{ BYTES("\xfd\x00\x00\x01"), true, 65536, "three bytes" },
		{ BYTES("\xfd\x00\x00"), false, 0, "three bytes, cut" },
		{ BYTES("\xfe\x00\x00\x00\x01\x00\x00\x00\x00"), true, 1 << 24,
		  "eight bytes" },
		{ BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff"), true, UINT64_MAX,
		  "largest" },
		{ BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff"), false, 0, "eight bytes, cut" },
		{ BYTES(""), false, 0, "nothing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reader r = reader_over(rows[i].bytes);
		uint64_t value = reader_lenenc(&r);

		if (reader_finish(&r) != rows[i].good || value != rows[i].value)
			fail_msg("%s", rows[i].because);
	}
}

static void test_reader_stays_bad(void **state)
{
	struct reader r = reader_over(BYTES("\x01\x02\x03"));

	(void)state;
	assert_int_equal(reader_uint(&r, 2), 0x0201);
	assert_int_equal(reader_uint(&r, 2), 0);
	assert_true(r.bad);
	assert_int_equal(reader_left(&r), 0);
	assert_int_equal(reader_uint(&r, 1), 0);
	assert_null(reader_bytes(&r, 0).data);
	assert_int_equal(reader_cstr(&r).len, 0);
	assert_int_equal(reader_rest(&r).len, 0);
	assert_false(reader_finish(&r));
}

static void test_reader_refuses_huge_lengths(void **state)
{
	struct reader r = reader_over(BYTES("abc"));

	(void)state;
	assert_int_equal(reader_bytes(&r, UINT64_MAX).len, 0);
	assert_true(r.bad);
	r = reader_over(BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff" "abc"));
	assert_int_equal(reader_lenenc_bytes(&r).len, 0);
	assert_true(r.bad);
	r = reader_over(BYTES("abc"));
	reader_skip(&r, (uint64_t)SIZE_MAX - 1);
	assert_true(r.bad);
}

static void test_reader_texts(void **state)
{
	struct reader r = reader_over(BYTES("user\0\x03" "pwdrest"));

	(void)state;
	assert_true(span_is(reader_cstr(&r), "user"));
	assert_true(span_is(reader_lenenc_bytes(&r), "pwd"));
	assert_int_equal(reader_left(&r), 4);
	assert_false(reader_finish(&r));
	assert_true(span_is(reader_rest(&r), "rest"));
	assert_true(reader_finish(&r));
	assert_int_equal(reader_cstr(&r).len, 0);
	assert_true(r.bad);
	r = reader_over(SPAN_NONE);
	assert_true(reader_finish(&r));
}

/* --- writer ---------------------------------------------------------------- */

static void test_lenenc_there_and_back(void **state)
{
	static const uint64_t values[] = {
		0, 1, 250, 251, 252, 255, 256, 65535, 65536, 0xffffff, 0x1000000,
		UINT32_MAX, UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		uint8_t memory[9];
		struct writer w = writer_over(memory, sizeof(memory));
		struct reader r;

		writer_lenenc(&w, values[i]);
		assert_false(w.bad);
		assert_int_equal(w.len, writer_lenenc_size(values[i]));
		r = reader_over(writer_span(&w));
		assert_true(reader_lenenc(&r) == values[i]);
		assert_true(reader_finish(&r));
	}
}

static void write_two_packets(struct writer *w)
{
	writer_begin(w, 1);
	writer_uint(w, 0x0102, 2);
	writer_cstr(w, SPAN_LITERAL("ab"));
	if (!writer_end(w))
		return;
	writer_begin(w, 255);
	writer_text(w, "c");
	writer_zeros(w, 2);
	writer_lenenc_bytes(w, SPAN_LITERAL("de"));
	writer_bytes(w, SPAN_NONE);
	w->bad = !writer_end(w);
}

static void test_writer_packets(void **state)
{
	static const struct span want =
		BYTES("\x05\0\0\x01\x02\x01" "ab\0" "\x06\0\0\xff" "c\0\0\x02" "de");

	(void)state;
	/* every size of memory, each block exactly that large */
	for (size_t cap = 0; cap <= want.len; cap++) {
		uint8_t *memory = malloc(cap > 0 ? cap : 1);
		struct writer w = writer_over(memory, cap);

		assert_non_null(memory);
		write_two_packets(&w);
		assert_int_equal(w.bad, cap < want.len);
		if (!w.bad)
			assert_true(span_equal(writer_span(&w), want));
		free(memory);
	}
}

static void test_writer_refuses_a_continued_packet(void **state)
{
	size_t cap = PACKET_HEADER_LEN + PACKET_PAYLOAD_MAX;
	uint8_t *memory = malloc(cap);
	struct writer w = writer_over(memory, cap);

	(void)state;
	assert_non_null(memory);
	writer_begin(&w, 0);
	writer_zeros(&w, PACKET_PAYLOAD_MAX - 1);
	assert_true(writer_end(&w));
	w = writer_over(memory, cap);
	writer_begin(&w, 0);
	writer_zeros(&w, PACKET_PAYLOAD_MAX);
	assert_false(writer_end(&w));
	assert_true(w.bad);
	free(memory);
}

/* --- headers and commands --------------------------------------------------- */

static bool cut(struct span bytes, const void *arg)
{
	struct frame f;
	struct span payload;

	(void)arg;
	return frame_cut(bytes, &f, &payload) && f.seq == 7 && span_is(payload, "abc");
}

static void test_frames(void **state)
{
	static const struct span packet = BYTES("\x03\0\0\x07" "abc" "\x01");
	const struct frame f = { .len = 0xfedcba, .seq = 0x80 };
	struct span payload;
	struct frame got;
	uint8_t bytes[PACKET_HEADER_LEN];

	(void)state;
	assert_int_equal(shortest_good(packet, cut, NULL), 7);
	assert_true(cut(packet, NULL));
	frame_put(bytes, f);
	assert_memory_equal(bytes, "\xba\xdc\xfe\x80", sizeof(bytes));
	got = frame_at(bytes);
	assert_int_equal(got.len, f.len);
	assert_int_equal(got.seq, f.seq);
	assert_true(frame_cut(BYTES("\0\0\0\x01"), &got, &payload));
	assert_int_equal(payload.len, 0);
}

static void test_commands(void **state)
{
	(void)state;
	assert_string_equal(command_info(COM_QUERY)->name, "COM_QUERY");
	assert_int_equal(command_info(COM_QUERY)->response, RESPONSE_RESULT);
	assert_int_equal(command_info(COM_STMT_CLOSE)->response, RESPONSE_NONE);
	assert_int_equal(command_info(COM_STMT_BULK_EXECUTE)->response, RESPONSE_RESULT);
	assert_int_equal(command_info(0x77)->response, RESPONSE_REFUSED);
	assert_string_equal(command_info(0x77)->name, "unknown command");
	for (unsigned code = 0; code < 256; code++)
		assert_non_null(command_info((uint8_t)code));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lenenc),
		cmocka_unit_test(test_reader_stays_bad),
		cmocka_unit_test(test_reader_refuses_huge_lengths),
		cmocka_unit_test(test_reader_texts),
		cmocka_unit_test(test_lenenc_there_and_back),
		cmocka_unit_test(test_writer_packets),
		cmocka_unit_test(test_writer_refuses_a_continued_packet),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
