/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interned session states; see session_state.h.
 *
 * A state is one canonical run of bytes: schema, then variables sorted by kind
 * and name.  The run is its key in the table, so equal states are one object.
 */
#include <readmux/base/buffer.h>
#include <readmux/relay/session_state.h>

#include <uthash.h>

struct session_state {
	struct state_table *table;
	UT_hash_handle      hh;
	uint32_t            references;
	uint32_t            variables;
	uint32_t            schema_len;
	uint32_t            len;
	bool                ansi_quotes;
	uint8_t             bytes[];	/* u32 schema_len, schema, entries */
};

struct state_table {
	struct session_state *states;
	struct buffer         draft;	/* the run being put together */
	uint32_t              draft_variables;
};

/* One variable inside a run. */
struct entry {
	enum state_kind kind;
	struct span     name;
	struct span     value;
};

struct cursor {
	const uint8_t *at, *end;
};

#define ENTRY_HEADER 9u		/* u8 kind, u32 name length, u32 value length */

struct state_table *state_table_new(void)
{
	return calloc(1, sizeof(struct state_table));
}

void state_table_free(struct state_table *table)
{
	if (table == NULL)
		return;
	assert(table->states == NULL);
	buffer_free(&table->draft);
	free(table);
}

static uint32_t get_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static struct cursor cursor_over(const struct session_state *state)
{
	return (struct cursor){ state->bytes + 4 + state->schema_len,
				state->bytes + state->len };
}

static bool cursor_next(struct cursor *c, struct entry *e)
{
	const uint8_t *at = c->at;

	if (at == c->end)
		return false;
	e->kind = (enum state_kind)at[0];
	e->name = (struct span){ at + ENTRY_HEADER, get_u32(at + 1) };
	e->value = (struct span){ at + ENTRY_HEADER + e->name.len, get_u32(at + 5) };
	c->at = e->value.data + e->value.len;
	return true;
}

static int entry_order(const struct entry *a, const struct entry *b)
{
	return a->kind != b->kind ? (int)a->kind - (int)b->kind :
				    span_compare(a->name, b->name);
}

static bool draft_u32(struct state_table *t, uint32_t value)
{
	return buffer_append(&t->draft, (struct span){ (const uint8_t *)&value, sizeof(value) });
}

static bool draft_start(struct state_table *t, struct span schema)
{
	t->draft.len = 0;
	t->draft_variables = 0;
	return draft_u32(t, (uint32_t)schema.len) && buffer_append(&t->draft, schema);
}

static bool draft_entry(struct state_table *t, const struct entry *e)
{
	uint8_t kind = (uint8_t)e->kind;

	t->draft_variables++;
	return buffer_append(&t->draft, (struct span){ &kind, 1 }) &&
	       draft_u32(t, (uint32_t)e->name.len) && draft_u32(t, (uint32_t)e->value.len) &&
	       buffer_append(&t->draft, e->name) && buffer_append(&t->draft, e->value);
}

static bool is_text(const struct entry *e)
{
	return e->kind >= STATE_USER_TEXT;
}

/* The value of a text: the meaning, which the state keeps alive, then the literal. */
static struct session_state *meaning_of(const struct entry *e)
{
	struct session_state *meaning;

	memcpy(&meaning, e->value.data, sizeof(meaning));
	return meaning;
}

static void keep_meanings(const struct session_state *state)
{
	struct cursor c = cursor_over(state);
	struct entry e;

	while (cursor_next(&c, &e)) {
		if (is_text(&e))
			(void)state_take(meaning_of(&e));
	}
}

static void drop_meanings(const struct session_state *state)
{
	struct cursor c = cursor_over(state);
	struct entry e;

	while (cursor_next(&c, &e)) {
		if (is_text(&e))
			state_drop(meaning_of(&e));
	}
}

/* The state whose run is the draft. */
static struct session_state *intern(struct state_table *t)
{
	struct session_state *state;
	size_t len = t->draft.len;

	if (len > STATE_BYTES_MAX)
		return NULL;
	HASH_FIND(hh, t->states, t->draft.data, len, state);
	if (state != NULL)
		return state_take(state);
	state = calloc(1, sizeof(*state) + len);
	if (state == NULL)
		return NULL;
	memcpy(state->bytes, t->draft.data, len);
	state->table = t;
	state->references = 1;
	state->variables = t->draft_variables;
	state->schema_len = get_u32(state->bytes);
	state->len = (uint32_t)len;
	HASH_ADD_KEYPTR(hh, t->states, state->bytes, len, state);
	keep_meanings(state);
	state->ansi_quotes = span_contains_nocase(
		state_variable(state, SPAN_LITERAL("sql_mode")), "ANSI_QUOTES");
	return state;
}

