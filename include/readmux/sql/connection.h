/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a statement speaks of its own connection: by id, or of what ran there
 * before.  Clients know readmux's ids, servers know their own; and what a session ran
 * before may have run on another server connection.
 */
#ifndef READMUX_SQL_CONNECTION_H
#define READMUX_SQL_CONNECTION_H

#include <readmux/sql/token.h>

struct sql_kill {
	bool     query_only;	/* KILL QUERY; else the connection too */
	bool     self;		/* KILL CONNECTION_ID() */
	uint64_t id;
};

/*
 * KILL [HARD | SOFT] [CONNECTION | QUERY] id.  False for every other text, also for
 * other forms of KILL (by user, by query id, by expression).
 */
RMX_MUST_CHECK
bool sql_kill_of(struct span sql, const struct sql_mode *mode, struct sql_kill *kill);

/* SHOW WARNINGS and its kin. */
struct sql_diagnostics {
	bool     errors;	/* SHOW ERRORS */
	bool     count;		/* SHOW COUNT(*) ... */
	uint64_t offset, limit;	/* of its rows */
};

/* SHOW WARNINGS | ERRORS [LIMIT ..], SHOW COUNT(*) WARNINGS | ERRORS; false for every other text. */
RMX_MUST_CHECK
bool sql_diagnostics_of(struct span sql, const struct sql_mode *mode, struct sql_diagnostics *d);

/* What a session knows of itself without asking a server. */
enum sql_session_value {
	SQL_VALUE_OTHER,		/* none of these: the server's own answer stands */
	SQL_VALUE_CONNECTION_ID,	/* CONNECTION_ID(), @@pseudo_thread_id */
	SQL_VALUE_ROW_COUNT,		/* ROW_COUNT() */
	SQL_VALUE_FOUND_ROWS,		/* FOUND_ROWS() */
	SQL_VALUE_INSERT_ID,		/* LAST_INSERT_ID(), @@last_insert_id, @@identity */
	SQL_VALUE_WARNING_COUNT,	/* @@warning_count */
	SQL_VALUE_ERROR_COUNT,		/* @@error_count */
};

#define SQL_SESSION_VALUES ((size_t)SQL_VALUE_ERROR_COUNT + 1)

/* The value that the function or variable <name> (as a plain word) stands for, or OTHER. */
enum sql_session_value sql_value_named(struct span name, bool variable);

/* Variables that only readmux knows. */
enum sql_readmux_variable {
	SQL_READMUX_CONSISTENCY,	/* @@readmux_consistency */
	SQL_READMUX_POSITION,		/* @@readmux_position */
};

#define SQL_READMUX_COLUMNS_MAX 4u

struct sql_readmux_columns {
	unsigned n;
	struct {
		enum sql_readmux_variable variable;
		struct span               name;		/* of the column, in the text */
	} column[SQL_READMUX_COLUMNS_MAX];
};

/*
 * SELECT @@readmux_x [[AS] name], ... and nothing else.  False for every other text, also where
 * another column is among them.
 */
RMX_MUST_CHECK
bool sql_readmux_columns_of(struct span sql, const struct sql_mode *mode,
			    struct sql_readmux_columns *columns);

#define SQL_SESSION_COLUMNS_MAX 16u

struct sql_session_columns {
	uint8_t n;		/* columns of the result; 0 = the text is not of this kind */
	uint8_t value[SQL_SESSION_COLUMNS_MAX];		/* enum sql_session_value */
};

/*
 * The columns of SHOW COUNT(*) .. or of one SELECT without FROM, whose result has one row, of which at least
 * one is such a value alone.  Where a value is part of an expression, or too many
 * columns are selected, n is 0.
 */
void sql_session_columns_of(struct span sql, const struct sql_mode *mode,
			    struct sql_session_columns *columns);

#endif
