/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OK, ERR and EOF packets and session-track entries.  Packets marked "seen" were
 * taken from MariaDB 10.11.19 and MySQL 9.7.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/wire/reply.h>

#include "wire_bytes.h"

#define TRACKS CLIENT_SESSION_TRACK

/* --- OK ---------------------------------------------------------------------- */

/* Seen on MariaDB 10.11: SET sql_mode='', autocommit=1 */
#define OK_WITH_TRACK BYTES("\0\0\0\x02\x40\0\0\0\x1f"			\
	"\0\x0a\x08sql_mode\0" "\0\x0e\x0a" "autocommit\x02ON" "\x02\x01" "1")

/* Seen on both: UPDATE of two rows */
#define OK_WITH_INFO BYTES("\0\x02\0\x22\0\0\0\x28"			\
	"Rows matched: 2  Changed: 2  Warnings: 0")

static const struct {
	const char *because;
	struct span payload;
	uint64_t    capabilities;
	bool        good;
	struct ok_packet want;	/* spans are compared by length and text */
	const char *info;
	size_t      track_len;
} ok_rows[] = {
	{ "shortest", BYTES("\0\0\0\x02\0\0\0"), TRACKS, true,
	  { .status = 2 }, "", 0 },
	{ "as the end of a result set", BYTES("\xfe\0\0\x62\0\x03\0"), 0, true,
	  { .header = 0xfe, .status = 0x62, .warnings = 3 }, "", 0 },
	{ "large numbers", BYTES("\0\xfc\xe8\x03\xfd\x01\0\x01\x03\0\x05\0"), 0, true,
	  { .affected_rows = 1000, .last_insert_id = 65537, .status = 3, .warnings = 5 },
	  "", 0 },
	{ "seen: text, no tracking", OK_WITH_INFO, 0, true,
	  { .affected_rows = 2, .status = 0x22 },
	  "Rows matched: 2  Changed: 2  Warnings: 0", 0 },
	{ "seen: text, tracking", OK_WITH_INFO, TRACKS, true,
	  { .affected_rows = 2, .status = 0x22 },
	  "Rows matched: 2  Changed: 2  Warnings: 0", 0 },
	{ "text without length, as in the manual",
	  BYTES("\0\0\0\x02\0\0\0" "hello"), 0, true,
	  { .status = 2 }, "hello", 0 },
	{ "seen: three track entries", OK_WITH_TRACK, TRACKS, true,
	  { .status = 0x4002 }, "", 31 },
	{ "track flag, but the receiver has no tracking",
	  BYTES("\0\0\0\x02\x40\0\0"), 0, true,
	  { .status = 0x4002 }, "", 0 },
	{ "track flag and no track", BYTES("\0\0\0\x02\x40\0\0"), TRACKS, true,
	  { .status = 0x4002 }, "", 0 },
	{ "text longer than the packet",
	  BYTES("\0\0\0\x02\0\0\0\x05" "abcd"), TRACKS, false,
	  { 0 }, "", 0 },
	{ "track longer than the packet",
	  BYTES("\0\0\0\x02\x40\0\0\0\x04" "abc"), TRACKS, false,
	  { 0 }, "", 0 },
	{ "affected rows NULL", BYTES("\0\xfb\0\x02\0\0\0"), 0, false, { 0 }, "", 0 },
	{ "an ERR", BYTES("\xff\0\0\x02\0\0\0"), 0, false, { 0 }, "", 0 },
	{ "an old EOF", BYTES("\xfe\0\0\x02\0"), 0, false, { 0 }, "", 0 },
	{ "nothing", BYTES(""), 0, false, { 0 }, "", 0 },
};

static void test_ok_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ok_rows); i++) {
		const struct ok_packet *want = &ok_rows[i].want;
		struct ok_packet ok;
		bool good = ok_packet_parse(ok_rows[i].payload, ok_rows[i].capabilities,
					    &ok);

		if (good != ok_rows[i].good)
			fail_msg("%s: parsed %d", ok_rows[i].because, good);
		if (!good)
			continue;
		if (ok.header != want->header || ok.affected_rows != want->affected_rows ||
		    ok.last_insert_id != want->last_insert_id ||
		    ok.status != want->status || ok.warnings != want->warnings)
			fail_msg("%s: wrong numbers", ok_rows[i].because);
		if (!span_is(ok.info, ok_rows[i].info) ||
		    ok.track.len != ok_rows[i].track_len)
			fail_msg("%s: wrong text or track", ok_rows[i].because);
	}
}

