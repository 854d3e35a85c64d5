/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One statement from its arrival to its end.  Where it goes is session_route.c's
 * business, what its answer means session_learn.c's, what happens when its server
 * is lost session_loss.c's.
 */
#include <readmux/relay/refused.h>
#include <readmux/relay/session_parts.h>
#include <readmux/sql/digest.h>

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
static void remember_conn(struct session *s, struct server_conn *conn)
{
	const struct kept *kept = s->diagnostics.kept;
	bool warned = s->last.failed || s->last.warnings > 0;

	if (s->previous != NULL)
		server_conn_forget_user(s->previous);
	server_conn_forget_user(conn);
	s->previous = conn;
	conn->backlink = &s->previous;
	conn->disturbed = false;
	conn->diagnostics = &s->diagnostics;
	if (warned && (kept == NULL || !kept->has_warnings))
		conn->precious |= KEEP_WARNINGS;
	if (!s->last.found_rows_known)
		conn->precious |= KEEP_FOUND_ROWS;
}

/* --- sending ---------------------------------------------------------------- */

/* The statement's own bytes, behind <w>'s; those of a long one follow as they arrive. */
static void send_statement(struct session *s, struct writer *w)
{
	struct statement *st = &s->st;
	struct iovec iov[2];
	int n = statement_pieces(s, w, iov);
	int first = iov[0].iov_len > 0 ? 0 : 1;

	if (n == 0) {
		server_conn_lose(s->conn, "a prepared statement cannot be moved to it");
		return;
	}
	session_set_phase(s, SESSION_RUNNING);
	if (statement_is_answered(st)) {
		if (!server_conn_request(s->conn, st->command,
					 st->sink != NULL ? st->sink : &session_sink, s))
			return;		/* the loss was told to the owner, which is us */
		statement_count_sent(s);
	}
	stream_writev(&s->conn->stream, iov + first, n - first);
	if (s->body.kind == BODY_STATEMENT) {
		hold_drop(&st->packet, s->env->loop);
		stream_resume(&s->stream);
		session_look_later(s);
	} else if (!statement_is_answered(st)) {
		statement_unanswered(s);
	}
}

/*
 * Without a table to read, MariaDB leaves the warnings of the statement before in place; on
 * MySQL commands without a statement do.
 */
static bool shows_what_was_before(const struct session *s, const struct server_conn *conn)
{
	bool statement = s->st.command == COM_QUERY || s->st.command == COM_STMT_EXECUTE;

	return (s->st.verdict.flags & SQL_ABOUT_PREVIOUS) != 0 ||
	       (conn->warned && (conn->mariadb || !statement));
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
	bool looks_back = !fresh && (st->verdict.flags & SQL_ABOUT_PREVIOUS) != 0;
	char joined[POSITION_MAX];
	const char *position;
	bool prepare;

	s->conn = conn;
	st->leased_us = loop_now_us(s->env->loop);
	if (fresh)
		insert_id_save(conn, &s->insert_id, restore_resets(conn, s->state));
	if ((st->verdict.flags & SQL_FOUND_ROWS_WANTED) != 0)
		insert_id_settle(conn);		/* asked behind it, FOUND_ROWS() would be lost */
	if (fresh && restore_write(conn, s->state, &w) == RESTORE_IMPOSSIBLE) {
		conn->no_reuse = true;
		session_release_conn(s);
		statement_route(s);
		return;
	}
	prepare = statement_needs_prepare(s, conn);	/* a reset closes statements */
	if (prepare)
		restore_write_prepare(conn, st->prepared->typed != NULL ?
				      st->prepared->typed : st->prepared->query, &w);
	/* what was lost with its server runs only where one has answered just now */
	if (fresh && (shows_what_was_before(s, conn) || st->died_on != 0)) {
		restore_write_clean(conn, &w);
		conn->warned = false;
	}
	if ((st->verdict.flags & SQL_READS_INSERT_ID) != 0 || statement_may_set_insert_id(st))
		restore_write_insert_id(conn, s->insert_id.value, &w);
	statement_write_trackers(s, conn, &w);
	/* its SELECT would be the one before */
	position = looks_back ? NULL : statement_position(s, joined);
	if (position != NULL)
		restore_write_position(conn, position, POSITION_WAIT_MS, &w);
	if (w.bad || conn->state == SERVER_CONN_CLOSED) {
		if (conn->state != SERVER_CONN_CLOSED)
			server_conn_lose(conn, "session state too large to restore");
		return;
	}
	if (!prepare && st->died_on == 0 && (st->route.retryable || (w.len == 0 && conn->identified))) {
		send_statement(s, &w);
		return;
	}
	session_set_phase(s, SESSION_RESTORING);
	statement_watch(s);
	if (conn->restore_steps == 0)
		server_conn_lose(conn, "it could not be set up");
	else if (w.len > 0)
		stream_write(&conn->stream, writer_span(&w));
}

