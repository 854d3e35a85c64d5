/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load generator: many connections, one thread, one line of numbers at the end.
 *
 *	query	 every connection sends the next statement when the last is answered
 *	connect	 login, one statement, goodbye, and again
 *	idle	 log in, print "ready", hold still until stdin ends or SIGTERM
 *
 * Errors are counted and never hidden: a rate with errors is not a result.
 * With --watch PID the CPU time which that process spent in the measured time
 * is printed too, read from the kernel's clock of the whole process.
 */
#include "histogram.h"
#include "load_client.h"
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SCRATCH_LEN    65536u
#define EVENTS_MAX     256
#define OPENING_MAX    64u		/* logins under way at once */
#define STUCK_NS       UINT64_C(15000000000)
#define ERRORS_MAX     1000u		/* more than this many in `connect` end the run */

enum mode { MODE_QUERY, MODE_CONNECT, MODE_IDLE };

static const char *const mode_names[] = { "query", "connect", "idle" };

struct load {
	struct load_target target;
	enum mode          mode;
	size_t             connections;
	uint64_t           warmup_ns;
	uint64_t           duration_ns;
	uint64_t           limit;	/* statements; 0: until the time is over */
	pid_t              watched;	/* 0: nobody */
	bool               read_first;	/* idle: one statement before holding still */

	struct load_client *clients;
	size_t             opened;
	size_t             ready;	/* logged in at least once */
	int                epoll;
	bool               running;	/* all are logged in, statements flow */
	bool               measuring;
	bool               done;
	uint64_t           begin_ns;	/* of opening, warm-up, then measuring */
	uint64_t           end_ns;
	double             cpu_begin;
	double             cpu_end;
	uint64_t           errors;
	struct histogram   latency;
	uint8_t            scratch[SCRATCH_LEN];
};

/* CPU seconds of the watched process, all threads, living and dead. */
static double watched_cpu(const struct load *load)
{
	struct timespec used;
	clockid_t clock;

	if (load->watched == 0)
		return 0;
	if (clock_getcpuclockid(load->watched, &clock) != 0 ||
	    clock_gettime(clock, &used) != 0)
		bench_die(0, "no process %d to watch", (int)load->watched);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void count_error(struct load *load)
{
	load->errors++;
	if (load->errors == 1)
		(void)fprintf(stderr, "loadgen: first error: %s\n", load_problem());
	if (load->errors > ERRORS_MAX)
		load->done = true;
}

static void open_client(struct load *load, struct load_client *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	if (!load_open(c, &load->target))
		bench_die(0, "cannot connect: %s", load_problem());
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		bench_die(errno, "epoll_ctl");
	c->started_ns = bench_now_ns();
}

static void begin_measuring(struct load *load, uint64_t now)
{
	load->measuring = true;
	load->begin_ns = now;
	load->errors = 0;
	load->cpu_begin = watched_cpu(load);
}

/* Called often; moves on from warm-up to measuring to done. */
static void look_at_clock(struct load *load, uint64_t now)
{
	uint64_t spent = now - load->begin_ns;

	if (!load->running) {
		if (spent > STUCK_NS)
			bench_die(0, "stuck: only %zu of %zu connections are logged in; %s",
				  load->ready, load->connections, load_problem());
		return;
	}
	if (!load->measuring && spent >= load->warmup_ns)
		begin_measuring(load, now);
	else if (load->measuring && spent >= load->duration_ns)
		load->done = true;
}

static void send_next(struct load *load, struct load_client *c, uint64_t now)
{
	if (load->mode == MODE_QUERY)
		c->started_ns = now;
	if (load_send(c))
		return;
	load_close(c);
	count_error(load);
	open_client(load, c);
}

static void record(struct load *load, const struct load_client *c, uint64_t now)
{
	if (!load->measuring || load->done)
		return;
	if (c->failed)
		count_error(load);
	else
		histogram_add(&load->latency, now - c->started_ns);
	if (load->limit > 0 && load->latency.total >= load->limit)
		load->done = true;
}

/* All connections are logged in: off we go. */
static void start_running(struct load *load)
{
	load->running = true;
	load->begin_ns = bench_now_ns();
	for (size_t i = 0; load->mode == MODE_QUERY && i < load->connections; i++)
		send_next(load, &load->clients[i], bench_now_ns());
}

static void client_logged_in(struct load *load, struct load_client *c)
{
	if (load->running || load->mode == MODE_CONNECT || load->read_first)
		send_next(load, c, bench_now_ns());
	if (load->running)
		return;
	load->ready++;
	if (load->opened < load->connections)
		open_client(load, &load->clients[load->opened++]);
	else if (load->ready == load->connections)
		start_running(load);
}

static void client_answered(struct load *load, struct load_client *c)
{
	uint64_t now = bench_now_ns();

	switch (load->mode) {
	case MODE_QUERY:
		record(load, c, now);
		send_next(load, c, now);
		break;
	case MODE_CONNECT:
		load_close(c);
		record(load, c, bench_now_ns());
		open_client(load, c);
		break;
	case MODE_IDLE:
		break;
	}
}

static void client_lost(struct load *load, struct load_client *c)
{
	load_close(c);
	count_error(load);
	if (!load->running)
		bench_die(0, "login failed: %s", load_problem());
	if (load->mode != MODE_IDLE)
		open_client(load, c);
}

static void client_event(struct load *load, struct load_client *c)
{
	struct span scratch = { load->scratch, sizeof(load->scratch) };

	switch (load_readable(c, scratch)) {
	case LOAD_NOTHING:
		break;
	case LOAD_LOGGED_IN:
		client_logged_in(load, c);
		break;
	case LOAD_ANSWERED:
		client_answered(load, c);
		break;
	case LOAD_LOST:
		client_lost(load, c);
		break;
	}
}

static void take_events(struct load *load, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(load->epoll, events, EVENTS_MAX, timeout_ms);

	for (int i = 0; i < n && !load->done; i++) {
		if (events[i].data.ptr == NULL)
			load->done = true;	/* stdin of `idle` */
		else
			client_event(load, events[i].data.ptr);
	}
	look_at_clock(load, bench_now_ns());
}

static void open_all(struct load *load)
{
	load->begin_ns = bench_now_ns();
	while (load->opened < size_min(load->connections, OPENING_MAX))
		open_client(load, &load->clients[load->opened++]);
	while (!load->running && !load->done && !bench_stopped())
		take_events(load, 100);
}

/* What `idle` does once all are in: tell, and wait until stdin says otherwise. */
static void hold_still(struct load *load)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLHUP, .data.ptr = NULL };

	(void)printf("ready connections=%zu\n", load->connections);
	(void)fflush(stdout);
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0 &&
	    errno != EPERM)	/* a file or /dev/null: SIGTERM ends it */
		bench_die(errno, "cannot watch stdin");
	load->measuring = true;
	load->duration_ns = UINT64_MAX;
	while (!load->done && !bench_stopped())
		take_events(load, 500);
	(void)printf("mode=idle connections=%zu lost=%llu\n", load->connections,
		     (unsigned long long)load->errors);
}