static bool parse_ok(struct span bytes, const void *arg)
{
	const uint64_t *capabilities = arg;
	struct ok_packet ok;

	return ok_packet_parse(bytes, *capabilities, &ok);
}

static void test_ok_cut_anywhere(void **state)
{
	static const uint64_t tracks = TRACKS, none;
	struct span fixed = BYTES("\0\xfc\xe8\x03\xfd\x01\0\x01\x03\0\x05\0");

	(void)state;
	assert_int_equal(shortest_good(fixed, parse_ok, &none), fixed.len);
	for (size_t i = 0; i < ARRAY_LEN(ok_rows); i++) {
		parse_cut_anywhere(ok_rows[i].payload, parse_ok, &tracks);
		parse_cut_anywhere(ok_rows[i].payload, parse_ok, &none);
	}
}

static struct span write_ok(uint8_t *memory, size_t room, uint64_t capabilities,
			    const struct ok_packet *ok)
{
	struct writer w = writer_over(memory, room);

	ok_packet_write(&w, capabilities, ok);
	assert_false(w.bad);
	return writer_span(&w);
}

static void test_ok_write(void **state)
{
	const struct ok_packet plain = { .status = 0x4002 };
	const struct ok_packet text = { .status = 2, .info = BYTES("hi") };
	const struct ok_packet track = { .status = 2, .track = BYTES("\x02\x01" "1") };
	uint8_t m[64];

	(void)state;
	assert_true(span_equal(write_ok(m, sizeof(m), TRACKS, &plain),
			       BYTES("\0\0\0\x02\0\0\0")));
	assert_true(span_equal(write_ok(m, sizeof(m), 0, &plain),
			       BYTES("\0\0\0\x02\0\0\0")));
	/* clients skip a length in front of the text whatever was agreed */
	assert_true(span_equal(write_ok(m, sizeof(m), 0, &text),
			       BYTES("\0\0\0\x02\0\0\0\x02hi")));
	assert_true(span_equal(write_ok(m, sizeof(m), TRACKS, &text),
			       BYTES("\0\0\0\x02\0\0\0\x02hi")));
	assert_true(span_equal(write_ok(m, sizeof(m), TRACKS, &track),
			       BYTES("\0\0\0\x02\x40\0\0\0\x03\x02\x01" "1")));
	assert_true(span_equal(write_ok(m, sizeof(m), 0, &track),
			       BYTES("\0\0\0\x02\0\0\0")));
}

/* What servers sent comes back byte for byte. */
static void test_ok_there_and_back(void **state)
{
	const struct span seen[] = { OK_WITH_TRACK, OK_WITH_INFO };
	struct ok_packet ok;
	uint8_t m[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		assert_true(ok_packet_parse(seen[i], TRACKS, &ok));
		assert_true(span_equal(write_ok(m, sizeof(m), TRACKS, &ok), seen[i]));
	}
}

/* --- ERR and EOF --------------------------------------------------------------- */

static bool parse_err(struct span bytes, const void *arg)
{
	struct err_packet err;

	(void)arg;
	return err_packet_parse(bytes, &err);
}

static void test_err(void **state)
{
	static const struct span with = BYTES("\xff\x1e\x04#42S22Unknown column");
	static const struct span without = BYTES("\xff\x10\x04Too many connections");
	struct err_packet err;
	uint8_t memory[64];
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	assert_true(err_packet_parse(with, &err));
	assert_int_equal(err.number, 1054);
	assert_true(span_is(err.sqlstate, "42S22"));
	assert_true(span_is(err.text, "Unknown column"));
	err_packet_write(&w, &err);
	assert_true(span_equal(writer_span(&w), with));

	assert_true(err_packet_parse(without, &err));
	assert_int_equal(err.sqlstate.len, 0);
	assert_true(span_is(err.text, "Too many connections"));
	w = writer_over(memory, sizeof(memory));
	err_packet_write(&w, &err);
	assert_true(span_equal(writer_span(&w), without));

	assert_int_equal(shortest_good(with, parse_err, NULL), 3);
	assert_false(err_packet_parse(BYTES("\0\x1e\x04"), &err));
}

static bool parse_eof(struct span bytes, const void *arg)
{
	struct eof_packet eof;

	(void)arg;
	return eof_packet_parse(bytes, &eof) && eof.warnings == 0x0201 &&
	       eof.status == 0x0062;
}

