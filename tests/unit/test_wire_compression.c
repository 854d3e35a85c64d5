/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compressed protocol: what is packed comes back, however it is cut; numbers
 * of commands, answers and local files; packets that lie about themselves.
 */
#include <readmux/wire/compression.h>

#include "wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

/* Two ends of one connection, and what travels between them. */
struct pair {
	struct codec      *codec;
	uint8_t            room[COMPRESSION_ROOM];
	struct compression client, server;
};

static void pair_open(struct pair *p, enum codec_algorithm algorithm)
{
	p->codec = codec_new();
	assert_non_null(p->codec);
	compression_init(&p->client, p->codec, p->room, algorithm, CODEC_ZSTD_LEVEL,
			 COMPRESSION_AS_CLIENT);
	compression_init(&p->server, p->codec, p->room, algorithm, CODEC_ZSTD_LEVEL,
			 COMPRESSION_AS_SERVER);
}

static void pair_close(struct pair *p)
{
	compression_clear(&p->client);
	compression_clear(&p->server);
	codec_free(p->codec);
}

/* A growing block of bytes. */
struct block {
	uint8_t *data;
	size_t   len, cap;
};

static void append(struct block *b, struct span bytes)
{
	if (bytes.len == 0)
		return;
	if (b->cap - b->len < bytes.len) {	/* AddressSanitizer copies each time */
		b->cap = 2 * b->cap + bytes.len;
		b->data = realloc(b->data, b->cap);
	}
	assert_non_null(b->data);
	memcpy(b->data + b->len, bytes.data, bytes.len);
	b->len += bytes.len;
}

static struct span span_of_block(const struct block *b)
{
	return (struct span){ b->data, b->len };
}

/* Everything <from> sends for <plain>, in one write. */
static struct block encode(struct compression *from, struct span plain)
{
	struct block out = { 0 };

	while (plain.len > 0) {
		struct span packet;
		size_t n = compression_encode(from, plain, false, &packet);

		assert_true(n > 0 && n <= plain.len);
		append(&out, packet);
		plain = span_from(plain, n);
	}
	return out;
}

/* What <to> makes of <packets>, shown <cut> bytes at a time, with <room> for its output. */
static bool decode(struct compression *to, struct span packets, size_t cut, size_t room,
		   struct block *out)
{
	uint8_t *into = malloc(room);
	bool good = true;

	assert_non_null(into);
	while (good && packets.len > 0) {
		struct span part = span_head(packets, cut);
		size_t offered = part.len, got;

		do {
			good = compression_decode(to, &part, into, room, &got);
			append(out, (struct span){ into, got });
		} while (good && got > 0);
		assert_true(!good || part.len == 0);
		packets = span_from(packets, offered);
	}
	free(into);
	return good;
}

/* Numbers of the compressed packets in <packets>, as text. */
static const char *numbers(struct span packets)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	while (packets.len > 0) {
		struct frame f = frame_at(packets.data);

		assert_true(packets.len >= COMPRESSION_HEADER_LEN + f.len);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u",
					len > 0 ? " " : "", f.seq);
		packets = span_from(packets, COMPRESSION_HEADER_LEN + f.len);
	}
	return text;
}

/* An ordinary packet with <len> bytes of payload; <noise>: they do not compress. */
static struct span packet_of(uint8_t seq, size_t len, bool noise)
{
	static uint8_t memory[PACKET_HEADER_LEN + PACKET_PAYLOAD_MAX];
	uint32_t state = 1;

	frame_put(memory, (struct frame){ (uint32_t)len, seq });
	for (size_t i = 0; i < len; i++) {
		state = state * 1664525u + 1013904223u;
		memory[PACKET_HEADER_LEN + i] = noise ? (uint8_t)(state >> 24) :
							(uint8_t)(i >> 10);
	}
	return (struct span){ memory, PACKET_HEADER_LEN + len };
}

/* --- there and back --------------------------------------------------------- */

static const enum codec_algorithm algorithms[] = { CODEC_ZLIB, CODEC_ZSTD };
static const size_t lengths[] = { 1, 45, 46, 47, 1000, 65535, 65536, 70000, 3 * MIB };
static const size_t cuts[] = { 1, 3, 7, 1000, 16384, SIZE_MAX };
static const size_t rooms[] = { 1, 100, 65536 };

