/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control thread: assembles the proxy and keeps it going.
 *
 * It accepts clients and hands each to the worker with the fewest sessions, so
 * that workers hold equal numbers whatever the kernel's hash would do.
 */
#include <readmux/base/clock.h>
#include <readmux/base/error.h>
#include <readmux/base/log.h>
#include <readmux/control/admin.h>
#include <readmux/control/config.h>
#include <readmux/control/fleet.h>
#include <readmux/control/gather.h>
#include <readmux/control/handover.h>
#include <readmux/control/notify.h>
#include <readmux/control/proxy.h>
#include <readmux/control/reload.h>
#include <readmux/control/worker.h>
#include <readmux/net/listener.h>
#include <readmux/net/timer.h>
#include <readmux/wire/reply.h>

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define LISTEN_BACKLOG 4096
#define MAX_WORKERS    256u
#define LISTENERS_MAX  64u
#define ANSWER_MS      100u	/* for the answer to the order to drain */
#define WARM_US        10000000u	/* longest wait of a successor for its servers */

extern char **environ;

struct door {
	struct proxy     *proxy;
	struct listener  *listener;
	enum listen_route route;
	enum sql_consistency consistency;
};

struct proxy {
	const struct settings *settings;
	const char            *config_path;
	struct loop           *loop;
	struct mailbox        *mailbox;
	struct fleet          *fleet;
	struct worker_common   common;
	struct tls_pair        tls;
	struct worker        **workers;
	const struct worker_stats **stats;	/* theirs */
	unsigned               worker_count;
	struct admin          *admin;		/* NULL: off */
	struct observer       *observer;
	struct events          events;
	uint64_t               started_us;	/* clock_wall_us() */
	uint64_t               reloads_done, reloads_refused;
	struct reload_pending  pending;		/* what waits for a restart */
	struct timer           step;		/* once a second */
	struct door           *doors;
	size_t                 door_count;
	struct signal_watch    signals[4];
	struct timer           watchdog;
	struct timer           lameduck;
	struct timer           drain_limit;
	struct timer           warm_limit;	/* a successor serves by then, warm or not */
	struct handover       *handover;	/* under way; NULL = none */
	bool                   handed_over;	/* another process has the sockets */
	bool                   serving;		/* the sockets are open */
	unsigned               undrained;	/* workers that still have sessions */
	uint32_t               next_id;		/* counts clients; see client_id() */
	bool                   draining;
	bool                   failed;		/* it could not serve */
};

/* --- clients ---------------------------------------------------------------- */

static unsigned least_loaded(const struct proxy *p)
{
	unsigned best = 0;

	for (unsigned i = 1; i < p->worker_count; i++) {
		if (worker_load(p->workers[i]) < worker_load(p->workers[best]))
			best = i;
	}
	return best;
}

/*
 * The connection id that a client is told.  It tells its worker, so that a KILL
 * finds it; the count starts anywhere, so that the ids of two readmux differ.
 */
static uint32_t client_id(struct proxy *p, unsigned worker)
{
	uint32_t room = (SESSION_ID_LAST - SESSION_ID_FIRST) / p->worker_count;

	return SESSION_ID_FIRST + p->next_id++ % room * p->worker_count + worker;
}

static struct worker *worker_of(const struct proxy *p, uint32_t id)
{
	return p->workers[(id - SESSION_ID_FIRST) % p->worker_count];
}

static uint64_t total_load(const struct proxy *p)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < p->worker_count; i++)
		sum += worker_load(p->workers[i]);
	return sum;
}

/* Error 1040 in place of the greeting, as a server does it. */
static void turn_away(const struct proxy *p, int fd)
{
	const struct rmx_error_info *info = rmx_error_info(RMX_TOO_MANY_SESSIONS);
	uint8_t memory[256];
	struct writer w = writer_over(memory, sizeof(memory));
	char limit[64], text[200];

	(void)snprintf(limit, sizeof(limit), "%llu of them (sessions.max)",
		       (unsigned long long)p->settings->max_sessions);
	(void)snprintf(text, sizeof(text), info->text, limit);
	writer_begin(&w, 0);
	err_packet_write(&w, &(struct err_packet){ info->number, span_of(info->sqlstate),
						   span_of(text) });
	if (writer_end(&w))
		(void)!write(fd, memory, w.len);
	(void)close(fd);
	log_warn(NULL, "too many sessions", LOG_UINT("limit", p->settings->max_sessions));
}

