/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One statement from its arrival to its end: route, lease, send, wait, and
 * what happens when its server is lost on the way.
 */
#include <readmux/relay/position.h>
#include <readmux/relay/session_parts.h>
#include <readmux/sql/effects.h>

#define RETRY_US          250000u	/* how often a waiting statement looks for a server */
#define ATTEMPTS_AT_ONCE  4u		/* then it waits between attempts */
#define MAX_BACKENDS      64u
#define STICK_MS          1000u		/* after a write without a position, besides measured lag */
#define POSITION_WAIT_MS  200u		/* longest wait on a replica for the session's own writes */

static void wait_for_server(struct session *s, enum rmx_error hurdle);
static void fail_waiting(struct session *s, enum rmx_error error);

static struct statement *st_of(struct session *s)
{
	return &s->st;
}

static bool in_transaction(const struct session *s)
{
	return (s->status & SERVER_STATUS_IN_TRANS) != 0;
}

/* --- forgetting ------------------------------------------------------------ */

/* Off the list of those for whom no server is usable. */
static void leave_waiting_list(struct session *s)
{
	struct statement *st = st_of(s);

	if (!st->waiting)
		return;
	st->waiting = false;
	TAILQ_REMOVE(&s->env->waiting, s, wait_link);
	s->env->waiting_count--;
	s->env->waiting_bytes -= st->waiting_bytes;
	STAT_DEC(s->env->stats, statements_waiting);
}

/* A statement waits in one place: on that list, or in one pool's line. */
static void stop_waiting(struct session *s)
{
	pool_withdraw(&s->ticket);
	leave_waiting_list(s);
}

void statement_withdraw(struct session *s)
{
	stop_waiting(s);
	hold_drop(&s->st.packet, s->env->loop);
	s->body = (struct body){ 0 };
}

/* --- the connection that a session holds ------------------------------------- */

struct pool_wish session_wish(const struct session *s)
{
	return (struct pool_wish){
		.account = s->account,
		.state = s->state,
		.session = s->id,
		.other_than = s->env->settings->debug_reshuffle ? s->previous : NULL,
	};
}

void session_release_conn(struct session *s)
{
	struct server_conn *conn = s->conn;

	s->conn = NULL;
	stream_resume(&conn->stream);
	pool_return(conn);
}

void session_drop_conn(struct session *s)
{
	struct server_conn *conn = s->conn;

	s->conn = NULL;
	if (conn == NULL)
		return;
	server_conn_close(conn);
}

/* Remember where a statement ran, for questions about it. */
static void remember_conn(struct session *s, struct server_conn *conn, bool precious)
{
	if (s->previous != NULL)
		server_conn_forget_user(s->previous);
	server_conn_forget_user(conn);
	s->previous = conn;
	conn->backlink = &s->previous;
	conn->precious = precious;
}

/* --- sending ---------------------------------------------------------------- */

static void count_sent(struct session *s)
{
	struct statement *st = st_of(s);

	st->sent_us = loop_now_us(s->env->loop);
	st->alone = s->conn->in_flight == 1;
	pool_statement_sent(s->conn->pool);
	if (st->replica)
		STAT_INC(s->env->stats, statements_replica_total);
	else
		STAT_INC(s->env->stats, statements_primary_total);
	STAT_INC(s->env->stats, routed[st->route.reason]);
}

/* The statement's own bytes; those of a long one follow as they arrive. */
static void send_statement(struct session *s, struct writer *restore)
{
	struct statement *st = st_of(s);
	struct span packet = hold_span(&st->packet);
	struct iovec iov[2] = {
		{ restore->base, restore->len },
		{ (void *)(uintptr_t)packet.data, packet.len },
	};
	int first = restore->len > 0 ? 0 : 1;
	int n = 2 - first - (packet.len == 0);

	session_set_phase(s, SESSION_RUNNING);
	if (!server_conn_request(s->conn, st->command, &session_sink, s))
		return;		/* the loss was told to the owner, which is us */
	count_sent(s);
	if (n > 0)
		stream_writev(&s->conn->stream, iov + first, n);
	if (s->body.kind == BODY_STATEMENT) {
		hold_drop(&st->packet, s->env->loop);
		stream_resume(&s->stream);
		session_look_later(s);
	}
}

