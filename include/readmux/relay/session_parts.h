/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the session_*.c files share; nobody else includes it.
 */
#ifndef READMUX_RELAY_SESSION_PARTS_H
#define READMUX_RELAY_SESSION_PARTS_H

#include <readmux/auth/client_login.h>
#include <readmux/base/error.h>
#include <readmux/base/log.h>
#include <readmux/relay/diagnostics.h>
#include <readmux/relay/failure.h>
#include <readmux/relay/hold.h>
#include <readmux/relay/insert_id.h>
#include <readmux/relay/metadata.h>
#include <readmux/relay/pool.h>
#include <readmux/relay/restore.h>
#include <readmux/relay/session.h>
#include <readmux/model/table.h>
#include <readmux/sql/connection.h>
#include <readmux/wire/command.h>

#include <stdarg.h>

/* Errors of servers that mean something to readmux (the servers' error references). */
enum {
	ER_PARSE_ERROR = 1064,
	ER_QUERY_INTERRUPTED = 1317,
	ER_MAX_PREPARED_STMT_COUNT = 1461,
	ER_NEED_REPREPARE = 1615,
	ER_MUST_CHANGE_PASSWORD = 1820,
};

/* Columns: what the log calls it, and the phases that may follow. */
#define SESSION_PHASES(X)							\
	X(NEW,       "new",       TO(LOGIN) | TO(CLOSED))			\
	X(LOGIN,     "login",     TO(TLS) | TO(PROVING) | TO(READY) | TO(CLOSING) | TO(CLOSED)) \
	X(TLS,       "tls",       TO(LOGIN) | TO(CLOSED))			\
	X(PROVING,   "proving",   TO(LOGIN) | TO(READY) | TO(CLOSING) | TO(CLOSED)) \
	X(READY,     "ready",     TO(ROUTING) | TO(LOGIN) | TO(CLOSING) | TO(CLOSED)) \
	X(ROUTING,   "routing",   TO(ROUTING) | TO(READY) | TO(RESTORING) | TO(RUNNING) | TO(CLOSING) | TO(CLOSED)) \
	X(RESTORING, "restoring", TO(READY) | TO(ROUTING) | TO(RUNNING) | TO(CLOSING) | TO(CLOSED)) \
	X(RUNNING,   "running",   TO(READY) | TO(ROUTING) | TO(CLOSING) | TO(CLOSED)) \
	X(CLOSING,   "closing",   TO(CLOSED))					\
	X(CLOSED,    "closed",    0)

enum session_phase {
#define X(phase, name, next) SESSION_##phase,
	SESSION_PHASES(X)
#undef X
};

/* Pins besides those of the classifier (enum sql_pin). */
#define PIN_CHANGED        (1u << 23)	/* the server reported a change that nothing explains */
#define PIN_AUTO_IS_NULL   (1u << 24)	/* sql_auto_is_null: "IS NULL" finds the row inserted there */
#define PIN_LONG_DATA      (1u << 25)	/* long data of a statement not yet executed */
#define PIN_CURSOR         (1u << 26)	/* an open cursor */
#define PIN_NEXT_TRANSACTION (1u << 27)	/* SET TRANSACTION for the next one only */
#define PIN_UNREPLAYABLE   (1u << 28)	/* the server reported a change that cannot be replayed */
#define PIN_COMMAND        (1u << 29)	/* COM_SET_OPTION, replication commands */
#define PIN_STATEMENTS     (1u << 30)	/* prepared statements that cannot move */