static void accepted(void *arg, int fd, const struct address *peer)
{
	struct door *door = arg;
	struct proxy *p = door->proxy;
	unsigned worker;

	if (total_load(p) >= p->settings->max_sessions) {
		turn_away(p, fd);
		return;
	}
	worker = least_loaded(p);
	worker_adopt(p->workers[worker], fd, peer, door->route, door->consistency,
		     client_id(p, worker));
}

static void close_doors(struct proxy *p)
{
	for (size_t i = 0; i < p->door_count; i++)
		listener_close(p->doors[i].listener);
	p->door_count = 0;
}

static bool open_doors(struct proxy *p)
{
	const struct settings *s = p->settings;
	char problem[256], at[ADDRESS_TEXT_MAX];
	struct address bound;

	p->doors = calloc(s->listen_count, sizeof(*p->doors));
	if (p->doors == NULL)
		return false;
	for (size_t i = 0; i < s->listen_count; i++) {
		struct door *door = &p->doors[i];

		door->proxy = p;
		door->route = s->listen[i].route;
		door->consistency = s->listen[i].consistency;
		door->listener = listener_open(p->loop, &s->listen[i].address,
					       handover_take_socket(&s->listen[i].address),
					       LISTEN_BACKLOG, accepted, door, problem,
					       sizeof(problem));
		if (door->listener == NULL) {
			log_error(NULL, "cannot start", LOG_TEXT("problem", problem));
			return false;
		}
		p->door_count++;
		listener_address(door->listener, &bound);
		address_format(&bound, at, sizeof(at));
		log_info(NULL, "listening", LOG_TEXT("address", at),
			 LOG_TEXT("route", door->route == LISTEN_READ ? "read" : "split"));
	}
	return true;
}

/* --- news from fleet and workers ------------------------------------------------ */

static void serve_as_successor(struct proxy *p);

/* Clients would get answers: the primary is known, and how it is. */
static bool is_warm(const struct topology *t)
{
	const struct backend_view *primary = topology_primary(t);

	return t->discovered && primary != NULL && primary->state != BACKEND_IS_NEW;
}

static void published(void *arg, const struct topology *topology)
{
	struct proxy *p = arg;

	for (unsigned i = 0; i < p->worker_count; i++)
		worker_set_topology(p->workers[i], topology);
	if (p->worker_count > 0 && !p->serving && is_warm(topology))
		serve_as_successor(p);
}

/* Hashes of the primary's accounts: a user without one ends the list. */
static void account(void *arg, struct span user, struct span native_hash)
{
	struct proxy *p = arg;
	uint8_t stage2[NATIVE_HASH_LEN];
	struct secret secret;

	if (user.len == 0) {
		credentials_settle(p->common.credentials, CREDENTIAL_READ);
		return;
	}
	if (!native_hash_from_text(native_hash, stage2))
		return;
	secret_from_stage2(&secret, stage2);
	if (!credentials_put(p->common.credentials, user, CREDENTIAL_READ, &secret, clock_now_us()))
		log_warn(NULL, "out of memory; a user's hash is not kept", LOG_SPAN("user", user));
	secret_wipe(&secret);
}

static void happened(void *arg, enum log_level level, const char *event, const char *backend,
		     const char *words)
{
	struct proxy *p = arg;

	events_add(&p->events, level, event, backend, words);
}

static const struct fleet_host_ops fleet_ops = {
	.published = published,
	.account = account,
	.happened = happened,
};

static void stop(struct proxy *p, const char *why)
{
	log_info(NULL, "stopping", LOG_TEXT("reason", why));
	loop_stop(p->loop);
}

static void pass_on(struct proxy *p, struct worker_kill *k)
{
	bool asks = k->letter.kind == WORKER_KILL;

	if (p->worker_count > 0)
		worker_pass_on(worker_of(p, asks ? k->request.target : k->request.asker), k);
	free(k);
}

static void overview(void *host, struct overview *o)
{
	struct proxy *p = host;

	*o = (struct overview){
		.settings = p->settings,
		.pending = &p->pending,
		.topology = fleet_topology(p->fleet),
		.fleet = p->fleet,
		.observer = p->observer,
		.events = &p->events,
		.workers = p->stats,
		.worker_count = p->worker_count,
		.started_us = p->started_us,
		.reloads_done = p->reloads_done,
		.reloads_refused = p->reloads_refused,
		.draining = p->draining,
	};
}

