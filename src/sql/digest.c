/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shape of a statement; see digest.h.
 *
 * Tokens become atoms, atoms pass two filters, and what is left is the
 * normalised text, written or hashed as it comes:
 *
 *   rows      VALUES (..), (..), (..) and IN ((..), (..)) keep their first row
 *   literals  ?, ?, ? becomes ?, and a sign before a literal belongs to it
 */
#include <readmux/sql/digest.h>

#include <readmux/base/hash.h>

#include "word.h"

enum atom_kind {
	ATOM_NONE,
	ATOM_WORD,
	ATOM_NAME,	/* quoted */
	ATOM_VARIABLE,	/* @name */
	ATOM_AT_AT,	/* @@ */
	ATOM_LITERAL,
	ATOM_OPEN,
	ATOM_CLOSE,
	ATOM_COMMA,
	ATOM_DOT,
	ATOM_SIGN,
	ATOM_SEMICOLON,
	ATOM_OPERATOR,
};

struct atom {
	enum atom_kind kind;
	enum sql_word  word;
	struct span    text;
};

enum row_state {
	ROW_NONE,
	ROW_FIRST,	/* inside the first row */
	ROW_AFTER,	/* a row has ended */
	ROW_COMMA,	/* and a comma is held back */
	ROW_WORD,	/* and the word ROW */
	ROW_SKIPPED,	/* inside a further row */
};

struct shape {
	uint64_t       hash;
	char          *out;		/* NULL when only the hash is wanted */
	size_t         room;		/* without the terminator */
	size_t         len;
	struct atom    last;		/* what was written last */
	struct atom    before;		/* and before that */
	enum row_state row;
	uint32_t       depth;		/* of parentheses */
	uint32_t       row_depth;	/* inside a row */
	struct atom    held_comma;	/* after a literal, until the next atom is known */
	struct atom    held_sign;
	struct atom    held_row[2];	/* comma and ROW between rows */
	bool           semicolon;	/* held: a last one is not written */
};

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static void put(struct shape *s, uint8_t byte)
{
	s->hash = hash_byte(s->hash, byte);
	if (s->out == NULL || s->len >= s->room)
		return;
	s->out[s->len] = (char)byte;
	s->len++;
}

static void put_text(struct shape *s, const char *text)
{
	for (; *text != '\0'; text++)
		put(s, (uint8_t)*text);
}

static void put_lower(struct shape *s, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		put(s, lower(text.data[i]));
}

static void put_quoted(struct shape *s, struct span text)
{
	put(s, '`');
	for (size_t i = 0; i < text.len; i++)
		put(s, text.data[i]);
	put(s, '`');
}

static void put_variable(struct shape *s, struct span name)
{
	bool plain = true;

	for (size_t i = 0; i < name.len; i++)
		plain &= name.data[i] > ' ' && name.data[i] != '`' && name.data[i] != '\'';
	put(s, '@');
	if (plain)
		put_lower(s, name);
	else
		put_quoted(s, name);
}

static bool is_keyword(const struct atom *a)
{
	return a->kind == ATOM_WORD && word_call_of(a->word, false) == CALL_KEYWORD;
}

/* Is there a blank between the last atom and <a>? */
static bool needs_blank(const struct shape *s, const struct atom *a)
{
	switch (s->last.kind) {
	case ATOM_NONE:
	case ATOM_OPEN:
	case ATOM_DOT:
	case ATOM_AT_AT:
		return false;
	case ATOM_SIGN:
	case ATOM_OPERATOR:
		if (a->kind == ATOM_OPERATOR)
			return false;
		break;
	case ATOM_WORD:
	case ATOM_NAME:
		if (a->kind == ATOM_OPEN)
			return is_keyword(&s->last);
		break;
	case ATOM_VARIABLE:
	case ATOM_LITERAL:
	case ATOM_CLOSE:
	case ATOM_COMMA:
	case ATOM_SEMICOLON:
		break;
	}
	return a->kind != ATOM_CLOSE && a->kind != ATOM_COMMA && a->kind != ATOM_DOT &&
		a->kind != ATOM_SEMICOLON;
}

