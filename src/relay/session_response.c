/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server's answer on its way to the client.
 *
 * Bytes pass as they are.  Only OK packets are looked into: entries of session
 * trackers that the client did not ask for are taken out.  Until the first row,
 * the answer to a read is kept back, so that it can be run elsewhere when its
 * server dies; it is short and costs one copy only when it comes in pieces.
 */
#include <readmux/relay/refused.h>
#include <readmux/relay/session_parts.h>
#include <readmux/sql/digest.h>

/* How often a statement is prepared again for one execution. */
#define PREPARE_ATTEMPTS 3u

/* More than this of an answer without a row is not kept back. */
#define STASH_MAX 65536u

/* --- out to the client -------------------------------------------------------- */

static void stash(struct session *s)
{
	struct relay_env *env = s->env;

	for (int i = 0; i < env->out_count; i++) {
		struct span piece = { env->out[i].iov_base, env->out[i].iov_len };

		if (!buffer_append(&s->stash, piece)) {
			session_close(s, "out of memory");
			break;
		}
	}
	env->out_count = 0;
}

static void write_out(struct session *s)
{
	struct relay_env *env = s->env;
	size_t total = 0;

	if (s->stash.len > 0) {
		stream_write(&s->stream, buffer_span(&s->stash));
		buffer_free(&s->stash);
		s->st.passed = true;
	}
	if (env->out_count == 0)
		return;
	for (int i = 0; i < env->out_count; i++)
		total += env->out[i].iov_len;
	stream_writev(&s->stream, env->out, env->out_count);
	env->out_count = 0;
	s->st.passed = true;
	STAT_ADD(env->stats, client_bytes_sent_total, total);
}

static bool keeps_back(const struct session *s)
{
	bool for_retry = s->st.route.retryable && !s->st.passed && !s->st.has_rows;

	return (for_retry || s->st.metadata.undecided) && s->stash.len < STASH_MAX;
}

/* What was put together points into memory that is about to be used for something else. */
static void move_on(struct session *s)
{
	if (keeps_back(s)) {
		stash(s);
		return;
	}
	s->st.metadata.undecided = false;	/* too much to be kept back: it is all sent */
	write_out(s);
}

static void emit(struct session *s, struct span bytes)
{
	struct relay_env *env = s->env;
	struct iovec *last = env->out_count > 0 ? &env->out[env->out_count - 1] : NULL;

	if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == bytes.data) {
		last->iov_len += bytes.len;
		return;
	}
	if (env->out_count == STREAM_IOV)
		move_on(s);
	env->out[env->out_count++] = (struct iovec){ (void *)(uintptr_t)bytes.data, bytes.len };
}

/* A client that does not keep up stops its server, not readmux's memory. */
static void hold_server_back(struct session *s, struct server_conn *conn)
{
	if (stream_queued(&s->stream) > STREAM_HIGH_WATER)
		stream_pause(&conn->stream);
}

/* --- OK packets --------------------------------------------------------------- */

/* One SYSTEM_VARIABLES record with one pair; other entries go as they came. */
static void write_entry(struct writer *w, const struct track_entry *entry)
{
	size_t name = entry->name.len, value = entry->value.len;

	if (entry->type != SESSION_TRACK_SYSTEM_VARIABLES) {
		writer_bytes(w, entry->raw);
		return;
	}
	writer_uint(w, SESSION_TRACK_SYSTEM_VARIABLES, 1);
	writer_lenenc(w, writer_lenenc_size(name) + name + writer_lenenc_size(value) + value);
	writer_lenenc_bytes(w, entry->name);
	writer_lenenc_bytes(w, entry->value);
}

static struct span wanted_entries(const struct session *s, struct span track,
				  uint8_t *memory, size_t room)
{
	struct writer w = writer_over(memory, room);
	struct track_reader walk = track_over(track);
	struct track_entry entry;

	while (track_next(&walk, &entry)) {
		if (session_wants_entry(s, &entry))
			write_entry(&w, &entry);
	}
	return w.bad ? SPAN_NONE : writer_span(&w);
}

/*
 * What the client is told of <status>, a server's.  Whether a prepared statement has another
 * number of columns than before is a matter of this client's, not of who prepared it there.
 */
static uint16_t status_for_client(const struct session *s, uint16_t status)
{
	const struct prepared *p = s->st.prepared;

	if (p == NULL || p->columns == 0 || s->st.columns_told == 0)
		return status;
	status &= (uint16_t)~SERVER_STATUS_METADATA_CHANGED;
	return p->columns == s->st.columns_told ? status :
						  status | SERVER_STATUS_METADATA_CHANGED;
}

static bool passes_unchanged(const struct session *s, const struct ok_packet *ok)
{
	bool tracks = (s->capabilities & CLIENT_SESSION_TRACK) != 0;

	return ok->track.len == 0 && (ok->info.len == 0 || tracks) &&
	       (tracks || (ok->status & SERVER_SESSION_STATE_CHANGED) == 0) &&
	       status_for_client(s, ok->status) == ok->status;
}

