/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SET statement assigns, as far as its text tells.
 *
 * System variables are better learned from the server's session trackers;
 * user variables are not reported by name, so their plain values are taken
 * from here.
 */
#ifndef READMUX_SQL_EFFECTS_H
#define READMUX_SQL_EFFECTS_H

#include <readmux/sql/token.h>

enum sql_assignment_kind {
	SQL_ASSIGN_USER_VARIABLE,	/* SET @name = ... */
	SQL_ASSIGN_SESSION,		/* SET [SESSION|LOCAL|@@|@@session.]name = ... */
	SQL_ASSIGN_GLOBAL,		/* SET GLOBAL / PERSIST / @@global. */
	SQL_ASSIGN_NAMES,		/* SET NAMES ..., SET CHARACTER SET ... */
	SQL_ASSIGN_TRANSACTION,		/* SET [SESSION|GLOBAL] TRANSACTION ...; name is the scope
					 * word, empty for the next transaction only */
	SQL_ASSIGN_OTHER,		/* SET PASSWORD, SET ROLE, SET STATEMENT ... FOR, SET RESOURCE
					 * GROUP; name is the word after SET, value the rest */
};

struct sql_assignment {
	enum sql_assignment_kind kind;
	struct span name;	/* without quotes and scope */
	struct span value;	/* source text of the value, as it can be sent again under the same
				 * sql_mode and character sets */
	bool        unscoped;	/* SET @@name: MariaDB's trackers do not report it (seen on 10.11) */
	bool        plain;	/* a literal (optionally signed or charset-introduced), NULL, DEFAULT,
				 * TRUE/FALSE, or for system variables a bare word (ON, utf8mb4) */
};

/*
 * Walk the assignments of the SET statement <sql> (a single statement; what
 * follows a semicolon is left alone).
 * sql_assignments_next() gives false at the end; <broken> tells whether the end
 * was reached because the text was not understood.
 */
struct sql_assignments {
	struct lexer lexer;
	uint8_t      phase;	/* private */
	uint8_t      scope;	/* private */
	bool         broken;
	struct token ahead;	/* private: one token of look-ahead */
	size_t       ahead_end;	/* private: where it ends */
};

struct sql_assignments sql_assignments_of(struct span sql, const struct sql_mode *mode);
RMX_MUST_CHECK
bool sql_assignments_next(struct sql_assignments *walk, struct sql_assignment *a);

#endif
