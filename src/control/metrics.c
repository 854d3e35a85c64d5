/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics for Prometheus; see metrics.h. */
#include <readmux/base/clock.h>
#include <readmux/base/error.h>
#include <readmux/base/utf8.h>
#include <readmux/control/metrics.h>
#include <readmux/relay/report.h>

#include <dirent.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct page {
	FILE                  *out;
	const struct overview *o;
	struct fleet_counts    counts;
};

typedef unsigned long long number;

#define NAME_MAX_LEN 96u
#define LISTED_KEPT_US 30000000u

/* --- pieces ------------------------------------------------------------------------- */

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	(void)fprintf(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

#define REPLACEMENT "\xef\xbf\xbd"	/* U+FFFD */

/* The character at the start of <text>, as the format wants it; its length. */
static size_t put_character(FILE *out, struct span text)
{
	size_t len = utf8_character(text);

	if (len == 0 || span_is(span_head(text, 3), REPLACEMENT)) {
		(void)fprintf(out, REPLACEMENT "%02x", text.data[0]);
		return 1;
	}
	if (text.data[0] == '"' || text.data[0] == '\\')
		(void)fputc('\\', out);
	if (text.data[0] == '\n')
		(void)fputs("\\n", out);
	else
		(void)fwrite(text.data, 1, len, out);
	return len;
}

/*
 * A label's value in UTF-8.  Different values stay different, or two users would make one
 * series twice, for which the whole scrape is refused: another byte becomes U+FFFD with the
 * byte in hex, and so do the bytes of a U+FFFD.
 */
static void put_label(FILE *out, const char *name, const char *value)
{
	struct span left = span_of(value);

	(void)fprintf(out, "%s=\"", name);
	while (left.len > 0)
		left = span_from(left, put_character(out, left));
	(void)fputc('"', out);
}

/* Name of the backend with <ordinal>, also when it is gone; NULL: never known. */
static const char *backend_name(const struct page *p, unsigned ordinal)
{
	const char *name = p->counts.backends[ordinal].name;

	return name[0] != '\0' ? name : NULL;
}

static void put_backend(const struct page *p, const char *name, unsigned ordinal)
{
	(void)fprintf(p->out, "%s{", name);
	put_label(p->out, "backend", backend_name(p, ordinal));
	(void)fprintf(p->out, ",role=\"%s\"", ordinal == 0 ? "primary" : "replica");
}

static void put_histogram(const struct page *p, const char *name, unsigned ordinal,
			  const struct histogram_counts *counts)
{
	char part[NAME_MAX_LEN + sizeof("_bucket")];
	uint64_t below = 0;

	(void)snprintf(part, sizeof(part), "%s_bucket", name);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += counts->buckets[i];
		if (i % 4 != 0)
			continue;	/* a power of two is enough for those who store it */
		put_backend(p, part, ordinal);
		(void)fprintf(p->out, ",le=\"%.9g\"} %" PRIu64 "\n",
			      (double)histogram_bound(i) / 1e6, below);
	}
	put_backend(p, part, ordinal);
	(void)fprintf(p->out, ",le=\"+Inf\"} %" PRIu64 "\n", counts->total);
	(void)snprintf(part, sizeof(part), "%s_sum", name);
	put_backend(p, part, ordinal);
	(void)fprintf(p->out, "} %.6f\n", (double)counts->sum_us / 1e6);
	(void)snprintf(part, sizeof(part), "%s_count", name);
	put_backend(p, part, ordinal);
	(void)fprintf(p->out, "} %" PRIu64 "\n", counts->total);
}

/* --- families of their own ------------------------------------------------------------ */

static void write_info(const struct page *p, const char *name)
{
	(void)fprintf(p->out, "%s{", name);
	put_label(p->out, "version", RMX_VERSION);
	(void)fputs("} 1\n", p->out);
}

static void write_ready(const struct page *p, const char *name)
{
	char words[200];

	(void)fprintf(p->out, "%s %d\n", name, overview_is_ready(p->o, words, sizeof(words)));
}

