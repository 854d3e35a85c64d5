/* SPDX-License-Identifier: GPL-2.0-or-later */
/* readmux status: how a running readmux and its servers are, once. */
#include <readmux/command/command.h>

#include <readmux/sql/report.h>

#include "admin_call.h"
#include "view.h"

#define PROBLEM_ROOM 600u
#define ROUTES_SHOWN 5u
#define EVENTS_SHOWN 5u

static void print_overview(const json_t *status, const struct address *at)
{
	char where[ADDRESS_TEXT_MAX];

	address_format(at, where, sizeof(where));
	view_head(stdout, status, where);
	view_figures(stdout, status);
	(void)fputc('\n', stdout);
	view_backends(stdout, status);
	(void)fputc('\n', stdout);
	view_routes(stdout, status, ROUTES_SHOWN);
	(void)fputc('\n', stdout);
	view_events(stdout, status, EVENTS_SHOWN);
}

static void print_json(const json_t *json)
{
	(void)json_dumpf(json, stdout, JSON_INDENT(2));
	(void)fputc('\n', stdout);
}

static json_t *ask(const struct address *at, const char *path)
{
	char problem[PROBLEM_ROOM];
	json_t *json = admin_call(at, ADMIN_GET, path, "", problem, sizeof(problem));

	if (json == NULL)
		(void)fprintf(stderr, "readmux: %s\n", problem);
	return json;
}

static int show_report(const struct options *options, const struct address *at)
{
	enum report report;
	char path[64];
	json_t *rows;

	if (!report_named(span_of(options->words[0]), &report) || report == REPORT_ROUTE) {
		(void)fprintf(stderr, "readmux: there is no report '%s'; there are",
			      options->words[0]);
		for (unsigned r = 0; r < REPORT_COUNT; r++)
			if (r != REPORT_ROUTE)
				(void)fprintf(stderr, " %s", report_word((enum report)r));
		(void)fputc('\n', stderr);
		return EXIT_FAILURE;
	}
	(void)snprintf(path, sizeof(path), "/v1/reports/%s", report_word(report));
	rows = ask(at, path);
	if (rows == NULL)
		return EXIT_FAILURE;
	if (options->json)
		print_json(rows);
	else
		view_report(stdout, rows);
	json_decref(rows);
	return EXIT_SUCCESS;
}

int command_status(const struct options *options, const struct settings *settings)
{
	struct address at;
	json_t *status;
	bool ready;

	if (!admin_call_address(options, settings, &at))
		return EXIT_FAILURE;
	if (options->word_count > 0)
		return show_report(options, &at);
	status = ask(&at, "/status.json");
	if (status == NULL)
		return EXIT_FAILURE;
	if (options->json)
		print_json(status);
	else
		print_overview(status, &at);
	ready = json_is_true(json_object_get(status, "ready"));
	json_decref(status);
	return ready ? EXIT_SUCCESS : EXIT_FAILURE;
}
