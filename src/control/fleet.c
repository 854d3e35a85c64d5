/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All backends and the verdicts about them; see fleet.h.
 *
 * Every piece of evidence, from discovery, probes or traffic, ends in fleet_settle().
 */
#include "fleet_parts.h"

#include <readmux/base/log.h>

#define PATIENCE_US 5000000u	/* with an address that is down, when the pod has others */
#define NAMES_US    60000000u	/* a new address is believed without the pod's name after this */

/* --- members -------------------------------------------------------------------- */

static void say_member(const struct fleet *f, const struct member *m, const char *event)
{
	char at[ADDRESS_TEXT_MAX];

	address_format(&m->view.address, at, sizeof(at));
	log_info(NULL, event, LOG_TEXT("backend", m->view.name), LOG_TEXT("address", at));
	f->ops->happened(f->arg, LOG_LEVEL_INFO, event, m->view.name, at);
}

/* A pod is known by its name; a server of a fixed list by its address. */
static void name_host(const struct fleet *f, struct backend_view *view)
{
	if (f->discovery != NULL)
		discovery_host(f->discovery, view->ordinal, view->host, sizeof(view->host));
	else
		address_format_host(&view->address, view->host, sizeof(view->host));
}

static void start_member(struct fleet *f, unsigned ordinal, const struct address *address)
{
	struct member *m = &f->members[ordinal];
	uint64_t now = loop_now_us(f->loop);
	bool named = m->was_itself || m->named_until_us > now;

	*m = (struct member){
		.in_use = true,
		.named_until_us = named ? now + NAMES_US : 0,
		.starts_slowly = f->discovered,
		.turned_us = now,
	};
	health_init(&m->health);
	m->view.id = ++f->next_id;
	m->view.ordinal = ordinal;
	m->view.role = ordinal == 0 ? BACKEND_PRIMARY : BACKEND_REPLICA;
	m->view.address = *address;
	name_host(f, &m->view);
	(void)snprintf(m->view.name, sizeof(m->view.name), "%.48s-%u", f->settings->service,
		       ordinal);
	(void)snprintf(m->trouble, sizeof(m->trouble), "not probed yet");
	m->probe = m->view.id;
	m->monitor = monitor_start(m->probe, address, m->view.host, ordinal == 0,
				   f->settings, f->mailbox);
	f->news = true;
	memcpy(f->counts.backends[ordinal].name, m->view.name, BACKEND_NAME_MAX);
	say_member(f, m, "backend found");
	if (m->monitor == NULL)
		log_error(NULL, "cannot start a probe thread",
			  LOG_TEXT("backend", m->view.name));
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

/* --- evidence -------------------------------------------------------------------- */

static bool is_dead(enum health health)
{
	return health == HEALTH_DOWN || health == HEALTH_UNKNOWN;
}

static void observe(struct fleet *f, struct member *m, enum evidence evidence,
		    const char *words)
{
	struct health_rule rule = { (unsigned)f->settings->probe_rise,
				    (unsigned)f->settings->probe_fall };
	enum health before = m->health.now;

	(void)health_observe(&m->health, &rule, evidence);
	if (is_dead(before) != is_dead(m->health.now))
		m->turned_us = loop_now_us(f->loop);
	if (before == HEALTH_DOWN)
		m->starts_slowly = true;
	if (m->health.now != HEALTH_UP && evidence != EVIDENCE_PROBE_OK)
		(void)snprintf(m->trouble, sizeof(m->trouble), "%s", words);
}

/* Its server may be elsewhere by now. */
static void look_around(struct fleet *f)
{
	if (f->discovery != NULL)
		discovery_hurry(f->discovery);
}

void fleet_evidence(struct fleet *f, uint32_t id, enum evidence evidence, const char *words)
{
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		struct member *m = &f->members[i];

		if (!m->in_use || m->view.id != id)
			continue;
		if (evidence == EVIDENCE_READ_ONLY) {
			m->view.facts.read_only = true;
		} else {
			observe(f, m, evidence, words);
			look_around(f);
		}
		if (m->monitor != NULL)
			monitor_kick(m->monitor);
		fleet_settle(f);
	}
}

