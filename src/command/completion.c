/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion scripts for shells, from the tables of the command line; see options.h. */
#include <readmux/command/options.h>

#include <readmux/sql/report.h>

#include "option_rows.h"

/* The words that an argument can be, with a space behind each. */
static void put_offer(FILE *out, enum offer offer)
{
	switch (offer) {
	case OFFER_REPORTS:
		for (unsigned r = 0; r < REPORT_COUNT; r++)
			if (r != REPORT_ROUTE)	/* a session's own */
				(void)fprintf(out, "%s ", report_word((enum report)r));
		break;
	case OFFER_LEVELS:
		(void)fputs("error warn info debug ", out);
		break;
	case OFFER_SHELLS:
		(void)fputs("bash zsh fish ", out);
		break;
	case OFFER_FILES:
	case OFFER_NOTHING:
		break;
	}
}

static void put_options(FILE *out)
{
	size_t n;
	const struct option_row *rows = option_rows(&n);

	for (size_t i = 0; i < n; i++)
		(void)fprintf(out, "--%s ", rows[i].name);
}

static void put_commands(FILE *out)
{
	size_t n;
	const struct command_row *rows = command_rows(&n);

	for (size_t i = 0; i < n; i++)
		(void)fprintf(out, "%s ", rows[i].name);
}

/* The options that take an argument, as patterns of a shell's case. */
static void put_valued(FILE *out)
{
	size_t n;
	const struct option_row *rows = option_rows(&n);
	const char *between = "";

	for (size_t i = 0; i < n; i++) {
		if (rows[i].argument == NULL)
			continue;
		(void)fprintf(out, "%s--%s", between, rows[i].name);
		if (rows[i].letter != 0)
			(void)fprintf(out, "|-%c", rows[i].letter);
		between = "|";
	}
}

/* A line of a case: offer these words. */
static void put_words(FILE *out, const char *pattern, void (*put)(FILE *out))
{
	(void)fprintf(out, "\t%s) COMPREPLY=($(compgen -W '", pattern);
	put(out);
	(void)fputs("' -- \"$word\")) ;;\n", out);
}

static void put_arguments(FILE *out)
{
	size_t n;
	const struct command_row *rows = command_rows(&n);

	for (size_t i = 0; i < n; i++) {
		if (rows[i].offer == OFFER_NOTHING)
			continue;
		(void)fprintf(out, "\t%s) COMPREPLY=($(compgen -W '", rows[i].name);
		put_offer(out, rows[i].offer);
		(void)fputs("' -- \"$word\")) ;;\n", out);
	}
}

void options_print_completion_bash(FILE *out)
{
	(void)fputs("# Completion of readmux for bash; printed by: readmux completion bash\n"
		    "_readmux() {\n"
		    "\tlocal word=${COMP_WORDS[COMP_CWORD]} command= i\n"
		    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		    "\t\tcase ${COMP_WORDS[i]} in\n\t\t", out);
	put_valued(out);
	(void)fputs(") ((i++)) ;;\n\t\t-*) ;;\n"
		    "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
		    "\t\tesac\n\tdone\n"
		    "\tCOMPREPLY=()\n"
		    "\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n"
		    "\t--config|-c) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n\t", out);
	put_valued(out);
	(void)fputs(") return ;;\n\tesac\n\tcase $command:$word in\n", out);
	put_words(out, "*:-*", put_options);
	put_words(out, ":*", put_commands);
	(void)fputs("\tesac\n\tcase $command in\n", out);
	put_arguments(out);
	(void)fputs("\tesac\n}\ncomplete -F _readmux readmux\n", out);
}

static void print_zsh(FILE *out)
{
	(void)fputs("# Completion of readmux for zsh; printed by: readmux completion zsh\n"
		    "autoload -U +X bashcompinit && bashcompinit\n", out);
	options_print_completion_bash(out);
}

/* In single quotes. */
static void put_quoted(FILE *out, const char *text)
{
	(void)fputc('\'', out);
	for (; *text != '\0'; text++)
		(void)fprintf(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
	(void)fputc('\'', out);
}

static void print_fish(FILE *out)
{
	size_t n;
	const struct option_row *options = option_rows(&n);

	(void)fputs("# Completion of readmux for fish; printed by: readmux completion fish\n"
		    "complete -c readmux -f\n", out);
	for (size_t i = 0; i < n; i++) {
		(void)fprintf(out, "complete -c readmux -l %s", options[i].name);
		if (options[i].letter != 0)
			(void)fprintf(out, " -s %c", options[i].letter);
		if (options[i].argument != NULL)
			(void)fputs(options[i].offer == OFFER_FILES ? " -r -F" : " -x", out);
		(void)fputs(" -d ", out);
		put_quoted(out, options[i].about);
		(void)fputc('\n', out);
	}
	const struct command_row *commands = command_rows(&n);

	for (size_t i = 0; i < n; i++) {
		(void)fprintf(out, "complete -c readmux -n __fish_use_subcommand -a %s -d ",
			      commands[i].name);
		put_quoted(out, commands[i].about);
		if (commands[i].offer != OFFER_NOTHING) {
			(void)fprintf(out, "\ncomplete -c readmux -n "
				      "'__fish_seen_subcommand_from %s' -a '",
				      commands[i].name);
			put_offer(out, commands[i].offer);
			(void)fputc('\'', out);
		}
		(void)fputc('\n', out);
	}
}

bool options_print_completion(FILE *out, const char *shell)
{
	static const struct {
		const char *shell;
		void (*print)(FILE *out);
	} shells[] = {
		{ "bash", options_print_completion_bash },
		{ "zsh", print_zsh },
		{ "fish", print_fish },
	};

	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (strcmp(shell, shells[i].shell) == 0) {
			shells[i].print(out);
			return true;
		}
	}
	return false;
}
