/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last things that happened, for a person who looks at readmux and not at its log.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_EVENTS_H
#define READMUX_CONTROL_EVENTS_H

#include <readmux/base/log.h>

#define EVENTS_MAX 200u

struct event_entry {
	uint64_t       number;		/* counts from 1 */
	uint64_t       us;		/* clock_wall_us() */
	enum log_level level;
	char           event[64];
	char           backend[64];	/* "" = none */
	char           words[200];	/* "" = none */
};

/* All zeros is a valid start. */
struct events {
	uint64_t           count;	/* ever */
	struct event_entry ring[EVENTS_MAX];
};

/* <backend> and <words> may be NULL. */
void events_add(struct events *e, enum log_level level, const char *event,
		const char *backend, const char *words);

/* The newest for 0, the one before it for 1 ...; NULL when there are not so many. */
const struct event_entry *events_last(const struct events *e, size_t back);

#endif
