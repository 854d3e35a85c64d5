/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A traffic thread; see worker.h. */
#include <readmux/base/clock.h>
#include <readmux/base/log.h>
#include <readmux/control/worker.h>
#include <readmux/net/timer.h>
#include <readmux/relay/env.h>
#include <readmux/relay/pool.h>
#include <readmux/relay/report.h>
#include <readmux/relay/session.h>

#include <pthread.h>
#include <unistd.h>

#define SLICE_PAUSE_US 1000u	/* between two slices of a report */

enum letter_kind { LETTER_ADOPT, LETTER_TOPOLOGY, LETTER_SETTINGS, LETTER_TLS, LETTER_DRAIN,
		   LETTER_KILL, LETTER_KILL_ANSWER, LETTER_TICK,
		   LETTER_REPORT, LETTER_SHOWN, LETTER_STOP };

struct order {
	struct letter letter;
	union {
		struct {
			int               fd;
			uint32_t          id;
			enum listen_route listen;
			enum sql_consistency consistency;
			struct address    peer;
		} client;
		const struct topology *topology;
		const struct settings *settings;
		struct tls_pair tls;
		struct kill_request kill;
		uint64_t posted_us;	/* LETTER_TICK */
		struct {
			enum report report;
			void       *tag;
		} report;
		struct worker_show *show;	/* LETTER_SHOWN */
	} u;
};

struct worker {
	struct relay_env     env;
	struct worker_stats  stats;
	struct worker_common common;
	struct loop         *loop;
	struct mailbox      *mailbox;
	pthread_t            thread;
	unsigned             number;
	_Atomic unsigned     load;
	bool                 draining;
	TAILQ_HEAD(, making) makings;	/* reports */
};

/* --- upward --------------------------------------------------------------------- */

static void say_drained(struct worker *w)
{
	struct letter *letter;

	if (!w->draining || atomic_load(&w->load) > 0)
		return;
	w->draining = false;
	letter = calloc(1, sizeof(*letter));
	if (letter == NULL)
		return;		/* the drain timeout ends it */
	letter->kind = WORKER_DRAINED;
	mailbox_post(w->common.control, letter);
}

static void host_session_closed(void *arg)
{
	struct worker *w = arg;

	atomic_fetch_sub(&w->load, 1);
	say_drained(w);
}

static void host_evidence(void *arg, uint32_t backend, enum evidence evidence, const char *words)
{
	struct worker *w = arg;
	struct worker_evidence *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return;		/* the next probe sees it as well */
	e->letter.kind = WORKER_EVIDENCE;
	e->backend = backend;
	e->evidence = evidence;
	(void)snprintf(e->words, sizeof(e->words), "%s", words);
	mailbox_post(w->common.control, &e->letter);
}

static void post_kill(struct worker *w, const struct kill_request *r, enum worker_letter_kind kind)
{
	struct worker_kill *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		log_error(NULL, "out of memory; a KILL is lost");
		return;
	}
	k->letter.kind = kind;
	k->request = *r;
	mailbox_post(w->common.control, &k->letter);
}

static void host_kill(void *arg, const struct kill_request *r)
{
	post_kill(arg, r, WORKER_KILL);
}

static void host_kill_answered(void *arg, const struct kill_request *r)
{
	post_kill(arg, r, WORKER_KILL_ANSWER);
}

static void host_show(void *arg, uint32_t asker, enum report report)
{
	struct worker *w = arg;
	struct worker_show *show = calloc(1, sizeof(*show));

	if (show == NULL) {
		log_error(NULL, "out of memory; a SHOW READMUX is lost");
		return;
	}
	show->letter.kind = WORKER_SHOW;
	show->worker = w->number;
	show->asker = asker;
	show->report = report;
	mailbox_post(w->common.control, &show->letter);
}

static const struct relay_host_ops host_ops = {
	.show = host_show,
	.kill = host_kill,
	.kill_answered = host_kill_answered,
	.session_closed = host_session_closed,
	.evidence = host_evidence,
};

/* --- letters ---------------------------------------------------------------- */

static void adopt(struct worker *w, const struct order *o)
{
	if (session_open(&w->env, o->u.client.fd, &o->u.client.peer, o->u.client.listen,
			 o->u.client.consistency, o->u.client.id))
		return;
	log_error(NULL, "a client was turned away: out of memory");
	host_session_closed(w);
}

static void take_topology(struct worker *w, const struct topology *topology)
{
	topology_drop(w->env.topology);
	w->env.topology = topology;
	relay_env_topology_changed(&w->env);
}

