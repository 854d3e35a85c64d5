/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings as documentation: doc/SETTINGS.md and --help; see config.h. */
#include <readmux/control/config.h>

#include <readmux/control/text_wrap.h>

#define WIDTH 80u

/* A "|" would end the cell of a table. */
static void put_cell(FILE *out, const char *text)
{
	(void)fputs(" ", out);
	for (; *text != '\0'; text++)
		(void)fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
	(void)fputs(" |", out);
}

static void put_code_cell(FILE *out, const char *text)
{
	char code[256];

	(void)snprintf(code, sizeof(code), *text != '\0' ? "`%s`" : "%sempty", text);
	put_cell(out, code);
}

static void put_row(FILE *out, const struct setting *row)
{
	bool reloads = (row->flags & SETTING_RELOAD) != 0;
	char takes[256];

	setting_describe(row, takes, sizeof(takes));
	(void)fputs("|", out);
	put_code_cell(out, row->path);
	put_code_cell(out, row->preset);
	put_cell(out, takes);
	put_cell(out, reloads ? "yes" : "restart");
	put_cell(out, row->about);
	(void)fputs("\n", out);
}

void config_print_reference(FILE *out)
{
	static const char top[] =
		"# Settings\n"
		"\n"
		"Printed by `readmux --print-document SETTINGS.md`; do not edit by hand.\n"
		"\n"
		"A setting `section.name` stands in the YAML file as `name` under\n"
		"`section`; the environment variable `READMUX_SECTION_NAME` overrides it.\n"
		"There a list is comma-separated:\n"
		"`READMUX_LISTEN=\"0.0.0.0:3306 split, 0.0.0.0:3307 read\"`,\n"
		"`READMUX_BACKENDS_SERVERS=10.0.0.1:3306,10.0.0.2:3306`,\n"
		"`READMUX_USERS=app:secret,report:secret2`.\n"
		"\n"
		"A secret can be kept in a file with one line: `probe.password_file` and\n"
		"`READMUX_PROBE_PASSWORD_FILE` name it. Durations are written as `500ms`,\n"
		"`1s`, `2m`, `1h` or `1d`, sizes as `64K`, `1M` or `1G`.\n"
		"\n"
		"| setting | default | takes | SIGHUP | meaning |\n"
		"|---|---|---|---|---|\n";
	size_t n;
	const struct setting *rows = settings_table(&n);

	(void)fputs(top, out);
	for (size_t i = 0; i < n; i++)
		put_row(out, &rows[i]);
}

void config_print_help(FILE *out)
{
	size_t n;
	const struct setting *rows = settings_table(&n);

	for (size_t i = 0; i < n; i++) {
		(void)fprintf(out, "  %s (%s)\n", rows[i].path,
			      rows[i].preset[0] != '\0' ? rows[i].preset : "empty");
		text_wrap(out, rows[i].about, "      ", "      ", WIDTH);
	}
}
