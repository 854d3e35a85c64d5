/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements that fail without the answer of a server.
 *
 * One way for all of them, because a client may be told only when it listens: a
 * statement that is still arriving is swallowed first, and a command without an answer
 * (COM_STMT_SEND_LONG_DATA) keeps its failure for the execution that it belongs to, as
 * servers do.
 */
#include <readmux/relay/session_parts.h>

#include <stdarg.h>

/* Long data of what was to be executed: an execution, even one that fails, uses it up. */
void session_use_up_long_data(struct session *s)
{
	struct prepared *p = s->st.prepared;
	uint8_t memory[64];
	struct writer closes = writer_over(memory, sizeof(memory));
	struct server_stmt *stmt;

	if (p == NULL || !p->long_data || !statement_is_answered(&s->st))
		return;
	stmt = s->conn != NULL ? server_stmt_find(&s->conn->stmts, p) : NULL;
	prepared_set_long_data(&s->prepared, p, false);
	session_count_prepared(s);
	if (stmt != NULL) {
		server_stmt_close(&s->conn->stmts, stmt, &closes);
		stream_write(&s->conn->stream, writer_span(&closes));
	}
	if (s->conn != NULL && s->pins == 0 && !session_in_transaction(s))
		session_release_conn(s);
}

/* Told when it is executed; the first failure is the cause of those that follow. */
static void keep_for_execution(struct session *s, const struct failure *f)
{
	struct prepared *p = s->st.prepared;

	if (p == NULL || p->failure != NULL)
		return;
	p->failure = failure_copy(f);
	if (p->failure == NULL)
		session_close(s, "out of memory");
}

void statement_fail_as(struct session *s, const struct failure *f)
{
	statement_stop_waiting(s);
	s->st.failed = true;
	if (s->body.kind != BODY_NONE) {
		body_swallow(s, f);
		return;
	}
	session_use_up_long_data(s);
	if (statement_is_answered(&s->st))
		session_send_server_error(s, f->number, f->sqlstate, f->text);
	else
		keep_for_execution(s, f);
	if (s->phase < SESSION_CLOSING)
		statement_done(s);
}

void statement_fail(struct session *s, enum rmx_error error, ...)
{
	struct failure f;
	va_list arguments;

	va_start(arguments, error);
	session_word_failure(s, &f, error, arguments);
	va_end(arguments);
	statement_fail_as(s, &f);
}
