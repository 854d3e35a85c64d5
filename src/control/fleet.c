/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All backends and the verdicts about them; see fleet.h.
 *
 * Every piece of evidence ends in settle(), which computes what workers are
 * told and publishes a snapshot when that has changed.
 */
#include <readmux/base/clock.h>
#include <readmux/base/log.h>
#include <readmux/control/discovery.h>
#include <readmux/control/fleet.h>
#include <readmux/control/monitor.h>
#include <readmux/net/mailbox.h>
#include <readmux/net/timer.h>

#define BACKENDS_MAX      64u
#define GONE_CONFIRMED    2u		/* answers in a row that say a name is gone */
#define LAG_GRAIN_MS      500u		/* smaller changes of lag are no news */
#define SLOW_START_STEPS  10u
#define WEIGHT_FULL       100u

struct member {
	struct backend_view view;	/* as it would be published now */
	struct backend_view told;	/* as it was published last */
	struct health_state health;
	struct monitor     *monitor;
	bool                in_use;
	unsigned            gone;	/* answers in a row without this name */
	uint64_t            up_us;	/* when it came back; 0 = was there at the start */
};

struct fleet {
	struct loop            *loop;
	const struct settings  *settings;
	const struct fleet_host_ops *ops;
	void                   *arg;
	struct mailbox         *mailbox;
	struct discovery       *discovery;
	struct timer            slow_start;
	struct topology        *topology;
	struct member           members[BACKENDS_MAX];	/* by ordinal */
	uint32_t                next_id;
	bool                    discovered;
	bool                    told_discovered;
};

/* --- computing what workers are told ---------------------------------------------- */

static uint32_t weight_of(const struct fleet *f, const struct member *m)
{
	uint64_t whole = f->settings->slow_start_ms * 1000, up;

	if (m->up_us == 0 || whole == 0)
		return WEIGHT_FULL;
	up = loop_now_us(f->loop) - m->up_us;
	if (up >= whole)
		return WEIGHT_FULL;
	/* in steps, so that it is not news all the time */
	return (uint32_t)((up * SLOW_START_STEPS / whole + 1) * WEIGHT_FULL / SLOW_START_STEPS);
}

static bool lags(const struct fleet *f, const struct member *m)
{
	return m->view.lag_state == LAG_KNOWN && m->view.lag_ms > f->settings->max_lag_ms;
}

/* Usable but for its lag. */
static bool serves(const struct member *m)
{
	const struct backend_view *v = &m->view;

	return m->in_use && v->health == HEALTH_UP && !v->draining &&
	       (v->role == BACKEND_PRIMARY || v->lag_state != LAG_STOPPED);
}

static bool any_replica_in_time(const struct fleet *f)
{
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		const struct member *m = &f->members[i];

		if (serves(m) && m->view.role == BACKEND_REPLICA && !lags(f, m))
			return true;
	}
	return false;
}

static void explain(struct member *m, bool late)
{
	struct backend_view *v = &m->view;

	if (v->health == HEALTH_UP && v->draining)
		(void)snprintf(v->cause, sizeof(v->cause), "its DNS name is gone: not ready");
	else if (v->health == HEALTH_UP && v->role == BACKEND_REPLICA &&
		 v->lag_state == LAG_STOPPED)
		(void)snprintf(v->cause, sizeof(v->cause), "replication does not run");
	else if (v->health == HEALTH_UP && late)
		(void)snprintf(v->cause, sizeof(v->cause), "lags %u ms behind", v->lag_ms);
	else if (v->health == HEALTH_UP && v->role == BACKEND_PRIMARY && v->facts.read_only)
		(void)snprintf(v->cause, sizeof(v->cause), "the primary is read-only");
	else if (v->health == HEALTH_UP)
		v->cause[0] = '\0';
}

/* The one place that decides who is used for what. */
static void compute(struct fleet *f)
{
	bool in_time = any_replica_in_time(f);

	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		struct member *m = &f->members[i];
		struct backend_view *v = &m->view;
		bool late;

		if (!m->in_use)
			continue;
		v->health = m->health.now;
		late = v->role == BACKEND_REPLICA && lags(f, m) && in_time;
		v->usable = serves(m) && !late;
		v->writable = v->usable && v->role == BACKEND_PRIMARY && !v->facts.read_only;
		v->weight = v->usable ? weight_of(f, m) : 0;
		explain(m, late);
	}
}

static bool lag_is_news(const struct backend_view *a, const struct backend_view *b)
{
	uint32_t difference = a->lag_ms > b->lag_ms ? a->lag_ms - b->lag_ms : b->lag_ms - a->lag_ms;

	return a->lag_state != b->lag_state || difference >= LAG_GRAIN_MS;
}

static bool is_news(const struct member *m)
{
	const struct backend_view *a = &m->view, *b = &m->told;

	return a->id != b->id || a->health != b->health || a->usable != b->usable ||
	       a->writable != b->writable || a->draining != b->draining || a->weight != b->weight ||
	       strcmp(a->cause, b->cause) != 0 || lag_is_news(a, b) ||
	       memcmp(&a->facts, &b->facts, sizeof(a->facts)) != 0;
}

