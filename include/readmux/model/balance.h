/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of several equal servers takes the next read: one pure function per
 * policy, over plain numbers.  The caller owns lists, time and randomness.
 */
#ifndef READMUX_MODEL_BALANCE_H
#define READMUX_MODEL_BALANCE_H

#include <readmux/base/span.h>

struct candidate {
	uint32_t weight;	/* 0 = take no new work */
	uint32_t in_flight;	/* statements running there now, of this worker */
	uint32_t connections;	/* leased server connections */
	uint32_t latency_us;	/* moving average of response time; 0 = unknown */
};

#define BALANCE_NONE SIZE_MAX

/* State of one caller: a turn counter and a random state, both any value. */
struct balance_state {
	uint64_t turn;
	uint64_t random;
};

/* Index of the chosen candidate, or BALANCE_NONE when all weights are 0. */
typedef size_t balance_pick_fn(const struct candidate *c, size_t n, struct balance_state *state);

struct balance_policy {
	const char      *name;
	balance_pick_fn *pick;
	const char      *about;
};

/* "p2c" (default), "round-robin", "least-connections", "random"; NULL for other names. */
const struct balance_policy *balance_policy_by_name(struct span name);

/* All of them, for help texts; <n> is set. */
const struct balance_policy *balance_policies(size_t *n);

#endif
