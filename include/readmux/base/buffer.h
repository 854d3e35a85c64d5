/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes in one piece that grow: for what has to be held until it is complete.
 *
 * An empty buffer owns no memory.  Failure to grow is reported, and leaves
 * what was there as it was.
 */
#ifndef READMUX_BASE_BUFFER_H
#define READMUX_BASE_BUFFER_H

#include <readmux/base/span.h>

struct buffer {
	uint8_t *data;
	size_t   len;
	size_t   cap;
};

/* Append <bytes>, which may not lie inside the buffer.  False: no memory. */
RMX_MUST_CHECK
bool buffer_append(struct buffer *b, struct span bytes);

/* Make room for <more> bytes behind <len>.  False: no memory. */
RMX_MUST_CHECK
bool buffer_reserve(struct buffer *b, size_t more);

/* Drop the first <n> bytes (at most <len>). */
void buffer_consume(struct buffer *b, size_t n);

static inline struct span buffer_span(const struct buffer *b)
{
	return (struct span){ b->data, b->len };
}

/* Give the memory back; the buffer is empty and may be used again. */
void buffer_free(struct buffer *b);

/* The same for secrets: the memory is wiped first. */
void buffer_wipe(struct buffer *b);

#endif
