/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One authenticated connection from readmux to a backend, as a pipeline.
 *
 * Requests in flight form a FIFO, each with its own sink: whoever sends a
 * command first says so with server_conn_request(), then writes the command's
 * bytes to the stream.  Responses are cut up by the result tracker and handed
 * to the sink of the request at the head.  Several commands may go out in one
 * write, so restoring session state costs no round trip.
 *
 * The connection knows its session state, because the server tells every change.
 *
 * Ownership: pool, then session, then pool again; one owner hears the news.
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_SERVER_CONN_H
#define READMUX_RELAY_SERVER_CONN_H

#include <readmux/auth/server_login.h>
#include <readmux/base/buffer.h>
#include <readmux/net/stream.h>
#include <readmux/relay/account.h>
#include <readmux/relay/env.h>
#include <readmux/relay/position.h>
#include <readmux/relay/prepared.h>
#include <readmux/relay/session_state.h>
#include <readmux/wire/result.h>

struct diagnostics;	/* relay/diagnostics.h */
struct server_conn;
struct pool;

/*
 * Who consumes one response.  Calls come in the loop turn.  end() or lost() is
 * the last call for a request.
 */
struct sink_ops {
	/*
	 * Bytes of definitions and rows, whole packets unless one is very large.  They, and
	 * those of packet(), stay where they are until batch_end(), end() or lost().
	 */
	void (*pass)(void *arg, struct server_conn *conn, struct span bytes, bool row);
	/* One packet; <raw> includes its header.  <ok> is set for RESULT_PACKET_OK. */
	void (*packet)(void *arg, struct server_conn *conn, const struct result_step *step,
		       struct span raw, const struct ok_packet *ok);
	/* Nothing more has arrived for now; the response goes on later. */
	void (*batch_end)(void *arg, struct server_conn *conn);
	void (*end)(void *arg, struct server_conn *conn);
	/* The connection is gone before the response was complete. */
	void (*lost)(void *arg, struct server_conn *conn);
};

struct request {
	STAILQ_ENTRY(request)  next;
	const struct sink_ops *ops;
	void                  *arg;
	uint64_t               sent_us;
	uint8_t                command;
};

/* What a connection knows of the last statement there and readmux does not. */
enum keep {
	KEEP_WARNINGS   = 1u << 0,	/* the texts of its warnings and errors */
	KEEP_FOUND_ROWS = 1u << 1,	/* FOUND_ROWS() */
};

/* How it ended what was sent ahead of a statement; see restore.h. */
enum restore_outcome {
	RESTORE_DONE,
	RESTORE_REFUSED,	/* in the wanted state, but the statement must not run there */
	RESTORE_FAILED,		/* in no known state: of no more use */
};

/* What an owner hears apart from responses. */
struct server_conn_owner_ops {
	void (*ready)(void *owner, struct server_conn *conn);	/* logged in */
	void (*restored)(void *owner, struct server_conn *conn, enum restore_outcome outcome);
	void (*drained)(void *owner, struct server_conn *conn);	/* its write queue is empty again */
	void (*silent)(void *owner, struct server_conn *conn);	/* its server answers no probe: lose it if that costs nothing */
	void (*gone)(void *owner, struct server_conn *conn);	/* closed; conn->problem says why */
};

/* Columns: what the log calls it, and the states it may move to. */
#define SERVER_CONN_STATES(X)						\
	X(NEW,     "new",     TO(DIALING) | TO(CLOSED))			\
	X(DIALING, "dialing", TO(LOGIN) | TO(CLOSED))			\
	X(LOGIN,   "login",   TO(TLS) | TO(IDLE) | TO(CLOSED))		\
	X(TLS,     "tls",     TO(LOGIN) | TO(CLOSED))			\
	X(IDLE,    "idle",    TO(LEASED) | TO(CLOSED))			\
	X(LEASED,  "leased",  TO(IDLE) | TO(CLOSED))			\
	X(CLOSED,  "closed",  0)

enum server_conn_state {
#define X(state, name, next) SERVER_CONN_##state,
	SERVER_CONN_STATES(X)
#undef X
};

/* Names remembered of one response; those beyond are taken for not reported. */
#define NOTE_VARIABLES 8u

/* What the response under way has told about session state. */
struct server_note {
	bool state_changed;	/* schema or variables: conn->session_state is new */
	bool state_reported;	/* the server says that something has changed, whatever it is */
	bool pins;		/* a change that cannot be set again elsewhere */
	bool tied;		/* ... of a variable of VARIABLE_PINS */
	bool insert_id_changed;
	unsigned reported_count;
	uint64_t reported[NOTE_VARIABLES];	/* hashes of the variables' names */
};

/* True when the response under way reported system variable <name> (lower case). */
struct server_conn;
bool server_conn_reported(const struct server_conn *conn, struct span name);

#define SERVER_CONN_TAG 0x434e4e53u

