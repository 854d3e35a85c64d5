/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts a SET statement into its assignments; see effects.h.
 *
 * A value is plain only when it is a literal that gives the same on every
 * server and at any time; an unknown form is never plain, so that its effect is
 * not replayed by guess.
 */
#include <readmux/sql/effects.h>

#include "set.h"
#include "word.h"

/* Values of sql_assignments.phase. */
enum { PHASE_SET, PHASE_ASSIGNMENT, PHASE_OVER };

/* Values of sql_assignments.scope: the last scope word, which stays in force. */
enum { SCOPE_NONE, SCOPE_SESSION, SCOPE_GLOBAL };

static void step(struct sql_assignments *walk)
{
	lexer_next(&walk->lexer, &walk->ahead);
	walk->ahead_end = walk->lexer.at;
}

struct sql_assignments assignments_after_set(const struct lexer *after)
{
	struct sql_assignments walk = { .lexer = *after, .phase = PHASE_ASSIGNMENT };

	walk.lexer.want_comments = false;
	step(&walk);
	return walk;
}

struct sql_assignments sql_assignments_of(struct span sql, const struct sql_mode *mode)
{
	struct sql_assignments walk = { .lexer = lexer_over(sql, mode) };

	step(&walk);
	return walk;
}

static bool ahead_is(const struct sql_assignments *walk, char op)
{
	return token_is_operator(&walk->ahead, op);
}

static enum sql_word ahead_word(const struct sql_assignments *walk)
{
	return walk->ahead.kind == TOKEN_WORD ? word_find(walk->ahead.text) : WORD_NONE;
}

static bool at_end(const struct sql_assignments *walk)
{
	return walk->ahead.kind == TOKEN_END || walk->ahead.kind == TOKEN_BROKEN ||
		ahead_is(walk, ';');
}

static bool give_up(struct sql_assignments *walk)
{
	walk->broken = true;
	walk->phase = PHASE_OVER;
	return false;
}

/* What a value is made of, as far as it decides whether it is plain. */
struct value_shape {
	unsigned        tokens;
	bool            signed_;	/* begins with + or - */
	bool            introduced;	/* begins with _charset or N */
	bool            collated;	/* word COLLATE word, after SET NAMES */
	bool            literal;	/* has had its literal */
	bool            mixed;		/* anything else was seen */
	enum token_kind kind;		/* of its first token */
	struct span     first;
};

static bool is_introducer(struct span word)
{
	return word.data[0] == '_' || span_is_nocase(word, "n");
}

static bool is_string(enum token_kind kind)
{
	return kind == TOKEN_STRING || kind == TOKEN_HEX;
}

/* The first token of a value. */
static void shape_first(struct value_shape *s, const struct token *t)
{
	s->kind = t->kind;
	s->first = t->text;
	s->signed_ = t->kind == TOKEN_OPERATOR && (t->op == '-' || t->op == '+');
	s->introduced = t->kind == TOKEN_WORD && is_introducer(t->text);
	s->literal = t->kind == TOKEN_NUMBER || is_string(t->kind);
	s->mixed = !s->signed_ && !s->literal && t->kind != TOKEN_WORD;
}

/* The second: what makes a sign or an introducer a literal, or 'a' 'b' one string. */
static void shape_second(struct value_shape *s, const struct token *t)
{
	if (s->signed_)
		s->literal = t->kind == TOKEN_NUMBER;
	else if (s->introduced)
		s->literal = is_string(t->kind);
	else
		s->literal = s->kind == TOKEN_STRING && t->kind == TOKEN_STRING;
	s->collated = !s->literal && t->kind == TOKEN_WORD &&
		word_find(t->text) == WORD_COLLATE;
	s->mixed |= !s->literal && !s->collated;
}

static void shape_add(struct value_shape *s, const struct token *t)
{
	s->tokens++;
	if (s->tokens == 1)
		shape_first(s, t);
	else if (s->tokens == 2)
		shape_second(s, t);
	else if (s->tokens == 3 && s->collated)
		s->mixed |= t->kind != TOKEN_WORD && t->kind != TOKEN_STRING;
	else
		s->mixed = true;
}

