/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session must not miss: its own writes, and what it was shown before.
 *
 * Its position holds both.  A write's GTID comes with its OK packet.  How much a
 * server had applied when it answered a read, no packet tells; but an answer to a question
 * that was sent after the read covers it, whoever asked.  So servers are asked now
 * and then, after a read, and until its last read is covered a session stays
 * with the server that answered it, or goes to the primary, which has everything.
 *
 * Whom to ask: MySQL with GTIDs tells of itself all that it shows (what is committed before
 * its GTID is counted is in gtid_owned until then).  Other replicas show a transaction before
 * they report it, MariaDB's while its log is flushed; but whatever they show is in the
 * primary's log, so there the primary is asked, or its probe.
 */
#include <readmux/base/clock.h>
#include <readmux/relay/position.h>
#include <readmux/relay/session_parts.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/reader.h>

#define ASK_EVERY_US     5000u		/* least time between two questions to one server */
#define CHOOSE_EVERY_US  10000u		/* a busy session waits for an answer only so often */
#define ASK_OTHERS_US    50000u		/* between two questions to the primary about replicas */
#define REFUSED_US   60000000u		/* ... by an account that may not ask */
#define STICK_MS         1000u		/* without positions, besides measured lag and probes */
#define SETTLED_US       1000000u	/* with the primary away this long replicas show nothing new */
#define MOVE_EVERY_US    1000000u	/* a session leaves a replica at the risk of a wait */
#define MOVE_LAG_MS      1000u		/* ... for one that is less behind than that */
#define MOVE_AGAIN_US    10000000u	/* ... when that has failed */

/* The nearest that says something. */
enum consistency session_consistency(const struct session *s)
{
	const enum sql_consistency asked[] = {
		s->st.verdict.hint_consistency, s->own_consistency, s->user_consistency,
		s->listen_consistency,
	};

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		if (asked[i] != SQL_CONSISTENCY_UNSET)
			return (enum consistency)(asked[i] - SQL_CONSISTENCY_SESSION);
	}
	return s->env->settings->consistency;
}

const char *session_consistency_name(const struct session *s)
{
	static const char *const names[] = {
		[CONSISTENCY_SESSION] = "session",
		[CONSISTENCY_EVENTUAL] = "eventual",
		[CONSISTENCY_PRIMARY] = "primary",
	};

	return names[session_consistency(s)];
}

void session_login_consistency(struct session *s)
{
	const struct settings *settings = s->env->settings;

	s->user_consistency = SQL_CONSISTENCY_UNSET;
	for (size_t i = 0; i < settings->user_count; i++) {
		if (span_is(s->account->user, settings->users[i].name))
			s->user_consistency = settings->users[i].consistency;
	}
}

/* Own writes and what was shown count. */
static bool minds(const struct session *s)
{
	return session_consistency(s) == CONSISTENCY_SESSION;
}

/* --- asking a server how far it is ------------------------------------------------------ */

/* Replicas need no binary log to know how far they are. */
static bool has_gtids(const struct relay_env *env)
{
	const struct backend_view *primary = topology_primary(env->topology);

	return primary != NULL && primary->facts.gtid;
}

/* Without GTIDs places in its binary log tell, if somebody may ask for them. */
static bool has_positions(const struct relay_env *env)
{
	const struct backend_view *primary = topology_primary(env->topology);

	return primary != NULL && (primary->facts.gtid || primary->log[0] != '\0');
}

/* Servers tell of themselves what they have shown; else the primary does for all of them. */
static bool tell_themselves(const struct relay_env *env)
{
	const struct backend_view *primary = topology_primary(env->topology);

	return primary != NULL && primary->facts.gtid && !primary->facts.mariadb;
}

static const char *primary_uuid(const struct relay_env *env)
{
	const struct backend_view *primary = topology_primary(env->topology);

	return primary != NULL ? primary->facts.uuid : "";
}

