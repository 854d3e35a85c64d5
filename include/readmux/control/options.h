/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: one table of options, from which parsing and --help come.
 */
#ifndef READMUX_CONTROL_OPTIONS_H
#define READMUX_CONTROL_OPTIONS_H

#include <readmux/base/common.h>

enum options_action {
	OPTIONS_RUN,
	OPTIONS_CHECK_CONFIG,
	OPTIONS_PRINT_CONFIG,
	OPTIONS_PRINT_DEFAULT_CONFIG,
	OPTIONS_PRINT_SETTINGS_DOC,
	OPTIONS_PRINT_MANUAL,
	OPTIONS_EXPLAIN,
	OPTIONS_VERSION,
	OPTIONS_HELP,
};

struct options {
	enum options_action action;
	const char         *config_path;	/* NULL: no file */
	const char         *sql;		/* OPTIONS_EXPLAIN: the statement, or "-" */
	const char         *page;		/* OPTIONS_PRINT_MANUAL: which */
};

/* False: what is wrong has been said on stderr. */
RMX_MUST_CHECK
bool options_parse(int argc, char **argv, struct options *options);

void options_print_help(FILE *out);

/* doc/readmux.8: the manual page of the command (--print-manual). */
void options_print_manual(FILE *out);

#endif
