/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Server connections to one backend; see pool.h.
 *
 * A bucket holds the idle connections of one account, the one used last in
 * front: it is warm, and those that are not needed grow old together at the
 * back, where they are closed.
 */
#include <readmux/base/clock.h>
#include <readmux/base/log.h>
#include <readmux/relay/diagnostics.h>
#include <readmux/relay/pool.h>
#include <readmux/relay/position.h>
#include <readmux/relay/restore.h>

#include <uthash.h>

/* How many idle connections are looked at for one in the wanted state. */
#define LOOK_AT_MOST 16

/* Share of a server's max_connections that readmux takes when nothing is configured. */
#define SHARE_PERCENT 80u
#define LIMIT_UNKNOWN 100u

#define LAST_WORDS_US   1000000u	/* of a connection that is closed for being idle */

/* Since when MySQL has SOURCE_POS_WAIT() and SHOW BINARY LOG STATUS (its release notes). */
#define VERSION_POS_WAIT   80026u
#define VERSION_LOG_STATUS 80200u

/* A server that does not let an account in is not asked again for so long. */
#define REFUSAL_US      5000000u

#define RELIEF_US       5000000u	/* how long a server counts as full */

#define BEHIND_US       500000u	/* how long a replica is spared that kept a read waiting in vain */

#define WATCH_US        500000u	/* how often connections to a server that is gone are looked at */

/* An old latency counts half after each of these. */
#define LATENCY_HALF_US 50000u

TAILQ_HEAD(conn_list, server_conn);

struct bucket {
	UT_hash_handle   hh;
	struct account  *account;
	struct conn_list idle;
	unsigned         open;		/* its connections, also those being dialled or leased */
	unsigned         dialing;	/* for those who wait */
	unsigned         waiting;
	uint64_t         refused_until_us;	/* the server does not let the account in */
};

TAILQ_HEAD(pool_list, pool);

struct pools {
	struct relay_env *env;
	struct pool_list  list;
};

static void pool_grant_later(struct pool *pool);

/* --- buckets ------------------------------------------------------------ */

static struct bucket *bucket_find(struct pool *pool, struct account *account)
{
	struct bucket *b;

	HASH_FIND_PTR(pool->buckets, &account, b);
	return b;
}

static struct bucket *bucket_get(struct pool *pool, struct account *account)
{
	struct bucket *b = bucket_find(pool, account);

	if (b != NULL)
		return b;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->account = account_take(account);
	TAILQ_INIT(&b->idle);
	HASH_ADD_PTR(pool->buckets, account, b);
	return b;
}

static void bucket_drop(struct pool *pool, struct bucket *b)
{
	HASH_DEL(pool->buckets, b);
	account_drop(b->account);
	free(b);
}

static bool bucket_is_refused(const struct pool *pool, const struct bucket *b)
{
	return b->refused_until_us > loop_now_us(pool->env->loop);
}

static void bucket_drop_if_unused(struct pool *pool, struct bucket *b)
{
	if (b->open == 0 && b->waiting == 0 && !bucket_is_refused(pool, b))
		bucket_drop(pool, b);
}

/* Those that are kept only because of a refusal, some time later. */
static void forget_refusals(struct pool *pool, bool all)
{
	struct bucket *b, *tmp;

	HASH_ITER(hh, pool->buckets, b, tmp) {
		if (all)
			b->refused_until_us = 0;
		bucket_drop_if_unused(pool, b);
	}
}

static void refusals_expired(struct timer *t)
{
	forget_refusals(container_of(t, struct pool, refusals), false);
}

/* Its line is told after this. */
static void remember_refusal(struct pool *pool, struct bucket *b)
{
	b->refused_until_us = loop_now_us(pool->env->loop) + REFUSAL_US;
	timer_set(&pool->refusals, pool->env->loop, REFUSAL_US + 1000, refusals_expired);
}

bool pool_refuses(struct pool *pool, struct account *account)
{
	const struct bucket *b = bucket_find(pool, account);

	return b != NULL && bucket_is_refused(pool, b) && TAILQ_EMPTY(&b->idle);
}

