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
#define DECISIONS_AT_FIRST 2u	/* for as many there is room at first; it is doubled as needed */
#define HEAD_MAX     79u	/* bytes of a statement that are kept */
#define LIKE_MAX     128u
#define COLUMNS_MAX  32u
#define LONG_HEAD    4096u	/* bytes of a long text in which a hint is looked for */
#define KNOWN_US     60000000u	/* how long a user's right is believed */

#define ASK_FOR_RIGHT SESSION_RIGHT_QUERY("'PROCESS', 'SUPER'")

/* Every session that has done something has some of them: they are small. */
struct decision {
	uint32_t backend;	/* its id; 0 = none */
	uint32_t waited_us, took_us;
	uint8_t  reason;	/* enum route_reason */
	uint8_t  command;
	uint8_t  retries;
	uint8_t  head_len : 7;
	uint8_t  replica : 1;
	uint8_t  failed;
	uint8_t  head[HEAD_MAX];	/* of the text */
};
static_assert(REASON_COUNT <= UINT8_MAX && HEAD_MAX < 128, "they fit");
static_assert(sizeof(struct decision) == 96, "it is packed well");

struct decisions {
	uint64_t        count;	/* ever */
	unsigned        room;	/* of the ring: it goes round when that is DECISIONS */
	struct decision ring[];
};

/* The SHOW READMUX under way. */
struct showing {
	enum report report;
	bool        has_like;
	char        like[LIKE_MAX];
	uint64_t    limit;
};

/* Where the session's next one is kept; NULL: no memory. */
static struct decision *decision_new(struct session *s)
{
	struct decisions *all = s->decisions;
	unsigned room = all == NULL ? DECISIONS_AT_FIRST : 2 * all->room;

	if (all == NULL || (all->count == all->room && all->room < DECISIONS)) {
		all = realloc(all, sizeof(*all) + room * sizeof(all->ring[0]));
		if (all == NULL)
			return NULL;
		if (s->decisions == NULL)
			all->count = 0;
		all->room = room;
		s->decisions = all;
	}
	return &all->ring[all->count++ % all->room];
}

/* --- result sets ------------------------------------------------------------------- */

/* Points and signs are for the eye: such a column is text. */
static bool is_whole(const struct table *t, unsigned column)
{
	if (t->columns[column].kind != TABLE_NUMBER)
		return false;
	for (size_t row = 0; row < t->rows; row++) {
		struct span cell = table_cell(t, row, column);
		uint64_t number;

		if (cell.data != NULL && !span_to_u64(cell, &number))
			return false;
	}
	return true;
}

