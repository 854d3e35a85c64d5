/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread's event loop: file descriptors, timers, and memory that is freed
 * at the end of the turn.  The only place that knows libevent.
 *
 * Everything here belongs to the loop's own thread, except loop_stop() and
 * what mailbox.h says.
 */
#ifndef READMUX_NET_LOOP_H
#define READMUX_NET_LOOP_H

#include <readmux/base/common.h>
#include <readmux/base/slab.h>

#include <sys/queue.h>

struct event;
struct event_base;

/*
 * Close now, free later.  A callback may find that the object it runs on must
 * die while callers up the stack still hold a pointer to it.  So xxx_close()
 * detaches it from the world at once, and <run> gives the memory back at the
 * end of the loop turn, when no frame can be using it.
 */
struct deferred {
	STAILQ_ENTRY(deferred) next;
	void (*run)(struct deferred *d);
	bool queued;
};

struct loop;

/* NULL when memory or descriptors are short. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);

/* From any callback on this loop. */
void loop_stop(struct loop *loop);

/* For timer.c: the libevent base. */
struct event_base *loop_base(struct loop *loop);

/* Run d->run at the end of this turn; no effect when it is already queued. */
void loop_defer(struct loop *loop, struct deferred *d, void (*run)(struct deferred *d));

/* Run now what is deferred; for the time when the loop does not turn any more. */
void loop_run_deferred(struct loop *loop);

/* Time at the start of this turn: clock_now_us() without a system call. */
uint64_t loop_now_us(const struct loop *loop);

/*
 * For reads: whatever is in it is gone after the callback.  LOOP_HEADROOM
 * bytes before it may be written too: a receiver that holds the start of a
 * packet puts it there, in front of the rest, and has it in one piece.
 */
#define LOOP_HEADROOM 16384u
uint8_t *loop_scratch(struct loop *loop, size_t *room);

/* For building packets: second scratch, so that input and output do not clash. */
uint8_t *loop_workshop(struct loop *loop, size_t *room);

/* Blocks of LOOP_CHUNK bytes for queues of bytes. */
#define LOOP_CHUNK 16384u
struct slab *loop_chunks(struct loop *loop);

/*
 * A watched descriptor.  Embedded in its owner; stays where it is while
 * watching.  <fired> runs with WATCH_READ and/or WATCH_WRITE.
 *
 * An edge-triggered watch fires when something arrives, not as long as something
 * is there: the kernel need not look at the descriptor again in every turn.  Its
 * owner reads until nothing is left, or kicks it; WATCH_CLOSED says that the peer
 * has closed, so that the end behind the last bytes is not overlooked.
 */
#define WATCH_READ   1u
#define WATCH_WRITE  2u
#define WATCH_CLOSED 4u

typedef void watch_fn(void *arg, unsigned what);

struct watch {
	struct loop  *loop;
	struct event *read_event;
	struct event *write_event;
	watch_fn     *fired;
	void         *arg;
	void         *owner;		/* the user's, untouched here */
	int           fd;
	unsigned      wanted;
	bool          edge;
};

/* Prepare for <fd>; nothing is watched yet.  False: no memory. */
RMX_MUST_CHECK
bool watch_init(struct watch *w, struct loop *loop, int fd, watch_fn *fired, void *arg);

/* The same, edge-triggered; for connected sockets. */
RMX_MUST_CHECK
bool watch_init_edge(struct watch *w, struct loop *loop, int fd, watch_fn *fired, void *arg);

/* Watch for <wanted> (0 = nothing); costs a system call only when it changes. */
void watch_set(struct watch *w, unsigned wanted);

/* Call <fired> with WATCH_READ in this or the next turn, as if the descriptor were readable. */
void watch_kick(struct watch *w);

/* Stop watching; the descriptor stays open.  Safe on a zeroed watch. */
void watch_clear(struct watch *w);

/* Signals as events; <signum> is handed to <fired>. */
typedef void signal_fn(void *arg, int signum);
struct signal_watch {
	struct event *event;
	signal_fn    *fired;
	void         *arg;
};
RMX_MUST_CHECK
bool signal_watch_start(struct signal_watch *s, struct loop *loop, int signum,
			signal_fn *fired, void *arg);
void signal_watch_stop(struct signal_watch *s);

#endif