static void write_workers(const struct page *p, const char *name)
{
	(void)fprintf(p->out, "%s %zu\n", name, p->o->worker_count);
}

static void write_reloads(const struct page *p, const char *name)
{
	(void)fprintf(p->out, "%s{result=\"done\"} %" PRIu64 "\n", name, p->o->reloads_done);
	(void)fprintf(p->out, "%s{result=\"refused\"} %" PRIu64 "\n", name,
		      p->o->reloads_refused);
}

static void write_up(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->o->topology->n; i++) {
		const struct backend_view *v = &p->o->topology->backends[i];

		put_backend(p, name, v->ordinal);
		(void)fprintf(p->out, "} %d\n", v->usable);
	}
}

static void write_writable(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->o->topology->n; i++) {
		const struct backend_view *v = &p->o->topology->backends[i];

		if (v->role != BACKEND_PRIMARY)
			continue;
		put_backend(p, name, v->ordinal);
		(void)fprintf(p->out, "} %d\n", v->writable);
	}
}

static void write_state(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->o->topology->n; i++) {
		const struct backend_view *v = &p->o->topology->backends[i];

		for (unsigned state = 0; state < BACKEND_STATE_COUNT; state++) {
			put_backend(p, name, v->ordinal);
			(void)fprintf(p->out, ",state=\"%s\"} %d\n",
				      backend_state_name((enum backend_state)state),
				      v->state == (enum backend_state)state);
		}
	}
}

static void write_lag(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->o->topology->n; i++) {
		const struct backend_view *v = &p->o->topology->backends[i];

		if (v->role != BACKEND_REPLICA || v->lag_state != LAG_KNOWN)
			continue;
		put_backend(p, name, v->ordinal);
		(void)fprintf(p->out, "} %.3f\n", v->lag_ms / 1e3);
	}
}

static void write_changes(const struct page *p, const char *name)
{
	for (unsigned i = 0; i < STATS_BACKENDS_MAX; i++) {
		if (backend_name(p, i) == NULL)
			continue;
		put_backend(p, name, i);
		(void)fprintf(p->out, "} %" PRIu64 "\n", p->counts.backends[i].changes);
	}
}

static void write_probes(const struct page *p, const char *name)
{
	for (unsigned i = 0; i < STATS_BACKENDS_MAX; i++) {
		if (backend_name(p, i) == NULL)
			continue;
		put_backend(p, name, i);
		(void)fprintf(p->out, ",result=\"good\"} %" PRIu64 "\n",
			      p->counts.backends[i].probes_good);
		put_backend(p, name, i);
		(void)fprintf(p->out, ",result=\"failed\"} %" PRIu64 "\n",
			      p->counts.backends[i].probes_failed);
	}
}

static void write_dns(const struct page *p, const char *name)
{
	static const char *const results[] = {
		[RESOLVER_FOUND] = "found", [RESOLVER_GONE] = "gone",
		[RESOLVER_FAILED] = "failed",
	};

	for (size_t i = 0; i < ARRAY_LEN(results); i++)
		(void)fprintf(p->out, "%s{result=\"%s\"} %" PRIu64 "\n", name, results[i],
			      p->counts.dns_answers[i]);
}

static void write_routed(const struct page *p, const char *name)
{
	for (unsigned i = 0; i < STATS_BACKENDS_MAX; i++) {
		for (unsigned r = 0; r < REASON_COUNT && backend_name(p, i) != NULL; r++) {
			uint64_t sum = observer_sum_routed(p->o->workers, p->o->worker_count, i,
							   (enum route_reason)r);

			put_backend(p, name, i);
			(void)fprintf(p->out, ",reason=\"%s\"} %" PRIu64 "\n",
				      reason_word((enum route_reason)r), sum);
		}
	}
}

static void write_phases(const struct page *p, const char *name)
{
	const char *phase_name;

	for (unsigned phase = 0; (phase_name = relay_phase_name(phase)) != NULL; phase++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < p->o->worker_count; i++)
			sum += STAT_GET(p->o->workers[i], phases[phase]);
		(void)fprintf(p->out, "%s{phase=\"%s\"} %" PRIu64 "\n", name, phase_name, sum);
	}
}

