/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a server's answer goes to the client.
 *
 * Bytes pass as they are: pieces are gathered by address and written at the end of each
 * batch.  Until the first row, the answer to a read is kept back, so that it can be run
 * elsewhere when its server dies; it is short and costs one copy only when it comes in
 * pieces.  OK packets lose the entries of session trackers that the client did not ask for, and
 * column definitions that it has are left out.
 */
#include <readmux/relay/session_parts.h>

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

void emit_all(struct session *s)
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
void emit_batch_end(struct session *s)
{
	if (keeps_back(s)) {
		stash(s);
		return;
	}
	s->st.metadata.undecided = false;	/* too much to be kept back: it is all sent */
	emit_all(s);
}

void emit_bytes(struct session *s, struct span bytes)
{
	struct relay_env *env = s->env;
	struct iovec *last = env->out_count > 0 ? &env->out[env->out_count - 1] : NULL;

	if (bytes.len == 0 || s->phase >= SESSION_CLOSING)
		return;
	if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == bytes.data) {
		last->iov_len += bytes.len;
		return;
	}
	if (env->out_count == STREAM_IOV)
		emit_batch_end(s);
	env->out[env->out_count++] = (struct iovec){ (void *)(uintptr_t)bytes.data, bytes.len };
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
	emit_batch_end(s);
	s->env->workshop_used = 0;
}

void emit_ok(struct session *s, struct span raw, const struct ok_packet *ok)
{
	struct ok_packet mine = *ok;
	size_t room;
	uint8_t *memory = loop_workshop(s->env->loop, &room);
	size_t top = room - room / 4;	/* above it the entries are put together */
	struct writer w;

	if (passes_unchanged(s, ok)) {
		emit_bytes(s, raw);
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
	emit_bytes(s, writer_span(&w));
	s->env->workshop_used += w.len;
}

/* As far as an old EOF packet tells, nothing of the session's state has ever changed. */
void emit_eof(struct session *s, struct span raw)
{
	struct relay_env *env = s->env;
	size_t room;
	uint8_t *copy = loop_workshop(env->loop, &room) + env->workshop_used;
	const size_t low = PACKET_HEADER_LEN + 3;	/* header, warnings */
	uint16_t status, mine;

	if (raw.len != low + 2 || room - env->workshop_used < raw.len) {
		emit_bytes(s, raw);
		return;
	}
	status = (uint16_t)(raw.data[low] | raw.data[low + 1] << 8);
	mine = status_for_client(s, status) & (uint16_t)~SERVER_SESSION_STATE_CHANGED;
	if (mine == status) {
		emit_bytes(s, raw);
		return;
	}
	memcpy(copy, raw.data, raw.len);
	copy[low] = (uint8_t)mine;
	copy[low + 1] = (uint8_t)(mine >> 8);
	env->workshop_used += raw.len;
	emit_bytes(s, (struct span){ copy, raw.len });
}

/* --- ERR packets -------------------------------------------------------------- */

/* What the primary would have said; the replica has noticed first that it is read-only itself. */
void emit_read_only_transaction(struct session *s)
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
	emit_bytes(s, writer_span(&w));
}

/* --- values of the session itself -------------------------------------------------- */

/* The only row of such a statement is the last packet of <bytes>. */
void emit_filled_row(struct session *s, struct span bytes)
{
	struct relay_env *env = s->env;
	size_t room;
	uint8_t *memory = loop_workshop(env->loop, &room);
	struct writer w = writer_over(memory + env->workshop_used, room - env->workshop_used);
	struct span row = frame_last(bytes);

	writer_begin(&w, row.len > 0 ? frame_at(row.data).seq : 0);
	if (row.len == 0 || !statement_fill_row(s, span_from(row, PACKET_HEADER_LEN), &w) ||
	    !writer_end(&w)) {
		emit_bytes(s, bytes);
		return;
	}
	emit_bytes(s, span_head(bytes, bytes.len - row.len));
	env->workshop_used += w.len;
	emit_bytes(s, writer_span(&w));
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
	emit_bytes(s, writer_span(&w));
}

/* Of a statement with one result set; those of routines are always sent, as servers do. */
static bool keeps_metadata(const struct session *s)
{
	const struct prepared *p = s->st.prepared;

	return p != NULL && p->query != NULL && s->st.command == COM_STMT_EXECUTE &&
	       statement_is_kept(s) &&
	       (p->columns > 0 || (p->query->verdict.pins & SQL_PIN_CALL) == 0);
}

static void begin_cached(struct session *s, uint32_t count)
{
	struct metadata *m = &s->st.metadata;

	if (s->env->out_count > 0)
		emit_batch_end(s);
	metadata_begin(m, 0, count);
	m->head_seq = s->st.seq;
	m->stash_at = s->stash.len;
	if (s->phase >= SESSION_CLOSING)
		return;
	if (keeps_metadata(s)) {
		m->undecided = s->st.prepared->metadata != 0;
	} else {
		m->columns = 0;
		if (s->st.prepared != NULL)
			s->st.prepared->metadata = 0;	/* it is sent others now */
	}
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
struct span emit_definitions(struct session *s, struct span bytes)
{
	struct metadata *m = &s->st.metadata;
	size_t n = metadata_take(m, bytes);

	emit_bytes(s, span_head(bytes, n));
	if (m->columns == 0 && s->phase < SESSION_CLOSING)
		decide_metadata(s);
	return span_from(bytes, n);
}

/* The client has them now. */
void emit_finished(struct session *s)
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
void emit_renumbered(struct session *s, struct span bytes)
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
		emit_bytes(s, raw);
}

void emit_head(struct session *s, struct server_conn *conn, struct span raw)
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
	emit_bytes(s, head);
}
