/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the statements of a text to one verdict; see classify.h.
 *
 * Each statement is a part: its leading word (statements.c) and a walk over its
 * tokens (walk.c) say what it is.
 */
#include <readmux/sql/classify.h>

#include "statement.h"

static const struct part not_understood = {
	.class = SQL_WRITE,
	.reason = REASON_NOT_UNDERSTOOD,
	.pins = SQL_PIN_CALL,
	.calls = CALLS_ALWAYS,
};

/* ((SELECT ..) ..): only queries may stand in parentheses. */
static const struct statement *parenthesised(struct walk *w)
{
	static const struct part nothing;
	const struct statement *s;

	walk_start(w, &nothing);
	while (walk_at(w, '(') && walk_next(w))
		;
	s = statement_find(w->word);
	return s != NULL && s->reason == REASON_PLAIN_READ ? s : NULL;
}

/*
 * Statements of these kinds cannot commit.  On both servers neither can a stored function
 * or a trigger (error 1422), so DML and functions that nobody knows are among them.
 */
static const bool keeps_transaction[REASON_COUNT] = {
	[REASON_PLAIN_READ] = true,
	[REASON_SHOW] = true,
	[REASON_EXPLAIN] = true,
	[REASON_PREVIOUS_STATEMENT] = true,
	[REASON_PRIMARY_STATUS] = true,
	[REASON_ROLE_VARIABLE] = true,
	[REASON_SET_SESSION] = true,
	[REASON_SETS_COMPUTED] = true,
	[REASON_SETS_TIED] = true,
	[REASON_USE_SCHEMA] = true,
	[REASON_MODIFIES] = true,
	[REASON_LOCKING_READ] = true,
	[REASON_INTO] = true,
	[REASON_ASSIGNS_VARIABLE] = true,
	[REASON_SIDE_EFFECT] = true,
	[REASON_UNKNOWN_FUNCTION] = true,
	[REASON_SAVEPOINT] = true,
	[REASON_HANDLER] = true,
};

/* The statement was read to its end; what could not be is in no doubt kept. */
static void look_whether_it_keeps(struct walk *w)
{
	const uint32_t others = SQL_BEGINS | SQL_ENDS | SQL_COMMITS;

	if (keeps_transaction[w->part.reason] && (w->part.flags & others) == 0 &&
	    w->token.kind != TOKEN_BROKEN)
		w->part.flags |= SQL_KEEPS_TRANSACTION;
}

/* A statement whose first token is there: read it to its end. */
static void read_statement(struct walk *w)
{
	const struct statement *s;
	struct part part = not_understood;

	s = walk_at(w, '(') ? parenthesised(w) : statement_find(w->word);
	if (s != NULL)
		part = statement_part(s);
	walk_start(w, &part);
	if (s != NULL && s->look != NULL)
		s->look(w);
	walk_finish(w);
	look_whether_it_keeps(w);
}

/* The flags of two texts that may both run. */
static uint32_t both_flags(uint32_t a, uint32_t b)
{
	return (a | b) & ~((a ^ b) & SQL_KEEPS_TRANSACTION);
}

/* Some statements ask as a whole. */
static uint8_t asks_about_previous(const struct part *part)
{
	if ((part->flags & SQL_ABOUT_PREVIOUS) == 0)
		return 0;
	return part->previous > 0 ? part->previous : 1;
}

/* The class and reason of two statements in one text. */
static void merge_class(struct sql_verdict *v, const struct part *part)
{
	if (v->class == SQL_WRITE || part->class == v->class)
		return;
	v->what = part->what;
	v->reason = part->class == SQL_WRITE ? part->reason : REASON_MIXED;
	v->class = SQL_WRITE;
}

static void take_part(struct sql_verdict *v, const struct part *part, bool first)
{
	if (first) {
		v->class = part->class;
		v->reason = part->reason;
		v->what = part->what;
		v->flags = part->flags;
		v->previous = asks_about_previous(part);
	} else {
		v->flags = SQL_MULTI | both_flags(v->flags, part->flags & ~(uint32_t)SQL_EXPLAIN_READMUX);
		merge_class(v, part);
	}
	v->pins |= part->pins;
}

