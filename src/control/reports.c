/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of SHOW READMUX; see reports.h. */
#include <readmux/base/clock.h>
#include <readmux/control/reports.h>
#include <readmux/relay/report.h>

#include <unistd.h>

/* --- small figures ------------------------------------------------------------------ */

static void put_rate(struct table *t, double rate)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "%.2f", rate);
	table_put_text(t, text);
}

static void put_us(struct table *t, uint32_t us)
{
	if (us == UINT32_MAX)
		table_put_text(t, NULL);
	else
		table_put_number(t, us);
}

/* A time of clock_now_us() as seconds since 1970. */
static void put_since(struct table *t, uint64_t then_us)
{
	if (then_us == 0)
		table_put_text(t, NULL);
	else
		table_put_seconds(t, clock_wall_us() - (clock_now_us() - then_us));
}

/* --- status --------------------------------------------------------------------------- */

static const struct table_column status_columns[] = {
	{ "name", TABLE_TEXT, "which figure" },
	{ "value", TABLE_TEXT, "now" },
};

static void put_status(struct table *t, const char *name, const char *value)
{
	table_put_text(t, name);
	table_put_text(t, value);
}

static void fill_status(const struct overview *o, struct table *t)
{
	char words[160], text[40];
	size_t n;
	const struct stat_info *rows = stats_table(&n);

	put_status(t, "version", RMX_VERSION);
	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	put_status(t, "pid", text);
	(void)snprintf(text, sizeof(text), "%llu",
		       (unsigned long long)((clock_wall_us() - o->started_us) / 1000000));
	put_status(t, "uptime_seconds", text);
	(void)snprintf(text, sizeof(text), "%zu", o->worker_count);
	put_status(t, "workers", text);
	put_status(t, "ready", overview_is_ready(o, words, sizeof(words)) ? "yes" : words);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)
			       observer_sum(o->workers, o->worker_count, &rows[i]));
		put_status(t, rows[i].name, text);
	}
}

/* --- backends ------------------------------------------------------------------------- */

static const struct table_column backend_columns[] = {
	{ "name", TABLE_TEXT, "of the pod" },
	{ "ordinal", TABLE_NUMBER, "0 is the primary" },
	{ "role", TABLE_TEXT, "primary or replica" },
	{ "state", TABLE_TEXT, "what it is used for" },
	{ "usable", TABLE_TRUTH, "it takes new statements" },
	{ "writable", TABLE_TRUTH, "it takes writes" },
	{ "drained", TABLE_TRUTH, "an operator has taken it out" },
	{ "address", TABLE_TEXT, "where it is" },
	{ "cause", TABLE_TEXT, "why it is in its state" },
	{ "since", TABLE_NUMBER, "when it came into its state, in seconds since 1970" },
	{ "lag_ms", TABLE_NUMBER, "how far it is behind the primary" },
	{ "lag_state", TABLE_TEXT, "whether that is known" },
	{ "weight", TABLE_NUMBER, "its share of reads, in percent of a full one" },
	{ "server_id", TABLE_NUMBER, "as the server says" },
	{ "server_version", TABLE_TEXT, "as the server says" },
	{ "hostname", TABLE_TEXT, "as the server says" },
	{ "connections", TABLE_NUMBER, "open connections to it" },
	{ "leased", TABLE_NUMBER, "connections that sessions hold" },
	{ "in_flight", TABLE_NUMBER, "statements that run there" },
	{ "waiting", TABLE_NUMBER, "statements that wait for a connection to it" },
	{ "statements_total", TABLE_NUMBER, "statements sent there" },
	{ "errors_total", TABLE_NUMBER, "errors that it has answered" },
	{ "statements_per_second", TABLE_NUMBER, "in the last second" },
	{ "errors_per_second", TABLE_NUMBER, "in the last second" },
	{ "p50_us", TABLE_NUMBER, "time of a statement in the last second, median" },
	{ "p99_us", TABLE_NUMBER, "the same, 99th percentile" },
};

static const char *lag_state_name(enum lag_state state)
{
	static const char *const names[] = {
		[LAG_UNKNOWN] = "unknown", [LAG_KNOWN] = "known",
		[LAG_STOPPED] = "stopped", [LAG_SECRET] = "secret",
	};

	return names[state];
}

static void put_verdict(struct table *t, const struct backend_view *v)
{
	char address[ADDRESS_TEXT_MAX];

	address_format(&v->address, address, sizeof(address));
	table_put_text(t, v->name);
	table_put_number(t, v->ordinal);
	table_put_text(t, v->role == BACKEND_PRIMARY ? "primary" : "replica");
	table_put_text(t, backend_state_name(v->state));
	table_put_truth(t, v->usable);
	table_put_truth(t, v->writable);
	table_put_truth(t, v->state == BACKEND_IS_HELD);
	table_put_text(t, address);
	table_put_text(t, v->cause);
	put_since(t, v->since_us);
}