/* The command in flight. */
struct statement {
	struct sql_verdict verdict;
	struct route       route;
	struct hold        packet;		/* its bytes, with header; empty for what streams */
	struct hold        filled;		/* sent in its place: with values of the session in it */
	struct hold        inner;		/* the text that an EXECUTE runs; empty = none, or unknown */
	struct session_state *inner_meaning;	/* the state in which that was prepared, or NULL */
	struct prepared   *prepared;		/* the one it is about, or NULL */
	struct metadata    metadata;		/* definitions in the answer to it */
	uint64_t           started_us;
	uint64_t           leased_us;		/* it had a server connection */
	uint64_t           sent_us;
	uint64_t           first_us;		/* the first bytes of its answer; 0 = not yet */
	uint64_t           waits_since_us;	/* for a server, since it was begun or lost one; 0 = it does not */
	size_t             waiting_bytes;	/* counted in env->waiting_bytes */
	uint64_t           insert_id;		/* of its OK packet, 0 = none */
	uint64_t           affected_rows;	/* of its last OK packet */
	uint64_t           rows;		/* of its last result set */
	uint32_t           backend_id;		/* where it was sent; 0 = nowhere yet */
	uint32_t           avoid;		/* backend id that failed just now, 0 = none */
	uint16_t           warnings;
	uint16_t           columns_told;	/* of its last result set, 0 = none */
	uint16_t           error;		/* number of its ERR packet, 0 = none */
	struct sql_session_columns columns;	/* of its row that the session fills in */
	const struct sink_ops *sink;		/* who takes the answer; NULL = the client */
	void             (*right_told)(struct session *s, bool allowed);	/* session_right.c */
	uint32_t           kill_target;		/* KILL: whom */
	bool               kill_query_only;
	bool               asking;		/* KILL, SHOW READMUX: waits for the answer of others */
	bool               awaits_position;	/* how far a server is, which was asked */
	bool               awaits_values;	/* what another server connection knows, which was asked */
	bool               complete;		/* nothing that it asks of the one before is left to ask */
	bool               numbers_left;	/* it asks for ROW_COUNT() or FOUND_ROWS() of the one before */
	bool               awaits_insert_id;	/* it asks for it, and a server is asked first */
	uint8_t            command;
	uint8_t            seq;			/* of the last packet of the request or answer seen */
	uint8_t            attempts;
	uint8_t            retries;		/* of them, after a server was lost or gave up */
	uint32_t           died_on;		/* backend id of the server that was lost last while it ran it, 0 = none */
	uint64_t           died_us;		/* when that was */
	bool               died_before;		/* so was another before that */
	bool               given_up;		/* its server is left because it is silent */
	bool               in_transaction;	/* the session was in one when it began */
	bool               harmless;		/* changes no data, whatever its class */
	bool               routed;		/* a server was to answer it */
	bool               recorded;		/* statement_record() */
	bool               binary;		/* readmux answers it itself, with binary rows */
	bool               prepare_again;	/* the server has lost the prepared statement */
	bool               alone;		/* nothing was in flight before it when it was sent */
	bool               replica;		/* it runs on a replica */
	bool               primary_only;	/* a replica could not do it */
	bool               moves;		/* to another replica than the last read's */
	bool               primary_first;	/* one was too late for it: the primary, if it is usable */
	bool               waiting;		/* on env->waiting */
	bool               for_primary;		/* what it waits for is the primary */
	bool               makes_do;		/* it has waited for that long enough */
	bool               waiting_counts;	/* there, or in a pool's line */
	bool               passed;		/* something of the answer went to the client */
	bool               asked_file;		/* ... but it was LOCAL INFILE's question for a file */
	bool               has_rows;		/* a row is in the answer */
	bool               has_result;		/* its last answer is a result set */
	bool               ended_by_ok;		/* so its trackers have spoken */
	bool               answered;		/* the client has all of its answer */
	bool               asked_for_news;	/* ... or they did when asked */
	bool               changed;		/* an OK packet reports a change of the session's state */
	bool               lock_refused;	/* its row says that GET_LOCK() gave no lock */
	bool               state_left;		/* what it changed went with a replica's connection */
	bool               failed;		/* the answer has an ERR packet */
	bool               interrupted;		/* ... that somebody has killed it, or the server ends */
	bool               again;		/* the ERR is not passed on: run it again elsewhere */
	bool               partial_packet;	/* the last bytes passed on end inside a packet */
};

/* A request whose bytes are passed on while they arrive (very long, or a local file). */
struct body {
	enum { BODY_NONE, BODY_STATEMENT, BODY_FILE } kind;
	uint32_t       left;		/* payload bytes of the packet under way */
	bool           continued;	/* that packet is full: another belongs to it */
	uint8_t        header[PACKET_HEADER_LEN];
	uint8_t        header_len;	/* bytes of the next header that have arrived */
	struct failure *failure;	/* nobody takes it; told when all of it has arrived */
};