/* --- connections that come and go -------------------------------------------- */

bool pool_enter(struct server_conn *conn)
{
	struct pool *pool = conn->pool;
	struct bucket *b = bucket_get(pool, conn->account);

	if (b == NULL)
		return false;
	conn->bucket = b;
	b->open++;
	TAILQ_INSERT_TAIL(&pool->conns, conn, link);
	pool->open++;
	pool->dialing++;
	return true;
}

void pool_leave(struct server_conn *conn)
{
	struct pool *pool = conn->pool;

	if (conn->state == SERVER_CONN_IDLE)
		TAILQ_REMOVE(&conn->bucket->idle, conn, idle_link);
	else if (conn->state == SERVER_CONN_LEASED)
		pool->leased--;
	else
		pool->dialing--;
	TAILQ_REMOVE(&pool->conns, conn, link);
	pool->open--;
}

void pool_forget(struct server_conn *conn)
{
	conn->bucket->open--;
	bucket_drop_if_unused(conn->pool, conn->bucket);
	conn->bucket = NULL;
	if (conn->state == SERVER_CONN_CLOSED)
		pool_grant_later(conn->pool);	/* there is room for another one */
}

/* --- a pool's own connections ----------------------------------------------- */

static void idle_gone(void *owner, struct server_conn *conn)
{
	(void)owner;
	(void)conn;
}

static void idle_restored(void *owner, struct server_conn *conn, enum restore_outcome outcome)
{
	(void)owner;
	if (outcome == RESTORE_FAILED)
		server_conn_close(conn);
}

static const struct server_conn_owner_ops idle_owner = {
	.restored = idle_restored,
	.gone = idle_gone,
};

static void idle_expired(struct timer *t)
{
	struct server_conn *conn = container_of(t, struct server_conn, timer);

	if (conn->state != SERVER_CONN_IDLE)
		return;
	if (conn->precious != 0 && !conn->disturbed) {
		diagnostics_save(conn);
		timer_set(&conn->timer, conn->env->loop, LAST_WORDS_US, idle_expired);
	} else {
		server_conn_close(conn);
	}
}

static void idle_begins(struct server_conn *conn)
{
	const struct relay_env *env = conn->env;

	timer_set(&conn->timer, env->loop, env->settings->pool_idle_timeout_ms * 1000,
		  idle_expired);
}

static void make_idle(struct server_conn *conn)
{
	server_conn_give(conn, SERVER_CONN_IDLE, &idle_owner, conn->pool);
	TAILQ_INSERT_HEAD(&conn->bucket->idle, conn, idle_link);
	idle_begins(conn);
}

/* --- dialling --------------------------------------------------------------- */

static void fail_tickets(struct pool *pool, struct account *account, struct server_conn *conn);

static void set_up(struct server_conn *conn)
{
	size_t room;
	uint8_t *workshop = loop_workshop(conn->env->loop, &room);
	struct writer w = writer_over(workshop, room);

	conn->pool->dialing--;
	restore_write_setup(conn, &w);
	stream_write(&conn->stream, writer_span(&w));
}

static void dialled_ready(void *owner, struct server_conn *conn)
{
	struct pool *pool = owner;

	conn->bucket->dialing--;
	set_up(conn);
	make_idle(conn);
	pool_grant_later(pool);
}

void pool_adopt(struct server_conn *conn, const struct server_conn_owner_ops *ops, void *owner)
{
	set_up(conn);
	conn->pool->leased++;
	server_conn_give(conn, SERVER_CONN_IDLE, ops, owner);
	server_conn_give(conn, SERVER_CONN_LEASED, ops, owner);
}

/*
 * The server is full but serves us already: what is open has to do, and what is idle of it
 * makes room.
 */
static bool server_is_full(const struct server_conn *conn, const struct pool *pool)
{
	return conn->error_number == 1040 && pool->open > pool->dialing;
}

