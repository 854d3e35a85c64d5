/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comments that tell readmux where to send a statement. */
#ifndef READMUX_SRC_SQL_HINT_H
#define READMUX_SRC_SQL_HINT_H

#include <readmux/sql/classify.h>

/* When <comment> is "readmux: ...", note what it asks for in <v>. */
void hint_read(struct span comment, struct sql_verdict *v);

#endif