#define SESSION_TAG 0x53455353u

struct session {
	uint32_t              tag;
	uint8_t               phase;		/* enum session_phase; changed by one gate */
	uint8_t               listen;		/* enum listen_route */
	bool                  farewell;		/* its end is ordinary, or told already */
	bool                  lost_transaction;	/* told at the next statement */
	bool                  login_counts;	/* a failure now is a failed login */
	uint16_t              status;		/* server status flags, as the client knows them */
	uint32_t              id;		/* connection id that the client knows */
	uint32_t              pins;
	uint32_t              serial;		/* of its statement; each has another one */
	uint32_t              interruptions;	/* KILL QUERY is on its way to its connection */
	uint64_t              capabilities;
	struct insert_id      insert_id;	/* LAST_INSERT_ID() */
	struct {
		int64_t  row_count;		/* ROW_COUNT() */
		uint64_t found_rows;		/* FOUND_ROWS() */
		uint16_t warnings;
		uint16_t errors;		/* among them, if it has failed */
		bool     found_rows_known;
		bool     failed;
		bool     counted;		/* failed, and <warnings> and <errors> are known */
	} last;					/* how the last statement ended */
	struct diagnostics    diagnostics;	/* what was kept of it before others used its connection */
	uint64_t              wrote_us;		/* last write without a position; 0 = none */
	struct {
		uint32_t backend;	/* 0 = none */
		uint64_t us;		/* clock_now_us() */
		uint64_t since_us;	/* when it began to read there */
	} seen;					/* the last read that <position> does not cover */
	uint64_t              free_us;		/* loop time when <position> covered everything */
	struct pool          *asked;		/* whose <asker> it is, or NULL */
	enum sql_consistency  own_consistency;	/* SET @readmux_consistency */
	enum sql_consistency  user_consistency;	/* of its user, at its login */
	enum sql_consistency  listen_consistency;	/* of the address that it came in on */
	struct relay_env     *env;
	TAILQ_ENTRY(session)  link;
	TAILQ_ENTRY(session)  wait_link;
	struct log_ctx        log;
	struct account       *account;
	struct user_stats    *user_stats;	/* NULL: not logged in */
	struct session_state *state;
	struct {
		struct account       *account;	/* NULL: no change is under way */
		struct session_state *state;	/* what is left when it is refused */
		uint8_t               refused;	/* changes so far */
	} before;				/* COM_CHANGE_USER */
	struct decisions     *decisions;	/* where its last statements went; NULL = none yet */
	struct showing       *showing;		/* its SHOW READMUX under way; NULL = none */
	struct trackers      *trackers;		/* as the client has set them; NULL = never */
	struct ties          *ties;		/* named things on its connection; NULL = none */
	struct prepared_set   prepared;
	struct prepared      *preparing;	/* its COM_STMT_PREPARE is in flight */
	struct server_conn   *conn;		/* leased, or being dialled for the login */
	struct server_conn   *previous;		/* where the last statement ran, while nobody else used it */
	struct client_login  *login;		/* during login only */
	struct pool_ticket    ticket;
	struct timer          timer;
	struct stream         stream;
	struct buffer         input;		/* received, not yet looked at */
	struct buffer         stash;		/* answer kept back until its first row */
	struct statement      st;
	struct body           body;
	struct address        peer;
	char                  lost_on[BACKEND_NAME_MAX];	/* pinned state went with this backend; "" = none */
	uint8_t               salt[SALT_LEN];		/* last sent; COM_CHANGE_USER answers it */
	char                  position[POSITION_MAX];	/* what this session has written or seen */
	struct deferred       looker;		/* looks at <input> at the end of the turn */
	struct deferred       reaper;
};

