/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake server's system variables: what SELECT @@x, SHOW VARIABLES and the
 * session tracker answer.  Values are the process's own; SET by a session is
 * reported to it but kept nowhere, as no bench reads a variable back.
 */
#ifndef READMUX_BENCH_FAKE_VARIABLES_H
#define READMUX_BENCH_FAKE_VARIABLES_H

#include <readmux/base/span.h>

enum fake_variable_kind {
	FAKE_TEXT,
	FAKE_NUMBER,
	FAKE_SWITCH,	/* ON and OFF; SELECT @@x shows 1 and 0 */
};

struct fake_variable {
	const char             *name;
	enum fake_variable_kind kind;
	bool                    tracked;	/* by the server's default tracker list */
	char                    value[256];
};

/* NULL when there is no such variable; <name> has no scope in front. */
struct fake_variable *fake_variable(struct span name);

/* The same for a name that is known to be in the table. */
void fake_variable_set(const char *name, const char *value);

/* Walk all variables in order; NULL behind the last. */
const struct fake_variable *fake_variable_at(size_t i);

/* How SELECT @@x shows it. */
struct span fake_variable_selected(const struct fake_variable *v);

/* How the tracker shows <value> given to SET: 1 and TRUE are ON, and so on. */
struct span fake_variable_shown(const struct fake_variable *v, struct span value);

#endif
