/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection of the load generator: connects, logs in, runs one statement
 * after the other, and follows every response to its end packet by packet.
 *
 * The owner's loop says when the socket is ready and is told what came of it.
 */
#ifndef READMUX_BENCH_LOAD_CLIENT_H
#define READMUX_BENCH_LOAD_CLIENT_H

#include <readmux/base/buffer.h>
#include <readmux/wire/result.h>

#include <netinet/in.h>

/* What all clients share; filled in once at start. */
struct load_target {
	struct sockaddr_in address;
	const char        *user;
	const char        *password;
	const char        *schema;
	uint64_t           capabilities;
	struct buffer      statement;	/* COM_QUERY with its header */
};

enum load_phase { LOAD_CLOSED, LOAD_GREETING, LOAD_LOGIN, LOAD_READY, LOAD_WAITING };

struct load_client {
	const struct load_target *target;
	int                       fd;
	enum load_phase           phase;
	uint64_t                  capabilities;	/* agreed with the server */
	uint64_t                  started_ns;	/* for the owner */
	struct result             result;
	bool                      failed;	/* the response was an ERR packet */
	struct buffer             unread;
};

enum load_event {
	LOAD_NOTHING,	/* wait for more */
	LOAD_LOGGED_IN,
	LOAD_ANSWERED,	/* the response is complete; look at <failed> */
	LOAD_LOST,	/* refused or broken; load_close() it */
};

/* Begin to connect; false when the system gives no socket.  <fd> is set. */
RMX_MUST_CHECK
bool load_open(struct load_client *c, const struct load_target *target);

/* The socket is readable; <scratch> is memory for the call. */
enum load_event load_readable(struct load_client *c, struct span scratch);

/* Send the statement; only in LOAD_READY.  False: broken. */
RMX_MUST_CHECK
bool load_send(struct load_client *c);

/* Say goodbye where there is somebody to say it to, and close. */
void load_close(struct load_client *c);

/* Why the last client was lost, for people; empty when none was. */
const char *load_problem(void);

#endif