static void dialled_gone(void *owner, struct server_conn *conn)
{
	struct pool *pool = owner;

	conn->bucket->dialing--;
	STAT_INC(pool->env->stats, server_connect_failures_total);
	STAT_INC(pool->stats, connect_failures_total);
	log_info(NULL, "server connection failed", LOG_TEXT("backend", pool->name),
		 LOG_TEXT("problem", conn->problem), LOG_UINT("error", conn->error_number));
	server_conn_give_evidence(conn);
	if (conn->error_number == 1045 && !pool->replica)	/* a replica may not know yet */
		credentials_refused(pool->env->credentials, conn->account->user,
				    &conn->account->secret);
	if (conn->error_number != 0 && pool->replica && !server_is_full(conn, pool))
		remember_refusal(pool, conn->bucket);
	fail_tickets(pool, conn->account, conn);
}

static const struct server_conn_owner_ops dialled_owner = {
	.ready = dialled_ready,
	.gone = dialled_gone,
};

/* The server may have room again. */
static void relieved(struct timer *t)
{
	struct pool *pool = container_of(t, struct pool, relief);

	pool->limit = pool->most;
	pool_grant_later(pool);
}

/* A connection for <account> could not be had: tell those who wait for one. */
static void fail_tickets(struct pool *pool, struct account *account, struct server_conn *conn)
{
	struct pool_ticket *t, *next;

	if (server_is_full(conn, pool)) {
		pool->limit = pool->leased + pool->dialing;
		if (pool->limit == 0)
			pool->limit = 1;
		timer_set(&pool->relief, pool->env->loop, RELIEF_US, relieved);
		pool_grant_later(pool);
		return;
	}
	for (t = TAILQ_FIRST(&pool->tickets); t != NULL; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->wish.account != account)
			continue;
		t->error_number = conn->error_number;
		(void)snprintf(t->error_sqlstate, sizeof(t->error_sqlstate), "%s",
			       conn->error_sqlstate);
		(void)snprintf(t->problem, sizeof(t->problem), "%s", conn->problem);
		pool_withdraw(t);
		t->granted(t, NULL);
		next = TAILQ_FIRST(&pool->tickets);	/* granted() may have changed the line */
	}
}

/* The oldest one of a bucket that nobody may ask anything, else the oldest. */
static struct server_conn *oldest_idle(const struct bucket *b)
{
	struct server_conn *conn;

	TAILQ_FOREACH_REVERSE(conn, &b->idle, conn_list, idle_link) {
		if (conn->precious == 0)
			return conn;
	}
	return TAILQ_LAST(&b->idle, conn_list);
}

static struct server_conn *idle_to_ask(struct bucket *b)
{
	struct server_conn *conn;
	unsigned looked = 0;

	TAILQ_FOREACH(conn, &b->idle, idle_link) {
		if (++looked > LOOK_AT_MOST)
			break;
		if (conn->precious == 0 && conn->in_flight == 0)
			return conn;
	}
	return NULL;
}

struct server_conn *pool_idle(struct pool *pool)
{
	struct bucket *b, *tmp;

	HASH_ITER(hh, pool->buckets, b, tmp) {
		struct server_conn *conn = idle_to_ask(b);

		if (conn == NULL)
			continue;
		idle_begins(conn);	/* it is of use */
		return conn;
	}
	return NULL;
}

static bool close_oldest_idle(struct pool *pool)
{
	struct bucket *b, *tmp;

	HASH_ITER(hh, pool->buckets, b, tmp) {
		struct server_conn *conn = oldest_idle(b);

		if (conn == NULL)
			continue;
		server_conn_close(conn);
		return true;
	}
	return false;
}

/* Dial as many connections as there are asks without one.  False: there is no room for more. */
static bool dial_for(struct pool *pool, struct bucket *b)
{
	while (b->dialing < b->waiting) {
		if (pool->open >= pool->limit && !close_oldest_idle(pool))
			return false;
		if (server_conn_dial(pool->env, pool, b->account, &dialled_owner, pool) == NULL)
			return false;
		b->dialing++;
	}
	return true;
}