static double in_us(uint64_t ns)
{
	return (double)ns / 1000.0;
}

static void report(const struct load *load)
{
	double seconds = (double)(load->end_ns - load->begin_ns) / 1e9;
	double cpu = load->cpu_end - load->cpu_begin;
	double n = (double)load->latency.total;

	(void)printf("mode=%s connections=%zu statements=%.0f seconds=%.3f rate=%.1f "
		     "p50_us=%.1f p99_us=%.1f p9999_us=%.1f errors=%llu",
		     mode_names[load->mode], load->connections, n, seconds,
		     seconds > 0 ? n / seconds : 0.0,
		     in_us(histogram_quantile(&load->latency, 0.50)),
		     in_us(histogram_quantile(&load->latency, 0.99)),
		     in_us(histogram_quantile(&load->latency, 0.9999)),
		     (unsigned long long)load->errors);
	if (load->watched != 0)
		(void)printf(" cpu_seconds=%.6f cpu_us=%.3f", cpu,
			     n > 0 ? cpu * 1e6 / n : 0.0);
	(void)putchar('\n');
}

static void measure(struct load *load)
{
	while (!load->done && !bench_stopped())
		take_events(load, 100);
	load->end_ns = bench_now_ns();
	load->cpu_end = watched_cpu(load);
	if (!load->measuring)
		bench_die(0, "stopped before anything was measured; %s", load_problem());
	report(load);
}

static void usage(void)
{
	(void)printf("Usage: loadgen [query | connect | idle] --port N [--host IP]\n"
		     "  [--connections N] [--seconds S | --statements N] [--warmup S]\n"
		     "  [--user NAME] [--password TEXT] [--schema NAME] [--sql TEXT]\n"
		     "  [--old-eof] [--session-track] [--read-first] [--watch PID]\n"
		     "See bench/README.md.\n");
}

