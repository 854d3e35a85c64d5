/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded reader over one packet payload.
 *
 * Every getter either yields a value or marks the reader bad; once bad it
 * stays bad and every later getter yields 0 or an empty span.  A parser can
 * therefore read a whole packet in straight-line code and ask one question at
 * the end.  Nothing is copied: spans point into the payload, which must
 * outlive them.
 */
#ifndef READMUX_WIRE_READER_H
#define READMUX_WIRE_READER_H

#include <readmux/base/span.h>

struct reader {
	const uint8_t *cur;
	const uint8_t *end;
	bool           bad;
};

struct reader reader_over(struct span payload);

/* Bytes not yet read; 0 when bad. */
size_t reader_left(const struct reader *r);

/* Little-endian unsigned integer of <width> bytes, 1..8. */
uint64_t reader_uint(struct reader *r, unsigned width);

struct span reader_bytes(struct reader *r, uint64_t len);

/* Skip <len> bytes. */
void reader_skip(struct reader *r, uint64_t len);

/* Length-encoded integer.  0xfb (NULL) and 0xff (ERR) are not lengths. */
uint64_t reader_lenenc(struct reader *r);

/* Length-encoded string. */
struct span reader_lenenc_bytes(struct reader *r);

/* NUL-terminated text; the terminator is consumed but not returned. */
struct span reader_cstr(struct reader *r);

/* All that is left. */
struct span reader_rest(struct reader *r);

/* True when the packet parsed and nothing unexplained is left over. */
RMX_MUST_CHECK
bool reader_finish(const struct reader *r);

#endif
