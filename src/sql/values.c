/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of the session inside expressions; see values.h.
 *
 * One pass over the tokens.  A frame for each open parenthesis knows the select list that it
 * may hold, because a column that is changed needs its old name.  Where anything is not
 * certain there is no place, and the server is asked as ever.
 */
#include <readmux/sql/values.h>

#include <stdio.h>

#define FRAMES_MAX 32u
#define NAME_MAX_LEN 200u	/* of a column; servers take 256 */

/* A token that was passed. */
struct seen {
	enum token_kind kind;
	char            op;
	struct span     text;
};

/* The statement, or what stands in one of its parentheses. */
struct frame {
	bool        in_list;	/* in the list of a SELECT */
	bool        in_item;	/* ... and in one of its items */
	bool        puzzling;	/* which has words that end with a name that is none */
	size_t      item, end;	/* the item's first byte, and behind its last token so far */
	unsigned    first;	/* the places before it */
	struct seen last, before;	/* its last two tokens */
};

struct finder {
	struct span        sql;
	struct lexer       lexer;
	struct token       token;
	struct seen        prev;	/* the token before, in whatever frame */
	struct sql_places *places;
	struct frame       frames[FRAMES_MAX];
	unsigned           depth;
	bool               opens;	/* the token begins a statement */
	bool               fits;	/* the statement is of a kind that has places */
	bool               get;		/* GET DIAGNOSTICS */
	bool               set;
	bool               later;	/* it is not the first one of the text */
	bool               lost;	/* too deep, or not understood */
};

static bool is_one_of(const struct token *t, const char *const *words, size_t n)
{
	return t->kind == TOKEN_WORD && sql_is_one_of(t->text, words, n);
}

/* --- the names of columns --------------------------------------------------------- */

enum naming { NAMED, UNNAMED, UNCLEAR };

/* Does the item that ends here have a name of its own? */
static enum naming naming_of(const struct frame *f)
{
	static const char *const infix[] = {
		"and", "or", "not", "xor", "div", "mod", "like", "is", "rlike", "regexp",
		"collate", "between", "binary",
	};
	const struct seen *last = &f->last, *before = &f->before;
	bool word = before->kind == TOKEN_WORD;

	if (word && span_is_nocase(before->text, "as"))
		return NAMED;
	if (last->kind == TOKEN_NUMBER || last->kind == TOKEN_HEX ||
	    last->kind == TOKEN_USER_VARIABLE ||
	    (last->kind == TOKEN_OPERATOR && last->op == ')'))
		return UNNAMED;
	if (last->kind != TOKEN_WORD && last->kind != TOKEN_QUOTED_NAME && last->kind != TOKEN_STRING)
		return UNCLEAR;
	if (before->kind == TOKEN_SYSTEM_VARIABLE ||
	    (before->kind == TOKEN_OPERATOR && before->op != ')'))
		return UNNAMED;
	if (word && sql_is_one_of(before->text, infix, ARRAY_LEN(infix)))
		return UNNAMED;
	if (f->puzzling)
		return last->kind == TOKEN_WORD && span_is_nocase(last->text, "end") ? UNNAMED : UNCLEAR;
	return before->kind == TOKEN_OPERATOR || before->kind == TOKEN_NUMBER ? NAMED : UNCLEAR;
}

/* It can be a name as it is: servers read nothing else into it. */
static bool is_plain(struct span text)
{
	if (text.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < ' ' || text.data[i] > '~')
			return false;
		if (text.data[i] == '/' && i + 1 < text.len && text.data[i + 1] == '*')
			return false;
	}
	return true;
}

static bool add_place(struct finder *f, size_t at, size_t end, enum sql_session_value value)
{
	struct sql_places *p = f->places;

	if (p->n == SQL_PLACES_MAX)
		return false;
	p->place[p->n++] = (struct sql_place){
		.at = at, .end = end, .value = (uint8_t)value,
		.previous = value != SQL_VALUE_OTHER && value != SQL_VALUE_CONNECTION_ID,
	};
	return true;
}