struct session_state *state_empty(struct state_table *table)
{
	return draft_start(table, SPAN_NONE) ? intern(table) : NULL;
}

struct session_state *state_take(struct session_state *state)
{
	state->references++;
	return state;
}

void state_drop(struct session_state *state)
{
	if (state == NULL || --state->references > 0)
		return;
	HASH_DELETE(hh, state->table->states, state);
	drop_meanings(state);
	free(state);
}

struct span state_schema(const struct session_state *state)
{
	return (struct span){ state->bytes + 4, state->schema_len };
}

size_t state_variables(const struct session_state *state)
{
	return state->variables;
}

bool state_ansi_quotes(const struct session_state *state)
{
	return state->ansi_quotes;
}

size_t state_bytes(const struct session_state *state)
{
	return state->len;
}

struct span state_variable(const struct session_state *state, struct span name)
{
	struct cursor c = cursor_over(state);
	struct entry e;

	while (cursor_next(&c, &e)) {
		if (e.kind == STATE_SYSTEM_VARIABLE && span_equal(e.name, name))
			return e.value;
	}
	return SPAN_NONE;
}

struct session_state *state_with_schema(struct session_state *state, struct span schema)
{
	struct cursor c = cursor_over(state);
	struct state_table *t = state->table;
	struct entry e;

	if (span_equal(schema, state_schema(state)))
		return state_take(state);
	if (!draft_start(t, schema))
		return NULL;
	while (cursor_next(&c, &e)) {
		if (!draft_entry(t, &e))
			return NULL;
	}
	return intern(t);
}

/* <state> with only the variables that <keep> wants. */
static struct session_state *filtered(struct session_state *state,
				      bool (*keep)(const struct entry *e))
{
	struct cursor c = cursor_over(state);
	struct state_table *t = state->table;
	struct entry e;

	if (!draft_start(t, state_schema(state)))
		return NULL;
	while (cursor_next(&c, &e)) {
		if (keep(&e) && !draft_entry(t, &e))
			return NULL;
	}
	return intern(t);
}

static bool is_one_of(const struct entry *e, const char *const names[], size_t n)
{
	for (size_t i = 0; e->kind == STATE_SYSTEM_VARIABLE && i < n; i++) {
		if (span_is(e->name, names[i]))
			return true;
	}
	return false;
}

static bool is_nothing(const struct entry *e)
{
	(void)e;
	return false;
}

struct session_state *state_schema_only(struct session_state *state)
{
	return filtered(state, is_nothing);
}

static bool is_charset(const struct entry *e)
{
	static const char *const names[] = {
		"character_set_client", "character_set_connection", "character_set_results",
		"collation_connection",
	};

	return is_one_of(e, names, ARRAY_LEN(names));
}

struct session_state *state_of_login(struct session_state *state)
{
	return filtered(state, is_charset);
}

/*
 * Variables that are looked at when a text is parsed and its names and types are
 * resolved.  Others must not be touched on the way: autocommit would end a transaction.
 */
static bool has_meaning(const struct entry *e)
{
	static const char *const names[] = {
		"sql_mode", "old_mode", "character_set_client", "character_set_connection",
		"character_set_results", "collation_connection", "default_collation_for_utf8mb4",
		"character_set_collations", "div_precision_increment", "group_concat_max_len",
		"sql_auto_is_null",
	};

	return is_one_of(e, names, ARRAY_LEN(names));
}

struct session_state *state_of_meaning(struct session_state *state)
{
	struct cursor c = cursor_over(state);
	bool all = true;
	struct entry e;

	while (all && cursor_next(&c, &e))
		all = has_meaning(&e);
	return all ? state_take(state) : filtered(state, has_meaning);
}

struct session_state *state_with_variable(struct session_state *state, enum state_kind kind,
					  struct span name, struct span value)
{
	struct entry fresh = { kind, name, value }, e;
	struct cursor c = cursor_over(state);
	struct state_table *t = state->table;
	bool placed = false;

	if (!draft_start(t, state_schema(state)))
		return NULL;
	while (cursor_next(&c, &e)) {
		int order = entry_order(&fresh, &e);

		if (order <= 0 && !placed) {
			placed = true;
			if (!draft_entry(t, &fresh))
				return NULL;
		}
		if (order != 0 && !draft_entry(t, &e))
			return NULL;
	}
	if (!placed && !draft_entry(t, &fresh))
		return NULL;
	return intern(t);
}

struct session_state *state_without_variable(struct session_state *state, enum state_kind kind,
					     struct span name)
{
	struct entry gone = { kind, name, SPAN_NONE }, e;
	struct cursor c = cursor_over(state);
	struct state_table *t = state->table;

