/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client may ask readmux about itself: SHOW READMUX, and where a statement would go.
 *
 * The tables come from the control thread (report.h), but for the session's own: where its
 * last statements went.
 */
#include <readmux/relay/report.h>
#include <readmux/relay/session_parts.h>
#include <readmux/sql/digest.h>
#include <readmux/sql/named.h>
#include <readmux/wire/resultset.h>

#define DECISIONS    16u	/* that a session remembers */
#define HEAD_MAX     96u	/* bytes of a statement that are kept */
#define LIKE_MAX     128u
#define COLUMNS_MAX  32u
#define KNOWN_US     60000000u	/* how long a user's right is believed */

#define ASK_FOR_RIGHT SESSION_RIGHT_QUERY("'PROCESS', 'SUPER'")

struct decision {
	uint8_t           head[HEAD_MAX];	/* of the text */
	uint8_t           head_len;
	uint8_t           command;
	uint8_t           retries;
	bool              replica;
	bool              failed;
	enum route_reason reason;
	uint32_t          waited_us, took_us;
	char              backend[BACKEND_NAME_MAX];
};

struct decisions {
	uint64_t        count;	/* ever */
	struct decision ring[DECISIONS];
	struct {		/* the SHOW READMUX under way */
		enum report report;
		bool        has_like;
		char        like[LIKE_MAX];
		uint64_t    limit;
	} show;
};

/* The session's; NULL: no memory. */
static struct decisions *decisions_of(struct session *s)
{
	if (s->decisions == NULL)
		s->decisions = calloc(1, sizeof(*s->decisions));
	return s->decisions;
}

/* --- result sets ------------------------------------------------------------------- */

static void send_rows(struct session *s, const struct table *t, struct resultset *r)
{
	struct span cells[COLUMNS_MAX];

	for (unsigned i = 0; i < t->width; i++)
		cells[i] = span_of(t->columns[i].name);
	resultset_begin(r, cells, t->width);
	for (size_t row = 0; row < t->rows; row++) {
		for (unsigned i = 0; i < t->width; i++)
			cells[i] = table_cell(t, row, i);
		resultset_row(r, cells, t->width);
		if (r->w->len < r->w->cap / 2)
			continue;
		stream_write(&s->stream, writer_span(r->w));
		r->w->len = 0;
	}
	resultset_end(r);
	stream_write(&s->stream, writer_span(r->w));
}

static void send_table(struct session *s, const struct table *t)
{
	size_t room;
	uint8_t *memory = loop_workshop(s->env->loop, &room);
	struct writer w = writer_over(memory, room);
	struct resultset r = {
		.w = &w, .capabilities = s->capabilities, .status = s->status, .seq = s->st.seq,
	};

	assert(t->width <= COLUMNS_MAX);
	if (t->broken) {
		session_send_error(s, RMX_OUT_OF_MEMORY);
		s->st.failed = true;
		return;
	}
	send_rows(s, t, &r);
	if (w.bad)
		session_close(s, "an answer did not fit");
	s->last.row_count = -1;
	s->last.found_rows = t->rows;
	s->last.found_rows_known = true;
	s->last.warnings = 0;
	s->last.failed = false;
}

/* --- where the last statements went ---------------------------------------------------- */

const struct table_column decisions_columns[] = {
	{ "number", TABLE_NUMBER, "counts the session's statements; the newest comes first" },
	{ "statement", TABLE_TEXT, "its shape: without literals" },
	{ "backend", TABLE_TEXT, "where it ran" },
	{ "role", TABLE_TEXT, "primary or replica" },
	{ "reason", TABLE_TEXT, "why" },
	{ "about", TABLE_TEXT, "the reason in words" },
	{ "waited_us", TABLE_NUMBER, "until it had a server connection" },
	{ "retried", TABLE_NUMBER, "how often it was run again" },
	{ "took_us", TABLE_NUMBER, "to the end of its answer" },
	{ "failed", TABLE_TRUTH, "it ended in an error" },
};
const unsigned decisions_width = ARRAY_LEN(decisions_columns);

