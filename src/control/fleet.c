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
#include <readmux/model/verdict.h>
#include <readmux/net/mailbox.h>
#include <readmux/net/timer.h>

#define BACKENDS_MAX      DISCOVERY_PODS_MAX
#define LEAVING_MAX       64u
#define GONE_CONFIRMED    2u		/* answers in a row that say a name is gone */
#define LAG_GRAIN_MS      500u		/* smaller changes of lag are no news */
#define SLOW_START_STEPS  10u
#define WEIGHT_FULL       100u

/* One backend; its ordinal is its place in fleet.members. */
struct member {
	struct backend_view view;	/* as it would be published now */
	struct backend_view told;	/* as it was published last; id 0 = never */
	struct health_state health;
	struct monitor     *monitor;	/* NULL: no thread could be had */
	uint32_t            probe;	/* what its monitor's reports are marked with */
	bool                in_use;
	bool                probed;	/* a probe has succeeded since it is in use */
	bool                late_comer;	/* found after the start: starts slowly */
	unsigned            gone;	/* answers in a row without its name */
	uint64_t            up_us;	/* when slow start began; 0 = there is none */
	char                trouble[160];	/* why it is not up */
	char                replication[160];	/* why its replication does not run */
};

struct fleet {
	struct loop            *loop;
	const struct settings  *settings;
	const struct fleet_host_ops *ops;
	void                   *arg;
	struct mailbox         *mailbox;
	struct discovery       *discovery;	/* NULL: a list in the settings */
	struct timer            slow_start;
	struct topology        *topology;
	struct member           members[BACKENDS_MAX];
	struct monitor         *leaving[LEAVING_MAX];	/* stopped; the thread has not ended yet */
	size_t                  leaving_count;
	uint32_t                next_id;	/* of backends and of probes */
	bool                    discovered;
	bool                    news;		/* beyond what is_news() sees: somebody came or went */
	bool                    closing;
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

static void compute(struct fleet *f)
{
	struct verdict_case cases[BACKENDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		struct member *m = &f->members[i];

		if (!m->in_use)
			continue;
		m->view.health = m->health.now;
		cases[n++] = (struct verdict_case){
			.view = &m->view,
			.name_gone = m->gone >= GONE_CONFIRMED,
			.weight = weight_of(f, m),
			.trouble = m->trouble,
			.replication = m->replication,
		};
	}
	verdict_compute(cases, n, f->settings->max_lag_ms);
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

static void say_in_or_out(const struct backend_view *v)
{
	char at[ADDRESS_TEXT_MAX];

	address_format(&v->address, at, sizeof(at));
	if (v->usable)
		log_info(NULL, "backend in", LOG_TEXT("backend", v->name), LOG_TEXT("address", at),
			 LOG_TEXT("role", v->role == BACKEND_PRIMARY ? "primary" : "replica"),
			 LOG_TEXT("version", v->facts.version_text));
	else
		log_warn(NULL, "backend out", LOG_TEXT("backend", v->name), LOG_TEXT("address", at),
			 LOG_TEXT("health", health_name(v->health)), LOG_TEXT("cause", v->cause));
}

/* Every change of what a backend is used for, with its cause. */
static void say_change(const struct member *m)
{
	const struct backend_view *v = &m->view, *told = &m->told;
	bool read_only = v->usable && v->role == BACKEND_PRIMARY && !v->writable;

	if (v->health == HEALTH_UNKNOWN)
		return;		/* nothing is known yet */
	if (v->usable != told->usable || told->health == HEALTH_UNKNOWN ||
	    (!v->usable && strcmp(v->cause, told->cause) != 0))
		say_in_or_out(v);
	if (read_only && (!told->usable || told->writable))
		log_warn(NULL, "the primary is read-only; writes wait", LOG_TEXT("backend", v->name));
	else if (v->writable && told->usable && !told->writable)
		log_info(NULL, "the primary takes writes again", LOG_TEXT("backend", v->name));
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
	f->news = false;
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
	bool news = f->news;

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

static void say_member(const struct member *m, const char *event)
{
	char at[ADDRESS_TEXT_MAX];

	address_format(&m->view.address, at, sizeof(at));
	log_info(NULL, event, LOG_TEXT("backend", m->view.name), LOG_TEXT("address", at));
}

static void start_member(struct fleet *f, unsigned ordinal, const struct address *address)
{
	struct member *m = &f->members[ordinal];

	*m = (struct member){ .in_use = true, .late_comer = f->discovered };
	health_init(&m->health);
	m->view.id = ++f->next_id;
	m->view.ordinal = ordinal;
	m->view.role = ordinal == 0 ? BACKEND_PRIMARY : BACKEND_REPLICA;
	m->view.address = *address;
	(void)snprintf(m->view.name, sizeof(m->view.name), "%.48s-%u", f->settings->service, ordinal);
	(void)snprintf(m->trouble, sizeof(m->trouble), "not probed yet");
	m->probe = m->view.id;
	m->monitor = monitor_start(m->probe, address, ordinal == 0, f->settings, f->mailbox);
	f->news = true;
	say_member(m, "backend found");
	if (m->monitor == NULL)
		log_error(NULL, "cannot start a probe thread", LOG_TEXT("backend", m->view.name));
}

/* Its thread may hang in a probe; it is not waited for here. */
static void dismiss(struct fleet *f, struct monitor *monitor)
{
	monitor_stop(monitor);
	if (f->leaving_count == LEAVING_MAX) {
		monitor_join(f->leaving[0]);	/* its letter follows, and frees it */
		f->leaving[0] = f->leaving[--f->leaving_count];
	}
	f->leaving[f->leaving_count++] = monitor;
}

static void stop_member(struct fleet *f, struct member *m)
{
	if (m->monitor != NULL)
		dismiss(f, m->monitor);
	m->monitor = NULL;
	m->in_use = false;
	f->news = true;
}

/* The least number of names that DNS has to be asked for. */
static void expect_names(struct fleet *f)
{
	unsigned n = 1;		/* the primary's */

	for (unsigned i = 0; i < BACKENDS_MAX; i++) {
		if (f->members[i].in_use)
			n = i + 1;
	}
	discovery_expect(f->discovery, n);
}

/* --- evidence -------------------------------------------------------------------- */

static void observe(struct fleet *f, struct member *m, enum evidence evidence, const char *words)
{
	struct health_rule rule = { (unsigned)f->settings->probe_rise,
				    (unsigned)f->settings->probe_fall };
	enum health before = m->health.now;

	(void)health_observe(&m->health, &rule, evidence);
	if (m->health.now == HEALTH_UP) {
		if (before == HEALTH_DOWN || (before == HEALTH_UNKNOWN && m->late_comer))
			m->up_us = loop_now_us(f->loop);
	} else if (evidence != EVIDENCE_PROBE_OK) {
		(void)snprintf(m->trouble, sizeof(m->trouble), "%s", words);
	}
}

void fleet_evidence(struct fleet *f, uint32_t id, enum evidence evidence, const char *words)
{
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		struct member *m = &f->members[i];

		if (!m->in_use || m->view.id != id)
			continue;
		observe(f, m, evidence, words);
		if (m->monitor != NULL)
			monitor_kick(m->monitor);
		if (f->discovery != NULL)
			discovery_hurry(f->discovery);
		settle(f);
	}
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

/* Another data directory behind the same address: no connection of old may be used for it. */
static void check_identity(struct fleet *f, struct member *m, const struct server_facts *now)
{
	const struct server_facts *before = &m->view.facts;

	if (m->probed && (before->server_id != now->server_id || before->mariadb != now->mariadb ||
			  strcmp(before->uuid, now->uuid) != 0)) {
		m->view.id = ++f->next_id;
		say_member(m, "another server has taken the address");
	}
	m->probed = true;
}

static void take_report(struct fleet *f, struct member *m, const struct probe_report *r)
{
	if (r->evidence == EVIDENCE_PROBE_OK) {
		check_identity(f, m, &r->facts);
		m->view.facts = r->facts;
		m->view.lag_state = r->lag_state;
		m->view.lag_ms = r->lag_ms;
		(void)snprintf(m->replication, sizeof(m->replication), "%s", r->replication);
	}
	observe(f, m, r->evidence, r->words);
	pass_accounts(f, r);
	settle(f);
}

static void forget_leaving(struct fleet *f, const struct monitor *monitor)
{
	for (size_t i = 0; i < f->leaving_count; i++) {
		if (f->leaving[i] == monitor) {
			f->leaving[i] = f->leaving[--f->leaving_count];
			return;
		}
	}
}

static void arrived(void *arg, struct letter *letter)
{
	struct fleet *f = arg;
	struct probe_report *r;

	if (letter->kind == MONITOR_ENDED) {
		forget_leaving(f, monitor_of(letter));
		monitor_free(monitor_of(letter));
		return;
	}
	r = container_of(letter, struct probe_report, letter);
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		struct member *m = &f->members[i];

		if (!f->closing && m->in_use && m->probe == r->monitor)
			take_report(f, m, r);
	}
	probe_report_free(r);
}

/* --- discovery ------------------------------------------------------------------- */

static void pod_found(void *arg, unsigned ordinal, const struct address *address)
{
	struct fleet *f = arg;
	struct member *m = &f->members[ordinal];
	struct server_facts facts = m->view.facts;

	m->gone = 0;
	if (m->in_use && address_equal(&m->view.address, address))
		return;
	if (m->in_use)
		stop_member(f, m);	/* a new address is a new pod */
	start_member(f, ordinal, address);
	m->view.facts = facts;		/* what clients are greeted with until it is probed */
}

static void pod_gone(void *arg, unsigned ordinal)
{
	struct fleet *f = arg;
	struct member *m = &f->members[ordinal];

	if (!m->in_use || ++m->gone < GONE_CONFIRMED)
		return;
	/* a replica that does not answer either has left; a primary is waited for */
	if (m->view.role != BACKEND_REPLICA || m->health.now != HEALTH_DOWN)
		return;
	say_member(m, "backend gone");
	stop_member(f, m);
}

static void pass_over(void *arg, bool complete)
{
	struct fleet *f = arg;

	if (complete && !f->discovered) {
		f->discovered = true;
		f->news = true;
	}
	expect_names(f);
	settle(f);
}

static const struct discovery_user_ops discovery_ops = {
	.found = pod_found,
	.gone = pod_gone,
	.passed = pass_over,
};

/* --- start and end ----------------------------------------------------------------- */

static bool start_discovery(struct fleet *f)
{
	if (f->settings->server_count == 0) {
		f->discovery = discovery_new(f->loop, f->settings, &discovery_ops, f);
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
	f->mailbox = mailbox_new(loop, arrived, f);
	if (f->mailbox != NULL && start_discovery(f)) {
		compute(f);
		publish(f);
		if (f->topology != NULL)
			return f;
	}
	fleet_free(f);
	return NULL;
}

/* All threads are asked first, then waited for: they end side by side. */
static void stop_all(struct fleet *f)
{
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		if (f->members[i].monitor != NULL)
			monitor_stop(f->members[i].monitor);
	}
	for (size_t i = 0; i < f->leaving_count; i++)
		monitor_join(f->leaving[i]);
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		if (f->members[i].monitor != NULL)
			monitor_join(f->members[i].monitor);
	}
}

void fleet_free(struct fleet *f)
{
	if (f == NULL)
		return;
	f->closing = true;
	timer_clear(&f->slow_start);
	discovery_free(f->discovery);
	stop_all(f);
	mailbox_free(f->mailbox);	/* the last letters free the monitors */
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
