/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_statement.h. */
#include "fake_statement.h"

#include "fake_answer.h"
#include "fake_select.h"
#include "fake_set.h"
#include "fake_text.h"
#include "fake_variables.h"

#include <readmux/wire/reader.h>

/* OK with what the transaction tracker says, in MariaDB's letters. */
static void answer_transaction(struct fake_session *s, struct fake_track *t,
			       const char *state, const char *characteristics)
{
	if (s->track_transaction) {
		fake_track_text(t, SESSION_TRACK_TRANSACTION_STATE, span_of(state));
		fake_track_text(t, SESSION_TRACK_TRANSACTION_CHARACTERISTICS,
				span_of(characteristics));
	}
	fake_answer_ok_tracked(s, 0, t);
}

static void run_begin(struct fake_session *s, struct span rest RMX_UNUSED)
{
	struct fake_track t;

	fake_track_init(&t);
	s->status |= SERVER_STATUS_IN_TRANS;
	s->wrote = false;
	answer_transaction(s, &t, "T_______", "START TRANSACTION;");
}

/* START TRANSACTION; START SLAVE and the like are merely accepted. */
static void run_start(struct fake_session *s, struct span rest)
{
	struct text t = text_over(rest);

	if (text_accept_word(&t, "transaction"))
		run_begin(s, rest);
	else
		fake_answer_ok(s, 0);
}

/* One more transaction in the binary log, reported as last_gtid. */
static void log_write_now(struct fake_session *s, struct fake_track *t)
{
	char gtid[64];

	s->server->writes++;
	if (s->track_variables == FAKE_TRACK_ALL)
		fake_track_variable(t, SPAN_LITERAL("last_gtid"),
				    fake_gtid(s, gtid, sizeof(gtid)));
}

static void end_transaction(struct fake_session *s, bool commit)
{
	struct fake_track t;

	fake_track_init(&t);
	if (commit && s->wrote)
		log_write_now(s, &t);
	s->wrote = false;
	if (!(s->status & SERVER_STATUS_IN_TRANS)) {
		fake_answer_ok_tracked(s, 0, &t);
		return;
	}
	s->status &= (uint16_t)~SERVER_STATUS_IN_TRANS;
	answer_transaction(s, &t, "________", "");
}

static void run_commit(struct fake_session *s, struct span rest RMX_UNUSED)
{
	end_transaction(s, true);
}

static void run_rollback(struct fake_session *s, struct span rest RMX_UNUSED)
{
	end_transaction(s, false);
}

static void run_write(struct fake_session *s, struct span rest RMX_UNUSED)
{
	struct fake_track t;

	if (s->server->read_only) {
		fake_answer_error(s, 1290, "HY000",
				  "The MariaDB server is running with the --read-only "
				  "option so it cannot execute this statement");
		return;
	}
	fake_track_init(&t);
	if (!(s->status & SERVER_STATUS_AUTOCOMMIT))
		s->status |= SERVER_STATUS_IN_TRANS;
	if (s->status & SERVER_STATUS_IN_TRANS)
		s->wrote = true;
	else
		log_write_now(s, &t);
	fake_answer_ok_tracked(s, 1, &t);
}

/* Data definition ends the transaction and is logged by itself. */
static void run_definition(struct fake_session *s, struct span rest)
{
	s->status &= (uint16_t)~SERVER_STATUS_IN_TRANS;
	run_write(s, rest);
}

static void run_select(struct fake_session *s, struct span rest)
{
	if (RMX_UNLIKELY(!(s->status & SERVER_STATUS_AUTOCOMMIT)))
		s->status |= SERVER_STATUS_IN_TRANS;
	fake_select(s, rest);
}

static void run_explain(struct fake_session *s, struct span rest RMX_UNUSED)
{
	fake_answer_canned(s, false);
}

void fake_statement_use(struct fake_session *s, struct span schema)
{
	struct fake_track t;

	fake_track_init(&t);
	if (!span_copy(schema, s->schema, sizeof(s->schema))) {
		fake_answer_error(s, 1049, "42000", "Unknown database '%s'", s->schema);
		return;
	}
	if (s->track_schema)
		fake_track_text(&t, SESSION_TRACK_SCHEMA, schema);
	if (s->track_state)
		fake_track_change(&t);
	fake_answer_ok_tracked(s, 0, &t);
}

