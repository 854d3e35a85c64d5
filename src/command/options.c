/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line; see options.h. */
#include <readmux/command/options.h>

#include <readmux/control/config.h>
#include <readmux/control/text_wrap.h>

#include "option_rows.h"

#include <getopt.h>

#define WIDTH 80u

/* What getopt_long() gives for row i of the table. */
#define FIRST_VALUE 1000

#define INTO(field) offsetof(struct options, field)

#define FOR_ADMIN (FOR(OPTIONS_STATUS) | FOR(OPTIONS_TOP) | FOR(OPTIONS_RELOAD) |	\
		   FOR(OPTIONS_DRAIN) | FOR(OPTIONS_RESUME) | FOR(OPTIONS_LOG_LEVEL))

static const struct option_row rows[] = {
	{ "config", 'c', "FILE", OFFER_FILES, OPTIONS_RUN, FOR_ALL, INTO(config_path),
	  "Read settings from this YAML file; without it the defaults serve the "
	  "StatefulSet 'mysql' in readmux's own namespace." },
	{ "admin", 'a', "ADDRESS", OFFER_NOTHING, OPTIONS_RUN, FOR_ADMIN, INTO(admin),
	  "With a command that asks a running readmux: its admin address; without it, "
	  "admin.address of the configuration." },
	{ "json", 'j', NULL, OFFER_NOTHING, OPTIONS_RUN,
	  FOR(OPTIONS_STATUS) | FOR(OPTIONS_CHECK), INTO(json),
	  "With status and check: print JSON, for programs." },
	{ "interval", 'i', "SECONDS", OFFER_NOTHING, OPTIONS_RUN, FOR(OPTIONS_TOP),
	  INTO(interval), "With top: time between two views; 1 if not given." },
	{ "count", 'n', "NUMBER", OFFER_NOTHING, OPTIONS_RUN, FOR(OPTIONS_TOP), INTO(count),
	  "With top: end after so many views." },
	{ "check-config", 0, NULL, OFFER_NOTHING, OPTIONS_CHECK_CONFIG, FOR_ALL, 0,
	  "Load the configuration, say what is wrong with it, and exit." },
	{ "print-config", 0, NULL, OFFER_NOTHING, OPTIONS_PRINT_CONFIG, FOR_ALL, 0,
	  "Print all settings as they are in effect, without secrets." },
	{ "print-default-config", 0, NULL, OFFER_NOTHING, OPTIONS_PRINT_DEFAULT_CONFIG,
	  FOR_ALL, 0, "Print a commented configuration file with all defaults." },
	{ "print-document", 0, "NAME", OFFER_NOTHING, OPTIONS_PRINT_DOCUMENT, FOR_ALL,
	  INTO(document),
	  "Print a generated document; a name that there is not gives the list of them." },
	{ "explain", 0, "SQL", OFFER_NOTHING, OPTIONS_EXPLAIN, FOR_ALL, INTO(sql),
	  "Tell where this statement would go and why; '-' reads one statement per line "
	  "from standard input." },
	{ "version", 'V', NULL, OFFER_NOTHING, OPTIONS_VERSION, FOR_ALL, 0,
	  "Print the version." },
	{ "help", 'h', NULL, OFFER_NOTHING, OPTIONS_HELP, FOR_ALL, 0, "Print this help." },
};

#define ROWS ARRAY_LEN(rows)

static const struct command_row commands[] = {
	{ "status", "[REPORT]", OFFER_REPORTS, 0, 1, OPTIONS_STATUS,
	  "Show how a running readmux and its servers are, or one report: status, backends, "
	  "sessions, pools, reasons, statements, settings or events. Exit status 1 when it "
	  "is not ready." },
	{ "top", "", OFFER_NOTHING, 0, 0, OPTIONS_TOP,
	  "Show it again and again, on the whole screen; when the output is not a terminal, "
	  "one line for each server." },
	{ "check", "[SERVER...]", OFFER_NOTHING, 0, 64, OPTIONS_CHECK,
	  "Connect to the servers, those of the configuration if none are given (host:port, "
	  "the primary first), and say what would hurt behind readmux. Exit status 1 when "
	  "something would." },
	{ "dev", "[SERVER...]", OFFER_NOTHING, 0, 64, OPTIONS_DEV,
	  "Serve on this machine alone, before the servers given or those found at the usual "
	  "ports and sockets here, and print where each statement goes." },
	{ "reload", "", OFFER_NOTHING, 0, 0, OPTIONS_RELOAD,
	  "Let a running readmux read its configuration again; needs admin.token." },
	{ "drain", "[BACKEND]", OFFER_NOTHING, 0, 1, OPTIONS_DRAIN,
	  "Give this server no new statements; without a name, let readmux end. Needs "
	  "admin.token." },
	{ "resume", "BACKEND", OFFER_NOTHING, 1, 1, OPTIONS_RESUME,
	  "Use a server again that was drained; needs admin.token." },
	{ "log-level", "LEVEL", OFFER_LEVELS, 1, 1, OPTIONS_LOG_LEVEL,
	  "Log error, warn, info or debug until the next reload; needs admin.token." },
	{ "completion", "SHELL", OFFER_SHELLS, 1, 1, OPTIONS_COMPLETION,
	  "Print a completion script for bash, zsh or fish." },
};

const struct option_row *option_rows(size_t *n)
{
	*n = ROWS;
	return rows;
}

