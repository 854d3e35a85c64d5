/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Letters from any thread to one loop: a queue and an eventfd.
 *
 * mailbox_post() may be called from any thread; letters are handed over in
 * order of posting, on the owner's loop.  A letter is allocated by the sender
 * and freed by the receiver's callback.  What it points to is immutable or
 * changes owner with it.
 */
#ifndef READMUX_NET_MAILBOX_H
#define READMUX_NET_MAILBOX_H

#include <readmux/net/loop.h>

struct letter {
	STAILQ_ENTRY(letter) next;
	int kind;		/* meaning is the receiver's */
};

typedef void mailbox_fn(void *arg, struct letter *letter);

struct mailbox;

/* NULL: no memory or descriptors. */
struct mailbox *mailbox_new(struct loop *loop, mailbox_fn *arrived, void *arg);

/* Letters still inside are given to <arrived> first.  No thread may post any more. */
void mailbox_free(struct mailbox *box);

/* From any thread; never blocks for long and never fails. */
void mailbox_post(struct mailbox *box, struct letter *letter);

#endif
