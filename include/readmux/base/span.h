/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A view of bytes that somebody else owns.
 *
 * Packets are looked at where they lie; a span says where.  It is valid as
 * long as the bytes are, which the giver of a span has to say.  <data> may be
 * NULL only when <len> is 0.
 */
#ifndef READMUX_BASE_SPAN_H
#define READMUX_BASE_SPAN_H

#include <readmux/base/common.h>

struct span {
	const uint8_t *data;
	size_t         len;
};

#define SPAN_NONE ((struct span){ NULL, 0 })

/* A span over a string literal, without its terminator. */
#define SPAN_LITERAL(text) \
	((struct span){ (const uint8_t *)(text), sizeof(text) - 1 })

/* A span over NUL-terminated <text>; NULL gives the empty span. */
struct span span_of(const char *text);

/* The part of <s> from <offset> on; empty when <offset> is past its end. */
static inline struct span span_from(struct span s, size_t offset)
{
	if (offset >= s.len)
		return SPAN_NONE;
	return (struct span){ s.data + offset, s.len - offset };
}

/* The first <len> bytes of <s>, or all of it when it is shorter. */
static inline struct span span_head(struct span s, size_t len)
{
	return (struct span){ s.data, size_min(s.len, len) };
}

bool span_equal(struct span a, struct span b);

/* Equal when ASCII letters are compared without case. */
bool span_equal_nocase(struct span a, struct span b);

/* True when <s> is exactly the NUL-terminated <text>. */
bool span_is(struct span s, const char *text);
bool span_is_nocase(struct span s, const char *text);

/* <s> starts with <text>, ASCII case ignored. */
bool span_starts_nocase(struct span s, const char *text);

/* <text> is somewhere in <s>, ASCII case ignored. */
bool span_contains_nocase(struct span s, const char *text);

/* <0, 0, >0 as memcmp; a prefix sorts before what it is a prefix of. */
int span_compare(struct span a, struct span b);

/*
 * Copy <s> as a string into <out> of <room> bytes (at least 1), cut to fit and
 * always terminated.  Returns false when it was cut.
 */
bool span_copy(struct span s, char *out, size_t room);

/*
 * The whole of <s> as a decimal number without sign.  False when there is
 * anything else in it or it does not fit.
 */
RMX_MUST_CHECK
bool span_to_u64(struct span s, uint64_t *value);

#endif
