/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines that cost nothing to move.
 *
 * A timer is a member of its owner.  Moving a deadline further away, which is
 * what every statement does to its session's idle limit, is one assignment: the
 * loop wakes at the old time, sees the new one and sleeps again.  Only setting
 * one afresh or moving it nearer touches libevent.  A timer fires at or a
 * little after its deadline, never before.
 */
#ifndef READMUX_NET_TIMER_H
#define READMUX_NET_TIMER_H

#include <readmux/net/loop.h>

struct timer;
typedef void timer_fn(struct timer *t);

struct timer {
	struct loop  *loop;	/* private */
	struct event *event;	/* private; NULL = not set */
	uint64_t      due_us;	/* when it fires, on loop_now_us()'s clock */
	uint64_t      armed_us;	/* private: when libevent looks at it next */
	timer_fn     *fired;
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
	return t->event != NULL;
}

#endif