/* session.c */
struct session *session_from(void *arg);
void session_set_phase(struct session *s, enum session_phase to);
void session_close(struct session *s, const char *why);
/* Close when everything queued has been sent. */
void session_close_gently(struct session *s, const char *why);
/* Send readmux's own error as the answer; arguments fill in the error's text. */
void session_send_error(struct session *s, enum rmx_error error, ...);
/* The words of an error that the client will be told; counted and logged as told. */
void session_word_failure(struct session *s, struct failure *f, enum rmx_error error,
			  va_list arguments);
/* A server's error as the answer, word for word. */
void session_send_server_error(struct session *s, uint16_t number, const char *sqlstate,
			       const char *text);
/* An OK packet of readmux's own as the answer. */
void session_send_ok(struct session *s);
void session_answer_ok(struct session *s);	/* what the status says of statements is over */
void session_send_ok_with(struct session *s, struct span track);	/* track entries, as sent */
/* The same as the end of something: an EOF packet, or what stands for it. */
void session_send_eof(struct session *s, uint16_t warnings);
/* The command is answered: look at what else the client sent. */
void session_next(struct session *s);
/* Look at the input that was kept, at the end of this turn. */
void session_look_later(struct session *s);
void session_arm_idle(struct session *s);
/* How the text of this session's statements is to be read. */
struct sql_mode session_sql_mode(const struct session *s);

static inline bool statement_is_answered(const struct statement *st)
{
	return command_info(st->command)->response != RESPONSE_NONE;
}

/* All of it is here, so that it can be sent once more: not what was passed on as it came. */
static inline bool statement_is_kept(const struct session *s)
{
	return s->st.packet.len > 0 && s->body.kind == BODY_NONE;
}

static inline bool session_caches_metadata(const struct session *s)
{
	return (s->capabilities & MARIADB_CLIENT_CACHE_METADATA) != 0;
}

static inline bool session_in_transaction(const struct session *s)
{
	return (s->status & SERVER_STATUS_IN_TRANS) != 0;
}

const char *session_phase_name(enum session_phase phase);
const char *session_name(const struct session *s, char *out, size_t room);

/* session_login.c */
bool session_greet(struct session *s);
void session_login_packet(struct session *s, struct frame frame, struct span payload);
void session_login_tls_up(struct session *s);
void session_login_change_user(struct session *s, struct span payload, uint8_t seq);
void session_login_conn_gone(struct session *s, struct server_conn *conn);
void session_login_drop(struct session *s);
void session_login_look_again(struct session *s);	/* it waits, and something has changed */
void session_forget_before(struct session *s);	/* the change of user is done, or nobody's */
extern const struct server_conn_owner_ops session_login_owner;

/* session_command.c */
/* One whole command, or (when <whole> is false) the start of one that is streamed. */
void session_command(struct session *s, struct span packet, bool whole);
/* Several statements in one text are allowed from now on, or not.  False: no memory. */
RMX_MUST_CHECK
bool session_allow_multi(struct session *s, bool allow);
/* The attribute "readmux" says what a hint comment says. */
struct attributes;
void session_take_hints(struct attributes *a, struct sql_verdict *v);
/* The text in the <payload> of COM_QUERY; empty when it is malformed. */
struct span session_query_text(const struct session *s, struct span payload);

/* session_prepared.c: the commands, each with <packet> as session_command() got it */
typedef void command_fn(struct session *s, struct span packet, bool whole);
command_fn command_stmt_prepare, command_stmt_execute, command_stmt_fetch, command_stmt_reset,
	command_stmt_long_data, command_stmt_close;
/* The statement has to be prepared on <conn> first. */
bool statement_needs_prepare(const struct session *s, const struct server_conn *conn);
/*
 * The bytes to send, in up to 2 <iov>: what <w> holds, then the packet as this server
 * connection knows it.  Gives their number, 0 when it cannot be sent.
 */
int statement_pieces(struct session *s, struct writer *w, struct iovec *iov);
void statement_sent_unanswered(struct session *s);
void statement_forget_prepared(struct session *s);
/* The head of the answer to COM_STMT_PREPARE as the client is to see it; may be in <copy>. */
struct span response_prepared(struct session *s, struct server_conn *conn, struct span raw,
			      uint8_t *copy, size_t room);
