/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 64-bit hash for tables and fingerprints that never leave this process.
 *
 * FNV-1a with a final mix.  It is not proof against somebody who wants
 * collisions: whoever looks up by hash compares the whole key as well.
 */
#ifndef READMUX_BASE_HASH_H
#define READMUX_BASE_HASH_H

#include <readmux/base/span.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* Hash of <s> continued from <seed>; begin with HASH_START. */
uint64_t hash_span(uint64_t seed, struct span s);

/* One byte more, for hashing a token stream without gathering it. */
static inline uint64_t hash_byte(uint64_t seed, uint8_t byte)
{
	return (seed ^ byte) * UINT64_C(0x100000001b3);
}

/* Spread the bits of a finished hash. */
uint64_t hash_mix(uint64_t hash);

#endif
