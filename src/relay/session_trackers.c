/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Session trackers as a client has set them for itself.
 *
 * On server connections readmux's own settings are in force, which report more than
 * any client asks for.  What a client has set is kept here: it decides which entries
 * the client is told, and is put in place around a statement that shows it.
 */
#include <readmux/relay/session_parts.h>
#include <readmux/wire/reader.h>

enum tracker { TRACK_VARIABLES, TRACK_SCHEMA, TRACK_STATE_CHANGE, TRACK_GTIDS, TRACKERS };

static const struct {
	const char *name;
	bool        quoted;		/* servers refuse '1' for ON */
	bool        mysql_only;
} rows[TRACKERS] = {
	[TRACK_VARIABLES]    = { "session_track_system_variables", true, false },
	[TRACK_SCHEMA]       = { "session_track_schema", false, false },
	[TRACK_STATE_CHANGE] = { "session_track_state_change", false, false },
	[TRACK_GTIDS]        = { "session_track_gtids", true, true },
};

/* A longer list of variables is taken for all of them. */
#define VALUE_MAX 512u

struct trackers {
	struct {
		bool set;		/* else the server's default holds */
		char text[VALUE_MAX];	/* as the server shows it; "NULL" for NULL */
	} value[TRACKERS];
};

void session_drop_trackers(struct session *s)
{
	free(s->trackers);
	s->trackers = NULL;
}

static bool is_set(const struct session *s, enum tracker tracker)
{
	return s->trackers != NULL && s->trackers->value[tracker].set;
}

/* --- what the client is told --------------------------------------------------- */

static struct span trimmed(struct span s)
{
	while (s.len > 0 && s.data[0] == ' ')
		s = span_from(s, 1);
	while (s.len > 0 && s.data[s.len - 1] == ' ')
		s = span_head(s, s.len - 1);
	return s;
}

/* <name> is in the comma-separated <list>. */
static bool lists(struct span list, struct span name)
{
	while (list.len > 0) {
		const uint8_t *comma = memchr(list.data, ',', list.len);
		size_t len = comma != NULL ? (size_t)(comma - list.data) : list.len;
		struct span item = trimmed(span_head(list, len));

		if (span_is(item, "*") || span_equal_nocase(item, name))
			return true;
		list = span_from(list, len < list.len ? len + 1 : len);
	}
	return false;
}

/* The default of session_track_system_variables, on both servers. */
#define DEFAULT_VARIABLES "autocommit,character_set_client,character_set_connection," \
			  "character_set_results,time_zone"

static bool is_on(const struct session *s, enum tracker tracker, bool standard)
{
	const char *text;

	if (!is_set(s, tracker))
		return standard;
	text = s->trackers->value[tracker].text;
	return strcmp(text, "0") != 0 && strcmp(text, "OFF") != 0;
}

bool session_wants_entry(const struct session *s, const struct track_entry *entry)
{
	switch (entry->type) {
	case SESSION_TRACK_SYSTEM_VARIABLES:
		return lists(span_of(is_set(s, TRACK_VARIABLES) ?
				     s->trackers->value[TRACK_VARIABLES].text :
				     DEFAULT_VARIABLES), entry->name);
	case SESSION_TRACK_SCHEMA:
		return is_on(s, TRACK_SCHEMA, true);
	case SESSION_TRACK_STATE_CHANGE:
		return is_on(s, TRACK_STATE_CHANGE, false);
	case SESSION_TRACK_GTIDS:
		return is_on(s, TRACK_GTIDS, false);
	case SESSION_TRACK_TRANSACTION_CHARACTERISTICS:
	case SESSION_TRACK_TRANSACTION_STATE:
		return true;	/* readmux itself does not switch these on */
	}
	return false;
}

/* --- in place for a statement that shows them ------------------------------------- */

static bool has_tracker(const struct server_conn *conn, enum tracker tracker)
{
	return !rows[tracker].mysql_only || !conn->mariadb;
}

