/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of the admin address; see admin_guests.h. */
#include "admin_guests.h"

#include <readmux/base/log.h>
#include <readmux/net/timer.h>

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/socket.h>

/* Those that were told to go are here for a turn longer; libevent accepts in batches. */
#define HERE_MAX   (2 * GUESTS_MAX)
#define LOOK_US    1000000u

struct guest {
	TAILQ_ENTRY(guest)  link;
	struct bufferevent *stream;
	uint64_t            since_us;	/* its last whole request, or its start */
	bool                going;	/* told so; evhttp will see it */
};

struct guests {
	struct evconnlistener *listener;	/* evhttp's, with the socket */
	struct loop           *loop;
	struct timer           look;
	TAILQ_HEAD(, guest)    here;
	unsigned               count;
};

/* evhttp takes its own mark off a stream when it lets go of it. */
static bool has_left(struct bufferevent *stream)
{
	bufferevent_data_cb read, write;
	bufferevent_event_cb event;
	void *connection;

	bufferevent_getcb(stream, &read, &write, &event, &connection);
	return connection == NULL;
}

static void forget(struct guests *g, struct guest *guest)
{
	TAILQ_REMOVE(&g->here, guest, link);
	g->count--;
	(void)bufferevent_decref(guest->stream);
	free(guest);
}

/* To evhttp it looks as if the other side had gone. */
static void send_off(struct guest *guest)
{
	guest->going = true;
	(void)shutdown(bufferevent_getfd(guest->stream), SHUT_RDWR);
}

/* Number of those that stay; <oldest> is one of them, or NULL. */
static unsigned look_over(struct guests *g, struct guest **oldest)
{
	uint64_t now = loop_now_us(g->loop);
	struct guest *each, *next;
	unsigned n = 0;

	*oldest = NULL;
	for (each = TAILQ_FIRST(&g->here); each != NULL; each = next) {
		next = TAILQ_NEXT(each, link);
		if (has_left(each->stream)) {
			forget(g, each);
			continue;
		}
		if (each->going)
			continue;
		if (now - each->since_us > (uint64_t)GUEST_TIME_S * 1000000) {
			send_off(each);
			continue;
		}
		n++;
		if (*oldest == NULL || each->since_us < (*oldest)->since_us)
			*oldest = each;
	}
	return n;
}

static void look(struct timer *t)
{
	struct guests *g = container_of(t, struct guests, look);
	struct guest *oldest;

	(void)look_over(g, &oldest);
	if (g->count < HERE_MAX)
		(void)evconnlistener_enable(g->listener);
	timer_set(&g->look, g->loop, LOOK_US, look);
}

/* evhttp asks for the stream of one that it has just accepted. */
static struct bufferevent *received(struct event_base *base, void *arg)
{
	struct guests *g = arg;
	struct bufferevent *stream = bufferevent_socket_new(base, -1, 0);
	struct guest *guest = calloc(1, sizeof(*guest)), *oldest;

	if (look_over(g, &oldest) >= GUESTS_MAX)
		send_off(oldest);
	if (stream == NULL || guest == NULL) {
		free(guest);
		return stream;
	}
	bufferevent_incref(stream);
	guest->stream = stream;
	guest->since_us = loop_now_us(g->loop);
	TAILQ_INSERT_TAIL(&g->here, guest, link);
	if (++g->count >= HERE_MAX)
		(void)evconnlistener_disable(g->listener);	/* until look() */
	return stream;
}

static void cannot_accept(struct evconnlistener *listener, void *arg)
{
	int why = errno;

	(void)arg;	/* evhttp's */
	log_error(NULL, "cannot accept a connection to the admin address; pausing",
		  LOG_TEXT("problem", strerror(why)),
		  LOG_TEXT("remedy", "raise the limit on open files (ulimit -n)"));
	(void)evconnlistener_disable(listener);
}

struct guests *guests_new(struct loop *loop, struct evhttp *http, int fd)
{
	struct guests *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->loop = loop;
	TAILQ_INIT(&g->here);
	g->listener = evconnlistener_new(loop_base(loop), NULL, NULL, LEV_OPT_CLOSE_ON_FREE |
					 LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (g->listener == NULL) {
		free(g);
		return NULL;
	}
	if (evhttp_bind_listener(http, g->listener) == NULL) {
		free(g);	/* what is left of it ends with the process, which does not start */
		return NULL;
	}
	evconnlistener_set_error_cb(g->listener, cannot_accept);
	evhttp_set_bevcb(http, received, g);
	timer_set(&g->look, loop, LOOK_US, look);
	return g;
}

void guests_requested(struct guests *g, struct evhttp_request *request)
{
	struct bufferevent *stream =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));

	struct guest *each;

	TAILQ_FOREACH(each, &g->here, link) {
		if (each->stream == stream)
			each->since_us = loop_now_us(g->loop);
	}
}

void guests_free(struct guests *g)
{
	if (g == NULL)
		return;
	timer_clear(&g->look);
	while (!TAILQ_EMPTY(&g->here))
		forget(g, TAILQ_FIRST(&g->here));
	free(g);
}
