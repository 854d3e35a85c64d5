/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shape of a statement: equal for texts that differ only in literals,
 * white space, comments, letter case of keywords and lengths of value lists.
 *
 * Texts that differ may share a shape: names are compared without case, hints
 * and all rows of a list but the first are left out.  So it is good for "treat
 * this as a write" and for statistics, and no proof that a text is a read.
 */
#ifndef READMUX_SQL_DIGEST_H
#define READMUX_SQL_DIGEST_H

#include <readmux/sql/token.h>

/* 64-bit digest of <sql>. */
uint64_t sql_digest(struct span sql, const struct sql_mode *mode);

/*
 * The normalised text ("select name from t where id = ?") into <out>, cut to
 * <room> bytes (at least 1) and terminated.  Never contains a literal.  What the
 * lexer cannot read becomes "...".
 */
void sql_digest_text(struct span sql, const struct sql_mode *mode, char *out, size_t room);

#endif
