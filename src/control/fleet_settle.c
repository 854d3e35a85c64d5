/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What workers are told of the fleet, and when; see fleet_parts.h.  The rules of who
 * is used are model/verdict.c's.
 */
#include "fleet_parts.h"

#include <readmux/base/log.h>
#include <readmux/model/verdict.h>

#define LAG_GRAIN_MS      500u		/* smaller changes of lag are no news */
#define SLOW_START_STEPS  10u
#define WEIGHT_FULL       100u

/* --- computing what workers are told ---------------------------------------------- */

static uint32_t weight_of(const struct fleet *f, const struct member *m)
{
	uint64_t whole = f->settings->slow_start_ms * 1000;
	uint64_t up = loop_now_us(f->loop) - m->turned_us;

	if (!m->starts_slowly || up >= whole)
		return WEIGHT_FULL;
	/* in steps, so that it is not news all the time */
	return (uint32_t)((up * SLOW_START_STEPS / whole + 1) * WEIGHT_FULL /
			  SLOW_START_STEPS);
}

/* For how long a replica has not found the primary, which was there all the time. */
static uint64_t blind_ms(const struct fleet *f, const struct member *m)
{
	const struct member *primary = &f->members[0];
	uint64_t now = loop_now_us(f->loop), since;

	if (m->view.lag_state != LAG_UNKNOWN || !primary->in_use ||
	    primary->health.now == HEALTH_UNKNOWN || primary->health.now == HEALTH_DOWN)
		return 0;
	since = primary->turned_us > m->seen_lag_us ? primary->turned_us : m->seen_lag_us;
	return (now - since) / 1000;
}

/*
 * A replica of a replica knows places in another log than the primary's, but the same GTIDs.
 * Who the primary is may be known only after its replicas have said whom they follow.
 */
static void settle_position(const struct fleet *f, struct member *m)
{
	const struct server_facts *primary = &f->members[0].view.facts;

	m->view.other_source = m->source_id != 0 &&
			       !(primary->known && m->source_id == primary->server_id);
	(void)snprintf(m->view.log, sizeof(m->view.log), "%s",
		       m->view.other_source && !m->view.facts.mariadb ? "" : m->log);
}

static void compute(struct fleet *f)
{
	struct verdict_case cases[BACKENDS_MAX];
	enum backend_state before[BACKENDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		struct member *m = &f->members[i];

		if (!m->in_use)
			continue;
		m->view.health = m->health.now;
		settle_position(f, m);
		before[n] = m->view.state;
		cases[n++] = (struct verdict_case){
			.view = &m->view,
			.name_gone = m->name_gone,
			.held = m->held,
			.weight = weight_of(f, m),
			.blind_ms = blind_ms(f, m),
			.trouble = m->trouble,
			.replication = m->replication,
		};
	}
	verdict_compute(cases, n, f->settings->max_lag_ms);
	for (size_t i = 0; i < n; i++) {
		if (cases[i].view->since_us == 0 || cases[i].view->state != before[i])
			cases[i].view->since_us = loop_now_us(f->loop);
	}
}

static bool lag_is_news(const struct backend_view *a, const struct backend_view *b)
{
	uint32_t difference = a->lag_ms > b->lag_ms ? a->lag_ms - b->lag_ms :
			      b->lag_ms - a->lag_ms;

	return a->lag_state != b->lag_state || difference >= LAG_GRAIN_MS;
}

/* Sessions go by it, and by when it was seen. */
static bool log_is_news(const struct member *m)
{
	return m->view.log[0] != '\0' && m->view.log_us != m->told.log_us;
}

static bool is_news(const struct member *m)
{
	const struct backend_view *a = &m->view, *b = &m->told;

	return a->id != b->id || a->health != b->health || a->state != b->state ||
	       a->draining != b->draining || a->weight != b->weight ||
	       a->other_source != b->other_source || lag_is_news(a, b) ||
	       strcmp(a->cause, b->cause) != 0 ||
	       memcmp(&a->facts, &b->facts, sizeof(a->facts)) != 0;
}

static void say_in_or_out(const struct fleet *f, const struct backend_view *v)
{
	const char *role = v->role == BACKEND_PRIMARY ? "primary" : "replica";
	char at[ADDRESS_TEXT_MAX];

	address_format(&v->address, at, sizeof(at));
	if (v->usable)
		log_info(NULL, "backend in", LOG_TEXT("backend", v->name),
			 LOG_TEXT("address", at), LOG_TEXT("role", role),
			 LOG_TEXT("version", v->facts.version_text));
	else
		log_warn(NULL, "backend out", LOG_TEXT("backend", v->name),
			 LOG_TEXT("address", at),
			 LOG_TEXT("state", backend_state_name(v->state)),
			 LOG_TEXT("cause", v->cause));
	f->ops->happened(f->arg, v->usable ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
			 v->usable ? "backend in" : "backend out", v->name, v->cause);
}

static void say_writable(const struct fleet *f, const struct backend_view *v, bool writable)
{
	const char *event = writable ? "the primary takes writes again" :
			    "the primary is read-only; writes wait";

	if (writable)
		log_info(NULL, event, LOG_TEXT("backend", v->name));
	else
		log_warn(NULL, event, LOG_TEXT("backend", v->name));
	f->ops->happened(f->arg, writable ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, event, v->name, "");
}

/* Every change of what a backend is used for, with its cause. */
static void say_change(struct fleet *f, const struct member *m)
{
	const struct backend_view *v = &m->view, *told = &m->told;

	if (v->state != told->state)
		f->counts.backends[v->ordinal].changes++;
	if (v->state == BACKEND_IS_NEW)
		return;
	if (v->usable != told->usable || told->state == BACKEND_IS_NEW ||
	    (!v->usable && strcmp(v->cause, told->cause) != 0))
		say_in_or_out(f, v);
	if (v->state == BACKEND_IS_READ_ONLY && told->state != BACKEND_IS_READ_ONLY)
		say_writable(f, v, false);
	else if (v->writable && told->state == BACKEND_IS_READ_ONLY)
		say_writable(f, v, true);
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

static void slow_start_step(struct timer *t)
{
	fleet_settle(container_of(t, struct fleet, slow_start));
}

static void watch_slow_start(struct fleet *f)
{
	if (timer_is_set(&f->slow_start))
		return;		/* evidence comes all the time: it must not push it away */
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		const struct backend_view *v = &f->members[i].view;

		if (!f->members[i].in_use || v->weight == 0 || v->weight >= WEIGHT_FULL)
			continue;
		timer_set(&f->slow_start, f->loop,
			  f->settings->slow_start_ms * 1000 / SLOW_START_STEPS,
			  slow_start_step);
		return;
	}
}

void fleet_settle(struct fleet *f)
{
	bool news = f->news;

	compute(f);
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		const struct member *m = &f->members[i];

		if (m->in_use && log_is_news(m))
			news = true;
		if (!m->in_use || !is_news(m))
			continue;
		say_change(f, m);
		news = true;
	}
	if (news)
		publish(f);
	watch_slow_start(f);
}