static bool wants_position(const struct session *s)
{
	return s->st.replica && s->position[0] != '\0' &&
	       !position_reached(s->conn->pool->reached, s->position);
}

/*
 * What has to go before the statement.  A statement without effect goes out in
 * the same write; any other waits for the answer, because it must not run in a wrong
 * state.
 */
static void send_on(struct session *s, struct server_conn *conn)
{
	struct statement *st = st_of(s);
	size_t room;
	uint8_t *memory = loop_workshop(s->env->loop, &room);
	struct writer w = writer_over(memory, room);
	bool fresh = s->conn != conn;

	s->conn = conn;
	if (fresh && restore_write(conn, s->state, &w) == RESTORE_IMPOSSIBLE) {
		conn->no_reuse = true;
		session_release_conn(s);
		statement_route(s);
		return;
	}
	if (fresh && (st->verdict.flags & SQL_READS_INSERT_ID) != 0)
		restore_write_insert_id(conn, s->insert_id, &w);
	if (wants_position(s))
		restore_write_position(conn, s->position, POSITION_WAIT_MS, &w);
	if (w.bad || conn->state == SERVER_CONN_CLOSED) {
		if (conn->state != SERVER_CONN_CLOSED)
			server_conn_lose(conn, "session state too large to restore");
		return;
	}
	if (w.len == 0 || st->route.retryable) {
		send_statement(s, &w);
		return;
	}
	session_set_phase(s, SESSION_RESTORING);
	stream_write(&conn->stream, writer_span(&w));
}

/* --- what the connection reports ----------------------------------------------- */

/* The state could not be restored there, or the replica is behind. */
static void restore_failed(struct session *s, struct server_conn *conn)
{
	struct statement *st = st_of(s);
	uint16_t number = conn->error_number;
	char sqlstate[sizeof(conn->error_sqlstate)], problem[sizeof(conn->problem)];

	(void)snprintf(sqlstate, sizeof(sqlstate), "%s", conn->error_sqlstate);
	(void)snprintf(problem, sizeof(problem), "%s", conn->problem);
	if (s->phase == SESSION_RUNNING)
		pool_statement_done(conn->pool, 0, false);
	session_drop_conn(s);
	if (st->replica && !st->primary_only) {
		st->primary_only = true;
		statement_run_again(s);
		return;
	}
	if (number != 0)
		session_send_server_error(s, number, sqlstate, problem);
	else
		session_send_error(s, RMX_INTERNAL, problem);
	st->failed = true;
	statement_done(s);
}

static void conn_restored(void *owner, struct server_conn *conn, bool ok)
{
	struct session *s = session_from(owner);
	struct writer none = writer_over(NULL, 0);

	if (!ok)
		restore_failed(s, conn);
	else if (s->phase == SESSION_RESTORING)
		send_statement(s, &none);
}

static void conn_drained(void *owner, struct server_conn *conn)
{
	struct session *s = session_from(owner);

	(void)conn;
	if (s->body.kind != BODY_NONE)
		stream_resume(&s->stream);
}

static bool ends_transaction(const struct statement *st)
{
	return (st->verdict.flags & (SQL_ENDS | SQL_COMMITS)) != 0;
}

static bool only_rolls_back(const struct statement *st)
{
	return (st->verdict.flags & SQL_ENDS) != 0 &&
	       (st->verdict.flags & (SQL_COMMITS | SQL_MULTI)) == 0;
}

/* May run a second time although its first run may have happened. */
static bool may_repeat(const struct session *s)
{
	const struct statement *st = &s->st;
	bool begins = (st->verdict.flags & (SQL_BEGINS | SQL_MULTI)) == SQL_BEGINS;

	if (st->in_transaction || s->pins != 0 || s->body.kind != BODY_NONE || st->passed)
		return false;
	return st->route.retryable || begins ||
	       (st->verdict.class == SQL_SESSION && (st->verdict.flags & SQL_MULTI) == 0);
}