static void becomes_write(struct sql_verdict *v, enum route_reason reason)
{
	if (!keeps_transaction[reason])
		v->flags &= ~(uint32_t)SQL_KEEPS_TRANSACTION;
	if (v->class == SQL_WRITE)
		return;
	v->class = SQL_WRITE;
	v->reason = reason;
	v->what = SPAN_NONE;
}

/* What the classification of a whole text leaves to be settled. */
struct outcome {
	unsigned conditional;	/* comments that only some server versions run */
	uint32_t text_pins;	/* as in struct part, for the whole text */
};

/* Classify with conditional comments left out or taken for code. */
static struct outcome classify_once(struct span sql, const struct sql_mode *mode,
				    bool skip_conditional, struct sql_verdict *v)
{
	struct walk w;
	struct outcome outcome = { 0 };
	bool first = true, lexing_changed = false;

	*v = (struct sql_verdict){ .class = SQL_WRITE, .reason = REASON_EMPTY };
	walk_open(&w, sql, mode, v);
	w.lexer.skip_conditional = skip_conditional;
	while (walk_begin(&w)) {
		read_statement(&w);
		take_part(v, &w.part, first);
		if (lexing_changed)
			becomes_write(v, REASON_NOT_UNDERSTOOD);
		lexing_changed |= w.part.changes_lexing;
		outcome.text_pins |= w.part.text_pins;
		first = false;
		if (w.token.kind == TOKEN_BROKEN || w.token.kind == TOKEN_END)
			break;
	}
	outcome.conditional = w.lexer.conditional_comments;
	return outcome;
}

/* The worse of what the text is when its conditional comments run and when not. */
static void merge_verdicts(struct sql_verdict *v, const struct sql_verdict *other)
{
	v->flags = both_flags(v->flags, other->flags);
	v->pins |= other->pins;
	if (other->previous > v->previous)
		v->previous = other->previous;
	if (v->class == SQL_WRITE || v->class == other->class)
		return;
	v->what = other->what;
	v->reason = other->class == SQL_WRITE ? other->reason : REASON_NOT_UNDERSTOOD;
	v->class = SQL_WRITE;
}

/*
 * Comments that some server versions run and others do not: with one of them
 * both cases are tried, with more it is not worth the trouble.
 */
static void classify_conditional(struct span sql, const struct sql_mode *mode,
				 unsigned comments, struct sql_verdict *v)
{
	struct sql_verdict other;

	(void)classify_once(sql, mode, true, &other);
	merge_verdicts(v, &other);
	if (comments > 1)
		becomes_write(v, REASON_NOT_UNDERSTOOD);
}

const char *sql_class_name(enum sql_class class)
{
	static const char *const names[] = {
		[SQL_READ] = "read", [SQL_WRITE] = "write", [SQL_SESSION] = "session",
	};

	assert((size_t)class < ARRAY_LEN(names));
	return names[class];
}

static void classify_whole(struct span sql, const struct sql_mode *mode, struct sql_verdict *v)
{
	struct outcome outcome = classify_once(sql, mode, false, v);

	if (RMX_UNLIKELY(outcome.conditional > 0))
		classify_conditional(sql, mode, outcome.conditional, v);
	/* effects.h is asked about a lone session statement only. */
	if (v->class != SQL_SESSION || (v->flags & SQL_MULTI) != 0)
		v->pins |= outcome.text_pins;
	/* what would tie the session to a replica could not write there */
	if (v->class == SQL_SESSION && v->pins != 0)
		becomes_write(v, REASON_SETS_TIED);
}

/* EXPLAIN READMUX: the verdict of what stands behind it, all of it. */
static void classify_explained(struct span sql, const struct sql_mode *mode,
			       struct sql_verdict *v)
{
	struct sql_verdict outer = *v;

	classify_whole(span_from(sql, outer.explained_at), mode, v);
	if (v->hint == SQL_HINT_NONE) {
		v->hint = outer.hint;
		v->hint_backend = outer.hint_backend;
	}
	v->explained_at = outer.explained_at;
}

void sql_classify(struct span sql, const struct sql_mode *mode, struct sql_verdict *v)
{
	classify_whole(sql, mode, v);
	if (RMX_LIKELY((v->flags & SQL_EXPLAIN_READMUX) == 0))
		v->explained_at = 0;
	else
		classify_explained(sql, mode, v);
}
