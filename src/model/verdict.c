/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is used for what; see verdict.h. */
#include <readmux/model/verdict.h>

static bool is_replica(const struct verdict_case *c)
{
	return c->view->role == BACKEND_REPLICA;
}

static bool is_late(const struct verdict_case *c, uint64_t max_lag_ms)
{
	const struct backend_view *v = c->view;

	if (!is_replica(c))
		return false;
	return v->lag_state == LAG_KNOWN ? v->lag_ms > max_lag_ms :
	       v->lag_state == LAG_UNKNOWN && c->blind_ms > max_lag_ms;
}

/* A replica against which nothing at all can be said. */
static bool is_sound(const struct verdict_case *c, uint64_t max_lag_ms)
{
	return is_replica(c) && !c->held && c->view->health == HEALTH_UP && !c->name_gone &&
	       c->view->lag_state != LAG_STOPPED && !is_late(c, max_lag_ms);
}

static bool any_sound(const struct verdict_case *cases, size_t n, uint64_t max_lag_ms)
{
	for (size_t i = 0; i < n; i++) {
		if (is_sound(&cases[i], max_lag_ms))
			return true;
	}
	return false;
}

static enum backend_state state_of_replica(const struct verdict_case *c, bool others,
					   uint64_t max_lag_ms)
{
	if (c->view->lag_state == LAG_STOPPED)
		return BACKEND_IS_NOT_REPLICATING;
	if (others && c->name_gone)
		return BACKEND_IS_DRAINING;
	if (others && is_late(c, max_lag_ms))
		return BACKEND_IS_LAGGING;
	return BACKEND_IS_IN;
}

/* <others>: there are sound replicas, so that this one may be dropped. */
static enum backend_state state_of(const struct verdict_case *c, bool others,
				   uint64_t max_lag_ms)
{
	switch (c->view->health) {
	case HEALTH_UNKNOWN:
		return BACKEND_IS_NEW;
	case HEALTH_SUSPECT:
		return BACKEND_IS_SUSPECT;
	case HEALTH_DOWN:
		return BACKEND_IS_DOWN;
	case HEALTH_UP:
		break;
	}
	if (c->held)
		return BACKEND_IS_HELD;
	if (is_replica(c))
		return state_of_replica(c, others, max_lag_ms);
	return c->view->facts.read_only ? BACKEND_IS_READ_ONLY : BACKEND_IS_IN;
}

/* In words, without numbers that change all the time: every change is news. */
static const char *explain(const struct verdict_case *c, uint64_t max_lag_ms)
{
	switch (c->view->state) {
	case BACKEND_IS_NEW:
	case BACKEND_IS_SUSPECT:
	case BACKEND_IS_DOWN:
		return c->trouble;
	case BACKEND_IS_NOT_REPLICATING:
		return c->replication;
	case BACKEND_IS_DRAINING:
		return "its DNS name is gone: not ready";
	case BACKEND_IS_LAGGING:
		return c->view->lag_state == LAG_KNOWN ?
		       "lags further behind than probe.max_lag" :
		       "has not found the primary for longer than probe.max_lag";
	case BACKEND_IS_READ_ONLY:
		return "the primary is read-only";
	case BACKEND_IS_HELD:
		return "an operator has drained it";
	case BACKEND_IS_IN:
		break;
	}
	if (c->name_gone)
		return !is_replica(c) ? "its DNS name is gone, but it answers" :
		       "its DNS name is gone, but no other replica is better";
	return is_late(c, max_lag_ms) ? "lags, but no other replica is better" : "";
}

void verdict_compute(const struct verdict_case *cases, size_t n, uint64_t max_lag_ms)
{
	bool others = any_sound(cases, n, max_lag_ms);

	for (size_t i = 0; i < n; i++) {
		const struct verdict_case *c = &cases[i];
		struct backend_view *v = c->view;

		v->state = state_of(c, others, max_lag_ms);
		v->usable = v->state == BACKEND_IS_IN || v->state == BACKEND_IS_READ_ONLY;
		v->writable = v->state == BACKEND_IS_IN && !is_replica(c);
		/* as the mysql-read Service does; a primary keeps its live connections */
		v->draining = c->held || (others && is_replica(c) && c->name_gone);
		v->weight = v->usable ? c->weight : 0;
		(void)snprintf(v->cause, sizeof(v->cause), "%s", explain(c, max_lag_ms));
	}
}
