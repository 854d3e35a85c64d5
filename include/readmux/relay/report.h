/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker alone knows and a person may ask for: its sessions and the shapes of their
 * statements; and SHOW READMUX, with which a session asks.
 *
 * The tables of SHOW READMUX are put together by the control thread: a session's question
 * travels by relay_host_ops.show() and comes back to relay_shown().
 */
#ifndef READMUX_RELAY_REPORT_H
#define READMUX_RELAY_REPORT_H

#include <readmux/model/table.h>
#include <readmux/sql/report.h>

#include <sys/queue.h>

struct relay_env;
struct session;

/* What a session's phase is called (worker_stats.phases); NULL behind the last. */
const char *relay_phase_name(unsigned phase);

/* An empty table for a report that the workers make. */
struct table relay_report_table(enum report report);

/*
 * What <env>'s worker knows is added to a table that relay_report_table() has made, in slices:
 * there may be many sessions, and they have other things to do.
 */
struct relay_walk {
	TAILQ_ENTRY(relay_walk) link;	/* private, as all of it */
	enum report     report;
	struct session *next;
	size_t          rows;
};

void relay_walk_begin(struct relay_env *env, struct relay_walk *walk, enum report report);
/* Add the next slice to <t>; false: that was the last, and <walk> has ended. */
RMX_MUST_CHECK
bool relay_walk_slice(struct relay_env *env, struct relay_walk *walk, struct table *t);
/* End it before that. */
void relay_walk_end(struct relay_env *env, struct relay_walk *walk);
/* <s> leaves the list of sessions. */
void relay_walks_pass(struct relay_env *env, struct session *s);

/* What the workers have put into <t> is now all there is: bring it into order. */
void relay_report_finish(enum report report, struct table *t);

/* The answer for the session <asker>; <t> stays the caller's. */
void relay_shown(struct relay_env *env, uint32_t asker, const struct table *t);

#endif
