/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines that cost nothing to move.
 *
 * A timer is a member of its owner.  Setting, moving and clearing one is a
 * few assignments: the loop keeps timers in a coarse wheel and has a single
 * libevent timer for the whole of it, which runs only while a timer is set.  A
 * timer fires at or up to TIMER_GRAIN_US after its deadline, never before.
 */
#ifndef READMUX_NET_TIMER_H
#define READMUX_NET_TIMER_H

#include <readmux/net/loop.h>

#define TIMER_GRAIN_US 10000u

struct timer;
typedef void timer_fn(struct timer *t);

struct timer {
	TAILQ_ENTRY(timer) link;	/* private */
	struct loop *loop;		/* private; NULL = not set */
	uint64_t     due_us;		/* loop_now_us() clock */
	uint32_t     slot;		/* private */
	timer_fn    *fired;
};

/*
 * Fire once, <after_us> from now; a timer that is set is moved.  The timer
 * must be zeroed before its first use and must stay put while set.
 */
void timer_set(struct timer *t, struct loop *loop, uint64_t after_us, timer_fn *fired);

/* No effect when it is not set. */
void timer_clear(struct timer *t);

static inline bool timer_is_set(const struct timer *t)
{
	return t->loop != NULL;
}

#endif
