/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The result tracker, on responses written as scripts.  Each response is followed
 * by bytes of the next one and goes through whole, byte by byte and split in every
 * place; each time all of it is covered, packets that matter are given out alone and
 * whole, and the end is found exactly where it is.
 *
 * Scripts marked "seen" are what MariaDB 10.11.19 and MySQL 9.7 sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/wire/result.h>

#include "wire_bytes.h"

#define UNITS_MAX 64u

/* Packets up to this size, with their header, are given out whole. */
#define WHOLE_MAX (1u << 20)

/* Longer responses are split around their packets' headers only, and not copied. */
#define SMALL_RESPONSE 1000u

/* One packet of a response and how the tracker has to see it. */
struct unit {
	bool               data;	/* definition, row or continuation: passed on */
	bool               row;
	bool               begins_row;
	enum result_packet packet;
	size_t             len;		/* with its header */
};

struct response {
	uint8_t    *bytes;
	size_t      len;	/* of the response; <tail> bytes of another one follow */
	size_t      tail;
	struct unit units[UNITS_MAX];
	size_t      count;
	uint16_t    status;	/* of the last OK or EOF packet */
};

/* --- scripts to bytes ------------------------------------------------------------ */

static void add(struct response *r, struct unit unit, struct span payload)
{
	struct writer w;

	assert_true(r->count < UNITS_MAX);
	unit.len = PACKET_HEADER_LEN + payload.len;
	r->bytes = realloc(r->bytes, r->len + unit.len);
	assert_non_null(r->bytes);
	frame_put(r->bytes + r->len, (struct frame){
		.len = (uint32_t)payload.len,
		.seq = (uint8_t)(r->count + 1),
	});
	w = writer_over(r->bytes + r->len + PACKET_HEADER_LEN, payload.len);
	writer_bytes(&w, payload);
	r->len += unit.len;
	r->units[r->count++] = unit;
}

/* <len> bytes that begin with <first>. */
static void add_data(struct response *r, bool row, bool begins, uint8_t first, size_t len)
{
	uint8_t *payload = malloc(len + 1);

	assert_non_null(payload);
	memset(payload, 0xff, len + 1);		/* ERR, if anybody looked */
	payload[0] = first;
	add(r, (struct unit){ .data = true, .row = row, .begins_row = begins },
	    (struct span){ payload, len });
	free(payload);
}

static void add_packet(struct response *r, enum result_packet packet, struct span payload)
{
	add(r, (struct unit){ .packet = packet }, payload);
}

/* OK and EOF packets: <kind> o (0x00), t (0xfe as OK) or e (0xfe of old). */
static void add_status(struct response *r, char kind, uint16_t status)
{
	const uint8_t low = (uint8_t)status, high = (uint8_t)(status >> 8);
	const uint8_t ok[] = { kind == 'o' ? 0 : 0xfe, 0, 0, low, high, 0, 0 };
	const uint8_t eof[] = { 0xfe, 0, 0, low, high };

	r->status = status;
	if (kind == 'e')
		add_packet(r, RESULT_PACKET_EOF, (struct span){ eof, sizeof(eof) });
	else
		add_packet(r, RESULT_PACKET_OK, (struct span){ ok, sizeof(ok) });
}

