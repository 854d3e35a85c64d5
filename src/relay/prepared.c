/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prepared statements; see prepared.h. */
#include <readmux/relay/prepared.h>
#include <readmux/sql/connection.h>
#include <readmux/wire/command.h>
#include <readmux/wire/stmt.h>

struct query_table {
	struct query *queries;
	struct buffer draft;	/* the key being put together */
};

/* --- queries -------------------------------------------------------------- */

struct query_table *query_table_new(void)
{
	return calloc(1, sizeof(struct query_table));
}

void query_table_free(struct query_table *table)
{
	if (table == NULL)
		return;
	assert(table->queries == NULL);
	buffer_free(&table->draft);
	free(table);
}

static bool draft_key(struct query_table *table, const void *owner, struct span text)
{
	struct span address = { (const uint8_t *)&owner, sizeof(owner) };

	table->draft.len = 0;
	return buffer_append(&table->draft, address) && buffer_append(&table->draft, text);
}

/* A new query whose key is the draft. */
static struct query *query_new(struct query_table *table)
{
	size_t key_len = table->draft.len;
	struct query *q = calloc(1, sizeof(*q) + key_len);

	if (q == NULL)
		return NULL;
	memcpy(q->key, table->draft.data, key_len);
	q->table = table;
	q->references = 1;
	q->key_len = key_len;
	HASH_ADD_KEYPTR(hh, table->queries, q->key, key_len, q);
	return q;
}

static struct span behind_address(const struct query *q)
{
	return span_from((struct span){ q->key, q->key_len }, sizeof(void *));
}

/* The one whose key is the draft, with a reference; NULL when there is none. */
static struct query *query_find(struct query_table *table)
{
	struct query *q;

	HASH_FIND(hh, table->queries, table->draft.data, table->draft.len, q);
	if (q != NULL)
		q->references++;
	return q;
}

struct query *query_get(struct query_table *table, struct span text,
			struct session_state *state, const struct sql_mode *mode)
{
	struct session_state *base = state_of_meaning(state);
	struct query *q;

	if (base == NULL || !draft_key(table, base, text)) {
		state_drop(base);
		return NULL;
	}
	q = query_find(table);
	if (q != NULL) {
		state_drop(base);
		return q;
	}
	q = query_new(table);
	if (q == NULL) {
		state_drop(base);
		return NULL;
	}
	q->state = base;
	q->text = behind_address(q);
	sql_classify(q->text, mode, &q->verdict);
	sql_session_columns_of(q->text, mode, &q->columns);
	q->binds = ((q->verdict.flags & SQL_ABOUT_PREVIOUS) != 0 && q->columns.n != 1) ||
		   (!mode->mariadb && (q->verdict.flags & SQL_USES_USER_VARS) != 0);
	return q;
}

struct query *query_with_types(struct query *base, struct span types)
{
	struct query_table *table = base->table;
	struct query *q;

	if (!draft_key(table, base, types))
		return NULL;
	q = query_find(table);
	if (q != NULL)
		return q;
	q = query_new(table);
	if (q == NULL)
		return NULL;
	base->references++;
	q->base = base;
	q->state = state_take(base->state);
	q->text = base->text;
	q->types = behind_address(q);
	return q;
}

void query_drop(struct query *query)
{
	if (query == NULL || --query->references > 0)
		return;
	HASH_DELETE(hh, query->table->queries, query);
	state_drop(query->state);
	query_drop(query->base);
	free(query);
}

/* --- a session's statements ---------------------------------------------------- */

struct prepared *prepared_new(struct query *query)
{
	struct prepared *p = calloc(1, sizeof(*p));

	if (p == NULL)
		query_drop(query);
	else
		p->query = query;
	return p;
}

void prepared_free(struct prepared *p)
{
	if (p == NULL)
		return;
	query_drop(p->typed);
	query_drop(p->query);
	free(p->failure);
	free(p);
}

bool prepared_is_bound(const struct prepared *p)
{
	return !p->own && (p->query == NULL || p->query->binds);
}

void prepared_set_next_id(struct prepared_set *set, struct prepared *p)
{
	do {
		p->id = ++set->last_id;
	} while (p->id == 0 || p->id == STMT_ID_LAST || prepared_set_find(set, p->id) != NULL);
}

void prepared_set_add(struct prepared_set *set, struct prepared *p)
{
	HASH_ADD(hh, set->by_id, id, sizeof(p->id), p);
	set->last = p;
	set->bound += prepared_is_bound(p);
}

struct prepared *prepared_set_find(const struct prepared_set *set, uint32_t id)
{
	struct prepared *p;

	HASH_FIND(hh, set->by_id, &id, sizeof(id), p);
	return p;
}

void prepared_set_remove(struct prepared_set *set, struct prepared *p)
{
	prepared_set_cursor(set, p, false);
	prepared_set_long_data(set, p, false);
	set->bound -= prepared_is_bound(p);
	if (set->last == p)
		set->last = NULL;
	HASH_DELETE(hh, set->by_id, p);
	prepared_free(p);
}

void prepared_set_clear(struct prepared_set *set)
{
	struct prepared *p, *next;

	HASH_ITER(hh, set->by_id, p, next)
		prepared_set_remove(set, p);
}

void prepared_set_cursor(struct prepared_set *set, struct prepared *p, bool open)
{
	set->cursors += open;
	set->cursors -= p->cursor;
	p->cursor = open;
}

