/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * COM_STMT_*: a client's prepared statements.
 *
 * A statement is classified when it is prepared and executed wherever its class
 * may run; the connection that runs it prepares it first if it has not yet.  What
 * lives on one connection only ties the session to it: open cursors, long data that
 * waits for its execution, and statements that cannot be prepared a second time.
 */
#include <readmux/relay/session_parts.h>
#include <readmux/wire/attributes.h>
#include <readmux/wire/resultset.h>
#include <readmux/wire/stmt.h>

/* As max_prepared_stmt_count is on the servers by default. */
#define STATEMENTS_MAX 16382u

/* Of a statement that is to be explained: their definitions have to fit into the workshop. */
#define OWN_PARAMETERS_MAX 1000u

#define PAYLOAD(packet) span_from(packet, PACKET_HEADER_LEN)

static bool is_execute(uint8_t command)
{
	return command == COM_STMT_EXECUTE || command == COM_STMT_BULK_EXECUTE;
}

/* --- which statement ----------------------------------------------------------- */

/* NULL when there is none with the id that <packet> names. */
static struct prepared *named(struct session *s, struct span packet, uint32_t *id)
{
	*id = 0;
	if (!stmt_id(PAYLOAD(packet), id))
		return NULL;
	if (*id == STMT_ID_LAST)
		return s->prepared.last;
	return prepared_set_find(&s->prepared, *id);
}

/* What the servers call the function that does not find the statement. */
static const char *function_of(uint8_t command, bool mariadb)
{
	if (!mariadb)
		return "mysql_stmt_precheck";
	switch (command) {
	case COM_STMT_RESET:
		return "mysqld_stmt_reset";
	case COM_STMT_FETCH:
		return "mysqld_stmt_fetch";
	case COM_STMT_BULK_EXECUTE:
		return "mysqld_stmt_bulk_execute";
	default:
		return "mysqld_stmt_execute";
	}
}

static struct prepared *named_or_refused(struct session *s, struct span packet, bool whole)
{
	struct prepared *p;
	const char *function;
	uint32_t id;

	p = named(s, packet, &id);
	if (p != NULL)
		return p;
	function = function_of(s->st.command, session_sql_mode(s).mariadb);
	if (whole)
		session_send_error(s, RMX_UNKNOWN_STATEMENT, id, function);
	else if (statement_begin(s, packet, false))
		statement_fail(s, RMX_UNKNOWN_STATEMENT, id, function);
	return NULL;
}

/* --- the commands ---------------------------------------------------------------- */

/* Preparing has no effect, but it should succeed where the statement will run. */
static struct sql_verdict verdict_of_prepare(const struct prepared *p)
{
	struct sql_verdict v = { .class = SQL_WRITE, .reason = REASON_PREPARED_STATEMENT };

	if (p->query == NULL || prepared_is_bound(p))
		return v;
	v.class = p->query->verdict.class == SQL_READ ? SQL_READ : SQL_WRITE;
	v.reason = p->query->verdict.reason;
	v.hint = p->query->verdict.hint;
	v.hint_backend = p->query->verdict.hint_backend;
	return v;
}

/* --- those that readmux answers itself ------------------------------------------- */

static uint16_t placeholders(const struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct lexer lexer = lexer_over(text, &mode);
	uint16_t n = 0;
	struct token t;

	do {
		lexer_next(&lexer, &t);
		n = (uint16_t)(n + (t.kind == TOKEN_PLACEHOLDER));
	} while (t.kind != TOKEN_END && t.kind != TOKEN_BROKEN && n < OWN_PARAMETERS_MAX);
	return n;
}

static void prepare_own(struct session *s, struct prepared *p)
{
	size_t room;
	uint8_t *memory = loop_workshop(s->env->loop, &room);
	struct writer w = writer_over(memory, room);
	struct resultset r = {
		.w = &w, .capabilities = s->capabilities, .status = s->status, .seq = s->st.seq,
	};

	p->own = true;
	p->parameters = placeholders(s, p->query->text);
	prepared_set_next_id(&s->prepared, p);
	prepared_set_add(&s->prepared, p);
	resultset_prepared(&r, p->id, p->parameters);
	if (w.bad)
		session_close(s, "an answer did not fit");
	else
		stream_write(&s->stream, writer_span(&w));
}