/* --- leasing ---------------------------------------------------------------- */

/*
 * For <session>.  Whatever becomes of the lease, the connection is not as its last user has
 * left it.
 */
static void lease(struct server_conn *conn, uint32_t session,
		  const struct server_conn_owner_ops *ops, void *owner)
{
	if (conn->session != session)
		diagnostics_save(conn);
	conn->session = session;
	server_conn_forget_user(conn);
	TAILQ_REMOVE(&conn->bucket->idle, conn, idle_link);
	conn->pool->leased++;
	STAT_INC(conn->env->stats, leases_total);
	server_conn_give(conn, SERVER_CONN_LEASED, ops, owner);
}

static bool can_serve(const struct server_conn *conn, const struct pool_wish *wish,
		      enum state_path *path)
{
	if (!conn->env->settings->pool_share && conn->session != 0 &&
	    conn->session != wish->session)
		return false;
	*path = state_path(conn->session_state, wish->state);
	return conn != wish->other_than && *path != STATE_PATH_IMPOSSIBLE &&
	       (*path != STATE_PATH_RESET || restore_can_reset(conn));
}

static bool lacks_statement(const struct server_conn *conn, const struct pool_wish *wish)
{
	return wish->prepared != NULL && server_stmt_find(&conn->stmts, wish->prepared) == NULL;
}

/* Lower is better: in the right state, then easily brought there; nobody's memory last. */
static struct server_conn *best_idle(struct bucket *b, const struct pool_wish *wish,
				     bool spare_precious)
{
	struct server_conn *conn, *best = NULL;
	unsigned best_rank = 4 * STATE_PATH_IMPOSSIBLE, looked = 0;

	TAILQ_FOREACH(conn, &b->idle, idle_link) {
		enum state_path path;
		unsigned rank;

		if (++looked > LOOK_AT_MOST)
			break;
		if (!can_serve(conn, wish, &path) || (conn->precious != 0 && spare_precious))
			continue;
		rank = 4 * (unsigned)path + 2 * lacks_statement(conn, wish) +
		       (conn->in_flight > 0);
		if (rank < best_rank) {
			best = conn;
			best_rank = rank;
		}
		if (rank == 0)
			break;
	}
	return best;
}

struct server_conn *pool_take(struct pool *pool, const struct pool_wish *wish,
			      const struct server_conn_owner_ops *ops, void *owner)
{
	struct bucket *b = bucket_find(pool, wish->account);
	struct server_conn *conn;

	if (b == NULL || b->waiting > 0)
		return NULL;
	conn = best_idle(b, wish, pool->open < pool->limit);
	if (conn == NULL)
		return NULL;
	if (conn->session_state == wish->state)
		STAT_INC(pool->env->stats, pool_hits_total);
	lease(conn, wish->session, ops, owner);
	return conn;
}

void pool_take_this(struct server_conn *conn, const struct server_conn_owner_ops *ops, void *owner)
{
	lease(conn, conn->session, ops, owner);
}

/* --- waiting ------------------------------------------------------------ */

void pool_withdraw(struct pool_ticket *ticket)
{
	struct pool *pool = ticket->pool;
	struct bucket *b;

	if (pool == NULL)
		return;
	b = bucket_find(pool, ticket->wish.account);
	TAILQ_REMOVE(&pool->tickets, ticket, link);
	pool->waiting--;
	b->waiting--;
	ticket->pool = NULL;
	bucket_drop_if_unused(pool, b);
}

static struct server_conn *conn_for(struct pool *pool, struct pool_ticket *t)
{
	struct bucket *b = bucket_find(pool, t->wish.account);

	return best_idle(b, &t->wish, pool->open < pool->limit);
}

/*
 * Whoever can be served is, in order of arrival; then dial for the others, in that order
 * too.  A bucket for which somebody waits stays when dialling closes the last connection
 * of another one.
 */
