/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as responses to a command, one after another.  Three bytes choose the
 * command, the capabilities and the size of the pieces in which they arrive; what
 * follows are packets in short form (see unfold()), so that packets of 16 MiB fit
 * into small inputs.
 *
 * Beyond not crashing: every step makes progress and stays in its input, and the
 * bytes are cut the same whether they arrive at once or in pieces.
 */
#include <readmux/wire/result.h>

#include "spans.h"

#define EVENTS_MAX 512u
#define HUGE_MAX   4u		/* packets of 1 MiB and more in one input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What came out: packets, and what was passed on in between, in one piece. */
struct event {
	enum result_step_kind kind;
	enum result_packet    packet;
	size_t                from, to;
	bool                  row;
	bool                  last;
};

struct outcome {
	struct event  events[EVENTS_MAX];
	size_t        count;
	struct result tracker;		/* at the end */
	size_t        at;
};

struct input {
	uint8_t     command;
	uint64_t    capabilities;
	struct span bytes;
};

/* --- short form -------------------------------------------------------------------- */

/*
 * A packet is a byte <n> and its payload of that length.  0xf0 to 0xff stand for
 * large ones of which only the first byte is given.
 */
static size_t payload_len(uint8_t n)
{
	static const uint32_t large[] = {
		0xffffff, 0xffffff, 0xfffffe, 1 << 20, (1 << 20) - 4, (1 << 20) - 3,
		70000, 65536, 8192, 8188, 8189, 300, 251, 250, 0xffffff, 0,
	};

	return n < 0xf0 ? n : large[n - 0xf0];
}

/* Bytes that the short form takes, and that it stands for. */
struct shorthand {
	size_t given;
	size_t payload;
};

static struct shorthand shorthand_at(const uint8_t *data, size_t len)
{
	struct shorthand s = { .payload = payload_len(data[0]) };

	s.given = data[0] < 0xf0 ? s.payload : s.payload > 0;
	if (s.given > len - 1)
		s.given = s.payload = len - 1;
	return s;
}

static size_t unfolded_len(const uint8_t *data, size_t len)
{
	size_t total = 0, huge = 0;

	for (size_t at = 0; at < len;) {
		struct shorthand s = shorthand_at(data + at, len - at);

		huge += s.payload >= 1 << 19;
		if (huge > HUGE_MAX)
			break;
		total += PACKET_HEADER_LEN + s.payload;
		at += 1 + s.given;
	}
	return total;
}

/* <out> holds <room> zeros, as many as unfolded_len() says. */
static void unfold(const uint8_t *data, size_t len, uint8_t *out, size_t room)
{
	uint8_t seq = 1;

	for (size_t at = 0, to = 0; at < len && to < room;) {
		struct shorthand s = shorthand_at(data + at, len - at);

		frame_put(out + to, (struct frame){
			.len = (uint32_t)s.payload, .seq = seq++,
		});
		to += PACKET_HEADER_LEN;
		if (s.given > 0)
			memcpy(out + to, data + at + 1, s.given);
		to += s.payload;
		at += 1 + s.given;
	}
}

/* --- running ------------------------------------------------------------------------- */

static void note(struct outcome *o, const struct result_step *step)
{
	struct event *last = o->count > 0 ? &o->events[o->count - 1] : NULL;

	o->at += step->len;
	if (step->kind == RESULT_PASS && last != NULL && last->kind == RESULT_PASS &&
	    !last->last) {
		last->to = o->at;
		last->row |= step->row;
		last->last = step->last;
		return;
	}
	if (o->count == EVENTS_MAX)
		return;
	o->events[o->count++] = (struct event){
		.kind = step->kind, .packet = step->packet, .from = o->at - step->len,
		.to = o->at, .row = step->row, .last = step->last,
	};
}

