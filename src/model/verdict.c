/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is used for what; see verdict.h. */
#include <readmux/model/verdict.h>

static bool is_replica(const struct backend_view *v)
{
	return v->role == BACKEND_REPLICA;
}

/* Fit to serve, were it not for its lag or its name. */
static bool is_fit(const struct backend_view *v)
{
	return v->health == HEALTH_UP && (!is_replica(v) || v->lag_state != LAG_STOPPED);
}

static bool is_late(const struct backend_view *v, uint64_t max_lag_ms)
{
	return is_replica(v) && v->lag_state == LAG_KNOWN && v->lag_ms > max_lag_ms;
}

/* A replica against which nothing at all can be said. */
static bool is_sound(const struct verdict_case *c, uint64_t max_lag_ms)
{
	return is_replica(c->view) && is_fit(c->view) && !c->name_gone &&
	       !is_late(c->view, max_lag_ms);
}

static bool any_sound(const struct verdict_case *cases, size_t n, uint64_t max_lag_ms)
{
	for (size_t i = 0; i < n; i++) {
		if (is_sound(&cases[i], max_lag_ms))
			return true;
	}
	return false;
}

/* In words, without numbers that change all the time: every change is news. */
static void explain(const struct verdict_case *c, bool dropped_for_lag)
{
	struct backend_view *v = c->view;
	const char *words = "";

	if (v->health != HEALTH_UP)
		words = c->trouble;
	else if (!is_fit(v))
		words = c->replication;
	else if (v->draining)
		words = "its DNS name is gone: not ready";
	else if (dropped_for_lag)
		words = "lags further behind than probe.max_lag";
	else if (v->role == BACKEND_PRIMARY && v->facts.read_only)
		words = "the primary is read-only";
	(void)snprintf(v->cause, sizeof(v->cause), "%s", words != NULL ? words : "");
}

void verdict_compute(const struct verdict_case *cases, size_t n, uint64_t max_lag_ms)
{
	bool others = any_sound(cases, n, max_lag_ms);

	for (size_t i = 0; i < n; i++) {
		const struct verdict_case *c = &cases[i];
		struct backend_view *v = c->view;
		bool dropped_for_lag = others && is_late(v, max_lag_ms);

		/* as the mysql-read Service does; a primary keeps its live connections */
		v->draining = others && is_replica(v) && c->name_gone;
		v->usable = is_fit(v) && !v->draining && !dropped_for_lag;
		v->writable = v->usable && !is_replica(v) && !v->facts.read_only;
		v->weight = v->usable ? c->weight : 0;
		explain(c, dropped_for_lag);
	}
}
