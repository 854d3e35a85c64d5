/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: one table of options and one of commands, from which parsing, --help,
 * the manual page and shell completion come.
 */
#ifndef READMUX_COMMAND_OPTIONS_H
#define READMUX_COMMAND_OPTIONS_H

#include <readmux/base/common.h>

enum options_action {
	OPTIONS_RUN,		/* neither an option nor a command says otherwise */
	OPTIONS_CHECK_CONFIG,
	OPTIONS_PRINT_CONFIG,
	OPTIONS_PRINT_DEFAULT_CONFIG,
	OPTIONS_PRINT_DOCUMENT,
	OPTIONS_EXPLAIN,
	OPTIONS_VERSION,
	OPTIONS_HELP,
	OPTIONS_STATUS,
	OPTIONS_TOP,
	OPTIONS_CHECK,
	OPTIONS_DEV,
	OPTIONS_RELOAD,
	OPTIONS_DRAIN,
	OPTIONS_RESUME,
	OPTIONS_LOG_LEVEL,
	OPTIONS_COMPLETION,
	OPTIONS_ACTIONS
};

/* Texts are borrowed from argv. */
struct options {
	enum options_action action;
	const char         *config_path;	/* NULL: no file */
	const char         *sql;		/* OPTIONS_EXPLAIN: the statement, or "-" */
	const char         *document;		/* OPTIONS_PRINT_DOCUMENT: which */
	const char         *admin;		/* where readmux's admin address is; NULL: as configured */
	const char         *interval;		/* OPTIONS_TOP: seconds; NULL: 1 */
	const char         *count;		/* OPTIONS_TOP: views; NULL: until it is stopped */
	bool                json;
	char *const        *words;		/* what follows the command */
	size_t              word_count;
};

/* False: what is wrong has been said on stderr. */
RMX_MUST_CHECK
bool options_parse(int argc, char **argv, struct options *options);

void options_print_help(FILE *out);

/* doc/readmux.8: the manual page of the command. */
void options_print_manual(FILE *out);

/* The completion script for a shell; false: it is none of bash, zsh and fish. */
RMX_MUST_CHECK
bool options_print_completion(FILE *out, const char *shell);

void options_print_completion_bash(FILE *out);

#endif
