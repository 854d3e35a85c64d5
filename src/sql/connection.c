/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What texts say of their own connection; see connection.h. */
#include <readmux/sql/connection.h>

static const struct {
	const char            *name;
	bool                   variable;	/* @@name, else name() */
	enum sql_session_value value;
} values[] = {
	{ "connection_id",    false, SQL_VALUE_CONNECTION_ID },
	{ "pseudo_thread_id", true,  SQL_VALUE_CONNECTION_ID },
	{ "row_count",        false, SQL_VALUE_ROW_COUNT },
	{ "found_rows",       false, SQL_VALUE_FOUND_ROWS },
	{ "last_insert_id",   false, SQL_VALUE_INSERT_ID },
	{ "last_insert_id",   true,  SQL_VALUE_INSERT_ID },
	{ "identity",         true,  SQL_VALUE_INSERT_ID },
	{ "warning_count",    true,  SQL_VALUE_WARNING_COUNT },
	{ "error_count",      true,  SQL_VALUE_ERROR_COUNT },
};

enum sql_session_value sql_value_named(struct span name, bool variable)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (values[i].variable == variable && span_is_nocase(name, values[i].name))
			return values[i].value;
	}
	return SQL_VALUE_OTHER;
}

static enum sql_session_value value_named(const struct token *t, bool variable)
{
	return t->kind == TOKEN_WORD ? sql_value_named(t->text, variable) : SQL_VALUE_OTHER;
}

/* name ( ), whose first word is <t>. */
static enum sql_session_value take_function(struct lexer *lexer, struct token *t)
{
	enum sql_session_value value = value_named(t, false);

	if (value == SQL_VALUE_OTHER)
		return value;
	lexer_next(lexer, t);
	if (!token_is_operator(t, '('))
		return SQL_VALUE_OTHER;
	lexer_next(lexer, t);
	if (!token_is_operator(t, ')'))
		return SQL_VALUE_OTHER;
	lexer_next(lexer, t);
	return value;
}

/* @@name or @@session.name, whose @@ is <t>. */
static enum sql_session_value take_variable(struct lexer *lexer, struct token *t)
{
	enum sql_session_value value;

	lexer_next(lexer, t);
	if (token_is(t, "session") || token_is(t, "local")) {
		lexer_next(lexer, t);
		lexer_next(lexer, t);	/* the dot */
	}
	value = value_named(t, true);
	if (value != SQL_VALUE_OTHER)
		lexer_next(lexer, t);
	return value;
}

bool sql_kill_of(struct span sql, const struct sql_mode *mode, struct sql_kill *kill)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t;

	*kill = (struct sql_kill){ 0 };
	lexer_next(&lexer, &t);
	if (!token_is(&t, "kill"))
		return false;
	lexer_next(&lexer, &t);
	if (token_is(&t, "hard") || token_is(&t, "soft"))
		lexer_next(&lexer, &t);
	kill->query_only = token_is(&t, "query");
	if (kill->query_only || token_is(&t, "connection"))
		lexer_next(&lexer, &t);
	if (t.kind == TOKEN_NUMBER && span_to_u64(t.text, &kill->id))
		lexer_next(&lexer, &t);
	else
		kill->self = take_function(&lexer, &t) == SQL_VALUE_CONNECTION_ID;
	return (kill->self || kill->id != 0) && lexer_at_end(&lexer, &t);
}

/* --- SHOW WARNINGS ---------------------------------------------------------------------- */

static bool take_number(struct lexer *lexer, struct token *t, uint64_t *number)
{
	if (t->kind != TOKEN_NUMBER || !span_to_u64(t->text, number))
		return false;
	lexer_next(lexer, t);
	return true;
}

/* LIMIT [offset,] count | LIMIT count OFFSET offset */
static bool take_limit(struct lexer *lexer, struct token *t, struct sql_diagnostics *d)
{
	if (!token_is(t, "limit"))
		return true;
	lexer_next(lexer, t);
	if (!take_number(lexer, t, &d->limit))
		return false;
	if (token_is_operator(t, ',')) {
		d->offset = d->limit;
		lexer_next(lexer, t);
		return take_number(lexer, t, &d->limit);
	}
	if (!token_is(t, "offset"))
		return true;
	lexer_next(lexer, t);
	return take_number(lexer, t, &d->offset);
}

/* COUNT(*) */
static bool take_count(struct lexer *lexer, struct token *t)
{
	static const char rest[] = "(*)";

	if (!token_is(t, "count"))
		return false;
	for (const char *c = rest; *c != '\0'; c++) {
		lexer_next(lexer, t);
		if (!token_is_operator(t, *c))
			return false;
	}
	lexer_next(lexer, t);
	return true;
}

