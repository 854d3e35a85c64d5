/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See histogram.h. */
#include "histogram.h"

/* Values below HISTOGRAM_PARTS have a bucket each, the others share. */
static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < HISTOGRAM_PARTS)
		return (unsigned)value;
	shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_PART_BITS;
	return (shift << HISTOGRAM_PART_BITS) + (unsigned)(value >> shift);
}

/* The middle of a bucket. */
static uint64_t bucket_value(unsigned bucket)
{
	unsigned shift;
	uint64_t low;

	if (bucket < 2 * HISTOGRAM_PARTS)
		return bucket;
	shift = (bucket >> HISTOGRAM_PART_BITS) - 1;
	low = (uint64_t)(bucket % HISTOGRAM_PARTS + HISTOGRAM_PARTS) << shift;
	return low + (UINT64_C(1) << shift) / 2;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->count[bucket_of(ns)]++;
	h->total++;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
	double wanted = (double)h->total * share;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->count[i];
		if (seen > 0 && (double)seen >= wanted)
			return bucket_value(i);
	}
	return 0;
}