void session_learn_prepared(struct session *s);
void session_count_prepared(struct session *s);		/* set the pins that follow */
void session_close_prepared(struct session *s);

/* session_statement.c */
/* Take it over; false: it is answered already. */
RMX_MUST_CHECK
bool statement_begin(struct session *s, struct span packet, bool whole);
void statement_start(struct session *s, struct span packet, bool whole);
/* A read by its <text>, but a replica has refused one of its shape: it becomes a write. */
void statement_heed_refusals(struct session *s, struct span text);
/* Run it on <conn>, which the session has; fresh: it was leased for this statement. */
void statement_send_on(struct session *s, struct server_conn *conn, bool fresh);
void statement_run_again(struct session *s);
/* Answered, by a server or by readmux: learn from it and look at what comes next. */
void statement_done(struct session *s);
/*
 * <conn> refuses everything until the client has changed its password: it is the session's
 * as it is from now on, without trackers.
 */
void session_keep_expired(struct session *s, struct server_conn *conn);
void statement_calls_routine(struct sql_verdict *v);
/* Sent; there will be no answer. */
void statement_unanswered(struct session *s);
void session_release_conn(struct session *s);
void session_drop_conn(struct session *s);
extern const struct server_conn_owner_ops session_conn_owner;

/* session_route.c */
void statement_route(struct session *s);
void statement_wait(struct session *s);		/* no server is usable for it */
void statement_watch(struct session *s);	/* it waits for something, but not for ever */
/* Where it would go now; <view> is NULL when nothing there is usable. */
void statement_explain(struct session *s, struct route *route, const struct backend_view **view);
/* Onto the list of those for whom no server is usable; false: too many wait already. */
RMX_MUST_CHECK
bool session_join_waiting(struct session *s);
void statement_look_again(struct session *s);	/* it waits, and something has changed */
void statement_stop_waiting(struct session *s);
struct pool_wish session_wish(const struct session *s);

/* session_body.c */
void body_start(struct session *s, struct span packet);
/* Bytes of a body that arrive; returns how many belonged to it. */
size_t body_bytes(struct session *s, struct span bytes);
/* Nobody takes it any more: the rest is dropped, and then the statement fails as <f>. */
void body_swallow(struct session *s, const struct failure *f);
void body_drop(struct session *s);	/* the session ends */

/* session_fail.c */
/*
 * The statement ends with an error that no server has given as its answer.  It is told
 * when the client listens for it: see session_fail.c.
 */
void statement_fail(struct session *s, enum rmx_error error, ...);
void statement_fail_as(struct session *s, const struct failure *f);
/* It was to be executed and is not: the long data that was sent for it is used up. */
void session_use_up_long_data(struct session *s);

/* The state in which the text was read, which is <now> unless it was prepared before. */
struct session_state *session_statement_state(const struct session *s, struct session_state *now);

/* A change that the server reports is what the text says, or nothing. */
bool statement_explains_change(const struct session *s);
bool statement_visits_schema(const struct session *s);

/* session_ties.c */
void session_learn_ties(struct session *s);
void session_drop_ties(struct session *s);	/* they are gone with the connection */

/* session_count.c */
void session_count_user(struct session *s);	/* it has logged in as s->account */
void session_uncount_user(struct session *s);
void statement_count_sent(struct session *s);
void statement_count_retry(struct session *s, struct pool *pool);
void statement_count_error(struct session *s, uint16_t number);
/* How its time was spent; what did not come to pass took none. */
struct statement_times {
	uint64_t took_us;	/* all of it */
	uint64_t queue_us, restore_us, server_us, send_us;
};
/*
 * The one place where a statement that was a server's to answer is counted, remembered and
 * logged, once: by <conn>, which has answered all of it, or (NULL) it ends without that.
 */
void statement_record(struct session *s, const struct server_conn *conn);