/* COM_STMT_PREPARE_OK with <digits>: parameters, columns, and a flag if there is one. */
static void add_prepare_ok(struct response *r, const char *digits)
{
	uint8_t ok[13] = { 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	size_t n = strcspn(digits, " ");

	ok[7] = (uint8_t)(digits[0] - '0');
	ok[5] = (uint8_t)(digits[1] - '0');
	if (n > 2)
		ok[12] = (uint8_t)(digits[2] - '0');
	add_packet(r, RESULT_PACKET_HEAD, (struct span){ ok, n > 2 ? 13 : 12 });
}

/*
 * A word of a script: a letter, then a number.
 *   h2 h21   column count, with a flag behind it     p12 p120  COM_STMT_PREPARE_OK
 *   d d900   definition (with so many bytes)         r r900    row
 *   n b x    row that begins with NULL, 0x00, 0xfe   c5        continuation of a row
 *   o e t    OK, EOF, OK as EOF; status in hex       E P L T   ERR, progress, file, text
 */
static void add_word(struct response *r, const char *word)
{
	size_t len = strtoul(word + 1, NULL, 10);
	uint8_t head[2];

	switch (word[0]) {
	case 'h':
		head[0] = (uint8_t)(word[1] - '0');
		head[1] = (uint8_t)(word[2] - '0');
		add_packet(r, RESULT_PACKET_HEAD,
			   (struct span){ head, word[2] >= '0' ? 2 : 1 });
		return;
	case 'p':
		add_prepare_ok(r, word + 1);
		return;
	case 'd':
		add_data(r, false, false, 3, len > 0 ? len : 6);
		return;
	case 'r':
		add_data(r, true, true, 1, len > 0 ? len : 3);
		return;
	case 'n':
		add_data(r, true, true, 0xfb, 1);
		return;
	case 'b':
		add_data(r, true, true, 0, 4);
		return;
	case 'x':
		add_data(r, true, true, 0xfe, len > 0 ? len : 9);
		return;
	case 'c':
		add_data(r, true, false, 0xff, len);
		return;
	case 'o':
	case 'e':
	case 't':
		add_status(r, word[0], (uint16_t)strtoul(word + 1, NULL, 16));
		return;
	case 'E':
		add_packet(r, RESULT_PACKET_ERR, BYTES("\xff\x1e\x04#42S22no"));
		return;
	case 'P':
		add_packet(r, RESULT_PACKET_PROGRESS,
			   BYTES("\xff\xff\xff\x01\x01\x02\0\0\0"));
		return;
	case 'L':
		add_packet(r, RESULT_PACKET_LOCAL_INFILE, BYTES("\xfb/tmp/x"));
		return;
	case 'T':
		add_packet(r, RESULT_PACKET_TEXT, BYTES("Uptime: 1"));
		return;
	}
	fail_msg("what is \"%s\"?", word);
}

static struct response response_of(const char *script)
{
	struct response r = { 0 };
	size_t len;

	for (; *script != '\0'; script += strcspn(script, " ")) {
		script += strspn(script, " ");
		add_word(&r, script);
	}
	/* the next response has begun to arrive as well */
	len = r.len;
	r.count++;
	add_packet(&r, RESULT_PACKET_OK, BYTES("\0\0\0\x02\0\0\0"));
	r.count -= 2;
	r.tail = r.len - len;
	r.len = len;
	return r;
}

/* --- running ----------------------------------------------------------------------- */

/* A response on its way through the tracker. */
struct run {
	const struct response *response;
	struct result tracker;
	size_t        arrived;
	size_t        at;		/* bytes stepped over */
	size_t        unit;		/* the unit that holds <at> */
	size_t        unit_at;		/* where it begins */
	size_t        passes;
	bool          over;
	const char   *wrong;
};

static void next_unit(struct run *run)
{
	run->unit_at += run->response->units[run->unit].len;
	run->unit++;
}

/* The units under a RESULT_PASS of <len> bytes are all data. */
static void cover_pass(struct run *run, const struct result_step *step)
{
	size_t end = run->at + step->len;
	bool row = false;

	if (step->len == 0 || end > run->response->len) {
		run->wrong = "a pass of nothing or beyond the end";
		return;
	}
	while (run->unit < run->response->count && run->unit_at < end) {
		const struct unit *u = &run->response->units[run->unit];

		if (!u->data)
			run->wrong = "a packet was passed on unseen";
		row |= u->row;
		if (run->unit_at + u->len > end) {
			if (u->len <= WHOLE_MAX)
				run->wrong = "a small packet was given out in part";
			break;
		}
		next_unit(run);
	}
	if (row != step->row)
		run->wrong = "row or not";
	run->passes++;
}

static void cover_packet(struct run *run, const struct result_step *step)
{
	const struct unit *u = &run->response->units[run->unit];

	if (run->at != run->unit_at || u->data)
		run->wrong = "data was given out as a packet";
	else if (step->len != u->len || step->payload.len != u->len - PACKET_HEADER_LEN)
		run->wrong = "not the whole packet";
	else if (step->packet != u->packet)
		run->wrong = "wrong kind of packet";
	else if (step->seq != (uint8_t)(run->unit + 1))
		run->wrong = "wrong sequence number";
	next_unit(run);
}

/* Step over <bytes> as far as it goes. */
static void feed_bytes(struct run *run, struct span bytes)
{
	struct result_step step;

	while (!run->over && run->wrong == NULL) {
		result_step(&run->tracker, bytes, &step);
		if (step.kind == RESULT_NEED) {
			if (step.need <= bytes.len)
				run->wrong = "needs no more than there is";
			break;
		}
		if (step.kind == RESULT_BROKEN)
			run->wrong = step.problem;
		else if (step.len > bytes.len)
			run->wrong = "a step beyond the input";
		else if (step.kind == RESULT_PASS)
			cover_pass(run, &step);
		else
			cover_packet(run, &step);
		run->at += step.len;
		run->over = step.last;
		bytes = span_from(bytes, step.len);
	}
}

/* Step over what has arrived; what is small lies in a block of exactly its size. */
static void feed(struct run *run)
{
	struct span held = { run->response->bytes + run->at, run->arrived - run->at };
	uint8_t *block;

	if (run->response->len > SMALL_RESPONSE) {
		feed_bytes(run, held);
		return;
	}
	block = malloc(held.len > 0 ? held.len : 1);
	assert_non_null(block);
	memcpy(block, held.data, held.len);
	feed_bytes(run, (struct span){ block, held.len });
	free(block);
}

static void check_end(struct run *run)
{
	size_t rows = 0;

	for (size_t i = 0; i < run->response->count; i++)
		rows += run->response->units[i].begins_row;
	if (run->wrong != NULL)
		return;
	if (!run->over || run->at != run->response->len)
		run->wrong = "ends elsewhere";
	else if (run->tracker.rows != rows)
		run->wrong = "counted other rows";
	else if (run->tracker.status != run->response->status)
		run->wrong = "another status";
}

/* All bytes, first <first> of them, then in pieces of <piece>. */
static const char *run_pieces(const struct response *r, uint8_t command,
			      uint64_t capabilities, size_t first, size_t piece)
{
	struct run run = { .response = r };
	size_t all = r->len + r->tail;

	result_expect(&run.tracker, command, capabilities);
	run.arrived = size_min(first, all);
	feed(&run);
	while (run.arrived < all && !run.over && run.wrong == NULL) {
		run.arrived += size_min(piece, all - run.arrived);
		feed(&run);
	}
	check_end(&run);
	return run.wrong;
}

/* Data packets in a row come out as one pass when all is there. */
static size_t passes_at_least(const struct response *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		n += r->units[i].data && (i == 0 || !r->units[i - 1].data);
	return n;
}

static const char *run_whole(const struct response *r, uint8_t command,
			     uint64_t capabilities)
{
	struct run run = { .response = r, .arrived = r->len + r->tail };

	result_expect(&run.tracker, command, capabilities);
	feed(&run);
	check_end(&run);
	if (run.wrong == NULL && run.passes != passes_at_least(r))
		run.wrong = "passes that could have been one";
	return run.wrong;
}

/* Every split in two; of a long response those in or near a header. */
static const char *run_splits(const struct response *r, uint8_t command,
			      uint64_t capabilities)
{
	const char *wrong = NULL;
	size_t at = 0;

	if (r->len <= SMALL_RESPONSE) {
		for (; at <= r->len && wrong == NULL; at++)
			wrong = run_pieces(r, command, capabilities, at, SIZE_MAX);
		return wrong;
	}
	for (size_t i = 0; i < r->count; at += r->units[i++].len) {
		for (size_t d = 0; d < 8 && wrong == NULL; d++)
			wrong = run_pieces(r, command, capabilities, at + d, SIZE_MAX);
	}
	return wrong;
}

static const char *run_all_ways(const struct response *r, uint8_t command,
				uint64_t capabilities)
{
	static const size_t pieces[] = { 1, 3, 5, 4096, 65536, (1 << 20) + 7 };
	bool small = r->len <= SMALL_RESPONSE;
	const char *wrong = run_whole(r, command, capabilities);

	if (wrong == NULL)
		wrong = run_splits(r, command, capabilities);
	for (size_t i = small ? 0 : 3; i < ARRAY_LEN(pieces) && wrong == NULL; i++)
		wrong = run_pieces(r, command, capabilities, pieces[i], pieces[i]);
	return wrong;
}

/* --- good responses ------------------------------------------------------------------ */

#define OLD      UINT64_C(0)
#define DEP      CLIENT_DEPRECATE_EOF
#define OPTIONAL CLIENT_OPTIONAL_RESULTSET_METADATA
#define CACHE    MARIADB_CLIENT_CACHE_METADATA

static const struct {
	const char *because;
	uint8_t     command;
	uint64_t    capabilities;
	const char *script;
} good_rows[] = {
	/* COM_QUERY */
	{ "no result set", COM_QUERY, OLD, "o2" },
	{ "an error at once", COM_QUERY, OLD, "E" },
	{ "seen: a result set", COM_QUERY, OLD, "h2 d d e2 r r r e22" },
	{ "seen: the same, DEPRECATE_EOF", COM_QUERY, DEP, "h2 d d r r r t22" },
	{ "no rows", COM_QUERY, OLD, "h1 d e2 e2" },
	{ "no rows, DEPRECATE_EOF", COM_QUERY, DEP, "h1 d t2" },
	{ "rows with odd first bytes", COM_QUERY, OLD, "h1 d e2 n b x r e2" },
	{ "the same, DEPRECATE_EOF", COM_QUERY, DEP, "h1 d n b r t2" },
	{ "0xfe begins a row of 16 MiB, DEPRECATE_EOF", COM_QUERY, DEP,
	  "h1 d x16777215 c5 r t2" },
	{ "an error among rows", COM_QUERY, OLD, "h1 d e2 r r E" },
	{ "an error among rows, DEPRECATE_EOF", COM_QUERY, DEP, "h1 d r E" },
	{ "an error among definitions", COM_QUERY, OLD, "h3 d E" },
	{ "large row", COM_QUERY, OLD, "h1 d e2 r r1100000 r e2" },
	{ "large rows, large definitions", COM_QUERY, DEP,
	  "h2 d1100001 d1100002 r1100003 r1100004 t2" },
	{ "rows just large enough to be given out in part, and just not", COM_QUERY, DEP,
	  "h1 d r1048571 r1048572 r1048573 r1048574 t2" },

	/* 16 MiB packets */
	{ "continued row", COM_QUERY, OLD, "h1 d e2 r r16777215 c7 r e2" },
	{ "continued row, empty continuation", COM_QUERY, DEP, "h1 d r16777215 c0 r t2" },
	{ "row of three packets, ends look like ERR", COM_QUERY, DEP,
	  "h1 d r16777215 c16777215 c1 t2" },
	{ "row just not continued", COM_QUERY, OLD, "h1 d e2 r16777214 r e2" },

	/* multi-results */
	{ "seen: SELECT 1; DO 1; SELECT 2", COM_QUERY, OLD,
	  "h1 d ea r ea oa h1 d e2 r e2" },
	{ "seen: the same, DEPRECATE_EOF", COM_QUERY, DEP, "h1 d r ta oa h1 d r t2" },
	{ "seen: SELECT 1; SELECT nosuch", COM_QUERY, OLD, "h1 d ea r ea E" },
	{ "seen: the same, DEPRECATE_EOF", COM_QUERY, DEP, "h1 d r ta E" },
	{ "an OK, then a result set", COM_QUERY, OLD, "oa h1 d e2 r e2" },
	{ "only the EOF behind the rows counts", COM_QUERY, OLD, "h1 d ea r e2" },

	/* CALL with OUT parameters, binary protocol */
	{ "seen: MariaDB, OUT parameters", COM_STMT_EXECUTE, OLD,
	  "h1 d ea b ea h1 d e100a b e100a o2" },
	{ "seen: MySQL, the EOF behind OUT parameters forgets MORE_RESULTS",
	  COM_STMT_EXECUTE, OLD, "h1 d ea b ea h1 d e100a b e2 o2" },
	{ "seen: OUT parameters, DEPRECATE_EOF", COM_STMT_EXECUTE, DEP,
	  "h1 d b ta h1 d b t100a o2" },
	{ "an OUT parameter flag that is over", COM_STMT_EXECUTE, OLD,
	  "h1 d e100a b e2 oa h1 d e2 b e2" },

	/* cursors */
	{ "seen: EXECUTE opens a cursor", COM_STMT_EXECUTE, OLD, "h1 d e62" },
	{ "seen: the same, DEPRECATE_EOF", COM_STMT_EXECUTE, DEP, "h1 d t62" },
	{ "no cursor: rows follow", COM_STMT_EXECUTE, OLD, "h1 d e2 b b e2" },
	{ "no cursor, DEPRECATE_EOF", COM_STMT_EXECUTE, DEP, "h1 d b b t2" },
	{ "a cursor flag means nothing in a text result", COM_QUERY, OLD, "h1 d e42 r e2" },
	{ "seen: FETCH", COM_STMT_FETCH, OLD, "b b e42" },
	{ "seen: FETCH of the last rows, DEPRECATE_EOF", COM_STMT_FETCH, DEP, "b t82" },
	{ "FETCH of nothing", COM_STMT_FETCH, OLD, "e82" },
	{ "seen: FETCH without a cursor", COM_STMT_FETCH, OLD, "E" },
	{ "an error while fetching", COM_STMT_FETCH, DEP, "b E" },

	/* COM_STMT_PREPARE: parameters, then columns */
	{ "neither", COM_STMT_PREPARE, OLD, "p00" },
	{ "seen: parameters and columns", COM_STMT_PREPARE, OLD, "p12 d e2 d d e2" },
	{ "seen: the same, DEPRECATE_EOF", COM_STMT_PREPARE, DEP, "p12 d d d" },
	{ "parameters only", COM_STMT_PREPARE, OLD, "p20 d d e2" },
	{ "parameters only, DEPRECATE_EOF", COM_STMT_PREPARE, DEP, "p20 d d" },
	{ "columns only", COM_STMT_PREPARE, OLD, "p01 d e2" },
	{ "columns only, DEPRECATE_EOF", COM_STMT_PREPARE, DEP, "p01 d" },
	{ "the last definition is large", COM_STMT_PREPARE, DEP, "p11 d d1100000" },
	{ "a syntax error", COM_STMT_PREPARE, DEP, "E" },
	{ "seen: metadata left out", COM_STMT_PREPARE, OPTIONAL, "p120 e2 e2" },
	{ "seen: the same, DEPRECATE_EOF", COM_STMT_PREPARE, OPTIONAL | DEP, "p120" },
	{ "seen: metadata left out, columns only", COM_STMT_PREPARE, OPTIONAL, "p010 e2" },
	{ "metadata not left out", COM_STMT_PREPARE, OPTIONAL, "p121 d e2 d d e2" },
	{ "the same, DEPRECATE_EOF", COM_STMT_PREPARE, OPTIONAL | DEP, "p121 d d d" },
	{ "nothing to leave out", COM_STMT_PREPARE, OPTIONAL, "p000" },

	/* metadata left out of result sets */
	{ "seen: metadata FULL", COM_QUERY, OPTIONAL, "h11 d e2 r e2" },
	{ "seen: metadata NONE", COM_QUERY, OPTIONAL, "h20 e2 r e2" },
	{ "seen: metadata FULL, DEPRECATE_EOF", COM_QUERY, OPTIONAL | DEP, "h11 d r t2" },
	{ "seen: metadata NONE, DEPRECATE_EOF", COM_QUERY, OPTIONAL | DEP, "h20 r t2" },
	{ "metadata NONE, OK first", COM_QUERY, OPTIONAL | DEP, "oa h20 r t2" },
	{ "seen: metadata NONE and a cursor", COM_STMT_EXECUTE, OPTIONAL, "h10 e42" },
	{ "the same, DEPRECATE_EOF", COM_STMT_EXECUTE, OPTIONAL | DEP, "h10 t42" },
	{ "seen: cached metadata", COM_STMT_EXECUTE, CACHE, "h20 e2 b e2" },
	{ "seen: metadata not cached", COM_STMT_EXECUTE, CACHE, "h21 d d e42" },
	{ "cached metadata, DEPRECATE_EOF", COM_STMT_EXECUTE, CACHE | DEP, "h20 b b t2" },

	/* LOCAL INFILE */
	{ "file", COM_QUERY, OLD, "L o2" },
	{ "file, error", COM_QUERY, DEP, "L E" },
	{ "file among others", COM_QUERY, DEP, "oa L oa h1 d r t2" },

	/* MariaDB's progress reports */
	{ "progress, then OK", COM_QUERY, OLD, "P P o2" },
	{ "progress among rows", COM_QUERY, DEP, "h1 d P r P r t2" },
	{ "progress, then an error", COM_QUERY, OLD, "P E" },

	/* the other shapes */
	{ "ping", COM_PING, OLD, "o2" },
	{ "unknown schema", COM_INIT_DB, DEP, "E" },
	{ "seen: SET_OPTION", COM_SET_OPTION, OLD, "e2" },
	{ "seen: SET_OPTION, DEPRECATE_EOF", COM_SET_OPTION, DEP, "t2" },
	{ "seen: DEBUG, DEPRECATE_EOF", COM_DEBUG, DEP, "t2" },
	{ "seen: FIELD_LIST", COM_FIELD_LIST, OLD, "d d e2" },
	{ "seen: FIELD_LIST, DEPRECATE_EOF", COM_FIELD_LIST, DEP, "d d t2" },
	{ "FIELD_LIST of nothing", COM_FIELD_LIST, OLD, "E" },
	{ "statistics", COM_STATISTICS, OLD, "T" },
	{ "no statistics", COM_STATISTICS, OLD, "E" },
	{ "change of user", COM_CHANGE_USER, OLD, "o2" },
	{ "change of user, refused", COM_CHANGE_USER, OLD, "E" },
};

static void test_good_responses(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good_rows); i++) {
		struct response r = response_of(good_rows[i].script);
		const char *wrong = run_all_ways(&r, good_rows[i].command,
						 good_rows[i].capabilities);

		if (wrong != NULL) {
			print_error("%s (%s): %s\n", good_rows[i].because,
				    good_rows[i].script, wrong);
			failed++;
		}
		free(r.bytes);
	}
	assert_int_equal(failed, 0);
}

