/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session knows of itself: its id, and how its last statement ended.
 *
 * SELECT ROW_COUNT() and the like run on any server connection; their row is then
 * given the session's own values.  Where a value is part of an expression, the text is sent
 * with the value in it.  What only a server connection knows is asked there, or was before
 * another session used it (diagnostics.h).
 */
#include <readmux/relay/session_parts.h>
#include <readmux/sql/values.h>
#include <readmux/wire/reader.h>

static bool knows(const struct session *s, enum sql_session_value value)
{
	switch (value) {
	case SQL_VALUE_FOUND_ROWS:
		return s->last.found_rows_known;
	case SQL_VALUE_WARNING_COUNT:
	case SQL_VALUE_ERROR_COUNT:
		return !s->last.failed || s->last.counted;
	case SQL_VALUE_INSERT_ID:
		return !insert_id_in_doubt(&s->insert_id);
	case SQL_VALUE_CONNECTION_ID:	/* the server's own, beside its list of connections */
		return s->st.verdict.reason != REASON_PRIMARY_STATUS;
	case SQL_VALUE_OTHER:
	case SQL_VALUE_ROW_COUNT:
		return true;
	}
	return false;
}

static int64_t value_of(const struct session *s, enum sql_session_value value)
{
	switch (value) {
	case SQL_VALUE_CONNECTION_ID:
		return s->id;
	case SQL_VALUE_ROW_COUNT:
		return s->last.row_count;
	case SQL_VALUE_FOUND_ROWS:
		return (int64_t)s->last.found_rows;
	case SQL_VALUE_INSERT_ID:
		return (int64_t)s->insert_id.value;
	case SQL_VALUE_WARNING_COUNT:
		return s->last.warnings;
	case SQL_VALUE_ERROR_COUNT:
		return s->last.errors;
	case SQL_VALUE_OTHER:
		return 0;
	}
	return 0;
}

static bool is_number(enum sql_session_value value)
{
	return value == SQL_VALUE_ROW_COUNT || value == SQL_VALUE_FOUND_ROWS;
}

/* SHOW WARNINGS, GET DIAGNOSTICS and the like leave what they show as it is. */
static bool shows_diagnostics(const struct statement *st)
{
	static const char *const shown[] = { "warnings", "errors", "count", "profile", "profiles" };

	if (st->verdict.reason != REASON_PREVIOUS_STATEMENT || (st->verdict.flags & SQL_MULTI) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		if (span_is_nocase(st->verdict.what, shown[i]))
			return true;
	}
	return st->verdict.what.len == 0;
}

/*
 * It can run anywhere.  Where it leaves diagnostics in place for the statement after it, as
 * reads without a table do on MariaDB, that should be where they are.
 */
static void is_complete(struct session *s)
{
	bool leaves = shows_diagnostics(&s->st) ||
		      (session_sql_mode(s).mariadb && s->st.verdict.class == SQL_READ);
	bool stays = leaves && (s->last.failed || s->last.warnings > 0);

	s->st.complete = true;
	s->st.numbers_left = false;
	s->st.verdict.flags &= ~(uint32_t)SQL_READS_INSERT_ID;
	if (!stays)
		s->st.verdict.flags &= ~(uint32_t)SQL_ABOUT_PREVIOUS;
}

void statement_use_values(struct session *s)
{
	const struct sql_session_columns *columns = &s->st.columns;
	bool all = true;

	for (unsigned i = 0; i < columns->n; i++) {
		bool known = knows(s, columns->value[i]);

		all &= known;
		s->st.numbers_left |= !known && is_number(columns->value[i]);
	}
	if (columns->n > 0 && all)
		is_complete(s);
}

/* --- into the text ----------------------------------------------------------------- */

static struct sql_values known_values(const struct session *s)
{
	struct sql_values values = { 0 };

	for (enum sql_session_value v = SQL_VALUE_CONNECTION_ID; v < SQL_SESSION_VALUES; v++) {
		values.value[v] = value_of(s, v);
		values.known |= (uint32_t)knows(s, v) << v;
	}
	return values;
}