static void send_rows(struct session *s, const struct table *t, struct resultset *r)
{
	struct resultset_column head[COLUMNS_MAX];
	struct span cells[COLUMNS_MAX];

	for (unsigned i = 0; i < t->width; i++)
		head[i] = (struct resultset_column){ span_of(t->columns[i].name), is_whole(t, i) };
	resultset_begin(r, head, t->width);
	for (size_t row = 0; row < t->rows; row++) {
		for (unsigned i = 0; i < t->width; i++)
			cells[i] = table_cell(t, row, i);
		resultset_row(r, head, cells, t->width);
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
		.binary = s->st.binary,
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
	{ "backend", TABLE_TEXT, "where it ran; NULL: nowhere, or that server is gone" },
	{ "role", TABLE_TEXT, "primary or replica; NULL: it ran nowhere" },
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

void session_keep_decision(struct session *s, const struct statement_times *times)
{
	const struct statement *st = &s->st;
	struct span text = span_head(session_statement_text(s), HEAD_MAX);
	struct decision *d = decision_new(s);

	if (d == NULL)
		return;
	if (text.len > 0)
		memcpy(d->head, text.data, text.len);
	d->head_len = text.len & 0x7f;
	d->command = st->command;
	d->retries = st->retries;
	d->replica = st->replica;
	d->failed = st->failed;
	d->reason = (uint8_t)st->route.reason;
	d->waited_us = short_us(times->queue_us);
	d->took_us = short_us(times->took_us);
	d->backend = st->backend_id;
}

static void put_decision(struct table *t, const struct session *s, uint64_t number,
			 const struct decision *d)
{
	const struct backend_view *view = topology_by_id(s->env->topology, d->backend);
	struct sql_mode mode = session_sql_mode(s);
	char shape[2 * HEAD_MAX] = "";

	if (d->head_len > 0)
		sql_digest_text((struct span){ d->head, d->head_len }, &mode, shape, sizeof(shape));
	table_put_number(t, number);
	table_put_text(t, shape[0] != '\0' ? shape : command_info(d->command)->name);
	table_put_text(t, view != NULL ? view->name : NULL);
	table_put_text(t, d->backend == 0 ? NULL : d->replica ? "replica" : "primary");
	table_put_text(t, reason_word((enum route_reason)d->reason));
	table_put_text(t, reason_text((enum route_reason)d->reason));
	table_put_number(t, d->waited_us);
	table_put_number(t, d->retries);
	table_put_number(t, d->took_us);
	table_put_truth(t, d->failed);
}

static void fill_decisions(const struct session *s, struct table *t)
{
	const struct decisions *all = s->decisions;

	if (all == NULL)
		return;
	for (uint64_t back = 0; back < all->room && back < all->count; back++)
		put_decision(t, s, all->count - back, &all->ring[(all->count - 1 - back) % all->room]);
}

/* --- SHOW READMUX ------------------------------------------------------------------------ */

static void list_reports(char *out, size_t room)
{
	size_t len = 0;

	for (unsigned i = 0; i < REPORT_COUNT && len < room; i++)
		len += (size_t)snprintf(out + len, room - len, "%s%s", i > 0 ? ", " : "",
					report_word((enum report)i));
}

void session_drop_showing(struct session *s)
{
	free(s->showing);
	s->showing = NULL;
}

static void answer(struct session *s, const struct table *from)
{
	const struct showing *show = s->showing;
	struct table t = { .columns = from->columns, .width = from->width };

	table_select(&t, from, show->has_like ? span_of(show->like) : SPAN_NONE, show->limit);
	session_drop_showing(s);
	send_table(s, &t);
	table_free(&t);
	statement_done(s);
}

static void show_now(struct session *s)
{
	struct table t = { .columns = decisions_columns, .width = decisions_width };

	if (s->showing->report != REPORT_ROUTE) {
		s->st.asking = true;
		s->env->host_ops->show(s->env->host, s->id, s->showing->report);
		return;
	}
	fill_decisions(s, &t);
	answer(s, &t);
	table_free(&t);
}

void relay_shown(struct relay_env *env, uint32_t asker, const struct table *t)
{
	struct session *s = session_find(env, asker);

	if (s == NULL || s->phase != SESSION_ROUTING || !s->st.asking || s->showing == NULL)
		return;		/* it has gone on, or away */
	s->st.asking = false;
	answer(s, t);
}

static void deny(struct session *s, const char *needs)
{
	session_send_error(s, RMX_SHOW_DENIED, needs);
	session_drop_showing(s);
	s->st.failed = true;
	statement_done(s);
}

static void right_told(struct session *s, bool allowed)
{
	if (!allowed) {
		s->account->shows_until_us = 0;
		deny(s, "the PROCESS or SUPER right on the server");
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

static bool is_server_usable(const struct topology *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].usable)
			return true;
	}
	return false;
}

/* Reports are needed most when no server is there to be asked: then an older answer counts. */
static void ask_or_recall(struct session *s)
{
	bool askable = s->conn != NULL || is_server_usable(s->env->topology);

	if (s->account->shows_until_us > (askable ? loop_now_us(s->env->loop) : 0))
		show_now(s);
	else if (askable)
		session_ask_right(s, ASK_FOR_RIGHT, SQL_HINT_NONE, right_told);
	else
		deny(s, "the PROCESS or SUPER right on a server, and none is usable to be asked; "
			"name users in admin.users, which needs no server");
}

static void show_if_allowed(struct session *s)
{
	const char *users = s->env->settings->admin_users;

	if (users[0] == '\0')
		ask_or_recall(s);
	else if (is_listed(users, s->account->user))
		show_now(s);
	else
		deny(s, "a user of the list admin.users");
}

static void refuse(struct session *s, struct span word)
{
	char names[200], given[40];

	list_reports(names, sizeof(names));
	(void)span_copy(span_head(word, sizeof(given) - 1), given, sizeof(given));
	session_send_error(s, RMX_SHOW_UNKNOWN, names, word.len > 0 ? given : "what follows it");
	session_drop_showing(s);
	s->st.failed = true;
	statement_done(s);
}

static bool keep_like(struct session *s, const struct sql_show_readmux *show,
		      const struct sql_mode *mode)
{
	struct showing *keep = s->showing;
	size_t n = 0;

	keep->limit = show->limit;
	keep->has_like = show->like.data != NULL;
	if (keep->has_like)
		n = sql_unquote(show->like, mode, (uint8_t *)keep->like, LIKE_MAX);
	if (n == LIKE_MAX)
		return false;
	keep->like[n] = '\0';
	return true;
}

static void show(struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_show_readmux show;

	if (s->showing == NULL)
		s->showing = malloc(sizeof(*s->showing));
	if (s->showing == NULL) {
		session_close(s, "out of memory");
		return;
	}
	if (!sql_show_readmux_of(text, &mode, &show) ||
	    !report_named(show.word, &s->showing->report) || !keep_like(s, &show, &mode))
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

static void explain(struct session *s, struct span text)
{
	struct table t = TABLE(explain_columns);
	const struct sql_verdict *v = &s->st.verdict;
	const struct backend_view *view;
	struct route route;

	if (v->hint == SQL_HINT_EXPLAIN)
		s->st.verdict.hint = SQL_HINT_NONE;
	statement_heed_refusals(s, text);
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

bool session_would_show(const struct sql_verdict *v)
{
	return sql_is_explained(v) ||
	       (v->flags & (SQL_SHOW_READMUX | SQL_MULTI)) == SQL_SHOW_READMUX;
}

/* --- what cannot be explained, and must not run ------------------------------------------------ */

static bool asks(const struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_verdict v;

	sql_classify(text, &mode, &v);
	return sql_is_explained(&v);
}

/* PREPARE or EXECUTE IMMEDIATE of such a text. */
static bool quotes_one(const struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct lexer lexer = lexer_over(text, &mode);
	struct token t;

	if (s->st.verdict.reason != REASON_PREPARES || !span_contains_nocase(text, "readmux"))
		return false;
	do {
		lexer_next(&lexer, &t);
		if (t.kind == TOKEN_STRING && asks(s, t.text))
			return true;
	} while (t.kind != TOKEN_END && t.kind != TOKEN_BROKEN);
	return false;
}

/* What comes of a long text after its beginning is swallowed first. */
static void refuse_long(struct session *s, struct span packet)
{
	if (statement_begin(s, packet, false))
		statement_fail(s, RMX_EXPLAIN_IMPOSSIBLE);
}

bool session_refuses_explain(struct session *s, struct span text, struct span packet, bool whole)
{
	bool refused = whole ? quotes_one(s, text) : sql_is_explained(&s->st.verdict) ||
		       asks(s, span_head(text, LONG_HEAD));

	if (!refused)
		return false;
	if (!whole) {
		refuse_long(s, packet);
		return true;
	}
	session_send_error(s, RMX_EXPLAIN_IMPOSSIBLE);
	return true;
}

bool session_shows(struct session *s, struct span text, struct span packet)
{
	if (sql_is_explained(&s->st.verdict)) {
		explain(s, text);
		return true;
	}
	if (!session_would_show(&s->st.verdict))
		return false;
	if (statement_begin(s, packet, true))
		show(s, text);
	return true;
}
