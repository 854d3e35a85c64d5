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
#define PLACES     (2 * GUESTS_MAX)
#define LOOK_US    1000000u

struct guest {
	struct bufferevent *stream;	/* NULL: a free place */
	uint64_t            since_us;	/* its last whole request, or its start */
	bool                going;	/* told so; evhttp will see it */
};

struct guests {
	struct evconnlistener *listener;	/* evhttp's, with the socket */
	struct loop           *loop;
	struct timer           look;
	struct guest           places[PLACES];
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

static void forget(struct guest *guest)
{
	(void)bufferevent_decref(guest->stream);
	*guest = (struct guest){ .stream = NULL };
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
	unsigned n = 0;

	*oldest = NULL;
	for (struct guest *each = g->places; each < g->places + PLACES; each++) {
		if (each->stream != NULL && has_left(each->stream))
			forget(each);
		if (each->stream == NULL || each->going)
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
	(void)evconnlistener_enable(g->listener);
	timer_set(&g->look, g->loop, LOOK_US, look);
}

static struct guest *free_place(struct guests *g)
{
	for (struct guest *each = g->places; each < g->places + PLACES; each++) {
		if (each->stream == NULL)
			return each;
	}
	return NULL;
}

/* evhttp asks for the stream of one that it has just accepted. */
static struct bufferevent *received(struct event_base *base, void *arg)
{
	struct guests *g = arg;
	struct guest *place, *oldest;
	struct bufferevent *stream = bufferevent_socket_new(base, -1, 0);

	if (stream == NULL)
		return NULL;
	if (look_over(g, &oldest) >= GUESTS_MAX)
		send_off(oldest);
	place = free_place(g);
	if (place == NULL) {	/* it is left to evhttp's time limit */
		(void)evconnlistener_disable(g->listener);
		return stream;
	}
	bufferevent_incref(stream);
	*place = (struct guest){ .stream = stream, .since_us = loop_now_us(g->loop) };
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

	for (struct guest *each = g->places; each < g->places + PLACES; each++) {
		if (each->stream == stream)
			each->since_us = loop_now_us(g->loop);
	}
}

void guests_free(struct guests *g)
{
	if (g == NULL)
		return;
	timer_clear(&g->look);
	for (struct guest *each = g->places; each < g->places + PLACES; each++) {
		if (each->stream != NULL)
			forget(each);
	}
	free(g);
}