static void say_change(const struct member *m)
{
	const struct backend_view *v = &m->view;
	char at[ADDRESS_TEXT_MAX];

	if (v->usable == m->told.usable && v->id == m->told.id &&
	    (v->usable || strcmp(v->cause, m->told.cause) == 0))
		return;
	address_format(&v->address, at, sizeof(at));
	if (v->usable)
		log_info(NULL, "backend in", LOG_TEXT("backend", v->name), LOG_TEXT("address", at),
			 LOG_TEXT("role", v->role == BACKEND_PRIMARY ? "primary" : "replica"),
			 LOG_TEXT("version", v->facts.version_text));
	else
		log_warn(NULL, "backend out", LOG_TEXT("backend", v->name), LOG_TEXT("address", at),
			 LOG_TEXT("health", health_name(v->health)), LOG_TEXT("cause", v->cause));
}

/* --- publishing ----------------------------------------------------------------- */

static struct topology *snapshot(struct fleet *f)
{
	uint64_t version = f->topology != NULL ? f->topology->version + 1 : 1;
	struct topology *t;
	size_t n = 0;

	for (size_t i = 0; i < BACKENDS_MAX; i++)
		n += f->members[i].in_use;
	t = topology_new(n);
	if (t == NULL)
		return NULL;
	t->version = version;
	t->discovered = f->discovered;
	n = 0;
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		if (f->members[i].in_use)
			t->backends[n++] = f->members[i].view;
	}
	return t;
}

static void publish(struct fleet *f)
{
	struct topology *t = snapshot(f);

	if (t == NULL) {
		log_error(NULL, "out of memory; news of backends is late");
		return;
	}
	for (size_t i = 0; i < BACKENDS_MAX; i++)
		f->members[i].told = f->members[i].view;
	f->told_discovered = f->discovered;
	topology_drop(f->topology);
	f->topology = t;
	f->ops->published(f->arg, t);
}

static void settle(struct fleet *f);

static void slow_start_step(struct timer *t)
{
	settle(container_of(t, struct fleet, slow_start));
}

static void watch_slow_start(struct fleet *f)
{
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		const struct backend_view *v = &f->members[i].view;

		if (!f->members[i].in_use || v->weight == 0 || v->weight >= WEIGHT_FULL)
			continue;
		timer_set(&f->slow_start, f->loop,
			  f->settings->slow_start_ms * 1000 / SLOW_START_STEPS, slow_start_step);
		return;
	}
}

/* After any evidence: recompute, and tell what has changed. */
static void settle(struct fleet *f)
{
	bool news = f->discovered != f->told_discovered;

	compute(f);
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		const struct member *m = &f->members[i];

		if (!m->in_use || !is_news(m))
			continue;
		say_change(m);
		news = true;
	}
	if (news)
		publish(f);
	watch_slow_start(f);
}

/* --- members -------------------------------------------------------------------- */

static void start_member(struct fleet *f, unsigned ordinal, const struct address *address)
{
	struct member *m = &f->members[ordinal];

	*m = (struct member){ .in_use = true };
	health_init(&m->health);
	m->view.id = ++f->next_id;
	m->view.ordinal = ordinal;
	m->view.role = ordinal == 0 ? BACKEND_PRIMARY : BACKEND_REPLICA;
	m->view.address = *address;
	(void)snprintf(m->view.name, sizeof(m->view.name), "%.48s-%u", f->settings->service, ordinal);
	(void)snprintf(m->view.cause, sizeof(m->view.cause), "not probed yet");
	m->monitor = monitor_start(m->view.id, address, ordinal == 0, f->settings, f->mailbox);
	if (m->monitor == NULL)
		log_error(NULL, "cannot start a probe thread", LOG_TEXT("backend", m->view.name));
}

/* A thread that hangs in a probe is not waited for here: it ends by itself. */
static void stop_member(struct member *m)
{
	if (m->monitor != NULL) {
		monitor_stop(m->monitor);
		monitor_join(m->monitor);
	}
	m->monitor = NULL;
	m->in_use = false;
}

static struct member *member_by_id(struct fleet *f, uint32_t id)
{
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		if (f->members[i].in_use && f->members[i].view.id == id)
			return &f->members[i];
	}
	return NULL;
}

/* --- evidence -------------------------------------------------------------------- */

static void observe(struct fleet *f, struct member *m, enum evidence evidence, const char *words)
{
	struct health_rule rule = { (unsigned)f->settings->probe_rise,
				    (unsigned)f->settings->probe_fall };
	enum health before = m->health.now;

	if (!health_observe(&m->health, &rule, evidence)) {
		if (evidence != EVIDENCE_PROBE_OK && m->health.now == HEALTH_DOWN)
			(void)snprintf(m->view.cause, sizeof(m->view.cause), "%s", words);
		return;
	}
	if (m->health.now != HEALTH_UP)
		(void)snprintf(m->view.cause, sizeof(m->view.cause), "%s", words);
	else if (before == HEALTH_DOWN)
		m->up_us = loop_now_us(f->loop);
}