static void grant(struct deferred *d)
{
	struct pool *pool = container_of(d, struct pool, granter);
	struct pool_ticket *t, *next;

	for (t = TAILQ_FIRST(&pool->tickets); t != NULL; t = next) {
		struct server_conn *conn = conn_for(pool, t);

		next = TAILQ_NEXT(t, link);
		if (conn == NULL)
			continue;
		lease(conn, t->wish.session, NULL, NULL);
		pool_withdraw(t);
		t->granted(t, conn);
		next = TAILQ_FIRST(&pool->tickets);
	}
	TAILQ_FOREACH(t, &pool->tickets, link) {
		if (!dial_for(pool, bucket_find(pool, t->wish.account)))
			return;
	}
}

static void pool_grant_later(struct pool *pool)
{
	if (pool->waiting > 0)
		loop_defer(pool->env->loop, &pool->granter, grant);
}

void pool_ask(struct pool *pool, struct pool_ticket *ticket)
{
	struct bucket *b = bucket_get(pool, ticket->wish.account);

	assert(ticket->pool == NULL && b != NULL);
	ticket->pool = pool;
	TAILQ_INSERT_TAIL(&pool->tickets, ticket, link);
	pool->waiting++;
	b->waiting++;
	loop_defer(pool->env->loop, &pool->granter, grant);
}

void pool_return(struct server_conn *conn)
{
	struct pool *pool = conn->pool;

	assert(conn->state == SERVER_CONN_LEASED);
	if (conn->no_reuse || pool->retired) {
		server_conn_close(conn);
		return;
	}
	restore_trackers(conn);
	pool->leased--;
	make_idle(conn);
	pool_grant_later(pool);
}

static void close_statements(struct server_conn *conn)
{
	size_t room;
	uint8_t *memory = loop_workshop(conn->env->loop, &room);
	struct writer closes = writer_over(memory, room);

	server_stmts_close_shared(&conn->stmts, &closes);
	stream_write(&conn->stream, writer_span(&closes));
}

void pool_close_statements(struct pool *pool, struct server_conn *conn)
{
	struct server_conn *other, *next;

	close_statements(conn);
	for (other = TAILQ_FIRST(&pool->conns); other != NULL; other = next) {
		next = TAILQ_NEXT(other, link);
		if (other->state == SERVER_CONN_IDLE)
			close_statements(other);
	}
}

static void close_idle_of(struct pool *pool, struct account *account, uint32_t id)
{
	struct bucket *b = bucket_find(pool, account);
	struct server_conn *conn, *next;

	for (conn = b != NULL ? TAILQ_FIRST(&b->idle) : NULL; conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, idle_link);
		if (conn->session == id)
			server_conn_close(conn);
	}
}

void pools_forget_session(struct pools *pools, struct account *account, uint32_t id)
{
	struct pool *pool;

	TAILQ_FOREACH(pool, &pools->list, link)
		close_idle_of(pool, account, id);
}

/* --- statements, for the balancer --------------------------------------------- */

void pool_statement_sent(struct pool *pool)
{
	pool->in_flight++;
}

void pool_statement_done(struct pool *pool, uint64_t took_us, bool sample)
{
	int64_t value = (int64_t)(took_us < UINT32_MAX ? took_us : UINT32_MAX);
	int64_t mean = pool_latency(pool);

	pool->in_flight--;
	if (!sample)
		return;
	pool->latency_us = (uint32_t)(mean == 0 ? value : mean + (value - mean) / 8);
	pool->measured_us = loop_now_us(pool->env->loop);
}

void pool_has_reached(struct pool *pool, const char *position)
{
	if (!position_advance(pool->reached, position))
		(void)snprintf(pool->reached, sizeof(pool->reached), "%s", position);
}

void pool_link_broke(struct pool *pool)
{
	pool->reached[0] = '\0';
	pool->broke_us = clock_now_us();
}

void pool_was_behind(struct pool *pool)
{
	pool->behind_until_us = loop_now_us(pool->env->loop) + BEHIND_US;
}

