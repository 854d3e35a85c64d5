/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Brings a server connection into a session's state, in the same write as the
 * statement that follows.
 *
 * The commands are appended to a writer and registered on the connection's
 * FIFO; their answers are consumed here.  When all have come, owner_ops->
 * restored() is called with the outcome; unless it is RESTORE_DONE, conn->error_* hold
 * the server's error.  Whatever was sent behind a restore that failed ran in a
 * wrong state, so only statements without effect may be sent before the answer.
 */
#ifndef READMUX_RELAY_RESTORE_H
#define READMUX_RELAY_RESTORE_H

#include <readmux/relay/server_conn.h>

/* The set-up of a fresh connection: trackers on.  Part of the first write after login. */
void restore_write_setup(struct server_conn *conn, struct writer *w);

/* The same again, now, where the trackers are not as readmux wants them (conn->tracked). */
void restore_trackers(struct server_conn *conn);

enum restore_result {
	RESTORE_NOTHING,	/* the connection is in that state already */
	RESTORE_WRITTEN,	/* commands were appended; restored() will be called */
	RESTORE_IMPOSSIBLE,	/* this connection cannot get there: take another */
};

/* COM_RESET_CONNECTION can be used: what it forgets besides session state is known. */
bool restore_can_reset(const struct server_conn *conn);

/* restore_write() would reset the connection on its way. */
bool restore_resets(const struct server_conn *conn, const struct session_state *to);

RMX_MUST_CHECK
enum restore_result restore_write(struct server_conn *conn, struct session_state *to,
				  struct writer *w);

/*
 * Further single steps, to be written behind restore_write() and before the statement;
 * restored() comes after the last.
 */
/* LAST_INSERT_ID() there becomes <insert_id>, if it is not yet. */
void restore_write_insert_id(struct server_conn *conn, uint64_t insert_id, struct writer *w);

/* Enter the schema of <state>, in which the connection is believed to be: is it still there? */
void restore_write_schema(struct server_conn *conn, const struct session_state *state,
			  struct writer *w);

/* Leave no warnings and counts of what ran there before. */
void restore_write_clean(struct server_conn *conn, struct writer *w);

/* Other trackers, by the text of a SET: conn->tracked is false until restore_trackers(). */
void restore_write_trackers(struct server_conn *conn, struct span sql, struct writer *w);

/*
 * Wait on the server until it has applied <position>, at most <timeout_ms>.
 * A time-out is RESTORE_REFUSED with error_number 0.
 */
void restore_write_position(struct server_conn *conn, const char *position,
			    uint32_t timeout_ms, struct writer *w);

/*
 * Prepare <query>; RESTORE_REFUSED when the server does not want to.  A connection that
 * is in another state than the query's makes a detour to that and back.
 * What <w> holds is written at once, with the text.
 */
void restore_write_prepare(struct server_conn *conn, struct query *query, struct writer *w);

#endif