static uint32_t short_us(uint64_t us)
{
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void session_keep_decision(struct session *s, const struct server_conn *conn)
{
	struct decisions *all = decisions_of(s);
	const struct statement *st = &s->st;
	struct span text = session_statement_text(s);
	struct decision *d;

	if (all == NULL)
		return;
	d = &all->ring[all->count++ % DECISIONS];
	d->head_len = (uint8_t)size_min(text.len, HEAD_MAX);
	if (d->head_len > 0)
		memcpy(d->head, text.data, d->head_len);
	d->command = st->command;
	d->retries = st->retries;
	d->replica = st->replica;
	d->failed = st->failed;
	d->reason = st->route.reason;
	d->waited_us = short_us(st->leased_us - st->started_us);
	d->took_us = short_us(loop_now_us(s->env->loop) - st->started_us);
	(void)snprintf(d->backend, sizeof(d->backend), "%s", conn->pool->name);
}

static void put_decision(struct table *t, const struct session *s, uint64_t number,
			 const struct decision *d)
{
	struct sql_mode mode = session_sql_mode(s);
	char shape[2 * HEAD_MAX] = "";

	if (d->head_len > 0)
		sql_digest_text((struct span){ d->head, d->head_len }, &mode, shape, sizeof(shape));
	table_put_number(t, number);
	table_put_text(t, shape[0] != '\0' ? shape : command_info(d->command)->name);
	table_put_text(t, d->backend);
	table_put_text(t, d->replica ? "replica" : "primary");
	table_put_text(t, reason_word(d->reason));
	table_put_text(t, reason_text(d->reason));
	table_put_number(t, d->waited_us);
	table_put_number(t, d->retries);
	table_put_number(t, d->took_us);
	table_put_truth(t, d->failed);
}

static void fill_decisions(const struct session *s, struct table *t)
{
	const struct decisions *all = s->decisions;

	for (uint64_t back = 0; back < DECISIONS && back < all->count; back++)
		put_decision(t, s, all->count - back, &all->ring[(all->count - 1 - back) % DECISIONS]);
}

/* --- SHOW READMUX ------------------------------------------------------------------------ */

static void list_reports(char *out, size_t room)
{
	size_t len = 0;

	for (unsigned i = 0; i < REPORT_COUNT && len < room; i++)
		len += (size_t)snprintf(out + len, room - len, "%s%s", i > 0 ? ", " : "",
					report_word((enum report)i));
}

static void answer(struct session *s, const struct table *from)
{
	const struct decisions *all = s->decisions;
	struct table t = { .columns = from->columns, .width = from->width };

	table_append(&t, from);
	table_filter(&t, all->show.has_like ? span_of(all->show.like) : SPAN_NONE, all->show.limit);
	send_table(s, &t);
	table_free(&t);
	statement_done(s);
}

static void show_now(struct session *s)
{
	struct table t = { .columns = decisions_columns, .width = decisions_width };

	if (s->decisions->show.report != REPORT_ROUTE) {
		s->st.asking = true;
		s->env->host_ops->show(s->env->host, s->id, s->decisions->show.report);
		return;
	}
	fill_decisions(s, &t);
	answer(s, &t);
	table_free(&t);
}

void relay_shown(struct relay_env *env, uint32_t asker, const struct table *t)
{
	struct session *s = session_find(env, asker);

	if (s == NULL || s->phase != SESSION_ROUTING || !s->st.asking || s->decisions == NULL)
		return;		/* it has gone on, or away */
	s->st.asking = false;
	answer(s, t);
}

static void deny(struct session *s)
{
	session_send_error(s, RMX_SHOW_DENIED, s->env->settings->admin_users[0] != '\0' ?
			   "a user of the list admin.users" :
			   "the PROCESS or SUPER right on the server");
	s->st.failed = true;
	statement_done(s);
}

static void right_told(struct session *s, bool allowed)
{
	if (!allowed) {
		deny(s);
		return;
	}
	s->account->shows_until_us = loop_now_us(s->env->loop) + KNOWN_US;
	show_now(s);
}

/* <name> is one of the comma-separated <list>. */
static bool is_listed(const char *list, struct span name)
{
	while (*list != '\0') {
		size_t len = strcspn(list, ",");
		struct span each = span_head(span_of(list), len);

		while (each.len > 0 && each.data[0] == ' ')
			each = span_from(each, 1);
		while (each.len > 0 && each.data[each.len - 1] == ' ')
			each.len--;
		if (span_equal(each, name))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

static void show_if_allowed(struct session *s)
{
	const char *users = s->env->settings->admin_users;

	if (users[0] != '\0' && !is_listed(users, s->account->user))
		deny(s);
	else if (users[0] != '\0' || s->account->shows_until_us > loop_now_us(s->env->loop))
		show_now(s);
	else
		session_ask_right(s, ASK_FOR_RIGHT, SQL_HINT_NONE, right_told);
}

static void refuse(struct session *s, struct span word)
{
	char names[200], given[40];

	list_reports(names, sizeof(names));
	(void)span_copy(span_head(word, sizeof(given) - 1), given, sizeof(given));
	session_send_error(s, RMX_SHOW_UNKNOWN, names, word.len > 0 ? given : "what follows it");
	s->st.failed = true;
	statement_done(s);
}

static bool keep_like(struct session *s, const struct sql_show_readmux *show,
		      const struct sql_mode *mode)
{
	struct decisions *all = s->decisions;
	size_t n = 0;

	all->show.limit = show->limit;
	all->show.has_like = show->like.data != NULL;
	if (all->show.has_like)
		n = sql_unquote(show->like, mode, (uint8_t *)all->show.like, LIKE_MAX);
	if (n == LIKE_MAX)
		return false;
	all->show.like[n] = '\0';
	return true;
}

static void show(struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_show_readmux show;
	struct decisions *all = decisions_of(s);

	if (all == NULL) {
		session_close(s, "out of memory");
		return;
	}
	if (!sql_show_readmux_of(text, &mode, &show) ||
	    !report_named(show.word, &all->show.report) || !keep_like(s, &show, &mode))
		refuse(s, show.word);
	else
		show_if_allowed(s);
}

/* --- where would it go ---------------------------------------------------------------------- */

static const struct table_column explain_columns[] = {
	{ "backend", TABLE_TEXT, "where it would run now; NULL: nowhere, it would wait" },
	{ "role", TABLE_TEXT, "primary or replica" },
	{ "class", TABLE_TEXT, "read, write or session" },
	{ "reason", TABLE_TEXT, "why" },
	{ "about", TABLE_TEXT, "the reason in words" },
	{ "because_of", TABLE_TEXT, "the word that decided" },
	{ "consistency", TABLE_TEXT, "what a read may miss here" },
};

static void explain(struct session *s)
{
	struct table t = TABLE(explain_columns);
	const struct sql_verdict *v = &s->st.verdict;
	const struct backend_view *view;
	struct route route;

	s->st.verdict.hint = SQL_HINT_NONE;
	statement_explain(s, &route, &view);
	table_put_text(&t, view != NULL ? view->name : NULL);
	table_put_text(&t, view == NULL ? NULL :
		       view->role == BACKEND_PRIMARY ? "primary" : "replica");
	table_put_text(&t, sql_class_name(v->class));
	table_put_text(&t, reason_word(route.reason));
	table_put_text(&t, reason_text(route.reason));
	table_put(&t, route.reason == v->reason && v->what.len > 0 ? v->what : SPAN_NONE);
	table_put_text(&t, session_consistency_name(s));
	send_table(s, &t);
	table_free(&t);
}

bool session_shows(struct session *s, struct span text, struct span packet)
{
	bool explained = s->st.verdict.hint == SQL_HINT_EXPLAIN;

	if (explained) {
		explain(s);
		return true;
	}
	if ((s->st.verdict.flags & (SQL_SHOW_READMUX | SQL_MULTI)) != SQL_SHOW_READMUX)
		return false;
	if (statement_begin(s, packet, true))
		show(s, text);
	return true;
}
