/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session's LAST_INSERT_ID(), whichever server connections its INSERTs ran on.
 *
 * An OK packet tells an id that was given in the statement just as it tells one
 * that was generated, and only the latter changes LAST_INSERT_ID(); no tracker
 * reports either (seen on MariaDB 10.11 and MySQL 9.7).  So an id is in doubt until
 * the connection is asked: when somebody wants to know, or before another session
 * uses the connection.
 *
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_INSERT_ID_H
#define READMUX_RELAY_INSERT_ID_H

#include <readmux/base/common.h>

#include <sys/queue.h>

struct server_conn;
struct insert_doubt;

struct insert_id {
	uint64_t value;		/* LAST_INSERT_ID(), but for what is in doubt */
	uint64_t value_seq;	/* which of the session's inserts it is from */
	uint64_t seq;		/* counts inserts */
	LIST_HEAD(, insert_doubt) doubts;
	void   (*settled)(struct insert_id *id);	/* nothing is in doubt any more */
};

void insert_id_init(struct insert_id *id, void (*settled)(struct insert_id *id));

/* As after a fresh login; the doubts are dropped. */
void insert_id_reset(struct insert_id *id);

/* <value> is certain. */
void insert_id_set(struct insert_id *id, uint64_t value);

/* An OK packet on <conn> has told <value>. */
void insert_id_told(struct insert_id *id, struct server_conn *conn, uint64_t value);

/*
 * A stored program or LAST_INSERT_ID(expr) on <conn> may have changed it to anything; before, it was
 * the session's there.
 */
void insert_id_unclear(struct insert_id *id, struct server_conn *conn);

static inline bool insert_id_in_doubt(const struct insert_id *id)
{
	return !LIST_EMPTY(&id->doubts);
}

/* Ask wherever there is a doubt; settled() follows, maybe from inside. */
void insert_id_ask(struct insert_id *id);

/*
 * <conn> is about to serve the session of <next>.  What it knows of another's is
 * asked first, or of the same one's if it <forgets> (COM_RESET_CONNECTION).
 */
void insert_id_save(struct server_conn *conn, const struct insert_id *next, bool forgets);

/* What is in doubt on <conn> is asked now, before the next statement there. */
void insert_id_settle(struct server_conn *conn);

/* It cannot be asked any more: the ids are taken for generated. */
void insert_doubt_conn_closed(struct server_conn *conn);

#endif
