/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings back to YAML: as loaded, or the commented template; see config.h. */
#include <readmux/control/config.h>

#include <readmux/control/text_wrap.h>

/* Where comments of the template end. */
#define WIDTH 88u

struct printing {
	FILE *out;
	const struct settings *s;
	bool  comments;
	char  section[64];	/* whose settings are being printed; "" at the top */
};

/* <text> as a double-quoted scalar. */
static void put_quoted(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			(void)fprintf(out, "\\%c", *p);
		else if (*p < ' ' || *p == 0x7f)
			(void)fprintf(out, "\\x%02x", *p);
		else
			(void)fputc(*p, out);
	}
	(void)fputc('"', out);
}

static void put_address(FILE *out, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	address_format(address, text, sizeof(text));
	put_quoted(out, text);
}

/* The end of an entry. */
static void put_consistency(FILE *out, enum sql_consistency consistency)
{
	if (consistency != SQL_CONSISTENCY_UNSET)
		(void)fprintf(out, ", consistency: %s", sql_consistency_name(consistency));
	(void)fputc('}', out);
}

static void put_listen(FILE *out, const struct settings *s, const char *indent)
{
	for (size_t i = 0; i < s->listen_count; i++) {
		(void)fprintf(out, "\n%s  - {address: ", indent);
		put_address(out, &s->listen[i].address);
		(void)fprintf(out, ", route: %s", listen_route_names[s->listen[i].route]);
		put_consistency(out, s->listen[i].consistency);
	}
}

static void put_servers(FILE *out, const struct settings *s, const char *indent)
{
	if (s->server_count == 0)
		(void)fputs(" []", out);
	for (size_t i = 0; i < s->server_count; i++) {
		(void)fprintf(out, "\n%s  - ", indent);
		put_address(out, &s->servers[i]);
	}
}

/* Secrets are never printed. */
static void put_users(FILE *out, const struct settings *s, const char *indent)
{
	if (s->user_count == 0)
		(void)fputs(" []", out);
	for (size_t i = 0; i < s->user_count; i++) {
		(void)fprintf(out, "\n%s  - {name: ", indent);
		put_quoted(out, s->users[i].name);
		if (s->users[i].password != NULL || s->users[i].password_hash != NULL)
			(void)fprintf(out, ", %s: \"***\"", s->users[i].password != NULL ?
				      "password" : "password_hash");
		put_consistency(out, s->users[i].consistency);
	}
}

static void put_text(FILE *out, const struct settings *s, const struct setting *row)
{
	char text[4097];

	setting_format(s, row, false, text, sizeof(text));
	(void)fputc(' ', out);
	put_quoted(out, text);
}

static void put_plain(FILE *out, const struct settings *s, const struct setting *row)
{
	char text[64];

	setting_format(s, row, false, text, sizeof(text));
	(void)fprintf(out, " %s", text);
}

static void put_address_or_none(const struct printing *p, const struct setting *row)
{
	char text[ADDRESS_TEXT_MAX];

	setting_format(p->s, row, false, text, sizeof(text));
	(void)fputc(' ', p->out);
	put_quoted(p->out, text);
}

static void put_value(const struct printing *p, const struct setting *row,
		      const char *indent)
{
	if (row->kind == SETTING_LISTEN_LIST)
		put_listen(p->out, p->s, indent);
	else if (row->kind == SETTING_ADDRESS_LIST)
		put_servers(p->out, p->s, indent);
	else if (row->kind == SETTING_USER_LIST)
		put_users(p->out, p->s, indent);
	else if (row->kind == SETTING_ADDRESS)
		put_address_or_none(p, row);
	else if (row->kind == SETTING_TEXT)
		put_text(p->out, p->s, row);
	else
		put_plain(p->out, p->s, row);
	(void)fputc('\n', p->out);
}

static void put_comment(const struct printing *p, const struct setting *row,
			const char *indent)
{
	bool reloads = (row->flags & SETTING_RELOAD) != 0;
	char lead[16], takes[256], about[1024];

	setting_describe(row, takes, sizeof(takes));
	(void)snprintf(lead, sizeof(lead), "%s# ", indent);
	(void)snprintf(about, sizeof(about), "%s%s", row->about,
		       reloads ? "" : " A change needs a restart.");
	text_wrap(p->out, about, lead, lead, WIDTH);
	(void)snprintf(about, sizeof(about), "Takes %s.", takes);
	if (row->kind != SETTING_TEXT)	/* any text: not worth a line */
		text_wrap(p->out, about, lead, lead, WIDTH);
}

/* Print the header of <row>'s section if it begins here; gives the row's own key. */
static const char *enter_section(struct printing *p, const struct setting *row)
{
	const char *dot = strchr(row->path, '.');
	size_t len = dot != NULL ? (size_t)(dot - row->path) : 0;
	char section[sizeof(p->section)];

	(void)snprintf(section, sizeof(section), "%.*s", (int)len, row->path);
	if (strcmp(section, p->section) != 0 || p->comments)
		(void)fputs(p->comments ? "\n" : "", p->out);
	if (len > 0 && strcmp(section, p->section) != 0)
		(void)fprintf(p->out, "%s:\n", section);
	(void)snprintf(p->section, sizeof(p->section), "%s", section);
	return dot != NULL ? dot + 1 : row->path;
}

static void print_row(struct printing *p, const struct setting *row)
{
	const char *key = enter_section(p, row);
	const char *indent = p->section[0] != '\0' ? "  " : "";

	if (p->comments)
		put_comment(p, row, indent);
	(void)fprintf(p->out, "%s%s:", indent, key);
	put_value(p, row, indent);
}

static void print_all(FILE *out, const struct settings *s, bool comments)
{
	struct printing p = { .out = out, .s = s, .comments = comments };
	size_t n;
	const struct setting *rows = settings_table(&n);

	for (size_t i = 0; i < n; i++)
		print_row(&p, &rows[i]);
}

void config_print(FILE *out, const struct settings *s)
{
	print_all(out, s, false);
}

void config_print_template(FILE *out)
{
	static const char top[] =
		"# readmux configuration.  Every setting is here with its default; what\n"
		"# you do not need may be left out, and without any file readmux serves\n"
		"# the StatefulSet 'mysql' in its own namespace.\n"
		"#\n"
		"# An environment variable overrides the file: READMUX_PROBE_MAX_LAG=5s\n"
		"# for probe.max_lag.  SIGHUP loads the file again; what needs a restart\n"
		"# says so.\n"
		"# Printed by readmux --print-default-config.\n";
	struct settings *s = settings_new();

	(void)fputs(top, out);
	if (s != NULL)
		print_all(out, s, true);
	settings_drop(s);
}