/* Everything that lived on the lost connection is gone. */
static void forget_attachment(struct session *s)
{
	s->pins = 0;
	s->open_statements = 0;
	s->status &= (uint16_t)~(SERVER_STATUS_IN_TRANS | SERVER_STATUS_IN_TRANS_READONLY);
}

/* A statement was in flight; tell the client honestly what is known of it. */
static void tell_loss(struct session *s, const char *backend)
{
	struct statement *st = st_of(s);

	if (st->passed)
		response_cut(s, RMX_RESULT_CUT, backend);
	else if (st->in_transaction && only_rolls_back(st))
		session_send_ok(s);
	else if (st->in_transaction && !ends_transaction(st))
		session_send_error(s, RMX_ROLLED_BACK, backend);
	else if (st->verdict.class == SQL_READ && !st->in_transaction)
		session_send_error(s, RMX_RESULT_CUT, backend);
	else
		session_send_error(s, RMX_OUTCOME_UNKNOWN, backend);
	if (s->phase >= SESSION_CLOSING)
		return;
	forget_attachment(s);
	st->failed = true;
	statement_done(s);
}

static void lost_while_running(struct session *s, struct server_conn *conn)
{
	struct statement *st = st_of(s);
	const char *backend = conn->pool->name;

	pool_statement_done(conn->pool, 0, false);
	log_info(&s->log, "server lost during a statement", LOG_TEXT("backend", backend),
		 LOG_TEXT("problem", conn->problem), LOG_UINT("attempt", st->attempts));
	STAT_INC(s->env->stats, server_losses_total);
	st->avoid = conn->pool->backend_id;
	if (may_repeat(s)) {
		STAT_INC(s->env->stats, retries_total);
		st->route.reason = REASON_RETRIED;
		statement_run_again(s);
		return;
	}
	if (s->body.kind != BODY_NONE) {
		s->body.failure = RMX_OUTCOME_UNKNOWN;
		stream_resume(&s->stream);
		return;		/* swallow the rest first */
	}
	tell_loss(s, backend);
}

static void lost_while_idle(struct session *s, struct server_conn *conn)
{
	if (in_transaction(s))
		s->lost_transaction = true;
	(void)snprintf(s->lost_on, sizeof(s->lost_on), "%s", conn->pool->name);
	forget_attachment(s);
}

static void conn_gone(void *owner, struct server_conn *conn)
{
	struct session *s = session_from(owner);
	bool attached = s->pins != 0 || in_transaction(s);

	s->conn = NULL;
	s->env->host_ops->evidence(s->env->host, conn->pool->backend_id, EVIDENCE_LINK_BROKE,
				   conn->problem);
	switch ((enum session_phase)s->phase) {
	case SESSION_RUNNING:
		lost_while_running(s, conn);
		return;
	case SESSION_RESTORING:		/* nothing of the statement was sent */
		if (attached)
			tell_loss(s, conn->pool->name);
		else
			statement_run_again(s);
		return;
	case SESSION_READY:
		lost_while_idle(s, conn);
		return;
	case SESSION_ROUTING:
		statement_run_again(s);
		return;
	case SESSION_NEW:
	case SESSION_LOGIN:
	case SESSION_TLS:
	case SESSION_PROVING:
	case SESSION_CLOSING:
	case SESSION_CLOSED:
		return;
	}
}

static void conn_silent(void *owner, struct server_conn *conn)
{
	struct session *s = session_from(owner);

	if (s->phase == SESSION_RUNNING && may_repeat(s) &&
	    topology_usable_replicas(s->env->topology) > 0)
		server_conn_lose(conn, "the server answers no probes");
}

const struct server_conn_owner_ops session_conn_owner = {
	.restored = conn_restored,
	.drained = conn_drained,
	.silent = conn_silent,
	.gone = conn_gone,
};

/* --- choosing a server ------------------------------------------------------- */

