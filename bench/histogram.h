/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Latencies, counted in buckets that are at most 1.6 % wide: every power of
 * two of nanoseconds is cut into HISTOGRAM_PARTS equal parts.
 */
#ifndef READMUX_BENCH_HISTOGRAM_H
#define READMUX_BENCH_HISTOGRAM_H

#include <readmux/base/common.h>

#define HISTOGRAM_PART_BITS 6u
#define HISTOGRAM_PARTS     (1u << HISTOGRAM_PART_BITS)
#define HISTOGRAM_BUCKETS   ((64u - HISTOGRAM_PART_BITS + 1) * HISTOGRAM_PARTS)

struct histogram {
	uint64_t total;
	uint64_t count[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);

/* Nanoseconds below which <share> (0..1) of all values lie; 0 without values. */
uint64_t histogram_quantile(const struct histogram *h, double share);

#endif