	if (!draft_start(t, state_schema(state)))
		return NULL;
	while (cursor_next(&c, &e)) {
		if (entry_order(&gone, &e) != 0 && !draft_entry(t, &e))
			return NULL;
	}
	return intern(t);
}

static bool has_entry(const struct session_state *state, const struct entry *want)
{
	struct cursor c = cursor_over(state);
	struct entry e;

	while (cursor_next(&c, &e)) {
		if (entry_order(&e, want) == 0)
			return span_equal(e.value, want->value);
	}
	return false;
}

/* --- texts ------------------------------------------------------------------------ */

static struct session_state *with_text(struct session_state *state, struct session_state *read_in,
				       enum state_kind kind, struct span name, struct span literal)
{
	struct session_state *meaning = state_of_meaning(read_in), *made = NULL;
	struct buffer value = { 0 };

	if (meaning == NULL)
		return NULL;
	if (buffer_append(&value, (struct span){ (const uint8_t *)&meaning, sizeof(meaning) }) &&
	    buffer_append(&value, literal))
		made = state_with_variable(state, kind, name, buffer_span(&value));
	buffer_free(&value);
	state_drop(meaning);
	return made;
}

struct session_state *state_with_statement(struct session_state *state, struct span name,
					   struct span literal)
{
	return with_text(state, state, STATE_STATEMENT, name, literal);
}

/* The same in every character set (that a client may use) and sql_mode. */
static bool reads_alike(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] >= 0x80 || value.data[i] == '\\' || value.data[i] == '"')
			return false;
	}
	return true;
}

struct session_state *state_with_user_variable(struct session_state *state,
					       struct session_state *read_in,
					       struct span name, struct span value)
{
	bool alike = reads_alike(value);
	struct session_state *made = NULL, *others =
		state_without_variable(state, alike ? STATE_USER_TEXT : STATE_USER_VARIABLE, name);

	if (others == NULL)
		return NULL;
	made = alike ? state_with_variable(others, STATE_USER_VARIABLE, name, value) :
		       with_text(others, read_in, STATE_USER_TEXT, name, value);
	state_drop(others);
	return made;
}

static struct state_text text_in(const struct entry *e)
{
	return (struct state_text){
		.kind = e->kind,
		.name = e->name,
		.literal = span_from(e->value, sizeof(struct session_state *)),
		.meaning = meaning_of(e),
	};
}

bool state_statement(const struct session_state *state, struct span name,
		     struct state_text *found)
{
	struct cursor c = cursor_over(state);
	struct entry e;

	while (cursor_next(&c, &e)) {
		if (e.kind != STATE_STATEMENT || !span_equal(e.name, name))
			continue;
		*found = text_in(&e);
		return true;
	}
	return false;
}

bool state_next_text(const struct session_state *from, const struct session_state *to,
		     size_t *at, struct state_text *next)
{
	struct cursor c = cursor_over(to);
	struct entry e;

	c.at += *at;
	while (cursor_next(&c, &e)) {
		if (!is_text(&e) || (from != NULL && has_entry(from, &e)))
			continue;
		*at = (size_t)(c.at - cursor_over(to).at);
		*next = text_in(&e);
		return true;
	}
	return false;
}

/* Every variable of <from> is also in <to>, whatever its value. */
static bool names_within(const struct session_state *from, const struct session_state *to)
{
	struct cursor a = cursor_over(from), b = cursor_over(to);
	struct entry have, target;

	while (cursor_next(&a, &have)) {
		int order = -1;

		while (order < 0 && cursor_next(&b, &target))
			order = entry_order(&target, &have);
		if (order != 0)
			return false;
	}
	return true;
}

enum state_path state_path(const struct session_state *from, const struct session_state *to)
{
	if (from == to)
		return STATE_PATH_NONE;
	if (to->schema_len == 0 && from->schema_len > 0)
		return STATE_PATH_IMPOSSIBLE;
	return names_within(from, to) ? STATE_PATH_SET : STATE_PATH_RESET;
}

/* A number as trackers print them: such values are sent back without quotes. */
static bool looks_numeric(struct span value)
{
	size_t i = value.len > 1 && value.data[0] == '-' ? 1 : 0;
	bool point = false;

	if (value.len == 0)
		return false;
	for (; i < value.len; i++) {
		if (value.data[i] == '.' && !point)
			point = true;
		else if (value.data[i] < '0' || value.data[i] > '9')
			return false;
	}
	return true;
}