static void gather(void *host, enum report report, gather_fn *done, void *arg)
{
	struct proxy *p = host;
	struct overview o;

	overview(p, &o);
	gather_start(&o, p->workers, report, done, arg);
}

/* A session's SHOW READMUX, and the proxy that its answer goes back by. */
struct asked {
	struct proxy       *proxy;
	struct worker_show *show;
};

static void show_done(void *arg, struct table *t)
{
	struct asked *asked = arg;

	asked->show->table = *t;
	if (asked->proxy->worker_count > 0) {
		worker_shown(asked->proxy->workers[asked->show->worker], asked->show);
	} else {		/* all is over */
		table_free(t);
		free(asked->show);
	}
	free(asked);
}

static void show(struct proxy *p, struct worker_show *show)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	if (asked == NULL || p->worker_count == 0) {
		free(asked);
		free(show);	/* its session waits until it is closed */
		return;
	}
	asked->proxy = p;
	asked->show = show;
	gather(p, show->report, show_done, asked);
}

static void arrived(void *arg, struct letter *letter)
{
	struct proxy *p = arg;

	if (letter->kind == WORKER_EVIDENCE) {
		struct worker_evidence *e = container_of(letter, struct worker_evidence, letter);

		fleet_evidence(p->fleet, e->backend, e->evidence, e->words);
		free(e);
		return;
	}
	if (letter->kind == WORKER_KILL || letter->kind == WORKER_KILL_ANSWER) {
		pass_on(p, container_of(letter, struct worker_kill, letter));
		return;
	}
	if (letter->kind == WORKER_SHOW) {
		show(p, container_of(letter, struct worker_show, letter));
		return;
	}
	if (letter->kind == WORKER_REPORT) {
		gather_add(container_of(letter, struct worker_report, letter));
		return;
	}
	free(letter);
	if (p->draining && p->undrained > 0 && --p->undrained == 0)
		stop(p, "every session is closed");
}

/* --- users, reload, drain ------------------------------------------------------- */

static bool secret_of(const struct user_setting *user, struct secret *secret)
{
	uint8_t stage2[NATIVE_HASH_LEN];

	if (user->password != NULL)
		return secret_from_password(secret, span_of(user->password));
	if (user->password_hash == NULL ||
	    !native_hash_from_text(span_of(user->password_hash), stage2))
		return false;
	secret_from_stage2(secret, stage2);
	return true;
}

static void put_users(struct proxy *p)
{
	const struct settings *s = p->settings;

	for (size_t i = 0; i < s->user_count; i++) {
		struct secret secret;

		if (s->users[i].password == NULL && s->users[i].password_hash == NULL)
			continue;	/* the servers know it */
		if (!secret_of(&s->users[i], &secret) ||
		    !credentials_put(p->common.credentials, span_of(s->users[i].name),
				     CREDENTIAL_CONFIGURED, &secret, clock_now_us()))
			log_error(NULL, "a configured user cannot be used",
				  LOG_TEXT("user", s->users[i].name));
		secret_wipe(&secret);
	}
	credentials_settle(p->common.credentials, CREDENTIAL_CONFIGURED);
	credentials_limit(p->common.credentials, (unsigned)s->login_failures,
			  s->login_failure_window_ms * 1000);
}

