/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is connected to the admin address: not many at once, and none for long.
 *
 * evhttp bounds the time between two bytes, but neither the time of a request nor the number
 * of connections, and each takes a descriptor that a client may need.  So a connection ends
 * GUEST_TIME_S after its last whole request (or its start), and above GUESTS_MAX the one that
 * has been waited for longest gives way: who trickles does not keep a probe out.  When
 * descriptors have run out, nobody is accepted until the next look, a second later.
 *
 * evhttp tells of no connection before its first request is whole; so they are known by
 * their bufferevents, of which each is held until evhttp has let go of it.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_ADMIN_GUESTS_H
#define READMUX_CONTROL_ADMIN_GUESTS_H

#include <readmux/net/loop.h>

#include <event2/http.h>

#define GUESTS_MAX   48u
#define GUEST_TIME_S 10u

struct guests;

/* Receive guests for <http> from the listening socket <fd>.  NULL: no memory; <fd> stays. */
struct guests *guests_new(struct loop *loop, struct evhttp *http, int fd);

/* A whole request has come. */
void guests_requested(struct guests *g, struct evhttp_request *request);

/* After evhttp_free(); NULL is allowed. */
void guests_free(struct guests *g);

#endif
