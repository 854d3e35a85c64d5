/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server connection alone knows of a session's last statement: the texts of its
 * warnings, and FOUND_ROWS() where the answer did not tell.
 *
 * As long as nobody else uses the connection it is asked when the session asks.  Before another
 * session uses it, or before it is closed for being idle, SHOW WARNINGS and SELECT FOUND_ROWS()
 * are sent, in this order: the second takes away on MySQL what the first shows, and the first
 * leaves FOUND_ROWS() alone (seen on MariaDB 10.11 and MySQL 9.7).  The answers are kept with
 * the session until its next statement.
 *
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_DIAGNOSTICS_H
#define READMUX_RELAY_DIAGNOSTICS_H

#include <readmux/base/buffer.h>
#include <readmux/relay/server_conn.h>

/* The longest answer to SHOW WARNINGS that is kept. */
#define DIAGNOSTICS_MAX 65536u

struct kept {
	struct diagnostics *owner;	/* NULL: nobody wants it any more */
	unsigned      open;		/* answers still to come */
	bool          has_warnings;	/* <bytes> are all of the answer */
	bool          has_found_rows;
	uint64_t      found_rows;
	uint16_t      warnings;		/* as its last packet says */
	unsigned      rows, errors;	/* rows in <bytes>, and those of them that are errors */
	size_t        head;		/* bytes before the first row */
	struct buffer bytes;		/* packets, without the last one */
};

/* A session's. */
struct diagnostics {
	struct kept *kept;		/* NULL: nothing is */
	void       (*settled)(struct diagnostics *d);	/* the answers are there, or will not come */
};

/* Ask <conn> for what it alone knows; it is about to serve somebody else. */
void diagnostics_save(struct server_conn *conn);

/* Nobody wants to know any more. */
void diagnostics_drop(struct diagnostics *d);

static inline bool diagnostics_awaited(const struct diagnostics *d)
{
	return d->kept != NULL && d->kept->open > 0;
}

#endif