void prepared_set_long_data(struct prepared_set *set, struct prepared *p, bool sent)
{
	set->long_data += sent;
	set->long_data -= p->long_data;
	p->long_data = sent;
}

void prepared_set_detach(struct prepared_set *set, const struct failure *lost)
{
	struct prepared *p, *next;

	if (set->cursors + set->long_data + set->bound == 0)
		return;
	HASH_ITER(hh, set->by_id, p, next) {
		bool broken = p->query == NULL;

		if (p->long_data && p->failure == NULL)
			p->failure = failure_copy(lost);
		broken |= p->long_data && p->failure == NULL;	/* no memory to say so */
		prepared_set_cursor(set, p, false);
		prepared_set_long_data(set, p, false);
		if (broken)
			prepared_set_remove(set, p);
	}
}

/* --- a server connection's statements -------------------------------------------- */

void server_stmts_init(struct server_stmts *stmts)
{
	TAILQ_INIT(&stmts->oldest_first);
}

static struct server_stmt *find_key(const struct server_stmts *stmts, const void *key)
{
	struct server_stmt *stmt;

	HASH_FIND_PTR(stmts->by_key, &key, stmt);
	return stmt;
}

static void forget(struct server_stmts *stmts, struct server_stmt *stmt)
{
	HASH_DELETE(hh, stmts->by_key, stmt);
	TAILQ_REMOVE(&stmts->oldest_first, stmt, used);
	stmts->count--;
	query_drop(stmt->query);
	free(stmt);
}

void server_stmts_clear(struct server_stmts *stmts)
{
	struct server_stmt *stmt;

	while ((stmt = TAILQ_FIRST(&stmts->oldest_first)) != NULL)
		forget(stmts, stmt);
}

struct server_stmt *server_stmt_find(const struct server_stmts *stmts, const struct prepared *p)
{
	struct server_stmt *stmt = find_key(stmts, p);

	if (stmt == NULL && p->typed != NULL)
		stmt = find_key(stmts, p->typed);
	if (stmt == NULL && p->query != NULL)
		stmt = find_key(stmts, p->query);	/* never executed yet */
	return stmt;
}

static void write_close(struct writer *w, uint32_t id)
{
	writer_begin(w, 0);
	writer_uint(w, COM_STMT_CLOSE, 1);
	writer_uint(w, id, 4);
	if (!writer_end(w))
		w->bad = true;
}

void server_stmt_close(struct server_stmts *stmts, struct server_stmt *stmt, struct writer *w)
{
	write_close(w, stmt->id);
	forget(stmts, stmt);
}

/* Until at most <keep> are left; those that somebody has reserved stay. */
static void close_oldest(struct server_stmts *stmts, unsigned keep, struct writer *w)
{
	struct server_stmt *stmt, *next;

	for (stmt = TAILQ_FIRST(&stmts->oldest_first); stmt != NULL && stmts->count > keep;
	     stmt = next) {
		next = TAILQ_NEXT(stmt, used);
		if (stmt->query != NULL && stmt->key == stmt->query)
			server_stmt_close(stmts, stmt, w);
	}
}

void server_stmts_close_shared(struct server_stmts *stmts, struct writer *w)
{
	close_oldest(stmts, 0, w);
}

struct server_stmt *server_stmt_add(struct server_stmts *stmts, struct query *query,
				    const struct prepared *p, uint32_t id, struct writer *w)
{
	bool own = query == NULL || (p != NULL && prepared_is_bound(p));
	const void *key = own ? (const void *)p : query;
	struct server_stmt *stmt = find_key(stmts, key);

	if (stmt != NULL)
		server_stmt_close(stmts, stmt, w);
	close_oldest(stmts, SERVER_STMTS_MAX - 1, w);
	stmt = calloc(1, sizeof(*stmt));
	if (stmt == NULL) {
		write_close(w, id);
		return NULL;
	}
	stmt->key = key;
	stmt->query = query;
	if (query != NULL)
		query->references++;
	stmt->id = id;
	HASH_ADD_PTR(stmts->by_key, key, stmt);
	TAILQ_INSERT_TAIL(&stmts->oldest_first, stmt, used);
	stmts->count++;
	return stmt;
}

void server_stmt_touch(struct server_stmts *stmts, struct server_stmt *stmt)
{
	TAILQ_REMOVE(&stmts->oldest_first, stmt, used);
	TAILQ_INSERT_TAIL(&stmts->oldest_first, stmt, used);
}

static void rekey(struct server_stmts *stmts, struct server_stmt *stmt, const void *key)
{
	HASH_DELETE(hh, stmts->by_key, stmt);
	stmt->key = key;
	HASH_ADD_PTR(stmts->by_key, key, stmt);
}

void server_stmt_reserve(struct server_stmts *stmts, struct server_stmt *stmt,
			 const struct prepared *p)
{
	if (stmt->key != p)
		rekey(stmts, stmt, p);
}

void server_stmt_specialize(struct server_stmts *stmts, struct server_stmt *stmt,
			    struct query *typed)
{
	if (stmt->key == stmt->query)
		rekey(stmts, stmt, typed);
	typed->references++;
	query_drop(stmt->query);
	stmt->query = typed;
	stmt->has_types = false;
}

void server_stmt_share(struct server_stmts *stmts, struct server_stmt *stmt, struct writer *w)
{
	if (stmt->query == NULL || stmt->key == stmt->query)
		return;
	if (find_key(stmts, stmt->query) != NULL)
		server_stmt_close(stmts, stmt, w);
	else
		rekey(stmts, stmt, stmt->query);
}