/* Functions that are called without parentheses. */
static bool is_bare_function(enum sql_word word)
{
	static const enum sql_word words[] = {
		WORD_CURRENT_DATE, WORD_CURRENT_TIME, WORD_CURRENT_TIMESTAMP,
		WORD_CURRENT_USER, WORD_CURRENT_ROLE, WORD_LOCALTIME, WORD_LOCALTIMESTAMP,
		WORD_UTC_DATE, WORD_UTC_TIME, WORD_UTC_TIMESTAMP, WORD_SYSDATE, WORD_ROWNUM,
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (words[i] == word)
			return true;
	}
	return false;
}

static bool is_plain_word(enum sql_word word, enum sql_assignment_kind kind)
{
	if (kind == SQL_ASSIGN_USER_VARIABLE)
		return word == WORD_NULL || word == WORD_TRUE || word == WORD_FALSE;
	return !is_bare_function(word);
}

/* A text of several tokens cannot be sent again when a version comment begins or
 * ends inside it. */
static bool holds_comment(struct span text)
{
	for (size_t i = 1; i < text.len; i++) {
		uint8_t a = text.data[i - 1], b = text.data[i];

		if ((a == '/' && b == '*') || (a == '*' && b == '/'))
			return true;
	}
	return false;
}

static bool is_plain(const struct value_shape *s, const struct sql_assignment *a)
{
	if (s->mixed || s->tokens == 0)
		return false;
	if (s->tokens > 1 && holds_comment(a->value))
		return false;
	if (s->collated)
		return a->kind == SQL_ASSIGN_NAMES && s->tokens == 3;
	if (s->tokens == 1 && s->kind == TOKEN_WORD)
		return is_plain_word(word_find(s->first), a->kind);
	return s->literal;
}

/* Read the value up to the comma that ends it, or with <all> to the end. */
static bool read_value(struct sql_assignments *walk, struct sql_assignment *a, bool all)
{
	struct value_shape shape = { 0 };
	size_t from = walk->ahead.at, to = from;
	uint32_t depth = 0;

	while (!at_end(walk) && (all || depth > 0 || !ahead_is(walk, ','))) {
		shape_add(&shape, &walk->ahead);
		depth += ahead_is(walk, '(');
		depth -= ahead_is(walk, ')') && depth > 0;
		to = walk->ahead_end;
		step(walk);
	}
	if (walk->ahead.kind == TOKEN_BROKEN || to == from)
		return give_up(walk);
	a->value = (struct span){ walk->lexer.sql.data + from, to - from };
	a->plain = is_plain(&shape, a);
	if (at_end(walk))
		walk->phase = PHASE_OVER;
	else
		step(walk);
	return true;
}

/* The = or := and the value. */
static bool read_equals(struct sql_assignments *walk, struct sql_assignment *a)
{
	if (!ahead_is(walk, '=') && walk->ahead.kind != TOKEN_ASSIGN)
		return give_up(walk);
	step(walk);
	return read_value(walk, a, false);
}

static bool read_user_variable(struct sql_assignments *walk, struct sql_assignment *a)
{
	a->kind = SQL_ASSIGN_USER_VARIABLE;
	a->name = walk->ahead.text;
	step(walk);
	return read_equals(walk, a);
}

static uint8_t scope_of(enum sql_word word)
{
	switch ((unsigned)word) {
	case WORD_SESSION:
	case WORD_LOCAL:
		return SCOPE_SESSION;
	case WORD_GLOBAL:
	case WORD_PERSIST:
	case WORD_PERSIST_ONLY:
		return SCOPE_GLOBAL;
	default:
		return SCOPE_NONE;
	}
}

static bool ahead_is_name(const struct sql_assignments *walk)
{
	return walk->ahead.kind == TOKEN_WORD || walk->ahead.kind == TOKEN_QUOTED_NAME;
}

/* name[.name], then the value.  <name> was read and is followed by the token ahead. */
static bool read_dotted(struct sql_assignments *walk, struct sql_assignment *a,
			struct span name, uint8_t scope)
{
	const uint8_t *end;

	a->kind = scope == SCOPE_GLOBAL ? SQL_ASSIGN_GLOBAL : SQL_ASSIGN_SESSION;
	while (ahead_is(walk, '.')) {
		step(walk);
		if (!ahead_is_name(walk))
			return give_up(walk);
		end = walk->ahead.text.data + walk->ahead.text.len;
		name.len = (size_t)(end - name.data);
		step(walk);
	}
	a->name = name;
	return read_equals(walk, a);
}

static bool read_name(struct sql_assignments *walk, struct sql_assignment *a, uint8_t scope)
{
	struct span name = walk->ahead.text;

	if (!ahead_is_name(walk) || name.len == 0)
		return give_up(walk);
	step(walk);
	return read_dotted(walk, a, name, scope);
}