uint32_t pool_latency(const struct pool *pool)
{
	uint64_t halvings = (loop_now_us(pool->env->loop) - pool->measured_us) / LATENCY_HALF_US;

	return halvings < 32 ? pool->latency_us >> halvings : 0;
}

/* --- the pools of a worker -------------------------------------------------- */

static unsigned limit_for(const struct relay_env *env, const struct backend_view *view)
{
	uint64_t total = env->settings->pool_max_connections;

	if (total == 0)
		total = view->facts.max_connections > 0 ?
			(uint64_t)view->facts.max_connections * SHARE_PERCENT / 100 : LIMIT_UNKNOWN;
	return (unsigned)(total / env->workers > 0 ? total / env->workers : 1);
}

static void follow_view(struct pool *pool, const struct backend_view *view)
{
	pool->replica = view->role == BACKEND_REPLICA;
	pool->mariadb = view->facts.mariadb;
	pool->gtid = view->facts.gtid;
	pool->waits_for_source = !pool->mariadb && view->facts.version >= VERSION_POS_WAIT;
	pool->names_log_status = !pool->mariadb && view->facts.version >= VERSION_LOG_STATUS;
	pool->identity.known = view->facts.known;
	pool->identity.server_id = view->facts.server_id;
	(void)snprintf(pool->identity.hostname, sizeof(pool->identity.hostname), "%s",
		       view->facts.hostname);
	(void)snprintf(pool->identity.uuid, sizeof(pool->identity.uuid), "%s", view->facts.uuid);
	pool->limit = pool->most = limit_for(pool->env, view);
	if (pool->other_source != view->other_source)
		pool->reached[0] = '\0';	/* it may be a place in another log */
	pool->other_source = view->other_source;
	if (strcmp(pool->applied, view->log) != 0) {
		(void)snprintf(pool->applied, sizeof(pool->applied), "%s", view->log);
		pool->applied_us = view->log_us;
	}
	if (pool->replica && view->log_us > pool->broke_us && view->log[0] != '\0' &&
	    position_is_wellformed(span_of(view->log)))
		pool_has_reached(pool, view->log);
}

static struct pool *pool_new(struct pools *pools, const struct backend_view *view)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->stats = stats_backend(pools->env->stats, view->ordinal);
	if (pool->stats == NULL) {
		free(pool);
		return NULL;
	}
	pool->env = pools->env;
	pool->backend_id = view->id;
	pool->address = view->address;
	memcpy(pool->host, view->host, sizeof(pool->host));
	(void)snprintf(pool->name, sizeof(pool->name), "%s", view->name);
	TAILQ_INIT(&pool->conns);
	TAILQ_INIT(&pool->tickets);
	follow_view(pool, view);
	TAILQ_INSERT_TAIL(&pools->list, pool, link);
	return pool;
}

struct pool *pool_of(struct pools *pools, const struct backend_view *view)
{
	struct pool *pool;

	TAILQ_FOREACH(pool, &pools->list, link) {
		if (pool->backend_id == view->id)
			return pool;
	}
	return pool_new(pools, view);
}

static void close_all_idle(struct pool *pool)
{
	while (close_oldest_idle(pool))
		;
}

/*
 * A frozen server keeps its connections open and says nothing.  Whoever waits for
 * an answer there may want to ask elsewhere.
 */
static void tell_silence(struct pool *pool)
{
	struct server_conn *conn, *next;

	for (conn = TAILQ_FIRST(&pool->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn->state != SERVER_CONN_IDLE && conn->owner_ops != NULL &&
		    conn->owner_ops->silent != NULL)
			conn->owner_ops->silent(conn->owner, conn);
	}
}

/* Another end than silence comes by itself. */
static void lose_those_cut_off(struct pool *pool)
{
	struct server_conn *conn, *next;

	for (conn = TAILQ_FIRST(&pool->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn->state == SERVER_CONN_LEASED &&
		    stream_unheard_ms(&conn->stream) >= pool->env->settings->silence_ms)
			server_conn_lose(conn, "nothing is heard of the server's machine");
	}
}