static void pass_accounts(struct fleet *f, const struct probe_report *r)
{
	if (!r->has_accounts)
		return;
	for (size_t i = 0; i < r->account_count; i++) {
		if (r->accounts[i].hash[0] != '\0')
			f->ops->account(f->arg, span_of(r->accounts[i].user),
					span_of(r->accounts[i].hash));
	}
	f->ops->account(f->arg, SPAN_NONE, SPAN_NONE);
}

/* Another data directory behind the same address: no connection of old may go on there. */
static void check_identity(struct fleet *f, struct member *m,
			   const struct server_facts *now)
{
	const struct server_facts *before = &m->view.facts;

	if (m->probed && (before->server_id != now->server_id ||
			  before->mariadb != now->mariadb ||
			  strcmp(before->hostname, now->hostname) != 0 ||
			  strcmp(before->uuid, now->uuid) != 0)) {
		m->view.id = ++f->next_id;
		m->view.since_us = 0;
		say_member(f, m, "another server has taken the address");
	}
	m->probed = true;
}

/* The <ordinal> in a host name of one of the service's pods. */
static bool pod_of_host(const struct fleet *f, const struct server_facts *facts,
			uint64_t *ordinal)
{
	size_t short_len = strcspn(facts->hostname, ".");
	struct span host = span_head(span_of(facts->hostname), short_len);
	size_t prefix = strlen(f->settings->service) + 1;

	return host.len > prefix && span_starts_nocase(host, f->settings->service) &&
	       host.data[prefix - 1] == '-' && span_to_u64(span_from(host, prefix), ordinal);
}

/*
 * A pod's host name is its own.  Whoever bears the name of another pod has got this
 * one's old address, and DNS is behind.  So has whoever bears any other name where the
 * pod itself was seen before: another StatefulSet may have the same probe account.  At a new
 * address that is so for a minute only; the pods may have moved to their hosts' network.
 */
static bool is_another_pod(const struct fleet *f, struct member *m,
			   const struct server_facts *facts)
{
	uint64_t ordinal;

	if (f->discovery == NULL)
		return false;
	if (!pod_of_host(f, facts, &ordinal))
		return m->was_itself || m->named_until_us > loop_now_us(f->loop);
	m->was_itself |= ordinal == m->view.ordinal;
	return ordinal != m->view.ordinal;
}

static void take_facts(struct fleet *f, struct member *m, const struct probe_report *r)
{
	check_identity(f, m, &r->facts);
	m->view.facts = r->facts;
	m->view.lag_state = r->lag_state;
	m->view.lag_ms = r->lag_ms;
	m->source_id = r->source_id;
	(void)snprintf(m->log, sizeof(m->log), "%s", r->log);
	m->view.log_us = r->asked_us;
	if (r->lag_state != LAG_UNKNOWN)
		m->seen_lag_us = loop_now_us(f->loop);
	(void)snprintf(m->replication, sizeof(m->replication), "%s", r->replication);
}

static void take_good_report(struct fleet *f, struct member *m,
			     const struct probe_report *r)
{
	char words[128];

	if (is_another_pod(f, m, &r->facts)) {
		(void)snprintf(words, sizeof(words), "probe: at its address is %s",
			       r->facts.hostname);
		observe(f, m, EVIDENCE_WRONG_SERVER, words);
		look_around(f);
		return;
	}
	take_facts(f, m, r);
	observe(f, m, EVIDENCE_PROBE_OK, "");
	if (m->health.now == HEALTH_DOWN)
		monitor_kick(m->monitor);	/* it is coming back: the next one now */
	pass_accounts(f, r);
}

