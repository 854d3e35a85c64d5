/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went on lately: looks at the workers' counters each second, and keeps rates and
 * quantiles of the last minutes for each backend.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_OBSERVER_H
#define READMUX_CONTROL_OBSERVER_H

#include <readmux/model/stats.h>
#include <readmux/model/topology.h>

#define OBSERVER_STEP_US 1000000u
#define OBSERVER_STEPS   300u

/* One backend in one step. */
struct observed {
	float    statements_per_second;
	float    errors_per_second;
	uint32_t p50_us, p99_us;	/* UINT32_MAX: no statement ended */
	uint8_t  state;			/* enum backend_state */
	bool     known;			/* it was in the topology */
};

struct observer;

/* NULL: no memory. */
struct observer *observer_new(void);
void observer_free(struct observer *o);

/* A step is over. */
void observer_step(struct observer *o, const struct worker_stats *const *workers, size_t n,
		   const struct topology *topology);

/* How many steps there are, at most OBSERVER_STEPS. */
size_t observer_steps(const struct observer *o);

/* <back> steps before the last one, which is 0.  NULL: nothing was ever seen of it. */
const struct observed *observer_of(const struct observer *o, unsigned ordinal, size_t back);

/* Statements per second in the last step for <reason>, on the primary or on replicas. */
double observer_reason_rate(const struct observer *o, bool replica, enum route_reason reason);

/* Counters of all workers, added up; see the table's row. */
uint64_t observer_sum(const struct worker_stats *const *workers, size_t n,
		      const struct stat_info *row);
uint64_t observer_sum_backend(const struct worker_stats *const *workers, size_t n,
			      unsigned ordinal, const struct stat_info *row);
uint64_t observer_sum_routed(const struct worker_stats *const *workers, size_t n,
			     unsigned ordinal, enum route_reason reason);
void observer_sum_times(const struct worker_stats *const *workers, size_t n, unsigned ordinal,
			enum backend_time time, struct histogram_counts *counts);

#endif
