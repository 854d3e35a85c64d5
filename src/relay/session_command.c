/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each command means for a session: one row per command that is not
 * simply refused.  COM_QUERY is classified by its text; for the others the row
 * is the verdict.
 */
#include <readmux/relay/session_parts.h>
#include <readmux/wire/attributes.h>
#include <readmux/wire/command.h>
#include <readmux/wire/reader.h>

struct command_row {
	uint8_t           command;
	enum sql_class    class;
	enum route_reason reason;
	uint32_t          pins;
	command_fn       *handle;	/* instead of running it at a server */
	bool              any_length;	/* handle() also takes the start of what is streamed */
};

static void command_quit(struct session *s, struct span packet, bool whole)
{
	(void)whole;
	(void)packet;
	s->farewell = true;
	session_close(s, "COM_QUIT");
}

/* The session is alive whatever its servers do; a held connection is asked itself. */
static void command_ping(struct session *s, struct span packet, bool whole)
{
	(void)whole;
	if (s->conn != NULL) {
		statement_start(s, packet, true);
		return;
	}
	s->last.row_count = 0;
	session_send_ok(s);
}

static void command_change_user(struct session *s, struct span packet, bool whole)
{
	(void)whole;
	session_login_change_user(s, span_from(packet, PACKET_HEADER_LEN), packet.data[3]);
}

/* Without a held connection nothing but the session's own state has to go. */
static void command_reset(struct session *s, struct span packet, bool whole)
{
	(void)whole;
	struct session_state *bare;

	if (s->conn != NULL) {
		statement_start(s, packet, true);
		return;
	}
	session_forget_loss(s);
	s->own_consistency = SQL_CONSISTENCY_UNSET;
	bare = state_schema_only(s->state);
	if (bare == NULL) {
		session_close(s, "out of memory");
		return;
	}
	state_drop(s->state);
	s->state = bare;
	session_close_prepared(s);
	session_drop_trackers(s);
	insert_id_reset(&s->insert_id);
	session_forget_values(s);
	s->status = SERVER_STATUS_AUTOCOMMIT;
	session_send_ok(s);
}

/* Whether several statements may come in one text is agreed at login, so it is another account. */
bool session_allow_multi(struct session *s, bool allow)
{
	uint64_t wanted = allow ? s->account->capabilities | CLIENT_MULTI_STATEMENTS :
				  s->account->capabilities & ~(uint64_t)CLIENT_MULTI_STATEMENTS;
	struct account *account = account_get(s->env->accounts, s->account->user,
					      &s->account->secret, wanted,
					      s->account->collation);

	if (account == NULL)
		return false;
	account_drop(s->account);
	s->account = account;
	return true;
}

/* MYSQL_OPTION_MULTI_STATEMENTS_ON is 0, .._OFF is 1. */
static void command_set_option(struct session *s, struct span packet, bool whole)
{
	struct reader r = reader_over(span_from(packet, PACKET_HEADER_LEN + 1));
	uint64_t option = reader_uint(&r, 2);

	if (s->conn != NULL || r.bad || option > 1)
		statement_start(s, packet, whole);
	else if (session_allow_multi(s, option == 0))
		session_send_eof(s, 0);
	else
		session_close(s, "out of memory");
}

static void command_process_kill(struct session *s, struct span packet, bool whole)
{
	struct reader r = reader_over(span_from(packet, PACKET_HEADER_LEN + 1));
	struct sql_kill kill = { .id = reader_uint(&r, 4) };

	if (r.bad || !session_kill(s, &kill, packet))
		statement_start(s, packet, whole);
}

/* The primary's; where that is away, those of whatever server there is. */
static void command_statistics(struct session *s, struct span packet, bool whole)
{
	const struct backend_view *primary = topology_primary(s->env->topology);

	if (primary == NULL || !primary->writable)
		s->st.verdict.class = SQL_READ;
	statement_start(s, packet, whole);
}