/* --- what is none -------------------------------------------------------------------- */

static const struct {
	const char *because;
	uint8_t     command;
	uint64_t    capabilities;
	struct span bytes;
} broken_rows[] = {
	{ "an empty packet", COM_QUERY, OLD, BYTES("\0\0\0\x01") },
	{ "OK cut short", COM_QUERY, OLD, BYTES("\x03\0\0\x01\0\0\0") },
	{ "ERR without number", COM_QUERY, OLD, BYTES("\x02\0\0\x01\xff\x01") },
	{ "column count with junk", COM_QUERY, OLD, BYTES("\x02\0\0\x01\x01\x01") },
	{ "column count without its flag", COM_QUERY, OPTIONAL, BYTES("\x01\0\0\x01\x01") },
	{ "a result set from PING", COM_PING, OLD, BYTES("\x01\0\0\x01\x01") },
	{ "PREPARE_OK cut short", COM_STMT_PREPARE, OLD,
	  BYTES("\x07\0\0\x01\0\0\0\0\0\0\0") },
	{ "a column count from PREPARE", COM_STMT_PREPARE, OLD, BYTES("\x01\0\0\x01\x01") },
	{ "an old EOF of odd size", COM_STMT_FETCH, OLD, BYTES("\x03\0\0\x01\xfe\0\0") },
	{ "no EOF behind definitions", COM_QUERY, OLD,
	  BYTES("\x01\0\0\x01\x01" "\x01\0\0\x02\x03" "\x01\0\0\x03\x01") },
	{ "a 16 MiB packet that should be OK", COM_PING, OLD, BYTES("\xff\xff\xff\x01\0") },
};