static void write_value(const struct session *s, enum tracker tracker, struct writer *w)
{
	const char *text = is_set(s, tracker) ? s->trackers->value[tracker].text : "DEFAULT";
	bool quoted = rows[tracker].quoted && is_set(s, tracker) && strcmp(text, "NULL") != 0;

	writer_text(w, quoted ? "'" : "");
	writer_text(w, text);
	writer_text(w, quoted ? "'" : "");
}

void statement_write_trackers(struct session *s, struct server_conn *conn, struct writer *w)
{
	uint8_t memory[TRACKERS * (VALUE_MAX + 64)];
	struct writer sql = writer_over(memory, sizeof(memory));

	if ((s->st.verdict.flags & (SQL_TRACKERS | SQL_HAS_SET)) != SQL_TRACKERS)
		return;
	for (enum tracker i = 0; i < TRACKERS; i++) {
		if (!has_tracker(conn, i))
			continue;
		writer_text(&sql, i > 0 ? ", @@session." : "SET @@session.");
		writer_text(&sql, rows[i].name);
		writer_text(&sql, "=");
		write_value(s, i, &sql);
	}
	restore_write_trackers(conn, writer_span(&sql), w);
}

/* --- what a SET has made of them ----------------------------------------------------- */

static void keep(struct session *s, enum tracker tracker, bool null, struct span value)
{
	struct span text = session_statement_text(s);

	if (!span_contains_nocase(text, rows[tracker].name))
		return;
	if (tracker == TRACK_VARIABLES && span_is(value, "*") && !span_contains_nocase(text, "*"))
		return;		/* readmux's own still: MariaDB ignores SET ... = NULL */
	if (null)
		value = SPAN_LITERAL("NULL");
	else if (value.len >= VALUE_MAX || memchr(value.data, '\'', value.len) != NULL)
		value = SPAN_LITERAL("*");
	s->trackers->value[tracker].set =
		span_copy(value, s->trackers->value[tracker].text, VALUE_MAX);
}

/* Those that the text does not name are readmux's own. */
static void take_row(struct session *s, const struct server_conn *conn, struct span row)
{
	struct reader r = reader_over(row);

	for (enum tracker i = 0; i < TRACKERS && !r.bad; i++) {
		bool null = reader_left(&r) > 0 && *r.cur == 0xfb;
		struct span value = SPAN_NONE;

		if (!has_tracker(conn, i))
			continue;
		if (null)
			reader_skip(&r, 1);
		else
			value = reader_lenenc_bytes(&r);
		if (!r.bad)
			keep(s, i, null, value);
	}
}

static void asked_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	struct session *s = session_from(arg);

	if (row && s->trackers != NULL)
		take_row(s, conn, span_from(frame_last(bytes), PACKET_HEADER_LEN));
}

static void asked_end(void *arg, struct server_conn *conn)
{
	(void)conn;
	statement_done(session_from(arg));
}

static const struct sink_ops asked_sink = {
	.pass = asked_pass,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = asked_end,
	.lost = server_conn_drop_news,
};

bool statement_asks_trackers(struct session *s, struct server_conn *conn)
{
	const uint32_t sets = SQL_TRACKERS | SQL_HAS_SET;
	uint8_t memory[512];
	struct writer w = writer_over(memory, sizeof(memory));
	char sql[320] = "SELECT ";

	if ((s->st.verdict.flags & sets) != sets || statement_changed_nothing(&s->st))
		return false;
	if (s->trackers == NULL)
		s->trackers = calloc(1, sizeof(*s->trackers));
	for (enum tracker i = 0; i < TRACKERS; i++) {
		size_t len = strlen(sql);

		if (has_tracker(conn, i))
			(void)snprintf(sql + len, sizeof(sql) - len, "%s@@session.%s",
				       i > 0 ? ", " : "", rows[i].name);
	}
	if (!server_conn_ask(conn, sql, &asked_sink, s, &w))
		return false;
	stream_write(&conn->stream, writer_span(&w));
	return true;
}
