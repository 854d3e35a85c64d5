/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server's answer, packet by packet: what it means for the statement, and whether it is
 * for the client at all (how it gets there is session_emit.c's business).
 */
#include <readmux/relay/refused.h>
#include <readmux/relay/session_parts.h>
#include <readmux/sql/digest.h>

/* How often a statement is prepared again for one execution. */
#define PREPARE_ATTEMPTS 3u

/* A client that does not keep up stops its server, not readmux's memory. */
static void hold_server_back(struct session *s, struct server_conn *conn)
{
	if (stream_queued(&s->stream) > STREAM_HIGH_WATER)
		stream_pause(&conn->stream);
}

/* --- ERR packets -------------------------------------------------------------- */

/* A replica that refuses a statement as a write has run nothing of it. */
static bool is_read_only_refusal(uint16_t number)
{
	return number == 1290 || number == 1792 || number == 1836;
}

/* Nothing was run: the server has not, or not any more, what is to be executed. */
static bool must_prepare_again(const struct session *s, uint16_t number)
{
	const struct statement *st = &s->st;

	if (st->prepared == NULL || st->prepared->query == NULL || st->prepared->long_data ||
	    st->attempts >= PREPARE_ATTEMPTS || !statement_is_kept(s))
		return false;
	return number == ER_NEED_REPREPARE ||
	       (number == ER_MAX_PREPARED_STMT_COUNT && st->command == COM_STMT_PREPARE);
}

/* It looks like a read and is none: so are others of its shape from now on. */
static void remember_shape(struct session *s)
{
	struct sql_mode mode = session_sql_mode(s);
	struct span text = session_statement_text(s);

	if (text.len > 0)
		refused_add(s->env->refused, sql_digest(text, &mode), loop_now_us(s->env->loop));
}

/*
 * A SET has left on a replica what cannot be carried elsewhere.  No write could follow there,
 * so it is run again on the primary; it sets plain values.
 */
static bool ties_to_replica(const struct session *s, const struct server_conn *conn)
{
	const struct statement *st = &s->st;

	return (conn->note.pins || conn->note.tied) && st->replica && !st->passed &&
	       st->verdict.class == SQL_SESSION && (st->verdict.flags & SQL_MULTI) == 0 &&
	       !st->in_transaction && s->pins == 0 &&
	       s->listen != LISTEN_READ && statement_is_kept(s);
}

static void set_at_primary(struct session *s, struct server_conn *conn)
{
	s->st.again = s->st.primary_only = true;
	conn->no_reuse = true;
}

/* Nothing of it is left where it ran: it goes to the primary. */
static void repair(struct session *s)
{
	s->st.again = s->st.primary_only = true;
	s->st.verdict.hint = SQL_HINT_NONE;
	if (s->st.verdict.class == SQL_READ)
		statement_calls_routine(&s->st.verdict);
	STAT_INC(s->env->stats, repairs_total);
	remember_shape(s);
}

/* A read that may be moved to the primary. */
static bool is_repairable(const struct session *s)
{
	return s->st.replica && !s->st.in_transaction && s->pins == 0 &&
	       s->listen != LISTEN_READ && statement_is_kept(s);
}

/*
 * A read at a replica has changed its session: a view's function did.  Tied to a replica the
 * session could not write, so the connection goes, with what was changed, and the primary
 * runs the statement.  Where the client has begun to read it is told that something is lost.
 */
static void take_change(struct session *s)
{
	struct statement *st = &s->st;

	if (st->verdict.reason == REASON_REPAIRED)
		remember_shape(s);	/* still so */
	if (st->verdict.class != SQL_READ || st->verdict.pins != 0 || !is_repairable(s) ||
	    statement_explains_change(s))
		return;
	s->conn->no_reuse = true;
	if (st->passed) {
		st->state_left = true;
		remember_shape(s);
	} else {
		repair(s);
	}
}

static bool in_read_only_transaction(const struct session *s)
{
	return (s->status & SERVER_STATUS_IN_TRANS_READONLY) != 0;
}

/* The primary has turned read-only since its last probe.  1290 has other meanings, too. */
static void tell_read_only(struct session *s, const struct err_packet *err)
{
	struct relay_env *env = s->env;

	if (err->number == 1290 && !s->st.replica && span_contains_nocase(err->text, "read-only"))
		env->host_ops->evidence(env->host, s->conn->pool->backend_id, EVIDENCE_READ_ONLY, "");
}

static void take_error(struct session *s, const struct result_step *step, struct span raw)
{
	struct statement *st = &s->st;
	struct err_packet err = { 0 };

	st->failed = true;
	if (err_packet_parse(step->payload, &err) && !st->passed && !st->has_rows) {
		tell_read_only(s, &err);
		if (must_prepare_again(s, err.number))
			st->again = st->prepare_again = true;
		if (server_conn_is_farewell(err.number) && st->route.retryable && statement_is_kept(s))
			st->again = true;
		else if (is_read_only_refusal(err.number) && is_repairable(s))
			repair(s);
		st->interrupted = err.number == ER_QUERY_INTERRUPTED && st->route.retryable &&
				  statement_is_kept(s);
	}
	if (st->again)
		return;
	st->error = err.number;
	if (is_read_only_refusal(err.number) && st->replica && in_read_only_transaction(s))
		emit_read_only_transaction(s);
	else
		emit_bytes(s, raw);
}

/* --- the sink ----------------------------------------------------------------- */

/* The row of one column says 0 or NULL. */
static bool gives_nothing(const struct session *s, struct span row)
{
	bool text = s->st.command == COM_QUERY;

	if (text)
		return span_is(row, "\xfb") || span_is(row, "\x01" "0");
	for (size_t i = 2; i < row.len; i++) {
		if (row.data[i] != 0)
			return false;
	}
	return row.len == 2 || row.len == 2 + 4 || row.len == 2 + 8;
}

static void response_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	struct session *s = session_from(arg);

	s->st.partial_packet = conn->result.pass > 0 || conn->result.continued;
	s->st.has_rows |= row;
	if (s->st.again)
		return;
	if (s->st.metadata.columns > 0)
		bytes = emit_definitions(s, bytes);
	emit_renumbered(s, bytes);
	s->st.seq = (uint8_t)(conn->result.seq - s->st.metadata.left_out);
	if (row && (s->st.verdict.pins & SQL_PIN_USER_LOCK) != 0)
		s->st.lock_refused = gives_nothing(s, span_from(frame_last(bytes), PACKET_HEADER_LEN));
	if (row && s->st.columns.n > 0)
		emit_filled_row(s, bytes);
	else
		emit_bytes(s, bytes);
}