static void check_way(struct pair *p, struct span plain, size_t cut, size_t room)
{
	struct block packets = encode(&p->client, plain), out = { 0 };

	assert_true(decode(&p->server, span_of_block(&packets), cut, room, &out));
	assert_true(span_equal(span_of_block(&out), plain));
	free(out.data);
	out = (struct block){ 0 };
	free(packets.data);
	compression_answer(&p->server);
	packets = encode(&p->server, plain);
	assert_true(decode(&p->client, span_of_block(&packets), cut, room, &out));
	assert_true(span_equal(span_of_block(&out), plain));
	free(out.data);
	free(packets.data);
}

static void test_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(algorithms) * ARRAY_LEN(lengths); i++) {
		size_t len = lengths[i / ARRAY_LEN(algorithms)];
		struct pair p;

		pair_open(&p, algorithms[i % ARRAY_LEN(algorithms)]);
		for (size_t j = 0; j < ARRAY_LEN(cuts) * ARRAY_LEN(rooms); j++) {
			size_t cut = cuts[j / ARRAY_LEN(rooms)];
			size_t room = rooms[j % ARRAY_LEN(rooms)];

			if (len > 100000 && (cut < 1000 || room < 1000))
				continue;
			check_way(&p, packet_of(0, len, false), cut, room);
			check_way(&p, packet_of(0, len, true), cut, room);
		}
		pair_close(&p);
	}
}

/* Servers do not pack what is shorter than 50 bytes, header and all, nor what gets no shorter. */
static void test_what_is_packed(void **state)
{
	static const struct {
		size_t len;
		bool   noise, packed;
	} rows[] = {
		{ 45, false, false }, { 46, false, true }, { 46, true, false },
		{ 60000, false, true }, { 60000, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(algorithms); i++) {
		size_t len = rows[i / 2].len;
		struct span packet;
		struct pair p;

		pair_open(&p, algorithms[i % 2]);
		assert_int_equal(compression_encode(&p.server,
						    packet_of(1, len, rows[i / 2].noise),
						    false, &packet), PACKET_HEADER_LEN + len);
		assert_int_equal(frame_at(packet.data + 4).len & 0xffffff,
				 rows[i / 2].packed ? PACKET_HEADER_LEN + len : 0);
		assert_true(packet.len <= COMPRESSION_HEADER_LEN + PACKET_HEADER_LEN + len);
		assert_int_equal(frame_at(packet.data).len,
				 packet.len - COMPRESSION_HEADER_LEN);
		pair_close(&p);
	}
}

/* From the protocol's own page: the statement and its compressed packet. */
static void test_documented_packet(void **state)
{
	static const char packet[] =
		"\x22\0\0\0\x32\0\0\x78\x9c\xd3\x63\x60\x60\x60\x2e\x4e\xcd\x49\x4d\x2e\x51"
		"\x50\x32\x30\x34\x32\x36\x31\x35\x33\xb7\xb0\xc4\xcd\x52\x02\x00\x0c\xd1"
		"\x0a\x6c";
	struct block out = { 0 };
	struct pair p;

	(void)state;
	pair_open(&p, CODEC_ZLIB);
	assert_true(decode(&p.server, BYTES(packet), SIZE_MAX, 100, &out));
	assert_true(span_equal(span_of_block(&out),
			       BYTES("\x2e\0\0\0\3select \"012345678901234567890123456789012345\"")));
	free(out.data);
	pair_close(&p);
}

/* --- numbers ---------------------------------------------------------------- */

static void test_commands_begin_packets(void **state)
{
	struct block packets;
	struct pair p;

	(void)state;
	pair_open(&p, CODEC_ZLIB);
	packets = encode(&p.client, BYTES("\1\0\0\0\x0e" "\2\0\0\0\3x" "\1\0\0\0\x0e"));
	assert_string_equal(numbers(span_of_block(&packets)), "0 0 0");
	free(packets.data);
	/* a long one goes on counting, and the next begins again */
	packets = encode(&p.client, packet_of(0, 200000, false));
	assert_string_equal(numbers(span_of_block(&packets)), "0 1 2 3");
	free(packets.data);
	packets = encode(&p.client, BYTES("\1\0\0\0\x0e"));
	assert_string_equal(numbers(span_of_block(&packets)), "0");
	free(packets.data);
	pair_close(&p);
}

/* With <more>, a header that lies across two pieces is left for the second. */
static void test_header_across_pieces(void **state)
{
	static const uint8_t two[] = "\1\0\0\0\x0e" "\1\0\0\0\x0e";
	struct span packet;
	struct pair p;

	(void)state;
	pair_open(&p, CODEC_ZLIB);
	assert_int_equal(compression_encode(&p.client, (struct span){ two, 7 }, true, &packet),
			 5);
	assert_string_equal(numbers(packet), "0");
	assert_int_equal(compression_encode(&p.client, (struct span){ two + 5, 5 }, false,
					    &packet), 5);
	assert_string_equal(numbers(packet), "0");
	pair_close(&p);
}

/* The server asks for a file in packet 1; it is counted from there on, round and round. */
static void test_local_file(void **state)
{
	struct block packets, out = { 0 };
	struct pair p;

	(void)state;
	pair_open(&p, CODEC_ZLIB);
	packets = encode(&p.client, BYTES("\2\0\0\0\3x"));
	assert_true(decode(&p.server, span_of_block(&packets), SIZE_MAX, 1000, &out));
	free(packets.data);
	compression_answer(&p.server);
	packets = encode(&p.server, BYTES("\2\0\0\1\xfb" "f"));
	assert_string_equal(numbers(span_of_block(&packets)), "1");
	assert_true(decode(&p.client, span_of_block(&packets), SIZE_MAX, 1000, &out));
	free(packets.data);
	for (unsigned i = 2; i < 600; i++) {
		uint8_t part[] = { 1, 0, 0, (uint8_t)i, 'r' };
		uint8_t last[] = { 0, 0, 0, (uint8_t)i };
		char expected[8];

		packets = encode(&p.client, i < 599 ?
				 (struct span){ part, sizeof(part) } :
				 (struct span){ last, sizeof(last) });
		(void)snprintf(expected, sizeof(expected), "%u", i & 0xff);
		assert_string_equal(numbers(span_of_block(&packets)), expected);
		assert_true(decode(&p.server, span_of_block(&packets), SIZE_MAX, 1000, &out));
		free(packets.data);
	}
	packets = encode(&p.server, BYTES("\1\0\0\x58\0"));
	assert_string_equal(numbers(span_of_block(&packets)), "88");
	free(packets.data);
	packets = encode(&p.client, BYTES("\1\0\0\0\x0e"));
	assert_string_equal(numbers(span_of_block(&packets)), "0");
	free(packets.data);
	free(out.data);
	pair_close(&p);
}

/* Put right what <c> has received of <bytes> and tell the numbers of its ordinary packets. */
static const char *renumbered(struct compression *c, struct span bytes, bool in_pieces)
{
	static char text[256];
	uint8_t copy[256];
	size_t len = 0;

	assert_true(bytes.len <= sizeof(copy));
	memcpy(copy, bytes.data, bytes.len);
	for (size_t at = 0; at < bytes.len; at += in_pieces ? 1 : bytes.len)
		compression_renumber(c, copy + at, in_pieces ? 1 : bytes.len);
	text[0] = '\0';
	for (size_t at = 0; at < bytes.len; at += PACKET_HEADER_LEN + frame_at(copy + at).len)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u",
					at > 0 ? " " : "", frame_at(copy + at).seq);
	return text;
}