/* Whose position covers what the session was shown. */
static const struct backend_view *witness(const struct session *s)
{
	const struct topology *t = s->env->topology;

	return tell_themselves(s->env) ? topology_by_id(t, s->seen.backend) :
					 topology_primary(t);
}

static struct pool *witness_pool(const struct session *s)
{
	const struct backend_view *view = witness(s);

	return view != NULL ? pool_of(s->env->pools, view) : NULL;
}

static bool is_usable(const struct backend_view *view)
{
	return view != NULL && view->usable;
}

/*
 * The session reads from a replica, and what would cover that holds more, which the replica need
 * not have: nothing to wait for as long as the session stays.
 */
static bool had_better_stay(const struct session *s)
{
	const struct backend_view *seen = topology_by_id(s->env->topology, s->seen.backend);
	const struct pool *pool = is_usable(seen) ? pool_of(s->env->pools, seen) : NULL;

	return pool != NULL && has_positions(s->env) && seen->role == BACKEND_REPLICA &&
	       seen->id != s->st.avoid && seen->since_us <= s->seen.us && (pool->shown_more || !tell_themselves(s->env));
}

static void set_shown(struct pool *pool, const char *position)
{
	(void)snprintf(pool->shown, sizeof(pool->shown), "%s", position);
	pool->shown_us = pool->asked_us;
}

/* MariaDB: where the primary's log ends; empty when nothing was ever written. */
static void take_gtids(struct pool *pool, struct reader *row)
{
	struct span value = reader_lenenc_bytes(row);
	char position[POSITION_MAX];

	if (!reader_finish(row) || !position_is_wellformed(value))
		return;
	(void)span_copy(value, position, sizeof(position));
	set_shown(pool, position);
}

/* It is in a character set of two bytes or more. */
static bool has_nul(struct span text)
{
	return text.len > 0 && memchr(text.data, '\0', text.len) != NULL;
}

/* MySQL: what is being committed, and what was; read in that order no GTID is in neither. */
static void take_gtid_sets(struct pool *pool, struct reader *row)
{
	struct span owned = reader_lenenc_bytes(row), executed = reader_lenenc_bytes(row);
	const char *uuid = primary_uuid(pool->env);
	char low[POSITION_MAX], high[POSITION_MAX];

	if (!reader_finish(row) || uuid[0] == '\0' || has_nul(owned) || has_nul(executed))
		return;
	position_of_source(executed, uuid, low, high);
	pool->shown_more = position_add_owned(owned, uuid, high);
	pool_has_reached(pool, low);
	set_shown(pool, high);
}

/* The same without GTIDs: file and offset of the log's end are the first two of several. */
static void take_log_end(struct pool *pool, struct reader *row)
{
	struct span file = reader_lenenc_bytes(row), offset = reader_lenenc_bytes(row);
	char text[POSITION_MAX];
	struct writer w = writer_over((uint8_t *)text, sizeof(text) - 1);

	writer_bytes(&w, file);
	writer_text(&w, ":");
	writer_bytes(&w, offset);
	text[w.bad ? 0 : w.len] = '\0';
	if (!row->bad && position_is_in_log(text) && position_is_wellformed(span_of(text)))
		set_shown(pool, text);
}

static void asked_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	struct reader r = reader_over(span_from(frame_last(bytes), PACKET_HEADER_LEN));
	struct pool *pool = arg;

	(void)conn;
	if (!row)
		return;
	if (!has_gtids(pool->env))
		take_log_end(pool, &r);
	else if (pool->mariadb)
		take_gtids(pool, &r);
	else
		take_gtid_sets(pool, &r);
}

/* Its user may not ask: probes tell, now and then. */
static void asked_packet(void *arg, struct server_conn *conn, const struct result_step *step,
			 struct span raw, const struct ok_packet *ok)
{
	(void)arg;
	(void)raw;
	(void)ok;
	if (step->packet == RESULT_PACKET_ERR)
		conn->account->log_refused_us = loop_now_us(conn->env->loop);
}

