/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One probe of one server, on a connection that is kept between probes.
 * libmysqlclient's home: MySQL's own library or MariaDB's.
 *
 * The library's header and readmux's wire layer give the same names to the
 * protocol's numbers, so what needs wire is in probe_greeting.c.
 *
 * Thread: the server's probe thread.  Everything here blocks, but not for long:
 * questions end at probe.timeout to the millisecond; connecting, which only a
 * server that is out anyway can drag out, at the next whole second of it.
 */
#ifndef READMUX_CONTROL_PROBE_H
#define READMUX_CONTROL_PROBE_H

#include <readmux/control/monitor.h>
#include <readmux/control/probe_greeting.h>

#include <mysql.h>

/* Numbers of the library's own errors: a server was not reached, or was lost. */
#define CLIENT_ERROR_FIRST 2000u
#define CLIENT_ERROR_LAST  2999u

struct probe {
	struct address         address;
	char                   host[BACKEND_HOST_MAX];	/* see struct backend_view */
	bool                   primary;		/* read its account table as well */
	const struct settings *settings;	/* of this probe; the caller's */

	MYSQL                 *mysql;		/* NULL: not connected */
	struct server_facts    facts;
	bool                   greeted;		/* since the last login */
	char                   fingerprint[TLS_FINGERPRINT_ROOM];	/* "": any certificate */
	bool                   broken;		/* the connection is of no more use */
	bool                   late;		/* an answer did not come in time */
	bool                   status_denied;	/* may not ask for replication; said once */
	uint64_t               deadline_us;	/* of the questions */
	uint64_t               accounts_us;	/* when they were read last; 0 = never */
	struct probe_failure   failure;		/* the last one */
};

/* Connect if need be, ask everything, fill in <report>. */
void probe_run(struct probe *p, struct probe_report *report);

/* Before the first thread: the library's own start is not safe with several. */
void probe_library_start(void);
void probe_thread_start(void);
void probe_thread_end(void);

/* False: p->failure says why. */
RMX_MUST_CHECK
bool probe_connect(struct probe *p);
void probe_disconnect(struct probe *p);

/* PROBE_FAILED, with <words>. */
void probe_fail(struct probe *p, const char *words);

/*
 * The whole answer to <sql>, or NULL; p->failure says why.  After an error packet the
 * connection is as good as before; else <broken> is set.
 */
MYSQL_RES *probe_ask(struct probe *p, const char *sql);

/* probe_accounts.c: the account table into <report>, if it may be read. */
void probe_accounts(struct probe *p, struct probe_report *report);

#endif
