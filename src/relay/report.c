/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker tells about its sessions; see report.h. */
#include <readmux/relay/digests.h>
#include <readmux/relay/report.h>
#include <readmux/relay/session_parts.h>
#include <readmux/sql/digest.h>

#include <inttypes.h>
#include <uthash.h>

#define SHAPE_MAX 200u

#define SLICE        100u	/* sessions that are told at a time */
#define SESSIONS_MAX 10000u	/* rows of all workers together */

const char *relay_phase_name(unsigned phase)
{
	return phase <= SESSION_CLOSED ? session_phase_name((enum session_phase)phase) : NULL;
}

static const struct table_column session_columns[] = {
	{ "id", TABLE_NUMBER, "connection id as the client knows it; NULL: of more than 10000 sessions, a "
	  "row says how many are left out" },
	{ "user", TABLE_TEXT, "who has logged in" },
	{ "peer", TABLE_TEXT, "from where" },
	{ "port", TABLE_TEXT, "split or read: what it came in on" },
	{ "schema", TABLE_TEXT, "its default schema" },
	{ "phase", TABLE_TEXT, "what it is doing" },
	{ "in_transaction", TABLE_TRUTH, "it is in a transaction" },
	{ "pinned", TABLE_TRUTH, "it has state that keeps it on its server connection" },
	{ "backend", TABLE_TEXT, "the server whose connection it holds" },
	{ "server_thread", TABLE_NUMBER, "id of that connection on the server" },
	{ "consistency", TABLE_TEXT, "what its reads may miss" },
	{ "prepared", TABLE_NUMBER, "prepared statements" },
	{ "transport", TABLE_TEXT, "how its bytes travel" },
	{ "compression", TABLE_TEXT, "off, zlib or zstd" },
	{ "statement_us", TABLE_NUMBER, "for how long its statement runs or waits" },
	{ "statement", TABLE_TEXT, "the shape of that statement: without literals" },
};

struct table relay_report_table(enum report report)
{
	if (report == REPORT_STATEMENTS)
		return (struct table){ .columns = digests_columns, .width = digests_width };
	if (report == REPORT_ROUTE)
		return (struct table){ .columns = decisions_columns, .width = decisions_width };
	return (struct table)TABLE(session_columns);
}

void relay_report_finish(enum report report, struct table *t)
{
	if (report == REPORT_STATEMENTS)
		digests_merge(t);
}

static const char *compression_of(const struct session *s)
{
	if ((s->capabilities & CLIENT_ZSTD_COMPRESSION_ALGORITHM) != 0)
		return "zstd";
	return (s->capabilities & CLIENT_COMPRESS) != 0 ? "zlib" : "off";
}

static void put_who(struct table *t, const struct session *s)
{
	char peer[ADDRESS_TEXT_MAX];

	table_put_number(t, s->id);
	table_put(t, s->account != NULL ? s->account->user : SPAN_NONE);
	table_put_text(t, session_name(s, peer, sizeof(peer)));
	table_put_text(t, listen_route_names[s->listen]);
	table_put(t, s->state != NULL ? state_schema(s->state) : SPAN_NONE);
}

static void put_statement(struct table *t, const struct session *s)
{
	char shape[SHAPE_MAX] = "";
	struct sql_mode mode;

	if (s->account == NULL || s->phase < SESSION_ROUTING || s->phase > SESSION_RUNNING) {
		table_put_text(t, NULL);
		table_put_text(t, NULL);
		return;
	}
	mode = session_sql_mode(s);
	sql_digest_text(session_statement_text(s), &mode, shape, sizeof(shape));
	table_put_number(t, loop_now_us(s->env->loop) - s->st.started_us);
	table_put_text(t, shape[0] != '\0' ? shape : command_info(s->st.command)->name);
}

static void put_session(struct table *t, const struct session *s)
{
	put_who(t, s);
	table_put_text(t, session_phase_name((enum session_phase)s->phase));
	table_put_truth(t, session_in_transaction(s));
	table_put_truth(t, s->pins != 0);
	table_put_text(t, s->conn != NULL ? s->conn->pool->name : NULL);
	if (s->conn != NULL)
		table_put_number(t, s->conn->thread_id);
	else
		table_put_text(t, NULL);
	table_put_text(t, session_consistency_name(s));
	table_put_number(t, HASH_COUNT(s->prepared.by_id));
	table_put_text(t, s->stream.transport->name);
	table_put_text(t, compression_of(s));
	put_statement(t, s);
}

/* --- slice by slice ----------------------------------------------------------------- */

void relay_walk_begin(struct relay_env *env, struct relay_walk *walk, enum report report)
{
	*walk = (struct relay_walk){ .report = report, .next = TAILQ_FIRST(&env->all) };
	TAILQ_INSERT_TAIL(&env->walks, walk, link);
}

void relay_walk_end(struct relay_env *env, struct relay_walk *walk)
{
	TAILQ_REMOVE(&env->walks, walk, link);
}

void relay_walks_pass(struct relay_env *env, struct session *s)
{
	struct relay_walk *walk;

	TAILQ_FOREACH(walk, &env->walks, link) {
		if (walk->next == s)
			walk->next = TAILQ_NEXT(s, link);
	}
}

/* The worker's share of the rows is full. */
static void put_left_out(const struct relay_env *env, const struct relay_walk *walk,
			 struct table *t)
{
	uint64_t all = STAT_GET(env->stats, sessions);
	char words[80];

	(void)snprintf(words, sizeof(words), "(%" PRIu64 " more sessions are left out)",
		       all - size_min(all, walk->rows));
	for (unsigned i = 0; i + 1 < t->width; i++)
		table_put_text(t, NULL);
	table_put_text(t, words);
}

bool relay_walk_slice(struct relay_env *env, struct relay_walk *walk, struct table *t)
{
	size_t share = SESSIONS_MAX / (env->workers > 0 ? env->workers : 1);

	if (walk->report == REPORT_STATEMENTS) {
		digests_fill(env->digests, t);
		walk->next = NULL;
	}
	for (unsigned i = 0; i < SLICE && walk->next != NULL && walk->rows < share; i++) {
		put_session(t, walk->next);
		walk->rows++;
		walk->next = TAILQ_NEXT(walk->next, link);
	}
	if (walk->next != NULL && walk->rows < share)
		return true;
	if (walk->next != NULL)
		put_left_out(env, walk, t);
	relay_walk_end(env, walk);
	return false;
}
