/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of counters as a table, and adding workers up; see stats.h. */
#include <readmux/model/stats.h>

static const struct stat_info table[] = {
#define X(name, kind, help) \
	{ #name, STAT_KIND_##kind, help, offsetof(struct worker_stats, name) },
	WORKER_STATS(X)
#undef X
};

const struct stat_info *stats_table(size_t *n)
{
	*n = ARRAY_LEN(table);
	return table;
}

uint64_t stats_read(const struct worker_stats *stats, const struct stat_info *row)
{
	const char *field = (const char *)stats + row->offset;

	return atomic_load_explicit((const _Atomic uint64_t *)(const void *)field,
				    memory_order_relaxed);
}

void stats_sum(struct worker_stats *into, const struct worker_stats *from)
{
#define X(name, kind, help) STAT_ADD(into, name, STAT_GET(from, name));
	WORKER_STATS(X)
#undef X
	for (size_t i = 0; i < REASON_COUNT; i++)
		STAT_ADD(into, routed[i], STAT_GET(from, routed[i]));
}