static void execute_own(struct session *s, struct prepared *p, struct span packet)
{
	struct span text = p->query->text;

	s->st.prepared = p;
	s->st.binary = true;
	s->st.verdict = p->query->verdict;
	if (!session_shows(s, span_from(text, s->st.verdict.explained_at), packet))
		(void)session_answers(s, text);
}

void command_stmt_prepare(struct session *s, struct span packet, bool whole)
{
	struct sql_mode mode = session_sql_mode(s);
	struct query *query = NULL;

	if (HASH_COUNT(s->prepared.by_id) >= STATEMENTS_MAX) {
		if (whole)
			session_send_error(s, RMX_TOO_MANY_STATEMENTS, STATEMENTS_MAX);
		else if (statement_begin(s, packet, false))
			statement_fail(s, RMX_TOO_MANY_STATEMENTS, STATEMENTS_MAX);
		return;
	}
	s->prepared.last = NULL;
	if (whole) {
		query = query_get(s->env->queries, span_from(PAYLOAD(packet), 1), s->state, &mode);
		if (query == NULL) {
			session_close(s, "out of memory");
			return;
		}
	} else if (session_refuses_explain(s, span_from(PAYLOAD(packet), 1), packet, whole)) {
		return;
	}
	s->preparing = prepared_new(query);
	if (s->preparing == NULL) {
		session_close(s, "out of memory");
		return;
	}
	if (query != NULL && session_would_answer(&query->verdict, query->text, &mode)) {
		prepare_own(s, s->preparing);
		s->preparing = NULL;
		return;
	}
	prepared_set_next_id(&s->prepared, s->preparing);
	s->st.prepared = s->preparing;
	s->st.verdict = verdict_of_prepare(s->preparing);
	s->st.harmless = true;
	statement_start(s, packet, whole);
}

/* A cursor stays on the connection that opened it, so it is opened on the primary. */
static bool opens_cursor(uint8_t command, struct span payload)
{
	return command == COM_STMT_EXECUTE && payload.len > 5 && (payload.data[5] & 7) != 0;
}

/*
 * MySQL's answer to an execution without a cursor has no end when the one before had a
 * cursor (seen on 9.7): its statement is of no more use then, to this client or another.
 */
static bool spoilt_by_cursor(const struct session *s, const struct prepared *p)
{
	struct span payload = PAYLOAD(hold_span(&s->st.packet));
	bool had_cursor = p->cursor || opens_cursor(s->st.command, payload);

	return had_cursor && !s->conn->mariadb && !prepared_is_bound(p);
}

static bool parse_execute(const struct session *s, const struct prepared *p,
			  struct span payload, struct stmt_execute *e)
{
	return stmt_execute_parse(payload, p->parameters,
				  (s->capabilities & CLIENT_QUERY_ATTRIBUTES) != 0, e);
}

/* Remember the types that came with it.  False: no memory. */
static bool follow_types(const struct session *s, struct prepared *p, struct span payload)
{
	struct stmt_execute e;
	struct query *typed;

	if (p->query == NULL || !parse_execute(s, p, payload, &e) || !e.has_types)
		return true;
	if (p->typed != NULL && span_equal(p->typed->types, e.types))
		return true;
	typed = query_with_types(p->query, e.types);
	if (typed == NULL)
		return false;
	query_drop(p->typed);
	p->typed = typed;
	return true;
}

/* Hints besides those in its text.  Values that came as long data are not in the packet. */
static void take_hints(struct session *s, const struct prepared *p, struct span payload)
{
	struct attributes attributes;

	if ((s->capabilities & CLIENT_QUERY_ATTRIBUTES) != 0 && !p->long_data &&
	    s->st.command == COM_STMT_EXECUTE && attributes_of_execute(payload, &attributes))
		session_take_hints(&attributes, &s->st.verdict);
}