static void put_facts(struct table *t, const struct backend_view *v)
{
	bool lag_known = v->role == BACKEND_REPLICA && v->lag_state == LAG_KNOWN;

	if (lag_known)
		table_put_number(t, v->lag_ms);
	else
		table_put_text(t, NULL);
	table_put_text(t, v->role == BACKEND_REPLICA ? lag_state_name(v->lag_state) : NULL);
	table_put_number(t, v->weight);
	if (v->facts.known)
		table_put_number(t, v->facts.server_id);
	else
		table_put_text(t, NULL);
	table_put_text(t, v->facts.known ? server_version(&v->facts) : NULL);
	table_put_text(t, v->facts.known ? v->facts.hostname : NULL);
}

static void put_sum(const struct overview *o, struct table *t, unsigned ordinal,
		    const char *name)
{
	size_t n;
	const struct stat_info *rows = stats_backend_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].name, name) == 0)
			table_put_number(t, observer_sum_backend(o->workers, o->worker_count,
								 ordinal, &rows[i]));
	}
}

static void put_traffic(const struct overview *o, struct table *t, unsigned ordinal)
{
	static const char *const sums[] = {
		"connections", "connections_leased", "in_flight", "waiting", "statements_total",
		"errors_total",
	};
	const struct observed *last = observer_of(o->observer, ordinal, 0);

	for (size_t i = 0; i < ARRAY_LEN(sums); i++)
		put_sum(o, t, ordinal, sums[i]);
	put_rate(t, last != NULL ? (double)last->statements_per_second : 0);
	put_rate(t, last != NULL ? (double)last->errors_per_second : 0);
	put_us(t, last != NULL ? last->p50_us : UINT32_MAX);
	put_us(t, last != NULL ? last->p99_us : UINT32_MAX);
}

static void fill_backends(const struct overview *o, struct table *t)
{
	for (size_t i = 0; i < o->topology->n; i++) {
		const struct backend_view *v = &o->topology->backends[i];

		put_verdict(t, v);
		put_facts(t, v);
		put_traffic(o, t, v->ordinal);
	}
}

/* --- pools ----------------------------------------------------------------------------- */

static const struct table_column pool_columns[] = {
	{ "worker", TABLE_NUMBER, "thread" },
	{ "backend", TABLE_TEXT, "server" },
	{ "open", TABLE_NUMBER, "connections, also those being opened" },
	{ "leased", TABLE_NUMBER, "of these, those that sessions hold" },
	{ "idle", TABLE_NUMBER, "those that nobody uses" },
	{ "dialing", TABLE_NUMBER, "those being opened" },
	{ "waiting", TABLE_NUMBER, "statements that wait for one" },
	{ "limit", TABLE_NUMBER, "most that this worker opens" },
	{ "in_flight", TABLE_NUMBER, "statements that run there" },
	{ "latency_us", TABLE_NUMBER, "response time as balancing sees it" },
};

static void put_pool(struct table *t, size_t worker, const char *name,
		     const struct backend_stats *b)
{
	uint64_t open = STAT_GET(b, connections), leased = STAT_GET(b, connections_leased);
	uint64_t dialing = STAT_GET(b, connections_dialing);
	uint64_t busy = leased + dialing;

	table_put_number(t, worker);
	table_put_text(t, name);
	table_put_number(t, open);
	table_put_number(t, leased);
	table_put_number(t, open > busy ? open - busy : 0);
	table_put_number(t, dialing);
	table_put_number(t, STAT_GET(b, waiting));
	table_put_number(t, STAT_GET(b, connections_limit));
	table_put_number(t, STAT_GET(b, in_flight));
	table_put_number(t, STAT_GET(b, latency_us));
}

static void fill_pools(const struct overview *o, struct table *t)
{
	for (size_t w = 0; w < o->worker_count; w++) {
		for (size_t i = 0; i < o->topology->n; i++) {
			const struct backend_view *v = &o->topology->backends[i];
			const struct backend_stats *b =
				stats_backend_of(o->workers[w], v->ordinal);

			if (b != NULL)
				put_pool(t, w, v->name, b);
		}
	}
}

/* --- reasons --------------------------------------------------------------------------- */

