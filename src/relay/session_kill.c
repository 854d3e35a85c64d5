/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KILL of readmux's sessions; see kill.h.
 *
 * A statement that runs is interrupted by its server, on a connection of its own
 * user that is dialled for that: the pool may be exhausted just when somebody needs to
 * kill.  The interrupted connection is not used for another session, because the
 * server may obey late.
 */
#include <readmux/relay/kill.h>
#include <readmux/relay/session_parts.h>

/* Whoever has one of these may kill what is not theirs. */
#define ASK_FOR_RIGHT \
	SESSION_RIGHT_QUERY("'SUPER', 'CONNECTION_ADMIN', 'CONNECTION ADMIN'")

/* --- interrupting at the server -------------------------------------------------- */

static void killer_done(void *arg, struct server_conn *conn)
{
	(void)arg;
	server_conn_close(conn);
}

static void killer_gone(void *owner, struct server_conn *conn)
{
	(void)owner;
	log_warn(NULL, "a statement could not be interrupted",
		 LOG_SPAN("backend", server_conn_backend_name(conn)),
		 LOG_TEXT("problem", conn->problem));
}

static const struct sink_ops killer_sink = {
	.pass = server_conn_drop_bytes,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = killer_done,
	.lost = server_conn_drop_news,
};

static void killer_ready(void *owner, struct server_conn *conn);

static const struct server_conn_owner_ops killer_owner = {
	.ready = killer_ready,
	.gone = killer_gone,
};

static void killer_ready(void *owner, struct server_conn *conn)
{
	uint8_t memory[128];
	struct writer w = writer_over(memory, sizeof(memory));
	char sql[48];

	pool_adopt(conn, &killer_owner, owner);
	(void)snprintf(sql, sizeof(sql), "KILL QUERY %u", conn->kills);
	if (server_conn_ask(conn, sql, &killer_sink, NULL, &w))
		stream_write(&conn->stream, writer_span(&w));
}

static void interrupt(struct relay_env *env, struct server_conn *conn)
{
	struct server_conn *killer =
		server_conn_dial(env, conn->pool, conn->account, &killer_owner, NULL);

	conn->no_reuse = true;
	if (killer != NULL)
		killer->kills = conn->thread_id;
}

/* --- the one that is meant ----------------------------------------------------------- */

struct session *session_find(struct relay_env *env, uint32_t id)
{
	struct session *s;

	TAILQ_FOREACH(s, &env->all, link) {
		if (s->id == id && s->account != NULL && s->phase < SESSION_CLOSING)
			return s;
	}
	return NULL;
}

static void stop_waiting(struct session *s)
{
	statement_stop_waiting(s);
	s->st.asking = false;
	session_send_error(s, RMX_INTERRUPTED);
	s->st.failed = true;
	statement_done(s);
}

static void kill_session(struct session *s, bool query_only)
{
	bool at_server = s->phase == SESSION_RESTORING || s->phase == SESSION_RUNNING;

	if (at_server && s->conn != NULL)
		interrupt(s->env, s->conn);
	if (!query_only)
		session_close(s, "killed");
	else if (s->phase == SESSION_ROUTING)
		stop_waiting(s);
}

void relay_kill(struct relay_env *env, struct kill_request *r)
{
	struct session *s = session_find(env, r->target);

	r->answer = KILL_UNKNOWN;
	if (s == NULL)
		return;
	r->answer = KILL_NOT_OWNER;
	if (!r->allowed && !span_is(s->account->user, r->user))
		return;
	r->answer = KILL_DONE;
	if (r->target != r->asker)
		kill_session(s, r->query_only);
}

/* --- the one that asks ---------------------------------------------------------------- */

static void ask(struct session *s, bool allowed)
{
	struct kill_request r = {
		.target = s->st.kill_target,
		.asker = s->id,
		.query_only = s->st.kill_query_only,
		.allowed = allowed,
	};

	s->st.asking = true;
	(void)span_copy(s->account->user, r.user, sizeof(r.user));
	s->env->host_ops->kill(s->env->host, &r);
}

bool session_kill(struct session *s, const struct sql_kill *kill, struct span packet)
{
	uint64_t id = kill->self ? s->id : kill->id;

	if (id < SESSION_ID_FIRST || id > SESSION_ID_LAST)
		return false;
	if (!statement_begin(s, packet, true))
		return true;
	s->st.kill_target = (uint32_t)id;
	s->st.kill_query_only = kill->query_only;
	ask(s, false);
	return true;
}

static void right_told(struct session *s, bool allowed)
{
	if (allowed) {
		ask(s, true);
		return;
	}
	session_send_error(s, RMX_NOT_OWNER, s->st.kill_target);
	s->st.failed = true;
	statement_done(s);
}

/* As a server answers one that has killed itself. */
static void kill_self(struct session *s)
{
	bool closes = !s->st.kill_query_only;

	session_send_error(s, closes && session_sql_mode(s).mariadb ? RMX_KILLED : RMX_INTERRUPTED);
	s->st.failed = true;
	if (closes)
		session_close_gently(s, "killed by itself");
	else
		statement_done(s);
}

void relay_kill_answered(struct relay_env *env, const struct kill_request *r)
{
	struct session *s = session_find(env, r->asker);

	if (s == NULL || s->phase != SESSION_ROUTING || !s->st.asking ||
	    s->st.kill_target != r->target)
		return;		/* it has gone on, or away */
	s->st.asking = false;
	switch (r->answer) {
	case KILL_UNKNOWN:
		statement_route(s);	/* let the primary say so */
		return;
	case KILL_NOT_OWNER:
		session_ask_right(s, ASK_FOR_RIGHT, SQL_HINT_PRIMARY, right_told);
		return;
	case KILL_DONE:
		break;
	}
	if (r->target == s->id) {
		kill_self(s);
		return;
	}
	session_send_ok(s);
	statement_done(s);
}