/* KILL by an id that readmux has told. */
static bool kills(struct session *s, struct span packet, bool whole)
{
	const struct query *query = s->st.prepared->query;
	struct sql_mode mode = session_sql_mode(s);
	struct sql_kill kill;

	return whole && query != NULL && (s->st.verdict.flags & SQL_KILL) != 0 &&
	       sql_kill_of(query->text, &mode, &kill) && session_kill(s, &kill, packet);
}

/* Its long data did not arrive: that is told now, once. */
static void fail_execution(struct session *s, struct prepared *p, struct span packet, bool whole)
{
	struct failure *f = p->failure;

	p->failure = NULL;
	s->st.prepared = p;
	if (statement_begin(s, packet, whole))
		statement_fail_as(s, f);
	free(f);
}

void command_stmt_execute(struct session *s, struct span packet, bool whole)
{
	struct prepared *p = named_or_refused(s, packet, whole);

	if (p == NULL)
		return;
	if (p->failure != NULL) {
		fail_execution(s, p, packet, whole);
		return;
	}
	if (p->own) {
		if (whole)
			execute_own(s, p, packet);
		else if (statement_begin(s, packet, false))
			statement_fail(s, RMX_EXPLAIN_IMPOSSIBLE);
		return;
	}
	if (!follow_types(s, p, PAYLOAD(packet))) {
		session_close(s, "out of memory");
		return;
	}
	s->st.prepared = p;
	if (p->query != NULL) {
		s->st.verdict = p->query->verdict;
		if (p->query->columns.n == 1)
			s->st.columns = p->query->columns;
		statement_use_values(s);
	}
	if (whole)
		take_hints(s, p, PAYLOAD(packet));
	if (sql_is_explained(&s->st.verdict)) {
		s->st.binary = true;
		(void)session_shows(s, p->query != NULL ? p->query->text : SPAN_NONE, packet);
		return;
	}
	if (s->st.verdict.class == SQL_READ && opens_cursor(s->st.command, PAYLOAD(packet))) {
		s->st.verdict.class = SQL_WRITE;
		s->st.verdict.reason = REASON_PREPARED_STATEMENT;
		s->st.harmless = true;
	}
	if (p->cursor && !p->long_data && s->conn != NULL && !opens_cursor(s->st.command, PAYLOAD(packet)) &&
	    spoilt_by_cursor(s, p))
		statement_forget_prepared(s);
	if (!kills(s, packet, whole))
		statement_start(s, packet, whole);
}

void command_stmt_fetch(struct session *s, struct span packet, bool whole)
{
	struct prepared *p = named_or_refused(s, packet, whole);

	if (p == NULL)
		return;
	if (!p->cursor || s->conn == NULL) {
		session_send_error(s, RMX_NO_CURSOR, p->id, session_sql_mode(s).mariadb ? "" : ".");
		return;
	}
	s->st.prepared = p;
	s->st.harmless = true;
	statement_start(s, packet, whole);
}

void command_stmt_reset(struct session *s, struct span packet, bool whole)
{
	struct prepared *p = named_or_refused(s, packet, whole);

	if (p == NULL)
		return;
	free(p->failure);
	p->failure = NULL;
	if (s->conn == NULL || !(p->cursor || p->long_data)) {
		session_answer_ok(s);
		return;
	}
	s->st.prepared = p;
	s->st.harmless = true;
	statement_start(s, packet, whole);
}

/* A command without an answer that nobody takes. */
static void ignore(struct session *s, struct span packet, bool whole)
{
	static const struct failure unheard = { 0 };

	if (!whole && statement_begin(s, packet, false))
		statement_fail_as(s, &unheard);
}

/* The client does not wait for an answer, and is told with the execution what was wrong. */
void command_stmt_long_data(struct session *s, struct span packet, bool whole)
{
	uint32_t id;
	struct prepared *p = named(s, packet, &id);

	if (p == NULL || p->own || p->failure != NULL) {
		ignore(s, packet, whole);
		return;
	}
	s->st.prepared = p;
	s->st.harmless = true;
	statement_start(s, packet, whole);
}

