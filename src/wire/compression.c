/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compressed packets, in both directions; see compression.h. */
#include <readmux/wire/compression.h>

static uint32_t get_u24(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static void put_u24(uint8_t *p, size_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
	p[2] = (uint8_t)(value >> 16);
}

void compression_init(struct compression *c, struct codec *codec, uint8_t *room,
		      enum codec_algorithm algorithm, unsigned level,
		      enum compression_side side)
{
	*c = (struct compression){
		.codec = codec,
		.room = room,
		.algorithm = (uint8_t)algorithm,
		.level = (uint8_t)level,
		.side = (uint8_t)side,
	};
}

void compression_clear(struct compression *c)
{
	codec_reader_give(c->codec, c->reader);
	c->reader = NULL;
}

void compression_answer(struct compression *c)
{
	c->next_out = c->next_in;
}

/* --- the packets inside ------------------------------------------------------ */

/* Something of a packet or of a command is still to come. */
static bool inner_open(const struct compression_inner *in)
{
	return in->left > 0 || in->next_len > 0 ||
	       (in->began && in->last.len == PACKET_PAYLOAD_MAX);
}

/* Take payload, or header bytes up to the end of one; <complete>: that was its last. */
static size_t inner_walk(struct compression_inner *in, struct span bytes, bool *complete)
{
	size_t n = size_min(bytes.len, in->left);

	*complete = false;
	if (n > 0) {
		in->left -= (uint32_t)n;
		return n;
	}
	n = size_min(bytes.len, (size_t)(PACKET_HEADER_LEN - in->next_len));
	memcpy(in->next + in->next_len, bytes.data, n);
	in->next_len = (uint8_t)(in->next_len + n);
	if (in->next_len == PACKET_HEADER_LEN) {
		in->last = frame_at(in->next);
		in->left = in->last.len;
		in->next_len = 0;
		in->began = *complete = true;
	}
	return n;
}

/* The number that the packet now received should have; <before> is the one before it. */
static uint8_t right_number(const struct compression *c, struct frame before, bool began)
{
	if (c->side == COMPRESSION_AS_CLIENT)
		return c->inner_number;
	if (began && before.len == PACKET_PAYLOAD_MAX)
		return (uint8_t)(before.seq + 1);
	return c->goes_on ? c->inner_number : 0;
}

void compression_renumber(struct compression *c, uint8_t *bytes, size_t len)
{
	struct compression_inner *in = &c->received;
	bool complete;

	for (size_t at = 0; at < len;) {
		struct frame before = in->last;
		bool began = in->began;

		at += inner_walk(in, (struct span){ bytes + at, len - at }, &complete);
		if (!complete)
			continue;
		in->last.seq = bytes[at - 1] = right_number(c, before, began);
		c->inner_number = (uint8_t)(in->last.seq + 1);
	}
}

void compression_expect(struct compression *c, bool sent)
{
	c->inner_number = sent ? (uint8_t)(c->sent.last.seq + 1) : 1;
}

/* --- sending ---------------------------------------------------------------- */

/*
 * A packet numbered 0 begins a command, or it is the 257th, 513th, ... of a long
 * statement or of a local file.  Those end with one that is not full, or empty.
 */
static bool begins_command(const struct compression *c, struct frame next)
{
	const struct compression_inner *in = &c->sent;

	if (next.seq != 0)
		return false;
	if (!in->began || in->last.seq != UINT8_MAX)
		return true;
	return c->uploading ? in->last.len == 0 : in->last.len < PACKET_PAYLOAD_MAX;
}

/* A packet behind a whole command: the answer has asked for a local file. */
static bool begins_upload(const struct compression *c)
{
	return c->sent.began && !c->uploading && c->sent.last.len < PACKET_PAYLOAD_MAX;
}

/*
 * An ordinary packet begins with <bytes>, <at> bytes behind the start of a compressed
 * one.  False: it has to begin the next.
 */
static bool inner_begins(struct compression *c, struct span bytes, size_t at)
{
	bool command = bytes.len >= PACKET_HEADER_LEN &&
		       begins_command(c, frame_at(bytes.data));
	bool upload = !command && begins_upload(c);

	if ((command || upload) && at > 0)
		return false;
	if (command)
		c->next_out = 0;
	else if (upload)
		c->next_out = c->next_in;
	c->uploading = !command && (c->uploading || upload);
	return true;
}

/* A command has to begin a compressed packet of its own; waits for its whole header. */
static bool may_share(struct compression *c, struct span bytes, size_t at, bool more)
{
	if (c->sent.left > 0 || c->sent.next_len > 0)
		return true;
	if (more && at > 0 && bytes.len < PACKET_HEADER_LEN)
		return false;
	return inner_begins(c, bytes, at);
}

/* How much of <plain> may go into one compressed packet. */
static size_t inner_share(struct compression *c, struct span plain, bool more)
{
	size_t at = 0;

	while (at < plain.len) {
		struct span rest = span_from(plain, at);
		bool complete;

		if (c->side == COMPRESSION_AS_CLIENT && !may_share(c, rest, at, more))
			return at;
		at += inner_walk(&c->sent, rest, &complete);
		if (complete && (c->side == COMPRESSION_AS_SERVER || c->uploading ||
				 c->sent.last.seq != 0))
			c->inner_number = (uint8_t)(c->sent.last.seq + 1);
	}
	return at;
}

size_t compression_encode(struct compression *c, struct span plain, bool more,
			  struct span *packet)
{
	size_t n = size_min(plain.len, COMPRESSION_PIECE), packed = 0;
	uint8_t *body = c->room + COMPRESSION_HEADER_LEN;

	n = inner_share(c, span_head(plain, n), more || n < plain.len);
	if (n >= COMPRESSION_MIN_BYTES)
		packed = codec_pack(c->codec, c->algorithm, c->level, span_head(plain, n),
				    body, n);
	if (packed == 0)
		memcpy(body, plain.data, n);
	put_u24(c->room, packed > 0 ? packed : n);
	c->room[3] = c->next_out++;
	put_u24(c->room + 4, packed > 0 ? n : 0);
	*packet = (struct span){ c->room,
				 COMPRESSION_HEADER_LEN + (packed > 0 ? packed : n) };
	return n;
}

/* --- receiving -------------------------------------------------------------- */

static bool broken(struct compression *c, const char *words)
{
	c->problem = words;
	return false;
}

/*
 * As a client, the answers to several commands may follow one another, each counted
 * for itself; they are believed.  As a server, what is not the rest of a command
 * begins one, or goes on with an answer: a local file, or words of a login.
 */
static bool take_number(struct compression *c, uint8_t number)
{
	uint8_t next = (uint8_t)(number + 1);
	bool rest = inner_open(&c->received) || c->empty;
	bool goes_on = !rest && number == c->next_out &&
		       (number != 0 || (c->goes_on && c->next_in == 0));

	if (c->side == COMPRESSION_AS_SERVER) {
		if (!goes_on && number != (rest ? c->next_in : 0))
			return broken(c, "compressed packets are out of order");
		if (goes_on || (rest && c->next_in == c->next_out))
			c->next_out = next;
		if (!rest)
			c->goes_on = goes_on;
	}
	c->next_in = next;
	return true;
}

static bool begin_packet(struct compression *c)
{
	uint32_t plain = get_u24(c->header + 4);

	c->wire_left = get_u24(c->header);
	c->stored = plain == 0;
	c->plain_left = c->stored ? c->wire_left : plain;
	if (!take_number(c, c->header[3]))
		return false;
	c->empty = c->plain_left == 0;
	if (!c->stored && c->wire_left == 0)
		return broken(c, "a compressed packet is empty but says it is not");
	if (!c->stored)
		c->reader = codec_reader_take(c->codec, c->algorithm);
	return c->stored || c->reader != NULL || broken(c, "out of memory");
}

static void end_packet(struct compression *c)
{
	compression_clear(c);
	c->header_len = 0;
	c->full = false;
}

/* True: a packet is under way; false: more has to arrive, or it is broken. */
static bool take_header(struct compression *c, struct span *packets)
{
	size_t n = size_min(packets->len, (size_t)(COMPRESSION_HEADER_LEN - c->header_len));

	if (c->header_len == COMPRESSION_HEADER_LEN)
		return true;
	if (n > 0)
		memcpy(c->header + c->header_len, packets->data, n);
	c->header_len = (uint8_t)(c->header_len + n);
	*packets = span_from(*packets, n);
	return c->header_len == COMPRESSION_HEADER_LEN && begin_packet(c);
}

static size_t copy_stored(struct compression *c, struct span *packets, uint8_t *into,
			  size_t room)
{
	size_t n = size_min(size_min(packets->len, c->wire_left), room);

	if (n > 0)
		memcpy(into, packets->data, n);
	*packets = span_from(*packets, n);
	c->wire_left -= (uint32_t)n;
	c->plain_left -= (uint32_t)n;
	return n;
}

/* Part of a packet; it must end just when its lengths say so. */
static size_t unpack(struct compression *c, struct span *packets, uint8_t *into,
		     size_t room)
{
	struct span in = span_head(*packets, c->wire_left);
	size_t offered = in.len, wanted = size_min(room, c->plain_left), got = 0, used;
	enum codec_result result = codec_unpack(c->reader, &in, into, wanted, &got);

	used = offered - in.len;
	*packets = span_from(*packets, used);
	c->wire_left -= (uint32_t)used;
	c->plain_left -= (uint32_t)got;
	c->full = got == room;
	if (result == CODEC_BAD)
		(void)broken(c, "a compressed packet is damaged");
	else if (result == CODEC_END && (c->wire_left > 0 || c->plain_left > 0))
		(void)broken(c, "a compressed packet ends before its length");
	else if (result == CODEC_MORE && c->wire_left == 0 &&
		 (got < wanted || c->plain_left == 0))
		(void)broken(c, "a compressed packet does not end at its length");
	else if (result == CODEC_MORE && used == 0 && got == 0 && offered > 0)
		(void)broken(c, "a compressed packet is longer than it says");
	return got;
}

static bool decode(struct compression *c, struct span *packets, uint8_t *into, size_t room,
		   size_t *got)
{
	*got = 0;
	while (*got < room && (packets->len > 0 || c->full)) {
		if (!take_header(c, packets))
			break;
		*got += c->stored ? copy_stored(c, packets, into + *got, room - *got) :
				    unpack(c, packets, into + *got, room - *got);
		if (c->problem != NULL)
			return false;
		if (c->wire_left > 0 || c->plain_left > 0)
			continue;
		end_packet(c);
		if (c->side == COMPRESSION_AS_SERVER && *got > 0)
			break;
	}
	return c->problem == NULL;
}

bool compression_decode(struct compression *c, struct span *packets, uint8_t *into,
			size_t room, size_t *got)
{
	bool good = decode(c, packets, into, room, got);

	if (c->side == COMPRESSION_AS_SERVER)
		compression_renumber(c, into, *got);
	return good;
}
