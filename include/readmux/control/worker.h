/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A traffic thread: one event loop, its sessions, its server connections.
 *
 * Everything below worker_start() is called from the control thread; what
 * crosses is a letter.
 */
#ifndef READMUX_CONTROL_WORKER_H
#define READMUX_CONTROL_WORKER_H

#include <readmux/auth/credentials.h>
#include <readmux/auth/rsa.h>
#include <readmux/control/reload.h>
#include <readmux/model/settings.h>
#include <readmux/model/stats.h>
#include <readmux/model/table.h>
#include <readmux/model/topology.h>
#include <readmux/net/mailbox.h>
#include <readmux/relay/kill.h>
#include <readmux/sql/report.h>

struct worker;

/* What all workers share; outlives them. */
struct worker_common {
	struct credentials   *credentials;
	const struct rsa_key *rsa;
	struct mailbox       *control;	/* where evidence goes */
	unsigned              workers;
};

/* Letters from workers to the control thread. */
enum worker_letter_kind { WORKER_EVIDENCE = 1, WORKER_DRAINED, WORKER_KILL, WORKER_KILL_ANSWER,
			  WORKER_SHOW, WORKER_REPORT };

struct worker_evidence {
	struct letter letter;
	uint32_t      backend;
	enum evidence evidence;
	char          words[160];
};

/* To be passed on to the worker of the target, or with the answer of the asker. */
struct worker_kill {
	struct letter       letter;
	struct kill_request request;
};

/* A session asks: SHOW READMUX.  Its answer goes to worker_shown(). */
struct worker_show {
	struct letter letter;
	unsigned      worker;		/* the asker's */
	uint32_t      asker;
	enum report   report;
	struct table  table;		/* the control thread's answer */
};

/* What one worker knows of a report. */
struct worker_report {
	struct letter letter;
	void         *tag;		/* as in worker_ask_report() */
	struct table  table;
};

/* Start a thread.  NULL: no memory, descriptors or threads. */
struct worker *worker_start(unsigned number, const struct worker_common *common,
			    const struct settings *settings, const struct tls_pair *tls,
			    const struct topology *topology);

/* A client: <fd> is the worker's from now on. */
void worker_adopt(struct worker *w, int fd, const struct address *peer,
		  enum listen_route listen, enum sql_consistency consistency, uint32_t id);
void worker_set_topology(struct worker *w, const struct topology *topology);
void worker_set_settings(struct worker *w, const struct settings *settings);
/* For connections from now on; those that stand keep what they have. */
void worker_set_tls(struct worker *w, const struct tls_pair *tls);

/* A letter WORKER_KILL or WORKER_KILL_ANSWER, to the worker that it is for. */
void worker_pass_on(struct worker *w, struct worker_kill *letter);

/* A letter WORKER_REPORT follows, whose receiver owns its table. */
void worker_ask_report(struct worker *w, enum report report, void *tag);

/* The answer to a letter WORKER_SHOW, which goes back with it. */
void worker_shown(struct worker *w, struct worker_show *show);

/* Bring its statistics up to date; the time that this takes is one of them. */
void worker_tick(struct worker *w);

/* Close sessions as they come to rest; a WORKER_DRAINED letter follows when none is left. */
void worker_drain(struct worker *w);

/* Close everything, end the thread, free it. */
void worker_stop(struct worker *w);

/* Sessions handed over and not closed yet: what new ones are balanced by. */
unsigned worker_load(const struct worker *w);
const struct worker_stats *worker_stats_of(const struct worker *w);

#endif