static size_t usable_replicas(const struct session *s, const struct backend_view **views)
{
	const struct topology *t = s->env->topology;
	size_t n = 0;

	for (size_t i = 0; i < t->n && n < MAX_BACKENDS; i++) {
		const struct backend_view *view = &t->backends[i];

		if (view->role == BACKEND_REPLICA && view->usable && view->id != s->st.avoid)
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
		if (!s->st.primary_only)
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

static void granted(struct pool_ticket *ticket, struct server_conn *conn)
{
	struct session *s = container_of(ticket, struct session, ticket);
	struct statement *st = st_of(s);

	if (conn != NULL) {
		stop_waiting(s);
		server_conn_give(conn, SERVER_CONN_LEASED, &session_conn_owner, s);
		send_on(s, conn);
		return;
	}
	if (ticket->error_number == 0 || ticket->error_number == 1040) {
		wait_for_server(s, ticket->error_number == 0 ? RMX_NO_SERVER : RMX_NO_CONNECTION);
		return;
	}
	stop_waiting(s);
	session_send_server_error(s, ticket->error_number, ticket->error_sqlstate,
				  ticket->problem);
	st->failed = true;
	statement_done(s);
}

static void start_deadline(struct session *s);

static void lease_on(struct session *s, const struct backend_view *view)
{
	struct statement *st = st_of(s);
	struct pool *pool = pool_of(s->env->pools, view);
	struct server_conn *conn;

	if (pool == NULL) {
		wait_for_server(s, RMX_NO_CONNECTION);
		return;
	}
	st->replica = view->role == BACKEND_REPLICA;
	s->ticket.wish = session_wish(s);
	conn = pool_take(pool, &s->ticket.wish, &session_conn_owner, s);
	if (conn != NULL) {
		stop_waiting(s);
		send_on(s, conn);
		return;
	}
	st->avoid = view->id;		/* should it turn out not to answer */
	s->ticket.granted = granted;
	STAT_INC(s->env->stats, waits_total);
	leave_waiting_list(s);
	start_deadline(s);
	pool_ask(pool, &s->ticket);
}

/* The connection of the statement before, if nobody has used it since. */
static struct server_conn *previous_conn(struct session *s)
{
	struct server_conn *conn = s->previous;

	return conn != NULL && conn->state == SERVER_CONN_IDLE && conn->in_flight == 0 ? conn : NULL;
}

static bool is_replica(const struct session *s, const struct server_conn *conn)
{
	const struct backend_view *view =
		topology_by_id(s->env->topology, conn->pool->backend_id);

	return view != NULL && view->role == BACKEND_REPLICA;
}

static void reroute_to_view(struct session *s)
{
	const struct backend_view *view = pick(s);

	if (s->st.route.target == ROUTE_NAMED && (view == NULL || !view->usable)) {
		char name[BACKEND_NAME_MAX];

		(void)span_copy(s->st.verdict.hint_backend, name, sizeof(name));
		session_send_error(s, RMX_HINT_BACKEND, name,
				   view == NULL ? "not known" : "not usable now");
		s->st.failed = true;
		statement_done(s);
		return;
	}
	if (view == NULL)
		wait_for_server(s, RMX_NO_SERVER);
	else
		lease_on(s, view);
}

static struct route_situation situation(const struct session *s)
{
	return (struct route_situation){
		.attached = s->conn != NULL,
		.in_transaction = in_transaction(s),
		.autocommit_off = (s->status & SERVER_STATUS_AUTOCOMMIT) == 0,
		.pinned = s->pins != 0,
		.recent_write = s->wrote_us != 0,
		.consistency = s->env->settings->consistency,
		.listen = (enum listen_route)s->listen,
		.replica_usable = topology_usable_replicas(s->env->topology) > 0,
	};
}

/*
 * Without a position to wait for, reads stay on the primary until every usable
 * replica has had time to catch up, as far as its lag was measured.
 */
static void expire_write(struct session *s)
{
	const struct topology *t = s->env->topology;
	uint64_t window = 2 * s->env->settings->probe_interval_ms + STICK_MS;
	uint64_t lag = 0;

	if (s->wrote_us == 0)
		return;
	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].usable && t->backends[i].lag_ms > lag)
			lag = t->backends[i].lag_ms;
	}
	if (loop_now_us(s->env->loop) > s->wrote_us + (window + lag) * 1000)
		s->wrote_us = 0;
}