static void write_quoted(struct writer *w, struct span text, uint8_t quote)
{
	writer_uint(w, quote, 1);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == quote)
			writer_uint(w, quote, 1);
		writer_uint(w, text.data[i], 1);
	}
	writer_uint(w, quote, 1);
}

bool state_literal(struct span name, struct span reported, struct writer *w)
{
	if (reported.len > 0 && memchr(reported.data, '\\', reported.len) != NULL)
		return false;		/* NO_BACKSLASH_ESCAPES would change its meaning */
	if (looks_numeric(reported))
		writer_bytes(w, reported);
	else if (reported.len == 0 && span_is(name, "character_set_results"))
		writer_text(w, "NULL");
	else
		write_quoted(w, reported, '\'');
	return !w->bad;
}

static void write_assignment(struct writer *w, const struct entry *e)
{
	writer_text(w, e->kind == STATE_USER_VARIABLE ? "@" : "@@session.");
	write_quoted(w, e->name, '`');
	writer_text(w, e->kind == STATE_USER_VARIABLE ? ":=" : "=");
	writer_bytes(w, e->value);
}

void state_write_text(struct writer *w, const struct state_text *text)
{
	bool variable = text->kind == STATE_USER_TEXT;

	writer_text(w, variable ? "SET @" : "PREPARE ");
	write_quoted(w, text->name, '`');
	writer_text(w, variable ? ":=" : " FROM ");
	writer_bytes(w, text->literal);
}

bool state_write_set(struct writer *w, enum state_kind kind, const struct session_state *from,
		     const struct session_state *to)
{
	struct cursor c = cursor_over(to);
	const char *lead = "SET ";
	struct entry e;

	while (cursor_next(&c, &e)) {
		if (e.kind != kind || (from != NULL && has_entry(from, &e)))
			continue;
		writer_text(w, lead);
		write_assignment(w, &e);
		lead = ", ";
	}
	return lead[0] == ',';
}

static bool has_name(const struct session_state *state, const struct entry *want)
{
	struct cursor c = cursor_over(state);
	struct entry e;

	while (cursor_next(&c, &e)) {
		if (entry_order(&e, want) == 0)
			return true;
	}
	return false;
}

bool state_write_unset(struct writer *w, const char *lead, const struct session_state *from,
		       const struct session_state *to)
{
	struct cursor c = cursor_over(from);
	bool written = false;
	struct entry e;

	while (cursor_next(&c, &e) && e.kind == STATE_SYSTEM_VARIABLE) {
		struct entry standard = { e.kind, e.name, SPAN_LITERAL("DEFAULT") };

		if (has_name(to, &e))
			continue;
		writer_text(w, written ? ", " : lead);
		write_assignment(w, &standard);
		written = true;
	}
	return written;
}

/*
 * Seen on MariaDB 10.11 and MySQL 9.7 with session_track_system_variables='*'.
 * A name that ends in '*' stands for all that start so.
 */
static const struct {
	const char       *name;
	enum variable_use use;
} variable_uses[] = {
	{ "session_track_transaction_info", VARIABLE_STATE },
	{ "session_track_*", VARIABLE_NOT_STATE },	/* session_trackers.c keeps them */
	{ "statement_id", VARIABLE_NOT_STATE },
	{ "last_insert_id", VARIABLE_INSERT_ID },
	{ "identity", VARIABLE_INSERT_ID },
	{ "character_set_database", VARIABLE_NOT_STATE },	/* the schema's */
	{ "collation_database", VARIABLE_NOT_STATE },
	{ "last_gtid", VARIABLE_POSITION },
	{ "warning_count", VARIABLE_NOT_STATE },
	{ "error_count", VARIABLE_NOT_STATE },
	{ "in_transaction", VARIABLE_NOT_STATE },
	{ "insert_id", VARIABLE_PINS },
	{ "timestamp", VARIABLE_PINS },
	{ "rand_seed1", VARIABLE_PINS },
	{ "rand_seed2", VARIABLE_PINS },
	{ "gtid_next", VARIABLE_PINS },
	{ "gtid_seq_no", VARIABLE_PINS },
	{ "pseudo_thread_id", VARIABLE_PINS },
	{ "profiling", VARIABLE_PINS },
	{ "proxy_user", VARIABLE_NOT_STATE },
	{ "external_user", VARIABLE_NOT_STATE },
};

enum variable_use variable_use(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(variable_uses); i++) {
		struct span row = span_of(variable_uses[i].name);

		if (row.data[row.len - 1] == '*' ?
		    span_equal(span_head(name, row.len - 1), span_head(row, row.len - 1)) :
		    span_equal(name, row))
			return variable_uses[i].use;
	}
	return VARIABLE_STATE;
}
