/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a statement leaves behind on its connection by name, and what it takes away
 * again: so that a session is tied to its connection no longer than it must.
 */
#ifndef READMUX_SQL_TIES_H
#define READMUX_SQL_TIES_H

#include <readmux/sql/classify.h>

struct sql_tie {
	enum sql_pin pin;	/* SQL_PIN_TEMPORARY_TABLE, _USER_LOCK, _HANDLER or _PREPARED */
	bool         ends;	/* it goes; else it comes */
	struct span  schema;	/* of a table; empty: the default one */
	struct span  name;	/* quotes are taken off, escapes left as they are */
};

/*
 * Walk the ties of <sql>, one statement.  Understood: CREATE TEMPORARY TABLE,
 * DROP [TEMPORARY] TABLE, HANDLER OPEN and CLOSE, PREPARE, DEALLOCATE and DROP PREPARE; GET_LOCK()
 * and RELEASE_LOCK() of a literal as the only item of SELECT or DO.  Everything else has
 * none: what its pins say of it has to be believed.
 */
struct sql_ties {
	struct lexer lexer;	/* private */
	struct token token;	/* private */
	struct sql_tie next;	/* private: what all have in common */
	bool         more;	/* private */
};

struct sql_ties sql_ties_of(struct span sql, const struct sql_mode *mode);
RMX_MUST_CHECK
bool sql_ties_next(struct sql_ties *walk, struct sql_tie *tie);

#endif
