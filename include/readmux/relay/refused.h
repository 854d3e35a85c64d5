/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shapes of statements that looked like reads and that a replica refused as writes:
 * they go to the primary at once from then on, for a while.
 *
 * Bounded: beyond REFUSED_MAX the oldest is forgotten.  An entry that nobody renews
 * expires, because a function may be changed to one that only reads.
 *
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_REFUSED_H
#define READMUX_RELAY_REFUSED_H

#include <readmux/base/common.h>

#define REFUSED_MAX        1000u
#define REFUSED_EXPIRY_US  (UINT64_C(600) * 1000000)

struct refused;

/* NULL: no memory. */
struct refused *refused_new(void);
void refused_free(struct refused *r);

/* <digest> (sql_digest()) was refused at <now_us>; without memory nothing is remembered. */
void refused_add(struct refused *r, uint64_t digest, uint64_t now_us);

/* It was, and not too long ago. */
bool refused_has(struct refused *r, uint64_t digest, uint64_t now_us);

/* Number of entries; when it is 0 there is no need to make a digest. */
size_t refused_count(const struct refused *r);

#endif
