/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a statement speaks of connections by their ids.  Clients know readmux's
 * ids, servers know their own.
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

/*
 * Which columns of the result of <sql> are the id of the connection: bit 0 is the
 * first column.  0 unless it is one SELECT without FROM whose items are plain to see:
 * such a result has one row.
 */
uint64_t sql_connection_id_columns(struct span sql, const struct sql_mode *mode);

#endif