/* The same packet with another text, whatever stands before the text. */
static bool keep_filled(struct session *s, struct span text, const struct sql_places *places,
			const struct sql_values *values)
{
	struct span packet = hold_span(&s->st.packet);
	size_t room, len, head = (size_t)(text.data - packet.data);
	uint8_t *memory = loop_workshop(s->env->loop, &room);
	struct frame frame = frame_at(packet.data);

	if (head + text.len != packet.len || head >= room)
		return false;
	len = sql_write_values(text, places, values, memory + head, room - head);
	if (len == 0 || head + len - PACKET_HEADER_LEN >= PACKET_PAYLOAD_MAX)
		return false;
	memcpy(memory, packet.data, head);
	frame.len = (uint32_t)(head + len - PACKET_HEADER_LEN);
	frame_put(memory, frame);
	return hold_keep(&s->st.filled, s->env->loop, (struct span){ memory, head + len });
}

/* What of the places is about the statement before, and known. */
static void count_known(const struct sql_places *places, const struct sql_values *values,
			unsigned *previous, unsigned *numbers, unsigned *all)
{
	*previous = *numbers = *all = 0;
	for (unsigned i = 0; i < places->n; i++) {
		const struct sql_place *p = &places->place[i];

		if (p->value == SQL_VALUE_OTHER || (values->known >> p->value & 1u) == 0)
			continue;
		++*all;
		*previous += p->previous;
		*numbers += is_number((enum sql_session_value)p->value);
	}
}

static void fill_text(struct session *s)
{
	const uint32_t asks = SQL_ABOUT_PREVIOUS | SQL_CONNECTION_ID;
	struct statement *st = &s->st;
	struct sql_mode mode = session_sql_mode(s);
	struct span text = session_statement_text(s);
	struct sql_values values;
	struct sql_places places;
	unsigned previous, numbers, all;

	if (st->command != COM_QUERY || st->columns.n > 0 || s->body.kind != BODY_NONE ||
	    st->sink != NULL || (st->verdict.flags & asks) == 0 || text.len == 0)
		return;
	values = known_values(s);
	sql_places_of(text, &mode, &places);
	count_known(&places, &values, &previous, &numbers, &all);
	hold_drop(&st->filled, s->env->loop);
	if (all > 0 && !keep_filled(s, text, &places, &values))
		previous = numbers = 0;
	st->numbers_left = numbers < places.numbers;
	if (previous >= st->verdict.previous && !st->numbers_left) {
		uint32_t insert_id = st->verdict.flags & SQL_READS_INSERT_ID;

		is_complete(s);
		st->verdict.flags |= insert_id;
	}
}

bool statement_awaits_values(struct session *s)
{
	struct server_conn *conn = s->previous;

	fill_text(s);
	if ((s->st.verdict.flags & SQL_ABOUT_PREVIOUS) == 0 || s->st.complete || s->conn != NULL)
		return false;
	if (conn != NULL && conn->state == SERVER_CONN_IDLE && session_previous_conn(s) == NULL)
		diagnostics_save(conn);
	s->st.awaits_values = diagnostics_awaited(&s->diagnostics);
	return s->st.awaits_values;
}

void session_values_settled(struct diagnostics *d)
{
	struct session *s = container_of(d, struct session, diagnostics);
	const struct kept *k = d->kept;

	if (k->has_found_rows) {
		s->last.found_rows = k->found_rows;
		s->last.found_rows_known = true;
	}
	if (k->has_warnings && s->last.failed) {
		s->last.counted = true;
		s->last.warnings = (uint16_t)k->rows;
		s->last.errors = (uint16_t)k->errors;
	}
	if (s->phase != SESSION_ROUTING || !s->st.awaits_values)
		return;
	s->st.awaits_values = s->st.numbers_left = false;
	statement_use_values(s);
	if (!statement_awaits_values(s))
		statement_route(s);
}