static const struct command_row rows[] = {
	{ COM_QUIT, SQL_SESSION, REASON_COMMAND, 0, command_quit, false },
	{ COM_INIT_DB, SQL_SESSION, REASON_USE_SCHEMA, 0, NULL, false },
	{ COM_QUERY, SQL_WRITE, REASON_NOT_UNDERSTOOD, 0, NULL, false },
	{ COM_FIELD_LIST, SQL_READ, REASON_SHOW, 0, NULL, false },
	{ COM_REFRESH, SQL_WRITE, REASON_COMMAND, 0, NULL, false },
	{ COM_STATISTICS, SQL_WRITE, REASON_COMMAND, 0, command_statistics, false },
	{ COM_PROCESS_INFO, SQL_WRITE, REASON_COMMAND, 0, NULL, false },
	{ COM_PROCESS_KILL, SQL_WRITE, REASON_COMMAND, 0, command_process_kill, false },
	{ COM_DEBUG, SQL_WRITE, REASON_COMMAND, 0, NULL, false },
	{ COM_PING, SQL_READ, REASON_COMMAND, 0, command_ping, false },
	{ COM_CHANGE_USER, SQL_SESSION, REASON_COMMAND, 0, command_change_user, false },
	{ COM_BINLOG_DUMP, SQL_WRITE, REASON_COMMAND, PIN_COMMAND, NULL, false },
	{ COM_BINLOG_DUMP_GTID, SQL_WRITE, REASON_COMMAND, PIN_COMMAND, NULL, false },
	{ COM_REGISTER_SLAVE, SQL_WRITE, REASON_COMMAND, PIN_COMMAND, NULL, false },
	{ COM_STMT_PREPARE, SQL_WRITE, REASON_PREPARED_STATEMENT, 0, command_stmt_prepare, true },
	{ COM_STMT_EXECUTE, SQL_WRITE, REASON_PREPARED_STATEMENT, 0, command_stmt_execute, true },
	{ COM_STMT_BULK_EXECUTE, SQL_WRITE, REASON_PREPARED_STATEMENT, 0, command_stmt_execute, true },
	{ COM_STMT_FETCH, SQL_WRITE, REASON_PREPARED_STATEMENT, 0, command_stmt_fetch, true },
	{ COM_STMT_RESET, SQL_WRITE, REASON_PREPARED_STATEMENT, 0, command_stmt_reset, true },
	{ COM_STMT_SEND_LONG_DATA, SQL_WRITE, REASON_PREPARED_STATEMENT, 0, command_stmt_long_data, true },
	{ COM_STMT_CLOSE, SQL_WRITE, REASON_PREPARED_STATEMENT, 0, command_stmt_close, true },
	{ COM_SET_OPTION, SQL_WRITE, REASON_COMMAND, 0, command_set_option, false },
	{ COM_RESET_CONNECTION, SQL_WRITE, REASON_COMMAND, 0, command_reset, false },
};

static const struct command_row *row_of(uint8_t command)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].command == command)
			return &rows[i];
	}
	return NULL;
}

static void refuse(struct session *s, uint8_t command)
{
	log_info(&s->log, "unknown command", LOG_TEXT("command", command_info(command)->name),
		 LOG_UINT("code", command));
	session_send_error(s, RMX_UNKNOWN_COMMAND);
}

/* A command that readmux does not know, and that is still arriving, ends the session. */
static void refuse_long(struct session *s)
{
	session_send_error(s, RMX_PACKET_TOO_LARGE, "this command", "what readmux takes for it");
	session_close_gently(s, "a command too large to refuse politely");
}

/* With CLIENT_QUERY_ATTRIBUTES these come before the text. */
struct span session_query_text(const struct session *s, struct span payload)
{
	struct span text = span_from(payload, 1);

	struct attributes a;