/* After @@: [scope.]name. */
static bool read_system_variable(struct sql_assignments *walk, struct sql_assignment *a)
{
	uint8_t scope;
	struct span name;

	step(walk);
	scope = scope_of(ahead_word(walk));
	a->unscoped = true;
	if (scope == SCOPE_NONE)
		return read_name(walk, a, SCOPE_SESSION);
	name = walk->ahead.text;
	step(walk);
	if (!ahead_is(walk, '.'))
		return read_dotted(walk, a, name, SCOPE_SESSION);
	a->unscoped = false;
	step(walk);
	return read_name(walk, a, scope);
}

/* SET NAMES, SET CHARSET, SET CHARACTER SET: <first> was read. */
static bool read_names(struct sql_assignments *walk, struct sql_assignment *a,
		       enum sql_word first)
{
	bool charset = first == WORD_CHARACTER || first == WORD_CHAR;

	if (charset && ahead_word(walk) != WORD_SET)
		return give_up(walk);
	if (charset)
		step(walk);
	a->kind = SQL_ASSIGN_NAMES;
	return read_value(walk, a, false);
}

static bool read_rest(struct sql_assignments *walk, struct sql_assignment *a,
		      enum sql_assignment_kind kind, struct span name)
{
	a->kind = kind;
	a->name = name;
	return read_value(walk, a, true);
}

/* A word that begins an assignment and was read as <word>, <name>. */
static bool read_special(struct sql_assignments *walk, struct sql_assignment *a,
			 enum sql_word word, struct span name)
{
	switch ((unsigned)word) {
	case WORD_NAMES:
	case WORD_CHARSET:
	case WORD_CHARACTER:
	case WORD_CHAR:
		return read_names(walk, a, word);
	case WORD_TRANSACTION:
		return read_rest(walk, a, SQL_ASSIGN_TRANSACTION, SPAN_NONE);
	case WORD_PASSWORD:
	case WORD_ROLE:
	case WORD_DEFAULT:
	case WORD_RESOURCE:
	case WORD_STATEMENT:
		return read_rest(walk, a, SQL_ASSIGN_OTHER, name);
	default:
		return read_dotted(walk, a, name, walk->scope);
	}
}

/* After a scope word: TRANSACTION, or a name. */
static bool read_scoped(struct sql_assignments *walk, struct sql_assignment *a,
			struct span scope)
{
	if (ahead_word(walk) != WORD_TRANSACTION)
		return read_name(walk, a, walk->scope);
	step(walk);
	if (ahead_is(walk, '='))
		return give_up(walk);
	return read_rest(walk, a, SQL_ASSIGN_TRANSACTION, scope);
}

static bool read_word(struct sql_assignments *walk, struct sql_assignment *a)
{
	enum sql_word word = ahead_word(walk);
	struct span name = walk->ahead.text;
	bool assigns;

	if (name.len == 0)
		return give_up(walk);
	step(walk);
	assigns = ahead_is(walk, '=') || walk->ahead.kind == TOKEN_ASSIGN ||
		ahead_is(walk, '.');
	if (assigns && word != WORD_PASSWORD)
		return read_dotted(walk, a, name, walk->scope);
	if (scope_of(word) == SCOPE_NONE)
		return read_special(walk, a, word, name);
	walk->scope = scope_of(word);
	return read_scoped(walk, a, name);
}

static bool read_assignment(struct sql_assignments *walk, struct sql_assignment *a)
{
	switch ((unsigned)walk->ahead.kind) {
	case TOKEN_USER_VARIABLE:
		return read_user_variable(walk, a);
	case TOKEN_SYSTEM_VARIABLE:
		return read_system_variable(walk, a);
	case TOKEN_WORD:
	case TOKEN_QUOTED_NAME:
		return read_word(walk, a);
	default:
		return give_up(walk);
	}
}

bool sql_assignments_next(struct sql_assignments *walk, struct sql_assignment *a)
{
	if (walk->phase == PHASE_OVER)
		return false;
	if (walk->phase == PHASE_SET) {
		if (ahead_word(walk) != WORD_SET)
			return give_up(walk);
		walk->phase = PHASE_ASSIGNMENT;
		step(walk);
	}
	*a = (struct sql_assignment){ .kind = SQL_ASSIGN_SESSION };
	return read_assignment(walk, a);
}