bool statement_needs_previous(const struct session *s)
{
	return !s->st.complete &&
	       (s->st.numbers_left || s->last.failed || s->last.warnings > 0);
}

void session_forget_values(struct session *s)
{
	if (s->previous != NULL)
		server_conn_forget_user(s->previous);
	diagnostics_drop(&s->diagnostics);
	s->last.row_count = 0;
	s->last.warnings = s->last.errors = 0;
	s->last.failed = s->last.counted = false;
}

/* --- SHOW WARNINGS of what was kept ------------------------------------------------- */

/* The packet at <at> of what was kept, as the next one of the answer.  False: no memory. */
static bool add_packet(struct session *s, struct buffer *out, struct span packet)
{
	size_t at = out->len;
	struct frame frame = frame_at(packet.data);

	if (!buffer_append(out, packet))
		return false;
	frame.seq = ++s->st.seq;
	frame_put(out->data + at, frame);
	return true;
}

/* Servers are not asked for metadata caching: the byte that says what follows is missing. */
static bool add_count(struct session *s, struct buffer *out, struct span packet)
{
	static const uint8_t follow = 1;
	struct frame frame;

	if (!add_packet(s, out, packet) || !session_caches_metadata(s))
		return out->len > 0;
	frame = frame_at(out->data);
	frame.len++;
	frame_put(out->data, frame);
	return buffer_append(out, (struct span){ &follow, 1 });
}

static bool is_error(struct span row)
{
	struct reader r = reader_over(span_from(row, PACKET_HEADER_LEN));

	return span_is(reader_lenenc_bytes(&r), "Error");
}

static bool write_kept(struct session *s, const struct kept *k, struct sql_diagnostics *shows,
		       struct buffer *out)
{
	struct span rest = buffer_span(&k->bytes), payload;
	struct frame frame;

	while (frame_cut(rest, &frame, &payload)) {
		struct span packet = span_head(rest, PACKET_HEADER_LEN + payload.len);
		bool row = (size_t)(rest.data - k->bytes.data) >= k->head;

		rest = span_from(rest, packet.len);
		if (row && shows->errors && !is_error(packet))
			continue;
		if (row && shows->offset > 0) {
			shows->offset--;
			continue;
		}
		if (row && shows->limit-- == 0)
			break;
		if (out->len == 0 ? !add_count(s, out, packet) : !add_packet(s, out, packet))
			return false;
	}
	return true;
}

bool statement_shows_kept(struct session *s)
{
	const struct kept *k = s->diagnostics.kept;
	struct sql_mode mode = session_sql_mode(s);
	struct buffer out = { 0 };
	struct sql_diagnostics shows;

	if (k == NULL || k->open > 0 || !k->has_warnings || s->st.command != COM_QUERY ||
	    !sql_diagnostics_of(session_statement_text(s), &mode, &shows) || shows.count)
		return false;
	if (write_kept(s, k, &shows, &out)) {
		stream_write(&s->stream, buffer_span(&out));
		session_send_eof(s, k->warnings);
		s->last.row_count = -1;
		statement_done(s);
	} else {
		session_close(s, "out of memory");
	}
	buffer_free(&out);
	return true;
}

/* --- LAST_INSERT_ID() ------------------------------------------------------------------ */

/* Stored programs do it as well. */
bool statement_may_set_insert_id(const struct statement *st)
{
	return st->verdict.reason == REASON_CALLS ||
	       st->verdict.reason == REASON_UNKNOWN_FUNCTION ||
	       (st->verdict.flags & SQL_SETS_INSERT_ID) != 0;
}

bool statement_awaits_insert_id(struct session *s)
{
	if ((s->st.verdict.flags & SQL_READS_INSERT_ID) == 0 && !statement_may_set_insert_id(&s->st))
		return false;
	if (!insert_id_in_doubt(&s->insert_id))
		return false;
	s->st.awaits_insert_id = true;
	insert_id_ask(&s->insert_id);
	return true;
}

