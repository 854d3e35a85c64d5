/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named things on a connection; see ties.h. */
#include <readmux/sql/ties.h>

static void step(struct sql_ties *walk)
{
	lexer_next(&walk->lexer, &walk->token);
}

static bool is_word(const struct sql_ties *walk, const char *word)
{
	return token_is(&walk->token, word);
}

static bool is_operator(const struct sql_ties *walk, char op)
{
	return token_is_operator(&walk->token, op);
}

static bool skip_word(struct sql_ties *walk, const char *word)
{
	bool found = is_word(walk, word);

	if (found)
		step(walk);
	return found;
}

static bool is_name(const struct sql_ties *walk)
{
	return walk->token.kind == TOKEN_WORD || walk->token.kind == TOKEN_QUOTED_NAME;
}

static bool at_end(struct sql_ties *walk)
{
	if (is_operator(walk, ';'))
		step(walk);
	return walk->token.kind == TOKEN_END;
}

static void expect(struct sql_ties *walk, enum sql_pin pin, bool ends)
{
	walk->next.pin = pin;
	walk->next.ends = ends;
	walk->more = true;
}

/* [schema .] name */
static bool take_name(struct sql_ties *walk, struct sql_tie *tie)
{
	if (!is_name(walk))
		return false;
	tie->schema = SPAN_NONE;
	tie->name = walk->token.text;
	step(walk);
	if (!is_operator(walk, '.'))
		return true;
	step(walk);
	if (!is_name(walk))
		return false;
	tie->schema = tie->name;
	tie->name = walk->token.text;
	step(walk);
	return true;
}

static void look_create(struct sql_ties *walk)
{
	if (skip_word(walk, "or"))
		(void)skip_word(walk, "replace");
	if (!skip_word(walk, "temporary") || !skip_word(walk, "table"))
		return;
	if (skip_word(walk, "if") && skip_word(walk, "not"))
		(void)skip_word(walk, "exists");
	expect(walk, SQL_PIN_TEMPORARY_TABLE, false);
}

static void look_drop(struct sql_ties *walk)
{
	if (skip_word(walk, "prepare")) {
		expect(walk, SQL_PIN_PREPARED, true);
		return;
	}
	(void)skip_word(walk, "temporary");
	if (!skip_word(walk, "table") && !skip_word(walk, "tables"))
		return;
	if (skip_word(walk, "if"))
		(void)skip_word(walk, "exists");
	expect(walk, SQL_PIN_TEMPORARY_TABLE, true);
}

static void look_prepare(struct sql_ties *walk)
{
	expect(walk, SQL_PIN_PREPARED, false);
}

static void look_deallocate(struct sql_ties *walk)
{
	if (skip_word(walk, "prepare"))
		expect(walk, SQL_PIN_PREPARED, true);
}

/* HANDLER [schema.]table OPEN [[AS] alias]; everything later goes by the alias. */
static void look_handler(struct sql_ties *walk)
{
	struct sql_tie tie = { 0 };

	if (!take_name(walk, &tie))
		return;
	walk->next = tie;
	if (skip_word(walk, "close")) {
		expect(walk, SQL_PIN_HANDLER, true);
	} else if (skip_word(walk, "open")) {
		(void)skip_word(walk, "as");
		if (is_name(walk))
			walk->next.name = walk->token.text;
		expect(walk, SQL_PIN_HANDLER, false);
	}
	walk->next.schema = SPAN_NONE;
}

/* name('literal' [, seconds]) [[AS] alias] */
static void look_lock(struct sql_ties *walk)
{
	bool ends = is_word(walk, "release_lock");

	if (!ends && !is_word(walk, "get_lock"))
		return;
	step(walk);
	if (!is_operator(walk, '('))
		return;
	step(walk);
	if (walk->token.kind != TOKEN_STRING)
		return;
	walk->next.name = walk->token.text;
	step(walk);
	if (is_operator(walk, ',')) {
		step(walk);
		if (is_operator(walk, '-'))
			step(walk);
		if (walk->token.kind != TOKEN_NUMBER)
			return;
		step(walk);
	}
	if (!is_operator(walk, ')'))
		return;
	step(walk);
	(void)skip_word(walk, "as");
	if (is_name(walk) && !is_word(walk, "from"))
		step(walk);
	if (at_end(walk))
		expect(walk, SQL_PIN_USER_LOCK, ends);
}

struct sql_ties sql_ties_of(struct span sql, const struct sql_mode *mode)
{
	static const struct {
		const char *word;
		void      (*look)(struct sql_ties *walk);
	} rows[] = {
		{ "create", look_create }, { "drop", look_drop }, { "prepare", look_prepare },
		{ "deallocate", look_deallocate }, { "handler", look_handler },
		{ "select", look_lock }, { "do", look_lock },
	};
	struct sql_ties walk = { .lexer = lexer_over(sql, mode) };

	step(&walk);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!skip_word(&walk, rows[i].word))
			continue;
		rows[i].look(&walk);
		break;
	}
	return walk;
}

bool sql_ties_next(struct sql_ties *walk, struct sql_tie *tie)
{
	bool named = walk->next.name.len > 0;

	if (!walk->more)
		return false;
	*tie = walk->next;
	walk->more = false;
	if (named)
		return true;
	if (!take_name(walk, tie))
		return false;
	if (tie->pin == SQL_PIN_TEMPORARY_TABLE && tie->ends && is_operator(walk, ',')) {
		step(walk);
		walk->more = true;
	}
	return true;
}