static void run_use(struct fake_session *s, struct span rest)
{
	struct text t = text_over(rest);

	fake_statement_use(s, text_name(&t));
}

static void run_ok(struct fake_session *s, struct span rest RMX_UNUSED)
{
	fake_answer_ok(s, 0);
}

/* A result set without rows; <names> are its columns. */
static void answer_empty(struct fake_session *s, const char *const *names, size_t n)
{
	struct fake_cell cells[8] = { 0 };

	for (size_t i = 0; i < n && i < ARRAY_LEN(cells); i++)
		cells[i].name = span_of(names[i]);
	fake_answer_rows(s, cells, size_min(n, ARRAY_LEN(cells)), 0);
}

static void show_replica(struct fake_session *s, struct span rest RMX_UNUSED)
{
	static const char *const names[] = {
		"Slave_IO_State", "Master_Host", "Slave_IO_Running", "Slave_SQL_Running",
		"Seconds_Behind_Master", "Gtid_IO_Pos",
	};

	answer_empty(s, names, ARRAY_LEN(names));
}

static void show_binlog(struct fake_session *s, struct span rest RMX_UNUSED)
{
	struct fake_cell cells[] = {
		{ .name = SPAN_LITERAL("File"), .value = SPAN_LITERAL("fake-bin.000001") },
		{ .name = SPAN_LITERAL("Position"), .value = SPAN_NONE, .number = true },
		{ .name = SPAN_LITERAL("Binlog_Do_DB") },
		{ .name = SPAN_LITERAL("Binlog_Ignore_DB") },
	};
	char position[32];

	(void)snprintf(position, sizeof(position), "%llu",
		       (unsigned long long)(4 + 100 * s->server->writes));
	cells[1].value = span_of(position);
	fake_answer_rows(s, cells, ARRAY_LEN(cells), 1);
}

/* <name> matches <pattern> of LIKE; '_' only stands for itself here. */
static bool is_like(const char *name, struct span pattern)
{
	while (pattern.len > 0 && pattern.data[0] != '%') {
		if (*name == '\0' || !span_starts_nocase(pattern, (char[2]){ *name, 0 }))
			return false;
		pattern = span_from(pattern, 1);
		name++;
	}
	if (pattern.len == 0)
		return *name == '\0';
	for (; *name != '\0'; name++)
		if (is_like(name, span_from(pattern, 1)))
			return true;
	return is_like(name, span_from(pattern, 1));
}

/* LIKE 'x', or any condition that has the quoted name in it, or everything. */
static bool is_wanted(const char *name, struct span condition)
{
	struct text t = text_over(condition);
	struct span pattern;
	char quoted[80];

	if (text_at_end(&t))
		return true;
	if (text_accept_word(&t, "like"))
		return text_string(&t, &pattern) && is_like(name, pattern);
	(void)snprintf(quoted, sizeof(quoted), "'%s'", name);
	return text_contains(condition, quoted);
}

static void show_variables(struct fake_session *s, struct span rest)
{
	enum { MAX = 256 };
	static struct fake_cell cells[MAX][2];
	const struct fake_variable *v;
	size_t n = 0;

	cells[0][0].name = SPAN_LITERAL("Variable_name");
	cells[0][1].name = SPAN_LITERAL("Value");
	for (size_t i = 0; n < MAX && (v = fake_variable_at(i)) != NULL; i++) {
		if (!is_wanted(v->name, rest))
			continue;
		cells[n][0].value = span_of(v->name);
		cells[n++][1].value = span_of(v->value);
	}
	fake_answer_rows(s, cells[0], 2, n);
}

static void show_status(struct fake_session *s, struct span rest RMX_UNUSED)
{
	static const char *const names[] = { "Variable_name", "Value" };

	answer_empty(s, names, ARRAY_LEN(names));
}

static void show_warnings(struct fake_session *s, struct span rest RMX_UNUSED)
{
	static const char *const names[] = { "Level", "Code", "Message" };

	answer_empty(s, names, ARRAY_LEN(names));
}

typedef void statement_fn(struct fake_session *s, struct span rest);

struct statement_row {
	const char   *word;
	statement_fn *run;
};