void statement_route(struct session *s)
{
	struct statement *st = st_of(s);
	struct route_situation now;
	bool retried = st->route.reason == REASON_RETRIED;

	expire_write(s);
	now = situation(s);
	route_decide(&st->verdict, &now, &st->route);
	if (retried)
		st->route.reason = REASON_RETRIED;
	if (st->route.target == ROUTE_ATTACHED) {
		st->replica = is_replica(s, s->conn);
		send_on(s, s->conn);
		return;
	}
	if (st->route.target == ROUTE_PREVIOUS && previous_conn(s) != NULL) {
		struct server_conn *conn = previous_conn(s);

		st->replica = is_replica(s, conn);
		pool_take_this(conn, &session_conn_owner, s);
		s->conn = conn;		/* it is in the right state: it has not been used since */
		send_on(s, conn);
		return;
	}
	reroute_to_view(s);
}

void statement_run_again(struct session *s)
{
	struct statement *st = st_of(s);

	session_set_phase(s, SESSION_ROUTING);
	buffer_free(&s->stash);
	st->again = st->failed = st->has_rows = st->passed = false;
	st->attempts++;
	if (st->attempts > ATTEMPTS_AT_ONCE)
		wait_for_server(s, RMX_NO_SERVER);
	else
		statement_route(s);
}

/* --- waiting ---------------------------------------------------------------- */

static uint64_t patience_us(const struct session *s)
{
	const struct settings *settings = s->env->settings;

	return (s->st.verdict.class == SQL_WRITE ? settings->wait_write_ms :
						   settings->wait_read_ms) * 1000;
}

static void look_again(struct timer *t)
{
	struct session *s = container_of(t, struct session, timer);
	struct statement *st = st_of(s);

	if (s->phase != SESSION_ROUTING)
		return;
	if (loop_now_us(s->env->loop) >= st->deadline_us) {
		fail_waiting(s, st->waiting ? RMX_NO_SERVER : RMX_NO_CONNECTION);
		return;
	}
	timer_set(&s->timer, s->env->loop, RETRY_US, look_again);
	if (!st->waiting)
		return;		/* in a pool's line: it calls back */
	st->avoid = 0;
	reroute_to_view(s);
}

void statement_look_again(struct session *s)
{
	if (s->phase == SESSION_ROUTING && s->st.waiting)
		reroute_to_view(s);
}

static void start_deadline(struct session *s)
{
	struct statement *st = st_of(s);

	if (st->deadline_us == 0)
		st->deadline_us = loop_now_us(s->env->loop) + patience_us(s);
	timer_clear(&s->timer);
	timer_set(&s->timer, s->env->loop, RETRY_US, look_again);
}

static void fail_waiting(struct session *s, enum rmx_error error)
{
	char states[500];

	stop_waiting(s);
	topology_describe(s->env->topology, s->st.verdict.class != SQL_WRITE, BACKEND_PRIMARY,
			  states, sizeof(states));
	session_send_error(s, error, states);
	s->st.failed = true;
	statement_done(s);
}

static bool too_many_waiting(const struct session *s)
{
	const struct relay_env *env = s->env;

	return env->waiting_count >= env->settings->wait_max_statements ||
	       env->waiting_bytes + s->st.packet.len + s->input.len > env->settings->wait_max_bytes;
}

static void wait_for_server(struct session *s, enum rmx_error hurdle)
{
	struct statement *st = st_of(s);

	(void)hurdle;
	if (st->waiting)
		return;
	if (too_many_waiting(s)) {
		fail_waiting(s, RMX_TOO_MANY_WAITING);
		return;
	}
	pool_withdraw(&s->ticket);
	st->waiting = true;
	st->waiting_bytes = st->packet.len + s->input.len;
	TAILQ_INSERT_TAIL(&s->env->waiting, s, wait_link);
	s->env->waiting_count++;
	s->env->waiting_bytes += st->waiting_bytes;
	STAT_INC(s->env->stats, statements_waiting);
	start_deadline(s);
}

