/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of command line options.  Private to this layer. */
#ifndef READMUX_CONTROL_OPTION_ROWS_H
#define READMUX_CONTROL_OPTION_ROWS_H

#include <readmux/control/options.h>

struct option_row {
	const char         *name;
	char                letter;	/* 0: only the long form */
	const char         *argument;	/* what --help calls it; NULL: takes none */
	enum options_action action;	/* OPTIONS_RUN: does not choose one */
	size_t              into;	/* its argument's field in struct options */
	const char         *about;
};

/* All rows; <n> is set. */
const struct option_row *option_rows(size_t *n);

#endif
