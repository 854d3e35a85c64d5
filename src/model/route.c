/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a statement goes; see route.h.
 *
 * The decision is a list of rules in order of authority: what ties the session to
 * a server connection, then the address it came in on, then what the statement's
 * author asks for, then what the text allows.  The first rule that has an opinion wins.
 */
#include <readmux/model/route.h>

/* A statement that any server with fresh data answers rightly. */
static bool may_run_anywhere(const struct sql_verdict *v)
{
	return v->class == SQL_READ ||
	       ((v->flags & SQL_BEGINS_READ_ONLY) != 0 && (v->flags & SQL_MULTI) == 0);
}

static bool decided(struct route *route, enum route_target target, enum route_reason reason)
{
	route->target = target;
	route->reason = reason;
	return true;
}

/* State on a server connection outranks everything else. */
static bool follow_connection(const struct sql_verdict *v, const struct route_situation *at,
			      struct route *route)
{
	enum route_target held = at->attached ? ROUTE_ATTACHED : ROUTE_PRIMARY;

	if (at->in_transaction)
		return decided(route, held, REASON_IN_TRANSACTION);
	if (at->pinned)
		return decided(route, held, REASON_PINNED);
	if ((v->flags & SQL_ABOUT_PREVIOUS) != 0)
		return decided(route, ROUTE_PREVIOUS, REASON_PREVIOUS_STATEMENT);
	return false;
}

/*
 * A read-only address: writes are left to a replica to refuse, whatever a hint
 * says.  Without replicas the primary serves what cannot turn into a write there.
 */
static bool follow_listener(const struct sql_verdict *v, const struct route_situation *at,
			    struct route *route)
{
	bool harmless = may_run_anywhere(v) && v->pins == 0 && !at->autocommit_off;

	if (at->listen != LISTEN_READ || v->class == SQL_SESSION)
		return false;
	if (harmless && v->hint != SQL_HINT_NONE)
		return false;
	if (harmless && !at->replica_usable)
		return decided(route, ROUTE_PRIMARY, REASON_NO_REPLICA);
	return decided(route, ROUTE_REPLICA, REASON_READ_ONLY_LISTENER);
}

/* With autocommit off any statement may be the first one of a writing transaction. */
static bool follow_autocommit(const struct sql_verdict *v, const struct route_situation *at,
			      struct route *route)
{
	(void)v;
	if (!at->autocommit_off || at->listen == LISTEN_READ)
		return false;
	return decided(route, ROUTE_PRIMARY, REASON_AUTOCOMMIT_OFF);
}

static bool follow_hint(const struct sql_verdict *v, const struct route_situation *at,
			struct route *route)
{
	if (v->hint == SQL_HINT_PRIMARY)
		return decided(route, ROUTE_PRIMARY, REASON_HINT_PRIMARY);
	if (v->hint == SQL_HINT_BACKEND)
		return decided(route, ROUTE_NAMED, REASON_HINT_BACKEND);
	if (v->hint == SQL_HINT_REPLICA && may_run_anywhere(v) && at->replica_usable)
		return decided(route, ROUTE_REPLICA, REASON_HINT_REPLICA);
	return false;
}

/* Reads that may not, or cannot, go to a replica now. */
static bool follow_freshness(const struct sql_verdict *v, const struct route_situation *at,
			     struct route *route)
{
	if (!may_run_anywhere(v))
		return false;
	if (!at->replica_usable)
		return decided(route, ROUTE_PRIMARY, REASON_NO_REPLICA);
	if (at->listen == LISTEN_READ)
		return decided(route, ROUTE_REPLICA, REASON_READ_ONLY_LISTENER);
	if (at->consistency == CONSISTENCY_PRIMARY)
		return decided(route, ROUTE_PRIMARY, REASON_CONSISTENCY_PRIMARY);
	if (at->recent_write && at->consistency == CONSISTENCY_SESSION)
		return decided(route, ROUTE_PRIMARY, REASON_RECENT_WRITE);
	return false;
}

/* Always has an opinion: the text's. */
static bool follow_text(const struct sql_verdict *v, const struct route_situation *at,
			struct route *route)
{
	(void)at;
	if (may_run_anywhere(v))
		return decided(route, ROUTE_REPLICA, v->reason);
	if (v->class == SQL_SESSION)
		return decided(route, ROUTE_ANY, v->reason);
	return decided(route, ROUTE_PRIMARY, v->reason);
}

typedef bool route_rule_fn(const struct sql_verdict *v, const struct route_situation *at,
			   struct route *route);

static route_rule_fn *const rules[] = {
	follow_connection, follow_listener, follow_autocommit, follow_hint,
	follow_freshness, follow_text,
};

/* A read that leaves nothing behind and may be answered by any server. */
static bool may_run_again(const struct sql_verdict *v, const struct route_situation *at,
			  enum route_target target)
{
	const uint32_t binding = SQL_ABOUT_PREVIOUS | SQL_BEGINS | SQL_BEGINS_READ_ONLY |
		SQL_ENDS | SQL_COMMITS | SQL_MULTI | SQL_KILL | SQL_SETS_TRANSACTION |
		SQL_HAS_SET;

	return v->class == SQL_READ && v->pins == 0 && (v->flags & binding) == 0 &&
	       !at->in_transaction && !at->autocommit_off &&
	       (target == ROUTE_PRIMARY || target == ROUTE_REPLICA);
}

void route_decide(const struct sql_verdict *verdict,
		  const struct route_situation *situation, struct route *route)
{
	size_t i = 0;

	while (!rules[i](verdict, situation, route))
		i++;
	route->retryable = may_run_again(verdict, situation, route->target);
}

const char *route_target_name(enum route_target target)
{
	static const char *const names[] = {
		[ROUTE_PRIMARY] = "primary",
		[ROUTE_REPLICA] = "replica",
		[ROUTE_ATTACHED] = "attached",
		[ROUTE_PREVIOUS] = "previous",
		[ROUTE_ANY] = "any",
		[ROUTE_NAMED] = "named",
	};

	assert((size_t)target < ARRAY_LEN(names));
	return names[target];
}