/* --- beginning and end --------------------------------------------------------- */

/* State that was lost while the session was idle is told now, once. */
static bool told_earlier_loss(struct session *s)
{
	bool rolled_back = s->lost_transaction;

	if (s->lost_on[0] == '\0')
		return false;
	s->lost_transaction = false;
	if (rolled_back && only_rolls_back(&s->st))
		session_send_ok(s);
	else if (rolled_back)
		session_send_error(s, RMX_ROLLED_BACK, s->lost_on);
	else
		session_send_error(s, RMX_STATE_LOST, s->lost_on,
				   "temporary tables, locks or prepared statements of this session");
	s->lost_on[0] = '\0';
	return true;
}

static void start_body(struct session *s, struct span packet)
{
	struct frame frame = frame_at(packet.data);

	s->body = (struct body){
		.kind = BODY_STATEMENT,
		.left = frame.len,
		.continued = frame.len == PACKET_PAYLOAD_MAX,
	};
}

void statement_start(struct session *s, struct span packet, bool whole)
{
	struct statement *st = st_of(s);

	if (whole && told_earlier_loss(s))
		return;
	session_set_phase(s, SESSION_ROUTING);
	*st = (struct statement){
		.verdict = st->verdict,
		.command = st->command,
		.started_us = loop_now_us(s->env->loop),
		.in_transaction = in_transaction(s),
	};
	if (!hold_keep(&st->packet, s->env->loop, packet)) {
		session_close(s, "out of memory");
		return;
	}
	if (!whole) {
		start_body(s, packet);
		s->body.left -= (uint32_t)size_min(s->body.left, packet.len - PACKET_HEADER_LEN);
		stream_pause(&s->stream);
	}
	statement_route(s);
}

static void replace_state(struct session *s, struct session_state *next)
{
	if (next == NULL) {
		s->pins |= PIN_UNREPLAYABLE;	/* too much to carry */
		return;
	}
	state_drop(s->state);
	s->state = next;
}

static void set_variable(struct session *s, enum state_kind kind, struct span name,
			 struct span value)
{
	replace_state(s, state_with_variable(s->state, kind, name, value));
}

/* Lower case, as trackers write names.  False: too long to be one. */
static bool lower_name(struct span name, char *out, size_t room)
{
	if (!span_copy(name, out, room))
		return false;
	for (char *c = out; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	}
	return true;
}

/* MariaDB does not report SET @@name = value (seen on 10.11.19): then the text tells. */
static void keep_system_variable(struct session *s, const struct sql_assignment *a)
{
	char name[80];

	if (!lower_name(a->name, name, sizeof(name)) ||
	    variable_use(span_of(name)) != VARIABLE_STATE ||
	    server_conn_reported(s->conn, span_of(name)))
		return;
	set_variable(s, STATE_SYSTEM_VARIABLE, span_of(name), a->value);
}

/* SET NAMES x COLLATE y: trackers tell of x only.  The collation is the last word. */
static void keep_collation(struct session *s, const struct sql_assignment *a)
{
	size_t at = a->value.len;

	while (at > 0 && a->value.data[at - 1] > ' ')
		at--;
	if (at > 0)
		set_variable(s, STATE_SYSTEM_VARIABLE, SPAN_LITERAL("collation_connection"),
			     span_from(a->value, at));
}

static void keep_assignment(struct session *s, const struct sql_assignment *a)
{
	char name[260];

	switch (a->kind) {
	case SQL_ASSIGN_USER_VARIABLE:
		if (lower_name(a->name, name, sizeof(name)))
			set_variable(s, STATE_USER_VARIABLE, span_of(name), a->value);
		else
			s->pins |= PIN_UNREPLAYABLE;
		return;
	case SQL_ASSIGN_SESSION:
		keep_system_variable(s, a);
		return;
	case SQL_ASSIGN_NAMES:
		keep_collation(s, a);
		return;
	case SQL_ASSIGN_GLOBAL:
	case SQL_ASSIGN_TRANSACTION:
	case SQL_ASSIGN_OTHER:
		return;
	}
}

