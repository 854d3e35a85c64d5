/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builder for packets in a block of memory that the caller owns.
 *
 * Remembers the open packet's header, fails once and stays failed: a builder
 * writes straight on and asks writer_end() whether it worked.  Several packets
 * may be built one after another.
 */
#ifndef READMUX_WIRE_WRITER_H
#define READMUX_WIRE_WRITER_H

#include <readmux/base/span.h>

struct writer {
	uint8_t *base;
	size_t   cap;
	size_t   len;
	size_t   header_at;	/* where the open packet's 4-byte header lies */
	bool     bad;		/* did not fit */
};

struct writer writer_over(void *memory, size_t cap);

void writer_uint(struct writer *w, uint64_t value, unsigned width);
void writer_bytes(struct writer *w, struct span bytes);
void writer_zeros(struct writer *w, size_t n);
void writer_lenenc(struct writer *w, uint64_t value);
size_t writer_lenenc_size(uint64_t value);	/* how many bytes that takes */
void writer_lenenc_bytes(struct writer *w, struct span bytes);

/* <text> and a terminating NUL. */
void writer_cstr(struct writer *w, struct span text);

/* <text> without terminator. */
void writer_text(struct writer *w, const char *text);

/* Open a packet with sequence number <seq>. */
void writer_begin(struct writer *w, uint8_t seq);

/* Close it: fill in its length.  False when anything did not fit. */
RMX_MUST_CHECK
bool writer_end(struct writer *w);

/* What was written so far (all packets). */
struct span writer_span(const struct writer *w);

#endif