/* Servers number ordinary packets by their count of compressed ones. */
static void test_answers_are_renumbered(void **state)
{
	struct block packets;
	struct pair p;

	(void)state;
	pair_open(&p, CODEC_ZLIB);
	for (unsigned pieces = 0; pieces < 2; pieces++) {
		packets = encode(&p.client, BYTES("\1\0\0\0\x0e" "\2\0\0\0\3x"));
		free(packets.data);
		compression_expect(&p.client, false);
		assert_string_equal(renumbered(&p.client, BYTES("\1\0\0\7\0"), pieces), "1");
		compression_expect(&p.client, true);
		assert_string_equal(renumbered(&p.client, BYTES("\1\0\0\0x" "\2\0\0\0xx"),
					       pieces), "1 2");
		assert_string_equal(renumbered(&p.client, BYTES("\1\0\0\0x"), pieces), "3");
		/* a local file of four packets */
		packets = encode(&p.client, BYTES("\1\0\0\4x" "\1\0\0\5x" "\1\0\0\6x"
						  "\0\0\0\7"));
		free(packets.data);
		assert_string_equal(renumbered(&p.client, BYTES("\1\0\0\x63\0"), pieces), "8");
	}
	/* a statement of two packets */
	compression_expect(&p.client, false);
	packets = encode(&p.client, packet_of(0, PACKET_PAYLOAD_MAX, false));
	free(packets.data);
	packets = encode(&p.client, BYTES("\1\0\0\1x"));
	free(packets.data);
	assert_string_equal(renumbered(&p.client, BYTES("\1\0\0\0x"), false), "2");
	pair_close(&p);
}

