/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session does when its server is lost: statements without effect move
 * on, of all others the client is told honestly what is known.
 */
#include <readmux/relay/session_parts.h>

#define ENDS_SERVERS_US 5000000u	/* servers that die of a statement do so one soon after the other */

/* Whether or not it has run, the transaction that it ran in was rolled back. */
static bool keeps_transaction(const struct statement *st)
{
	return st->harmless || (st->verdict.flags & SQL_KEEPS_TRANSACTION) != 0;
}

/* What XA PREPARE has prepared outlives its connection, and its server. */
static bool rolls_back_when_lost(const struct session *s)
{
	return session_in_transaction(s) && (s->pins & SQL_PIN_XA) == 0;
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

	if (st->in_transaction || s->pins != 0 || !statement_is_kept(s) || st->passed)
		return false;
	return st->route.retryable || begins || st->command == COM_STMT_PREPARE ||
	       (st->verdict.class == SQL_SESSION && (st->verdict.flags & SQL_MULTI) == 0);
}

/* For executions that will lack what was sent ahead for them. */
static const struct failure long_data_lost = {
	.number = 2013,
	.sqlstate = "08S01",
	.text = "readmux: lost the connection to a server, and with it the data that was sent "
		"for this statement; it was not run",
};

/* Everything that lived on the lost connection is gone. */
void session_forget_attachment(struct session *s)
{
	struct prepared *p = s->st.prepared;
	uint32_t id = p != NULL && p != s->preparing ? p->id : 0;

	s->pins = 0;
	session_drop_ties(s);
	if (id != 0 && statement_is_answered(&s->st))
		prepared_set_long_data(&s->prepared, p, false);	/* its execution is told itself */
	prepared_set_detach(&s->prepared, &long_data_lost);
	if (id != 0 && prepared_set_find(&s->prepared, id) == NULL)
		s->st.prepared = NULL;
	session_count_prepared(s);
	s->status &= (uint16_t)~(SERVER_STATUS_IN_TRANS | SERVER_STATUS_IN_TRANS_READONLY);
}

/* What is known of one that was in flight and has no answer. */
static enum rmx_error error_of_loss(const struct session *s)
{
	const struct statement *st = &s->st;

	if (st->in_transaction && rolls_back_when_lost(s) && keeps_transaction(st))
		return RMX_ROLLED_BACK;
	if ((st->verdict.class == SQL_READ || st->harmless) && !st->in_transaction)
		return RMX_RESULT_CUT;
	return RMX_OUTCOME_UNKNOWN;
}

/* A statement was in flight; tell the client honestly what is known of it. */
void session_tell_loss(struct session *s, const char *backend)
{
	struct statement *st = &s->st;
	enum rmx_error error = error_of_loss(s);
	bool in_answer = st->passed && !st->asked_file;

	session_forget_attachment(s);
	if (!in_answer && !only_rolls_back(st)) {
		statement_fail(s, error, backend);
		return;
	}
	if (in_answer)
		response_cut(s, RMX_RESULT_CUT, backend);
	else
		session_send_ok(s);
	if (s->phase >= SESSION_CLOSING)
		return;
	st->failed = true;
	statement_done(s);
}

