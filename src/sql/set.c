/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SET statement is: session state when all of its assignments are
 * plain, else a write.
 */
#include "set.h"

#include "statement.h"
#include "variables.h"

/* One assignment makes the statement a write; the first one gives the reason. */
static void set_is_write(struct walk *w, enum route_reason reason,
			 const struct sql_assignment *a)
{
	walk_downgrade(w, reason, a->name);
}

static void set_user_variable(struct walk *w, const struct sql_assignment *a)
{
	if (a->plain) {
		w->part.text_pins |= SQL_PIN_USER_VARIABLE;
		return;
	}
	w->part.pins |= SQL_PIN_USER_VARIABLE;
	set_is_write(w, REASON_SETS_COMPUTED, a);
}

/* SET gtid_next = 'AUTOMATIC' ends what the others begin. */
static bool is_automatic(const struct sql_assignment *a)
{
	return span_starts_nocase(span_from(a->value, 1), "automatic");
}

/* The value that such a variable has anyway. */
static bool is_default(const struct sql_assignment *a)
{
	return span_is_nocase(a->value, "default") || span_is_nocase(a->value, "off") ||
	       span_is(a->value, "0");
}

/* What no tracker reports has to come from the text, or to stay where it is. */
static void set_untracked(struct walk *w, const struct sql_assignment *a)
{
	if (a->plain)
		w->part.text_pins |= SQL_PIN_SYSTEM_VARIABLE;
	else
		w->part.pins |= SQL_PIN_SYSTEM_VARIABLE;
}

static void set_session(struct walk *w, const struct sql_assignment *a)
{
	enum variable_effect effect = variable_set(a->name);

	if (a->unscoped && w->lexer.mode.mariadb)
		set_untracked(w, a);
	w->part.changes_lexing |= effect == VARIABLE_SETS_LEXING;
	if (effect == VARIABLE_SETS_COMMIT)
		w->part.flags |= SQL_COMMITS;
	if (variable_read(a->name) == VARIABLE_TRACKER)
		w->part.flags |= SQL_TRACKERS;
	if (effect == VARIABLE_SETS_ONCE) {
		if (!is_automatic(a))
			w->part.pins |= SQL_PIN_ONCE;
		set_is_write(w, REASON_SETS_ONCE, a);
	} else if (effect == VARIABLE_SETS_TIED) {
		if (!is_default(a))
			w->part.pins |= SQL_PIN_SYSTEM_VARIABLE;
		set_is_write(w, REASON_SETS_TIED, a);
	} else if (!a->plain) {
		set_is_write(w, REASON_SETS_COMPUTED, a);
	}
}

/* SET TRANSACTION without a scope is for the next transaction. */
static void set_transaction(struct walk *w, const struct sql_assignment *a)
{
	if (a->name.len == 0) {
		w->part.flags |= SQL_SETS_TRANSACTION;
		set_is_write(w, REASON_SETS_ONCE, a);
	} else if (!span_is_nocase(a->name, "session") &&
		   !span_is_nocase(a->name, "local")) {
		set_is_write(w, REASON_SETS_GLOBAL, a);
	}
}

/* SET PASSWORD, ROLE, DEFAULT ROLE, RESOURCE GROUP, STATEMENT. */
static void set_other(struct walk *w, const struct sql_assignment *a)
{
	static const struct {
		enum sql_word     word;
		enum route_reason reason;
		uint32_t          flags;
		uint32_t          pins;
	} rows[] = {
		{ WORD_PASSWORD, REASON_DEFINES, SQL_COMMITS, 0 },
		{ WORD_DEFAULT,  REASON_DEFINES, SQL_COMMITS, 0 },
		{ WORD_ROLE,     REASON_ADMINISTERS, 0, SQL_PIN_ROLE },
		{ WORD_RESOURCE, REASON_ADMINISTERS, 0, SQL_PIN_ROLE },
	};
	enum sql_word word = word_find(a->name);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].word != word)
			continue;
		w->part.flags |= rows[i].flags;
		w->part.pins |= rows[i].pins;
		set_is_write(w, rows[i].reason, a);
	}
	set_is_write(w, REASON_NOT_UNDERSTOOD, a);
}

/* Trackers tell of the character set, but not of a COLLATE after it. */
static void set_names(struct walk *w, const struct sql_assignment *a)
{
	struct lexer value = lexer_over(a->value, &w->lexer.mode);
	struct token t;

	w->part.changes_lexing = true;
	lexer_next(&value, &t);
	lexer_next(&value, &t);
	if (t.kind != TOKEN_END)
		set_untracked(w, a);
	if (!a->plain)
		set_is_write(w, REASON_SETS_COMPUTED, a);
}

static void set_one(struct walk *w, const struct sql_assignment *a)
{
	switch (a->kind) {
	case SQL_ASSIGN_USER_VARIABLE:
		set_user_variable(w, a);
		break;
	case SQL_ASSIGN_SESSION:
		set_session(w, a);
		break;
	case SQL_ASSIGN_GLOBAL:
		set_is_write(w, REASON_SETS_GLOBAL, a);
		break;
	case SQL_ASSIGN_NAMES:
		set_names(w, a);
		break;
	case SQL_ASSIGN_TRANSACTION:
		set_transaction(w, a);
		break;
	case SQL_ASSIGN_OTHER:
		set_other(w, a);
		break;
	}
}

/* The tokens themselves are walked afterwards, for flags and pins in the values. */
void statement_set(struct walk *w)
{
	struct sql_assignments walk = assignments_after_set(&w->lexer);
	struct sql_assignment a;

	while (sql_assignments_next(&walk, &a))
		set_one(w, &a);
	w->part.sets = true;
	if (walk.broken)
		walk_downgrade(w, REASON_NOT_UNDERSTOOD, SPAN_NONE);
	else
		w->part.flags |= SQL_HAS_SET;
}