static void check_step(const struct result_step *step, struct span bytes)
{
	must(step->len <= bytes.len);
	switch (step->kind) {
	case RESULT_NEED:
		must(step->len == 0 && step->need > bytes.len && !step->last);
		return;
	case RESULT_PASS:
		must(step->len > 0);
		return;
	case RESULT_PACKET:
		must(inside(step->payload, span_head(bytes, step->len)));
		must(step->len == PACKET_HEADER_LEN + step->payload.len && !step->row);
		return;
	case RESULT_BROKEN:
		must(step->len == 0 && step->problem != NULL && !step->last);
		return;
	}
}

/* Step over <bytes>.  False when they are no response. */
static bool feed(struct outcome *o, const struct input *in, struct span bytes)
{
	struct result_step step;

	do {
		result_step(&o->tracker, bytes, &step);
		check_step(&step, bytes);
		if (step.kind == RESULT_NEED)
			return true;
		note(o, &step);
		bytes = span_from(bytes, step.len);
		if (step.last)
			result_expect(&o->tracker, in->command, in->capabilities);
	} while (step.kind != RESULT_BROKEN);
	return false;
}

/* The same from a block of exactly the size of what is there, if it is small. */
static bool feed_exact(struct outcome *o, const struct input *in, struct span bytes)
{
	uint8_t *block;
	bool good;

	if (bytes.len > 4096)
		return feed(o, in, bytes);
	block = malloc(bytes.len > 0 ? bytes.len : 1);
	must(block != NULL);
	if (bytes.len > 0)
		memcpy(block, bytes.data, bytes.len);
	good = feed(o, in, (struct span){ block, bytes.len });
	free(block);
	return good;
}

static void run(struct outcome *o, const struct input *in, size_t piece)
{
	size_t arrived = 0;

	*o = (struct outcome){ 0 };
	result_expect(&o->tracker, in->command, in->capabilities);
	do {
		struct span rest = span_from(in->bytes, o->at);

		arrived += size_min(piece, in->bytes.len - arrived);
		if (!feed_exact(o, in, span_head(rest, arrived - o->at)))
			return;
	} while (arrived < in->bytes.len);
}

static void must_equal_trackers(const struct result *a, const struct result *b)
{
	must(a->phase == b->phase && a->continued == b->continued && a->seq == b->seq);
	must(a->ending == b->ending && a->in_row == b->in_row);
	must(a->status == b->status && a->warnings == b->warnings && a->rows == b->rows);
	must(a->definitions == b->definitions && a->pass == b->pass);
	must(a->definitions_next == b->definitions_next);
}

static void must_equal(const struct outcome *a, const struct outcome *b)
{
	must(a->count == b->count && a->at == b->at);
	for (size_t i = 0; i < a->count; i++) {
		const struct event *x = &a->events[i], *y = &b->events[i];

		must(x->kind == y->kind && x->from == y->from && x->to == y->to);
		must(x->packet == y->packet && x->row == y->row && x->last == y->last);
	}
	must_equal_trackers(&a->tracker, &b->tracker);
}

static uint64_t capabilities_of(uint8_t bits)
{
	return ((bits & 1) != 0 ? CLIENT_DEPRECATE_EOF : 0) |
	       ((bits & 2) != 0 ? CLIENT_OPTIONAL_RESULTSET_METADATA : 0) |
	       ((bits & 4) != 0 ? MARIADB_CLIENT_CACHE_METADATA : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct outcome whole, pieces;
	struct input in;
	uint8_t *bytes;
	size_t n;

	if (len < 3)
		return 0;
	n = unfolded_len(data + 3, len - 3);
	bytes = calloc(n > 0 ? n : 1, 1);
	must(bytes != NULL);
	unfold(data + 3, len - 3, bytes, n);
	in = (struct input){
		.command = data[0],
		.capabilities = capabilities_of(data[1]),
		.bytes = { bytes, n },
	};
	run(&whole, &in, SIZE_MAX);
	run(&pieces, &in, data[2] + (n > 1 << 16 ? (size_t)1 << 16 : 1));
	must_equal(&whole, &pieces);
	free(bytes);
	return 0;
}
