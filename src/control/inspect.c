/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that readmux check wants to know of a server; see inspect.h. */
#include "probe.h"

#include <readmux/base/clock.h>
#include <readmux/control/inspect.h>
#include <readmux/net/timer.h>

#define DISCOVERY_US 6000000u	/* longest wait for DNS */

/* --- questions --------------------------------------------------------------------------- */

static MYSQL_RES *ask(struct probe *p, const char *sql)
{
	p->deadline_us = clock_now_us() + p->settings->probe_timeout_ms * 1000;
	return p->broken || p->mysql == NULL ? NULL : probe_ask(p, sql);
}

static void ask_value(struct probe *p, const char *name, char out[INSPECT_VALUE_MAX])
{
	char sql[160];
	MYSQL_RES *res;
	MYSQL_ROW row;

	out[0] = '\0';
	(void)snprintf(sql, sizeof(sql), "SHOW GLOBAL VARIABLES LIKE '%s'", name);
	res = ask(p, sql);
	if (res == NULL)
		return;
	row = mysql_fetch_row(res);
	if (row != NULL && row[1] != NULL)
		(void)snprintf(out, INSPECT_VALUE_MAX, "%s", row[1]);
	mysql_free_result(res);
}

/* The middle between question and answer is when the server looked at its clock. */
static void ask_clock(struct probe *p, struct inspection *found)
{
	uint64_t before = clock_wall_us(), after;
	MYSQL_RES *res = ask(p, "SELECT UNIX_TIMESTAMP(NOW(6))");
	MYSQL_ROW row;

	after = clock_wall_us();
	if (res == NULL)
		return;
	row = mysql_fetch_row(res);
	if (row != NULL && row[0] != NULL) {
		found->clock_known = true;
		found->clock_ahead_s = strtod(row[0], NULL) -
				       ((double)before + (double)(after - before) / 2) / 1e6;
	}
	mysql_free_result(res);
}

static void ask_plugins(struct probe *p, struct inspection *found)
{
	MYSQL_RES *res = ask(p, "SELECT plugin, COUNT(*), MIN(User) FROM mysql.user "
			     "WHERE plugin <> '' GROUP BY plugin ORDER BY plugin");
	MYSQL_ROW row;

	if (res == NULL)
		return;
	found->accounts_known = true;
	while ((row = mysql_fetch_row(res)) != NULL &&
	       found->plugin_count < INSPECT_PLUGINS_MAX) {
		struct inspected_plugin *plugin = &found->plugins[found->plugin_count++];

		(void)snprintf(plugin->name, sizeof(plugin->name), "%s", row[0]);
		plugin->accounts = (unsigned)strtoul(row[1], NULL, 10);
		(void)snprintf(plugin->user, sizeof(plugin->user), "%s",
			       row[2] != NULL ? row[2] : "");
	}
	mysql_free_result(res);
}

bool inspect_server(const struct inspected_place *place, bool primary,
		    const char *const *names, size_t n, const struct settings *settings,
		    struct inspection *found)
{
	struct probe p = { .address = place->address, .primary = primary, .settings = settings,
			   .status_denied = true };	/* check says so itself */

	(void)snprintf(p.host, sizeof(p.host), "%s", place->host);
	memset(found, 0, sizeof(*found));
	found->values = calloc(size_max(n, 1), sizeof(*found->values));
	if (found->values == NULL)
		return false;
	probe_library_start();
	probe_run(&p, &found->probe);
	if (found->probe.evidence == EVIDENCE_PROBE_OK) {
		for (size_t i = 0; i < n; i++)
			ask_value(&p, names[i], found->values[i]);
		ask_clock(&p, found);
		if (primary)
			ask_plugins(&p, found);
	}
	probe_disconnect(&p);
	return true;
}

void inspection_free(struct inspection *i)
{
	free(i->values);
	free(i->probe.accounts);
	memset(i, 0, sizeof(*i));
}

bool inspect_greets(const struct address *address, uint64_t timeout_ms)
{
	struct server_facts facts = { .known = false };
	struct probe_failure failure;

	return probe_greeting(address, timeout_ms, NULL, &facts, &failure);
}

/* --- where they are ------------------------------------------------------------------------ */

struct search {
	struct loop            *loop;
	struct discovery       *discovery;
	struct inspected_place *places;
	size_t                  n;
	struct timer            limit;
};

static void found_pod(void *arg, unsigned ordinal, const struct address *addresses, size_t n)
{
	struct search *s = arg;

	for (size_t i = 0; i < s->n; i++)
		if (s->places[i].ordinal == ordinal)
			return;
	if (n == 0 || s->n == DISCOVERY_PODS_MAX)
		return;
	s->places[s->n].ordinal = ordinal;
	s->places[s->n].address = addresses[0];
	discovery_host(s->discovery, ordinal, s->places[s->n].host, BACKEND_HOST_MAX);
	s->n++;
}

static void pod_gone(void *arg, unsigned ordinal)
{
	(void)arg;
	(void)ordinal;
}

static void pass_over(void *arg, bool usable)
{
	struct search *s = arg;

	(void)usable;
	loop_stop(s->loop);
}

static void searched_enough(struct timer *t)
{
	loop_stop(container_of(t, struct search, limit)->loop);
}

static int by_ordinal(const void *a, const void *b)
{
	const struct inspected_place *x = a, *y = b;

	return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

static size_t search_dns(const struct settings *settings, struct inspected_place *places)
{
	static const struct discovery_user_ops ops = {
		.found = found_pod, .gone = pod_gone, .passed = pass_over,
	};
	struct search s = { .loop = loop_new(), .places = places };

	if (s.loop == NULL)
		return 0;
	timer_set(&s.limit, s.loop, DISCOVERY_US, searched_enough);
	s.discovery = discovery_new(s.loop, settings, &ops, &s);
	if (s.discovery != NULL)
		loop_run(s.loop);
	timer_clear(&s.limit);
	discovery_free(s.discovery);
	loop_free(s.loop);
	qsort(places, s.n, sizeof(*places), by_ordinal);
	return s.n;
}

void inspected_place_at(struct inspected_place *place, unsigned ordinal,
			const struct address *address)
{
	place->ordinal = ordinal;
	place->address = *address;
	address_format_host(address, place->host, sizeof(place->host));
}

size_t inspect_places(const struct settings *settings,
		      struct inspected_place places[DISCOVERY_PODS_MAX])
{
	size_t n = size_min(settings->server_count, DISCOVERY_PODS_MAX);

	if (n == 0)
		return search_dns(settings, places);
	for (size_t i = 0; i < n; i++)
		inspected_place_at(&places[i], (unsigned)i, &settings->servers[i]);
	return n;
}
