/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session has set, as far as it can be set again on another server
 * connection: default schema, session variables, user variables.
 *
 * A state is immutable, counted, and unique within its table: two sessions, or
 * a session and a server connection, are in the same state exactly when their
 * pointers are equal.  The empty state is that of a fresh login.
 *
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_SESSION_STATE_H
#define READMUX_RELAY_SESSION_STATE_H

#include <readmux/wire/writer.h>

struct session_state;
struct state_table;

/*
 * Values of the first two kinds are SQL text that can be sent again.  Those of the others
 * say something else in another character set or sql_mode; see struct state_text.
 */
enum state_kind {
	STATE_SYSTEM_VARIABLE,
	STATE_USER_VARIABLE,
	STATE_USER_TEXT,	/* a user variable, too */
	STATE_STATEMENT,	/* of SQL's PREPARE */
};

/* What a user variable was set to, or a statement was prepared from. */
struct state_text {
	enum state_kind       kind;
	struct span           name;
	struct span           literal;	/* as the client wrote it */
	struct session_state *meaning;	/* state_of_meaning() at that time */
};

/* A state larger than this cannot be carried; the session is pinned instead. */
#define STATE_BYTES_MAX 32768u

/* NULL: no memory. */
struct state_table *state_table_new(void);
void state_table_free(struct state_table *table);

/* The state after login.  All functions that return a state give a reference. */
struct session_state *state_empty(struct state_table *table);
struct session_state *state_take(struct session_state *state);
void state_drop(struct session_state *state);

/* <state> with one thing changed.  NULL: too large or no memory. */
RMX_MUST_CHECK
struct session_state *state_with_schema(struct session_state *state, struct span schema);
RMX_MUST_CHECK
struct session_state *state_with_variable(struct session_state *state, enum state_kind kind,
					  struct span name, struct span value);

/* <state> without the variable; itself (a new reference) when it has none of that name. */
RMX_MUST_CHECK
struct session_state *state_without_variable(struct session_state *state, enum state_kind kind,
					     struct span name);

/* <state> with a user variable that was set by a text read in state <read_in>. */
RMX_MUST_CHECK
struct session_state *state_with_user_variable(struct session_state *state,
					       struct session_state *read_in,
					       struct span name, struct span value);

/* <state> with a statement that was prepared in it. */
RMX_MUST_CHECK
struct session_state *state_with_statement(struct session_state *state, struct span name,
					   struct span literal);

/* False: none of that name. */
RMX_MUST_CHECK
bool state_statement(const struct session_state *state, struct span name,
		     struct state_text *found);

/*
 * The next text that <to> has and <from> (NULL: nothing) has not; <at> begins with 0.
 * False: no more.
 */
RMX_MUST_CHECK
bool state_next_text(const struct session_state *from, const struct session_state *to,
		     size_t *at, struct state_text *next);

/* Append the SET or PREPARE that says it again. */
void state_write_text(struct writer *w, const struct state_text *text);

/*
 * SQL text of a value as a tracker reports it: numbers bare, other texts quoted,
 * an empty character_set_results as NULL.  False when it cannot be written the
 * same way under every sql_mode, or does not fit.
 */
RMX_MUST_CHECK
bool state_literal(struct span name, struct span reported, struct writer *w);

/*
 * What of <state> decides the meaning of a text when it is prepared: its schema, and the
 * system variables of parsing.  Equal meanings are one object.
 */
RMX_MUST_CHECK
struct session_state *state_of_meaning(struct session_state *state);

/* The empty state with <state>'s schema: what COM_RESET_CONNECTION leaves. */
RMX_MUST_CHECK
struct session_state *state_schema_only(struct session_state *state);

/* Its schema and character set: what MariaDB keeps when COM_CHANGE_USER is refused. */
RMX_MUST_CHECK
struct session_state *state_of_login(struct session_state *state);

/* Empty when there is none. */
struct span state_schema(const struct session_state *state);

/* SQL text of a system variable that was set; empty when it was not. */
struct span state_variable(const struct session_state *state, struct span name);

/* Number of variables and statements. */
size_t state_variables(const struct session_state *state);

/* Its sql_mode has ANSI_QUOTES, for which MySQL has no status flag. */
bool state_ansi_quotes(const struct session_state *state);

/* Of STATE_BYTES_MAX. */
size_t state_bytes(const struct session_state *state);

/*
 * How a connection in state <from> gets to <to>.
 */
enum state_path {
	STATE_PATH_NONE,	/* it is there already */
	STATE_PATH_SET,		/* by setting what differs */
	STATE_PATH_RESET,	/* by COM_RESET_CONNECTION, then setting everything */
	STATE_PATH_IMPOSSIBLE,	/* <to> has no schema and <from> has: no command takes it away */
};
enum state_path state_path(const struct session_state *from, const struct session_state *to);

/*
 * Append the text of a SET statement for every variable of <kind> (one of the first two) that
 * <to> has and <from> has not with that value (<from> NULL: for all).  Nothing is appended,
 * and false returned, when there is none.  Trouble shows in w->bad.
 */
bool state_write_set(struct writer *w, enum state_kind kind, const struct session_state *from,
		     const struct session_state *to);

/* Append <lead> and name = DEFAULT for every system variable that <from> has and <to> has not. */
bool state_write_unset(struct writer *w, const char *lead, const struct session_state *from,
		       const struct session_state *to);

/*
 * What a variable that a tracker reported means for the session.
 */
enum variable_use {
	VARIABLE_STATE,		/* part of the session state */
	VARIABLE_NOT_STATE,	/* read-only, or readmux's own: ignore */
	VARIABLE_INSERT_ID,	/* last_insert_id: carried apart, set only where it is asked for */
	VARIABLE_POSITION,	/* last_gtid: the position of a write */
	VARIABLE_PINS,		/* cannot be set again faithfully (timestamp, rand_seed1 ...) */
};
enum variable_use variable_use(struct span name);

#endif