const struct command_row *command_rows(size_t *n)
{
	*n = ARRAY_LEN(commands);
	return commands;
}

/* --- parsing ------------------------------------------------------------------------ */

static void build_options(struct option longs[ROWS + 1], char letters[2 * ROWS + 1])
{
	size_t len = 0;

	memset(longs, 0, (ROWS + 1) * sizeof(longs[0]));
	for (size_t i = 0; i < ROWS; i++) {
		bool argument = rows[i].argument != NULL;

		longs[i].name = rows[i].name;
		longs[i].has_arg = argument ? required_argument : no_argument;
		longs[i].val = FIRST_VALUE + (int)i;
		if (rows[i].letter != 0)
			letters[len++] = rows[i].letter;
		if (rows[i].letter != 0 && argument)
			letters[len++] = ':';
	}
	letters[len] = '\0';
}

/* The row for what getopt_long() gave; NULL when it was an error. */
static const struct option_row *find_row(int value)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (value == FIRST_VALUE + (int)i ||
		    (rows[i].letter != 0 && value == rows[i].letter))
			return &rows[i];
	}
	return NULL;
}

/* getopt_long() has said what is wrong, or this does. */
static bool refuse(const char *program, const char *words, const char *about)
{
	if (words != NULL)
		(void)fprintf(stderr, "%s: %s '%s'\n", program, words, about);
	(void)fprintf(stderr, "Try '%s --help'.\n", program);
	return false;
}

static void take_row(const struct option_row *row, struct options *options)
{
	void *field = (char *)options + row->into;

	if (row->argument != NULL)
		*(const char **)field = optarg;
	else if (row->action == OPTIONS_RUN)
		*(bool *)field = true;
	if (row->action != OPTIONS_RUN)
		options->action = row->action;
}

static bool take_options(int argc, char **argv, struct options *options, unsigned *given)
{
	struct option longs[ROWS + 1];
	char letters[2 * ROWS + 1];
	int value;

	build_options(longs, letters);
	optind = 1;
	while ((value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct option_row *row = find_row(value);

		if (row == NULL)
			return refuse(argv[0], NULL, NULL);
		if (row->action != OPTIONS_RUN && options->action != OPTIONS_RUN &&
		    row->action != options->action)
			return refuse(argv[0], "cannot be combined with another action:",
				      row->name);
		take_row(row, options);
		*given |= 1u << (row - rows);
	}
	return true;
}

static bool take_command(char **argv, char *const *words, size_t n, struct options *options)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command_row *row = &commands[i];

		if (strcmp(words[0], row->name) != 0)
			continue;
		if (options->action == OPTIONS_HELP)
			return true;
		if (options->action != OPTIONS_RUN)
			return refuse(argv[0], "cannot be combined with another action:",
				      row->name);
		if (n - 1 < row->least)
			return refuse(argv[0], "this command needs an argument:", row->name);
		if (n - 1 > row->most)
			return refuse(argv[0], "unexpected argument", words[row->most + 1]);
		options->action = row->action;
		options->words = words + 1;
		options->word_count = n - 1;
		return true;
	}
	return refuse(argv[0], "unknown command", words[0]);
}

bool options_parse(int argc, char **argv, struct options *options)
{
	unsigned given = 0;

	*options = (struct options){ .action = OPTIONS_RUN };
	if (!take_options(argc, argv, options, &given))
		return false;
	if (optind < argc &&
	    !take_command(argv, argv + optind, (size_t)(argc - optind), options))
		return false;
	for (size_t i = 0; i < ROWS && options->action != OPTIONS_HELP; i++) {
		if ((given & 1u << i) != 0 && rows[i].with != FOR_ALL &&
		    (rows[i].with & FOR(options->action)) == 0)
			return refuse(argv[0], "means nothing here:", rows[i].name);
	}
	return true;
}

/* --- help --------------------------------------------------------------------------- */

static void print_option(FILE *out, const struct option_row *row)
{
	char letter[8] = "";

	if (row->letter != 0)
		(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	(void)fprintf(out, "  %s--%s%s%s\n", letter, row->name,
		      row->argument != NULL ? " " : "",
		      row->argument != NULL ? row->argument : "");
	text_wrap(out, row->about, "      ", "      ", WIDTH);
}

static void print_command(FILE *out, const struct command_row *row)
{
	(void)fprintf(out, "  %s%s%s\n", row->name, row->arguments[0] != '\0' ? " " : "",
		      row->arguments);
	text_wrap(out, row->about, "      ", "      ", WIDTH);
}

void options_print_help(FILE *out)
{
	(void)fputs("Usage: readmux [--config FILE]\n"
		    "       readmux [OPTION...] COMMAND [ARGUMENT...]\n"
		    "A load-balancing proxy for MySQL: writes go to the primary, reads to "
		    "the replicas.\n\nWithout a command it serves.  Commands:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		print_command(out, &commands[i]);
	(void)fputs("\nOptions:\n", out);
	for (size_t i = 0; i < ROWS; i++)
		print_option(out, &rows[i]);
	(void)fputs("\nSettings of the configuration file, with their defaults.  An "
		    "environment variable\noverrides one: READMUX_PROBE_MAX_LAG for "
		    "probe.max_lag.\n", out);
	config_print_help(out);
	(void)fputs("\nExit status: 0 after a drain, 1 when something failed, 2 for a bad "
		    "command line.\n", out);
}
