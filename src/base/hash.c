/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FNV-1a; see hash.h. */
#include <readmux/base/hash.h>

uint64_t hash_span(uint64_t seed, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		seed = hash_byte(seed, s.data[i]);
	return seed;
}

uint64_t hash_mix(uint64_t hash)
{
	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	hash ^= hash >> 33;
	return hash;
}