static bool reload(struct proxy *p, char *problem, size_t room)
{
	struct settings *fresh = config_load(p->config_path, environ, problem, room);
	struct tls_pair tls;

	notify_reloading();
	if (fresh == NULL || !tls_pair_open(&tls, fresh, &p->tls, problem, room)) {
		log_error(NULL, "reload refused; nothing was changed", LOG_TEXT("problem", problem));
		settings_drop(fresh);
		notify("READY=1");
		p->reloads_refused++;
		events_add(&p->events, LOG_LEVEL_ERROR, "reload refused", NULL, problem);
		return false;
	}
	reload_tell(p->settings, fresh, problem, room);
	if (!reload_keep(p->settings, fresh, &p->pending)) {
		(void)snprintf(problem, room, "out of memory");
		log_error(NULL, "reload refused; nothing was changed", LOG_TEXT("problem", problem));
		tls_pair_drop(&tls);
		settings_drop(fresh);
		notify("READY=1");
		p->reloads_refused++;
		return false;
	}
	settings_drop(p->settings);
	tls_pair_drop(&p->tls);
	p->settings = fresh;
	p->tls = tls;
	atomic_store(&log_threshold, (int)fresh->log_level);
	atomic_store(&log_json, fresh->log_format == LOG_FORMAT_JSON);
	put_users(p);
	fleet_reload(p->fleet, fresh);
	for (unsigned i = 0; i < p->worker_count; i++) {
		worker_set_settings(p->workers[i], fresh);
		worker_set_tls(p->workers[i], &p->tls);
	}
	notify("READY=1");
	log_info(NULL, "configuration reloaded", LOG_TEXT("outcome", problem),
		 LOG_TEXT("file", p->config_path != NULL ? p->config_path : "(none)"));
	p->reloads_done++;
	events_add(&p->events, LOG_LEVEL_INFO, "configuration reloaded", NULL, problem);
	return true;
}

static void drain_expired(struct timer *t)
{
	stop(container_of(t, struct proxy, drain_limit), "the drain timeout is over");
}

static void drain_sessions(struct proxy *p)
{
	p->undrained = p->worker_count;
	log_info(NULL, "draining", LOG_UINT("sessions", total_load(p)),
		 LOG_UINT("timeout_ms", p->settings->drain_timeout_ms));
	close_doors(p);
	for (unsigned i = 0; i < p->worker_count; i++)
		worker_drain(p->workers[i]);
}

static void lameduck_over(struct timer *t)
{
	drain_sessions(container_of(t, struct proxy, lameduck));
}

/*
 * Whoever balances clients over several readmux needs a moment to notice that this one is
 * going: until then it serves as before.  A person at a terminal need not wait for that.
 */
static void drain(struct proxy *p, uint64_t lameduck_ms)
{
	if (p->draining) {
		stop(p, "asked twice");
		return;
	}
	p->draining = true;
	events_add(&p->events, LOG_LEVEL_INFO, "draining", NULL, "readmux was asked to end");
	if (!p->handed_over)	/* the service goes on */
		notify("STOPPING=1");
	timer_set(&p->drain_limit, p->loop, p->settings->drain_timeout_ms * 1000, drain_expired);
	if (lameduck_ms == 0) {
		drain_sessions(p);
		return;
	}
	log_info(NULL, "about to drain", LOG_UINT("sessions", total_load(p)),
		 LOG_UINT("lameduck_ms", lameduck_ms));
	timer_set(&p->lameduck, p->loop, lameduck_ms * 1000, lameduck_over);
}

/* --- another process takes over ------------------------------------------------------ */

static void sessions_had_their_time(struct timer *t)
{
	drain(container_of(t, struct proxy, lameduck), 0);
}

static void handed_over(void *arg, bool served, pid_t pid, const char *words)
{
	struct proxy *p = arg;

	handover_free(p->handover);
	p->handover = NULL;
	if (!served) {
		log_error(NULL, "hand-over failed; this process goes on",
			  LOG_TEXT("problem", words));
		events_add(&p->events, LOG_LEVEL_ERROR, "hand-over failed", NULL, words);
		return;
	}
	log_info(NULL, "handed over", LOG_INT("successor", pid),
		 LOG_UINT("sessions", total_load(p)));
	p->handed_over = true;
	admin_close(p->admin);
	p->admin = NULL;
	close_doors(p);
	if (total_load(p) == 0)
		stop(p, "another process has taken over");
	else
		timer_set(&p->lameduck, p->loop, p->settings->drain_handover_ms * 1000,
			  sessions_had_their_time);
}

static void hand_over(struct proxy *p)
{
	int sockets[LISTENERS_MAX];
	size_t n = 0;
	char words[PATH_MAX + 100];

	if (p->draining || p->handed_over || p->handover != NULL || !p->serving) {
		log_warn(NULL, "no hand-over now", LOG_TEXT("reason", p->handover != NULL ?
			 "one is under way" : !p->serving ? "this process does not serve yet" :
			 "this process is going"));
		return;
	}
	for (size_t i = 0; i < p->door_count && n < LISTENERS_MAX - 1; i++)
		sockets[n++] = listener_descriptor(p->doors[i].listener);
	if (p->admin != NULL)
		sockets[n++] = admin_descriptor(p->admin);
	p->handover = handover_begin(p->loop, sockets, n, handed_over, p, words, sizeof(words));
	if (p->handover == NULL)
		handed_over(p, false, 0, words);
	else
		log_info(NULL, "handing over");
}