static const struct option option_table[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "host", required_argument, NULL, 'H' },
	{ "connections", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 's' },
	{ "statements", required_argument, NULL, 'n' },
	{ "warmup", required_argument, NULL, 'W' },
	{ "user", required_argument, NULL, 'u' },
	{ "password", required_argument, NULL, 'w' },
	{ "schema", required_argument, NULL, 'd' },
	{ "sql", required_argument, NULL, 'q' },
	{ "old-eof", no_argument, NULL, 'e' },
	{ "session-track", no_argument, NULL, 't' },
	{ "read-first", no_argument, NULL, 'r' },
	{ "watch", required_argument, NULL, 'P' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct choices {
	const char *host;
	const char *sql;
	uint16_t    port;
};

static uint64_t option_seconds(const char *name, const char *text)
{
	return (uint64_t)(option_decimal(name, text, 0, 86400) * 1e9);
}

static void take_option(int option, struct choices *choices, struct load *load)
{
	struct load_target *target = &load->target;

	switch (option) {
	case 'p': choices->port = (uint16_t)option_number("port", optarg, 1, 65535); break;
	case 'H': choices->host = optarg; break;
	case 'c':
		load->connections = option_number("connections", optarg, 1, 100000);
		break;
	case 's': load->duration_ns = option_seconds("seconds", optarg); break;
	case 'n':
		load->limit = option_number("statements", optarg, 1, UINT64_MAX);
		load->duration_ns = UINT64_MAX;
		break;
	case 'W': load->warmup_ns = option_seconds("warmup", optarg); break;
	case 'u': target->user = optarg; break;
	case 'w': target->password = optarg; break;
	case 'd': target->schema = optarg; break;
	case 'q': choices->sql = optarg; break;
	case 'e': target->capabilities &= ~CLIENT_DEPRECATE_EOF; break;
	case 't': target->capabilities |= CLIENT_SESSION_TRACK; break;
	case 'r': load->read_first = true; break;
	case 'P': load->watched = (pid_t)option_number("watch", optarg, 1, 1u << 30); break;
	case 'h': usage(); exit(0);
	default: usage(); exit(2);
	}
}

static enum mode mode_from(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(mode_names); i++)
		if (strcmp(name, mode_names[i]) == 0)
			return (enum mode)i;
	bench_die(0, "the mode is query, connect or idle, not '%s'", name);
}

static void prepare(struct load *load, const struct choices *choices)
{
	struct load_target *target = &load->target;
	size_t len = strlen(choices->sql) + 1;
	uint8_t head[PACKET_HEADER_LEN + 1] = { 0 };

	if (choices->port == 0)
		bench_die(0, "--port is missing");
	target->address = option_address(choices->host, choices->port);
	if (target->schema[0] != '\0')
		target->capabilities |= CLIENT_CONNECT_WITH_DB;
	frame_put(head, (struct frame){ .len = (uint32_t)len });
	head[PACKET_HEADER_LEN] = COM_QUERY;
	if (len > PACKET_PAYLOAD_MAX / 256 ||
	    !buffer_append(&target->statement, (struct span){ head, sizeof(head) }) ||
	    !buffer_append(&target->statement, span_of(choices->sql)))
		bench_die(0, "--sql is too long");
	load->clients = calloc(load->connections, sizeof(*load->clients));
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->clients == NULL || load->epoll < 0)
		bench_die(errno, "cannot start");
}

#define BASE_CAPABILITIES						\
	(CLIENT_LONG_PASSWORD | CLIENT_LONG_FLAG | CLIENT_PROTOCOL_41 |	\
	 CLIENT_TRANSACTIONS | CLIENT_SECURE_CONNECTION |		\
	 CLIENT_MULTI_RESULTS | CLIENT_PLUGIN_AUTH | CLIENT_DEPRECATE_EOF)

int main(int argc, char **argv)
{
	static struct load load = {
		.target = {
			.user = "bench", .password = "bench", .schema = "",
			.capabilities = BASE_CAPABILITIES,
		},
		.connections = 1,
		.warmup_ns = 200000000,
		.duration_ns = 2000000000,
	};
	struct choices choices = {
		.host = "127.0.0.1",
		.sql = "SELECT c FROM sbtest1 WHERE id=5017",
	};
	int option;

	while ((option = getopt_long(argc, argv, "", option_table, NULL)) != -1)
		take_option(option, &choices, &load);
	if (optind < argc)
		load.mode = mode_from(argv[optind]);
	bench_raise_files();
	bench_catch_signals();
	prepare(&load, &choices);
	open_all(&load);
	if (load.mode == MODE_IDLE)
		hold_still(&load);
	else
		measure(&load);
	for (size_t i = 0; i < load.connections; i++)
		load_close(&load.clients[i]);
	free(load.clients);
	buffer_free(&load.target.statement);
	return load.errors > 0 ? 3 : 0;
}