static void asked_end(void *arg, struct server_conn *conn)
{
	struct pool *pool = arg;
	struct session *s = pool->asker;

	(void)conn;
	pool->asking = false;
	pool->asker = NULL;
	if (s == NULL)
		return;
	s->asked = NULL;
	if (s->phase != SESSION_ROUTING || !s->st.awaits_position)
		return;
	s->st.awaits_position = false;
	if (!statement_awaits_values(s))
		statement_route(s);
}

void session_forget_question(struct session *s)
{
	if (s->asked != NULL)
		s->asked->asker = NULL;
	s->asked = NULL;
}

/*
 * The question went out behind the read before, so its answer is as good as there.  A
 * session that never pauses would otherwise stay with one server for ever.
 */
bool statement_awaits_position(struct session *s)
{
	uint64_t every = had_better_stay(s) ? MOVE_EVERY_US : CHOOSE_EVERY_US;

	if (s->asked == NULL || s->seen.backend == 0 || s->asked != witness_pool(s) ||
	    s->st.verdict.class != SQL_READ || s->conn != NULL ||
	    loop_now_us(s->env->loop) < s->free_us + every)
		return false;
	s->st.awaits_position = true;
	return true;
}

static const struct sink_ops asked_sink = {
	.pass = asked_pass,
	.packet = asked_packet,
	.batch_end = server_conn_drop_news,
	.end = asked_end,
	.lost = asked_end,
};

static const char *question(const struct session *s, const struct server_conn *conn)
{
	if (!has_gtids(s->env))
		return conn->pool->names_log_status ? "SHOW BINARY LOG STATUS" :
						      "SHOW MASTER STATUS";
	return conn->mariadb ? "SELECT @@global.gtid_binlog_pos" :
			       "SELECT @@global.gtid_owned, @@global.gtid_executed";
}

/* Without GTIDs few may ask. */
static bool may_be_told(const struct session *s, const struct server_conn *conn)
{
	uint64_t refused = conn->account->log_refused_us;

	return has_gtids(s->env) ||
	       (has_positions(s->env) &&
		(refused == 0 || loop_now_us(s->env->loop) > refused + REFUSED_US));
}

/* It has read, or written, what its position does not cover and <pool>'s server can tell. */
static bool wants_to_know(const struct session *s, const struct pool *pool)
{
	return minds(s) && ((s->seen.backend != 0 && pool == witness_pool(s)) ||
			    (s->wrote_us != 0 && !pool->replica));
}

/* Diagnostics that the client may still look at are worth more. */
static bool may_disturb(const struct session *s)
{
	const struct statement *st = &s->st;

	return !s->last.failed && s->last.warnings == 0 && s->last.found_rows_known &&
	       !st->failed && st->warnings == 0 &&
	       s->body.kind == BODY_NONE &&
	       (st->verdict.flags & (SQL_FOUND_ROWS_WANTED | SQL_ABOUT_PREVIOUS)) == 0;
}

/* A connection of <pool>: <used>, which the session gives back, or another one that is idle. */
static struct server_conn *whom_to_ask(const struct session *s, struct pool *pool,
				       struct server_conn *used)
{
	struct server_conn *conn = pool == used->pool ? used : pool_idle(pool);

	if (conn == NULL || (conn == used && !may_disturb(s)))
		return NULL;
	return may_be_told(s, conn) ? conn : NULL;
}