/* session_consistency.c */
enum consistency session_consistency(const struct session *s);
const char *session_consistency_name(const struct session *s);
void session_login_consistency(struct session *s);	/* it has a user now */
void session_learn_position(struct session *s);
/* A statement has ended, and <conn> goes back: maybe ask it how much it has applied. */
void session_ask_shown(struct session *s, struct server_conn *conn);
void session_forget_question(struct session *s);	/* the session ends */
/* True: statement_route() follows when the answer to its question is there. */
bool statement_awaits_position(struct session *s);
/* Before a route: what has become known meanwhile. */
void session_settle_position(struct session *s);
bool session_may_read_at(const struct session *s, const struct backend_view *view);
/* <view> was chosen: it is waited for until it has what another one has shown. */
void session_moves_to(struct session *s, const struct backend_view *view);
void session_cannot_move(struct session *s);	/* that took too long: the session stays */
/*
 * What the statement's server has to have applied, NULL: it has; and all that is known of what
 * the session must not miss.  Either is in <memory> or the session's.
 */
const char *statement_position(const struct session *s, char memory[POSITION_MAX]);
const char *session_known_position(const struct session *s, char memory[POSITION_MAX]);

/* session_readmux.c */
struct sql_assignment;
/* readmux answers it itself, not a server. */
bool session_would_answer(const struct sql_verdict *v, struct span text,
			  const struct sql_mode *mode);
/* SELECT @@readmux_...: true, and answered. */
bool session_answers(struct session *s, struct span text);
/* SET @readmux_... and nothing else, or to what makes no sense: true, and answered. */
bool session_takes_settings(struct session *s, struct span text);
/* A SET has worked; it may have been one of those, too. */
void session_take_setting(struct session *s, const struct sql_assignment *a);

/* session_named.c */
/*
 * <text> may be a PREPARE, EXECUTE or DEALLOCATE of what can be carried along; or EXECUTE
 * IMMEDIATE.  What an EXECUTE runs is the statement's text from then on.
 */
void statement_use_named(struct session *s, struct span text);
void statement_drop_inner(struct session *s);
void session_learn_named(struct session *s);

/* session_trackers.c */
void session_drop_trackers(struct session *s);	/* the server's defaults hold again */
/* The client has asked for such entries. */
bool session_wants_entry(const struct session *s, const struct track_entry *entry);
/* Before a statement that shows the trackers: as the client has set them. */
void statement_write_trackers(struct session *s, struct server_conn *conn, struct writer *w);
/* After one that may have set them; true: statement_done() follows the answer. */
bool statement_asks_trackers(struct session *s, struct server_conn *conn);

/* session_values.c */
/* The text asks for st.columns: of those that the session knows, no server need know. */
void statement_use_values(struct session *s);
bool statement_may_set_insert_id(const struct statement *st);
/* True: it asks for LAST_INSERT_ID(), which has to be found out first. */
bool statement_awaits_insert_id(struct session *s);
/*
 * Put what the session knows into its text; true: more has to be found out first, and
 * statement_route() follows.
 */
bool statement_awaits_values(struct session *s);
/* SHOW WARNINGS and the like of what was kept: true, and answered. */
bool statement_shows_kept(struct session *s);
/* It asks for what only the connection of the statement before could tell. */
bool statement_needs_previous(const struct session *s);
/* As after a fresh login: there was no statement before. */
void session_forget_values(struct session *s);
void session_values_settled(struct diagnostics *d);
void session_insert_id_settled(struct insert_id *id);
/* Append <row> with those values to <w>; false when it is no such row. */
RMX_MUST_CHECK
bool statement_fill_row(const struct session *s, struct span row, struct writer *w);
void session_learn_values(struct session *s);

/* session_route.c */
/* The connection of the statement before, if it may run there and nobody was there since; or NULL. */
struct server_conn *session_previous_conn(const struct session *s);

/* session_kill.c */
/* The session with this id that has logged in and is not going; or NULL. */
struct session *session_find(struct relay_env *env, uint32_t id);
/* False: the id is none of readmux's, so the statement is the primary's business. */
bool session_kill(struct session *s, const struct sql_kill *kill, struct span packet);

/* session_report.c */
/* The statement has ended: a line of the log, if that is wanted. */
void statement_report(const struct session *s, const struct server_conn *conn,
		      const struct statement_times *times);

