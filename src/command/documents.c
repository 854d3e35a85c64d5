/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents that come from tables; see documents.h. */
#include <readmux/command/documents.h>

#include <readmux/base/error.h>
#include <readmux/command/options.h>
#include <readmux/control/admin.h>
#include <readmux/control/config.h>
#include <readmux/control/metrics.h>
#include <readmux/control/reports.h>

static void put_head(FILE *out, const char *title, const char *name)
{
	(void)fprintf(out, "# %s\n\nPrinted by `readmux --print-document %s`; do not edit by "
		      "hand.\n\n", title, name);
}

static void print_metrics(FILE *out)
{
	put_head(out, "Metrics", "METRICS.md");
	(void)fputs("`GET /metrics` at the admin address, in Prometheus's text format. Times are in "
		    "seconds. A counter grows from the\nstart of the process; a server keeps its "
		    "series while readmux runs, also when it is gone.\n\n", out);
	metrics_document(out);
}

/* The text as a client sees it, with dots for what is filled in. */
static void put_error_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (text[0] != '%') {
			(void)fputc(*text, out);
			continue;
		}
		(void)fputs("\xe2\x80\xa6", out);	/* an ellipsis */
		text++;
	}
}

static void print_errors(FILE *out)
{
	put_head(out, "Errors that readmux itself gives to clients", "ERRORS.md");
	(void)fputs("All other errors are the servers' own, word for word. Numbers and SQLSTATEs are "
		    "those that drivers and\nframeworks know and react to rightly. "
		    "`readmux_own_errors_total` counts each by its name.\n\n"
		    "| error | name | text | cause and remedy |\n|---|---|---|---|\n", out);
	for (unsigned e = RMX_OK + 1; e < RMX_ERROR_COUNT; e++) {
		const struct rmx_error_info *info = rmx_error_info((enum rmx_error)e);

		(void)fprintf(out, "| %u (%s) | `%s` | ", info->number, info->sqlstate, info->name);
		put_error_text(out, info->text);
		(void)fprintf(out, " | %s |\n", info->remedy);
	}
}

static void print_columns(FILE *out, enum report report)
{
	struct table t = reports_table(report);

	(void)fprintf(out, "\n### %s\n\n%c%s.\n\n| column | meaning |\n|---|---|\n",
		      report_word(report), report_about(report)[0] - 'a' + 'A',
		      report_about(report) + 1);
	for (unsigned i = 0; i < t.width; i++)
		(void)fprintf(out, "| `%s` | %s |\n", t.columns[i].name, t.columns[i].help);
	table_free(&t);
}

static void print_admin(FILE *out)
{
	put_head(out, "The admin address and SHOW READMUX", "ADMIN.md");
	(void)fputs("## Requests\n\nHTTP at `admin.address`. An order needs the header "
		    "`Authorization: Bearer TOKEN` with the value of `admin.token`\nand answers "
		    "`{\"done\": ..., \"words\": ...}`; the commands `readmux reload`, `drain`, `resume` "
		    "and `log-level` give it.\n\n", out);
	admin_document(out);
	(void)fputs("\n## Reports\n\nEach is `SHOW READMUX` with its name in SQL, `readmux status` with "
		    "its name on the command line, and\n`/v1/reports/` with its name at the admin "
		    "address. In SQL it takes `LIKE 'pattern'`, which looks at every text,\nand "
		    "`LIMIT n`. `route` is the session's own and can be asked for in SQL only.\n\n"
		    "Where a statement would go, without running it: `EXPLAIN READMUX SELECT ...` or "
		    "`/* readmux: explain */ SELECT ...`.\nThe clients `mariadb` and `mysql` take "
		    "comments away: the second form, as every hint in a comment, needs their option\n"
		    "`--comments`. All of these can be prepared as well (the binary protocol).\n", out);
	for (unsigned r = 0; r < REPORT_COUNT; r++)
		print_columns(out, (enum report)r);
}

static const struct document rows[] = {
	{ "readmux.yaml", "conf/readmux.yaml", config_print_template },
	{ "SETTINGS.md", "doc/SETTINGS.md", config_print_reference },
	{ "METRICS.md", "doc/METRICS.md", print_metrics },
	{ "ERRORS.md", "doc/ERRORS.md", print_errors },
	{ "ADMIN.md", "doc/ADMIN.md", print_admin },
	{ "readmux.8", "doc/readmux.8", options_print_manual },
	{ "readmux.yaml.5", "doc/readmux.yaml.5", config_print_manual },
	{ "readmux.bash", "deploy/completion/readmux", options_print_completion_bash },
};

const struct document *documents(size_t *n)
{
	*n = ARRAY_LEN(rows);
	return rows;
}

const struct document *document_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}
