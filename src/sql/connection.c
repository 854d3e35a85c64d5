/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection ids in texts; see connection.h. */
#include <readmux/sql/connection.h>

#define COLUMNS_MAX 64u

static bool is_word(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && span_is_nocase(t->text, word);
}

static bool is_operator(const struct token *t, char op)
{
	return t->kind == TOKEN_OPERATOR && t->op == op;
}

/* The end of the text, or a semicolon with nothing behind it. */
static bool at_end(struct lexer *lexer, struct token *t)
{
	if (is_operator(t, ';'))
		lexer_next(lexer, t);
	return t->kind == TOKEN_END;
}

/* CONNECTION_ID ( ), whose first word is <t>. */
static bool take_function(struct lexer *lexer, struct token *t)
{
	if (!is_word(t, "connection_id"))
		return false;
	lexer_next(lexer, t);
	if (!is_operator(t, '('))
		return false;
	lexer_next(lexer, t);
	if (!is_operator(t, ')'))
		return false;
	lexer_next(lexer, t);
	return true;
}

bool sql_kill_of(struct span sql, const struct sql_mode *mode, struct sql_kill *kill)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t;

	*kill = (struct sql_kill){ 0 };
	lexer_next(&lexer, &t);
	if (!is_word(&t, "kill"))
		return false;
	lexer_next(&lexer, &t);
	if (is_word(&t, "hard") || is_word(&t, "soft"))
		lexer_next(&lexer, &t);
	kill->query_only = is_word(&t, "query");
	if (kill->query_only || is_word(&t, "connection"))
		lexer_next(&lexer, &t);
	if (t.kind == TOKEN_NUMBER && span_to_u64(t.text, &kill->id))
		lexer_next(&lexer, &t);
	else
		kill->self = take_function(&lexer, &t);
	return (kill->self || kill->id != 0) && at_end(&lexer, &t);
}

/* @@pseudo_thread_id or @@session.pseudo_thread_id, whose @@ is <t>. */
static bool take_variable(struct lexer *lexer, struct token *t)
{
	if (t->kind != TOKEN_SYSTEM_VARIABLE)
		return false;
	lexer_next(lexer, t);
	if (is_word(t, "session")) {
		lexer_next(lexer, t);
		lexer_next(lexer, t);	/* the dot */
	}
	if (!is_word(t, "pseudo_thread_id"))
		return false;
	lexer_next(lexer, t);
	return true;
}

/* [AS] alias */
static void skip_alias(struct lexer *lexer, struct token *t)
{
	if (is_word(t, "as"))
		lexer_next(lexer, t);
	if (t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED_NAME || t->kind == TOKEN_STRING)
		lexer_next(lexer, t);
}

/* To the comma or the end behind an item; false when the select list is not all there is. */
static bool skip_item(struct lexer *lexer, struct token *t)
{
	static const char *const others[] = {
		"from", "union", "into", "limit", "where", "group", "order", "having",
		"procedure", "intersect", "except", "for", "lock", "distinct", "all",
	};
	unsigned depth = 0;

	for (; t->kind != TOKEN_END; lexer_next(lexer, t)) {
		if (t->kind == TOKEN_BROKEN)
			return false;
		if (depth == 0 && (is_operator(t, ',') || is_operator(t, ';')))
			return true;
		if (depth == 0 && is_operator(t, '*'))
			return false;
		for (size_t i = 0; depth == 0 && i < ARRAY_LEN(others); i++) {
			if (is_word(t, others[i]))
				return false;
		}
		depth += is_operator(t, '(');
		depth -= is_operator(t, ')') && depth > 0;
	}
	return true;
}

uint64_t sql_connection_id_columns(struct span sql, const struct sql_mode *mode)
{
	struct lexer lexer = lexer_over(sql, mode);
	uint64_t columns = 0;
	struct token t;

	lexer_next(&lexer, &t);
	if (!is_word(&t, "select"))
		return 0;
	for (unsigned column = 0; column < COLUMNS_MAX; column++) {
		bool id;

		lexer_next(&lexer, &t);
		id = take_function(&lexer, &t) || take_variable(&lexer, &t);
		if (id)
			skip_alias(&lexer, &t);
		if (id && (is_operator(&t, ',') || at_end(&lexer, &t)))
			columns |= UINT64_C(1) << column;
		else if (!skip_item(&lexer, &t))
			return 0;
		if (!is_operator(&t, ','))
			return at_end(&lexer, &t) ? columns : 0;
	}
	return 0;
}