static void test_broken_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken_rows); i++) {
		struct span bytes = broken_rows[i].bytes;
		struct result_step step;
		struct result r;

		result_expect(&r, broken_rows[i].command, broken_rows[i].capabilities);
		do {
			result_step(&r, bytes, &step);
			bytes = span_from(bytes, step.len);
		} while (step.len > 0 && !step.last);
		if (step.kind != RESULT_BROKEN || step.problem == NULL)
			fail_msg("%s: not seen", broken_rows[i].because);
	}
}

/* Rows are passed on as soon as their header and first byte are there. */
static void test_large_row_does_not_wait(void **state)
{
	struct response r = response_of("h1 d e2 r1100000 e2");
	size_t before = 5 + 10 + 9, seen = before + PACKET_HEADER_LEN + 1;
	struct result tracker;
	struct result_step step;
	size_t at = 0;

	(void)state;
	result_expect(&tracker, COM_QUERY, OLD);
	while (at < seen) {
		result_step(&tracker, (struct span){ r.bytes + at, seen - at }, &step);
		assert_int_not_equal(step.kind, RESULT_NEED);
		at += step.len;
	}
	assert_int_equal(step.kind, RESULT_PASS);
	assert_int_equal(step.len, PACKET_HEADER_LEN + 1);
	assert_true(step.row);
	assert_true(tracker.pass > 0);
	free(r.bytes);
}

