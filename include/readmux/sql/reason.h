/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a statement goes where it goes: one closed list.
 *
 * The classifier (classify.h) gives the reasons that lie in the text, the
 * session those that lie in its state (model/route.h).  They share a list
 * because a person asks one question; it is counted, logged, shown by SHOW READMUX
 * ROUTE and printed by readmux --explain from the texts here.
 */
#ifndef READMUX_SQL_REASON_H
#define READMUX_SQL_REASON_H

#include <readmux/base/common.h>

/*  name                   word                   text for a person */
#define ROUTE_REASONS(X)							\
	/* from the text: reads */						\
	X(PLAIN_READ,          "plain-read",          "reads only, with functions and variables that are the same on every server") \
	X(SHOW,                "show",                "SHOW or DESCRIBE of something that replicas have as well") \
	X(EXPLAIN,             "explain",             "EXPLAIN of a statement without running it")	\
	X(READ_TRANSACTION,    "read-transaction",    "START TRANSACTION READ ONLY")	\
	/* from the text: session state */					\
	X(SET_SESSION,         "set-session",         "sets session variables to plain values") \
	X(USE_SCHEMA,          "use-schema",          "changes the default schema")	\
	/* from the text: writes */						\
	X(MODIFIES,            "modifies",            "changes data")		\
	X(DEFINES,             "defines",             "changes tables, users or other definitions") \
	X(ADMINISTERS,         "administers",         "administers the server")	\
	X(STARTS_TRANSACTION,  "starts-transaction",  "starts a transaction that may write") \
	X(ENDS_TRANSACTION,    "ends-transaction",    "ends a transaction")	\
	X(LOCKING_READ,        "locking-read",        "a read that takes row locks")	\
	X(INTO,                "into",                "SELECT ... INTO a file or variable") \
	X(ASSIGNS_VARIABLE,    "assigns-variable",    "assigns a user variable inside an expression") \
	X(SIDE_EFFECT,         "side-effect",         "calls a function with a side effect") \
	X(UNKNOWN_FUNCTION,    "unknown-function",    "calls a function that is not built in and might write") \
	X(ROLE_VARIABLE,       "role-variable",       "reads a variable that differs between primary and replica") \
	X(SETS_GLOBAL,         "sets-global",         "sets something for the whole server")	\
	X(SETS_COMPUTED,       "sets-computed",       "sets a variable to a value that has to be computed") \
	X(LOCKS,               "locks",               "takes or releases table or user locks") \
	X(PREPARES,            "prepares",            "SQL-level PREPARE, EXECUTE or DEALLOCATE") \
	X(CALLS,               "calls",               "calls a stored program")	\
	X(SAVEPOINT,           "savepoint",           "sets, keeps or returns to a savepoint")	\
	X(HANDLER,             "handler",             "uses HANDLER, which lives on one server connection") \
	X(SETS_ONCE,           "sets-once",           "sets something for the next statement or transaction only") \
	X(SETS_TIED,           "sets-tied",           "sets what cannot be set again on another server connection") \
	X(MIXED,               "mixed",               "has several statements, some read and some set session state") \
	X(PRIMARY_STATUS,      "primary-status",      "asks about the primary itself") \
	X(NOT_UNDERSTOOD,      "not-understood",      "is not understood, so it goes to the primary") \
	X(TOO_LONG,            "too-long",            "is longer than what is read for classification") \
	X(EMPTY,               "empty",               "has no statement in it")	\
	X(HINT_PRIMARY,        "hint-primary",        "a hint asks for the primary")	\
	X(HINT_REPLICA,        "hint-replica",        "a hint asks for a replica")	\
	X(HINT_BACKEND,        "hint-backend",        "a hint names the server")	\
	/* from the text, answered by the session */				\
	X(PREVIOUS_STATEMENT,  "previous-statement",  "asks about the statement before it") \
	/* from the session's state */						\
	X(IN_TRANSACTION,      "in-transaction",      "the session is in a transaction")	\
	X(AUTOCOMMIT_OFF,      "autocommit-off",      "autocommit is off, so every statement is in a transaction") \
	X(PINNED,              "pinned",              "the session has state that lives on one server connection") \
	X(PREPARED_STATEMENT,  "prepared-statement",  "belongs to a prepared statement")	\
	X(COMMAND,             "command",             "a command that goes to the primary") \
	X(RECENT_WRITE,        "recent-write",        "no replica is known to have this session's own writes yet") \
	X(NO_REPLICA,          "no-replica",          "no replica is usable, so the primary serves reads") \
	X(CONSISTENCY_PRIMARY, "consistency-primary", "reads are configured to go to the primary") \
	X(READ_ONLY_LISTENER,  "read-only-listener",  "came in on a read-only address") \
	X(REPAIRED,            "repaired",            "a replica refused it as a write, or it changes its session, so it went to the primary") \
	X(RETRIED,             "retried",             "its first server was lost before it answered")

enum route_reason {
#define X(name, word, text) REASON_##name,
	ROUTE_REASONS(X)
#undef X
	REASON_COUNT
};

/* Short name for metrics and logs ("locking-read"), and the sentence for a person. */
const char *reason_word(enum route_reason reason);
const char *reason_text(enum route_reason reason);

#endif