void fleet_evidence(struct fleet *f, uint32_t id, enum evidence evidence, const char *words)
{
	struct member *m = member_by_id(f, id);

	if (m == NULL)
		return;
	observe(f, m, evidence, words);
	if (m->monitor != NULL)
		monitor_kick(m->monitor);
	if (f->discovery != NULL)
		discovery_hurry(f->discovery);
	settle(f);
}

static void pass_accounts(struct fleet *f, const struct probe_report *r)
{
	if (!r->has_accounts)
		return;
	f->ops->account(f->arg, SPAN_NONE, SPAN_NONE);
	for (size_t i = 0; i < r->account_count; i++) {
		if (r->accounts[i].hash[0] != '\0')
			f->ops->account(f->arg, span_of(r->accounts[i].user),
					span_of(r->accounts[i].hash));
	}
}

static void probed(void *arg, struct letter *letter)
{
	struct fleet *f = arg;
	struct probe_report *r = container_of(letter, struct probe_report, letter);
	struct member *m = member_by_id(f, r->backend);

	if (m != NULL) {
		if (r->evidence == EVIDENCE_PROBE_OK) {
			m->view.facts = r->facts;
			m->view.lag_state = r->lag_state;
			m->view.lag_ms = r->lag_ms;
		}
		observe(f, m, r->evidence, r->words);
		pass_accounts(f, r);
		settle(f);
	}
	free(r->accounts);
	free(r);
}

/* --- discovery ------------------------------------------------------------------- */

static void pod_gone(struct member *m)
{
	if (!m->in_use || ++m->gone < GONE_CONFIRMED)
		return;
	/* as the mysql-read Service does; the primary's live connections stay */
	m->view.draining = m->view.role == BACKEND_REPLICA;
	if (m->health.now == HEALTH_DOWN && m->view.role == BACKEND_REPLICA)
		stop_member(m);
}

static void pod_found(void *arg, unsigned ordinal, enum resolver_answer answer,
		      const struct address *address)
{
	struct fleet *f = arg;
	struct member *m;

	if (ordinal >= BACKENDS_MAX)
		return;
	m = &f->members[ordinal];
	if (answer == RESOLVER_GONE) {
		pod_gone(m);
		return;
	}
	m->gone = 0;
	if (m->in_use && address_equal(&m->view.address, address)) {
		m->view.draining = false;
		return;
	}
	stop_member(m);		/* a new address is a new pod */
	start_member(f, ordinal, address);
	discovery_expect(f->discovery, ordinal + 1);
}

static void pass_over(void *arg, bool complete)
{
	struct fleet *f = arg;
	size_t n = 0, m = 0;

	f->discovered |= complete;
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		n += f->members[i].in_use;
		m += f->members[i].told.id != 0 && f->members[i].in_use;
	}
	if (n != m || (f->topology != NULL && n != f->topology->n)) {
		compute(f);
		publish(f);
	}
	settle(f);
}

/* --- start and end ----------------------------------------------------------------- */

static bool start_discovery(struct fleet *f)
{
	if (f->settings->server_count == 0) {
		f->discovery = discovery_new(f->loop, f->settings, pod_found, pass_over, f);
		return f->discovery != NULL;
	}
	for (size_t i = 0; i < f->settings->server_count && i < BACKENDS_MAX; i++)
		start_member(f, (unsigned)i, &f->settings->servers[i]);
	f->discovered = true;
	return true;
}

struct fleet *fleet_new(struct loop *loop, const struct settings *settings,
			const struct fleet_host_ops *ops, void *arg)
{
	struct fleet *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->loop = loop;
	f->settings = settings_take(settings);
	f->ops = ops;
	f->arg = arg;
	f->mailbox = mailbox_new(loop, probed, f);
	if (f->mailbox != NULL && start_discovery(f)) {
		compute(f);
		publish(f);
		if (f->topology != NULL)
			return f;
	}
	fleet_free(f);
	return NULL;
}

void fleet_free(struct fleet *f)
{
	if (f == NULL)
		return;
	timer_clear(&f->slow_start);
	discovery_free(f->discovery);
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		if (f->members[i].monitor != NULL)
			monitor_stop(f->members[i].monitor);
	}
	for (size_t i = 0; i < BACKENDS_MAX; i++)
		stop_member(&f->members[i]);
	mailbox_free(f->mailbox);
	topology_drop(f->topology);
	settings_drop(f->settings);
	free(f);
}

void fleet_reload(struct fleet *f, const struct settings *settings)
{
	settings_drop(f->settings);
	f->settings = settings_take(settings);
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		if (f->members[i].monitor != NULL)
			monitor_reload(f->members[i].monitor, settings);
	}
	settle(f);
}

const struct topology *fleet_topology(const struct fleet *f)
{
	return f->topology;
}