static void write_atom(struct shape *s, const struct atom *a)
{
	if (needs_blank(s, a))
		put(s, ' ');
	switch (a->kind) {
	case ATOM_NONE:
		break;
	case ATOM_LITERAL:
		put(s, '?');
		break;
	case ATOM_NAME:
		put_quoted(s, a->text);
		break;
	case ATOM_VARIABLE:
		put_variable(s, a->text);
		break;
	case ATOM_WORD:
	case ATOM_AT_AT:
	case ATOM_OPEN:
	case ATOM_CLOSE:
	case ATOM_COMMA:
	case ATOM_DOT:
	case ATOM_SIGN:
	case ATOM_SEMICOLON:
	case ATOM_OPERATOR:
		put_lower(s, a->text);
		break;
	}
	s->before = s->last;
	s->last = *a;
}

static void write_held(struct shape *s, struct atom *held)
{
	if (held->kind != ATOM_NONE)
		write_atom(s, held);
	held->kind = ATOM_NONE;
}

/* Can a sign after the last atom only belong to what follows it? */
static bool sign_is_unary(const struct shape *s)
{
	if (s->held_comma.kind != ATOM_NONE)
		return true;
	switch (s->last.kind) {
	case ATOM_WORD:
		return s->last.word != WORD_NONE;
	case ATOM_NAME:
	case ATOM_VARIABLE:
	case ATOM_LITERAL:
	case ATOM_CLOSE:
		return false;
	case ATOM_NONE:
	case ATOM_AT_AT:
	case ATOM_OPEN:
	case ATOM_COMMA:
	case ATOM_DOT:
	case ATOM_SIGN:
	case ATOM_SEMICOLON:
	case ATOM_OPERATOR:
		break;
	}
	return true;
}

static void fold_literal(struct shape *s, const struct atom *a)
{
	bool again = s->last.kind == ATOM_LITERAL;

	s->held_comma.kind = ATOM_NONE;
	s->held_sign.kind = ATOM_NONE;
	if (!again)
		write_atom(s, a);
}

/* The filter of literals. */
static void fold(struct shape *s, const struct atom *a)
{
	if (a->kind == ATOM_LITERAL) {
		fold_literal(s, a);
		return;
	}
	if (a->kind == ATOM_SIGN && s->held_sign.kind == ATOM_NONE && sign_is_unary(s)) {
		s->held_sign = *a;
		return;
	}
	write_held(s, &s->held_comma);
	write_held(s, &s->held_sign);
	if (a->kind == ATOM_COMMA && s->last.kind == ATOM_LITERAL)
		s->held_comma = *a;
	else
		write_atom(s, a);
}

/* Does the parenthesis that was just written begin a list of rows? */
static bool begins_rows(const struct shape *s)
{
	enum sql_word word = s->before.word;

	if (s->before.kind == ATOM_OPEN)
		return s->row == ROW_NONE && s->depth >= 2 && s->row_depth == s->depth;
	return s->before.kind == ATOM_WORD &&
		(word == WORD_VALUES || word == WORD_VALUE || word == WORD_ROW);
}

/* Keep count of parentheses and rows after <a> was let through. */
static void count_parentheses(struct shape *s, const struct atom *a)
{
	if (a->kind == ATOM_OPEN) {
		bool in_list = s->before.kind == ATOM_WORD && s->before.word == WORD_IN;

		s->depth++;
		if (s->row == ROW_NONE && begins_rows(s)) {
			s->row = ROW_FIRST;
			s->row_depth = s->depth;
		} else if (s->row == ROW_NONE) {
			s->row_depth = in_list ? s->depth + 1 : 0;
		}
	} else if (a->kind == ATOM_CLOSE) {
		if (s->row == ROW_FIRST && s->depth == s->row_depth)
			s->row = ROW_AFTER;
		s->depth -= s->depth > 0;
	}
}

/* Inside a further row: nothing is written. */
static void skip_row(struct shape *s, const struct atom *a)
{
	if (a->kind == ATOM_OPEN)
		s->depth++;
	if (a->kind != ATOM_CLOSE)
		return;
	if (s->depth == s->row_depth)
		s->row = ROW_AFTER;
	s->depth -= s->depth > 0;
}

