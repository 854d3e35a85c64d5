/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classifier's walk over the tokens of a text.
 *
 * The leading word of a statement decides what it is (statement.h); the walk
 * then looks at every token for what makes a read a write, and for flags and
 * pins.  A statement's own function may steer the walk by taking some tokens
 * itself; they are looked at all the same.
 */
#ifndef READMUX_SRC_SQL_WALK_H
#define READMUX_SRC_SQL_WALK_H

#include <readmux/sql/classify.h>

#include "word.h"

/* When a name before a parenthesis is a function call. */
enum part_calls {
	CALLS_NEVER,		/* definitions: index and column lists */
	CALLS_IN_VALUES,	/* once VALUES, SELECT or SET has come: INSERT INTO t (a) */
	CALLS_ALWAYS,
};

/* What is known of the statement that is being read. */
struct part {
	enum sql_class    class;
	enum route_reason reason;
	uint32_t          flags;
	uint32_t          pins;
	uint32_t          text_pins;	/* pins unless effects.h is asked for the values */
	struct span       what;
	enum part_calls   calls;
	uint8_t           previous;	/* functions and the like about the statement before */
	bool              reads;	/* look for words that make a read a write */
	bool              explains;	/* is not run: INTO writes no file */
	bool              sets;		/* a SET: its own := assign as = does */
	bool              changes_lexing; /* a text after it cannot be understood */
	bool              takes_all;	/* has a body: semicolons do not end it */
};

/* A token that was passed, as far as it matters later. */
struct step {
	enum token_kind kind;
	char            op;
	enum sql_word   word;		/* as walk.word: none for quoted names */
	struct span     text;
	size_t          end;
};

struct walk {
	struct lexer        lexer;
	struct token        token;
	enum sql_word       word;	/* what the token is; none in a.dotted.name */
	struct step         prev;
	struct step         earlier;	/* the one before <prev> */
	struct part         part;
	struct sql_verdict *verdict;	/* takes the first hint */
	enum sql_word       schema;	/* the default one, if it is a system schema; else none */
	uint32_t            depth;	/* of parentheses */
	bool                ended;	/* the statement is over */
	bool                in_variable;	/* inside @@scope.name */
	bool                in_into;	/* after INTO: variables there are assigned */
	bool                in_with;	/* there was a WITH: column lists look like calls */
	bool                assigned;	/* this SET assignment has had its = */
	struct span         suspect;	/* maybe the column list of a WITH table */
	uint32_t            suspect_depth;
};

void walk_open(struct walk *w, struct span sql, const struct sql_mode *mode,
	       struct sql_verdict *v);

/*
 * Step to the next token and look at it.  False at the end of the statement:
 * there, <token> is the semicolon, TOKEN_END or TOKEN_BROKEN.
 */
bool walk_next(struct walk *w);

/* Step to the first token of the next statement; false when there is none. */
RMX_MUST_CHECK
bool walk_begin(struct walk *w);

/* The token begins a statement as <part> says: look at it. */
void walk_start(struct walk *w, const struct part *part);

/* Step to the end of the statement. */
void walk_finish(struct walk *w);

/* The statement turns out to be a write because of <what>, unless it is one already. */
void walk_downgrade(struct walk *w, enum route_reason reason, struct span what);

/* The token is the operator <op>. */
static inline bool walk_at(const struct walk *w, char op)
{
	return token_is_operator(&w->token, op);
}

static inline bool step_is(const struct step *s, char op)
{
	return s->kind == TOKEN_OPERATOR && s->op == op;
}

#endif
