/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deadlines over libevent's timers; see timer.h. */
#include <readmux/net/timer.h>

#include <event2/event.h>

static void arm(struct timer *t, uint64_t now_us)
{
	uint64_t after = t->due_us > now_us ? t->due_us - now_us : 0;
	struct timeval tv = {
		.tv_sec = (time_t)(after / 1000000),
		.tv_usec = (suseconds_t)(after % 1000000),
	};

	t->armed_us = t->due_us;
	(void)event_add(t->event, &tv);
}

static void look(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;
	uint64_t now = loop_now_us(t->loop);

	(void)fd;
	(void)what;
	if (t->due_us > now) {
		arm(t, now);
		return;
	}
	timer_clear(t);
	t->fired(t);
}

void timer_set(struct timer *t, struct loop *loop, uint64_t after_us, timer_fn *fired)
{
	uint64_t now = loop_now_us(loop);

	t->fired = fired;
	t->due_us = now + after_us;
	if (t->event != NULL && t->due_us >= t->armed_us)
		return;
	if (t->event == NULL) {
		t->loop = loop;
		t->event = evtimer_new(loop_base(loop), look, t);
		assert(t->event != NULL);
	}
	arm(t, now);
}

void timer_clear(struct timer *t)
{
	if (t->event == NULL)
		return;
	event_free(t->event);
	t->event = NULL;
}