bool sql_diagnostics_of(struct span sql, const struct sql_mode *mode, struct sql_diagnostics *d)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t;

	*d = (struct sql_diagnostics){ .limit = UINT64_MAX };
	lexer_next(&lexer, &t);
	if (!token_is(&t, "show"))
		return false;
	lexer_next(&lexer, &t);
	d->count = take_count(&lexer, &t);
	d->errors = token_is(&t, "errors");
	if (!d->errors && !token_is(&t, "warnings"))
		return false;
	lexer_next(&lexer, &t);
	return (d->count || take_limit(&lexer, &t, d)) && lexer_at_end(&lexer, &t);
}

/* [AS] alias */
static void skip_alias(struct lexer *lexer, struct token *t)
{
	if (token_is(t, "as"))
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
		if (depth == 0 && (token_is_operator(t, ',') || token_is_operator(t, ';')))
			return true;
		if (depth == 0 && token_is_operator(t, '*'))
			return false;
		if (depth == 0 && t->kind == TOKEN_WORD &&
		    sql_is_one_of(t->text, others, ARRAY_LEN(others)))
			return false;
		if (value_named(t, false) != SQL_VALUE_OTHER ||
		    value_named(t, true) != SQL_VALUE_OTHER)
			return false;
		depth += token_is_operator(t, '(');
		depth -= token_is_operator(t, ')') && depth > 0;
	}
	return true;
}

/* One item of the select list and what stands behind it; false as above. */
static bool take_item(struct lexer *lexer, struct token *t, uint8_t *value)
{
	enum sql_session_value found = t->kind == TOKEN_SYSTEM_VARIABLE ?
		take_variable(lexer, t) : take_function(lexer, t);

	*value = SQL_VALUE_OTHER;
	if (found == SQL_VALUE_OTHER)
		return skip_item(lexer, t);
	*value = (uint8_t)found;
	skip_alias(lexer, t);
	return token_is_operator(t, ',') || token_is_operator(t, ';') || t->kind == TOKEN_END;
}

void sql_session_columns_of(struct span sql, const struct sql_mode *mode,
			    struct sql_session_columns *columns)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct sql_session_columns found = { 0 };
	struct sql_diagnostics shows;
	bool any = false;
	struct token t;

	*columns = found;
	if (sql_diagnostics_of(sql, mode, &shows)) {
		columns->n = shows.count;
		columns->value[0] = shows.errors ? SQL_VALUE_ERROR_COUNT : SQL_VALUE_WARNING_COUNT;
		return;
	}
	lexer_next(&lexer, &t);
	if (!token_is(&t, "select"))
		return;
	do {
		if (found.n == SQL_SESSION_COLUMNS_MAX)
			return;
		lexer_next(&lexer, &t);
		if (!take_item(&lexer, &t, &found.value[found.n]))
			return;
		any |= found.value[found.n++] != SQL_VALUE_OTHER;
	} while (token_is_operator(&t, ','));
	if (any && lexer_at_end(&lexer, &t))
		*columns = found;
}

/* --- SELECT @@readmux_... ------------------------------------------------------------- */

static const struct {
	const char               *name;
	enum sql_readmux_variable variable;
} readmux_variables[] = {
	{ "readmux_consistency", SQL_READMUX_CONSISTENCY },
	{ "readmux_position",    SQL_READMUX_POSITION },
};

/* @@[session.]readmux_x, whose @@ is <t>. */
static bool take_readmux_variable(struct lexer *lexer, struct token *t,
				  enum sql_readmux_variable *variable)
{
	if (t->kind != TOKEN_SYSTEM_VARIABLE)
		return false;
	lexer_next(lexer, t);
	if (token_is(t, "session") || token_is(t, "local")) {
		lexer_next(lexer, t);
		lexer_next(lexer, t);	/* the dot */
	}
	for (size_t i = 0; i < ARRAY_LEN(readmux_variables); i++) {
		if (!token_is(t, readmux_variables[i].name))
			continue;
		*variable = readmux_variables[i].variable;
		lexer_next(lexer, t);
		return true;
	}
	return false;
}

bool sql_readmux_columns_of(struct span sql, const struct sql_mode *mode,
			    struct sql_readmux_columns *columns)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t;

	*columns = (struct sql_readmux_columns){ 0 };
	lexer_next(&lexer, &t);
	if (!token_is(&t, "select"))
		return false;
	do {
		unsigned n = columns->n;
		size_t from;

		lexer_next(&lexer, &t);
		from = t.at;
		if (n == SQL_READMUX_COLUMNS_MAX ||
		    !take_readmux_variable(&lexer, &t, &columns->column[n].variable))
			return false;
		columns->column[n].name = span_head(span_from(sql, from), t.at - from);
		while (columns->column[n].name.len > 0 &&
		       columns->column[n].name.data[columns->column[n].name.len - 1] <= ' ')
			columns->column[n].name.len--;
		if (token_is(&t, "as"))
			lexer_next(&lexer, &t);
		if (t.kind == TOKEN_WORD || t.kind == TOKEN_QUOTED_NAME || t.kind == TOKEN_STRING) {
			columns->column[n].name = t.text;
			lexer_next(&lexer, &t);
		}
		columns->n++;
	} while (token_is_operator(&t, ','));
	return lexer_at_end(&lexer, &t);
}
