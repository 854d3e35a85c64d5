/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line as a manual page, readmux(8); see options.h. */
#include <readmux/command/options.h>

#include <readmux/control/manual_text.h>
#include "option_rows.h"

static const char top[] =
	".Sh SYNOPSIS\n"
	".Nm\n"
	".Op Fl Fl config Ar FILE\n"
	".Nm\n"
	".Fl Fl explain Ar SQL\n"
	".Nm\n"
	".Op Fl Fl config Ar FILE\n"
	".Fl Fl check-config | Fl Fl print-config\n"
	".Nm\n"
	".Op Ar OPTION ...\n"
	".Ar COMMAND\n"
	".Op Ar ARGUMENT ...\n"
	".Sh DESCRIPTION\n"
	".Nm\n"
	"gives the servers of a replicated MySQL or MariaDB one address.\n"
	"It speaks the MySQL protocol with clients and with servers.\n"
	"Statements that are proven to be plain reads are spread over the replicas,\n"
	"all others go to the primary.\n"
	"A session reads its own writes, wherever its reads go.\n"
	"Sessions outlive their servers: a read whose server dies runs on another one,\n"
	"and writes wait for the primary.\n"
	".Pp\n"
	"Without a configuration file it serves the StatefulSet\n"
	".Ql mysql\n"
	"in its own Kubernetes namespace: it finds the pods\n"
	".Ql mysql-0.mysql ,\n"
	".Ql mysql-1.mysql\n"
	"and so on in DNS, and ordinal 0 is the primary.\n"
	"All settings are in\n"
	".Xr readmux.yaml 5 .\n"
	".Pp\n"
	"Without a command it serves.\n"
	"The commands are:\n"
	".Bl -tag -width Ds\n";

static const char middle[] =
	".El\n"
	".Pp\n"
	"The options are:\n"
	".Bl -tag -width Ds\n";

static const char bottom[] =
	".El\n"
	".Sh ENVIRONMENT\n"
	"A variable\n"
	".Ev READMUX_SECTION_NAME\n"
	"overrides the setting\n"
	".Ic section.name ;\n"
	"see\n"
	".Xr readmux.yaml 5 .\n"
	"One that begins with\n"
	".Ev READMUX_\n"
	"and names no setting is an error, except for those that Kubernetes sets for a\n"
	"Service of that name.\n"
	".Pp\n"
	"With\n"
	".Ev NOTIFY_SOCKET\n"
	"and\n"
	".Ev WATCHDOG_USEC\n"
	"a service manager is told of readiness, reloads and the end, and that\n"
	".Nm\n"
	"is alive, as\n"
	".Xr sd_notify 3\n"
	"describes.\n"
	".Sh FILES\n"
	".Bl -tag -width Ds\n"
	".It Pa /etc/readmux/readmux.yaml\n"
	"The configuration file of the systemd unit.\n"
	".It Pa /etc/resolv.conf\n"
	"The nameservers, and the cluster's domain in the search list.\n"
	".It Pa /var/run/secrets/kubernetes.io/serviceaccount/namespace\n"
	"The namespace of the pod that\n"
	".Nm\n"
	"runs in.\n"
	".El\n"
	".Sh SIGNALS\n"
	".Bl -tag -width Ds\n"
	".It Dv SIGHUP\n"
	"Load the configuration again.\n"
	"A file with an error changes nothing.\n"
	".It Dv SIGTERM\n"
	"Serve as before for\n"
	".Ic drain.lameduck ,\n"
	"then drain: sessions finish the statement or transaction that they are in and\n"
	"are closed.\n"
	"All of it ends within\n"
	".Ic drain.timeout .\n"
	".It Dv SIGUSR2\n"
	"Start the program again, which another binary may have replaced, and hand the\n"
	"listening sockets over to it once it knows its servers.\n"
	"No connection is refused.\n"
	"Sessions of this process go on for\n"
	".Ic drain.handover ,\n"
	"then it drains.\n"
	"A new process that does not come up changes nothing.\n"
	".It Dv SIGINT\n"
	"Drain at once.\n"
	".El\n"
	".Sh EXIT STATUS\n"
	"0 after a drain, 1 when something failed, 2 for a bad command line.\n"
	"The command\n"
	".Cm status\n"
	"gives 1 when readmux is not ready, and\n"
	".Cm check\n"
	"when something would hurt.\n"
	".Sh EXAMPLES\n"
	"Servers at fixed addresses, and no file:\n"
	".Bd -literal -offset indent\n"
	"READMUX_BACKENDS_SERVERS=10.0.0.1:3306,10.0.0.2:3306 readmux\n"
	".Ed\n"
	".Pp\n"
	"Where a statement would go, and why:\n"
	".Bd -literal -offset indent\n"
	"readmux --explain 'SELECT * FROM t FOR UPDATE'\n"
	".Ed\n"
	".Sh DIAGNOSTICS\n"
	"The log goes to standard error, one event per line, as\n"
	".Ql name=value\n"
	"pairs.\n"
	".Sh SEE ALSO\n"
	".Xr mariadb 1 ,\n"
	".Xr mysql 1 ,\n"
	".Xr readmux.yaml 5\n";

static void put_option(FILE *out, const struct option_row *row)
{
	(void)fputs(".It ", out);
	if (row->letter != 0)
		(void)fprintf(out, "Fl %c , ", row->letter);
	(void)fprintf(out, "Fl Fl %s", row->name);
	if (row->argument != NULL)
		(void)fprintf(out, " Ar %s", row->argument);
	(void)fputc('\n', out);
	manual_text(out, row->about);
}

static void put_command(FILE *out, const struct command_row *row)
{
	(void)fprintf(out, ".It Cm %s", row->name);
	if (row->arguments[0] != '\0')
		(void)fprintf(out, " Ar %s", row->arguments);
	(void)fputc('\n', out);
	manual_text(out, row->about);
}

void options_print_manual(FILE *out)
{
	size_t n, command_count;
	const struct option_row *rows = option_rows(&n);
	const struct command_row *commands = command_rows(&command_count);

	manual_head(out, "READMUX", 8, "readmux", "load-balancing proxy for MySQL");
	(void)fputs(top, out);
	for (size_t i = 0; i < command_count; i++)
		put_command(out, &commands[i]);
	(void)fputs(middle, out);
	for (size_t i = 0; i < n; i++)
		put_option(out, &rows[i]);
	(void)fputs(bottom, out);
}