	if ((s->capabilities & CLIENT_QUERY_ATTRIBUTES) == 0)
		return text;
	return attributes_parse(payload, &a) ? a.query : SPAN_NONE;
}

/* It may ask for what the session itself knows. */
#define ABOUT_ITSELF (SQL_CONNECTION_ID | SQL_ABOUT_PREVIOUS | SQL_READS_INSERT_ID)

void session_take_hints(struct attributes *a, struct sql_verdict *v)
{
	struct attribute each;

	while (attributes_next(a, &each)) {
		if (span_is_nocase(each.name, "readmux"))
			sql_take_hint(each.text, v);
	}
}

/* Of a text that is too long for other hints. */
static void take_explain(struct session *s, struct span packet)
{
	struct sql_verdict asked = { .hint = SQL_HINT_NONE };
	struct attributes attributes;

	if ((s->capabilities & CLIENT_QUERY_ATTRIBUTES) != 0 &&
	    attributes_parse(span_from(packet, PACKET_HEADER_LEN), &attributes))
		session_take_hints(&attributes, &asked);
	if (asked.hint == SQL_HINT_EXPLAIN)
		s->st.verdict.hint = SQL_HINT_EXPLAIN;
}

static void classify(struct session *s, struct span packet, bool whole)
{
	struct sql_verdict *v = &s->st.verdict;
	struct sql_mode mode = session_sql_mode(s);
	struct attributes attributes;
	struct span text;

	if (!whole) {
		v->reason = REASON_TOO_LONG;
		take_explain(s, packet);
		return;
	}
	text = session_query_text(s, span_from(packet, PACKET_HEADER_LEN));
	sql_classify(text, &mode, v);
	text = span_from(text, v->explained_at);
	if ((s->capabilities & CLIENT_QUERY_ATTRIBUTES) != 0 &&
	    attributes_parse(span_from(packet, PACKET_HEADER_LEN), &attributes))
		session_take_hints(&attributes, v);
	statement_use_named(s, text);
	if ((v->flags & ABOUT_ITSELF) == 0)
		return;
	sql_session_columns_of(text, &mode, &s->st.columns);
	statement_use_values(s);
}

static bool kill_by_text(struct session *s, struct span packet)
{
	struct span text = session_query_text(s, span_from(packet, PACKET_HEADER_LEN));
	struct sql_mode mode = session_sql_mode(s);
	struct sql_kill kill;

	return sql_kill_of(text, &mode, &kill) && session_kill(s, &kill, packet);
}

static bool speaks_to_readmux(struct session *s, struct span packet, bool whole)
{
	struct span text = session_query_text(s, span_from(packet, PACKET_HEADER_LEN));

	if (session_refuses_explain(s, text, packet, whole))
		return true;
	if (!whole)
		return false;
	return session_shows(s, span_from(text, s->st.verdict.explained_at), packet) ||
	       session_answers(s, text) || session_takes_settings(s, text);
}

void session_command(struct session *s, struct span packet, bool whole)
{
	uint8_t command = packet.len > PACKET_HEADER_LEN ? packet.data[PACKET_HEADER_LEN] : COM_SLEEP;
	const struct command_row *row = row_of(command);

	if (row == NULL) {
		if (whole)
			refuse(s, command);
		else
			refuse_long(s);
		return;
	}
	s->serial++;
	statement_drop_inner(s);
	s->st = (struct statement){
		.command = command,
		.verdict = { .class = row->class, .reason = row->reason, .pins = row->pins },
		.harmless = row->class != SQL_WRITE,
	};
	if (row->handle != NULL && (whole || row->any_length)) {
		row->handle(s, packet, whole);
		return;
	}
	if (command == COM_QUERY)
		classify(s, packet, whole);
	if (command == COM_QUERY && speaks_to_readmux(s, packet, whole))
		return;
	if ((s->st.verdict.flags & SQL_KILL) != 0 && kill_by_text(s, packet))
		return;
	statement_start(s, packet, whole);
}