/* Some clients number the packets of a long statement 0, 0; and what they like. */
static void test_commands_are_renumbered(void **state)
{
	static uint8_t into[PACKET_HEADER_LEN + PACKET_PAYLOAD_MAX + 100];
	struct block packets, out = { 0 };
	struct pair p;

	(void)state;
	pair_open(&p, CODEC_ZLIB);
	p.client.side = COMPRESSION_AS_SERVER;	/* it does not look at the packets inside */
	append(&out, packet_of(0, PACKET_PAYLOAD_MAX, false));
	append(&out, BYTES("\1\0\0\x09x"));
	packets = encode(&p.client, span_of_block(&out));
	free(out.data);
	out = (struct block){ 0 };
	assert_true(decode(&p.server, span_of_block(&packets), SIZE_MAX, sizeof(into), &out));
	assert_int_equal(out.data[3], 0);
	assert_int_equal(out.data[out.len - 2], 1);
	free(packets.data);
	free(out.data);
	pair_close(&p);
}

/* The second command is here before the first is answered. */
static void test_command_ahead(void **state)
{
	struct block packets, out = { 0 };
	struct pair p;

	(void)state;
	pair_open(&p, CODEC_ZLIB);
	packets = encode(&p.client, BYTES("\1\0\0\0\x0e"));
	assert_true(decode(&p.server, span_of_block(&packets), SIZE_MAX, 100, &out));
	compression_answer(&p.server);
	assert_true(decode(&p.server, span_of_block(&packets), SIZE_MAX, 100, &out));
	free(packets.data);
	packets = encode(&p.server, packet_of(1, 150000, false));
	assert_string_equal(numbers(span_of_block(&packets)), "1 2 3");
	free(packets.data);
	compression_answer(&p.server);
	packets = encode(&p.server, BYTES("\1\0\0\1\0"));
	assert_string_equal(numbers(span_of_block(&packets)), "1");
	free(packets.data);
	free(out.data);
	pair_close(&p);
}

/* --- broken ones ------------------------------------------------------------- */

/* 100 letters 'a' by each library. */
#define ZLIB_A "\x78\x9c\x4b\x4c\xa4\x3d\x00\x00\x7a\x47\x25\xe5"
#define ZSTD_A "\x28\xb5\x2f\xfd\x20\x64\x45\x00\x00\x10\x61\x61\x01\x00\x3f\x01\x2c"

struct lie {
	enum codec_algorithm algorithm;
	struct span          packet;
	const char          *problem;	/* part of the words; NULL: it is good */
};

#define LIE(algorithm, bytes, problem) { algorithm, { (const uint8_t *)(bytes), \
						     sizeof(bytes) - 1 }, problem }
static const struct lie lies[] = {
	LIE(CODEC_ZLIB, "\x0c\0\0\0\x64\0\0" ZLIB_A, NULL),
	LIE(CODEC_ZSTD, "\x11\0\0\0\x64\0\0" ZSTD_A, NULL),
	LIE(CODEC_ZLIB, "\0\0\0\0\0\0\0", NULL),
	LIE(CODEC_ZLIB, "\0\0\0\0\x64\0\0", "empty"),
	LIE(CODEC_ZLIB, "\x0c\0\0\0\x63\0\0" ZLIB_A, "longer than it says"),
	LIE(CODEC_ZSTD, "\x11\0\0\0\x63\0\0" ZSTD_A, "compressed packet"),
	LIE(CODEC_ZLIB, "\x0c\0\0\0\x01\0\0" ZLIB_A, "longer than it says"),
	LIE(CODEC_ZLIB, "\x0c\0\0\0\x65\0\0" ZLIB_A, "ends before"),
	LIE(CODEC_ZSTD, "\x11\0\0\0\x65\0\0" ZSTD_A, "ends before"),
	LIE(CODEC_ZLIB, "\x0c\0\0\0\xff\xff\xff" ZLIB_A, "ends before"),
	LIE(CODEC_ZLIB, "\x0d\0\0\0\x64\0\0" ZLIB_A "x", "ends before"),
	LIE(CODEC_ZSTD, "\x12\0\0\0\x64\0\0" ZSTD_A "x", "ends before"),
	LIE(CODEC_ZLIB, "\x0b\0\0\0\x64\0\0" ZLIB_A, "does not end"),
	LIE(CODEC_ZSTD, "\x10\0\0\0\x64\0\0" ZSTD_A, "does not end"),
	LIE(CODEC_ZLIB, "\x05\0\0\0\x64\0\0hello", "damaged"),
	LIE(CODEC_ZSTD, "\x05\0\0\0\x64\0\0hello", "damaged"),
	LIE(CODEC_ZLIB, "\x0c\0\0\0\x64\0\0\x78\x9c\x4b\x4c\xa4\x3d\x00\x00\x7a\x47\x25\xe6",
	    "damaged"),
	LIE(CODEC_ZLIB, "\x11\0\0\0\x64\0\0" ZSTD_A, "damaged"),
	LIE(CODEC_ZSTD, "\x0c\0\0\0\x64\0\0" ZLIB_A, "damaged"),
	LIE(CODEC_ZLIB, "\1\0\0\1\0\0\0x", "out of order"),
	LIE(CODEC_ZLIB, "\1\0\0\0\0\0\0x\1\0\0\2\0\0\0x", "out of order"),
};

