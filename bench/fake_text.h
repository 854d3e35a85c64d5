/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Just enough SQL text handling for the fake server: a cursor over a statement
 * that skips blanks and comments and takes words, values and punctuation.
 *
 * Not the classifier's lexer (sql/token.h) on purpose: what the bench measures
 * must not depend on what it is measured with.
 */
#ifndef READMUX_BENCH_FAKE_TEXT_H
#define READMUX_BENCH_FAKE_TEXT_H

#include <readmux/base/span.h>

struct text {
	const uint8_t *cur;
	const uint8_t *end;
};

struct text text_over(struct span s);

/* Past blanks and comments; true when nothing (but semicolons) is left. */
bool text_at_end(struct text *t);

/* Next character behind blanks and comments, 0 at the end. */
uint8_t text_peek(struct text *t);

/* Take <c>, or nothing and false. */
bool text_accept(struct text *t, uint8_t c);

/* A run of letters, digits, '_', '$' and dots; empty when there is none. */
struct span text_word(struct text *t);

/* Take <word>, ASCII case ignored, or nothing and false. */
bool text_accept_word(struct text *t, const char *word);

/* A name, with or without `quotes` (which are taken off). */
struct span text_name(struct text *t);

/* Take a string in ' or "; <value> is without the quotes, escapes left alone. */
bool text_string(struct text *t, struct span *value);

/* Up to the next comma outside quotes and parentheses; trailing blanks cut. */
struct span text_value(struct text *t);

/* What the quotes enclose, or <s> when there are none. */
struct span text_unquote(struct span s);

/* <needle> occurs somewhere in <s>, case matters. */
bool text_contains(struct span s, const char *needle);

#endif