static void signalled(void *arg, int signum)
{
	struct proxy *p = arg;

	char words[2048];

	if (signum == SIGUSR2)
		hand_over(p);
	else if (signum == SIGHUP)
		(void)reload(p, words, sizeof(words));
	else
		drain(p, signum == SIGINT ? 0 : p->settings->drain_lameduck_ms);
}

/* --- the admin address ------------------------------------------------------------- */

static bool order_hold(void *host, struct span backend, bool hold, char *words, size_t room)
{
	struct proxy *p = host;
	bool done = fleet_hold(p->fleet, backend, hold, words, room);

	if (done)
		log_info(NULL, "order by the admin address", LOG_TEXT("outcome", words));
	return done;
}

static bool order_reload(void *host, char *words, size_t room)
{
	return reload(host, words, room);
}

static bool order_drain(void *host, char *words, size_t room)
{
	struct proxy *p = host;

	if (p->draining) {
		(void)snprintf(words, room, "readmux is draining already");
		return false;
	}
	(void)snprintf(words, room, "readmux drains and ends");
	drain(p, size_max(p->settings->drain_lameduck_ms, ANSWER_MS));
	return true;
}

static bool order_log_level(void *host, struct span name, char *words, size_t room)
{
	struct proxy *p = host;
	enum log_level level;

	if (!log_level_from(name, &level)) {
		(void)snprintf(words, room, "a log level is one of error, warn, info, debug");
		return false;
	}
	atomic_store(&log_threshold, (int)level);
	(void)snprintf(words, room, "the log level is %s until the next reload",
		       log_level_name(level));
	events_add(&p->events, LOG_LEVEL_INFO, "log level changed", NULL, log_level_name(level));
	return true;
}

static const struct admin_host_ops admin_ops = {
	.overview = overview,
	.report = gather,
	.hold = order_hold,
	.reload = order_reload,
	.drain = order_drain,
	.log_level = order_log_level,
};

static bool open_admin(struct proxy *p)
{
	const struct address *at = &p->settings->admin_address;
	char problem[256], text[ADDRESS_TEXT_MAX];

	if (at->u.any.sa_family == AF_UNSPEC)
		return true;
	p->admin = admin_open(p->loop, at, handover_take_socket(at), &admin_ops, p, problem, sizeof(problem));
	if (p->admin == NULL) {
		log_error(NULL, "cannot start", LOG_TEXT("problem", problem));
		return false;
	}
	address_format(at, text, sizeof(text));
	log_info(NULL, "status page", LOG_TEXT("address", text));
	return true;
}

static void step(struct timer *t)
{
	struct proxy *p = container_of(t, struct proxy, step);

	timer_set(t, p->loop, OBSERVER_STEP_US, step);
	observer_step(p->observer, p->stats, p->worker_count, fleet_topology(p->fleet));
	for (unsigned i = 0; i < p->worker_count; i++)
		worker_tick(p->workers[i]);
	log_tell_left_out();
	if (p->handed_over && total_load(p) == 0)
		stop(p, "another process has taken over");
}

/* --- start and end -------------------------------------------------------------- */

static unsigned usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_tls(struct proxy *p)
{
	char problem[256];

	if (tls_pair_open(&p->tls, p->settings, NULL, problem, sizeof(problem)))
		return true;
	log_error(NULL, "cannot start", LOG_TEXT("problem", problem));
	return false;
}

static bool start_workers(struct proxy *p)
{
	uint64_t want = p->settings->workers > 0 ? p->settings->workers : usable_cpus();

	p->common.workers = (unsigned)(want < MAX_WORKERS ? want : MAX_WORKERS);
	p->workers = calloc(p->common.workers, sizeof(struct worker *));
	p->stats = calloc(p->common.workers, sizeof(struct worker_stats *));
	if (p->workers == NULL || p->stats == NULL)
		return false;
	for (unsigned i = 0; i < p->common.workers; i++) {
		p->workers[i] = worker_start(i, &p->common, p->settings, &p->tls,
					     fleet_topology(p->fleet));
		if (p->workers[i] == NULL) {
			log_error(NULL, "cannot start a worker thread");
			return false;
		}
		p->stats[i] = worker_stats_of(p->workers[i]);
		p->worker_count++;
	}
	return true;
}

