/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Durations, counted in buckets: written by one thread, read by any.
 *
 * Four buckets to a power of two, so that a quantile is right to a fifth; from 16 us to
 * 67 s, with one bucket for what is shorter and one for what is longer.
 */
#ifndef READMUX_MODEL_HISTOGRAM_H
#define READMUX_MODEL_HISTOGRAM_H

#include <readmux/base/common.h>

#include <stdatomic.h>

#define HISTOGRAM_FIRST_BIT 4u		/* 2^4 us */
#define HISTOGRAM_OCTAVES   22u
#define HISTOGRAM_BUCKETS   (4u * HISTOGRAM_OCTAVES + 2u)

struct histogram {
	_Atomic uint64_t sum_us;
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* What was read of one or several. */
struct histogram_counts {
	uint64_t total;
	uint64_t sum_us;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The bucket of <us>. */
static inline unsigned histogram_bucket(uint64_t us)
{
	unsigned bit;

	if (us < (1u << HISTOGRAM_FIRST_BIT))
		return 0;
	bit = 63u - (unsigned)__builtin_clzll(us);
	if (bit >= HISTOGRAM_FIRST_BIT + HISTOGRAM_OCTAVES)
		return HISTOGRAM_BUCKETS - 1;
	return 1 + 4 * (bit - HISTOGRAM_FIRST_BIT) + (unsigned)(us >> (bit - 2) & 3);
}

/* By the owning thread only. */
static inline void histogram_add(struct histogram *h, uint64_t us)
{
	_Atomic uint64_t *bucket = &h->buckets[histogram_bucket(us)];

	atomic_store_explicit(bucket, atomic_load_explicit(bucket, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&h->sum_us,
			      atomic_load_explicit(&h->sum_us, memory_order_relaxed) + us,
			      memory_order_relaxed);
}

/* Durations in bucket <i> are shorter than this many microseconds; UINT64_MAX for the last. */
uint64_t histogram_bound(unsigned i);

/* Add what <h> holds now to <counts>; from any thread. */
void histogram_read(const struct histogram *h, struct histogram_counts *counts);

/* What came between <before> and <now>. */
void histogram_since(const struct histogram_counts *now,
		     const struct histogram_counts *before, struct histogram_counts *out);

/*
 * The duration that <share> (0..1) of all are not longer than, in microseconds, interpolated
 * in its bucket.  False: there are none.
 */
RMX_MUST_CHECK
bool histogram_quantile(const struct histogram_counts *counts, double share, uint64_t *us);

#endif
