/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a session's user has a right: the server is asked, as that user, in place of the
 * statement that needs to know.
 */
#include <readmux/relay/session_parts.h>

static void right_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	(void)conn;
	(void)bytes;
	session_from(arg)->st.has_rows |= row;
}

static void right_end(void *arg, struct server_conn *conn)
{
	struct session *s = session_from(arg);
	bool allowed = s->st.has_rows;

	pool_statement_done(conn->pool, 0, false);
	if (s->pins == 0 && !session_in_transaction(s))
		session_release_conn(s);
	s->st.sent_us = 0;
	session_set_phase(s, SESSION_ROUTING);
	s->st.right_told(s, allowed);
}

static void right_lost(void *arg, struct server_conn *conn)
{
	(void)arg;
	pool_statement_done(conn->pool, 0, false);
}

static const struct sink_ops right_sink = {
	.pass = right_pass,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = right_end,
	.lost = right_lost,
};

void session_ask_right(struct session *s, const char *sql, enum sql_hint hint,
		       void (*told)(struct session *s, bool allowed))
{
	uint8_t memory[512];
	struct writer w = writer_over(memory, sizeof(memory));

	writer_begin(&w, 0);
	server_conn_begin_query(s->capabilities, &w);
	writer_text(&w, sql);
	hold_drop(&s->st.packet, s->env->loop);
	if (!writer_end(&w) || !hold_keep(&s->st.packet, s->env->loop, writer_span(&w))) {
		session_close(s, "out of memory");
		return;
	}
	s->st.command = COM_QUERY;
	s->st.prepared = NULL;
	s->st.sink = &right_sink;
	s->st.right_told = told;
	s->st.verdict = (struct sql_verdict){
		.class = SQL_READ,
		.reason = REASON_ADMINISTERS,
		.hint = hint,
	};
	statement_route(s);
}
