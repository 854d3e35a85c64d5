/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings as a manual page, readmux.yaml(5); see config.h. */
#include <readmux/control/config.h>

#include <readmux/control/manual_text.h>

static const char top[] =
	".Sh DESCRIPTION\n"
	"The configuration file of\n"
	".Xr readmux 8 .\n"
	"It is YAML.\n"
	"Nothing in it is required: without a file readmux serves the StatefulSet\n"
	".Ql mysql\n"
	"in its own Kubernetes namespace.\n"
	".Pp\n"
	"A setting\n"
	".Ic section.name\n"
	"stands in the file as\n"
	".Ic name\n"
	"under\n"
	".Ic section ,\n"
	"and the environment variable\n"
	".Ev READMUX_SECTION_NAME\n"
	"overrides it.\n"
	"There a list is written with commas:\n"
	".Bd -literal -offset indent\n"
	"READMUX_LISTEN=\"0.0.0.0:3306 split, 0.0.0.0:3307 read\"\n"
	"READMUX_BACKENDS_SERVERS=10.0.0.1:3306,10.0.0.2:3306\n"
	"READMUX_USERS=app:secret,report:secret2\n"
	".Ed\n"
	".Pp\n"
	"A secret may be kept in a file with one line:\n"
	".Ic probe.password_file\n"
	"and\n"
	".Ev READMUX_PROBE_PASSWORD_FILE\n"
	"name it.\n"
	"Durations are written as\n"
	".Ql 500ms ,\n"
	".Ql 1s ,\n"
	".Ql 2m ,\n"
	".Ql 1h\n"
	"or\n"
	".Ql 1d ,\n"
	"sizes as\n"
	".Ql 64K ,\n"
	".Ql 1M\n"
	"or\n"
	".Ql 1G .\n"
	".Pp\n"
	"An unknown setting or a value that cannot be taken is an error that names its\n"
	"line and column; with\n"
	".Fl Fl check-config\n"
	"nothing else is done.\n"
	"On\n"
	".Dv SIGHUP\n"
	"the file is loaded again; a file with an error changes nothing.\n"
	".Sh SETTINGS\n"
	".Bl -tag -width Ds\n";

static const char bottom[] =
	".El\n"
	".Sh FILES\n"
	".Bl -tag -width Ds\n"
	".It Pa /etc/readmux/readmux.yaml\n"
	"Read by the systemd unit.\n"
	"The file printed by\n"
	".Ql readmux --print-default-config\n"
	"has every setting at its default, with a comment.\n"
	".El\n"
	".Sh EXAMPLES\n"
	"Servers at fixed addresses; the first is the primary:\n"
	".Bd -literal -offset indent\n"
	"listen: [{address: \"127.0.0.1:3306\", route: split}]\n"
	"backends:\n"
	"  servers: [\"10.0.0.1:3306\", \"10.0.0.2:3306\", \"10.0.0.3:3306\"]\n"
	"probe: {user: readmux, password_file: /etc/readmux/probe-password}\n"
	".Ed\n"
	".Sh SEE ALSO\n"
	".Xr readmux 8\n";

static void put_row(FILE *out, const struct setting *row)
{
	char takes[256], line[320];

	setting_describe(row, takes, sizeof(takes));
	(void)fprintf(out, ".It Ic %s\n", row->path);
	manual_text(out, row->about);
	(void)snprintf(line, sizeof(line), "It takes %s; the default is %s", takes,
		       row->preset[0] != '\0' ? "" : "empty.");
	manual_text(out, line);
	if (row->preset[0] != '\0')
		(void)fprintf(out, ".Ql \"%s\" .\n", row->preset);
	if ((row->flags & SETTING_RELOAD) == 0)
		(void)fputs("A change needs a restart.\n", out);
}

void config_print_manual(FILE *out)
{
	size_t n;
	const struct setting *rows = settings_table(&n);

	manual_head(out, "READMUX.YAML", 5, "readmux.yaml", "configuration of readmux");
	(void)fputs(top, out);
	for (size_t i = 0; i < n; i++)
		put_row(out, &rows[i]);
	(void)fputs(bottom, out);
}
