/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a statement goes: the route, a server of its kind, a connection of that
 * server, and the wait when there is none.
 */
#include <readmux/relay/session_parts.h>

#define RETRY_US          250000u	/* how often a waiting statement looks for a server */
#define MAX_BACKENDS      64u

static void fail_waiting(struct session *s, enum rmx_error error);

/* --- waiting no more --------------------------------------------------------- */

/* Off the list of those for whom no server is usable. */
static void leave_waiting_list(struct session *s)
{
	struct statement *st = &s->st;

	if (!st->waiting)
		return;
	st->waiting = false;
	TAILQ_REMOVE(&s->env->waiting, s, wait_link);
	STAT_DEC(s->env->stats, statements_waiting);
}

static bool too_many_waiting(const struct session *s)
{
	const struct relay_env *env = s->env;

	return env->waiting_count >= env->settings->wait_max_statements ||
	       env->waiting_bytes + s->st.packet.len + s->input.len > env->settings->wait_max_bytes;
}

/* Wherever it waits, it counts once.  False: too many do. */
static bool count_waiting(struct session *s)
{
	struct statement *st = &s->st;

	if (st->waiting_counts)
		return true;
	if (too_many_waiting(s))
		return false;
	st->waiting_counts = true;
	st->waiting_bytes = st->packet.len + s->input.len;
	s->env->waiting_count++;
	s->env->waiting_bytes += st->waiting_bytes;
	return true;
}

static void uncount_waiting(struct session *s)
{
	if (!s->st.waiting_counts)
		return;
	s->st.waiting_counts = false;
	s->env->waiting_count--;
	s->env->waiting_bytes -= s->st.waiting_bytes;
}

/* A statement waits in one place: on that list, or in one pool's line. */
void statement_stop_waiting(struct session *s)
{
	pool_withdraw(&s->ticket);
	leave_waiting_list(s);
	uncount_waiting(s);
}

struct pool_wish session_wish(const struct session *s)
{
	return (struct pool_wish){
		.account = s->account,
		.state = s->state,
		.session = s->id,
		.prepared = s->st.prepared,
		.other_than = s->env->settings->debug_reshuffle ? s->previous : NULL,
	};
}

/* --- choosing a server ------------------------------------------------------- */

/* Now, or in the transaction that it begins. */
static bool reads_data(const struct sql_verdict *v)
{
	return v->class == SQL_READ || (v->flags & SQL_BEGINS_READ_ONLY) != 0;
}

static bool may_go_to(const struct session *s, const struct backend_view *view)
{
	struct pool *pool = pool_of(s->env->pools, view);

	if (reads_data(&s->st.verdict) && !session_may_read_at(s, view))
		return false;
	return view->id != s->st.avoid && (pool == NULL || !pool_refuses(pool, s->account));
}

static size_t usable_replicas(const struct session *s, const struct backend_view **views)
{
	const struct topology *t = s->env->topology;
	size_t n = 0;

	for (size_t i = 0; i < t->n && n < MAX_BACKENDS; i++) {
		const struct backend_view *view = &t->backends[i];

		if (view->role == BACKEND_REPLICA && view->usable && may_go_to(s, view))
			views[n++] = view;
	}
	return n;
}

static const struct backend_view *pick_replica(struct session *s)
{
	const struct backend_view *views[MAX_BACKENDS];
	struct candidate candidates[MAX_BACKENDS];
	size_t n = usable_replicas(s, views), at;

	for (size_t i = 0; i < n; i++) {
		const struct pool *pool = pool_of(s->env->pools, views[i]);

		candidates[i] = (struct candidate){
			.weight = views[i]->weight,
			.in_flight = pool != NULL ? pool->in_flight : 0,
			.connections = pool != NULL ? pool->leased : 0,
			.latency_us = pool != NULL ? pool_latency(pool) : 0,
		};
	}
	at = s->env->settings->balance->pick(candidates, n, &s->env->balance);
	return at != BALANCE_NONE ? views[at] : NULL;
}