void session_ask_shown(struct session *s, struct server_conn *used)
{
	struct pool *witness = s->seen.backend != 0 ? witness_pool(s) : NULL;
	struct pool *pool = witness != NULL ? witness : used->pool;
	struct server_conn *conn;
	uint8_t memory[80];
	struct writer w = writer_over(memory, sizeof(memory));
	uint64_t now;

	if (pool->asking || !wants_to_know(s, pool))
		return;
	now = clock_now_us();
	if (now < pool->asked_us + (pool == used->pool ? ASK_EVERY_US : ASK_OTHERS_US))
		return;
	conn = whom_to_ask(s, pool, used);
	if (conn == NULL)
		return;
	pool->asked_us = now;
	if (!server_conn_ask(conn, question(s, conn), &asked_sink, pool, &w))
		return;
	session_forget_question(s);
	pool->asking = true;
	pool->asker = s;
	s->asked = pool;
	stream_write(&conn->stream, writer_span(&w));
}

/* --- what an answer has taught ----------------------------------------------------------- */

/* Statements for the primary that nevertheless change no data. */
static bool only_looks(enum route_reason reason)
{
	return reason == REASON_LOCKING_READ || reason == REASON_ROLE_VARIABLE ||
	       reason == REASON_PRIMARY_STATUS || reason == REASON_INTO ||
	       reason == REASON_ASSIGNS_VARIABLE || reason == REASON_SETS_COMPUTED ||
	       reason == REASON_SETS_TIED;
}

/* A single statement that failed has changed nothing; a stored program may have before it did. */
static bool may_have_written(const struct statement *st)
{
	bool multi = (st->verdict.flags & SQL_MULTI) != 0;
	bool commits = st->in_transaction && (st->verdict.flags & SQL_COMMITS) != 0;

	if (st->replica || st->harmless ||
	    (st->verdict.class != SQL_WRITE && !st->primary_only && !commits))
		return false;
	if (only_looks(st->verdict.reason) && !multi && !commits)
		return false;
	return !st->failed || multi || st->verdict.reason == REASON_CALLS ||
	       st->verdict.reason == REASON_UNKNOWN_FUNCTION;
}

/* False: where the write is cannot be said. */
static bool take_written(struct session *s)
{
	const struct server_conn *conn = s->conn;
	char low[POSITION_MAX], high[POSITION_MAX];

	if (conn->mariadb)
		return position_advance(s->position, conn->position);
	position_of_source(span_of(conn->position), primary_uuid(s->env), low, high);
	return high[0] != '\0' && position_advance(s->position, high);
}

void session_learn_position(struct session *s)
{
	const struct statement *st = &s->st;
	struct pool *pool = s->conn->pool;

	if (s->conn->position[0] != '\0') {
		if (!take_written(s))
			s->wrote_us = clock_now_us();
		else if (!st->has_result)
			s->seen.backend = 0;	/* what it saw on its way is older */
	} else if (may_have_written(st) && (!st->ended_by_ok || !has_gtids(s->env))) {
		s->wrote_us = clock_now_us();	/* nobody could say where */
	}
	/* without positions time alone covers a read: it must not begin anew with each */
	if (!st->has_result || (s->seen.backend == pool->backend_id && !has_positions(s->env)))
		return;
	/* both servers' data were shown, and only one of them is remembered: the primary has both */
	if (s->seen.backend != 0 && s->seen.backend != pool->backend_id && st->replica &&
	    !st->moves && s->seen.us > s->wrote_us)
		s->wrote_us = s->seen.us;
	s->seen.us = clock_now_us();
	if (s->seen.backend != pool->backend_id)
		s->seen.since_us = s->seen.us;
	s->seen.backend = pool->backend_id;
}

/* --- what that means for the next read --------------------------------------------------------- */

static bool time_has_passed(const struct session *s, uint64_t since_us)
{
	const struct topology *t = s->env->topology;
	uint64_t window = 2 * s->env->settings->probe_interval_ms + STICK_MS;
	uint64_t lag = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].usable && t->backends[i].lag_ms > lag)
			lag = t->backends[i].lag_ms;
	}
	return loop_now_us(s->env->loop) > since_us + (window + lag) * 1000;
}

