/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk over assignments from inside a text; see effects.h. */
#ifndef READMUX_SRC_SQL_SET_H
#define READMUX_SRC_SQL_SET_H

#include <readmux/sql/effects.h>

/* The assignments that follow the SET which <after> has just read. */
struct sql_assignments assignments_after_set(const struct lexer *after);

#endif