static void check_lie(const struct lie *lie, size_t cut, size_t room)
{
	struct block out = { 0 };
	struct pair p;
	bool good;

	pair_open(&p, lie->algorithm);
	good = decode(&p.server, lie->packet, cut, room, &out);
	assert_true(good == (lie->problem == NULL));
	if (!good)
		assert_non_null(strstr(p.server.problem, lie->problem));
	assert_true(out.len <= 100);
	free(out.data);
	pair_close(&p);
}

static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		check_lie(&lies[i], SIZE_MAX, 1000);
		check_lie(&lies[i], SIZE_MAX, 7);
		check_lie(&lies[i], SIZE_MAX, 100);
		check_lie(&lies[i], 1, 1000);
		check_lie(&lies[i], 1, 1);
	}
}

/* A few KB that unpack to 16 MiB come out as fast as there is room, and no faster. */
static void test_bomb(void **state)
{
	uint8_t *zeros = calloc(1, PACKET_PAYLOAD_MAX), *packet = malloc(64 * 1024), into[4096];

	(void)state;
	assert_true(zeros != NULL && packet != NULL);
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		size_t packed, total = 0, got = 0;
		struct span rest;
		struct pair p;

		pair_open(&p, algorithms[i]);
		packed = codec_pack(p.codec, algorithms[i], CODEC_ZSTD_LEVEL,
				    (struct span){ zeros, PACKET_PAYLOAD_MAX },
				    packet + COMPRESSION_HEADER_LEN, 32 * 1024);
		assert_true(packed > 0);
		frame_put(packet, (struct frame){ (uint32_t)packed, 0 });
		frame_put(packet + 3, (struct frame){ 0xffff00, 0xff });
		packet[3] = 0;
		memset(packet + 4, 0xff, 3);
		rest = (struct span){ packet, COMPRESSION_HEADER_LEN + packed };
		do {
			assert_true(compression_decode(&p.server, &rest, into, sizeof(into),
						       &got));
			total += got;
		} while (got > 0);
		assert_int_equal(total, PACKET_PAYLOAD_MAX);
		assert_int_equal(rest.len, 0);
		pair_close(&p);
	}
	free(zeros);
	free(packet);
}

static void test_agreed(void **state)
{
	(void)state;
	assert_int_equal(compression_agreed(CLIENT_PROTOCOL_41), CODEC_NONE);
	assert_int_equal(compression_agreed(CLIENT_COMPRESS), CODEC_ZLIB);
	assert_int_equal(compression_agreed(CLIENT_ZSTD_COMPRESSION_ALGORITHM), CODEC_ZSTD);
	assert_int_equal(compression_agreed(CLIENT_COMPRESS |
					    CLIENT_ZSTD_COMPRESSION_ALGORITHM), CODEC_ZLIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_what_is_packed),
		cmocka_unit_test(test_documented_packet),
		cmocka_unit_test(test_commands_begin_packets),
		cmocka_unit_test(test_header_across_pieces),
		cmocka_unit_test(test_local_file),
		cmocka_unit_test(test_answers_are_renumbered),
		cmocka_unit_test(test_commands_are_renumbered),
		cmocka_unit_test(test_command_ahead),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_agreed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