/* Behind SHOW and words like GLOBAL and ALL, which do not matter. */
static const struct statement_row shows[] = {
	{ "slave", show_replica },
	{ "slaves", show_replica },
	{ "replica", show_replica },
	{ "replicas", show_replica },
	{ "master", show_binlog },
	{ "binary", show_binlog },
	{ "binlog", show_binlog },
	{ "variables", show_variables },
	{ "status", show_status },
	{ "warnings", show_warnings },
	{ "errors", show_warnings },
};

static struct span rest_of(const struct text *t)
{
	return (struct span){ t->cur, (size_t)(t->end - t->cur) };
}

static void run_show(struct fake_session *s, struct span rest)
{
	struct text t = text_over(rest);
	struct span word = text_word(&t);

	if (span_is_nocase(word, "global") || span_is_nocase(word, "session") ||
	    span_is_nocase(word, "all"))
		word = text_word(&t);
	for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
		if (span_is_nocase(word, shows[i].word)) {
			shows[i].run(s, rest_of(&t));
			return;
		}
	}
	show_status(s, rest);
}

/* First words, most frequent first; all others are answered with OK. */
static const struct statement_row statements[] = {
	{ "select", run_select },
	{ "set", fake_set },
	{ "begin", run_begin },
	{ "commit", run_commit },
	{ "update", run_write },
	{ "insert", run_write },
	{ "delete", run_write },
	{ "replace", run_write },
	{ "rollback", run_rollback },
	{ "start", run_start },
	{ "use", run_use },
	{ "show", run_show },
	{ "explain", run_explain },
	{ "desc", run_explain },
	{ "describe", run_explain },
	{ "create", run_definition },
	{ "drop", run_definition },
	{ "alter", run_definition },
	{ "truncate", run_definition },
};

/* Row of the statement's first word; the last row + 1 stands for all others. */
static size_t statement_row(struct text *t)
{
	struct span word = text_word(t);
	size_t i = 0;

	while (i < ARRAY_LEN(statements) && !span_is_nocase(word, statements[i].word))
		i++;
	return i;
}

static void run_row(struct fake_session *s, size_t row, struct span rest)
{
	statement_fn *run = row < ARRAY_LEN(statements) ? statements[row].run : run_ok;

	run(s, rest);
}

void fake_statement(struct fake_session *s, struct span sql)
{
	struct text t = text_over(sql);
	size_t row = statement_row(&t);

	run_row(s, row, rest_of(&t));
}

/*
 * A prepared statement is its number: the row of its first word in the lower
 * bits, a counter above.  So nothing has to be kept, and none can be missing.
 */
#define ROW_BITS 5u
#define ROW_MASK ((1u << ROW_BITS) - 1)
static_assert(ARRAY_LEN(statements) <= ROW_MASK, "rows have to fit into ROW_BITS");

static size_t count_parameters(struct span sql)
{
	struct text t = text_over(sql);
	struct span skipped;
	size_t n = 0;

	while (text_peek(&t) != 0) {
		if (text_string(&t, &skipped))
			continue;
		n += *t.cur++ == '?';
	}
	return n;
}

void fake_statement_prepare(struct fake_session *s, struct span sql)
{
	struct text t = text_over(sql);
	size_t row = statement_row(&t);
	uint32_t id = s->next_statement++ << ROW_BITS | (uint32_t)row;
	bool select = row == 0;

	s->last_statement = id;
	fake_answer_prepared(s, id, select ? s->server->columns : 0, count_parameters(sql));
}

void fake_statement_execute(struct fake_session *s, struct span payload)
{
	struct reader r = reader_over(payload);
	uint32_t id;

	reader_skip(&r, 1);
	id = (uint32_t)reader_uint(&r, 4);
	if (id == UINT32_MAX)	/* MariaDB: the statement prepared last */
		id = s->last_statement;
	if (r.bad || id >> ROW_BITS == 0 || id >> ROW_BITS >= s->next_statement) {
		fake_answer_error(s, 1243, "HY000",
				  "Unknown prepared statement handler (%u) given to "
				  "mysqld_stmt_execute", id);
		return;
	}
	if ((id & ROW_MASK) == 0)
		fake_answer_canned(s, true);
	else
		run_row(s, id & ROW_MASK, SPAN_NONE);
}