static void take_settings(struct worker *w, const struct settings *settings)
{
	settings_drop(w->env.settings);
	w->env.settings = settings;
}

static void take_tls(struct worker *w, const struct tls_pair *tls)
{
	tls_context_drop(w->env.tls_server);
	tls_context_drop(w->env.tls_client);
	w->env.tls_server = tls_context_take(tls->server);
	w->env.tls_client = tls_context_take(tls->client);
}

/* How late the letter is read is how late a client's bytes are. */
static void tick(struct worker *w, uint64_t posted_us)
{
	uint64_t now = clock_now_us();

	histogram_add(&w->stats.loop_delay, now - posted_us);
	STAT_SET(&w->stats, turned_us, now);
	pools_count(w->env.pools);
}

/* A report that is being made, a slice a turn: between them traffic goes on. */
struct making {
	TAILQ_ENTRY(making)   link;
	struct worker        *worker;
	struct worker_report *report;
	struct relay_walk     walk;
	struct timer          timer;
};

static void made(struct making *m)
{
	mailbox_post(m->worker->common.control, &m->report->letter);
	TAILQ_REMOVE(&m->worker->makings, m, link);
	timer_clear(&m->timer);
	free(m);
}

static void make_slice(struct timer *t)
{
	struct making *m = container_of(t, struct making, timer);

	if (relay_walk_slice(&m->worker->env, &m->walk, &m->report->table))
		timer_set(&m->timer, m->worker->loop, SLICE_PAUSE_US, make_slice);
	else
		made(m);
}

/* The worker ends: whoever gathers gets what there is. */
static void end_makings(struct worker *w)
{
	struct making *m;

	while ((m = TAILQ_FIRST(&w->makings)) != NULL) {
		relay_walk_end(&w->env, &m->walk);
		made(m);
	}
}

static void report(struct worker *w, enum report report, void *tag)
{
	struct worker_report *r = calloc(1, sizeof(*r));
	struct making *m = calloc(1, sizeof(*m));

	if (r == NULL || m == NULL) {
		log_error(NULL, "out of memory; giving up");
		abort();	/* whoever gathers would wait for ever */
	}
	r->letter.kind = WORKER_REPORT;
	r->tag = tag;
	r->table = relay_report_table(report);
	m->worker = w;
	m->report = r;
	TAILQ_INSERT_TAIL(&w->makings, m, link);
	relay_walk_begin(&w->env, &m->walk, report);
	make_slice(&m->timer);
}

static void shown(struct worker *w, struct worker_show *show)
{
	relay_shown(&w->env, show->asker, &show->table);
	table_free(&show->table);
	free(show);
}

static void opened(void *arg, struct letter *letter)
{
	struct worker *w = arg;
	struct order *o = container_of(letter, struct order, letter);

	switch ((enum letter_kind)letter->kind) {
	case LETTER_ADOPT:
		adopt(w, o);
		break;
	case LETTER_TOPOLOGY:
		take_topology(w, o->u.topology);
		break;
	case LETTER_SETTINGS:
		take_settings(w, o->u.settings);
		break;
	case LETTER_TLS:
		take_tls(w, &o->u.tls);
		tls_pair_drop(&o->u.tls);
		break;
	case LETTER_DRAIN:
		w->draining = true;
		relay_env_drain(&w->env);
		say_drained(w);
		break;
	case LETTER_KILL:
		relay_kill(&w->env, &o->u.kill);
		break;
	case LETTER_KILL_ANSWER:
		relay_kill_answered(&w->env, &o->u.kill);
		break;
	case LETTER_TICK:
		tick(w, o->u.posted_us);
		break;
	case LETTER_REPORT:
		report(w, o->u.report.report, o->u.report.tag);
		break;
	case LETTER_SHOWN:
		shown(w, o->u.show);
		break;
	case LETTER_STOP:
		end_makings(w);
		relay_env_close(&w->env);
		loop_stop(w->loop);
		break;
	}
	free(o);
}

static void post(struct worker *w, struct order order, enum letter_kind kind)
{
	struct order *o = malloc(sizeof(*o));

	if (o == NULL) {
		log_error(NULL, "out of memory; giving up");
		abort();	/* a worker that misses news would serve wrong answers */
	}
	*o = order;
	o->letter.kind = kind;
	mailbox_post(w->mailbox, &o->letter);
}

void worker_adopt(struct worker *w, int fd, const struct address *peer,
		  enum listen_route listen, enum sql_consistency consistency, uint32_t id)
{
	atomic_fetch_add(&w->load, 1);
	post(w, (struct order){ .u.client = { fd, id, listen, consistency, *peer } }, LETTER_ADOPT);
}