static void response_packet(void *arg, struct server_conn *conn, const struct result_step *step,
			    struct span raw, const struct ok_packet *ok)
{
	struct session *s = session_from(arg);

	s->st.partial_packet = false;
	s->st.seq = (uint8_t)(step->seq - s->st.metadata.left_out);
	if (s->st.again)
		return;		/* other results of the same text */
	emit_renumbered(s, raw);
	switch (step->packet) {
	case RESULT_PACKET_OK:
		if (ties_to_replica(s, conn)) {
			set_at_primary(s, conn);
			return;
		}
		s->status = ok->status & (uint16_t)~SERVER_SESSION_STATE_CHANGED;
		s->st.warnings = ok->warnings;
		s->st.ended_by_ok = true;
		s->st.changed |= conn->note.state_reported;
		s->st.has_result &= ok->header != PACKET_OK;
		s->st.affected_rows = ok->affected_rows;
		if (ok->last_insert_id != 0)
			s->st.insert_id = ok->last_insert_id;
		if (conn->note.state_reported)
			take_change(s);
		if (!s->st.again)
			emit_ok(s, raw, ok);
		return;
	case RESULT_PACKET_EOF:
		s->status = conn->result.status;
		s->st.warnings = conn->result.warnings;
		s->st.ended_by_ok = false;
		emit_eof(s, raw);
		return;
	case RESULT_PACKET_ERR:
		take_error(s, step, raw);
		return;
	case RESULT_PACKET_LOCAL_INFILE:
		emit_bytes(s, raw);
		emit_all(s);
		s->st.asked_file = true;
		s->body = (struct body){ .kind = BODY_FILE, .continued = true };
		stream_resume(&s->stream);
		session_look_later(s);
		return;
	case RESULT_PACKET_HEAD:
		emit_head(s, conn, raw);
		return;
	case RESULT_PACKET_PROGRESS:
	case RESULT_PACKET_TEXT:
		emit_bytes(s, raw);
		return;
	}
}

static void response_batch_end(void *arg, struct server_conn *conn)
{
	struct session *s = session_from(arg);

	if (s->st.first_us == 0)
		s->st.first_us = loop_now_us(s->env->loop);
	if (s->st.again)
		s->env->out_count = 0;
	else
		emit_batch_end(s);
	s->env->workshop_used = 0;
	if (s->phase < SESSION_CLOSING)
		hold_server_back(s, conn);
}

/* --- news that the client cannot be told --------------------------------------------- */

/*
 * Trackers ride on OK packets, and a result set that ends with EOF has none.  What a stored
 * program has changed is reported with the next OK then, so one is asked for.  MariaDB
 * forgets it instead (seen on 10.11).  Not so behind an error: the next OK would be the one
 * that tells the client how its transaction is, and GET DIAGNOSTICS would be about the question.
 */
static bool owes_news(const struct session *s, const struct server_conn *conn)
{
	const struct statement *st = &s->st;
	bool called = (st->verdict.pins & SQL_PIN_CALL) != 0;

	return !conn->mariadb && !st->ended_by_ok &&
	       ((called && !st->failed) || statement_visits_schema(s));
}