static bool is_position(const struct session *s, const char *log)
{
	return log[0] != '\0' && position_is_wellformed(span_of(log)) &&
	       position_is_in_log(log) != has_gtids(s->env);
}

/*
 * What covers everything that <view>'s server had at <since_us>, for it was asked later, by a
 * session or, for places in the log, by its probe.  NULL: nothing yet.
 */
static const char *told_since(const struct session *s, const struct backend_view *view,
			      uint64_t since_us)
{
	const struct pool *pool = pool_of(s->env->pools, view);

	if (pool != NULL && pool->shown_us > since_us &&
	    position_is_in_log(pool->shown) != has_gtids(s->env))
		return pool->shown;
	return view->log_us > since_us && is_position(s, view->log) ? view->log : NULL;
}

/*
 * With the primary away nothing is added to what a replica shows, so that what it said of
 * itself a little later is all of that: a probe where two in a row have told the same.
 */
static bool covered_by_replica(struct session *s)
{
	const struct backend_view *primary = topology_primary(s->env->topology);
	const struct backend_view *seen = topology_by_id(s->env->topology, s->seen.backend);
	const struct pool *pool = seen != NULL ? pool_of(s->env->pools, seen) : NULL;
	const char *told;

	if (pool == NULL || seen->role != BACKEND_REPLICA || primary == NULL || primary->usable)
		return false;
	told = told_since(s, seen, primary->since_us + SETTLED_US);
	if (told == NULL || (told == seen->log && pool->applied_us == seen->log_us))
		return false;
	return position_advance(s->position, told);
}

/* For as long as a write would wait for the primary, a read waits for what only it may have. */
static bool waited_enough(const struct session *s, uint64_t since_us)
{
	return s->st.makes_do ||
	       loop_now_us(s->env->loop) > since_us + s->env->settings->wait_write_ms * 1000;
}

/* An older answer is better than none now, but no older one than it has to be. */
static void make_do_with_replicas(struct session *s)
{
	const struct topology *t = s->env->topology;

	for (size_t i = 0; i < t->n; i++) {
		const struct backend_view *view = &t->backends[i];

		if (view->role == BACKEND_REPLICA && view->usable && is_position(s, view->log) &&
		    !position_advance(s->position, view->log))
			return;		/* too long: it would be waited for in vain */
	}
}

/*
 * What <view>'s server had at <since_us> is in the position now, or on every server.  Time has to
 * do where nobody may ask for positions, and when its server is gone.
 */
static bool is_covered(struct session *s, const struct backend_view *view, uint64_t since_us)
{
	const char *told;

	if (view == NULL || (!has_gtids(s->env) && view->log[0] == '\0'))
		return time_has_passed(s, since_us);
	told = told_since(s, view, since_us);
	if (told != NULL && position_advance(s->position, told))
		return true;
	if (view->role != BACKEND_PRIMARY || view->usable || !waited_enough(s, since_us))
		return false;
	make_do_with_replicas(s);
	return true;
}

/* GTIDs were switched on or off: what the position says nobody can wait for any more. */
static void forget_other_kind(struct session *s)
{
	if (s->position[0] == '\0' || position_is_in_log(s->position) != has_gtids(s->env))
		return;
	s->position[0] = '\0';
	s->wrote_us = clock_now_us();
}

/* What covers all that the session was shown; NULL: nothing yet. */
static const char *what_is_told(const struct session *s)
{
	const struct backend_view *view = witness(s);

	return view != NULL ? told_since(s, view, s->seen.us) : NULL;
}

/*
 * Without a position to wait for, reads stay on the primary until one is known, or every usable
 * replica has had time to catch up, as far as its lag was measured.
 */