static void end_item(struct finder *f)
{
	struct frame *frame = &f->frames[f->depth];
	struct span text = span_head(span_from(f->sql, frame->item), frame->end - frame->item);
	enum naming naming;

	if (!frame->in_item)
		return;
	frame->in_item = false;
	if (f->places->n == frame->first)
		return;
	naming = naming_of(frame);
	if (naming == NAMED)
		return;
	if (naming == UNCLEAR || !is_plain(text) ||
	    !add_place(f, frame->item, frame->end, SQL_VALUE_OTHER))
		f->places->n = frame->first;
}

/* --- frames ------------------------------------------------------------------------ */

/* Between SELECT and its first column. */
static bool is_option(const struct token *t)
{
	static const char *const options[] = {
		"all", "distinct", "distinctrow", "high_priority", "straight_join",
		"sql_small_result", "sql_big_result", "sql_buffer_result", "sql_no_cache",
		"sql_cache", "sql_calc_found_rows",
	};

	return is_one_of(t, options, ARRAY_LEN(options));
}

static bool ends_list(const struct token *t)
{
	static const char *const words[] = {
		"from", "into", "where", "group", "having", "order", "limit", "procedure",
		"window", "for", "lock", "union", "intersect", "except", "on",
	};

	return is_one_of(t, words, ARRAY_LEN(words));
}

static bool is_puzzling(const struct token *t)
{
	static const char *const words[] = { "interval", "case" };

	return is_one_of(t, words, ARRAY_LEN(words));
}

/* The token, or a whole call that is like a closing parenthesis, belongs to this frame. */
static void note(struct finder *f, struct seen seen, size_t at, unsigned places)
{
	struct frame *frame = &f->frames[f->depth];

	f->prev = seen;
	if (frame->in_list && !frame->in_item) {
		frame->in_item = true;
		frame->puzzling = false;
		frame->item = at;
		frame->first = places;
		frame->last = (struct seen){ .kind = TOKEN_END };
	}
	frame->before = frame->last;
	frame->last = seen;
	frame->end = f->lexer.at;
	frame->puzzling |= is_puzzling(&f->token);
}

static void open_frame(struct finder *f)
{
	if (f->depth + 1 == FRAMES_MAX) {
		f->lost = true;
		return;
	}
	f->frames[++f->depth] = (struct frame){ 0 };
}

static void close_frame(struct finder *f)
{
	end_item(f);
	if (f->depth == 0)
		f->lost = true;
	else
		f->depth--;
}

/* --- values -------------------------------------------------------------------------- */

/* May an expression stand behind <prev>, and only an expression? */
static bool expects_expression(const struct finder *f)
{
	static const char *const words[] = {
		"select", "and", "or", "not", "xor", "when", "then", "else", "case", "between",
		"like", "rlike", "regexp", "div", "mod", "where", "having", "by", "on", "do",
		"interval", "binary", "all", "distinct", "distinctrow", "high_priority",
		"straight_join", "sql_small_result", "sql_big_result", "sql_buffer_result",
		"sql_no_cache", "sql_cache", "sql_calc_found_rows",
	};
	const struct seen *prev = &f->prev;

	if (prev->kind == TOKEN_ASSIGN)
		return true;
	if (prev->kind == TOKEN_OPERATOR)
		return prev->op != '.' && prev->op != ')' && prev->op != '{';
	return prev->kind == TOKEN_WORD && sql_is_one_of(prev->text, words, ARRAY_LEN(words));
}

/* name() or @@[session.]name at the token; <look> ends behind it. */
static enum sql_session_value value_at(const struct finder *f, struct lexer *look)
{
	struct token t = f->token;
	enum sql_session_value value;

	if (t.kind == TOKEN_WORD) {
		value = sql_value_named(t.text, false);
		lexer_next(look, &t);
		if (value == SQL_VALUE_OTHER || !token_is_operator(&t, '('))
			return SQL_VALUE_OTHER;
		lexer_next(look, &t);
		return token_is_operator(&t, ')') ? value : SQL_VALUE_OTHER;
	}
	if (t.kind != TOKEN_SYSTEM_VARIABLE)
		return SQL_VALUE_OTHER;
	lexer_next(look, &t);
	if (t.kind == TOKEN_WORD &&
	    (span_is_nocase(t.text, "session") || span_is_nocase(t.text, "local"))) {
		lexer_next(look, &t);
		lexer_next(look, &t);
	}
	return t.kind == TOKEN_WORD ? sql_value_named(t.text, true) : SQL_VALUE_OTHER;
}

