/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the wire tests share: packets as literals, and parsing of bytes that lie
 * in heap blocks of exactly their size, so that ASan sees one byte too many.
 */
#ifndef READMUX_TESTS_WIRE_BYTES_H
#define READMUX_TESTS_WIRE_BYTES_H

#include <readmux/base/span.h>

/* A span over a literal with zeros in it. */
#define BYTES(literal) ((struct span){ (const uint8_t *)(literal), sizeof(literal) - 1 })

/* True when <bytes> parse. */
typedef bool bytes_parse_fn(struct span bytes, const void *arg);

/* Let <parse> see the first <len> bytes of <all> and nothing behind them. */
static inline bool parse_exact(struct span all, size_t len, bytes_parse_fn *parse,
			       const void *arg)
{
	uint8_t *block = malloc(len > 0 ? len : 1);
	bool good;

	assert(block != NULL);
	if (len > 0)
		memcpy(block, all.data, len);
	good = parse((struct span){ block, len }, arg);
	free(block);
	return good;
}

/* How many bytes of <all> are needed at least; SIZE_MAX when all are not enough. */
static inline size_t shortest_good(struct span all, bytes_parse_fn *parse, const void *arg)
{
	for (size_t len = 0; len <= all.len; len++) {
		if (parse_exact(all, len, parse, arg))
			return len;
	}
	return SIZE_MAX;
}

/* Let <parse> see every part of <all> from its start. */
static inline void parse_cut_anywhere(struct span all, bytes_parse_fn *parse,
				      const void *arg)
{
	for (size_t len = 0; len <= all.len; len++)
		(void)parse_exact(all, len, parse, arg);
}

#endif