/* The lower half of the workshop's <room> holds what is rewritten, up to the next look at it. */
static void empty_workshop(struct session *s, size_t room)
{
	if (s->env->workshop_used <= room / 2)
		return;
	move_on(s);
	s->env->workshop_used = 0;
}

static void emit_ok(struct session *s, struct span raw, const struct ok_packet *ok)
{
	struct ok_packet mine = *ok;
	size_t room;
	uint8_t *memory = loop_workshop(s->env->loop, &room);
	size_t top = room - room / 4;	/* above it the entries are put together */
	struct writer w;

	if (passes_unchanged(s, ok)) {
		emit(s, raw);
		return;
	}
	empty_workshop(s, room);
	if ((s->capabilities & CLIENT_SESSION_TRACK) != 0)
		mine.track = wanted_entries(s, ok->track, memory + top, room / 5);
	else
		mine.track = SPAN_NONE;
	mine.status = status_for_client(s, ok->status) & (uint16_t)~SERVER_SESSION_STATE_CHANGED;
	/* several OK packets may be in one batch: each gets its own part of the workshop */
	w = writer_over(memory + s->env->workshop_used, top - s->env->workshop_used);
	writer_begin(&w, s->st.seq);
	ok_packet_write(&w, s->capabilities, &mine);
	if (!writer_end(&w)) {
		session_close(s, "an OK packet did not fit");
		return;
	}
	emit(s, writer_span(&w));
	s->env->workshop_used += w.len;
}