/* What is missing is said exactly when the header is known. */
static void test_need(void **state)
{
	static const struct span ok = BYTES("\x07\0\0\x01\0\0\0\x02\0\0\0");
	struct result tracker;
	struct result_step step;

	(void)state;
	result_expect(&tracker, COM_PING, OLD);
	result_step(&tracker, SPAN_NONE, &step);
	assert_int_equal(step.kind, RESULT_NEED);
	assert_int_equal(step.need, 1);
	result_step(&tracker, span_head(ok, 3), &step);
	assert_int_equal(step.need, PACKET_HEADER_LEN);
	result_step(&tracker, span_head(ok, 4), &step);
	assert_int_equal(step.need, PACKET_HEADER_LEN + 1);
	result_step(&tracker, span_head(ok, 5), &step);
	assert_int_equal(step.need, ok.len);
	result_step(&tracker, ok, &step);
	assert_int_equal(step.kind, RESULT_PACKET);
	assert_true(step.last);
}

/* Binlog events go on until an old EOF or an ERR, whatever was agreed. */
static void test_stream(void **state)
{
	static const struct span bytes = BYTES("\x02\0\0\x01\0x"
					       "\x0a\0\0\x02\xfe" "123456789"
					       "\x01\0\0\x03q"
					       "\x05\0\0\x04\xfe\0\0\x02\0");
	struct result tracker;
	struct result_step step;

	(void)state;
	result_expect(&tracker, COM_BINLOG_DUMP, DEP);
	result_step(&tracker, bytes, &step);
	assert_int_equal(step.kind, RESULT_PASS);
	assert_int_equal(step.len, bytes.len - 9);
	assert_false(step.last);
	assert_false(step.row);
	result_step(&tracker, span_from(bytes, step.len), &step);
	assert_int_equal(step.packet, RESULT_PACKET_EOF);
	assert_true(step.last);
}

/* COM_CHANGE_USER: packets of the exchange are given out one by one. */
static void test_login_exchange(void **state)
{
	struct span bytes = BYTES("\x05\0\0\x01\xfeplug" "\x02\0\0\x03\x01\x04"
				  "\x07\0\0\x05\0\0\0\x02\0\0\0");
	struct result tracker;
	struct result_step step;

	(void)state;
	result_expect(&tracker, COM_CHANGE_USER, OLD);
	for (int i = 0; i < 2; i++) {
		result_step(&tracker, bytes, &step);
		assert_int_equal(step.kind, RESULT_PACKET);
		assert_int_equal(step.packet, RESULT_PACKET_TEXT);
		assert_false(step.last);
		bytes = span_from(bytes, step.len);
	}
	result_step(&tracker, bytes, &step);
	assert_int_equal(step.packet, RESULT_PACKET_OK);
	assert_true(step.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_responses),
		cmocka_unit_test(test_broken_responses),
		cmocka_unit_test(test_large_row_does_not_wait),
		cmocka_unit_test(test_need),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_login_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
