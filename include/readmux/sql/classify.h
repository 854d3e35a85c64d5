/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides from the text of a statement whether any server may run it.
 *
 * One pass over the tokens.  The answer errs to one side only: what is not
 * proven to be a plain read is a write.  It knows nothing of sessions: that a
 * read inside a transaction goes to the primary is model/route.h's business.
 */
#ifndef READMUX_SQL_CLASSIFY_H
#define READMUX_SQL_CLASSIFY_H

#include <readmux/sql/reason.h>
#include <readmux/sql/token.h>

enum sql_class {
	SQL_READ,	/* any server that is fresh enough gives the right answer */
	SQL_WRITE,	/* the primary only */
	SQL_SESSION,	/* changes session state only: any server; the effect becomes session state,
			 * so it has no pins */
};

/* Facts about a statement besides its class. */
enum sql_flag {
	SQL_ABOUT_PREVIOUS    = 1u << 0,  /* SHOW WARNINGS, FOUND_ROWS(), ROW_COUNT(), GET DIAGNOSTICS,
					   * @@warning_count ...: must run where the previous one ran */
	SQL_READS_INSERT_ID   = 1u << 1,  /* LAST_INSERT_ID(), @@last_insert_id, @@identity */
	SQL_BEGINS            = 1u << 2,  /* BEGIN, START TRANSACTION, XA START */
	SQL_BEGINS_READ_ONLY  = 1u << 3,  /* START TRANSACTION READ ONLY (without WITH CONSISTENT SNAPSHOT: set too) */
	SQL_ENDS              = 1u << 4,  /* COMMIT, ROLLBACK (not TO SAVEPOINT) */
	SQL_COMMITS           = 1u << 5,  /* COMMIT, XA COMMIT and ROLLBACK (what is prepared outlives its
					   * connection), SET autocommit, or DDL with implicit commit; not
					   * BEGIN, which commits only what the session knows to be open */
	SQL_MULTI             = 1u << 6,  /* several statements in one text */
	SQL_KILL              = 1u << 7,  /* KILL ...: ids are readmux's own */
	SQL_CONNECTION_ID     = 1u << 8,  /* CONNECTION_ID() or @@pseudo_thread_id */
	SQL_USES_USER_VARS    = 1u << 9,  /* mentions @x anywhere */
	SQL_SHOW_READMUX      = 1u << 10, /* SHOW READMUX ... */
	SQL_FOUND_ROWS_WANTED = 1u << 11, /* SELECT SQL_CALC_FOUND_ROWS */
	SQL_SETS_TRANSACTION  = 1u << 12, /* SET TRANSACTION without SESSION/GLOBAL: for the next one only */
	SQL_EXPLAIN_READMUX   = 1u << 19, /* EXPLAIN READMUX; the verdict is that of what follows */
	SQL_READS_READMUX     = 1u << 16, /* @@readmux_... */
	SQL_SETS_INSERT_ID    = 1u << 18, /* LAST_INSERT_ID(expr), INSERT .. RETURNING: may set it to what
					   * no OK packet tells */
	SQL_TRACKERS          = 1u << 15, /* sets or shows session_track_... variables */
	SQL_RELEASES          = 1u << 14, /* COMMIT or ROLLBACK with RELEASE: the connection ends */
	SQL_HAS_SET           = 1u << 13, /* effects.h can list its assignments */
	SQL_KEEPS_TRANSACTION = 1u << 17, /* surely leaves an open transaction open: if its server is lost
					   * meanwhile, all of that was rolled back; and-ed, not or-ed */
};

/*
 * State that stays behind on the server connection and cannot be replayed on
 * another, as far as the text tells; why a session is pinned.
 */