void session_settle_position(struct session *s)
{
	const struct backend_view *primary = topology_primary(s->env->topology);

	if (s->conn != NULL && s->conn->pool->replica)
		return;		/* it stays there, and waits for nothing */
	forget_other_kind(s);
	if (s->wrote_us != 0 && is_covered(s, primary, s->wrote_us))
		s->wrote_us = 0;
	if (s->seen.backend == 0)
		return;
	if (had_better_stay(s)) {
		if (what_is_told(s) != NULL)
			s->free_us = loop_now_us(s->env->loop);
		return;
	}
	if (!covered_by_replica(s) && !is_covered(s, witness(s), s->seen.us))
		return;
	s->seen.backend = 0;
	s->free_us = loop_now_us(s->env->loop);
}

static bool is_nearly_there(const struct backend_view *view)
{
	return view->lag_state == LAG_SECRET ||
	       (view->lag_state == LAG_KNOWN && view->lag_ms < MOVE_LAG_MS);
}

/* The position and what covers all that was shown.  False: that is not known, or too long. */
static bool join_told(const struct session *s, char position[POSITION_MAX])
{
	const char *told = what_is_told(s);

	(void)snprintf(position, POSITION_MAX, "%s", s->position);
	return told != NULL && position_advance(position, told);
}

/* <view>'s server certainly has what the session was shown, or it is time for a change. */
static bool may_move_to(const struct session *s, const struct backend_view *view)
{
	const struct pool *pool = pool_of(s->env->pools, view);
	char position[POSITION_MAX];

	if (pool == NULL || (s->st.verdict.flags & SQL_ABOUT_PREVIOUS) != 0 ||
	    !join_told(s, position) ||
	    (view->other_source && position_is_in_log(position)))
		return false;
	if (position_reached(pool->reached, position))
		return true;
	return loop_now_us(s->env->loop) > s->seen.since_us + MOVE_EVERY_US &&
	       loop_now_us(s->env->loop) > pool->behind_until_us && is_nearly_there(view);
}

void session_moves_to(struct session *s, const struct backend_view *view)
{
	s->st.moves = view->role == BACKEND_REPLICA && s->seen.backend != 0 &&
		      s->seen.backend != view->id && had_better_stay(s) &&
		      what_is_told(s) != NULL;
}

void session_cannot_move(struct session *s)
{
	s->st.moves = false;
	s->seen.since_us = loop_now_us(s->env->loop) + MOVE_AGAIN_US - MOVE_EVERY_US;
}

/* The primary can answer, or the server that the session has read from. */
static bool has_sure_answer(const struct session *s)
{
	const struct topology *t = s->env->topology;

	return is_usable(topology_primary(t)) ||
	       (s->seen.backend != s->st.avoid && is_usable(topology_by_id(t, s->seen.backend)));
}

/* Its server can wait for the session's position. */
static bool knows_position(const struct session *s, const struct backend_view *view)
{
	return !view->other_source || s->position[0] == '\0' || !position_is_in_log(s->position);
}

bool session_may_read_at(const struct session *s, const struct backend_view *view)
{
	const struct pool *pool = pool_of(s->env->pools, view);

	if (!minds(s) || pool == NULL)
		return true;
	if (!knows_position(s, view) ||
	    (loop_now_us(s->env->loop) < pool->behind_until_us &&
	     !position_reached(pool->reached, s->position)))
		return false;
	if (s->seen.backend == 0 || s->seen.backend == view->id)
		return true;
	if (had_better_stay(s))
		return may_move_to(s, view);
	return !has_sure_answer(s) && waited_enough(s, s->seen.us);
}

const char *session_known_position(const struct session *s, char memory[POSITION_MAX])
{
	return s->seen.backend != 0 && join_told(s, memory) ? memory : s->position;
}

const char *statement_position(const struct session *s, char memory[POSITION_MAX])
{
	const char *position = s->position;

	if (!s->st.replica || s->st.route.target == ROUTE_ATTACHED || !minds(s))
		return NULL;
	if (s->st.moves && join_told(s, memory))
		position = memory;
	return position[0] != '\0' && !position_reached(s->conn->pool->reached, position) ?
	       position : NULL;
}