/* @@x before = in SET is what is set. */
static bool is_assigned(const struct finder *f, const struct lexer *behind)
{
	struct lexer look = *behind;
	struct token t;

	if (!f->set || f->token.kind != TOKEN_SYSTEM_VARIABLE || f->depth > 0)
		return false;
	lexer_next(&look, &t);
	return token_is_operator(&t, '=') || t.kind == TOKEN_ASSIGN;
}

/* LAST_INSERT_ID() is put on the server connection instead. */
static bool is_wanted(enum sql_session_value value)
{
	return value != SQL_VALUE_OTHER && value != SQL_VALUE_INSERT_ID;
}

static bool take_value(struct finder *f)
{
	static const struct seen call = { .kind = TOKEN_OPERATOR, .op = ')' };
	struct lexer look = f->lexer;
	enum sql_session_value value;
	unsigned before = f->places->n;
	bool number, about_previous;
	size_t at = f->token.at;

	if (f->token.kind != TOKEN_WORD && f->token.kind != TOKEN_SYSTEM_VARIABLE)
		return false;
	if (f->prev.kind == TOKEN_OPERATOR && f->prev.op == '.')
		return false;
	value = value_at(f, &look);
	if (!is_wanted(value))
		return false;
	number = value == SQL_VALUE_ROW_COUNT || value == SQL_VALUE_FOUND_ROWS;
	about_previous = value != SQL_VALUE_CONNECTION_ID;
	if (f->later && about_previous)
		return false;
	f->places->numbers += number;
	if (!f->fits || f->token.conditional || !expects_expression(f) || is_assigned(f, &look))
		return false;
	f->lexer = look;
	note(f, call, at, before);
	(void)add_place(f, at, look.at, value);
	return true;
}

/* --- statements ---------------------------------------------------------------------- */

static void begin_statement(struct finder *f)
{
	static const char *const kinds[] = {
		"select", "with", "set", "insert", "replace", "update", "delete", "do", "call",
		"values", "load",
	};

	f->opens = false;
	f->fits = is_one_of(&f->token, kinds, ARRAY_LEN(kinds)) || token_is_operator(&f->token, '(');
	f->set = f->token.kind == TOKEN_WORD && span_is_nocase(f->token.text, "set");
	f->get = f->token.kind == TOKEN_WORD && span_is_nocase(f->token.text, "get");
	/* behind one with a body there is nothing but its body */
	f->lost |= f->later && !f->fits && f->token.kind != TOKEN_END;
}

static void end_statement(struct finder *f)
{
	end_item(f);
	f->lost |= f->depth > 0;
	f->frames[0] = (struct frame){ 0 };
	f->later = f->opens = true;
	f->prev = (struct seen){ .kind = TOKEN_END };
}

static void take_word(struct finder *f)
{
	struct frame *frame = &f->frames[f->depth];
	bool dotted = f->prev.kind == TOKEN_OPERATOR && f->prev.op == '.';
	struct seen seen = { TOKEN_WORD, 0, f->token.text };

	if (f->get && span_is_nocase(f->token.text, "row_count"))
		f->places->numbers++;
	if (!dotted && span_is_nocase(f->token.text, "returning"))
		f->fits = false;	/* its columns have names, too */
	if (!dotted && span_is_nocase(f->token.text, "select")) {
		end_item(f);
		frame->in_list = true;
		f->prev = seen;
		return;
	}
	if (!dotted && frame->in_list && ends_list(&f->token)) {
		end_item(f);
		frame->in_list = false;
	}
	if (frame->in_list && !frame->in_item && is_option(&f->token))
		f->prev = seen;
	else
		note(f, seen, f->token.at, f->places->n);
}

