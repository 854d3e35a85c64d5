/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells a person where a statement would go and why (readmux --explain), in a fresh
 * session with healthy replicas.
 */
#ifndef READMUX_COMMAND_EXPLAIN_H
#define READMUX_COMMAND_EXPLAIN_H

#include <readmux/base/span.h>

/* One line: class, target, reason. */
void explain_statement(FILE *out, struct span sql);

/* One line for each line of <in> that is not empty.  False: reading failed. */
RMX_MUST_CHECK
bool explain_lines(FILE *out, FILE *in);

#endif
