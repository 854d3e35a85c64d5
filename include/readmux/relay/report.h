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

struct relay_env;

/* What a session's phase is called (worker_stats.phases); NULL behind the last. */
const char *relay_phase_name(unsigned phase);

/* An empty table for a report that the workers make. */
struct table relay_report_table(enum report report);

/* Add what <env>'s worker knows to <t>, which relay_report_table() has made. */
void relay_report_fill(struct relay_env *env, enum report report, struct table *t);

/* What the workers have put into <t> is now all there is: bring it into order. */
void relay_report_finish(enum report report, struct table *t);

/* The answer for the session <asker>; <t> stays the caller's. */
void relay_shown(struct relay_env *env, uint32_t asker, const struct table *t);

#endif