static const struct table_column reason_columns[] = {
	{ "reason", TABLE_TEXT, "why" },
	{ "role", TABLE_TEXT, "where to" },
	{ "total", TABLE_NUMBER, "statements since the start" },
	{ "per_second", TABLE_NUMBER, "in the last second" },
	{ "about", TABLE_TEXT, "the reason in words" },
};

static void put_reason(const struct overview *o, struct table *t, enum route_reason reason,
		       const char *role, unsigned first, unsigned end)
{
	uint64_t total = 0;

	for (unsigned ordinal = first; ordinal < end; ordinal++)
		total += observer_sum_routed(o->workers, o->worker_count, ordinal, reason);
	if (total == 0)
		return;
	table_put_text(t, reason_word(reason));
	table_put_text(t, role);
	table_put_number(t, total);
	put_rate(t, observer_reason_rate(o->observer, first > 0, reason));
	table_put_text(t, reason_text(reason));
}

static void fill_reasons(const struct overview *o, struct table *t)
{
	for (unsigned r = 0; r < REASON_COUNT; r++) {
		put_reason(o, t, (enum route_reason)r, "primary", 0, 1);
		put_reason(o, t, (enum route_reason)r, "replica", 1, STATS_BACKENDS_MAX);
	}
	table_sort(t, 2);
}

/* --- settings and events ---------------------------------------------------------------- */

static const struct table_column setting_columns[] = {
	{ "name", TABLE_TEXT, "as in the configuration" },
	{ "value", TABLE_TEXT, "in force; secrets as ***" },
	{ "pending", TABLE_TEXT, "what the configuration says since a reload, and a restart would bring; NULL: the same" },
	{ "default", TABLE_TEXT, "without configuration" },
	{ "reloadable", TABLE_TRUTH, "a reload changes it" },
	{ "help", TABLE_TEXT, "what it does" },
};

static void fill_settings(const struct overview *o, struct table *t)
{
	size_t n;
	const struct setting *rows = settings_table(&n);

	for (size_t i = 0; i < n; i++) {
		char value[2048];

		setting_format(o->settings, &rows[i], false, value, sizeof(value));
		table_put_text(t, rows[i].path);
		table_put_text(t, value);
		table_put_text(t, o->pending != NULL && o->pending->values != NULL ?
			       o->pending->values[i] : NULL);
		table_put_text(t, rows[i].preset);
		table_put_truth(t, (rows[i].flags & SETTING_RELOAD) != 0);
		table_put_text(t, rows[i].about);
	}
}

static const struct table_column event_columns[] = {
	{ "number", TABLE_NUMBER, "counts from 1" },
	{ "time", TABLE_NUMBER, "seconds since 1970" },
	{ "level", TABLE_TEXT, "info, warn or error" },
	{ "event", TABLE_TEXT, "what" },
	{ "backend", TABLE_TEXT, "to which server" },
	{ "words", TABLE_TEXT, "how, or why" },
};

static void fill_events(const struct overview *o, struct table *t)
{
	const struct event_entry *e;

	for (size_t back = 0; (e = events_last(o->events, back)) != NULL; back++) {
		table_put_number(t, e->number);
		table_put_seconds(t, e->us);
		table_put_text(t, log_level_name(e->level));
		table_put_text(t, e->event);
		table_put_text(t, e->backend[0] != '\0' ? e->backend : NULL);
		table_put_text(t, e->words);
	}
}

/* --- the list --------------------------------------------------------------------------- */

static const struct {
	const struct table_column *columns;
	unsigned                   width;
	void                     (*fill)(const struct overview *o, struct table *t);
} reports[REPORT_COUNT] = {
	[REPORT_STATUS] = { status_columns, ARRAY_LEN(status_columns), fill_status },
	[REPORT_BACKENDS] = { backend_columns, ARRAY_LEN(backend_columns), fill_backends },
	[REPORT_POOLS] = { pool_columns, ARRAY_LEN(pool_columns), fill_pools },
	[REPORT_REASONS] = { reason_columns, ARRAY_LEN(reason_columns), fill_reasons },
	[REPORT_SETTINGS] = { setting_columns, ARRAY_LEN(setting_columns), fill_settings },
	[REPORT_EVENTS] = { event_columns, ARRAY_LEN(event_columns), fill_events },
};

bool reports_is_of_control(enum report report)
{
	return reports[report].fill != NULL;
}

struct table reports_table(enum report report)
{
	if (!reports_is_of_control(report))
		return relay_report_table(report);
	return (struct table){
		.columns = reports[report].columns, .width = reports[report].width,
	};
}

void reports_fill(const struct overview *o, enum report report, struct table *t)
{
	reports[report].fill(o, t);
}
