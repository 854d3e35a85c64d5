/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of counters as tables, and what is counted by name; see stats.h. */
#include <readmux/model/stats.h>

static const struct stat_info worker_table[] = {
#define X(name, kind, help) \
	{ #name, STAT_KIND_##kind, help, offsetof(struct worker_stats, name) },
	WORKER_STATS(X)
#undef X
};

static const struct stat_info backend_table[] = {
#define X(name, kind, help) \
	{ #name, STAT_KIND_##kind, help, offsetof(struct backend_stats, name) },
	BACKEND_STATS(X)
#undef X
};

static const struct {
	const char *name, *help;
} times[] = {
#define X(name, help) { #name, help },
	BACKEND_TIMES(X)
#undef X
};

const struct stat_info *stats_table(size_t *n)
{
	*n = ARRAY_LEN(worker_table);
	return worker_table;
}

const struct stat_info *stats_backend_table(size_t *n)
{
	*n = ARRAY_LEN(backend_table);
	return backend_table;
}

const char *stats_login_word(enum login_result result)
{
	static const char *const words[] = {
#define X(constant, word, what) [LOGIN_##constant] = word,
		LOGIN_RESULTS(X)
#undef X
	};

	return words[result];
}

const char *stats_time_name(enum backend_time time)
{
	return times[time].name;
}

const char *stats_time_help(enum backend_time time)
{
	return times[time].help;
}

uint64_t stats_read(const void *counters, const struct stat_info *row)
{
	const char *field = (const char *)counters + row->offset;

	return atomic_load_explicit((const _Atomic uint64_t *)(const void *)field,
				    memory_order_relaxed);
}

struct backend_stats *stats_backend(struct worker_stats *stats, unsigned ordinal)
{
	struct backend_stats *b;

	assert(ordinal < STATS_BACKENDS_MAX);
	b = atomic_load_explicit(&stats->backends[ordinal], memory_order_relaxed);
	if (b != NULL)
		return b;
	b = calloc(1, sizeof(*b));
	atomic_store_explicit(&stats->backends[ordinal], b, memory_order_release);
	return b;
}

const struct backend_stats *stats_backend_of(const struct worker_stats *stats, unsigned ordinal)
{
	return atomic_load_explicit(&stats->backends[ordinal], memory_order_acquire);
}

struct user_stats *stats_user(struct worker_stats *stats, struct span user)
{
	size_t n = atomic_load_explicit(&stats->user_count, memory_order_relaxed);
	struct user_stats *last = &stats->users[STATS_USERS_MAX - 1], *fresh;

	for (size_t i = 0; i < n; i++) {
		if (span_is(user, stats->users[i].name))
			return &stats->users[i];
	}
	if (n == STATS_USERS_MAX - 1 || user.len >= STATS_USER_NAME_MAX)
		return last;
	fresh = &stats->users[n];
	(void)span_copy(user, fresh->name, sizeof(fresh->name));
	atomic_store_explicit(&stats->user_count, n + 1, memory_order_release);
	return fresh;
}

void stats_server_error(struct worker_stats *stats, uint16_t number)
{
	struct error_stats *e = stats->server_errors;
	struct error_stats *last = &stats->server_errors[STATS_ERRORS_MAX - 1];

	while (e < last && STAT_GET(e, number) != number && STAT_GET(e, number) != 0)
		e++;
	if (e < last)
		atomic_store_explicit(&e->number, number, memory_order_relaxed);
	STAT_INC(e, total);
}

void stats_clear(struct worker_stats *stats)
{
	for (size_t i = 0; i < STATS_BACKENDS_MAX; i++)
		free(atomic_exchange(&stats->backends[i], NULL));
}
