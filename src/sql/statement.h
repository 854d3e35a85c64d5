/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One row per leading keyword: what such a statement is, and the function that
 * looks closer where the first word does not tell.
 */
#ifndef READMUX_SRC_SQL_STATEMENT_H
#define READMUX_SRC_SQL_STATEMENT_H

#include "walk.h"

/*
 * Called with the leading word as the token and the row's part in place.  It
 * may take tokens and change the part; the rest of the statement is walked by
 * the caller.
 */
typedef void statement_fn(struct walk *w);

struct statement {
	enum sql_class    class;
	enum route_reason reason;
	uint32_t          flags;
	uint32_t          pins;
	enum part_calls   calls;
	statement_fn     *look;		/* or NULL */
};

/* The row of a statement that begins with <word>, or NULL. */
const struct statement *statement_find(enum sql_word word);

/* Make the walk's part what <statement> says. */
struct part statement_part(const struct statement *statement);

/* Change what the statement is; flags and pins stay. */
void statement_becomes(struct walk *w, enum sql_class class, enum route_reason reason);

statement_fn statement_show, statement_describe, statement_analyze, statement_set;

#endif