static void test_eof(void **state)
{
	static const struct span packet = BYTES("\xfe\x01\x02\x62\0");
	const struct eof_packet eof = { .warnings = 0x0201, .status = 0x0062 };
	struct eof_packet got;
	uint8_t memory[5];
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	assert_int_equal(shortest_good(packet, parse_eof, NULL), packet.len);
	eof_packet_write(&w, &eof);
	assert_true(span_equal(writer_span(&w), packet));
	assert_false(eof_packet_parse(BYTES("\xfe\0\0\x02\0\0\0"), &got));
}

/* --- session-track entries -------------------------------------------------------- */

struct want_entry {
	int         type;
	const char *name;
	const char *value;
	size_t      raw_len;
};

static const struct {
	const char *because;
	struct span track;
	bool        good;
	struct want_entry want[4];	/* up to the first without <raw_len> */
} track_rows[] = {
	{ "nothing", BYTES(""), true, { { 0 } } },
	{ "seen: MariaDB, two variables and a state change",
	  BYTES("\0\x0a\x08sql_mode\0" "\0\x0e\x0a" "autocommit\x02ON" "\x02\x01" "1"),
	  true,
	  { { 0, "sql_mode", "", 12 }, { 0, "autocommit", "ON", 16 }, { 2, "", "1", 3 } } },
	{ "seen: MySQL, variable, schema, state change",
	  BYTES("\0\x10\x0cstatement_id\x02" "14" "\x01\x06\x05mysql" "\x02\x01" "1"), true,
	  { { 0, "statement_id", "14", 18 }, { 1, "", "mysql", 8 }, { 2, "", "1", 3 } } },
	{ "two pairs in one record",
	  BYTES("\0\x08\x01" "a\x01" "1\x01" "b\x01" "2" "\x01\x02\x01" "s"), true,
	  { { 0, "a", "1", 10 }, { 0, "b", "2", 10 }, { 1, "", "s", 4 } } },
	{ "GTID", BYTES("\x03\x0a\0\x08uuid:1-5"), true, { { 3, "", "uuid:1-5", 12 } } },
	{ "state change with a length, as in the manual", BYTES("\x02\x02\x01" "0"), true,
	  { { 2, "", "0", 4 } } },
	{ "transaction", BYTES("\x04\x05\x04SQL;" "\x05\x09\x08T_______"), true,
	  { { 4, "", "SQL;", 7 }, { 5, "", "T_______", 11 } } },
	{ "a type of the future", BYTES("\x2a\x03\xff\xff\xff" "\x02\x01" "1"), true,
	  { { 42, "", "\xff\xff\xff", 5 }, { 2, "", "1", 3 } } },
	{ "a pair without value", BYTES("\0\x02\x01" "a"), false, { { 0 } } },
	{ "an empty record of variables", BYTES("\0\0"), false, { { 0 } } },
	{ "schema longer than its record", BYTES("\x01\x03\x04" "sss"), false, { { 0 } } },
	{ "GTID without text", BYTES("\x03\x01\0"), false, { { 0 } } },
	{ "a record longer than the block",
	  BYTES("\x02\x01" "1" "\x01\x09\x08sch"), false, { { 2, "", "1", 3 } } },
};

static void check_track(size_t i)
{
	struct track_reader r = track_over(track_rows[i].track);
	const struct want_entry *want = track_rows[i].want;
	struct track_entry entry;

	for (; track_next(&r, &entry); want++) {
		if ((int)entry.type != want->type || entry.raw.len != want->raw_len ||
		    !span_is(entry.name, want->name != NULL ? want->name : "") ||
		    !span_is(entry.value, want->value))
			fail_msg("%s: entry %d", track_rows[i].because,
				 (int)(want - track_rows[i].want));
	}
	if (want->raw_len != 0 || r.outer.bad == track_rows[i].good)
		fail_msg("%s: bad %d at the end", track_rows[i].because, r.outer.bad);
}

static bool walk(struct span bytes, const void *arg)
{
	struct track_reader r = track_over(bytes);
	struct track_entry entry;
	size_t entries = 0;

	(void)arg;
	while (track_next(&r, &entry))
		assert_true(++entries <= bytes.len);
	return false;
}

static void test_track(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(track_rows); i++) {
		check_track(i);
		(void)shortest_good(track_rows[i].track, walk, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ok_parse),
		cmocka_unit_test(test_ok_cut_anywhere),
		cmocka_unit_test(test_ok_write),
		cmocka_unit_test(test_ok_there_and_back),
		cmocka_unit_test(test_err),
		cmocka_unit_test(test_eof),
		cmocka_unit_test(test_track),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
