/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of the statement that runs, so that it can be run again elsewhere.
 *
 * Up to LOOP_CHUNK bytes it lies in one of the loop's chunks, so keeping a
 * statement allocates nothing in steady state.
 */
#ifndef READMUX_RELAY_HOLD_H
#define READMUX_RELAY_HOLD_H

#include <readmux/base/span.h>
#include <readmux/net/loop.h>

struct hold {
	uint8_t *data;
	size_t   len;
};

/* Keep a copy of <bytes>; the hold must be empty.  False: no memory. */
RMX_MUST_CHECK
bool hold_keep(struct hold *h, struct loop *loop, struct span bytes);

/* Forget it; no effect when it is empty. */
void hold_drop(struct hold *h, struct loop *loop);

static inline struct span hold_span(const struct hold *h)
{
	return (struct span){ h->data, h->len };
}

#endif