void command_stmt_close(struct session *s, struct span packet, bool whole)
{
	uint8_t memory[64];
	struct writer closes = writer_over(memory, sizeof(memory));
	struct server_stmt *stmt;
	uint32_t id;
	struct prepared *p = named(s, packet, &id);

	if (p == NULL || !whole) {
		ignore(s, packet, whole);	/* the command is 4 bytes long */
		return;
	}
	stmt = s->conn != NULL ? server_stmt_find(&s->conn->stmts, p) : NULL;
	if (stmt != NULL && stmt->key == p)
		server_stmt_close(&s->conn->stmts, stmt, &closes);
	prepared_set_remove(&s->prepared, p);
	session_count_prepared(s);
	if (closes.len > 0)
		stream_write(&s->conn->stream, writer_span(&closes));
	if (s->conn != NULL && s->pins == 0 && !session_in_transaction(s))
		session_release_conn(s);
}

/* --- on the way to the server ------------------------------------------------------ */

bool statement_needs_prepare(const struct session *s, const struct server_conn *conn)
{
	const struct prepared *p = s->st.prepared;

	return p != NULL && s->st.command != COM_STMT_PREPARE && p->query != NULL &&
	       server_stmt_find(&conn->stmts, p) == NULL;
}

/* The types that the server lacks, between what stands before and behind them. */
static int insert_types(struct session *s, const struct stmt_execute *e, struct writer *w,
			struct iovec *iov)
{
	struct hold *hold = &s->st.packet;
	struct span types = s->st.prepared->typed->types;
	size_t at = PACKET_HEADER_LEN + e->front.len;
	uint32_t len = frame_at(hold->data).len;

	if (len + types.len >= PACKET_PAYLOAD_MAX)
		return 0;
	writer_uint(w, len + types.len, 3);
	writer_uint(w, 0, 1);
	writer_bytes(w, e->front);
	writer_bytes(w, types);
	if (w->bad)
		return 0;
	stmt_execute_announce_types(e, w->base + w->len - types.len - e->front.len);
	iov[0] = (struct iovec){ w->base, w->len };
	iov[1] = (struct iovec){ hold->data + at, hold->len - at };
	return 2;
}

/*
 * The packet under the server's id.  <w> holds what goes before it; gives the
 * number of pieces, 0 when it cannot be sent.
 */
int statement_pieces(struct session *s, struct writer *w, struct iovec *iov)
{
	struct hold *hold = s->st.filled.len > 0 ? &s->st.filled : &s->st.packet;
	struct prepared *p = s->st.prepared;
	struct server_stmt *stmt;
	struct stmt_execute e;
	struct span payload;
	bool missing;

	iov[0] = (struct iovec){ w->base, w->len };
	iov[1] = (struct iovec){ hold->data, hold->len };
	if (p == NULL || s->st.command == COM_STMT_PREPARE)
		return 2;
	stmt = server_stmt_find(&s->conn->stmts, p);
	if (stmt == NULL)
		return 0;
	server_stmt_touch(&s->conn->stmts, stmt);
	stmt_set_id(hold->data + PACKET_HEADER_LEN, stmt->id);
	payload = span_from(hold_span(hold), PACKET_HEADER_LEN);
	if (!is_execute(s->st.command) ||
	    p->typed == NULL || !parse_execute(s, p, payload, &e))
		return 2;
	if (stmt->query != p->typed)
		server_stmt_specialize(&s->conn->stmts, stmt, p->typed);
	missing = !e.has_types && !stmt->has_types;
	stmt->has_types = true;
	return missing ? insert_types(s, &e, w, iov) : 2;
}

/* Sent, and nothing will be answered: only long data is such a command. */
void statement_sent_unanswered(struct session *s)
{
	struct prepared *p = s->st.prepared;
	struct server_stmt *stmt = server_stmt_find(&s->conn->stmts, p);

	if (stmt != NULL)
		server_stmt_reserve(&s->conn->stmts, stmt, p);
	prepared_set_long_data(&s->prepared, p, true);
	session_count_prepared(s);
}

/* --- on the way back --------------------------------------------------------------- */

