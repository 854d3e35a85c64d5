/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zlib and zstd behind one interface: home of both libraries.
 *
 * A struct codec is what one thread needs for any number of connections: their
 * working memory (some 300 KB) is made when it is first used and used again, so
 * that a connection owns none of it.  Only a packet that is half unpacked when its
 * bytes run out keeps a struct codec_reader until the rest has come.
 */
#ifndef READMUX_WIRE_CODEC_H
#define READMUX_WIRE_CODEC_H

#include <readmux/base/span.h>

enum codec_algorithm { CODEC_NONE, CODEC_ZLIB, CODEC_ZSTD };

/* As servers call them in the status Compression_algorithm; "" for none. */
const char *codec_name(enum codec_algorithm algorithm);

#define CODEC_ZSTD_LEVEL     3u		/* what clients ask for when nobody told them */
#define CODEC_ZSTD_LEVEL_MAX 22u

struct codec;

/* NULL: no memory. */
struct codec *codec_new(void);

/* Every reader must have been given back. */
void codec_free(struct codec *codec);

/*
 * Pack all of <plain> into less than <room> bytes.  Gives their number; 0 when they
 * are more, or memory is short.  <level>: of zstd, 1 to CODEC_ZSTD_LEVEL_MAX.
 */
RMX_MUST_CHECK
size_t codec_pack(struct codec *codec, enum codec_algorithm algorithm, unsigned level,
		  struct span plain, uint8_t *into, size_t room);

/* Unpacks one zlib stream or zstd frame, piece by piece. */
struct codec_reader;

enum codec_result {
	CODEC_MORE,	/* it needs more input or more room */
	CODEC_END,	/* that was all of it */
	CODEC_BAD,	/* damaged, or memory is short */
};

/* NULL: no memory. */
struct codec_reader *codec_reader_take(struct codec *codec, enum codec_algorithm algorithm);
void codec_reader_give(struct codec *codec, struct codec_reader *reader);

/* Take from the front of <packed>, put up to <room> bytes <into>; <got> is their number. */
RMX_MUST_CHECK
enum codec_result codec_unpack(struct codec_reader *reader, struct span *packed,
			       uint8_t *into, size_t room, size_t *got);

#endif
