/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line; see options.h. */
#include <readmux/control/options.h>

#include <readmux/control/config.h>

#include "option_rows.h"
#include "text_wrap.h"

#include <getopt.h>

#define WIDTH 80u

/* What getopt_long() gives for row i of the table. */
#define FIRST_VALUE 1000

#define INTO(field) offsetof(struct options, field)

static const struct option_row rows[] = {
	{ "config", 'c', "FILE", OPTIONS_RUN, INTO(config_path),
	  "Read settings from this YAML file; without it the defaults serve the "
	  "StatefulSet 'mysql' in readmux's own namespace." },
	{ "check-config", 0, NULL, OPTIONS_CHECK_CONFIG, 0,
	  "Load the configuration, say what is wrong with it, and exit." },
	{ "print-config", 0, NULL, OPTIONS_PRINT_CONFIG, 0,
	  "Print all settings as they are in effect, without secrets." },
	{ "print-default-config", 0, NULL, OPTIONS_PRINT_DEFAULT_CONFIG, 0,
	  "Print a commented configuration file with all defaults." },
	{ "print-settings-doc", 0, NULL, OPTIONS_PRINT_SETTINGS_DOC, 0,
	  "Print the reference of all settings as Markdown." },
	{ "print-manual", 0, "PAGE", OPTIONS_PRINT_MANUAL, INTO(page),
	  "Print the manual page 'readmux.8' or 'readmux.yaml.5' in its source form." },
	{ "explain", 0, "SQL", OPTIONS_EXPLAIN, INTO(sql),
	  "Tell where this statement would go and why; '-' reads one statement per line "
	  "from standard input." },
	{ "version", 'V', NULL, OPTIONS_VERSION, 0, "Print the version." },
	{ "help", 'h', NULL, OPTIONS_HELP, 0, "Print this help." },
};

#define ROWS ARRAY_LEN(rows)

const struct option_row *option_rows(size_t *n)
{
	*n = ROWS;
	return rows;
}

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
	if (row->argument != NULL)
		*(const char **)((char *)options + row->into) = optarg;
	if (row->action != OPTIONS_RUN)
		options->action = row->action;
}

bool options_parse(int argc, char **argv, struct options *options)
{
	struct option longs[ROWS + 1];
	char letters[2 * ROWS + 1];
	int value;

	*options = (struct options){ .action = OPTIONS_RUN };
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
	}
	if (optind < argc)
		return refuse(argv[0], "unexpected argument", argv[optind]);
	return true;
}

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

void options_print_help(FILE *out)
{
	(void)fputs("Usage: readmux [--config FILE]\n"
		    "A load-balancing proxy for MySQL: writes go to the primary, reads to "
		    "the replicas.\n\nOptions:\n", out);
	for (size_t i = 0; i < ROWS; i++)
		print_option(out, &rows[i]);
	(void)fputs("\nSettings of the configuration file, with their defaults.  An "
		    "environment variable\noverrides one: READMUX_PROBE_MAX_LAG for "
		    "probe.max_lag.\n", out);
	config_print_help(out);
	(void)fputs("\nExit status: 0 after a drain, 1 when something failed, 2 for a bad "
		    "command line.\n", out);
}
