/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One statement from its arrival to its end.  Where it goes is session_route.c's
 * business, what its answer means session_learn.c's, what happens when its server
 * is lost session_loss.c's.
 */
#include <readmux/relay/position.h>
#include <readmux/relay/session_parts.h>

#define ATTEMPTS_AT_ONCE  4u		/* then it waits between attempts */
#define POSITION_WAIT_MS  200u		/* longest wait on a replica for the session's own writes */

/* --- the connection that a session holds ------------------------------------- */

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
	struct statement *st = &s->st;

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
	struct statement *st = &s->st;
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
void statement_send_on(struct session *s, struct server_conn *conn, bool fresh)
{
	struct statement *st = &s->st;
	size_t room;
	uint8_t *memory = loop_workshop(s->env->loop, &room);
	struct writer w = writer_over(memory, room);

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
	struct statement *st = &s->st;
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

const struct server_conn_owner_ops session_conn_owner = {
	.restored = conn_restored,
	.drained = conn_drained,
	.silent = session_conn_silent,
	.gone = session_conn_gone,
};

void statement_run_again(struct session *s)
{
	struct statement *st = &s->st;

	session_set_phase(s, SESSION_ROUTING);
	buffer_free(&s->stash);
	st->again = st->failed = st->has_rows = st->passed = false;
	st->attempts++;
	if (st->attempts > ATTEMPTS_AT_ONCE)
		statement_wait(s);
	else
		statement_route(s);
}

/* --- beginning and end --------------------------------------------------------- */

void statement_start(struct session *s, struct span packet, bool whole)
{
	struct statement *st = &s->st;

	if (whole && session_told_loss(s))
		return;
	session_set_phase(s, SESSION_ROUTING);
	*st = (struct statement){
		.verdict = st->verdict,
		.command = st->command,
		.started_us = loop_now_us(s->env->loop),
		.in_transaction = session_in_transaction(s),
	};
	if (!hold_keep(&st->packet, s->env->loop, packet)) {
		session_close(s, "out of memory");
		return;
	}
	if (!whole)
		body_start(s, packet);
	statement_route(s);
}

/* The command is answered. */
void statement_done(struct session *s)
{
	struct statement *st = &s->st;
	struct server_conn *conn = s->conn;

	if (conn != NULL) {
		bool ask = st->failed || st->warnings > 0 ||
			   (st->verdict.flags & SQL_FOUND_ROWS_WANTED) != 0;

		session_learn(s);
		if (s->pins == 0 && !session_in_transaction(s)) {
			remember_conn(s, conn, ask);
			session_release_conn(s);
		}
	}
	statement_stop_waiting(s);
	hold_drop(&st->packet, s->env->loop);
	buffer_free(&s->stash);
	session_set_phase(s, SESSION_READY);
	session_next(s);
}
