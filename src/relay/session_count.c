/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session and its statements count for in the statistics. */
#include <readmux/relay/digests.h>
#include <readmux/relay/session_parts.h>

void session_count_user(struct session *s)
{
	session_uncount_user(s);
	s->user_stats = stats_user(s->env->stats, s->account->user);
	STAT_INC(s->user_stats, sessions);
}

void session_uncount_user(struct session *s)
{
	if (s->user_stats != NULL)
		STAT_DEC(s->user_stats, sessions);
	s->user_stats = NULL;
}

void statement_count_sent(struct session *s)
{
	struct statement *st = &s->st;
	struct backend_stats *backend = s->conn->pool->stats;

	st->sent_us = loop_now_us(s->env->loop);
	st->first_us = 0;
	st->backend_id = s->conn->pool->backend_id;
	st->alone = s->conn->in_flight == 1;
	pool_statement_sent(s->conn->pool);
	STAT_INC(backend, statements_total);
	STAT_INC(backend, routed[st->route.reason]);
	if (st->replica) {
		STAT_INC(s->env->stats, statements_replica_total);
		STAT_INC(s->user_stats, statements_replica_total);
	} else {
		STAT_INC(s->env->stats, statements_primary_total);
		STAT_INC(s->user_stats, statements_primary_total);
	}
}

/* Its server is lost or has given up, and it runs again. */
void statement_count_retry(struct session *s, struct pool *pool)
{
	STAT_INC(s->env->stats, retries_total);
	STAT_INC(pool->stats, retries_total);
	s->st.backend_id = 0;
	if (s->st.retries < UINT8_MAX)
		s->st.retries++;
}

/* The server's ERR packet goes to the client. */
void statement_count_error(struct session *s, uint16_t number)
{
	stats_server_error(s->env->stats, number);
	STAT_INC(s->conn->pool->stats, errors_total);
	STAT_INC(s->user_stats, errors_total);
}

static void count_shape(struct session *s, uint64_t rows, uint64_t took_us)
{
	struct digests *digests = s->env->digests;
	unsigned weight = digests_weight(digests, loop_now_us(s->env->loop));
	struct span text = weight > 0 ? session_statement_text(s) : SPAN_NONE;
	struct digest_sample sample = {
		.took_us = took_us, .rows = rows, .replica = s->st.replica,
		.failed = s->st.failed,
	};
	struct sql_mode mode;

	if (text.len == 0)
		return;
	mode = session_sql_mode(s);
	digests_add(digests, text, &mode, &sample, weight);
}

static void count_answered(const struct server_conn *conn, const struct statement_times *times)
{
	struct backend_stats *backend = conn->pool->stats;

	STAT_ADD(backend, rows_total, conn->result.rows);
	histogram_add(&backend->times[BACKEND_TIME_statement], times->took_us);
	histogram_add(&backend->times[BACKEND_TIME_queue], times->queue_us);
	histogram_add(&backend->times[BACKEND_TIME_server], times->server_us);
	histogram_add(&backend->times[BACKEND_TIME_send], times->send_us);
	if (times->restore_us > 0)
		histogram_add(&backend->times[BACKEND_TIME_restore], times->restore_us);
}

/* <us> where it has been reached, and not before what comes first. */
static uint64_t moment(uint64_t us, uint64_t earliest, uint64_t now)
{
	return us >= earliest ? us : now;
}

static struct statement_times times_of(const struct session *s)
{
	const struct statement *st = &s->st;
	uint64_t now = loop_now_us(s->env->loop);
	uint64_t leased = moment(st->leased_us, st->started_us, now);
	uint64_t sent = moment(st->sent_us, leased, now);
	uint64_t first = moment(st->first_us, sent, now);

	return (struct statement_times){
		.took_us = now - st->started_us,
		.queue_us = leased - st->started_us,
		.restore_us = sent - leased,
		.server_us = first - sent,
		.send_us = now - first,
	};
}

void statement_record(struct session *s, const struct server_conn *conn)
{
	struct statement_times times = times_of(s);

	if (s->st.recorded)
		return;
	s->st.recorded = true;
	if (conn != NULL)
		count_answered(conn, &times);
	count_shape(s, conn != NULL ? conn->result.rows : 0, times.took_us);
	session_keep_decision(s, &times);
	statement_report(s, conn, &times);
}