static const struct backend_view *pick_primary(const struct session *s)
{
	const struct backend_view *primary = topology_primary(s->env->topology);
	bool write = s->st.verdict.class == SQL_WRITE;

	if (primary == NULL || !(write ? primary->writable : primary->usable))
		return NULL;
	return primary;
}

static const struct backend_view *pick_named(const struct session *s)
{
	return topology_by_name(s->env->topology, s->st.verdict.hint_backend);
}

static const struct backend_view *pick(struct session *s)
{
	const struct backend_view *view = NULL;

	switch (s->st.route.target) {
	case ROUTE_NAMED:
		return pick_named(s);
	case ROUTE_REPLICA:
	case ROUTE_ANY:
	case ROUTE_PREVIOUS:
		if (s->st.primary_first)
			view = pick_primary(s);
		if (view != NULL)
			return view;
		if (!s->st.primary_only &&
		    (s->st.verdict.class != SQL_WRITE || s->listen == LISTEN_READ))
			view = pick_replica(s);
		if (view != NULL)
			return view;
		if (s->listen == LISTEN_READ && s->st.verdict.class == SQL_WRITE)
			return NULL;	/* the read port never writes */
		return pick_primary(s);
	case ROUTE_PRIMARY:
	case ROUTE_ATTACHED:
		break;
	}
	return pick_primary(s);
}

/* --- leasing ---------------------------------------------------------------- */

/* Others may answer, or let in whom a replica refuses; what the primary refuses is refused. */
static bool may_try_others(struct session *s)
{
	return s->st.route.target != ROUTE_NAMED &&
	       (pick(s) != NULL || s->listen != LISTEN_READ || s->st.verdict.class != SQL_WRITE);
}

static void granted(struct pool_ticket *ticket, struct server_conn *conn)
{
	struct session *s = container_of(ticket, struct session, ticket);
	struct failure f = { 0 };

	if (conn != NULL) {
		statement_stop_waiting(s);
		server_conn_give(conn, SERVER_CONN_LEASED, &session_conn_owner, s);
		statement_send_on(s, conn, true);
		return;
	}
	if (s->st.replica && may_try_others(s)) {
		statement_run_again(s);
		return;
	}
	if (ticket->error_number == 0 || ticket->error_number == 1040) {
		statement_wait(s);
		return;
	}
	f.number = ticket->error_number;
	(void)snprintf(f.sqlstate, sizeof(f.sqlstate), "%s", ticket->error_sqlstate);
	(void)snprintf(f.text, sizeof(f.text), "%s", ticket->problem);
	statement_fail_as(s, &f);
}

static void lease_on(struct session *s, const struct backend_view *view)
{
	struct statement *st = &s->st;
	struct pool *pool = pool_of(s->env->pools, view);
	struct server_conn *conn;

	if (pool == NULL) {
		statement_wait(s);
		return;
	}
	st->replica = view->role == BACKEND_REPLICA;
	session_moves_to(s, view);
	s->ticket.wish = session_wish(s);
	conn = pool_take(pool, &s->ticket.wish, &session_conn_owner, s);
	if (conn != NULL) {
		statement_stop_waiting(s);
		statement_send_on(s, conn, true);
		return;
	}
	st->avoid = view->id;		/* should it turn out not to answer */
	s->ticket.granted = granted;
	leave_waiting_list(s);
	if (!count_waiting(s)) {
		fail_waiting(s, RMX_TOO_MANY_WAITING);
		return;
	}
	statement_watch(s);
	pool_ask(pool, &s->ticket);
}


static bool is_replica(const struct session *s, const struct server_conn *conn)
{
	const struct backend_view *view =
		topology_by_id(s->env->topology, conn->pool->backend_id);

	return view != NULL && view->role == BACKEND_REPLICA;
}

/* Diagnostics that were kept are those of the session, whatever its last connection shows. */
struct server_conn *session_previous_conn(const struct session *s)
{
	const struct kept *kept = s->diagnostics.kept;
	struct server_conn *conn = s->previous;

	if (conn == NULL || conn->state != SERVER_CONN_IDLE || conn->in_flight > 0 ||
	    conn->disturbed || (kept != NULL && kept->has_warnings))
		return NULL;
	if (is_replica(s, conn) && (s->st.verdict.class == SQL_WRITE || s->st.primary_only))
		return NULL;
	return conn;
}