/* --- what the connection reports ----------------------------------------------- */

/* Give up <conn>: what of the statement is in flight there answers to nobody. */
static void leave_conn(struct session *s, struct server_conn *conn, bool broken)
{
	if (broken) {
		session_drop_conn(s);
		return;
	}
	if (s->phase == SESSION_RUNNING)
		pool_statement_done(conn->pool, 0, false);
	server_conn_disown(conn, s);
	session_release_conn(s);
}

/* The statement cannot run here.  It is tied to this connection, or goes to the primary. */
static void cannot_run_here(struct session *s, struct server_conn *conn, bool broken)
{
	struct statement *st = &s->st;
	bool tied = s->pins != 0 || session_in_transaction(s);
	struct failure f = { .number = conn->error_number };
	bool late = !broken && conn->error_number == 0;

	if (!tied && broken && server_conn_is_farewell(conn->error_number)) {
		st->avoid = conn->pool->backend_id;
		leave_conn(s, conn, true);	/* nothing of the statement has had an effect */
		statement_run_again(s);
		return;
	}
	if (!tied && st->replica && !st->primary_only) {
		leave_conn(s, conn, broken);
		if (late && st->moves)
			session_cannot_move(s);
		else if (late)
			st->primary_first = true;	/* the next time it may have caught up */
		else
			st->primary_only = true;
		statement_run_again(s);
		return;
	}
	if (broken && tied) {
		server_conn_lose(conn, conn->problem);
		return;
	}
	(void)snprintf(f.sqlstate, sizeof(f.sqlstate), "%s", conn->error_sqlstate);
	(void)snprintf(f.text, sizeof(f.text), "%s", conn->problem);
	if (broken)
		leave_conn(s, conn, true);
	statement_fail_as(s, &f);
}

/* There are too many prepared statements on the server: ours are closed, then once more. */
static bool made_room(struct session *s, struct server_conn *conn)
{
	if (conn->error_number != ER_MAX_PREPARED_STMT_COUNT || s->st.attempts > 0)
		return false;
	s->st.attempts++;
	pool_close_statements(conn->pool, conn);
	session_set_phase(s, SESSION_ROUTING);
	statement_send_on(s, conn, false);
	return true;
}

void session_keep_expired(struct session *s, struct server_conn *conn)
{
	conn->no_reuse = true;
	conn->restore_failed = false;
	conn->identified = conn->tracked = conn->expired = true;
	server_conn_set_session_state(conn, state_take(s->state));	/* it will be */
	s->pins |= PIN_COMMAND;
}

/* The password is changed; what the login had asked for is still to be done. */
static void enter_schema_at_last(struct session *s, struct server_conn *conn)
{
	uint8_t memory[300];
	struct writer w = writer_over(memory, sizeof(memory));

	if (!conn->expired || s->st.failed)
		return;
	conn->expired = false;
	if (state_schema(s->state).len == 0)
		return;
	restore_write_schema(conn, s->state, &w);
	stream_write(&conn->stream, writer_span(&w));
}

static void conn_restored(void *owner, struct server_conn *conn, enum restore_outcome outcome)
{
	struct session *s = session_from(owner);
	uint8_t memory[1024];
	struct writer w = writer_over(memory, sizeof(memory));

	if (outcome == RESTORE_REFUSED && made_room(s, conn))
		return;
	if (outcome == RESTORE_REFUSED && conn->error_number == 0)
		pool_was_behind(conn->pool);
	if (outcome == RESTORE_FAILED && conn->error_number == ER_MUST_CHANGE_PASSWORD &&
	    !s->st.replica && s->phase == SESSION_RESTORING) {
		session_keep_expired(s, conn);
		outcome = RESTORE_DONE;
	}
	if (outcome != RESTORE_DONE)
		cannot_run_here(s, conn, outcome == RESTORE_FAILED);
	else if (s->phase == SESSION_RESTORING)
		send_statement(s, &w);
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
	st->again = st->failed = st->has_rows = st->passed = st->changed = false;
	st->interrupted = false;
	st->error = 0;
	st->metadata = (struct metadata){ 0 };
	st->columns_told = 0;
	st->seq = 0;		/* nothing of an answer was passed on */
	st->attempts++;
	if (st->attempts > ATTEMPTS_AT_ONCE)
		statement_wait(s);
	else
		statement_route(s);
}

