/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread's event loop over libevent.
 *
 * A turn is one event_base_loop(ONCE): wait, run callbacks.  What was
 * deferred runs after it.
 */
#include <readmux/base/clock.h>
#include <readmux/base/log.h>
#include <readmux/net/loop.h>

#include <event2/event.h>
#include <pthread.h>

#define SCRATCH_ROOM  65536u
#define WORKSHOP_ROOM 65536u
#define CHUNKS_KEPT   64u

struct loop {
	struct event_base *base;
	STAILQ_HEAD(, deferred) doomed;
	struct slab        chunks;
	uint64_t           now_us;	/* 0 = not asked yet in this turn */
	bool               stopping;
	uint8_t            scratch[LOOP_HEADROOM + SCRATCH_ROOM];
	uint8_t            workshop[WORKSHOP_ROOM];
};

/* libevent's own lines, which would be raw and without limit, become lines of the log. */
static void libevent_says(int severity, const char *words)
{
	if (severity == EVENT_LOG_ERR)
		log_error(NULL, "libevent failed", LOG_TEXT("problem", words));
	else
		log_warn(NULL, "libevent complains", LOG_TEXT("problem", words));
}

static void listen_to_libevent(void)
{
	event_set_log_callback(libevent_says);
}

static struct event_base *base_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct event_config *config = event_config_new();
	struct event_base *base;

	(void)pthread_once(&once, listen_to_libevent);
	if (config == NULL)
		return NULL;
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK |
				    EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	loop->base = base_new();
	if (loop->base == NULL) {
		free(loop);
		return NULL;
	}
	STAILQ_INIT(&loop->doomed);
	slab_init(&loop->chunks, LOOP_CHUNK, CHUNKS_KEPT);
	return loop;
}

void loop_run_deferred(struct loop *loop)
{
	struct deferred *d;

	while ((d = STAILQ_FIRST(&loop->doomed)) != NULL) {
		STAILQ_REMOVE_HEAD(&loop->doomed, next);
		d->queued = false;
		d->run(d);
	}
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	loop_run_deferred(loop);
	event_base_free(loop->base);
	slab_clear(&loop->chunks);
	free(loop);
}

void loop_run(struct loop *loop)
{
	loop->stopping = false;
	while (!loop->stopping) {
		loop->now_us = 0;
		if (event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) != 0)
			break;
		loop_run_deferred(loop);
	}
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
	(void)event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

/* Without a turn under way (start, tests) something has to end the wait. */
static void wake(struct loop *loop)
{
	static const struct timeval at_once = { 0, 0 };

	(void)event_base_loopexit(loop->base, &at_once);
}

void loop_defer(struct loop *loop, struct deferred *d, void (*run)(struct deferred *d))
{
	if (d->queued)
		return;
	d->run = run;
	d->queued = true;
	if (STAILQ_EMPTY(&loop->doomed) && loop->now_us == 0)
		wake(loop);
	STAILQ_INSERT_TAIL(&loop->doomed, d, next);
}

uint64_t loop_now_us(const struct loop *loop)
{
	struct loop *l = (struct loop *)(uintptr_t)loop;

	if (l->now_us == 0)
		l->now_us = clock_now_us();
	return l->now_us;
}

uint8_t *loop_scratch(struct loop *loop, size_t *room)
{
	*room = SCRATCH_ROOM;
	return loop->scratch + LOOP_HEADROOM;
}

uint8_t *loop_workshop(struct loop *loop, size_t *room)
{
	*room = sizeof(loop->workshop);
	return loop->workshop;
}

struct slab *loop_chunks(struct loop *loop)
{
	return &loop->chunks;
}

static void watch_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	(void)fd;
	w->fired(w->arg, WATCH_READ | ((what & EV_CLOSED) != 0 ? WATCH_CLOSED : 0));
}

static void watch_write_cb(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	(void)fd;
	(void)what;
	w->fired(w->arg, WATCH_WRITE);
}

static bool init(struct watch *w, short kinds)
{
	w->read_event = event_new(w->loop->base, w->fd, (short)(EV_READ | EV_PERSIST | kinds),
				  watch_read_cb, w);
	return w->read_event != NULL;
}

bool watch_init(struct watch *w, struct loop *loop, int fd, watch_fn *fired, void *arg)
{
	*w = (struct watch){ .loop = loop, .fd = fd, .fired = fired, .arg = arg };
	return init(w, 0);
}

bool watch_init_edge(struct watch *w, struct loop *loop, int fd, watch_fn *fired, void *arg)
{
	*w = (struct watch){ .loop = loop, .fd = fd, .fired = fired, .arg = arg, .edge = true };
	return init(w, EV_ET | EV_CLOSED);
}

static void set_event(struct event *event, bool on)
{
	int rc = on ? event_add(event, NULL) : event_del(event);

	assert(rc == 0);
	(void)rc;
}

void watch_set(struct watch *w, unsigned wanted)
{
	unsigned change = w->wanted ^ wanted;

	if ((change & WATCH_WRITE) != 0 && w->write_event == NULL) {
		w->write_event = event_new(w->loop->base, w->fd,
					   (short)(EV_WRITE | EV_PERSIST | (w->edge ? EV_ET : 0)),
					   watch_write_cb, w);
		assert(w->write_event != NULL);
	}
	if ((change & WATCH_READ) != 0)
		set_event(w->read_event, (wanted & WATCH_READ) != 0);
	if ((change & WATCH_WRITE) != 0)
		set_event(w->write_event, (wanted & WATCH_WRITE) != 0);
	w->wanted = wanted;
}

void watch_kick(struct watch *w)
{
	event_active(w->read_event, EV_READ, 0);
}

void watch_clear(struct watch *w)
{
	if (w->read_event != NULL)
		event_free(w->read_event);
	if (w->write_event != NULL)
		event_free(w->write_event);
	w->read_event = w->write_event = NULL;
	w->wanted = 0;
}

static void signal_cb(evutil_socket_t signum, short what, void *arg)
{
	struct signal_watch *s = arg;

	(void)what;
	s->fired(s->arg, (int)signum);
}

bool signal_watch_start(struct signal_watch *s, struct loop *loop, int signum,
			signal_fn *fired, void *arg)
{
	s->fired = fired;
	s->arg = arg;
	s->event = evsignal_new(loop->base, signum, signal_cb, s);
	return s->event != NULL && event_add(s->event, NULL) == 0;
}

void signal_watch_stop(struct signal_watch *s)
{
	if (s->event != NULL)
		event_free(s->event);
	s->event = NULL;
}