static void reroute_to_view(struct session *s)
{
	const struct backend_view *view = pick(s);

	if (s->st.route.target == ROUTE_NAMED && (view == NULL || !view->usable)) {
		char name[BACKEND_NAME_MAX];

		(void)span_copy(s->st.verdict.hint_backend, name, sizeof(name));
		statement_fail(s, RMX_HINT_BACKEND, name,
			       view == NULL ? "not known" : "not usable now");
		return;
	}
	if (view == NULL)
		statement_wait(s);
	else
		lease_on(s, view);
}

static struct route_situation situation(const struct session *s)
{
	return (struct route_situation){
		.attached = s->conn != NULL,
		.in_transaction = session_in_transaction(s),
		.autocommit_off = (s->status & SERVER_STATUS_AUTOCOMMIT) == 0,
		.pinned = s->pins != 0,
		.recent_write = s->wrote_us != 0,
		.consistency = session_consistency(s),
		.listen = (enum listen_route)s->listen,
		.replica_usable = topology_usable_replicas(s->env->topology) > 0,
	};
}

/* On MySQL a plain BEGIN in a read-only transaction begins another one (seen on 9.7). */
static bool begins_to_write(const struct session *s)
{
	const uint32_t others = SQL_BEGINS_READ_ONLY | SQL_ENDS;
	const struct sql_verdict *v = &s->st.verdict;

	if ((v->flags & SQL_BEGINS) == 0 || (v->flags & others) != 0 || v->pins != 0)
		return false;
	return session_sql_mode(s).mariadb ||
	       span_contains_nocase(session_statement_text(s), "WRITE");
}

/*
 * A read-only transaction runs on a replica; one that may write does not.  Such a change
 * is rare, so the replica's connection, and with it the transaction, is just closed.
 */
static void leave_replica(struct session *s)
{
	if (s->conn == NULL || s->pins != 0 || s->listen == LISTEN_READ ||
	    !begins_to_write(s) || !is_replica(s, s->conn))
		return;
	session_drop_conn(s);
	s->status &= (uint16_t)~(SERVER_STATUS_IN_TRANS | SERVER_STATUS_IN_TRANS_READONLY);
	s->st.in_transaction = false;
}

void statement_explain(struct session *s, struct route *route, const struct backend_view **view)
{
	struct route_situation now;

	session_settle_position(s);
	now = situation(s);
	route_decide(&s->st.verdict, &now, route);
	s->st.route = *route;
	if (route->target == ROUTE_ATTACHED && s->conn != NULL)
		*view = topology_by_id(s->env->topology, s->conn->pool->backend_id);
	else
		*view = pick(s);
}

void statement_route(struct session *s)
{
	struct statement *st = &s->st;
	struct route_situation now;
	struct server_conn *conn;
	bool retried = st->route.reason == REASON_RETRIED;

	st->routed = st->sink == NULL;
	leave_replica(s);
	session_settle_position(s);
	now = situation(s);
	route_decide(&st->verdict, &now, &st->route);
	if (retried)
		st->route.reason = REASON_RETRIED;
	if (st->route.target == ROUTE_ATTACHED) {
		st->replica = is_replica(s, s->conn);
		statement_send_on(s, s->conn, false);
		return;
	}
	if (st->route.target == ROUTE_PREVIOUS && statement_shows_kept(s))
		return;
	conn = st->route.target == ROUTE_PREVIOUS ? session_previous_conn(s) : NULL;
	if (conn != NULL) {
		st->replica = is_replica(s, conn);
		pool_take_this(conn, &session_conn_owner, s);
		s->conn = conn;		/* it is in the right state: it has not been used since */
		statement_send_on(s, conn, false);
		return;
	}
	if (st->route.target == ROUTE_PREVIOUS && statement_needs_previous(s)) {
		statement_fail(s, RMX_DIAGNOSTICS_LOST);
		return;
	}
	reroute_to_view(s);
}

/* --- waiting ---------------------------------------------------------------- */