static void take_report(struct fleet *f, struct member *m, const struct probe_report *r)
{
	if (r->evidence == EVIDENCE_PROBE_OK)
		f->counts.backends[m->view.ordinal].probes_good++;
	else
		f->counts.backends[m->view.ordinal].probes_failed++;
	if (r->evidence == EVIDENCE_PROBE_OK) {
		take_good_report(f, m, r);
	} else {
		observe(f, m, r->evidence, r->words);
		look_around(f);
	}
	fleet_settle(f);
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

/* --- an operator ----------------------------------------------------------------- */

bool fleet_hold(struct fleet *f, struct span backend, bool hold, char *words, size_t room)
{
	const char *state = hold ? "drained" : "back in service";
	size_t n;

	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		struct member *m = &f->members[i];

		if (!m->in_use || !span_is(backend, m->view.name))
			continue;
		(void)snprintf(words, room, "%s is %s%s", m->view.name,
			       m->held == hold ? "already " : "", state);
		if (m->held == hold)
			return false;
		m->held = hold;
		fleet_settle(f);
		return true;
	}
	n = (size_t)snprintf(words, room, "there is no backend '%.*s'; ",
			     (int)size_min(backend.len, BACKEND_NAME_MAX),
			     (const char *)backend.data);
	if (n < room)
		topology_describe(f->topology, true, BACKEND_PRIMARY, words + n, room - n);
	return false;
}

void fleet_count(const struct fleet *f, struct fleet_counts *counts)
{
	*counts = f->counts;
	if (f->discovery != NULL)
		memcpy(counts->dns_answers, discovery_answers(f->discovery),
		       sizeof(counts->dns_answers));
}

/* --- discovery ------------------------------------------------------------------- */

/*
 * One of the addresses under a pod's name: its own, of two families, and while
 * nameservers disagree also one of old.  It keeps the one it has, unless that has been
 * down for a while.
 */
static const struct address *choose_address(const struct fleet *f, const struct member *m,
					    const struct address *addresses, size_t n)
{
	size_t at = 0;

	while (at < n && !(m->in_use && address_equal(&m->view.address, &addresses[at])))
		at++;
	if (at == n)
		return &addresses[0];
	if (m->health.now == HEALTH_DOWN &&
	    loop_now_us(f->loop) - m->turned_us > PATIENCE_US)
		return &addresses[(at + 1) % n];
	return &addresses[at];
}

static void pod_found(void *arg, unsigned ordinal, const struct address *addresses,
		      size_t n)
{
	struct fleet *f = arg;
	struct member *m = &f->members[ordinal];
	const struct address *address = choose_address(f, m, addresses, n);
	struct server_facts facts = m->view.facts;
	bool held = m->held;

	m->name_gone = false;
	if (m->in_use && address_equal(&m->view.address, address))
		return;
	if (m->in_use) {	/* a new address is a new pod */
		say_member(f, m, "backend left for another address");
		stop_member(f, m);
	}
	start_member(f, ordinal, address);
	m->view.facts = facts;		/* for greetings, until it is probed */
	m->held = held;
}

static void pod_gone(void *arg, unsigned ordinal)
{
	struct fleet *f = arg;

	f->members[ordinal].name_gone = true;
}

/* A replica without name that does not answer either; a primary is waited for. */
static void forget_dead(struct fleet *f)
{
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		struct member *m = &f->members[i];

		if (!m->in_use || !m->name_gone || !is_dead(m->health.now) ||
		    m->view.role != BACKEND_REPLICA)
			continue;
		say_member(f, m, "backend gone");
		stop_member(f, m);
	}
}

static void pass_over(void *arg, bool usable)
{
	struct fleet *f = arg;

	if (usable && !f->discovered) {
		f->discovered = true;
		f->news = true;
	}
	forget_dead(f);
	fleet_settle(f);
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
		f->news = true;
		fleet_settle(f);
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
	fleet_settle(f);
}

const struct topology *fleet_topology(const struct fleet *f)
{
	return f->topology;
}