static void write_own_errors(const struct page *p, const char *name)
{
	for (unsigned e = RMX_OK + 1; e < RMX_ERROR_COUNT; e++) {
		const struct rmx_error_info *info = rmx_error_info((enum rmx_error)e);
		uint64_t sum = 0;

		for (size_t i = 0; i < p->o->worker_count; i++)
			sum += STAT_GET(p->o->workers[i], own_errors[e]);
		(void)fprintf(p->out, "%s{error=\"%s\",number=\"%u\"} %" PRIu64 "\n", name,
			      info->name, info->number, sum);
	}
}

static void write_logins(const struct page *p, const char *name)
{
	for (unsigned r = 0; r < LOGIN_RESULT_COUNT; r++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < p->o->worker_count; i++)
			sum += STAT_GET(p->o->workers[i], logins[r]);
		(void)fprintf(p->out, "%s{result=\"%s\"} %" PRIu64 "\n", name,
			      stats_login_word((enum login_result)r), sum);
	}
}

/* Numbers are few; each worker has its own list of them. */
static void write_server_errors(const struct page *p, const char *name)
{
	struct { uint32_t number; uint64_t total; } all[4 * STATS_ERRORS_MAX];
	size_t n = 1;

	all[0].number = 0;
	all[0].total = 0;
	for (size_t w = 0; w < p->o->worker_count; w++) {
		for (size_t i = 0; i < STATS_ERRORS_MAX; i++) {
			const struct error_stats *e = &p->o->workers[w]->server_errors[i];
			uint32_t error = STAT_GET(e, number);
			size_t at = 0;

			while (at < n && all[at].number != error)
				at++;
			if (at == n && n < ARRAY_LEN(all)) {
				all[n].number = error;
				all[n++].total = 0;
			}
			all[at < n ? at : 0].total += STAT_GET(e, total);
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)fprintf(p->out, "%s{number=\"%" PRIu32 "\"} %" PRIu64 "\n", name,
				      all[i].number, all[i].total);
		else if (all[i].total > 0)
			(void)fprintf(p->out, "%s{number=\"other\"} %" PRIu64 "\n", name,
				      all[i].total);
	}
}

/* --- users ------------------------------------------------------------------------------ */

struct user_sum {
	const char *name;
	uint64_t    primary, replica, errors, sessions;
};

/* Every user of every worker once; first, without a name, those for whom there was no place. */
static size_t sum_users(const struct overview *o, struct user_sum *sums, size_t room)
{
	size_t n = 1;

	sums[0] = (struct user_sum){ .name = NULL };
	for (size_t w = 0; w < o->worker_count; w++) {
		for (size_t i = 0; i < STATS_USERS_MAX; i++) {
			const struct user_stats *u = &o->workers[w]->users[i];
			bool named = i < atomic_load_explicit(&o->workers[w]->user_count,
							      memory_order_acquire);
			size_t at = 1;

			if (!named && i < STATS_USERS_MAX - 1)
				continue;
			while (named && at < n && strcmp(sums[at].name, u->name) != 0)
				at++;
			if (named && at == n && n < room)
				sums[n++] = (struct user_sum){ .name = u->name };
			at = named && at < n ? at : 0;
			sums[at].primary += STAT_GET(u, statements_primary_total);
			sums[at].replica += STAT_GET(u, statements_replica_total);
			sums[at].errors += STAT_GET(u, errors_total);
			sums[at].sessions += STAT_GET(u, sessions);
		}
	}
	return n;
}

static void put_user(const struct page *p, const char *name, const char *user,
		     const char *role, uint64_t value)
{
	(void)fprintf(p->out, "%s{", name);
	put_label(p->out, "user", user != NULL ? user : "(others)");
	if (user == NULL)	/* whatever a user is called, this series is another */
		(void)fputs(",overflow=\"true\"", p->out);
	if (role != NULL)
		(void)fprintf(p->out, ",role=\"%s\"", role);
	(void)fprintf(p->out, "} %" PRIu64 "\n", value);
}

