/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading durations that were counted in buckets; see histogram.h. */
#include <readmux/model/histogram.h>

uint64_t histogram_bound(unsigned i)
{
	unsigned bit = HISTOGRAM_FIRST_BIT + (i - 1) / 4;

	if (i == 0)
		return 1u << HISTOGRAM_FIRST_BIT;
	if (i == HISTOGRAM_BUCKETS - 1)
		return UINT64_MAX;
	return (UINT64_C(1) << bit) + ((uint64_t)((i - 1) % 4 + 1) << (bit - 2));
}

void histogram_read(const struct histogram *h, struct histogram_counts *counts)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t n = atomic_load_explicit(&h->buckets[i], memory_order_relaxed);

		counts->buckets[i] += n;
		counts->total += n;
	}
	counts->sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}

void histogram_since(const struct histogram_counts *now,
		     const struct histogram_counts *before, struct histogram_counts *out)
{
	out->total = now->total - before->total;
	out->sum_us = now->sum_us - before->sum_us;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		out->buckets[i] = now->buckets[i] - before->buckets[i];
}

bool histogram_quantile(const struct histogram_counts *counts, double share, uint64_t *us)
{
	double wanted = share * (double)counts->total, below = 0;

	if (counts->total == 0)
		return false;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		double here = (double)counts->buckets[i];
		uint64_t low = i == 0 ? 0 : histogram_bound(i - 1);

		if (here == 0 || below + here < wanted) {
			below += here;
			continue;
		}
		*us = low;
		if (i < HISTOGRAM_BUCKETS - 1)
			*us += (uint64_t)((double)(histogram_bound(i) - low) *
					  (wanted - below) / here);
		return true;
	}
	*us = histogram_bound(HISTOGRAM_BUCKETS - 2);
	return true;
}