void worker_set_topology(struct worker *w, const struct topology *topology)
{
	post(w, (struct order){ .u.topology = topology_take(topology) }, LETTER_TOPOLOGY);
}

void worker_set_settings(struct worker *w, const struct settings *settings)
{
	post(w, (struct order){ .u.settings = settings_take(settings) }, LETTER_SETTINGS);
}

void worker_set_tls(struct worker *w, const struct tls_pair *tls)
{
	post(w, (struct order){ .u.tls = { tls_context_take(tls->server),
					   tls_context_take(tls->client) } }, LETTER_TLS);
}

void worker_ask_report(struct worker *w, enum report report, void *tag)
{
	post(w, (struct order){ .u.report = { report, tag } }, LETTER_REPORT);
}

void worker_shown(struct worker *w, struct worker_show *show)
{
	post(w, (struct order){ .u.show = show }, LETTER_SHOWN);
}

void worker_tick(struct worker *w)
{
	post(w, (struct order){ .u.posted_us = clock_now_us() }, LETTER_TICK);
}

void worker_drain(struct worker *w)
{
	post(w, (struct order){ .letter = { .kind = 0 } }, LETTER_DRAIN);
}

void worker_pass_on(struct worker *w, struct worker_kill *letter)
{
	post(w, (struct order){ .u.kill = letter->request },
	     letter->letter.kind == WORKER_KILL ? LETTER_KILL : LETTER_KILL_ANSWER);
}

unsigned worker_load(const struct worker *w)
{
	return atomic_load_explicit(&w->load, memory_order_relaxed);
}

const struct worker_stats *worker_stats_of(const struct worker *w)
{
	return &w->stats;
}

/* --- the thread ------------------------------------------------------------------- */

static void *work(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	return NULL;
}

static void fill_env(struct worker *w, const struct settings *settings,
		     const struct tls_pair *tls, const struct topology *topology,
		     unsigned number)
{
	w->env = (struct relay_env){
		.loop = w->loop,
		.settings = settings_take(settings),
		.topology = topology_take(topology),
		.stats = &w->stats,
		.credentials = w->common.credentials,
		.rsa = w->common.rsa,
		.tls_server = tls_context_take(tls->server),
		.tls_client = tls_context_take(tls->client),
		.host_ops = &host_ops,
		.host = w,
		.workers = w->common.workers,
		.balance = { .turn = number, .random = UINT64_C(0x9e3779b97f4a7c15) * (number + 1) },
	};
}

static void drop_env(struct worker *w)
{
	settings_drop(w->env.settings);
	topology_drop(w->env.topology);
	tls_context_drop(w->env.tls_server);
	tls_context_drop(w->env.tls_client);
}

struct worker *worker_start(unsigned number, const struct worker_common *common,
			    const struct settings *settings, const struct tls_pair *tls,
			    const struct topology *topology)
{
	struct worker *w = calloc(1, sizeof(*w));
	char name[16];

	if (w == NULL)
		return NULL;
	w->common = *common;
	TAILQ_INIT(&w->makings);
	w->number = number;
	w->loop = loop_new();
	if (w->loop == NULL)
		goto no_loop;
	w->mailbox = mailbox_new(w->loop, opened, w);
	if (w->mailbox == NULL)
		goto no_mailbox;
	STAT_SET(&w->stats, turned_us, clock_now_us());
	fill_env(w, settings, tls, topology, number);
	if (!relay_env_open(&w->env))
		goto no_env;
	if (pthread_create(&w->thread, NULL, work, w) != 0)
		goto no_thread;
	(void)snprintf(name, sizeof(name), "worker-%u", number);
	(void)pthread_setname_np(w->thread, name);
	return w;

no_thread:
	relay_env_free(&w->env);
no_env:
	drop_env(w);
	mailbox_free(w->mailbox);
no_mailbox:
	loop_free(w->loop);
no_loop:
	free(w);
	return NULL;
}

void worker_stop(struct worker *w)
{
	if (w == NULL)
		return;
	post(w, (struct order){ .letter = { .kind = 0 } }, LETTER_STOP);
	(void)pthread_join(w->thread, NULL);
	mailbox_free(w->mailbox);
	relay_env_close(&w->env);	/* what the last letters may have opened */
	loop_run_deferred(w->loop);
	relay_env_free(&w->env);
	drop_env(w);
	loop_free(w->loop);
	stats_clear(&w->stats);
	free(w);
}