/* What a SET has done that the server has not reported. */
static void keep_assignments(struct session *s)
{
	struct sql_mode mode = session_sql_mode(s);
	struct span text = span_from(hold_span(&s->st.packet), PACKET_HEADER_LEN + 1);
	struct sql_assignments walk;
	struct sql_assignment a;

	if ((s->capabilities & CLIENT_QUERY_ATTRIBUTES) != 0)
		text = span_from(text, 2);	/* classified, so it has none */
	walk = sql_assignments_of(text, &mode);
	while (sql_assignments_next(&walk, &a))
		keep_assignment(s, &a);
	if (walk.broken)
		s->pins |= PIN_UNREPLAYABLE;
	server_conn_set_session_state(s->conn, state_take(s->state));
}

static void learn_pins(struct session *s)
{
	const struct server_note *note = &s->conn->note;
	uint32_t before = s->pins;
	uint32_t unpin = SQL_UNPIN_TABLE_LOCK | SQL_UNPIN_USER_LOCKS;
	uint32_t pins = s->st.verdict.pins;

	if ((pins & SQL_UNPIN_TABLE_LOCK) != 0)
		s->pins &= ~(uint32_t)SQL_PIN_TABLE_LOCK;
	if ((pins & SQL_UNPIN_USER_LOCKS) != 0)
		s->pins &= ~(uint32_t)SQL_PIN_USER_LOCK;
	pins &= ~unpin;
	if ((pins & SQL_PIN_CALL) != 0 && !note->state_unexplained)
		pins &= ~(uint32_t)SQL_PIN_CALL;
	s->pins |= pins;
	if (note->pins)
		s->pins |= PIN_UNREPLAYABLE;
	if ((s->st.verdict.flags & SQL_SETS_TRANSACTION) != 0)
		s->pins |= PIN_NEXT_TRANSACTION;
	else if (s->st.verdict.class != SQL_SESSION && !in_transaction(s))
		s->pins &= ~PIN_NEXT_TRANSACTION;
	if (before == 0 && s->pins != 0)
		STAT_INC(s->env->stats, pins_total);
}

static void learn_state(struct session *s)
{
	struct server_conn *conn = s->conn;

	if (conn->session_state != s->state) {
		state_drop(s->state);
		s->state = state_take(conn->session_state);
	}
	if ((s->st.verdict.flags & SQL_HAS_SET) != 0 && !s->st.failed &&
	    s->st.verdict.class == SQL_SESSION && s->st.command == COM_QUERY)
		keep_assignments(s);
	if (conn->note.insert_id_changed)
		s->insert_id = conn->insert_id;
	else if (s->st.insert_id != 0)
		s->insert_id = s->st.insert_id;
}

/* A reset ends everything that tied the session to its connection. */
static void learn_reset(struct session *s)
{
	struct session_state *bare = state_schema_only(s->conn->session_state);

	s->pins = 0;
	s->open_statements = 0;
	s->insert_id = 0;
	s->conn->no_reuse = true;	/* its trackers are off */
	if (bare == NULL)
		return;
	server_conn_set_session_state(s->conn, bare);
	state_drop(s->state);
	s->state = state_take(bare);
}

static void learn_command(struct session *s)
{
	if (s->st.failed)
		return;
	if (s->st.command == COM_STMT_PREPARE) {
		s->open_statements++;
		s->pins |= PIN_STATEMENTS;
	} else if (s->st.command == COM_RESET_CONNECTION) {
		learn_reset(s);
	}
}

/* Statements for the primary that nevertheless change no data. */
static bool only_looks(enum route_reason reason)
{
	return reason == REASON_LOCKING_READ || reason == REASON_ROLE_VARIABLE ||
	       reason == REASON_PRIMARY_STATUS || reason == REASON_INTO ||
	       reason == REASON_ASSIGNS_VARIABLE || reason == REASON_SETS_COMPUTED;
}