static void take_operator(struct finder *f)
{
	struct frame *frame = &f->frames[f->depth];
	struct seen seen = { TOKEN_OPERATOR, f->token.op, f->token.text };

	if (f->token.op == ',' && frame->in_list) {
		end_item(f);
		f->prev = seen;
		return;
	}
	if (f->token.op == ')')
		close_frame(f);
	note(f, seen, f->token.at, f->places->n);
	if (f->token.op == '(')
		open_frame(f);
}

static void take_token(struct finder *f)
{
	struct seen seen = { f->token.kind, f->token.op, f->token.text };

	if (f->opens)
		begin_statement(f);
	if (token_is_operator(&f->token, ';')) {
		end_statement(f);
		return;
	}
	if (take_value(f))
		return;
	if (f->token.kind == TOKEN_WORD)
		take_word(f);
	else if (f->token.kind == TOKEN_OPERATOR)
		take_operator(f);
	else
		note(f, seen, f->token.at, f->places->n);
}

void sql_places_of(struct span sql, const struct sql_mode *mode, struct sql_places *places)
{
	struct finder f = { .sql = sql, .lexer = lexer_over(sql, mode), .opens = true };

	places->n = places->numbers = 0;
	f.places = places;
	lexer_next(&f.lexer, &f.token);
	while (f.token.kind != TOKEN_END && f.token.kind != TOKEN_BROKEN && !f.lost) {
		take_token(&f);
		lexer_next(&f.lexer, &f.token);
	}
	end_item(&f);
	if (f.lost || f.depth > 0 || f.token.kind == TOKEN_BROKEN ||
	    f.lexer.conditional_comments > 0)
		places->n = 0;
}

/* --- the new text ----------------------------------------------------------------------- */

struct output {
	uint8_t *at;
	size_t   left;
	bool     full;
};

static void put(struct output *out, struct span bytes)
{
	if (out->full || bytes.len > out->left) {
		out->full = true;
		return;
	}
	if (bytes.len > 0)
		memcpy(out->at, bytes.data, bytes.len);
	out->at += bytes.len;
	out->left -= bytes.len;
}

static void put_name(struct output *out, struct span name)
{
	put(out, SPAN_LITERAL(" AS `"));
	for (size_t i = 0; i < name.len; i++) {
		struct span byte = { name.data + i, 1 };

		put(out, byte);
		if (*byte.data == '`')
			put(out, byte);
	}
	put(out, SPAN_LITERAL("`"));
}

static bool is_signed(enum sql_session_value value)
{
	return value == SQL_VALUE_ROW_COUNT || value == SQL_VALUE_FOUND_ROWS;
}

static void put_value(struct output *out, enum sql_session_value which, int64_t value,
		      struct span call)
{
	char text[64];

	if (is_signed(which))
		(void)snprintf(text, sizeof(text), "IF(1,CAST(%lld AS SIGNED),", (long long)value);
	else
		(void)snprintf(text, sizeof(text), "IF(1,CAST(%llu AS UNSIGNED),",
			       (unsigned long long)value);
	put(out, span_of(text));
	put(out, call);
	put(out, SPAN_LITERAL(")"));
}

size_t sql_write_values(struct span sql, const struct sql_places *places,
			const struct sql_values *values, uint8_t *memory, size_t room)
{
	struct output out = { memory, room, false };
	size_t done = 0;

	for (unsigned i = 0; i < places->n; i++) {
		const struct sql_place *p = &places->place[i];
		struct span text = span_head(span_from(sql, p->at), p->end - p->at);
		size_t until = p->value == SQL_VALUE_OTHER ? p->end : p->at;

		if (p->value != SQL_VALUE_OTHER && (values->known >> p->value & 1u) == 0)
			continue;
		put(&out, span_head(span_from(sql, done), until - done));
		if (p->value == SQL_VALUE_OTHER)
			put_name(&out, text);
		else
			put_value(&out, (enum sql_session_value)p->value, values->value[p->value], text);
		done = p->end;
	}
	put(&out, span_from(sql, done));
	return out.full ? 0 : room - out.left;
}
