/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Server connections to one backend, for one worker.
 *
 * A session first tries pool_take(), which gives an idle connection at once.
 * Else it asks with a ticket and is called back: with a connection that came
 * back or was dialled for it, or with none and a reason.  The pool never opens
 * more than its share of the server's connections; beyond that, asks wait in
 * line, oldest first.  Waiting has no deadline here: the session has one.
 *
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_POOL_H
#define READMUX_RELAY_POOL_H

#include <readmux/relay/server_conn.h>

struct pool_ticket;
struct session;

/* <conn> is NULL when none can be had: ticket->error_number and ->problem say why. */
typedef void pool_granted_fn(struct pool_ticket *ticket, struct server_conn *conn);

/* What a session would like to have; the pointers are borrowed. */
struct pool_wish {
	struct account       *account;
	struct session_state *state;		/* a connection in this state is preferred */
	struct server_conn   *other_than;	/* debug.reshuffle: not this one; NULL = any */
	const struct prepared *prepared;	/* one that has this statement is preferred; NULL = none */
	uint32_t              session;		/* its id */
};

struct pool_ticket {
	TAILQ_ENTRY(pool_ticket) link;		/* private */
	struct pool          *pool;		/* private; NULL = not waiting */
	struct pool_wish      wish;
	pool_granted_fn      *granted;
	uint16_t              error_number;	/* the server's error, 0 = could not connect */
	char                  error_sqlstate[SQLSTATE_LEN + 1];
	char                  problem[256];
};

/* One backend as the balancer sees it. */
struct pool {
	struct relay_env *env;
	TAILQ_ENTRY(pool) link;
	uint32_t          backend_id;
	struct backend_stats *stats;		/* of its ordinal; the worker's */
	char              name[BACKEND_NAME_MAX];
	struct address    address;
	bool              replica;
	char              host[BACKEND_HOST_MAX];	/* whom its certificate must name */
	bool              mariadb;
	bool              other_source;		/* it replicates from another replica */
	bool              gtid;			/* positions are GTIDs */
	bool              waits_for_source;	/* it has SOURCE_POS_WAIT() */
	bool              names_log_status;	/* ... and SHOW BINARY LOG STATUS */
	struct {
		bool     known;
		uint32_t server_id;
		char     hostname[64];
		char     uuid[40];	/* "" on MariaDB */
	} identity;				/* as its probe saw it */
	bool              retired;		/* not in the topology any more */
	bool              down;			/* its server answers no probes */
	unsigned          limit;		/* most connections */
	unsigned          most;			/* the same when the server is not full */
	unsigned          open;			/* all, also those being dialled */
	unsigned          dialing;
	unsigned          leased;
	unsigned          in_flight;		/* statements running */
	unsigned          waiting;
	uint32_t          latency_us;		/* moving average; see pool_latency() */
	uint64_t          measured_us;		/* when the last latency was measured */
	char              reached[POSITION_MAX];	/* newest position known to be applied there */
	char              applied[LOG_POSITION_MAX];	/* as its last probe says */
	uint64_t          applied_us;	/* ... since that probe */
	uint64_t          broke_us;	/* the last of its links that broke, by clock_now_us() */
	char              shown[POSITION_MAX];	/* ... and of which more may not have been, at <shown_us> */
	bool              shown_more;		/* ... that has in it what is not visible there yet */
	uint64_t          shown_us;		/* clock_now_us() before that was asked */
	uint64_t          asked_us;		/* the same of the last question */
	uint64_t          behind_until_us;	/* it kept a read waiting in vain: spare it */
	bool              asking;		/* the answer is still to come */
	struct session   *asker;		/* who asked, while it is alive */
	TAILQ_HEAD(, server_conn) conns;
	TAILQ_HEAD(, pool_ticket) tickets;
	struct bucket    *buckets;		/* by account */
	struct timer      relief;		/* the server was full */
	struct timer      refusals;		/* when to look for those that are over */
	struct timer      watcher;		/* retired or down: are its connections cut off? */
	struct deferred   granter;
};

/* All of a worker. */
struct pools *pools_new(struct relay_env *env);
void pools_close(struct pools *pools);	/* closes every connection */
void pools_free(struct pools *pools);

/* The pool of backend <view>, made when it is new.  NULL: no memory. */
struct pool *pool_of(struct pools *pools, const struct backend_view *view);

/* Follow env->topology: retire pools whose backend is gone, close idle ones of drained backends. */
void pools_topology_changed(struct pools *pools);

/*
 * An idle connection, leased, or NULL.  One in the wanted state if there is one;
 * never one that cannot get there, nor (pool.share off) one of another session.
 */
struct server_conn *pool_take(struct pool *pool, const struct pool_wish *wish,
			      const struct server_conn_owner_ops *ops, void *owner);

/*
 * Take exactly <conn>, which is idle.  For statements about the last one.
 */
void pool_take_this(struct server_conn *conn, const struct server_conn_owner_ops *ops, void *owner);

/*
 * Wait for a connection.  granted() is never called from inside.  The
 * connection comes leased with no owner: the receiver calls server_conn_give().
 */
void pool_ask(struct pool *pool, struct pool_ticket *ticket);

/* A replica that has refused a login of <account> some seconds ago, and has no idle connection of it. */
bool pool_refuses(struct pool *pool, struct account *account);

/* Stop waiting.  Safe on a ticket that was never asked or was granted. */
void pool_withdraw(struct pool_ticket *ticket);

/*
 * For server_conn.c alone.  A connection enters its pool when it is dialled (false: no
 * memory), leaves it when it is closed, in whatever state it was, and is forgotten
 * when its owner has been told.
 */
RMX_MUST_CHECK
bool pool_enter(struct server_conn *conn);
void pool_leave(struct server_conn *conn);
void pool_forget(struct server_conn *conn);

/*
 * <conn>, which its owner dialled itself and which just became ready, joins
 * the pool's connections as a leased one; its set-up is written.
 */
void pool_adopt(struct server_conn *conn, const struct server_conn_owner_ops *ops, void *owner);

/* An idle connection that no session may ask anything more, for a question of readmux's own, or NULL. */
struct server_conn *pool_idle(struct pool *pool);

/* Give a leased connection back; it must have nothing in flight. */
void pool_return(struct server_conn *conn);

/* The server has no room for prepared statements: close those of idle connections, and of <conn>. */
void pool_close_statements(struct pool *pool, struct server_conn *conn);

/* pool.share off: session <id> is gone, and with it the idle connections it used. */
void pools_forget_session(struct pools *pools, struct account *account, uint32_t id);

/*
 * Bookkeeping for the balancer.  <sample>: the time says something about the
 * server (nothing was sent in front of the statement).
 */
void pool_statement_sent(struct pool *pool);
void pool_statement_done(struct pool *pool, uint64_t took_us, bool sample);

/* <position> is applied there. */
void pool_has_reached(struct pool *pool, const char *position);

/* A connection broke: the server may have died, and lost what it had applied and not flushed. */
void pool_link_broke(struct pool *pool);

/* Bring the gauges of all backends up to date; see BACKEND_STATS. */
void pools_count(struct pools *pools);

/* A read has waited there in vain for what its session must not miss. */
void pool_was_behind(struct pool *pool);

/*
 * Average response time in microseconds, 0 when unknown.  It fades while nothing
 * is measured: a server that was slow once has to be asked again.
 */
uint32_t pool_latency(const struct pool *pool);

#endif
