/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line's actions, and start-up of the proxy. */
#include <readmux/command/command.h>
#include <readmux/command/documents.h>
#include <readmux/command/explain.h>
#include <readmux/command/options.h>
#include <readmux/control/config.h>
#include <readmux/control/handover.h>
#include <readmux/control/proxy.h>

#include <unistd.h>

#define EXIT_USAGE 2

#define PROBLEM_ROOM 8192u

/* The settings in effect; NULL: what is wrong has been said. */
static struct settings *load(const struct options *options)
{
	char problem[PROBLEM_ROOM];
	struct settings *s = config_load(options->config_path, environ, problem,
					 sizeof(problem));

	if (s == NULL)
		(void)fputs(problem, stderr);
	return s;
}

static int run(const struct options *options)
{
	const struct settings *s = load(options);
	int status;

	if (s == NULL)
		return EXIT_FAILURE;
	atomic_store(&log_threshold, (int)s->log_level);
	atomic_store(&log_json, s->log_format == LOG_FORMAT_JSON);
	status = proxy_run(s, options->config_path);
	settings_drop(s);
	return status;
}

static int check_config(const struct options *options)
{
	const struct settings *s = load(options);

	if (s == NULL)
		return EXIT_FAILURE;
	(void)printf("%s: good\n", options->config_path != NULL ? options->config_path :
		     "defaults and environment");
	settings_drop(s);
	return EXIT_SUCCESS;
}

static int print_config(const struct options *options)
{
	const struct settings *s = load(options);

	if (s == NULL)
		return EXIT_FAILURE;
	config_print(stdout, s);
	settings_drop(s);
	return EXIT_SUCCESS;
}

static int print_default_config(const struct options *options)
{
	(void)options;
	config_print_template(stdout);
	return EXIT_SUCCESS;
}

static int print_document(const struct options *options)
{
	const struct document *document = document_named(options->document);
	size_t n;
	const struct document *all = documents(&n);

	if (document != NULL) {
		document->print(stdout);
		return EXIT_SUCCESS;
	}
	(void)fprintf(stderr, "readmux: there is no document '%s'; there are",
		      options->document);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(stderr, " %s", all[i].name);
	(void)fputc('\n', stderr);
	return EXIT_USAGE;
}

static int explain(const struct options *options)
{
	if (strcmp(options->sql, "-") == 0)
		return explain_lines(stdout, stdin) ? EXIT_SUCCESS : EXIT_FAILURE;
	explain_statement(stdout, span_of(options->sql));
	return EXIT_SUCCESS;
}

static int version(const struct options *options)
{
	(void)options;
	(void)puts("readmux " RMX_VERSION);
	return EXIT_SUCCESS;
}

static int help(const struct options *options)
{
	(void)options;
	options_print_help(stdout);
	return EXIT_SUCCESS;
}

static int completion(const struct options *options)
{
	if (options_print_completion(stdout, options->words[0]))
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "readmux: there is no completion for '%s'; there is for bash, zsh "
		      "and fish\n", options->words[0]);
	return EXIT_USAGE;
}

typedef int action_fn(const struct options *options);

static action_fn *const actions[OPTIONS_ACTIONS] = {
	[OPTIONS_RUN] = run,
	[OPTIONS_CHECK_CONFIG] = check_config,
	[OPTIONS_PRINT_CONFIG] = print_config,
	[OPTIONS_PRINT_DEFAULT_CONFIG] = print_default_config,
	[OPTIONS_PRINT_DOCUMENT] = print_document,
	[OPTIONS_EXPLAIN] = explain,
	[OPTIONS_VERSION] = version,
	[OPTIONS_HELP] = help,
	[OPTIONS_COMPLETION] = completion,
};

/* Those that need the settings in effect. */
static command_fn *const commands[OPTIONS_ACTIONS] = {
	[OPTIONS_STATUS] = command_status,
	[OPTIONS_TOP] = command_top,
	[OPTIONS_CHECK] = command_check,
	[OPTIONS_DEV] = command_dev,
	[OPTIONS_RELOAD] = command_reload,
	[OPTIONS_DRAIN] = command_drain,
	[OPTIONS_RESUME] = command_resume,
	[OPTIONS_LOG_LEVEL] = command_log_level,
};

static int command(const struct options *options)
{
	const struct settings *s = load(options);
	int status;

	if (s == NULL)
		return EXIT_FAILURE;
	status = commands[options->action](options, s);
	settings_drop(s);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	handover_init(argv);
	if (!options_parse(argc, argv, &options))
		return EXIT_USAGE;
	status = commands[options.action] != NULL ? command(&options) :
		 actions[options.action](&options);
	if (fflush(stdout) != 0) {
		perror("readmux: cannot write the output");
		return EXIT_FAILURE;
	}
	return status;
}