static void lost_while_idle(struct session *s, struct server_conn *conn)
{
	if (rolls_back_when_lost(s))
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

/* A command without an answer: its execution is told of it, and of all else the next statement. */
static void lost_unanswered(struct session *s, struct server_conn *conn)
{
	if (s->pins != 0 || session_in_transaction(s))
		lost_while_idle(s, conn);
	statement_fail_as(s, &long_data_lost);
}

static const char *name_of(const struct session *s, uint32_t backend)
{
	const struct backend_view *view = topology_by_id(s->env->topology, backend);

	return view != NULL ? view->name : "a server that is gone";
}

/*
 * A statement that ends its server would end them all, one after the other: one that was lost
 * twice in the middle is not run a third time, unless its servers died long one after the other;
 * then not a fourth time.  A silent server has not died of it.
 */
static bool may_end_servers(const struct session *s)
{
	const struct statement *st = &s->st;

	return st->died_on != 0 &&
	       (st->died_before || loop_now_us(s->env->loop) < st->died_us + ENDS_SERVERS_US);
}

static void repeat_elsewhere(struct session *s, struct server_conn *conn)
{
	struct statement *st = &s->st;

	if (st->given_up) {
		st->given_up = false;
	} else if (may_end_servers(s)) {
		statement_fail(s, RMX_LOST_TWICE, name_of(s, st->died_on), conn->pool->name);
		return;
	} else {
		st->died_before = st->died_on != 0;
		st->died_on = conn->pool->backend_id;
		st->died_us = loop_now_us(s->env->loop);
	}
	statement_count_retry(s, conn->pool);
	st->route.reason = REASON_RETRIED;
	statement_run_again(s);
}

static void lost_while_running(struct session *s, struct server_conn *conn)
{
	struct statement *st = &s->st;
	const char *backend = conn->pool->name;

	if (st->answered) {
		lost_after_answer(s, conn);
		return;
	}
	if (!statement_is_answered(st)) {
		lost_unanswered(s, conn);
		return;
	}
	log_info(&s->log, "server lost during a statement", LOG_TEXT("backend", backend),
		 LOG_TEXT("problem", conn->problem), LOG_UINT("attempt", st->attempts));
	STAT_INC(s->env->stats, server_losses_total);
	STAT_INC(conn->pool->stats, losses_total);
	st->avoid = conn->pool->backend_id;
	st->waits_since_us = 0;		/* while it ran it did not wait */
	if (statement_may_repeat(s)) {
		repeat_elsewhere(s, conn);
		return;
	}
	session_tell_loss(s, backend);
}

/* Nothing of the statement was sent, but what it was to run in is gone. */
static void lost_before_sending(struct session *s, struct server_conn *conn)
{
	enum rmx_error error = rolls_back_when_lost(s) ? RMX_ROLLED_BACK : RMX_OUTCOME_UNKNOWN;

	if (!statement_is_answered(&s->st)) {
		lost_unanswered(s, conn);
		return;
	}
	if (s->body.kind != BODY_NONE) {
		session_forget_attachment(s);
		statement_fail(s, error, conn->pool->name);
		return;
	}
	lost_while_idle(s, conn);
	(void)session_told_loss(s);
	s->st.failed = true;
	statement_done(s);
}

void session_conn_gone(void *owner, struct server_conn *conn)
{
	struct session *s = session_from(owner);
	bool attached = s->pins != 0 || session_in_transaction(s);

	s->conn = NULL;
	server_conn_give_evidence(conn);
	if (s->body.failure != NULL) {	/* that is what its client will be told */
		lost_while_idle(s, conn);
		return;
	}
	switch ((enum session_phase)s->phase) {
	case SESSION_RUNNING:
		lost_while_running(s, conn);
		return;
	case SESSION_RESTORING:
	case SESSION_ROUTING:
		if (attached)
			lost_before_sending(s, conn);
		else
			statement_run_again(s);
		return;
	case SESSION_READY:
		lost_while_idle(s, conn);
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

	if (!may_move && !still_restoring(s))
		return;
	s->st.given_up = may_move;
	server_conn_lose(conn, "the server answers no probes");
}

void session_forget_loss(struct session *s)
{
	s->lost_on[0] = '\0';
	s->lost_transaction = false;
}

/* State that was lost while the session was idle is told now, once. */
bool session_told_loss(struct session *s)
{
	bool rolled_back = s->lost_transaction;

	if (s->lost_on[0] == '\0')
		return false;
	if (rolled_back && only_rolls_back(&s->st))
		session_send_ok(s);
	else if (rolled_back)
		session_send_error(s, RMX_ROLLED_BACK, s->lost_on);
	else
		session_send_error(s, RMX_STATE_LOST, s->lost_on,
				   "temporary tables, locks, prepared statements or an XA "
				   "transaction of this session");
	session_forget_loss(s);
	return true;
}
