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
	OPTIONS_EXPLAIN,
	OPTIONS_VERSION,
	OPTIONS_HELP,
};

struct options {
	enum options_action action;
	const char         *config_path;	/* NULL: no file */
	const char         *sql;		/* OPTIONS_EXPLAIN: the statement, or "-" */
};

/* False: what is wrong has been said on stderr. */
RMX_MUST_CHECK
bool options_parse(int argc, char **argv, struct options *options);

void options_print_help(FILE *out);

#endif