/* --- beginning and end --------------------------------------------------------- */

/* A span that lies in <from> lies at the same place of its copy. */
static struct span rebased(struct span s, struct span from, const uint8_t *copy)
{
	uintptr_t at = (uintptr_t)s.data, start = (uintptr_t)from.data;

	if (s.len > 0 && at >= start && at < start + from.len)
		s.data = copy + (at - start);
	return s;
}

/* It was answered with the news of a loss, and is over. */
static void record_untried(struct session *s, struct span packet, bool whole)
{
	s->st.started_us = loop_now_us(s->env->loop);
	s->st.failed = s->st.error != 0;
	if (!whole || !hold_keep(&s->st.packet, s->env->loop, packet))
		return;
	statement_record(s, NULL);
	hold_drop(&s->st.packet, s->env->loop);
}

bool statement_begin(struct session *s, struct span packet, bool whole)
{
	struct statement *st = &s->st;

	if (statement_is_answered(st) && session_told_loss(s)) {
		session_use_up_long_data(s);
		record_untried(s, packet, whole);
		if (!whole)
			session_close_gently(s, "state was lost");
		return false;
	}
	session_set_phase(s, SESSION_ROUTING);
	st->started_us = loop_now_us(s->env->loop);
	st->in_transaction = session_in_transaction(s);
	if (!hold_keep(&st->packet, s->env->loop, packet)) {
		session_close(s, "out of memory");
		return false;
	}
	st->verdict.hint_backend = rebased(st->verdict.hint_backend, packet, st->packet.data);
	st->verdict.what = rebased(st->verdict.what, packet, st->packet.data);
	if (!whole)
		body_start(s, packet);
	return true;
}

/* By its text it is a read, but a view in it calls a stored function that is more. */
void statement_calls_routine(struct sql_verdict *v)
{
	v->class = SQL_WRITE;
	v->reason = REASON_REPAIRED;
	v->pins |= SQL_PIN_CALL;
}

void statement_heed_refusals(struct session *s, struct span text)
{
	struct sql_verdict *v = &s->st.verdict;
	struct sql_mode mode;

	if (v->class != SQL_READ || refused_count(s->env->refused) == 0)
		return;
	mode = session_sql_mode(s);
	if (text.len == 0 || !refused_has(s->env->refused, sql_digest(text, &mode),
					  loop_now_us(s->env->loop)))
		return;
	statement_calls_routine(v);
}

void statement_start(struct session *s, struct span packet, bool whole)
{
	if (!statement_begin(s, packet, whole))
		return;
	statement_heed_refusals(s, session_statement_text(s));
	statement_tie_what_is_too_large(s);
	if (statement_awaits_insert_id(s) || statement_awaits_position(s) ||
	    statement_awaits_values(s))
		statement_watch(s);
	else
		statement_route(s);
}

/* Nothing is answered, so nothing is learned but that it was sent. */
void statement_unanswered(struct session *s)
{
	statement_sent_unanswered(s);
	hold_drop(&s->st.packet, s->env->loop);
	session_set_phase(s, SESSION_READY);
	session_next(s);
}

/* The command is answered. */
void statement_done(struct session *s)
{
	struct statement *st = &s->st;
	struct server_conn *conn = s->conn;

	if (st->routed)
		statement_record(s, NULL);
	if (conn != NULL) {
		if (st->sent_us != 0)
			session_learn(s);
		conn->warned |= st->failed || st->warnings > 0;
		enter_schema_at_last(s, conn);
		if (s->pins == 0 && !session_in_transaction(s)) {
			remember_conn(s, conn);
			session_ask_shown(s, conn);
			session_release_conn(s);
		}
	}
	statement_stop_waiting(s);
	hold_drop(&st->packet, s->env->loop);
	hold_drop(&st->filled, s->env->loop);
	statement_drop_inner(s);
	buffer_free(&s->stash);
	prepared_free(s->preparing);	/* the server did not take it */
	s->preparing = st->prepared = NULL;
	if ((st->verdict.flags & SQL_RELEASES) != 0 && !st->failed) {
		s->farewell = true;
		session_close_gently(s, "released");
		return;
	}
	session_set_phase(s, SESSION_READY);
	session_next(s);
}