/* As far as an old EOF packet tells, nothing of the session's state has ever changed. */
static void emit_eof(struct session *s, struct span raw)
{
	struct relay_env *env = s->env;
	size_t room;
	uint8_t *copy = loop_workshop(env->loop, &room) + env->workshop_used;
	const size_t low = PACKET_HEADER_LEN + 3;	/* header, warnings */
	uint16_t status, mine;

	if (raw.len != low + 2 || room - env->workshop_used < raw.len) {
		emit(s, raw);
		return;
	}
	status = (uint16_t)(raw.data[low] | raw.data[low + 1] << 8);
	mine = status_for_client(s, status) & (uint16_t)~SERVER_SESSION_STATE_CHANGED;
	if (mine == status) {
		emit(s, raw);
		return;
	}
	memcpy(copy, raw.data, raw.len);
	copy[low] = (uint8_t)mine;
	copy[low + 1] = (uint8_t)(mine >> 8);
	env->workshop_used += raw.len;
	emit(s, (struct span){ copy, raw.len });
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

/* What the primary would have said; the replica has noticed first that it is read-only itself. */
static void emit_read_only_transaction(struct session *s)
{
	const struct rmx_error_info *info = rmx_error_info(RMX_READ_ONLY_TRANSACTION);
	char text[80];
	struct err_packet err = { info->number, span_of(info->sqlstate), SPAN_NONE };
	struct relay_env *env = s->env;
	size_t room;
	uint8_t *memory = loop_workshop(env->loop, &room);
	struct writer w = writer_over(memory + env->workshop_used, room - env->workshop_used);

	(void)snprintf(text, sizeof(text), info->text, s->conn->mariadb ? "" : ".");
	err.text = span_of(text);
	writer_begin(&w, s->st.seq);
	err_packet_write(&w, &err);
	if (!writer_end(&w)) {
		session_close(s, "an error did not fit");
		return;
	}
	env->workshop_used += w.len;
	emit(s, writer_span(&w));
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
	statement_count_error(s, err.number);
	if (is_read_only_refusal(err.number) && st->replica && in_read_only_transaction(s))
		emit_read_only_transaction(s);
	else
		emit(s, raw);
}

/* --- values of the session itself -------------------------------------------------- */

/* The only row of such a statement is the last packet of <bytes>. */
static void emit_filled_row(struct session *s, struct span bytes)
{
	struct relay_env *env = s->env;
	size_t room;
	uint8_t *memory = loop_workshop(env->loop, &room);
	struct writer w = writer_over(memory + env->workshop_used, room - env->workshop_used);
	struct span row = frame_last(bytes);

	writer_begin(&w, row.len > 0 ? frame_at(row.data).seq : 0);
	if (row.len == 0 || !statement_fill_row(s, span_from(row, PACKET_HEADER_LEN), &w) ||
	    !writer_end(&w)) {
		emit(s, bytes);
		return;
	}
	emit(s, span_head(bytes, bytes.len - row.len));
	env->workshop_used += w.len;
	emit(s, writer_span(&w));
}

/* --- metadata caching (metadata.h) --------------------------------------------------- */

static void emit_count(struct session *s, bool follow)
{
	struct relay_env *env = s->env;
	size_t room;
	uint8_t *memory = loop_workshop(env->loop, &room);
	struct writer w;

	empty_workshop(s, room);
	w = writer_over(memory + env->workshop_used, room - env->workshop_used);
	metadata_write_count(&s->st.metadata, follow, &w);
	if (w.bad) {
		session_close(s, "a column count did not fit");
		return;
	}
	env->workshop_used += w.len;
	emit(s, writer_span(&w));
}

/* Of a statement with one result set; those of routines are always sent, as servers do. */
static bool keeps_metadata(const struct session *s)
{
	const struct prepared *p = s->st.prepared;

	return p != NULL && p->query != NULL && statement_is_kept(s) &&
	       (p->columns > 0 || (p->query->verdict.pins & SQL_PIN_CALL) == 0);
}

static void begin_cached(struct session *s, uint32_t count)
{
	struct metadata *m = &s->st.metadata;

	if (s->env->out_count > 0)
		move_on(s);
	metadata_begin(m, 0, count);
	m->head_seq = s->st.seq;
	m->stash_at = s->stash.len;
	if (keeps_metadata(s))
		m->undecided = s->st.prepared->metadata != 0;
	else
		m->columns = 0;
	emit_count(s, true);
}

/* All definitions are there, and nothing behind them has been passed on. */
static void decide_metadata(struct session *s)
{
	struct metadata *m = &s->st.metadata;
	struct prepared *p = s->st.prepared;

	if (m->undecided && p->metadata == metadata_hash(m)) {
		s->stash.len = m->stash_at;
		s->env->out_count = 0;
		m->left_out = (uint8_t)m->count;
		m->undecided = false;
		emit_count(s, false);
		return;
	}
	m->undecided = false;
	m->sent = true;
	p->metadata = 0;	/* until all of them have arrived */
}

/* Gives what of <bytes> comes behind the definitions. */
static struct span take_definitions(struct session *s, struct span bytes)
{
	struct metadata *m = &s->st.metadata;
	size_t n = metadata_take(m, bytes);

	emit(s, span_head(bytes, n));
	if (m->columns == 0)
		decide_metadata(s);
	return span_from(bytes, n);
}

/* The client has them now. */
static void remember_metadata(struct session *s)
{
	struct metadata *m = &s->st.metadata;
	struct prepared *p = s->st.prepared;

	if (m->sent)
		p->metadata = metadata_hash(m);
	m->sent = false;
	if (p != NULL && p->columns > 0 && s->st.columns_told > 0)
		p->columns = s->st.columns_told;
}

/* What stands behind definitions that were left out; the bytes are this loop's own. */
static void renumber(struct session *s, struct span bytes)
{
	if (s->st.metadata.left_out > 0)
		metadata_renumber(&s->st.metadata, (uint8_t *)(uintptr_t)bytes.data, bytes.len);
}

/* --- the head of an answer ----------------------------------------------------------- */

static void begin_result(struct session *s, struct span raw)
{
	struct reader in = reader_over(span_from(raw, PACKET_HEADER_LEN));
	uint64_t count = reader_lenenc(&in);

	s->st.has_result = true;
	s->st.columns_told = (uint16_t)count;
	if (session_caches_metadata(s))
		begin_cached(s, (uint32_t)count);
	else
		emit(s, raw);
}

static void emit_head(struct session *s, struct server_conn *conn, struct span raw)
{
	struct relay_env *env = s->env;
	size_t room;
	uint8_t *memory = loop_workshop(env->loop, &room);
	struct span head;

	if (s->st.command != COM_STMT_PREPARE) {
		begin_result(s, raw);
		return;
	}
	head = response_prepared(s, conn, raw, memory + env->workshop_used,
				 room - env->workshop_used);
	env->workshop_used += head.len;
	emit(s, head);
}

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

/* --- the sink ----------------------------------------------------------------- */

static void response_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	struct session *s = session_from(arg);

	s->st.partial_packet = conn->result.pass > 0 || conn->result.continued;
	s->st.has_rows |= row;
	if (s->st.again)
		return;
	if (s->st.metadata.columns > 0)
		bytes = take_definitions(s, bytes);
	renumber(s, bytes);
	s->st.seq = (uint8_t)(conn->result.seq - s->st.metadata.left_out);
	if (row && (s->st.verdict.pins & SQL_PIN_USER_LOCK) != 0)
		s->st.lock_refused = gives_nothing(s, span_from(frame_last(bytes), PACKET_HEADER_LEN));
	if (row && s->st.columns.n > 0)
		emit_filled_row(s, bytes);
	else
		emit(s, bytes);
}

static void response_packet(void *arg, struct server_conn *conn, const struct result_step *step,
			    struct span raw, const struct ok_packet *ok)
{
	struct session *s = session_from(arg);

	s->st.partial_packet = false;
	s->st.seq = (uint8_t)(step->seq - s->st.metadata.left_out);
	if (s->st.again)
		return;		/* other results of the same text */
	renumber(s, raw);
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
		emit(s, raw);
		write_out(s);
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
		emit(s, raw);
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
		move_on(s);
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
	if (!s->st.interrupted)
		return false;
	move_on(s);
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
	write_out(s);
	if (s->phase >= SESSION_CLOSING)
		return;
	remember_metadata(s);
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