static bool start_signals(struct proxy *p)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR2 };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (!signal_watch_start(&p->signals[i], p->loop, numbers[i], signalled, p))
			return false;
	}
	return true;
}

/* Open the doors; from now on clients come. */
static bool serve(struct proxy *p)
{
	char state[80];

	if (!open_doors(p) || !open_admin(p))
		return false;
	p->serving = true;
	handover_finish();
	(void)snprintf(state, sizeof(state), "MAINPID=%d\nREADY=1", (int)getpid());
	notify(state);
	return true;
}

/* A successor leaves the clients to its predecessor until it knows its servers. */
static void serve_as_successor(struct proxy *p)
{
	timer_clear(&p->warm_limit);
	if (serve(p))
		return;
	p->failed = true;
	loop_stop(p->loop);
}

static void warm_enough(struct timer *t)
{
	serve_as_successor(container_of(t, struct proxy, warm_limit));
}

static bool start(struct proxy *p)
{
	p->next_id = (uint32_t)(clock_now_us() ^ (uint64_t)getpid() << 8);
	p->loop = loop_new();
	p->common.credentials = credentials_new(p->settings->login_ttl_ms * 1000);
	p->common.rsa = rsa_key_make();
	p->observer = observer_new();
	p->started_us = clock_wall_us();
	if (p->loop == NULL || p->common.credentials == NULL || p->common.rsa == NULL ||
	    p->observer == NULL)
		return false;
	p->mailbox = mailbox_new(p->loop, arrived, p);
	p->common.control = p->mailbox;
	if (p->mailbox == NULL || !start_signals(p) || !open_tls(p))
		return false;
	put_users(p);
	p->fleet = fleet_new(p->loop, p->settings, &fleet_ops, p);
	if (p->fleet == NULL || !start_workers(p))
		return false;
	timer_set(&p->step, p->loop, OBSERVER_STEP_US, step);
	if (!handover_is_successor())
		return serve(p);
	timer_set(&p->warm_limit, p->loop, WARM_US, warm_enough);
	return true;
}

/* As often as asked for, twice: the loop turns. */
static void watchdog_turn(struct timer *t)
{
	struct proxy *p = container_of(t, struct proxy, watchdog);
	uint64_t every_us = notify_watchdog_us() / 2;

	if (every_us == 0)
		return;
	notify("WATCHDOG=1");
	timer_set(t, p->loop, every_us, watchdog_turn);
}

/* A second SIGTERM while this one is obeyed must not end it with the default action. */
static void hold_signals(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void finish(struct proxy *p)
{
	hold_signals();
	admin_close(p->admin);
	close_doors(p);
	free(p->doors);
	timer_clear(&p->step);
	timer_clear(&p->watchdog);
	timer_clear(&p->lameduck);
	timer_clear(&p->drain_limit);
	timer_clear(&p->warm_limit);
	handover_free(p->handover);
	for (unsigned i = 0; i < p->worker_count; i++)
		worker_stop(p->workers[i]);
	p->worker_count = 0;
	free(p->workers);
	free(p->stats);
	observer_free(p->observer);
	mailbox_free(p->mailbox);
	fleet_free(p->fleet);
	for (size_t i = 0; i < ARRAY_LEN(p->signals); i++)
		signal_watch_stop(&p->signals[i]);
	tls_pair_drop(&p->tls);
	rsa_key_free((struct rsa_key *)(uintptr_t)p->common.rsa);
	credentials_free(p->common.credentials);
	loop_free(p->loop);
	reload_pending_free(&p->pending);
	settings_drop(p->settings);
}

int proxy_run(const struct settings *settings, const char *config_path)
{
	struct proxy p = { .settings = settings_take(settings), .config_path = config_path };
	int status = 1;

	(void)signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	if (start(&p)) {
		log_info(NULL, "started", LOG_TEXT("version", RMX_VERSION),
			 LOG_UINT("workers", p.worker_count));
		watchdog_turn(&p.watchdog);
		loop_run(p.loop);
		status = p.failed;
	} else {
		log_error(NULL, "could not start");
	}
	finish(&p);
	log_info(NULL, "stopped");
	return status;
}
