/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of the command line.  Private to this layer. */
#ifndef READMUX_COMMAND_OPTION_ROWS_H
#define READMUX_COMMAND_OPTION_ROWS_H

#include <readmux/command/options.h>

/* What completion offers for an argument. */
enum offer { OFFER_NOTHING, OFFER_FILES, OFFER_REPORTS, OFFER_LEVELS, OFFER_SHELLS };

#define FOR(action) (1u << (action))
#define FOR_ALL     0u

struct option_row {
	const char         *name;
	char                letter;	/* 0: only the long form */
	const char         *argument;	/* what --help calls it; NULL: takes none */
	enum offer          offer;
	enum options_action action;	/* OPTIONS_RUN: does not choose one */
	unsigned            with;	/* FOR() of the actions that it changes, or FOR_ALL */
	size_t              into;	/* its field in struct options: a text or, without argument, a bool */
	const char         *about;
};

struct command_row {
	const char         *name;
	const char         *arguments;	/* as --help shows them; "" = none */
	enum offer          offer;
	size_t              least, most;	/* of them */
	enum options_action action;
	const char         *about;
};

/* All rows; <n> is set. */
const struct option_row *option_rows(size_t *n);
const struct command_row *command_rows(size_t *n);

#endif
