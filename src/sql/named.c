/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PREPARE, EXECUTE, DEALLOCATE; see named.h. */
#include <readmux/sql/named.h>

struct walk {
	struct lexer lexer;
	struct token token;
};

static void step(struct walk *w)
{
	lexer_next(&w->lexer, &w->token);
}

static bool skip_word(struct walk *w, const char *word)
{
	bool found = w->token.kind == TOKEN_WORD && span_is_nocase(w->token.text, word);

	if (found)
		step(w);
	return found;
}

/* A name that needs no thought about its own quotes. */
static bool take_name(struct walk *w, struct span *name)
{
	struct span text = w->token.text;

	if ((w->token.kind != TOKEN_WORD && w->token.kind != TOKEN_QUOTED_NAME) ||
	    text.len == 0 || memchr(text.data, '`', text.len) != NULL ||
	    memchr(text.data, '"', text.len) != NULL)
		return false;
	*name = text;
	step(w);
	return true;
}

/* To the end of the statement; false when another one follows. */
static bool skip_rest(struct walk *w)
{
	while (w->token.kind != TOKEN_END && w->token.kind != TOKEN_BROKEN) {
		if (token_is_operator(&w->token, ';')) {
			step(w);
			break;
		}
		step(w);
	}
	return w->token.kind == TOKEN_END;
}

static bool ends_literal(const struct walk *w, const struct sql_named *named)
{
	if (w->token.kind == TOKEN_WORD && named->kind == SQL_NAMED_IMMEDIATE)
		return span_is_nocase(w->token.text, "using");
	return w->token.kind == TOKEN_END || token_is_operator(&w->token, ';');
}

/* A literal is all that may stand there. */
static bool take_literal(struct walk *w, struct span sql, struct sql_named *named)
{
	struct span literal = SPAN_NONE;

	if (w->token.kind == TOKEN_STRING && !w->token.conditional) {
		literal = span_head(span_from(sql, w->token.at), w->token.text.len + 2);
		step(w);
	}
	if (ends_literal(w, named))
		named->literal = literal;
	return skip_rest(w);
}

bool sql_named_of(struct span sql, const struct sql_mode *mode, struct sql_named *named)
{
	struct walk w = { .lexer = lexer_over(sql, mode) };

	*named = (struct sql_named){ .kind = SQL_NAMED_EXECUTE };
	step(&w);
	if (skip_word(&w, "prepare")) {
		named->kind = SQL_NAMED_PREPARE;
		return take_name(&w, &named->name) && skip_word(&w, "from") &&
		       take_literal(&w, sql, named);
	}
	if (skip_word(&w, "execute")) {
		if (!mode->mariadb || !skip_word(&w, "immediate"))
			return take_name(&w, &named->name) && skip_rest(&w);
		named->kind = SQL_NAMED_IMMEDIATE;
		return take_literal(&w, sql, named);
	}
	named->kind = SQL_NAMED_DEALLOCATE;
	return (skip_word(&w, "deallocate") || skip_word(&w, "drop")) &&
	       skip_word(&w, "prepare") && take_name(&w, &named->name) && skip_rest(&w);
}

/* What stands behind a backslash. */
static uint8_t escaped(uint8_t c)
{
	switch (c) {
	case '0': return 0;
	case 'b': return '\b';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'Z': return 26;
	default: return c;
	}
}

size_t sql_unquote(struct span literal, const struct sql_mode *mode, uint8_t *out, size_t room)
{
	uint8_t quote = literal.data[0];
	size_t n = 0, end = literal.len - 1;

	for (size_t i = 1; i < end && n < room; i++) {
		uint8_t c = literal.data[i];

		if (c == quote) {
			i++;
		} else if (c == '\\' && !mode->no_backslash_escapes && i + 1 < end) {
			c = literal.data[++i];
			if (c == '%' || c == '_')
				out[n++] = '\\';
			c = escaped(c);
		}
		if (n < room)
			out[n++] = c;
	}
	return n;
}