/* Only the primary can help: the replicas that there are do not have what the session has seen. */
static bool needs_primary(const struct session *s)
{
	const struct backend_view *views[MAX_BACKENDS];

	if (s->st.verdict.class == SQL_WRITE || s->st.primary_only || s->st.primary_first ||
	    s->st.route.target == ROUTE_PRIMARY)
		return true;
	return s->st.waiting && usable_replicas(s, views) == 0 &&
	       topology_usable_replicas(s->env->topology) > 0;
}

/* What has waited for the primary may also wait for a connection to it when it is back. */
static uint64_t patience_us(struct session *s)
{
	const struct settings *settings = s->env->settings;
	struct statement *st = &s->st;

	st->for_primary |= needs_primary(s);
	return (st->for_primary ? settings->wait_write_ms : settings->wait_read_ms) * 1000;
}

/* What stands before the statement is not answered. */
static void give_up_restoring(struct session *s)
{
	/* a server may have to wait for a lock before it can prepare something */
	if (s->pins == 0 && !session_in_transaction(s) && s->conn->preparing == NULL)
		server_conn_lose(s->conn, "the server does not answer");
}

static void look_again(struct timer *t)
{
	struct session *s = container_of(t, struct session, timer);
	struct statement *st = &s->st;
	bool late;

	if (s->phase != SESSION_ROUTING && s->phase != SESSION_RESTORING)
		return;
	timer_set(&s->timer, s->env->loop, RETRY_US, look_again);
	if (st->waiting)
		st->avoid = 0;
	late = loop_now_us(s->env->loop) >= st->waits_since_us + patience_us(s);
	if (s->phase == SESSION_RESTORING) {
		if (late)
			give_up_restoring(s);
		return;
	}
	if (late && st->waiting && st->verdict.class == SQL_READ && !st->makes_do) {
		st->makes_do = true;
		statement_route(s);
		return;
	}
	if (late) {
		fail_waiting(s, st->waiting ? RMX_NO_SERVER : RMX_NO_CONNECTION);
		return;
	}
	if (st->awaits_position) {	/* not from there: it goes by what is known */
		st->awaits_position = false;
		session_forget_question(s);
		statement_route(s);
		return;
	}
	if (!st->waiting)
		return;		/* in a pool's line: it calls back */
	statement_route(s);	/* what was decided without any replica may not hold with one */
}

void statement_look_again(struct session *s)
{
	if (s->phase == SESSION_ROUTING && s->st.waiting)
		statement_route(s);
	else if (s->phase == SESSION_PROVING && s->st.waiting)
		session_login_look_again(s);
}

void statement_watch(struct session *s)
{
	struct statement *st = &s->st;

	if (st->waits_since_us == 0) {
		STAT_INC(s->env->stats, waits_total);
		st->waits_since_us = loop_now_us(s->env->loop);
		st->for_primary = false;
		s->ticket.error_number = 0;
	}
	timer_clear(&s->timer);
	timer_set(&s->timer, s->env->loop, RETRY_US, look_again);
}

static void fail_waiting(struct session *s, enum rmx_error error)
{
	char states[700];
	size_t len;

	topology_describe(s->env->topology, s->st.verdict.class != SQL_WRITE, BACKEND_PRIMARY,
			  states, sizeof(states));
	if (s->ticket.error_number != 0) {	/* a server is well, and refuses connections */
		len = strlen(states);
		(void)snprintf(states + len, sizeof(states) - len, "; a server said %u: %s",
			       s->ticket.error_number, s->ticket.problem);
	}
	statement_fail(s, error, states);
}

bool session_join_waiting(struct session *s)
{
	struct statement *st = &s->st;

	if (!count_waiting(s))
		return false;
	pool_withdraw(&s->ticket);
	st->waiting = true;
	TAILQ_INSERT_TAIL(&s->env->waiting, s, wait_link);
	STAT_INC(s->env->stats, statements_waiting);
	return true;
}

void statement_wait(struct session *s)
{
	struct statement *st = &s->st;

	if (st->waiting)
		return;
	if (!session_join_waiting(s))
		fail_waiting(s, RMX_TOO_MANY_WAITING);
	else
		statement_watch(s);
}
