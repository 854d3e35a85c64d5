/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new process takes over the listening sockets of this one (SIGUSR2): for another binary
 * or settings that need a restart, without a refused connection.
 *
 * The old process starts the new one with its own path and arguments, and leaves it the
 * sockets and a pipe.  The new one serves them once it knows its servers, and says so; the old
 * one then stops accepting, and its sessions go on.  A new process that fails changes nothing.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_HANDOVER_H
#define READMUX_CONTROL_HANDOVER_H

#include <readmux/base/address.h>
#include <readmux/net/loop.h>

/* First in main(): path and arguments of this process, and what a predecessor has left. */
void handover_init(char **argv);

/* --- in the new process --------------------------------------------------------- */

/* Whether there is a predecessor that still serves. */
bool handover_is_successor(void);

/* A listening socket of the predecessor that is bound to <at>, now the caller's; -1: none. */
int handover_take_socket(const struct address *at);

/* This process serves: the predecessor is told, and sockets that nobody took are closed. */
void handover_finish(void);

/* --- in the old process ----------------------------------------------------------- */

#define HANDOVER_LIMIT_US 60000000u	/* by when the new process has to serve */

struct handover;

/* <served>: the new process serves, with that <pid>; else <words> say what went wrong. */
typedef void handover_done_fn(void *arg, bool served, pid_t pid, const char *words);

/*
 * Start a successor for the <n> listening sockets.  <done> is called once, later, and may
 * free it.  NULL: it could not be started, <words> say why.
 */
struct handover *handover_begin(struct loop *loop, const int *sockets, size_t n,
				handover_done_fn *done, void *arg, char *words, size_t room);
void handover_free(struct handover *h);		/* NULL is allowed */

#endif
