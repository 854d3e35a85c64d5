/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session knows of itself: its id, and how its last statement ended.
 *
 * SELECT ROW_COUNT() and the like run on any server connection; their row is then
 * given the session's own values.  Where a value is part of an expression, or only the
 * server knows it, the statement goes to the connection of the one before.
 */
#include <readmux/relay/session_parts.h>
#include <readmux/wire/reader.h>

static bool knows(const struct session *s, enum sql_session_value value)
{
	switch (value) {
	case SQL_VALUE_FOUND_ROWS:
		return s->last.found_rows_known;
	case SQL_VALUE_WARNING_COUNT:
	case SQL_VALUE_ERROR_COUNT:
		return !s->last.failed;
	case SQL_VALUE_INSERT_ID:
		return !insert_id_in_doubt(&s->insert_id);
	case SQL_VALUE_OTHER:
	case SQL_VALUE_CONNECTION_ID:
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
	case SQL_VALUE_OTHER:
		return 0;
	}
	return 0;
}

void statement_use_values(struct session *s)
{
	const struct sql_session_columns *columns = &s->st.columns;

	for (unsigned i = 0; i < columns->n; i++) {
		if (!knows(s, columns->value[i]))
			return;
	}
	if (columns->n > 0)
		s->st.verdict.flags &= ~(uint32_t)(SQL_ABOUT_PREVIOUS | SQL_READS_INSERT_ID);
}

/* Stored programs and LAST_INSERT_ID(expr) set it to what no OK packet tells. */
bool statement_may_set_insert_id(const struct statement *st)
{
	return st->verdict.reason == REASON_CALLS ||
	       st->verdict.reason == REASON_UNKNOWN_FUNCTION ||
	       (st->verdict.reason == REASON_SIDE_EFFECT &&
		span_is_nocase(st->verdict.what, "last_insert_id"));
}

/* --- LAST_INSERT_ID() ------------------------------------------------------------------ */

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

/* Looking at diagnostics leaves them as they are. */
static bool looks_at_diagnostics(const struct statement *st)
{
	return st->verdict.reason == REASON_PREVIOUS_STATEMENT;
}

void session_learn_values(struct session *s)
{
	const struct statement *st = &s->st;

	if (st->failed || st->has_result)
		s->last.row_count = -1;
	else if (st->ended_by_ok)
		s->last.row_count = (int64_t)st->affected_rows;
	if (!looks_at_diagnostics(st)) {
		s->last.failed = st->failed;
		s->last.warnings = st->warnings;
	}
	if (st->failed || !st->has_result)
		return;
	if (looks_at_diagnostics(st) && st->columns.n == 0) {
		s->last.found_rows_known = false;
		return;
	}
	s->last.found_rows = st->rows;
	s->last.found_rows_known = (st->verdict.flags & (SQL_FOUND_ROWS_WANTED | SQL_MULTI)) == 0 &&
				   st->verdict.reason != REASON_CALLS;
}
