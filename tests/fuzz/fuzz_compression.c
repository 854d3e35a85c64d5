/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as compressed packets, and any bytes to be compressed.  The first byte
 * says by which library, on which side, and how they are cut.
 *
 * Beyond not crashing: what comes out and whether it is broken does not depend on how
 * the bytes are cut or how much room there is; what was packed comes back.
 */
#include <readmux/wire/compression.h>

#include "spans.h"

#define MOST_OUTPUT ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t room[COMPRESSION_ROOM];
static uint8_t first[MOST_OUTPUT], second[MOST_OUTPUT];

struct outcome {
	uint8_t *out;
	size_t   len;
	bool     good;
	bool     cut;	/* there was more than the test looks at */
};

/* Show <bytes> to <c> in parts of <part> bytes, with <space> for what comes out. */
static struct outcome take(struct compression *c, struct span bytes, size_t part, size_t space,
			   uint8_t *out)
{
	struct outcome o = { .out = out, .good = true };

	while (o.good && bytes.len > 0) {
		struct span now = span_head(bytes, part);
		size_t offered = now.len, got;

		do {
			size_t left = size_min(space, MOST_OUTPUT - o.len);

			if (left == 0) {
				o.cut = true;
				return o;
			}
			o.good = compression_decode(c, &now, out + o.len, left, &got);
			must(got <= left && now.len <= offered);
			o.len += got;
		} while (o.good && got > 0);
		must(!o.good || now.len == 0);
		must(o.good == (c->problem == NULL));
		bytes = span_from(bytes, offered);
	}
	return o;
}

static void unpack(struct codec *codec, enum codec_algorithm algorithm,
		   enum compression_side side, struct span bytes, size_t part)
{
	struct compression c;
	struct outcome a, b;

	compression_init(&c, codec, room, algorithm, 1, side);
	a = take(&c, bytes, SIZE_MAX, 65536, first);
	compression_clear(&c);
	compression_init(&c, codec, room, algorithm, 1, side);
	b = take(&c, bytes, part, part * 7, second);
	compression_clear(&c);
	must(a.len == 0 || b.len == 0 || memcmp(first, second, size_min(a.len, b.len)) == 0);
	if (a.cut || b.cut)
		return;
	must(a.good == b.good);
	must(!a.good || a.len == b.len);
}

/* As a client decoding changes nothing, whoever has encoded. */
static void pack(struct codec *codec, enum codec_algorithm algorithm,
		 enum compression_side side, struct span plain)
{
	struct compression out, in;
	struct span rest = plain;
	size_t back = 0;

	compression_init(&out, codec, room, algorithm, 1, side);
	compression_init(&in, codec, room, algorithm, 1, COMPRESSION_AS_CLIENT);
	while (rest.len > 0) {
		struct span packet;
		size_t n = compression_encode(&out, rest, false, &packet);
		struct outcome o = take(&in, packet, SIZE_MAX, MOST_OUTPUT, first);

		must(n > 0 && o.good && o.len == n);
		must(memcmp(first, rest.data, n) == 0);
		back += n;
		rest = span_from(rest, n);
	}
	must(back == plain.len);
	compression_clear(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct codec *codec;
	struct span bytes;
	enum codec_algorithm algorithm;
	enum compression_side side;

	if (len == 0)
		return 0;
	if (codec == NULL)
		codec = codec_new();
	must(codec != NULL);
	bytes = (struct span){ data + 1, len - 1 };
	algorithm = (data[0] & 1) != 0 ? CODEC_ZSTD : CODEC_ZLIB;
	side = (data[0] & 2) != 0 ? COMPRESSION_AS_CLIENT : COMPRESSION_AS_SERVER;
	unpack(codec, algorithm, side, bytes, (size_t)(data[0] >> 2) + 1);
	pack(codec, algorithm, side, bytes);
	return 0;
}