static void news_end(void *arg, struct server_conn *conn)
{
	struct session *s = session_from(arg);

	s->st.changed |= conn->note.state_reported;
	s->st.asked_for_news = true;
	statement_done(s);
}

static const struct sink_ops news_sink = {
	.pass = server_conn_drop_bytes,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = news_end,
	.lost = server_conn_drop_news,
};

/* With COM_PING: a statement would change FOUND_ROWS() and take the warnings away. */
static bool asked_for_news(struct session *s, struct server_conn *conn)
{
	if (!owes_news(s, conn))
		return false;
	server_conn_ping(conn, &news_sink, s);
	return true;
}

/* --- by whom it was interrupted ------------------------------------------------------- */

static void finish(struct session *s, struct server_conn *conn);

static void interruption_end(void *arg, struct server_conn *conn)
{
	struct session *s = session_from(arg);

	s->st.interrupted = false;
	s->st.again |= conn->farewell;
	conn->no_reuse = true;	/* what it was about to report, the answer to the ping has taken */
	finish(s, conn);
}

static const struct sink_ops interruption_sink = {
	.pass = server_conn_drop_bytes,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = interruption_end,
	.lost = server_conn_drop_news,
};

/*
 * MySQL tells a statement that waits for a lock 1317 when it shuts down, as if somebody had
 * killed it, and closes the connection then (seen on 9.7).  Where the connection goes on
 * the client is told; where it does not, the statement is run elsewhere.
 */
static bool asks_who_interrupted(struct session *s, struct server_conn *conn)
{
	if (!s->st.interrupted || conn->no_reuse)
		return false;	/* or it was killed by KILL QUERY through readmux */
	emit_batch_end(s);
	if (s->st.passed || s->phase >= SESSION_CLOSING)
		return false;
	server_conn_ping(conn, &interruption_sink, s);
	return true;
}

/* --- the end ------------------------------------------------------------------------- */

static void prepare_again(struct session *s, struct server_conn *conn)
{
	struct statement *st = &s->st;

	statement_count_retry(s, conn->pool);
	if (st->command == COM_STMT_PREPARE)
		pool_close_statements(conn->pool, conn);
	else
		statement_forget_prepared(s);
	st->again = st->prepare_again = st->failed = false;
	st->metadata = (struct metadata){ 0 };
	st->attempts++;
	session_set_phase(s, SESSION_ROUTING);
	statement_send_on(s, conn, false);
}

/* All of the answer is here, and whether it is the one for the client is known. */
static void finish(struct session *s, struct server_conn *conn)
{
	struct statement *st = &s->st;

	if (st->again) {
		s->env->out_count = 0;
		if (!st->primary_only)
			conn->no_reuse = true;
		statement_count_retry(s, conn->pool);
		st->avoid = conn->pool->backend_id;
		st->waits_since_us = 0;		/* while it ran it did not wait */
		st->route.reason = REASON_RETRIED;
		session_release_conn(s);
		statement_run_again(s);
		return;
	}
	if (st->error != 0)
		statement_count_error(s, st->error);
	emit_all(s);
	if (s->phase >= SESSION_CLOSING)
		return;
	emit_finished(s);
	hold_server_back(s, conn);
	if (s->body.kind != BODY_NONE) {
		/* refused before all of it arrived: the rest has nowhere to go */
		conn->no_reuse = true;
		session_close_gently(s, "a statement was refused while it arrived");
		return;
	}
	st->answered = true;
	statement_record(s, conn);
	st->rows = conn->result.rows;
	if (!asked_for_news(s, conn) && !statement_asks_trackers(s, conn))
		statement_done(s);
}

static void response_end(void *arg, struct server_conn *conn)
{
	struct session *s = session_from(arg);
	struct statement *st = &s->st;

	pool_statement_done(conn->pool, loop_now_us(s->env->loop) - st->sent_us, st->alone);
	s->env->workshop_used = 0;
	if (st->prepare_again) {
		s->env->out_count = 0;
		prepare_again(s, conn);
		return;
	}
	if (!asks_who_interrupted(s, conn))
		finish(s, conn);
}

static void response_lost(void *arg, struct server_conn *conn)
{
	struct session *s = session_from(arg);

	pool_statement_done(conn->pool, 0, false);
	if (!s->st.passed && statement_is_kept(s))
		s->st.seq = frame_at(s->st.packet.data).seq;	/* of the answer nothing was */
	s->env->out_count = 0;	/* conn_gone() decides what the client is told */
	s->env->workshop_used = 0;
}

const struct sink_ops session_sink = {
	.pass = response_pass,
	.packet = response_packet,
	.batch_end = response_batch_end,
	.end = response_end,
	.lost = response_lost,
};

void response_cut(struct session *s, enum rmx_error error, const char *backend)
{
	if (s->st.partial_packet) {
		/* an ERR packet cannot begin inside a row, and the row must not be made up */
		session_close(s, "its server was lost inside a very large row");
		return;
	}
	session_send_error(s, error, backend);
}
