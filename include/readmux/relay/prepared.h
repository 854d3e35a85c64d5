/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prepared statements of the binary protocol, seen from both sides.
 *
 * A client's statement (struct prepared) has an id of readmux's and outlives any
 * server connection.  What was prepared is a query (struct query): text and the
 * session state it was prepared in, which decides what its names and literals mean.
 * A server connection has a query prepared once for each list of parameter types
 * it is executed with (struct server_stmt), under the server's id, for every session
 * that executes it there: MySQL 9.7 keeps to the types of the first execution.
 *
 * Queries are counted and unique within a worker: equal ones are one object.
 *
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_PREPARED_H
#define READMUX_RELAY_PREPARED_H

#include <readmux/base/buffer.h>
#include <readmux/relay/failure.h>
#include <readmux/relay/session_state.h>
#include <readmux/sql/classify.h>
#include <readmux/sql/connection.h>

#include <sys/queue.h>
#include <uthash.h>

struct query_table;

/* Immutable. */
struct query {
	struct query_table   *table;
	UT_hash_handle        hh;
	uint32_t              references;
	struct session_state *state;	/* without user variables */
	struct sql_session_columns columns;	/* sql_session_columns_of(<text>) */
	struct sql_verdict    verdict;	/* its spans point into <text> */
	bool                  binds;	/* see prepared_is_bound() */
	struct span           text;	/* statement as the client sent it */
	struct query         *base;	/* the same without types; NULL when it has none itself */
	struct span           types;	/* of its parameters, as the protocol writes them */
	size_t                key_len;
	uint8_t               key[];	/* address of the state, then the text; or of the base,
					 * then the types */
};

/* NULL: no memory. */
struct query_table *query_table_new(void);
void query_table_free(struct query_table *table);

/*
 * The query <text> in <state>, of which user variables do not count; classified
 * by <mode> when it is new.  NULL: no memory.
 */
RMX_MUST_CHECK
struct query *query_get(struct query_table *table, struct span text,
			struct session_state *state, const struct sql_mode *mode);
void query_drop(struct query *query);	/* NULL is allowed */

/* <base>, executed with <types>.  NULL: no memory. */
RMX_MUST_CHECK
struct query *query_with_types(struct query *base, struct span types);

struct prepared {
	UT_hash_handle hh;
	uint32_t       id;		/* the client's */
	uint16_t       parameters;
	uint16_t       columns;		/* as its client was told last; 0 = its prepare told none */
	bool           own;		/* readmux answers it itself: no server knows it */
	bool           cursor;		/* open on the session's connection */
	bool           long_data;	/* some was sent to the session's connection */
	struct failure *failure;	/* of its long data, told when it is executed; or NULL */
	struct query  *query;		/* NULL: too long to be kept, so bound to its connection */
	struct query  *typed;		/* with the types that the client gave last; NULL = none yet */
	uint64_t       metadata;	/* metadata_hash() of what its client keeps, 0 = nothing is known */
};

/* A session's statements.  All zeros is a valid start. */
struct prepared_set {
	struct prepared *by_id;
	uint32_t         last_id;
	struct prepared *last;		/* prepared last, and well; for STMT_ID_LAST */
	unsigned         cursors;	/* number of statements with .cursor */
	unsigned         long_data;	/* with .long_data */
	unsigned         bound;		/* that cannot move: see prepared_is_bound() */
};

/* A new statement without id; takes over the reference.  NULL: no memory, it is dropped. */
RMX_MUST_CHECK
struct prepared *prepared_new(struct query *query);
void prepared_free(struct prepared *p);	/* not in a set; NULL is allowed */

/* Give it an id that is free; add it to the set when the server has taken it. */
void prepared_set_next_id(struct prepared_set *set, struct prepared *p);
void prepared_set_add(struct prepared_set *set, struct prepared *p);
struct prepared *prepared_set_find(const struct prepared_set *set, uint32_t id);
void prepared_set_remove(struct prepared_set *set, struct prepared *p);	/* and free it */
void prepared_set_clear(struct prepared_set *set);
void prepared_set_cursor(struct prepared_set *set, struct prepared *p, bool open);
void prepared_set_long_data(struct prepared_set *set, struct prepared *p, bool sent);

/* What was on the connection of the session is gone; what has lost long data fails as <lost>. */
void prepared_set_detach(struct prepared_set *set, const struct failure *lost);

/*
 * It has to stay on the connection where it was prepared: its text is not kept, or
 * preparing it elsewhere would disturb what it asks about, or it has user variables, of
 * which MySQL fixes the types when it prepares (seen on 9.7).  Nobody shares it.
 */
bool prepared_is_bound(const struct prepared *p);

/* On a server connection. */
struct server_stmt {
	UT_hash_handle            hh;
	TAILQ_ENTRY(server_stmt)  used;
	const void               *key;		/* its query, or the one client's statement it serves */
	struct query             *query;	/* NULL as above */
	uint32_t                  id;		/* the server's */
	bool                      has_types;	/* the server knows the types of <query> */
};

/* All zeros but for the list head. */
struct server_stmts {
	struct server_stmt                     *by_key;
	TAILQ_HEAD(server_stmt_list, server_stmt) oldest_first;
	unsigned                                count;
};

/* Most statements that a server connection keeps prepared; the one used longest ago goes first. */
#define SERVER_STMTS_MAX 200u

void server_stmts_init(struct server_stmts *stmts);

/* The server has forgotten them all (COM_RESET_CONNECTION), or the connection is gone. */
void server_stmts_clear(struct server_stmts *stmts);

/* The one to execute <p> with, or NULL: to be prepared. */
struct server_stmt *server_stmt_find(const struct server_stmts *stmts, const struct prepared *p);

/*
 * The server has prepared <query> as <id>, or (query NULL) what only <p> may use.  A
 * statement that it replaces, and the oldest when there are too many, are
 * closed: COM_STMT_CLOSE is appended to <w>.  NULL: no memory; <id> is closed as well.
 */
struct server_stmt *server_stmt_add(struct server_stmts *stmts, struct query *query,
				    const struct prepared *p, uint32_t id, struct writer *w);

/* It is executed as <typed>, which is its query with types, from now on. */
void server_stmt_specialize(struct server_stmts *stmts, struct server_stmt *stmt,
			    struct query *typed);

/* It was used now. */
void server_stmt_touch(struct server_stmts *stmts, struct server_stmt *stmt);

/* <p> alone may use it: a cursor is open or long data was sent; and not any more. */
void server_stmt_reserve(struct server_stmts *stmts, struct server_stmt *stmt,
			 const struct prepared *p);
void server_stmt_share(struct server_stmts *stmts, struct server_stmt *stmt, struct writer *w);

/* Close all that nobody has reserved. */
void server_stmts_close_shared(struct server_stmts *stmts, struct writer *w);

/* Forget it and append COM_STMT_CLOSE to <w>. */
void server_stmt_close(struct server_stmts *stmts, struct server_stmt *stmt, struct writer *w);

#endif