void session_insert_id_settled(struct insert_id *id)
{
	struct session *s = container_of(id, struct session, insert_id);

	if (s->phase != SESSION_ROUTING || !s->st.awaits_insert_id)
		return;
	s->st.awaits_insert_id = false;
	statement_use_values(s);
	if (!statement_awaits_values(s))
		statement_route(s);
}

/* --- into the row ------------------------------------------------------------------ */

static void write_text(struct writer *w, const struct session *s, enum sql_session_value value)
{
	char text[32];

	if (value == SQL_VALUE_INSERT_ID || value == SQL_VALUE_FOUND_ROWS)
		(void)snprintf(text, sizeof(text), "%llu",
			       (unsigned long long)value_of(s, value));
	else
		(void)snprintf(text, sizeof(text), "%lld", (long long)value_of(s, value));
	writer_lenenc_bytes(w, span_of(text));
}

static void fill_text_row(const struct session *s, struct span row, struct writer *w)
{
	struct reader r = reader_over(row);

	for (unsigned i = 0; i < s->st.columns.n && !r.bad; i++) {
		const uint8_t *start = r.cur;

		if (reader_left(&r) > 0 && *start == 0xfb)
			reader_skip(&r, 1);
		else
			(void)reader_lenenc_bytes(&r);
		if (s->st.columns.value[i] != SQL_VALUE_OTHER &&
		    knows(s, s->st.columns.value[i]))
			write_text(w, s, s->st.columns.value[i]);
		else
			writer_bytes(w, (struct span){ start, (size_t)(r.cur - start) });
	}
	w->bad |= r.bad || reader_left(&r) > 0;
}

/* One number alone is the only binary row whose place is known without the definitions. */
static void fill_binary_row(const struct session *s, struct span row, struct writer *w)
{
	bool number = row.len == 2 + 4 || row.len == 2 + 8;

	if (s->st.columns.n != 1 || !number || !knows(s, s->st.columns.value[0])) {
		writer_bytes(w, row);
		return;
	}
	writer_bytes(w, span_head(row, 2));
	writer_uint(w, (uint64_t)value_of(s, s->st.columns.value[0]), (unsigned)row.len - 2);
}

bool statement_fill_row(const struct session *s, struct span row, struct writer *w)
{
	if (s->st.command == COM_QUERY)
		fill_text_row(s, row, w);
	else
		fill_binary_row(s, row, w);
	return !w->bad;
}

/* --- how the last statement ended ------------------------------------------------------ */

/* MariaDB leaves warnings in place where no table is read. */
static bool leaves_diagnostics(const struct session *s)
{
	const struct statement *st = &s->st;

	return shows_diagnostics(st) ||
	       (!st->failed && st->columns.n > 0 && session_sql_mode(s).mariadb);
}

/* What a change without a result set makes of FOUND_ROWS() is not defined: it is left alone. */
static void learn_found_rows(struct session *s)
{
	const struct statement *st = &s->st;
	bool counts = span_is_nocase(st->verdict.what, "count");

	if (st->failed || !st->has_result || (shows_diagnostics(st) && !counts))
		return;
	s->last.found_rows = st->rows;
	s->last.found_rows_known = (st->verdict.flags & (SQL_FOUND_ROWS_WANTED | SQL_MULTI)) == 0 &&
				   st->verdict.reason != REASON_CALLS;
}

void session_learn_values(struct session *s)
{
	const struct statement *st = &s->st;

	if (st->failed || st->has_result)
		s->last.row_count = -1;
	else if (st->ended_by_ok)
		s->last.row_count = (int64_t)st->affected_rows;
	if (!leaves_diagnostics(s)) {
		diagnostics_drop(&s->diagnostics);
		s->last.failed = st->failed;
		s->last.warnings = st->warnings;
		s->last.errors = 0;
		s->last.counted = false;
	}
	learn_found_rows(s);
}