/* A single statement that failed has changed nothing; a stored program may have before it did. */
static bool may_have_written(const struct statement *st)
{
	bool multi = (st->verdict.flags & SQL_MULTI) != 0;

	if (st->replica || (st->verdict.class != SQL_WRITE && !st->primary_only))
		return false;
	if (only_looks(st->verdict.reason) && !multi)
		return false;
	return !st->failed || multi || st->verdict.reason == REASON_CALLS ||
	       st->verdict.reason == REASON_UNKNOWN_FUNCTION;
}

static void learn_position(struct session *s)
{
	const struct statement *st = &s->st;

	if (s->conn->position[0] != '\0')
		(void)snprintf(s->position, sizeof(s->position), "%s", s->conn->position);
	else if (may_have_written(st) && (!st->ended_by_ok || !s->conn->pool->gtid))
		s->wrote_us = loop_now_us(s->env->loop);	/* nobody could say where */
}

static void learn(struct session *s)
{
	learn_state(s);
	learn_pins(s);
	learn_command(s);
	learn_position(s);
}

/* The command is answered. */
void statement_done(struct session *s)
{
	struct statement *st = st_of(s);
	struct server_conn *conn = s->conn;

	if (conn != NULL) {
		bool ask = st->failed || st->warnings > 0 ||
			   (st->verdict.flags & SQL_FOUND_ROWS_WANTED) != 0;

		learn(s);
		if (s->pins == 0 && !in_transaction(s)) {
			remember_conn(s, conn, ask);
			session_release_conn(s);
		}
	}
	stop_waiting(s);
	hold_drop(&st->packet, s->env->loop);
	buffer_free(&s->stash);
	session_set_phase(s, SESSION_READY);
	session_next(s);
}

/* --- bodies that arrive in pieces ------------------------------------------------ */

static void body_complete(struct session *s)
{
	bool file = s->body.kind == BODY_FILE;
	enum rmx_error failure = s->body.failure;

	s->body = (struct body){ 0 };
	stream_pause(&s->stream);
	if (failure == RMX_OK)
		return;
	(void)file;
	session_send_error(s, failure, "its server");
	s->st.failed = true;
	forget_attachment(s);
	statement_done(s);
}

/* Pass <bytes> on, or drop them when there is nobody left to pass them to. */
static void pass_body(struct session *s, struct span bytes)
{
	if (s->conn == NULL || s->body.failure != RMX_OK)
		return;
	stream_write(&s->conn->stream, bytes);
	if (s->conn != NULL && stream_queued(&s->conn->stream) > STREAM_HIGH_WATER)
		stream_pause(&s->stream);
}

/* The header of the body's next packet, which may arrive byte by byte. */
static size_t body_header(struct session *s, struct span bytes)
{
	struct body *b = &s->body;
	size_t n = size_min(bytes.len, (size_t)(PACKET_HEADER_LEN - b->header_len));
	struct frame frame;

	memcpy(b->header + b->header_len, bytes.data, n);
	b->header_len = (uint8_t)(b->header_len + n);
	if (b->header_len < PACKET_HEADER_LEN)
		return n;
	frame = frame_at(b->header);
	b->header_len = 0;
	b->left = frame.len;
	b->continued = b->kind == BODY_FILE ? frame.len > 0 : frame.len == PACKET_PAYLOAD_MAX;
	s->st.seq = frame.seq;
	pass_body(s, (struct span){ b->header, PACKET_HEADER_LEN });
	return n;
}

size_t session_body(struct session *s, struct span bytes)
{
	struct body *b = &s->body;
	size_t n = 0;

	if (s->phase != SESSION_RUNNING && b->failure == RMX_OK)
		return 0;		/* not sent yet: its start waits for a server */
	if (b->left > 0) {
		n = size_min(bytes.len, b->left);
		b->left -= (uint32_t)n;
		pass_body(s, span_head(bytes, n));
	} else if (b->continued) {
		n = body_header(s, bytes);
	}
	if (b->left == 0 && !b->continued && b->header_len == 0)
		body_complete(s);
	return n;
}