/* session_right.c */
/* A user with one of these rights ("'PROCESS','SUPER'") on the server; the answer comes to <told>. */
#define SESSION_RIGHT_QUERY(rights)						\
	"SELECT 1 FROM information_schema.user_privileges WHERE privilege_type IN (" \
	rights ") AND grantee = "						\
	"CONCAT(QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@', "		\
	"QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))"
/*
 * Run <sql> as the session's user, in place of its statement, which has begun; <told> hears
 * whether there was a row.  <hint>: which server.
 */
void session_ask_right(struct session *s, const char *sql, enum sql_hint hint,
		       void (*told)(struct session *s, bool allowed));

/* session_show.c */
/*
 * SHOW READMUX, or a statement that is to be explained (<text> without EXPLAIN READMUX): true,
 * and taken over.
 */
bool session_shows(struct session *s, struct span text, struct span packet);
/* It would be one, in the binary protocol. */
bool session_would_show(const struct sql_verdict *v);
/*
 * The start of a long statement or the text of another, which asks for an explanation that
 * there cannot be: true, and refused.
 */
bool session_refuses_explain(struct session *s, struct span text, struct span packet, bool whole);
/* The statement has ended: remember where it ran, and why. */
void session_keep_decision(struct session *s, const struct statement_times *times);
/* What a SHOW READMUX keeps while it is under way. */
void session_drop_showing(struct session *s);
extern const struct table_column decisions_columns[];
extern const unsigned decisions_width;

/* session_loss.c */
/* The statement may run a second time although its first run may have happened. */
bool statement_may_repeat(const struct session *s);
/* State was lost while the session was idle; true: that was the answer to this statement. */
bool session_told_loss(struct session *s);
/* The session begins anew: it need not be told what it had. */
void session_forget_loss(struct session *s);
/* Everything that lived on the session's connection is gone. */
void session_forget_attachment(struct session *s);
/* A statement was in flight; tell the client honestly what is known of it. */
void session_tell_loss(struct session *s, const char *backend);
void session_conn_gone(void *owner, struct server_conn *conn);
void session_conn_silent(void *owner, struct server_conn *conn);

/* session_carry.c */
/* What the SET leaves behind could not be carried elsewhere: it runs on the primary, and ties. */
void statement_tie_what_is_too_large(struct session *s);

/* session_learn.c */
/* Lower case, as trackers write names.  False: too long to be one. */
RMX_MUST_CHECK
bool variable_name_lower(struct span name, char *out, size_t room);
void session_learn(struct session *s);
/* It failed as a whole. */
bool statement_changed_nothing(const struct statement *st);
/* The text that runs; empty when it was not kept. */
struct span session_statement_text(const struct session *s);

/*
 * session_emit.c: parts of an answer go to the client.  Their bytes are the server
 * connection's and good until its batch ends; <raw> is one packet with its header.
 */
void emit_bytes(struct session *s, struct span bytes);
void emit_head(struct session *s, struct server_conn *conn, struct span raw);
void emit_ok(struct session *s, struct span raw, const struct ok_packet *ok);
void emit_eof(struct session *s, struct span raw);
/* The refusal of a write in a read-only transaction, as the primary words it. */
void emit_read_only_transaction(struct session *s);
/* Whole packets, the last of them the only row, which gets values of the session's. */
void emit_filled_row(struct session *s, struct span bytes);
/* Definitions are to come (st.metadata.columns): takes them; gives what stands behind them. */
struct span emit_definitions(struct session *s, struct span bytes);
/* Number <bytes>, in place, as packets behind what was left out. */
void emit_renumbered(struct session *s, struct span bytes);
/* The bytes are about to go: written to the client, or kept back as long as a retry is possible. */
void emit_batch_end(struct session *s);
/* Nothing is kept back any more. */
void emit_all(struct session *s);
/* The client has all of the answer. */
void emit_finished(struct session *s);

/* session_response.c */
extern const struct sink_ops session_sink;
/* Put an ERR packet behind what the client has of the answer so far. */
void response_cut(struct session *s, enum rmx_error error, const char *backend);

#endif
