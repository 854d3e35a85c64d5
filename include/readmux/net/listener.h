/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listening socket on a loop.
 *
 * Accepts up to a batch per turn.  When descriptors run out it stops for a
 * moment instead of spinning, and says so in the log.
 */
#ifndef READMUX_NET_LISTENER_H
#define READMUX_NET_LISTENER_H

#include <readmux/base/address.h>
#include <readmux/net/loop.h>

struct listener;

/* <fd> is the receiver's now: non-blocking, close-on-exec, TCP_NODELAY. */
typedef void listener_accept_fn(void *arg, int fd, const struct address *peer);

/*
 * A socket that listens at <at>: non-blocking, close-on-exec.  -1: errno says why.
 */
int listener_socket(const struct address *at, int backlog);

/*
 * Listen at <at>; <fd> is a socket that does so already, or -1.  NULL on failure, with words
 * into <problem> (address in use, no permission ...).
 */
struct listener *listener_open(struct loop *loop, const struct address *at, int fd, int backlog,
			       listener_accept_fn *accepted, void *arg,
			       char *problem, size_t room);

/* Its socket, which stays its own. */
int listener_descriptor(const struct listener *l);

/* The address it is bound to (the port that 0 became). */
void listener_address(const struct listener *l, struct address *out);

/* Close the socket; connections accepted before are not touched. */
void listener_close(struct listener *l);

#endif