#define USERS_SHOWN (2 * STATS_USERS_MAX)

static void write_user_statements(const struct page *p, const char *name)
{
	struct user_sum sums[USERS_SHOWN];
	size_t n = sum_users(p->o, sums, USERS_SHOWN);

	for (size_t i = 0; i < n; i++) {
		put_user(p, name, sums[i].name, "primary", sums[i].primary);
		put_user(p, name, sums[i].name, "replica", sums[i].replica);
	}
}

static void write_user_errors(const struct page *p, const char *name)
{
	struct user_sum sums[USERS_SHOWN];
	size_t n = sum_users(p->o, sums, USERS_SHOWN);

	for (size_t i = 0; i < n; i++)
		put_user(p, name, sums[i].name, NULL, sums[i].errors);
}

static void write_user_sessions(const struct page *p, const char *name)
{
	struct user_sum sums[USERS_SHOWN];
	size_t n = sum_users(p->o, sums, USERS_SHOWN);

	for (size_t i = 0; i < n; i++)
		put_user(p, name, sums[i].name, NULL, sums[i].sessions);
}

/* --- the process ---------------------------------------------------------------------------- */

static void write_loop_delay(const struct page *p, const char *name)
{
	for (size_t w = 0; w < p->o->worker_count; w++) {
		struct histogram_counts counts = { 0 };
		uint64_t below = 0;

		histogram_read(&p->o->workers[w]->loop_delay, &counts);
		for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
			below += counts.buckets[i];
			if (i % 4 == 0)
				(void)fprintf(p->out, "%s_bucket{worker=\"%zu\",le=\"%.9g\"} %"
					      PRIu64 "\n", name, w,
					      (double)histogram_bound(i) / 1e6, below);
		}
		(void)fprintf(p->out, "%s_bucket{worker=\"%zu\",le=\"+Inf\"} %" PRIu64 "\n",
			      name, w, counts.total);
		(void)fprintf(p->out, "%s_sum{worker=\"%zu\"} %.6f\n", name, w,
			      (double)counts.sum_us / 1e6);
		(void)fprintf(p->out, "%s_count{worker=\"%zu\"} %" PRIu64 "\n", name, w,
			      counts.total);
	}
}

/* Second number of /proc/self/statm: pages. */
static void write_memory(const struct page *p, const char *name)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	number pages = 0;

	if (statm != NULL && fscanf(statm, "%*u %llu", &pages) != 1)
		pages = 0;
	if (statm != NULL)
		(void)fclose(statm);
	(void)fprintf(p->out, "%s %llu\n", name, pages * (number)sysconf(_SC_PAGESIZE));
}