struct server_conn {
	uint32_t               tag;
	uint32_t               session;		/* id of the one that leased it last; 0 = none yet */
	uint8_t                state;		/* enum server_conn_state; changed by one gate */
	bool                   tracked;		/* the session trackers are on */
	bool                   identified;	/* it has answered who it is, rightly */
	bool                   expired;		/* its account's password has to be changed first */
	bool                   stranger;	/* ... or that it is another server */
	bool                   restore_failed;	/* the restore that was sent last did not work */
	bool                   restore_refused;	/* it did, but not what was asked besides */
	uint8_t                precious;	/* enum keep: what only it knows for <backlink>'s session */
	bool                   disturbed;	/* readmux has asked it something since */
	bool                   mariadb;
	bool                   no_reuse;	/* close instead of giving it back */
	bool                   farewell;	/* the server has said that it is going to close it */
	bool                   link_broke;	/* the network has ended it, or nobody answered in time */
	bool                   unreachable;	/* ... and it was never connected */
	bool                   position_reached; /* answer of the wait for <awaited> */
	uint64_t               dialled_us;
	struct relay_env      *env;
	struct pool           *pool;
	struct bucket         *bucket;		/* the pool's, for <account> */
	TAILQ_ENTRY(server_conn) link;		/* pool's list */
	TAILQ_ENTRY(server_conn) idle_link;	/* bucket's idle list, while idle */
	const struct server_conn_owner_ops *owner_ops;
	void                  *owner;
	struct server_conn   **backlink;	/* the pointer of the session that used it last, or NULL */
	struct diagnostics    *diagnostics;	/* of that session, while <precious> */
	struct insert_doubt   *doubt;		/* it knows which of a session's ids were generated */
	bool                   warned;		/* there may be warnings of some statement */
	struct account        *account;
	struct session_state  *session_state;
	struct session_state  *restore_to;	/* while a restore is in flight */
	struct query          *preparing;	/* while a prepare of readmux's own is in flight */
	struct server_stmts    stmts;		/* prepared there */
	unsigned               restore_steps;	/* its answers still to come */
	struct server_login   *login;		/* during login only */
	struct timer           timer;		/* connect timeout, then idle limit */
	struct stream          stream;
	STAILQ_HEAD(, request) requests;
	unsigned               in_flight;
	struct result          result;		/* of the request at the head */
	struct buffer          held;		/* start of a packet that is not complete */
	struct server_note     note;
	uint64_t               insert_id;	/* its LAST_INSERT_ID(), while <insert_id_known> */
	bool                   insert_id_known;
	char                   position[POSITION_MAX];	/* GTID of the last write in it, or "" */
	char                   awaited[POSITION_MAX];	/* position that a restore waits for */
	char                   base_charset[BASE_CHARSET_MAX];	/* SET that brings back the
							 * handshake's; "" = not known yet */
	uint64_t               capabilities;
	uint32_t               thread_id;	/* the server's id of it */
	uint16_t               status;		/* flags of the last OK or EOF */
	uint16_t               error_number;	/* login or restore refused: the server's error */
	char                   error_sqlstate[SQLSTATE_LEN + 1];
	char                   problem[256];	/* why it is gone, or the server's error text */
	struct deferred        reaper;
};

/*
 * Start connecting to <pool>'s backend as <account>; ready() or gone() follows,
 * never from inside.  NULL: no memory or descriptors.
 */
RMX_MUST_CHECK
struct server_conn *server_conn_dial(struct relay_env *env, struct pool *pool,
				     struct account *account,
				     const struct server_conn_owner_ops *ops, void *owner);

/* Expect the response to <command> after those in flight.  False: no memory; the conn is closed. */
RMX_MUST_CHECK
bool server_conn_request(struct server_conn *conn, uint8_t command,
			 const struct sink_ops *ops, void *arg);

/* Append a COM_QUERY of readmux's own and expect its answer.  False as above, or <w> is full. */
RMX_MUST_CHECK
bool server_conn_ask(struct server_conn *conn, const char *sql, const struct sink_ops *ops,
		     void *arg, struct writer *w);

/* Send a COM_PING: its answer goes to <ops>.  Without memory the connection is lost. */
void server_conn_ping(struct server_conn *conn, const struct sink_ops *ops, void *arg);

/* What stands before the text of a COM_QUERY on a connection with <capabilities>. */
void server_conn_begin_query(uint64_t capabilities, struct writer *w);

/* For sinks that have no use for it. */
void server_conn_drop_bytes(void *arg, struct server_conn *conn, struct span bytes, bool row);
void server_conn_drop_packet(void *arg, struct server_conn *conn, const struct result_step *step,
			     struct span raw, const struct ok_packet *ok);
void server_conn_drop_news(void *arg, struct server_conn *conn);

/* The answers that <arg> waits for are of no interest any more: they are dropped when they come. */
void server_conn_disown(struct server_conn *conn, const void *arg);

/* Hand over in one assignment. */
void server_conn_give(struct server_conn *conn, enum server_conn_state state,
		      const struct server_conn_owner_ops *ops, void *owner);

/*
 * Close now; requests in flight are told lost(), the owner gone().  <words>
 * is kept as conn->problem.
 */
void server_conn_lose(struct server_conn *conn, const char *words);

/*
 * It is gone: tell the fleet, if that says something about its server.  What readmux
 * itself has ended, or the server with a word, says nothing.
 */
void server_conn_give_evidence(const struct server_conn *conn);

/*
 * Errors with which a server takes its leave: nothing has been run, or it was
 * undone, and the connection is about to close.
 */
bool server_conn_is_farewell(uint16_t number);

/* Close; requests in flight are told lost(), the owner nothing. */
void server_conn_close(struct server_conn *conn);

/* Nobody asks about the last statement on <conn> any more. */
void server_conn_forget_user(struct server_conn *conn);

/* Replace the state that is believed to be on the server; takes over the reference. */
void server_conn_set_session_state(struct server_conn *conn, struct session_state *state);

struct span server_conn_backend_name(const struct server_conn *conn);

#endif
