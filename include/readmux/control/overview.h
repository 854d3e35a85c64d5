/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that can be seen of readmux, in one place: what metrics, status pages and SHOW
 * READMUX are made from.  All of it is borrowed, for as long as the call lasts.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_OVERVIEW_H
#define READMUX_CONTROL_OVERVIEW_H

#include <readmux/control/events.h>
#include <readmux/control/fleet.h>
#include <readmux/control/observer.h>
#include <readmux/control/reload.h>
#include <readmux/model/settings.h>

struct overview {
	const struct settings *settings;	/* in force */
	const struct reload_pending *pending;	/* ... and what a restart would bring */
	const struct topology *topology;
	const struct fleet    *fleet;
	const struct observer *observer;
	const struct events   *events;
	const struct worker_stats *const *workers;
	size_t                 worker_count;
	uint64_t               started_us;	/* clock_wall_us() */
	uint64_t               reloads_done, reloads_refused;
	bool                   draining;
};

/*
 * Whether new clients should be sent here: it listens, has looked for servers once, and is
 * not going away.  A primary that is down does not count: clients wait for it here.
 * False: why, in words.
 */
RMX_MUST_CHECK
bool overview_is_ready(const struct overview *o, char *words, size_t room);

/* Whether its threads still turn.  False: which does not, in words. */
RMX_MUST_CHECK
bool overview_is_healthy(const struct overview *o, char *words, size_t room);

#endif