/* COM_STMT_PREPARE_OK, with the client's id in the place of the server's. */
struct span response_prepared(struct session *s, struct server_conn *conn, struct span raw,
			      uint8_t *copy, size_t room)
{
	uint8_t memory[512];
	struct writer closes = writer_over(memory, sizeof(memory));
	struct prepared *p = s->preparing;
	struct stmt_prepare_ok ok;

	if (raw.len > room || !stmt_prepare_ok_parse(PAYLOAD(raw), &ok))
		return raw;
	p->parameters = ok.parameters;
	p->columns = ok.columns;
	if (session_caches_metadata(s))
		metadata_begin(&s->st.metadata, ok.parameters, ok.columns);
	if (server_stmt_add(&conn->stmts, p->query, p, ok.id, &closes) == NULL)
		log_warn(&s->log, "out of memory; a statement will be prepared again");
	stream_write(&conn->stream, writer_span(&closes));
	memcpy(copy, raw.data, raw.len);
	stmt_set_id(copy + PACKET_HEADER_LEN, p->id);
	return (struct span){ copy, raw.len };
}

/* The statement of the server's is of no more use: prepare it again. */
void statement_forget_prepared(struct session *s)
{
	uint8_t memory[64];
	struct writer closes = writer_over(memory, sizeof(memory));
	struct server_stmt *stmt = server_stmt_find(&s->conn->stmts, s->st.prepared);

	if (stmt == NULL)
		return;
	server_stmt_close(&s->conn->stmts, stmt, &closes);
	stream_write(&s->conn->stream, writer_span(&closes));
}

static void learn_prepared(struct session *s)
{
	struct prepared *p = s->preparing;

	s->preparing = NULL;
	if (s->st.failed)
		prepared_free(p);
	else
		prepared_set_add(&s->prepared, p);
}

/* Whether <p> has something on the connection that nobody else may disturb. */
static void learn_use(struct session *s, bool cursor)
{
	uint8_t memory[64];
	struct writer closes = writer_over(memory, sizeof(memory));
	struct server_stmts *stmts = &s->conn->stmts;
	struct prepared *p = s->st.prepared;
	struct server_stmt *stmt = server_stmt_find(stmts, p);
	bool spoilt = (s->st.failed && p->long_data) ||	/* it may fail for ever now */
		      (!cursor && spoilt_by_cursor(s, p));

	prepared_set_cursor(&s->prepared, p, cursor);
	prepared_set_long_data(&s->prepared, p, false);
	if (stmt == NULL)
		return;
	if (s->st.failed)
		stmt->has_types = false;	/* nobody knows whether it took them */
	if (spoilt)
		server_stmt_close(stmts, stmt, &closes);
	else if (cursor || prepared_is_bound(p))
		server_stmt_reserve(stmts, stmt, p);
	else
		server_stmt_share(stmts, stmt, &closes);
	stream_write(&s->conn->stream, writer_span(&closes));
}

void session_learn_prepared(struct session *s)
{
	bool cursor = (s->status & SERVER_STATUS_CURSOR_EXISTS) != 0;
	bool last_row = (s->status & SERVER_STATUS_LAST_ROW_SENT) != 0;

	if (s->st.command == COM_STMT_PREPARE)
		learn_prepared(s);
	else if (is_execute(s->st.command))
		learn_use(s, cursor && !s->st.failed);
	else if (s->st.command == COM_STMT_FETCH && last_row)
		learn_use(s, false);
	else if (s->st.command == COM_STMT_RESET && !s->st.failed)
		learn_use(s, false);
	s->status &= (uint16_t)~(SERVER_STATUS_CURSOR_EXISTS | SERVER_STATUS_LAST_ROW_SENT);
	session_count_prepared(s);
}

void session_count_prepared(struct session *s)
{
	s->pins &= ~(PIN_STATEMENTS | PIN_CURSOR | PIN_LONG_DATA);
	s->pins |= s->prepared.bound > 0 ? PIN_STATEMENTS : 0;
	s->pins |= s->prepared.cursors > 0 ? PIN_CURSOR : 0;
	s->pins |= s->prepared.long_data > 0 ? PIN_LONG_DATA : 0;
}

/* All are gone, as after COM_RESET_CONNECTION. */
void session_close_prepared(struct session *s)
{
	prepared_set_clear(&s->prepared);
	prepared_free(s->preparing);
	s->preparing = NULL;
}
