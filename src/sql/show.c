/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHOW, DESCRIBE, EXPLAIN and ANALYZE: questions about schema, server or plan. */
#include "statement.h"
#include "variables.h"

static const struct show_row {
	enum sql_word     word;
	enum sql_class    class;
	enum route_reason reason;
	uint32_t          flags;
} show_rows[] = {
	{ WORD_TABLES,       SQL_READ,  REASON_SHOW, 0 },
	{ WORD_COLUMNS,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_FIELDS,       SQL_READ,  REASON_SHOW, 0 },
	{ WORD_CREATE,       SQL_READ,  REASON_SHOW, 0 },
	{ WORD_INDEX,        SQL_READ,  REASON_SHOW, 0 },
	{ WORD_INDEXES,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_KEYS,         SQL_READ,  REASON_SHOW, 0 },
	{ WORD_DATABASES,    SQL_READ,  REASON_SHOW, 0 },
	{ WORD_SCHEMAS,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_TABLE,        SQL_READ,  REASON_SHOW, 0 },
	{ WORD_VARIABLES,    SQL_READ,  REASON_SHOW, 0 },
	{ WORD_STATUS,       SQL_READ,  REASON_SHOW, 0 },
	{ WORD_CHARACTER,    SQL_READ,  REASON_SHOW, 0 },
	{ WORD_CHARSET,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_COLLATION,    SQL_READ,  REASON_SHOW, 0 },
	{ WORD_ENGINES,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_TRIGGERS,     SQL_READ,  REASON_SHOW, 0 },
	{ WORD_EVENTS,       SQL_WRITE, REASON_PRIMARY_STATUS, 0 },	/* disabled on replicas */
	{ WORD_FUNCTION,     SQL_READ,  REASON_SHOW, 0 },
	{ WORD_PROCEDURE,    SQL_READ,  REASON_SHOW, 0 },
	{ WORD_PACKAGE,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_LIBRARY,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_GRANTS,       SQL_READ,  REASON_SHOW, 0 },
	{ WORD_PRIVILEGES,   SQL_READ,  REASON_SHOW, 0 },
	{ WORD_PLUGINS,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_AUTHORS,      SQL_READ,  REASON_SHOW, 0 },
	{ WORD_CONTRIBUTORS, SQL_READ,  REASON_SHOW, 0 },
	{ WORD_READMUX,      SQL_READ,  REASON_SHOW, SQL_SHOW_READMUX },
	{ WORD_WARNINGS,     SQL_READ,  REASON_PREVIOUS_STATEMENT, SQL_ABOUT_PREVIOUS },
	{ WORD_ERRORS,       SQL_READ,  REASON_PREVIOUS_STATEMENT, SQL_ABOUT_PREVIOUS },
	{ WORD_COUNT,        SQL_READ,  REASON_PREVIOUS_STATEMENT, SQL_ABOUT_PREVIOUS },
	{ WORD_PROFILE,      SQL_READ,  REASON_PREVIOUS_STATEMENT, SQL_ABOUT_PREVIOUS },
	{ WORD_PROFILES,     SQL_READ,  REASON_PREVIOUS_STATEMENT, SQL_ABOUT_PREVIOUS },
	{ WORD_MASTER,       SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_BINARY,       SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_BINLOG,       SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_REPLICA,      SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_REPLICAS,     SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_SLAVE,        SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_SLAVES,       SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_ALL,          SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_RELAYLOG,     SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_PROCESSLIST,  SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_ENGINE,       SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_OPEN,         SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_EXPLAIN,      SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
	{ WORD_ANALYZE,      SQL_WRITE, REASON_PRIMARY_STATUS, 0 },
};

static const struct show_row *show_find(enum sql_word word)
{
	for (size_t i = 0; i < ARRAY_LEN(show_rows); i++) {
		if (show_rows[i].word == word)
			return &show_rows[i];
	}
	return NULL;
}

/* Words that may stand before what is shown. */
static bool is_show_modifier(enum sql_word word)
{
	return word == WORD_FULL || word == WORD_EXTENDED || word == WORD_SESSION ||
		word == WORD_LOCAL || word == WORD_STORAGE;
}

/* SHOW VARIABLES LIKE 'read_only' and the like ask for the primary's value. */
static void look_pattern(struct walk *w, enum sql_word shown)
{
	bool trackers = shown == WORD_VARIABLES;	/* without a pattern: all of them */

	while (walk_next(w)) {
		if (w->token.kind != TOKEN_STRING)
			continue;
		trackers &= variable_pattern_is_tracker(w->token.text);
		if (variable_pattern_is_role(w->token.text))
			walk_downgrade(w, REASON_ROLE_VARIABLE, w->token.text);
	}
	if (trackers)
		w->part.flags |= SQL_TRACKERS;
}

void statement_show(struct walk *w)
{
	const struct show_row *row;
	bool more = walk_next(w);

	while (more && is_show_modifier(w->word))
		more = walk_next(w);
	row = w->word == WORD_GLOBAL ? NULL : show_find(w->word);
	w->part.what = w->token.text;
	if (row == NULL) {
		walk_downgrade(w, w->word == WORD_GLOBAL ? REASON_PRIMARY_STATUS :
			       REASON_NOT_UNDERSTOOD, w->token.text);
		return;
	}
	w->part.class = row->class;
	w->part.reason = row->reason;
	w->part.flags |= row->flags;
	/* SHOW CREATE EVENT tells, like SHOW EVENTS, that it is disabled on a replica */
	if (row->word == WORD_CREATE && walk_next(w) && w->word == WORD_EVENT)
		walk_downgrade(w, REASON_PRIMARY_STATUS, w->token.text);
	if (row->word == WORD_VARIABLES || row->word == WORD_STATUS)
		look_pattern(w, row->word);
}

/*
 * EXPLAIN of <w>'s token, which begins a statement.  A plan may run subqueries
 * and functions, so calls count.  Nothing is changed or locked, but a read-only
 * MariaDB refuses to explain what would (1290, seen on 10.11).
 */
static void explain(struct walk *w)
{
	const struct statement *inner = statement_find(w->word);

	w->part.class = inner->class;
	w->part.reason = REASON_EXPLAIN;
	w->part.reads = true;
	w->part.explains = true;
	w->part.calls = inner->calls;
}

/* EXPLAIN ANALYZE and MariaDB's ANALYZE run the statement: it is what it is. */
static void run_and_explain(struct walk *w)
{
	struct part inner = statement_part(statement_find(w->word));

	inner.flags |= w->part.flags;
	inner.pins |= w->part.pins;
	w->part = inner;
}

/* Does the token begin a statement that can be explained? */
static bool begins_explainable(const struct walk *w)
{
	const struct statement *s = statement_find(w->word);

	return s != NULL &&
		(s->reason == REASON_PLAIN_READ || s->reason == REASON_MODIFIES);
}

/* Is the token one that may stand between EXPLAIN or ANALYZE and the statement? */
static bool is_explain_option(const struct walk *w)
{
	static const enum sql_word options[] = {
		WORD_ANALYZE, WORD_EXTENDED, WORD_PARTITIONS, WORD_FORMAT, WORD_INTO,
		WORD_FOR, WORD_SCHEMA, WORD_DATABASE,
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (w->word == options[i])
			return true;
	}
	if (w->token.kind == TOKEN_USER_VARIABLE)
		return w->prev.word == WORD_INTO;
	if (walk_at(w, '='))
		return w->prev.word == WORD_FORMAT;
	return walk_at(w, '(') || step_is(&w->prev, '=') || w->prev.word == WORD_SCHEMA ||
		w->prev.word == WORD_DATABASE;
}

/* EXPLAIN FOR CONNECTION 5 looks at another session; FOR SCHEMA does not. */
static void explain_for(struct walk *w)
{
	if (walk_next(w) && w->word != WORD_SCHEMA && w->word != WORD_DATABASE)
		walk_downgrade(w, REASON_PRIMARY_STATUS, w->token.text);
}

/* EXPLAIN FORMAT = JSON INTO @plan assigns a variable. */
static void explain_into(struct walk *w)
{
	w->part.pins |= SQL_PIN_USER_VARIABLE;
	walk_downgrade(w, REASON_INTO, w->token.text);
}

/*
 * EXPLAIN READMUX and a statement.  Without one it is about a table of that name, as is
 * DESCRIBE.  Steps to the token behind EXPLAIN, or behind READMUX.
 */
static bool is_for_readmux(struct walk *w)
{
	bool explain = w->word == WORD_EXPLAIN;

	if (!walk_next(w) || !explain || w->word != WORD_READMUX || w->token.conditional)
		return false;
	if (!walk_next(w) || (!walk_at(w, '(') && statement_find(w->word) == NULL))
		return false;
	w->part.flags |= SQL_EXPLAIN_READMUX;
	if (w->verdict->explained_at == 0)
		w->verdict->explained_at = (uint32_t)w->token.at;
	return true;
}

/* EXPLAIN | DESCRIBE | DESC [ANALYZE] [FORMAT = x] [INTO @x] statement, or a table. */
void statement_describe(struct walk *w)
{
	bool analyze = false, odd = false;

	if (is_for_readmux(w))
		return;
	while (!w->ended && !begins_explainable(w)) {
		analyze |= w->word == WORD_ANALYZE;
		odd |= !is_explain_option(w);
		if (w->word == WORD_FOR)
			explain_for(w);
		else if (w->token.kind == TOKEN_USER_VARIABLE)
			explain_into(w);
		(void)walk_next(w);
	}
	if (w->ended || w->part.class == SQL_WRITE)
		return;
	if (odd)
		walk_downgrade(w, REASON_NOT_UNDERSTOOD, SPAN_NONE);
	else if (analyze)
		run_and_explain(w);
	else
		explain(w);
}

/* ANALYZE [FORMAT = x] statement in MariaDB; ANALYZE TABLE in both. */
void statement_analyze(struct walk *w)
{
	bool odd = false;

	while (walk_next(w) && w->word != WORD_TABLE) {
		odd |= !begins_explainable(w) &&
			(!is_explain_option(w) || w->word == WORD_INTO);
		if (odd || !begins_explainable(w))
			continue;
		run_and_explain(w);
		return;
	}
	w->part.flags |= SQL_COMMITS;
}