static void write_cpu(const struct page *p, const char *name)
{
	struct rusage use;

	(void)getrusage(RUSAGE_SELF, &use);
	(void)fprintf(p->out, "%s %.6f\n", name,
		      (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		      (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
}

static void write_start(const struct page *p, const char *name)
{
	(void)fprintf(p->out, "%s %.3f\n", name, (double)p->o->started_us / 1e6);
}

#define DESCRIPTORS "/proc/self/fd"

static number list_descriptors(void)
{
	DIR *dir = opendir(DESCRIPTORS);
	number n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		(void)closedir(dir);
	return n > 3 ? n - 3 : 0;	/* ".", ".." and itself */
}

/*
 * Linux 6.2 tells their number as the size of the directory.  Before, they have to be listed,
 * a microsecond each: one page of a few is then as old as that takes to be rare.
 */
static void write_descriptors(const struct page *p, const char *name)
{
	static number listed;
	static uint64_t listed_us;
	uint64_t now = clock_now_us();
	struct stat seen;

	if (stat(DESCRIPTORS, &seen) == 0 && seen.st_size > 0) {
		listed = (number)seen.st_size;
	} else if (listed_us == 0 || now - listed_us > LISTED_KEPT_US) {
		listed = list_descriptors();
		listed_us = now;
	}
	(void)fprintf(p->out, "%s %llu\n", name, listed);
}

static void write_descriptors_max(const struct page *p, const char *name)
{
	struct rlimit limit = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	(void)fprintf(p->out, "%s %llu\n", name, (number)limit.rlim_cur);
}

static const struct family {
	const char *name, *type, *labels, *help;
	void      (*write)(const struct page *p, const char *name);
} families[] = {
	{ "readmux_build_info", "gauge", "version", "Always 1; the version is in the label",
	  write_info },
	{ "readmux_ready", "gauge", "", "1 when new clients should be sent here", write_ready },
	{ "readmux_workers", "gauge", "", "Threads for traffic", write_workers },
	{ "readmux_reloads_total", "counter", "result", "Reloads of the configuration",
	  write_reloads },
	{ "readmux_backend_up", "gauge", "backend, role", "1 when it takes new statements",
	  write_up },
	{ "readmux_backend_writable", "gauge", "backend, role", "1 when the primary takes writes",
	  write_writable },
	{ "readmux_backend_state", "gauge", "backend, role, state",
	  "1 for the state that the backend is in", write_state },
	{ "readmux_backend_lag_seconds", "gauge", "backend, role",
	  "How far a replica is behind the primary; missing while that is not known", write_lag },
	{ "readmux_backend_state_changes_total", "counter", "backend, role",
	  "Changes of the backend's state", write_changes },
	{ "readmux_probes_total", "counter", "backend, role, result", "Health probes",
	  write_probes },
	{ "readmux_dns_answers_total", "counter", "result", "Answers of DNS to discovery",
	  write_dns },
	{ "readmux_backend_routed_total", "counter", "backend, role, reason",
	  "Statements by the reason why they went to the backend", write_routed },
	{ "readmux_sessions_by_phase", "gauge", "phase", "Sessions by what they are doing",
	  write_phases },
#define X(constant, word, what) word " (" what "), "
	{ "readmux_login_results_total", "counter", "result",
	  "Logins by how they ended: " LOGIN_RESULTS(X) "and no other way", write_logins },
#undef X
	{ "readmux_own_errors_total", "counter", "error, number",
	  "Errors that readmux itself told clients", write_own_errors },
	{ "readmux_server_errors_total", "counter", "number",
	  "Errors of servers that went to clients", write_server_errors },
	{ "readmux_user_statements_total", "counter", "user, role, overflow",
	  "Statements by user; users beyond the first 63 of a worker are in the series with "
	  "overflow=\"true\"",
	  write_user_statements },
	{ "readmux_user_errors_total", "counter", "user, overflow", "Errors told to a user's sessions",
	  write_user_errors },
	{ "readmux_user_sessions", "gauge", "user, overflow", "Sessions by user", write_user_sessions },
	{ "readmux_loop_delay_seconds", "histogram", "worker",
	  "How late a worker looks at what has arrived, sampled once a second",
	  write_loop_delay },
	{ "process_resident_memory_bytes", "gauge", "", "Resident memory size", write_memory },
	{ "process_cpu_seconds_total", "counter", "", "User and system CPU time spent",
	  write_cpu },
	{ "process_start_time_seconds", "gauge", "", "Start of the process since 1970",
	  write_start },
	{ "process_open_fds", "gauge", "", "Open file descriptors", write_descriptors },
	{ "process_max_fds", "gauge", "", "Most open file descriptors", write_descriptors_max },
};

/* --- families of the tables of stats.h --------------------------------------------------- */

static const char *type_of(const struct stat_info *row)
{
	return row->kind == STAT_KIND_counter ? "counter" : "gauge";
}

static void write_worker_rows(const struct page *p)
{
	size_t n;
	const struct stat_info *rows = stats_table(&n);

	for (size_t i = 0; i < n; i++) {
		char name[NAME_MAX_LEN];

		(void)snprintf(name, sizeof(name), "readmux_%s", rows[i].name);
		head(p->out, name, type_of(&rows[i]), rows[i].help);
		(void)fprintf(p->out, "%s %" PRIu64 "\n", name,
			      observer_sum(p->o->workers, p->o->worker_count, &rows[i]));
	}
}

/* The balancer's average is each worker's own; the histograms say it better. */
static bool is_metric(const struct stat_info *row)
{
	return strcmp(row->name, "latency_us") != 0;
}

static void write_backend_rows(const struct page *p)
{
	size_t n;
	const struct stat_info *rows = stats_backend_table(&n);

	for (size_t i = 0; i < n; i++) {
		char name[NAME_MAX_LEN];

		if (!is_metric(&rows[i]))
			continue;
		(void)snprintf(name, sizeof(name), "readmux_backend_%s", rows[i].name);
		head(p->out, name, type_of(&rows[i]), rows[i].help);
		for (unsigned ordinal = 0; ordinal < STATS_BACKENDS_MAX; ordinal++) {
			if (backend_name(p, ordinal) == NULL)
				continue;
			put_backend(p, name, ordinal);
			(void)fprintf(p->out, "} %" PRIu64 "\n",
				      observer_sum_backend(p->o->workers, p->o->worker_count,
							   ordinal, &rows[i]));
		}
	}
}

static void write_times(const struct page *p)
{
	for (unsigned time = 0; time < BACKEND_TIME_COUNT; time++) {
		enum backend_time which = (enum backend_time)time;
		char name[NAME_MAX_LEN];

		(void)snprintf(name, sizeof(name), "readmux_backend_%s_seconds",
			       stats_time_name(which));
		head(p->out, name, "histogram", stats_time_help(which));
		for (unsigned ordinal = 0; ordinal < STATS_BACKENDS_MAX; ordinal++) {
			struct histogram_counts counts = { 0 };

			if (backend_name(p, ordinal) == NULL)
				continue;
			observer_sum_times(p->o->workers, p->o->worker_count, ordinal, which,
					   &counts);
			put_histogram(p, name, ordinal, &counts);
		}
	}
}

char *metrics_text(const struct overview *o, size_t *len)
{
	struct page p = { .o = o };
	char *text = NULL;

	p.out = open_memstream(&text, len);
	if (p.out == NULL)
		return NULL;
	fleet_count(o->fleet, &p.counts);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		head(p.out, families[i].name, families[i].type, families[i].help);
		families[i].write(&p, families[i].name);
	}
	write_worker_rows(&p);
	write_backend_rows(&p);
	write_times(&p);
	if (fclose(p.out) == 0)
		return text;
	free(text);
	return NULL;
}

/* --- the document -------------------------------------------------------------------------- */

static void document(FILE *out, const char *name, const char *type, const char *labels,
		     const char *help)
{
	(void)fprintf(out, "| `%s` | %s | %s | %s |\n", name, type, labels, help);
}

void metrics_document(FILE *out)
{
	char name[NAME_MAX_LEN];
	size_t n;
	const struct stat_info *rows;

	(void)fputs("| metric | type | labels | meaning |\n|---|---|---|---|\n", out);
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		document(out, families[i].name, families[i].type, families[i].labels,
			 families[i].help);
	rows = stats_table(&n);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "readmux_%s", rows[i].name);
		document(out, name, type_of(&rows[i]), "", rows[i].help);
	}
	rows = stats_backend_table(&n);
	for (size_t i = 0; i < n; i++) {
		if (!is_metric(&rows[i]))
			continue;
		(void)snprintf(name, sizeof(name), "readmux_backend_%s", rows[i].name);
		document(out, name, type_of(&rows[i]), "backend, role", rows[i].help);
	}
	for (unsigned time = 0; time < BACKEND_TIME_COUNT; time++) {
		(void)snprintf(name, sizeof(name), "readmux_backend_%s_seconds",
			       stats_time_name((enum backend_time)time));
		document(out, name, "histogram", "backend, role",
			 stats_time_help((enum backend_time)time));
	}
}
