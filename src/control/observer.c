/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates and quantiles of the last minutes; see observer.h. */
#include <readmux/base/clock.h>
#include <readmux/control/observer.h>

/* One backend; made when it is seen first. */
struct trace {
	uint64_t                statements, errors;	/* at the last step */
	struct histogram_counts times;
	struct observed         ring[OBSERVER_STEPS];
};

struct observer {
	uint64_t      steps;
	uint64_t      last_us;
	uint64_t      reasons[2][REASON_COUNT];		/* on the primary; on replicas */
	double        reason_rates[2][REASON_COUNT];
	struct trace *traces[STATS_BACKENDS_MAX];
};

struct observer *observer_new(void)
{
	struct observer *o = calloc(1, sizeof(*o));

	if (o != NULL)
		o->last_us = clock_now_us();
	return o;
}

void observer_free(struct observer *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < STATS_BACKENDS_MAX; i++)
		free(o->traces[i]);
	free(o);
}

/* --- sums --------------------------------------------------------------------------- */

uint64_t observer_sum(const struct worker_stats *const *workers, size_t n,
		      const struct stat_info *row)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += stats_read(workers[i], row);
	return sum;
}

uint64_t observer_sum_backend(const struct worker_stats *const *workers, size_t n,
			      unsigned ordinal, const struct stat_info *row)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		const struct backend_stats *b = stats_backend_of(workers[i], ordinal);

		sum += b != NULL ? stats_read(b, row) : 0;
	}
	return sum;
}

uint64_t observer_sum_routed(const struct worker_stats *const *workers, size_t n,
			     unsigned ordinal, enum route_reason reason)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		const struct backend_stats *b = stats_backend_of(workers[i], ordinal);

		sum += b != NULL ? STAT_GET(b, routed[reason]) : 0;
	}
	return sum;
}

void observer_sum_times(const struct worker_stats *const *workers, size_t n, unsigned ordinal,
			enum backend_time time, struct histogram_counts *counts)
{
	for (size_t i = 0; i < n; i++) {
		const struct backend_stats *b = stats_backend_of(workers[i], ordinal);

		if (b != NULL)
			histogram_read(&b->times[time], counts);
	}
}

/* --- steps -------------------------------------------------------------------------- */

/* Of one backend, all workers. */
static void count(const struct worker_stats *const *workers, size_t n, unsigned ordinal,
		  struct trace *now)
{
	for (size_t i = 0; i < n; i++) {
		const struct backend_stats *b = stats_backend_of(workers[i], ordinal);

		if (b == NULL)
			continue;
		now->statements += STAT_GET(b, statements_total);
		now->errors += STAT_GET(b, errors_total);
		histogram_read(&b->times[BACKEND_TIME_statement], &now->times);
	}
}

static uint32_t quantile(const struct histogram_counts *counts, double share)
{
	uint64_t us;

	if (!histogram_quantile(counts, share, &us))
		return UINT32_MAX;
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX - 1;
}

static const struct backend_view *view_of(const struct topology *t, unsigned ordinal)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].ordinal == ordinal)
			return &t->backends[i];
	}
	return NULL;
}

static void step_backend(struct trace *trace, const struct trace *now,
			 const struct backend_view *view, double seconds, struct observed *out)
{
	struct histogram_counts between;

	histogram_since(&now->times, &trace->times, &between);
	*out = (struct observed){
		.statements_per_second =
			(float)((double)(now->statements - trace->statements) / seconds),
		.errors_per_second = (float)((double)(now->errors - trace->errors) / seconds),
		.p50_us = quantile(&between, 0.5),
		.p99_us = quantile(&between, 0.99),
		.state = view != NULL ? (uint8_t)view->state : 0,
		.known = view != NULL,
	};
	trace->statements = now->statements;
	trace->errors = now->errors;
	trace->times = now->times;
}

static void step_reasons(struct observer *o, const struct worker_stats *const *workers,
			 size_t n, double seconds)
{
	for (unsigned r = 0; r < REASON_COUNT; r++) {
		uint64_t sums[2] = { 0, 0 };

		for (unsigned ordinal = 0; ordinal < STATS_BACKENDS_MAX; ordinal++)
			sums[ordinal > 0] += observer_sum_routed(workers, n, ordinal,
								 (enum route_reason)r);
		for (unsigned role = 0; role < 2; role++) {
			o->reason_rates[role][r] =
				(double)(sums[role] - o->reasons[role][r]) / seconds;
			o->reasons[role][r] = sums[role];
		}
	}
}

void observer_step(struct observer *o, const struct worker_stats *const *workers, size_t n,
		   const struct topology *topology)
{
	uint64_t us = clock_now_us();
	double seconds = (double)(us - o->last_us + 1) / 1e6;
	size_t place = o->steps % OBSERVER_STEPS;

	for (unsigned i = 0; i < STATS_BACKENDS_MAX; i++) {
		const struct backend_view *view = view_of(topology, i);
		struct trace now = { 0 };

		if (o->traces[i] == NULL && view != NULL)
			o->traces[i] = calloc(1, sizeof(*o->traces[i]));
		if (o->traces[i] == NULL)
			continue;
		count(workers, n, i, &now);
		step_backend(o->traces[i], &now, view, seconds, &o->traces[i]->ring[place]);
	}
	step_reasons(o, workers, n, seconds);
	o->last_us = us;
	o->steps++;
}

size_t observer_steps(const struct observer *o)
{
	return o->steps < OBSERVER_STEPS ? o->steps : OBSERVER_STEPS;
}

const struct observed *observer_of(const struct observer *o, unsigned ordinal, size_t back)
{
	if (ordinal >= STATS_BACKENDS_MAX || o->traces[ordinal] == NULL ||
	    back >= observer_steps(o))
		return NULL;
	return &o->traces[ordinal]->ring[(o->steps - 1 - back) % OBSERVER_STEPS];
}

double observer_reason_rate(const struct observer *o, bool replica, enum route_reason reason)
{
	return o->reason_rates[replica][reason];
}
