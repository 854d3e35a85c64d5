/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements that are prepared by SQL and go by name: PREPARE, EXECUTE, DEALLOCATE; and
 * MariaDB's EXECUTE IMMEDIATE, which has a text but no name.
 */
#ifndef READMUX_SQL_NAMED_H
#define READMUX_SQL_NAMED_H

#include <readmux/sql/token.h>

struct sql_named {
	enum { SQL_NAMED_PREPARE, SQL_NAMED_EXECUTE, SQL_NAMED_DEALLOCATE,
	       SQL_NAMED_IMMEDIATE } kind;
	struct span name;	/* quotes are taken off; IMMEDIATE has none */
	struct span literal;	/* PREPARE and IMMEDIATE: the text with its quotes, as it stands
				 * there; empty when it is anything but one string literal */
};

/* False: <sql> is none of them, or more than one statement. */
RMX_MUST_CHECK
bool sql_named_of(struct span sql, const struct sql_mode *mode, struct sql_named *named);

/*
 * What the string <literal> (with its quotes) stands for, into <out> of <room> bytes; gives the
 * number of them, or <room> when it did not fit.
 * Source: both servers' manuals, string literals.
 */
size_t sql_unquote(struct span literal, const struct sql_mode *mode, uint8_t *out, size_t room);

#endif