/* Between rows: true when <a> belongs there and is held back or dropped. */
static bool between_rows(struct shape *s, const struct atom *a)
{
	if (s->row == ROW_AFTER && a->kind == ATOM_COMMA) {
		s->held_row[0] = *a;
		s->row = ROW_COMMA;
	} else if (s->row == ROW_COMMA && a->kind == ATOM_WORD && a->word == WORD_ROW) {
		s->held_row[1] = *a;
		s->row = ROW_WORD;
	} else if (s->row != ROW_AFTER && a->kind == ATOM_OPEN) {
		s->held_row[0].kind = ATOM_NONE;
		s->held_row[1].kind = ATOM_NONE;
		s->depth++;
		s->row = ROW_SKIPPED;
	} else {
		return false;
	}
	return true;
}

/* The filter of rows. */
static void take_atom(struct shape *s, const struct atom *a)
{
	if (s->row == ROW_SKIPPED) {
		skip_row(s, a);
		return;
	}
	if (s->row >= ROW_AFTER) {
		if (between_rows(s, a))
			return;
		s->row = ROW_NONE;
		s->row_depth = 0;
		write_held(s, &s->held_row[0]);
		write_held(s, &s->held_row[1]);
	}
	fold(s, a);
	count_parentheses(s, a);
}

static enum atom_kind operator_atom(char op)
{
	switch (op) {
	case '(':
		return ATOM_OPEN;
	case ')':
		return ATOM_CLOSE;
	case ',':
		return ATOM_COMMA;
	case '.':
		return ATOM_DOT;
	case '-':
	case '+':
		return ATOM_SIGN;
	case ';':
		return ATOM_SEMICOLON;
	default:
		return ATOM_OPERATOR;
	}
}

static struct atom atom_of(const struct token *t)
{
	static const uint8_t kinds[] = {
		[TOKEN_WORD] = ATOM_WORD,
		[TOKEN_QUOTED_NAME] = ATOM_NAME,
		[TOKEN_STRING] = ATOM_LITERAL,
		[TOKEN_NUMBER] = ATOM_LITERAL,
		[TOKEN_HEX] = ATOM_LITERAL,
		[TOKEN_PLACEHOLDER] = ATOM_LITERAL,
		[TOKEN_USER_VARIABLE] = ATOM_VARIABLE,
		[TOKEN_SYSTEM_VARIABLE] = ATOM_AT_AT,
		[TOKEN_ASSIGN] = ATOM_OPERATOR,
		[TOKEN_BROKEN] = ATOM_NONE,
	};
	struct atom a = { .text = t->text };

	a.kind = t->kind == TOKEN_OPERATOR ? operator_atom(t->op) :
		(enum atom_kind)kinds[t->kind];
	if (a.kind == ATOM_WORD)
		a.word = word_find(t->text);
	return a;
}

static void take_token(struct shape *s, const struct token *t)
{
	struct atom a = atom_of(t);

	if (a.kind == ATOM_SEMICOLON) {
		s->semicolon = true;
		return;
	}
	if (s->semicolon) {
		struct atom semicolon = { ATOM_SEMICOLON, WORD_NONE, SPAN_LITERAL(";") };

		s->semicolon = false;
		take_atom(s, &semicolon);
	}
	take_atom(s, &a);
}

static void run(struct shape *s, struct span sql, const struct sql_mode *mode)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t;

	lexer_next(&lexer, &t);
	while (t.kind != TOKEN_END && t.kind != TOKEN_BROKEN) {
		take_token(s, &t);
		lexer_next(&lexer, &t);
	}
	write_held(s, &s->held_comma);
	write_held(s, &s->held_sign);
	write_held(s, &s->held_row[0]);
	write_held(s, &s->held_row[1]);
	if (t.kind == TOKEN_BROKEN)
		put_text(s, " ...");
}

uint64_t sql_digest(struct span sql, const struct sql_mode *mode)
{
	struct shape s = { .hash = HASH_START };

	run(&s, sql, mode);
	return hash_mix(s.hash);
}

void sql_digest_text(struct span sql, const struct sql_mode *mode, char *out, size_t room)
{
	struct shape s = { .out = out, .room = room - 1 };

	run(&s, sql, mode);
	out[s.len] = '\0';
}