enum sql_pin {
	SQL_PIN_TEMPORARY_TABLE = 1u << 0,	/* CREATE TEMPORARY TABLE */
	SQL_PIN_TABLE_LOCK      = 1u << 1,	/* LOCK TABLES, FLUSH TABLES ... WITH READ LOCK */
	SQL_PIN_USER_LOCK       = 1u << 2,	/* GET_LOCK() */
	SQL_PIN_HANDLER         = 1u << 3,	/* HANDLER ... OPEN */
	SQL_PIN_PREPARED        = 1u << 4,	/* PREPARE */
	SQL_PIN_USER_VARIABLE   = 1u << 5,	/* SET @x to a computed value, @x := ..., INTO @x; to a
						 * plain value where the text is not SQL_SESSION or has
						 * several statements, so that effects.h is not asked */
	SQL_PIN_XA              = 1u << 6,	/* XA START */
	SQL_PIN_BACKUP          = 1u << 7,	/* BACKUP STAGE, LOCK INSTANCE */
	SQL_PIN_CALL            = 1u << 8,	/* CALL, DO f(), a stored function, EXECUTE: might set
						 * anything, and no tracker tells of locks and some more */
	SQL_UNPIN_TABLE_LOCK    = 1u << 9,	/* UNLOCK TABLES */
	SQL_UNPIN_USER_LOCKS    = 1u << 10,	/* RELEASE_ALL_LOCKS() */
	SQL_PIN_ROLE            = 1u << 11,	/* SET ROLE, SET RESOURCE GROUP: no tracker reports them */
	SQL_PIN_ONCE            = 1u << 12,	/* SET gtid_next, insert_id ...: used up by what comes next */
	SQL_PIN_SYSTEM_VARIABLE = 1u << 13,	/* SET @@x on MariaDB, SET NAMES x COLLATE y, where neither
						 * trackers nor effects.h tell the value; SET timestamp
						 * and the like */
};

/* "read", "write" or "session". */
const char *sql_class_name(enum sql_class class);

enum sql_hint { SQL_HINT_NONE, SQL_HINT_PRIMARY, SQL_HINT_REPLICA, SQL_HINT_BACKEND, SQL_HINT_EXPLAIN };

/* What a read may miss, as a statement's hint or SET @readmux_consistency names it. */
enum sql_consistency {
	SQL_CONSISTENCY_UNSET, SQL_CONSISTENCY_SESSION, SQL_CONSISTENCY_EVENTUAL,
	SQL_CONSISTENCY_PRIMARY,
};

struct sql_verdict {
	enum sql_class    class;
	enum route_reason reason;
	uint32_t          flags;	/* enum sql_flag */
	uint32_t          pins;		/* enum sql_pin */
	uint8_t           previous;	/* how often its first statement asks what SQL_ABOUT_PREVIOUS
					 * says, up to 255 */
	enum sql_hint     hint;		/* first hint comment: readmux: primary | replica | backend=NAME; or
					 * explain, wherever it stands */
	struct span       hint_backend;	/* NAME, inside the text */
	enum sql_consistency hint_consistency;	/* readmux: consistency=NAME */
	struct span       what;		/* the token that decided (function or variable name), or empty */
	uint32_t          explained_at;	/* EXPLAIN READMUX: where the statement begins that the verdict is
					 * about; 0 = none */
};

/* It is to be explained by readmux, and must not run. */
static inline bool sql_is_explained(const struct sql_verdict *v)
{
	return v->hint == SQL_HINT_EXPLAIN || v->explained_at > 0;
}

/*
 * Several statements in one text give one verdict: flags and pins are or-ed
 * (SQL_KEEPS_TRANSACTION: and-ed), the worst class counts with its reason, and a text that mixes reads and session
 * statements is a write (REASON_MIXED).
 */

/*
 * Classify <sql>, which may hold several statements.  <mode> as the session
 * has it now.  Always gives an answer; spans point into <sql>.
 */
void sql_classify(struct span sql, const struct sql_mode *mode, struct sql_verdict *v);

/*
 * What <ask> (primary, replica, backend=NAME, consistency=NAME or explain) asks for, as a
 * hint comment does, becomes <v>'s hint; anything else changes nothing.
 */
void sql_take_hint(struct span ask, struct sql_verdict *v);

/* session, eventual or primary; UNSET for anything else. */
enum sql_consistency sql_consistency_named(struct span name);
/* The other way round; NULL for UNSET. */
const char *sql_consistency_name(enum sql_consistency consistency);

#endif