/*
 * A statement that runs on a machine which is gone would wait for the kernel's much longer
 * limits.  One that runs on a living server, be it slow, stopped or about to go, ends there.
 */
static void look_who_is_cut_off(struct timer *t)
{
	struct pool *pool = container_of(t, struct pool, watcher);

	lose_those_cut_off(pool);
	if ((pool->retired || pool->down) && pool->open > 0)
		timer_set(&pool->watcher, pool->env->loop, WATCH_US, look_who_is_cut_off);
}

/* A backend may have two pools while an old one empties: the gauges are of both. */
static void count_gauges(const struct pools *pools, const struct pool *one)
{
	struct backend_stats *stats = one->stats;
	unsigned open = 0, leased = 0, dialing = 0, waiting = 0, in_flight = 0;
	const struct pool *pool;

	TAILQ_FOREACH(pool, &pools->list, link) {
		if (pool->stats != stats)
			continue;
		open += pool->open;
		leased += pool->leased;
		dialing += pool->dialing;
		waiting += pool->waiting;
		in_flight += pool->in_flight;
	}
	STAT_SET(stats, connections, open);
	STAT_SET(stats, connections_leased, leased);
	STAT_SET(stats, connections_dialing, dialing);
	STAT_SET(stats, waiting, waiting);
	STAT_SET(stats, in_flight, in_flight);
	STAT_SET(stats, connections_limit, one->limit);
	STAT_SET(stats, latency_us, pool_latency(one));
}

void pools_count(struct pools *pools)
{
	const struct pool *pool;

	TAILQ_FOREACH(pool, &pools->list, link)
		count_gauges(pools, pool);
}

static void pool_free(struct pools *pools, struct pool *pool)
{
	forget_refusals(pool, true);
	timer_clear(&pool->refusals);
	timer_clear(&pool->relief);
	timer_clear(&pool->watcher);
	TAILQ_REMOVE(&pools->list, pool, link);
	free(pool);
}

void pools_topology_changed(struct pools *pools)
{
	struct pool *pool, *next;

	for (pool = TAILQ_FIRST(&pools->list); pool != NULL; pool = next) {
		const struct backend_view *view =
			topology_by_id(pools->env->topology, pool->backend_id);

		next = TAILQ_NEXT(pool, link);
		pool->retired = view == NULL;
		pool->down = view != NULL && view->health == HEALTH_DOWN;
		if (view != NULL)
			follow_view(pool, view);
		if (view == NULL || view->draining || pool->down)
			close_all_idle(pool);
		if (pool->down)
			tell_silence(pool);
		if ((pool->retired || pool->down) && pool->open > 0 &&
		    !timer_is_set(&pool->watcher))	/* news must not push it away */
			timer_set(&pool->watcher, pool->env->loop, WATCH_US, look_who_is_cut_off);
		if (pool->retired && pool->open == 0 && pool->waiting == 0 &&
		    !pool->granter.queued)
			pool_free(pools, pool);
	}
}

struct pools *pools_new(struct relay_env *env)
{
	struct pools *pools = calloc(1, sizeof(*pools));

	if (pools == NULL)
		return NULL;
	pools->env = env;
	TAILQ_INIT(&pools->list);
	return pools;
}

void pools_close(struct pools *pools)
{
	struct pool *pool;

	TAILQ_FOREACH(pool, &pools->list, link) {
		struct server_conn *conn;

		while ((conn = TAILQ_FIRST(&pool->conns)) != NULL)
			server_conn_close(conn);
	}
}

void pools_free(struct pools *pools)
{
	struct pool *pool;

	if (pools == NULL)
		return;
	while ((pool = TAILQ_FIRST(&pools->list)) != NULL) {
		assert(pool->open == 0 && pool->waiting == 0);
		pool_free(pools, pool);
	}
	free(pools);
}
