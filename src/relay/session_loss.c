/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session does when its server is lost: statements without effect move
 * on, of all others the client is told honestly what is known.
 */
#include <readmux/relay/session_parts.h>

static bool ends_transaction(const struct statement *st)
{
	return (st->verdict.flags & (SQL_ENDS | SQL_COMMITS)) != 0;
}

static bool only_rolls_back(const struct statement *st)
{
	return (st->verdict.flags & SQL_ENDS) != 0 &&
	       (st->verdict.flags & (SQL_COMMITS | SQL_MULTI)) == 0;
}

/* May run a second time although its first run may have happened. */
bool statement_may_repeat(const struct session *s)
{
	const struct statement *st = &s->st;
	bool begins = (st->verdict.flags & (SQL_BEGINS | SQL_MULTI)) == SQL_BEGINS;

	if (st->in_transaction || s->pins != 0 || s->body.kind != BODY_NONE || st->passed)
		return false;
	return st->route.retryable || begins || st->command == COM_STMT_PREPARE ||
	       (st->verdict.class == SQL_SESSION && (st->verdict.flags & SQL_MULTI) == 0);
}

/* Everything that lived on the lost connection is gone. */
void session_forget_attachment(struct session *s)
{
	s->pins = 0;
	session_drop_ties(s);
	prepared_set_detach(&s->prepared);
	session_count_prepared(s);
	s->status &= (uint16_t)~(SERVER_STATUS_IN_TRANS | SERVER_STATUS_IN_TRANS_READONLY);
}

/* A statement was in flight; tell the client honestly what is known of it. */
void session_tell_loss(struct session *s, const char *backend)
{
	struct statement *st = &s->st;

	if (st->passed)
		response_cut(s, RMX_RESULT_CUT, backend);
	else if (only_rolls_back(st))
		session_send_ok(s);
	else if (st->in_transaction && !ends_transaction(st))
		session_send_error(s, RMX_ROLLED_BACK, backend);
	else if ((st->verdict.class == SQL_READ || st->harmless) && !st->in_transaction)
		session_send_error(s, RMX_RESULT_CUT, backend);
	else
		session_send_error(s, RMX_OUTCOME_UNKNOWN, backend);
	if (s->phase >= SESSION_CLOSING)
		return;
	session_forget_attachment(s);
	st->failed = true;
	statement_done(s);
}

static void lost_while_idle(struct session *s, struct server_conn *conn)
{
	if (session_in_transaction(s))
		s->lost_transaction = true;
	(void)snprintf(s->lost_on, sizeof(s->lost_on), "%s", conn->pool->name);
	session_forget_attachment(s);
}

/* Only what readmux itself asked was still in flight. */
static void lost_after_answer(struct session *s, struct server_conn *conn)
{
	if (s->pins != 0 || session_in_transaction(s))
		lost_while_idle(s, conn);
	statement_done(s);
}

static void lost_while_running(struct session *s, struct server_conn *conn)
{
	struct statement *st = &s->st;
	const char *backend = conn->pool->name;

	if (st->answered) {
		lost_after_answer(s, conn);
		return;
	}
	pool_statement_done(conn->pool, 0, false);
	log_info(&s->log, "server lost during a statement", LOG_TEXT("backend", backend),
		 LOG_TEXT("problem", conn->problem), LOG_UINT("attempt", st->attempts));
	STAT_INC(s->env->stats, server_losses_total);
	STAT_INC(conn->pool->stats, losses_total);
	st->avoid = conn->pool->backend_id;
	st->waits_since_us = 0;		/* while it ran it did not wait */
	if (statement_may_repeat(s)) {
		statement_count_retry(s, conn->pool);
		st->route.reason = REASON_RETRIED;
		statement_run_again(s);
		return;
	}
	if (s->body.kind != BODY_NONE) {
		s->body.failure = RMX_OUTCOME_UNKNOWN;
		stream_resume(&s->stream);
		return;		/* swallow the rest first */
	}
	session_tell_loss(s, backend);
}

void session_conn_gone(void *owner, struct server_conn *conn)
{
	struct session *s = session_from(owner);
	bool attached = s->pins != 0 || session_in_transaction(s);

	s->conn = NULL;
	server_conn_give_evidence(conn);
	switch ((enum session_phase)s->phase) {
	case SESSION_RUNNING:
		lost_while_running(s, conn);
		return;
	case SESSION_RESTORING:		/* nothing of the statement was sent */
		if (attached)
			session_tell_loss(s, conn->pool->name);
		else
			statement_run_again(s);
		return;
	case SESSION_READY:
		lost_while_idle(s, conn);
		return;
	case SESSION_ROUTING:
		statement_run_again(s);
		return;
	case SESSION_NEW:
	case SESSION_LOGIN:
	case SESSION_TLS:
	case SESSION_PROVING:
	case SESSION_CLOSING:
	case SESSION_CLOSED:
		return;
	}
}

static bool other_server_usable(const struct session *s, uint32_t than)
{
	const struct topology *t = s->env->topology;

	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].usable && t->backends[i].id != than)
			return true;
	}
	return false;
}

/* Nothing of the statement was sent yet, and nothing ties it to this connection. */
static bool still_restoring(const struct session *s)
{
	return s->phase == SESSION_RESTORING && s->pins == 0 && !session_in_transaction(s);
}

/* Its server answers no probe: ask elsewhere, or wait, where that costs nothing. */
void session_conn_silent(void *owner, struct server_conn *conn)
{
	struct session *s = session_from(owner);
	bool may_move = s->phase == SESSION_RUNNING && statement_may_repeat(s) &&
			other_server_usable(s, conn->pool->backend_id);

	if (may_move || still_restoring(s))
		server_conn_lose(conn, "the server answers no probes");
}

/* State that was lost while the session was idle is told now, once. */
bool session_told_loss(struct session *s)
{
	bool rolled_back = s->lost_transaction;

	if (s->lost_on[0] == '\0')
		return false;
	s->lost_transaction = false;
	if (rolled_back && only_rolls_back(&s->st))
		session_send_ok(s);
	else if (rolled_back)
		session_send_error(s, RMX_ROLLED_BACK, s->lost_on);
	else
		session_send_error(s, RMX_STATE_LOST, s->lost_on,
				   "temporary tables, locks or prepared statements of this session");
	s->lost_on[0] = '\0';
	return true;
}
