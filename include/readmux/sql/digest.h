/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shape of a statement: equal for texts that differ only in literals,
 * white space, comments, letter case of keywords and lengths of value lists.
 */
#ifndef READMUX_SQL_DIGEST_H
#define READMUX_SQL_DIGEST_H

#include <readmux/sql/token.h>

/* 64-bit digest of <sql>. */
uint64_t sql_digest(struct span sql, const struct sql_mode *mode);

/*
 * The normalised text ("select name from t where id = ?") into <out>, cut to
 * <room> bytes and terminated.  Never contains a literal.
 */
void sql_digest_text(struct span sql, const struct sql_mode *mode, char *out, size_t room);

#endif
