/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Working memory of zlib and zstd, and calls to them; see codec.h. */
#include <readmux/wire/codec.h>

#include <zlib.h>
#include <zstd.h>

#define ZLIB_LEVEL 6		/* as servers pack */

/*
 * Longest window of a zstd frame, as a power of 2: what a packet unpacks to is
 * shorter than 16 MiB.
 */
#define ZSTD_WINDOW_LOG 24

/* A reader that grew beyond this for one large packet is not kept. */
#define READER_KEPT_BYTES (512u * 1024u)

struct codec_reader {
	enum codec_algorithm algorithm;
	z_stream             zlib;
	ZSTD_DCtx           *zstd;
};

struct codec {
	z_stream             deflate;
	bool                 deflate_ready;
	ZSTD_CCtx           *zstd;
	struct codec_reader *spare[CODEC_ZSTD + 1];	/* one unused reader of each kind */
};

const char *codec_name(enum codec_algorithm algorithm)
{
	static const char *const names[] = {
		[CODEC_NONE] = "",
		[CODEC_ZLIB] = "zlib",
		[CODEC_ZSTD] = "zstd",
	};

	return names[algorithm];
}

struct codec *codec_new(void)
{
	return calloc(1, sizeof(struct codec));
}

static void reader_free(struct codec_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->algorithm == CODEC_ZLIB)
		(void)inflateEnd(&reader->zlib);
	(void)ZSTD_freeDCtx(reader->zstd);
	free(reader);
}

void codec_free(struct codec *codec)
{
	if (codec == NULL)
		return;
	if (codec->deflate_ready)
		(void)deflateEnd(&codec->deflate);
	(void)ZSTD_freeCCtx(codec->zstd);
	for (size_t i = 0; i < ARRAY_LEN(codec->spare); i++)
		reader_free(codec->spare[i]);
	free(codec);
}

/* --- packing ---------------------------------------------------------------- */

static size_t pack_zlib(struct codec *codec, struct span plain, uint8_t *into, size_t room)
{
	z_stream *z = &codec->deflate;

	if (!codec->deflate_ready && deflateInit(z, ZLIB_LEVEL) != Z_OK)
		return 0;
	if (codec->deflate_ready && deflateReset(z) != Z_OK)
		return 0;
	codec->deflate_ready = true;
	z->next_in = (Bytef *)(uintptr_t)plain.data;
	z->avail_in = (uInt)plain.len;
	z->next_out = into;
	z->avail_out = (uInt)room;
	return deflate(z, Z_FINISH) == Z_STREAM_END ? room - z->avail_out : 0;
}

static size_t pack_zstd(struct codec *codec, unsigned level, struct span plain,
			uint8_t *into, size_t room)
{
	size_t n;

	if (codec->zstd == NULL)
		codec->zstd = ZSTD_createCCtx();
	if (codec->zstd == NULL)
		return 0;
	n = ZSTD_compressCCtx(codec->zstd, into, room, plain.data, plain.len, (int)level);
	return ZSTD_isError(n) != 0 ? 0 : n;
}

size_t codec_pack(struct codec *codec, enum codec_algorithm algorithm, unsigned level,
		  struct span plain, uint8_t *into, size_t room)
{
	if (room == 0)
		return 0;
	return algorithm == CODEC_ZLIB ? pack_zlib(codec, plain, into, room - 1) :
					 pack_zstd(codec, level, plain, into, room - 1);
}

/* --- unpacking -------------------------------------------------------------- */

static bool reader_open(struct codec_reader *reader)
{
	if (reader->algorithm == CODEC_ZLIB)
		return inflateInit(&reader->zlib) == Z_OK;
	reader->zstd = ZSTD_createDCtx();
	return reader->zstd != NULL &&
	       ZSTD_isError(ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax,
						   ZSTD_WINDOW_LOG)) == 0;
}

struct codec_reader *codec_reader_take(struct codec *codec, enum codec_algorithm algorithm)
{
	struct codec_reader *reader = codec->spare[algorithm];

	if (reader != NULL) {
		codec->spare[algorithm] = NULL;
		return reader;
	}
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL)
		return NULL;
	reader->algorithm = algorithm;
	if (reader_open(reader))
		return reader;
	(void)ZSTD_freeDCtx(reader->zstd);
	free(reader);
	return NULL;
}

static bool reader_renew(struct codec_reader *reader)
{
	if (reader->algorithm == CODEC_ZLIB)
		return inflateReset(&reader->zlib) == Z_OK;
	return ZSTD_sizeof_DCtx(reader->zstd) <= READER_KEPT_BYTES &&
	       ZSTD_isError(ZSTD_DCtx_reset(reader->zstd, ZSTD_reset_session_only)) == 0;
}

void codec_reader_give(struct codec *codec, struct codec_reader *reader)
{
	if (reader == NULL)
		return;
	if (codec->spare[reader->algorithm] == NULL && reader_renew(reader))
		codec->spare[reader->algorithm] = reader;
	else
		reader_free(reader);
}

static enum codec_result unpack_zlib(z_stream *z, struct span *packed, uint8_t *into,
				     size_t room, size_t *got)
{
	int rc;

	z->next_in = (Bytef *)(uintptr_t)packed->data;
	z->avail_in = (uInt)packed->len;
	z->next_out = into;
	z->avail_out = (uInt)room;
	rc = inflate(z, Z_FINISH);	/* in one go it needs no window */
	*got = room - z->avail_out;
	*packed = span_from(*packed, packed->len - z->avail_in);
	if (rc == Z_STREAM_END)
		return CODEC_END;
	return rc == Z_OK || rc == Z_BUF_ERROR ? CODEC_MORE : CODEC_BAD;
}

static enum codec_result unpack_zstd(ZSTD_DCtx *zstd, struct span *packed, uint8_t *into,
				     size_t room, size_t *got)
{
	ZSTD_inBuffer in = { packed->data, packed->len, 0 };
	ZSTD_outBuffer out = { into, room, 0 };
	size_t rc = ZSTD_decompressStream(zstd, &out, &in);

	*got = out.pos;
	*packed = span_from(*packed, in.pos);
	if (ZSTD_isError(rc) != 0)
		return CODEC_BAD;
	return rc == 0 ? CODEC_END : CODEC_MORE;
}

enum codec_result codec_unpack(struct codec_reader *reader, struct span *packed,
			       uint8_t *into, size_t room, size_t *got)
{
	return reader->algorithm == CODEC_ZLIB ?
		unpack_zlib(&reader->zlib, packed, into, room, got) :
		unpack_zstd(reader->zstd, packed, into, room, got);
}
