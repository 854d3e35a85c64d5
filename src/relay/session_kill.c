/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KILL of readmux's sessions; see kill.h.
 *
 * A statement that runs is interrupted by its server, on a connection of its own
 * user that is dialled for that: the pool may be exhausted just when somebody needs to
 * kill.  Whoever asks is answered when the server has obeyed; until then the session that was
 * meant sends nothing else, so that no other statement of its is hit.
 */
#include <readmux/relay/kill.h>
#include <readmux/relay/session_parts.h>

/* Whoever has one of these may kill what is not theirs. */
#define ASK_FOR_RIGHT \
	SESSION_RIGHT_QUERY("'SUPER', 'CONNECTION_ADMIN', 'CONNECTION ADMIN'")

struct session *session_find(struct relay_env *env, uint32_t id)
{
	struct session *s;

	TAILQ_FOREACH(s, &env->all, link) {
		if (s->id == id && s->account != NULL && s->phase < SESSION_CLOSING)
			return s;
	}
	return NULL;
}

/* --- interrupting at the server -------------------------------------------------- */

/* On its way: it belongs to the killer, a server connection, and to env->interruptions. */
struct interruption {
	TAILQ_ENTRY(interruption) link;
	struct relay_env   *env;
	struct kill_request request;
	uint32_t            serial;	/* of the statement that is meant */
	uint32_t            thread_id;	/* of the server connection that runs it */
	bool                holds;	/* KILL QUERY was sent: no other statement may meet it */
};

/* The session that still runs the very statement, or NULL. */
static struct session *still_running(const struct interruption *i)
{
	struct session *s = session_find(i->env, i->request.target);

	return s != NULL && s->serial == i->serial && s->phase >= SESSION_ROUTING ? s : NULL;
}

/* Tell the asker; the session that was meant may go on. */
static void interruption_end(struct interruption *i, enum kill_answer answer)
{
	struct session *s = session_find(i->env, i->request.target);

	if (i->holds && s != NULL && --s->interruptions == 0)
		session_next(s);
	i->request.answer = answer;
	i->env->host_ops->kill_answered(i->env->host, &i->request);
	TAILQ_REMOVE(&i->env->interruptions, i, link);
	free(i);
}

static void killer_done(void *arg, struct server_conn *conn)
{
	interruption_end(arg, KILL_DONE);
	conn->owner = NULL;
	server_conn_close(conn);
}

static void killer_gone(void *owner, struct server_conn *conn)
{
	if (owner == NULL)
		return;
	log_warn(NULL, "a statement could not be interrupted",
		 LOG_SPAN("backend", server_conn_backend_name(conn)),
		 LOG_TEXT("problem", conn->problem));
	interruption_end(owner, KILL_FAILED);
}

/* Its server answers no probe, and will not answer this either. */
static void killer_silent(void *owner, struct server_conn *conn)
{
	(void)owner;
	server_conn_lose(conn, "the server answers no probes");
}

static const struct sink_ops killer_sink = {
	.pass = server_conn_drop_bytes,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = killer_done,
	.lost = server_conn_drop_news,	/* killer_gone() follows */
};

static void killer_ready(void *owner, struct server_conn *conn);

static const struct server_conn_owner_ops killer_owner = {
	.ready = killer_ready,
	.silent = killer_silent,
	.gone = killer_gone,
};

static void dial_killer(struct interruption *i, const struct server_conn *victim)
{
	i->thread_id = victim->thread_id;
	if (server_conn_dial(i->env, victim->pool, victim->account, &killer_owner, i) == NULL)
		interruption_end(i, KILL_FAILED);
}

static void stop_waiting(struct session *s)
{
	s->st.asking = false;
	statement_fail(s, RMX_INTERRUPTED);
}

/*
 * What the statement does by now: true when it runs on the connection that the killer was
 * dialled for.
 */
static bool may_strike(struct interruption *i)
{
	struct session *s = still_running(i);

	if (!i->request.query_only)
		return true;		/* its session is closed, so nothing else runs there */
	if (s == NULL)
		return false;
	if (s->phase == SESSION_ROUTING) {
		stop_waiting(s);
		return false;
	}
	if (s->conn == NULL || s->conn->thread_id != i->thread_id)
		return false;		/* it was run again elsewhere, after a loss */
	s->conn->no_reuse = true;	/* the server may obey late */
	s->interruptions++;
	i->holds = true;
	return true;
}

static void killer_ready(void *owner, struct server_conn *conn)
{
	struct interruption *i = owner;
	uint8_t memory[128];
	struct writer w = writer_over(memory, sizeof(memory));
	char sql[48];

	pool_adopt(conn, &killer_owner, i);
	if (!may_strike(i)) {
		killer_done(i, conn);
		return;
	}
	(void)snprintf(sql, sizeof(sql), "KILL QUERY %u", i->thread_id);
	if (server_conn_ask(conn, sql, &killer_sink, i, &w))
		stream_write(&conn->stream, writer_span(&w));
}

/* False: there is nothing to wait for. */
static bool interrupt(struct session *s, const struct kill_request *r)
{
	struct interruption *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return false;
	i->env = s->env;
	i->request = *r;
	i->serial = s->serial;
	TAILQ_INSERT_TAIL(&s->env->interruptions, i, link);
	dial_killer(i, s->conn);
	return true;
}

void relay_kill_forget_all(struct relay_env *env)
{
	struct interruption *i;

	while ((i = TAILQ_FIRST(&env->interruptions)) != NULL) {
		TAILQ_REMOVE(&env->interruptions, i, link);
		free(i);
	}
}

/* --- the one that is meant ----------------------------------------------------------- */

/* False: the answer follows, from the interruption. */
static bool kill_session(struct session *s, const struct kill_request *r)
{
	bool at_server = s->phase == SESSION_RESTORING || s->phase == SESSION_RUNNING;
	bool asked = at_server && s->conn != NULL && interrupt(s, r);

	if (!r->query_only)
		session_close(s, "killed");
	else if (s->phase == SESSION_ROUTING)
		stop_waiting(s);
	return !asked;
}

static bool is_over(struct relay_env *env, struct kill_request *r)
{
	struct session *s = session_find(env, r->target);

	r->answer = KILL_UNKNOWN;
	if (s == NULL)
		return true;
	r->answer = KILL_NOT_OWNER;
	if (!r->allowed && !span_is(s->account->user, r->user))
		return true;
	r->answer = KILL_DONE;
	return r->target == r->asker || kill_session(s, r);
}

void relay_kill(struct relay_env *env, const struct kill_request *r)
{
	struct kill_request answer = *r;

	if (is_over(env, &answer))
		env->host_ops->kill_answered(env->host, &answer);
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
	case KILL_FAILED:
		session_send_error(s, RMX_NOT_INTERRUPTED, r->target);
		s->st.failed = true;
		statement_done(s);
		return;
	case KILL_DONE:
		break;
	}
	if (r->target == s->id) {
		kill_self(s);
		return;
	}
	session_answer_ok(s);
	statement_done(s);
}
