/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lexer; see token.h.
 *
 * Where a server would read on differently than we do, a write could pass for
 * a read.  So each function here notes the server's rule that it follows, and
 * what cannot be decided from the text alone is TOKEN_BROKEN.
 */
#include <readmux/sql/token.h>

enum byte_class {
	BYTE_OTHER,
	BYTE_SPACE,
	BYTE_WORD,	/* letters, _, $ and everything above 0x7f */
	BYTE_DIGIT,
	BYTE_QUOTE,	/* ' and " */
	BYTE_BACK_QUOTE,
	BYTE_AT,
	BYTE_DOT,
	BYTE_SLASH,
	BYTE_STAR,
	BYTE_DASH,
	BYTE_HASH,
	BYTE_COLON,
	BYTE_QUESTION,
};

static const uint8_t byte_classes[256] = {
	['\t' ... '\r'] = BYTE_SPACE,
	[' '] = BYTE_SPACE,
	['a' ... 'z'] = BYTE_WORD,
	['A' ... 'Z'] = BYTE_WORD,
	['_'] = BYTE_WORD,
	['$'] = BYTE_WORD,
	[0x80 ... 0xff] = BYTE_WORD,
	['0' ... '9'] = BYTE_DIGIT,
	['\''] = BYTE_QUOTE,
	['"'] = BYTE_QUOTE,
	['`'] = BYTE_BACK_QUOTE,
	['@'] = BYTE_AT,
	['.'] = BYTE_DOT,
	['/'] = BYTE_SLASH,
	['*'] = BYTE_STAR,
	['-'] = BYTE_DASH,
	['#'] = BYTE_HASH,
	[':'] = BYTE_COLON,
	['?'] = BYTE_QUESTION,
};

/* Values of lexer.in_version_comment. */
enum { VERSION_NONE, VERSION_RUNS, VERSION_MAY_RUN };

/* Comments for servers up to this version run on every server we know:
 * MariaDB takes 5.7 to 9.99 for MySQL's and skips them. */
#define VERSION_RUNS_EVERYWHERE 50699u
#define VERSION_MYSQL_FIRST 50700u
#define VERSION_MYSQL_LAST 99999u
/* From here on MySQL surely reads six digits when a blank follows. */
#define VERSION_SIX_DIGITS 80400u

/* The byte <ahead> of the cursor, or 0 past the end. */
static uint8_t peek(const struct lexer *l, size_t ahead)
{
	return ahead < l->sql.len - l->at ? l->sql.data[l->at + ahead] : 0;
}

static uint8_t class_at(const struct lexer *l, size_t at)
{
	return at < l->sql.len ? byte_classes[l->sql.data[at]] : (uint8_t)BYTE_OTHER;
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_hex_digit(uint8_t byte)
{
	uint8_t low = byte | 0x20;

	return is_digit(byte) || (low >= 'a' && low <= 'f');
}

static bool is_word_byte(uint8_t class)
{
	return class == BYTE_WORD || class == BYTE_DIGIT;
}

static size_t word_end(const struct lexer *l, size_t at)
{
	while (is_word_byte(class_at(l, at)))
		at++;
	return at;
}

static size_t digits_end(const struct lexer *l, size_t at)
{
	while (class_at(l, at) == BYTE_DIGIT)
		at++;
	return at;
}

/* Is a byte above 0x7f followed by one of the two that change quoting? */
static bool has_ambiguous_byte(struct span sql)
{
	for (size_t i = 1; i < sql.len; i++) {
		if (sql.data[i - 1] >= 0x80 && (sql.data[i] == '\\' || sql.data[i] == '`'))
			return true;
	}
	return false;
}

struct lexer lexer_over(struct span sql, const struct sql_mode *mode)
{
	return (struct lexer){
		.sql = sql,
		.mode = *mode,
		.unreadable = mode->ambiguous_charset && has_ambiguous_byte(sql),
		.name_ends_at = SIZE_MAX,
		.name_starts_at = SIZE_MAX,
	};
}

/* Every lex_ function ends in one of these: the token is [t->at, end). */
static bool give(struct lexer *l, struct token *t, enum token_kind kind, size_t end)
{
	t->kind = kind;
	t->text = (struct span){ l->sql.data + t->at, end - t->at };
	l->at = end;
	return true;
}

static bool give_broken(struct lexer *l, struct token *t)
{
	l->in_version_comment = VERSION_NONE;
	l->unreadable = false;
	return give(l, t, TOKEN_BROKEN, l->sql.len);
}

static bool give_operator(struct lexer *l, struct token *t)
{
	t->op = (char)l->sql.data[t->at];
	return give(l, t, TOKEN_OPERATOR, t->at + 1);
}

/* A token between quotes: <text> is what lies in between. */
static bool give_inside(struct lexer *l, struct token *t, enum token_kind kind,
			size_t from, size_t quote)
{
	t->kind = kind;
	t->text = (struct span){ l->sql.data + from, quote - from };
	l->at = quote + 1;
	return true;
}

/* A name was read: remember where it ends, for "name.1st". */
static bool give_name(struct lexer *l, struct token *t)
{
	l->name_ends_at = l->at;
	(void)t;
	return true;
}

/*
 * Offset of the quote that closes the one at <open>, or the length of the text.
 * A doubled quote stands for itself; a backslash takes the next byte with it.
 */
static size_t closing_quote(const struct lexer *l, size_t open, bool escapes)
{
	const uint8_t *text = l->sql.data;
	uint8_t quote = text[open];
	size_t at = open + 1;

	while (at < l->sql.len) {
		if (text[at] == '\\' && escapes) {
			at += 2;
		} else if (text[at] != quote) {
			at++;
		} else if (at + 1 < l->sql.len && text[at + 1] == quote) {
			at += 2;
		} else {
			return at;
		}
	}
	return l->sql.len;
}

static bool lex_quoted(struct lexer *l, struct token *t, enum token_kind kind, size_t open,
		       bool escapes)
{
	size_t quote = closing_quote(l, open, escapes);

	if (quote >= l->sql.len)
		return give_broken(l, t);
	return give_inside(l, t, kind, open + 1, quote);
}

static bool lex_quoted_name(struct lexer *l, struct token *t)
{
	return lex_quoted(l, t, TOKEN_QUOTED_NAME, t->at, false) && give_name(l, t);
}

static bool lex_quote(struct lexer *l, struct token *t)
{
	if (l->sql.data[t->at] == '"' && l->mode.ansi_quotes)
		return lex_quoted_name(l, t);
	return lex_quoted(l, t, TOKEN_STRING, t->at, !l->mode.no_backslash_escapes);
}

/* x'..' and b'..': digits only, or the server refuses the text. */
static bool lex_hex_string(struct lexer *l, struct token *t)
{
	size_t at = t->at + 2;

	while (at < l->sql.len && is_hex_digit(l->sql.data[at]))
		at++;
	if (at >= l->sql.len || l->sql.data[at] != '\'')
		return give_broken(l, t);
	return give_inside(l, t, TOKEN_HEX, t->at + 2, at);
}

static bool has_high_byte(struct span word)
{
	for (size_t i = 0; i < word.len; i++) {
		if (word.data[i] >= 0x80)
			return true;
	}
	return false;
}

/*
 * A plain name.  "$tag$" starts a dollar-quoted text in newer MySQL and is a
 * name elsewhere: not ours to decide.
 */
static bool lex_name(struct lexer *l, struct token *t)
{
	size_t end = word_end(l, t->at);
	struct span word = { l->sql.data + t->at, end - t->at };

	if (RMX_UNLIKELY(word.data[0] == '$') &&
	    memchr(word.data + 1, '$', word.len - 1) != NULL)
		return give_broken(l, t);
	if (RMX_UNLIKELY(l->mode.ambiguous_charset) && has_high_byte(word))
		return give_broken(l, t);
	(void)give(l, t, TOKEN_WORD, end);
	return give_name(l, t);
}

static bool lex_word(struct lexer *l, struct token *t)
{
	uint8_t low = l->sql.data[t->at] | 0x20;

	if ((low == 'x' || low == 'b') && peek(l, 1) == '\'')
		return lex_hex_string(l, t);
	return lex_name(l, t);
}

/* Where an exponent that starts at <at> ends; <at> when there is none. */
static size_t exponent_end(const struct lexer *l, size_t at)
{
	size_t digits = at + 1;

	if (at >= l->sql.len || (l->sql.data[at] | 0x20) != 'e')
		return at;
	if (digits < l->sql.len &&
	    (l->sql.data[digits] == '+' || l->sql.data[digits] == '-'))
		digits++;
	return class_at(l, digits) == BYTE_DIGIT ? digits_end(l, digits) : at;
}

/* 0x1f and 0b01, when nothing but such digits follows. */
static bool is_hex_number(const struct lexer *l, size_t at, size_t end)
{
	uint8_t base = at + 2 < end ? l->sql.data[at + 1] : 0;

	if (l->sql.data[at] != '0' || (base != 'x' && base != 'b'))
		return false;
	for (size_t i = at + 2; i < end; i++) {
		uint8_t byte = l->sql.data[i];

		if (base == 'x' ? !is_hex_digit(byte) : byte != '0' && byte != '1')
			return false;
	}
	return true;
}

/*
 * What starts with a digit: 12, 1.5, 1e5, 0x1f, or a name such as 1a.  Right
 * after "name." it is always a name.
 */
static bool lex_number(struct lexer *l, struct token *t)
{
	size_t end = digits_end(l, t->at);
	size_t exponent = exponent_end(l, end);

	if (l->name_starts_at == t->at)
		return lex_name(l, t);
	if (class_at(l, end) == BYTE_WORD && exponent == end) {
		end = word_end(l, t->at);
		if (!is_hex_number(l, t->at, end))
			return lex_name(l, t);
		return give(l, t, TOKEN_HEX, end);
	}
	if (class_at(l, end) == BYTE_DOT)
		exponent = exponent_end(l, digits_end(l, end + 1));
	return give(l, t, TOKEN_NUMBER, exponent);
}

static bool lex_dot(struct lexer *l, struct token *t)
{
	if (l->name_ends_at == t->at)
		l->name_starts_at = t->at + 1;
	else if (class_at(l, t->at + 1) == BYTE_DIGIT)
		return give(l, t, TOKEN_NUMBER,
			    exponent_end(l, digits_end(l, t->at + 1)));
	return give_operator(l, t);
}

/* @name, @'name', @@.  A plain name may hold dots. */
static bool lex_at(struct lexer *l, struct token *t)
{
	size_t end = t->at + 1;
	uint8_t next = peek(l, 1);

	if (next == '@')
		return give(l, t, TOKEN_SYSTEM_VARIABLE, t->at + 2);
	if (next == '`' || (next == '"' && l->mode.ansi_quotes))
		return lex_quoted(l, t, TOKEN_USER_VARIABLE, end, false);
	if (next == '\'' || next == '"')
		return lex_quoted(l, t, TOKEN_USER_VARIABLE, end,
				  !l->mode.no_backslash_escapes);
	while (is_word_byte(class_at(l, end)) || class_at(l, end) == BYTE_DOT)
		end++;
	(void)give(l, t, TOKEN_USER_VARIABLE, end);
	t->text = span_from(t->text, 1);
	return !(l->mode.ambiguous_charset && has_high_byte(t->text)) || give_broken(l, t);
}

static bool lex_colon(struct lexer *l, struct token *t)
{
	if (peek(l, 1) == '=')
		return give(l, t, TOKEN_ASSIGN, t->at + 2);
	return give_operator(l, t);
}

/* A comment from <from> to <end>; <text> is what lies between the markers. */
static bool give_comment(struct lexer *l, struct token *t, size_t from, size_t to,
			 size_t end)
{
	t->kind = TOKEN_COMMENT;
	t->text = (struct span){ l->sql.data + from, to - from };
	l->at = end;
	return l->want_comments;
}

static bool lex_line_comment(struct lexer *l, struct token *t, size_t marker)
{
	const uint8_t *from = l->sql.data + t->at;
	const uint8_t *newline = memchr(from, '\n', l->sql.len - t->at);
	size_t end = newline != NULL ? (size_t)(newline - l->sql.data) : l->sql.len;

	return give_comment(l, t, t->at + marker, end, end);
}

/* Two dashes start a comment only before white space, a control byte or the end. */
static bool lex_dash(struct lexer *l, struct token *t)
{
	uint8_t after = peek(l, 2);

	if (peek(l, 1) != '-' || (after > ' ' && after != 0x7f))
		return give_operator(l, t);
	return lex_line_comment(l, t, 2);
}

/* Offset of the next "*" "/" at or after <at>, or the length of the text. */
static size_t comment_end(const struct lexer *l, size_t at)
{
	while (at + 1 < l->sql.len) {
		const uint8_t *star = memchr(l->sql.data + at, '*', l->sql.len - at - 1);

		if (star == NULL)
			break;
		at = (size_t)(star - l->sql.data);
		if (l->sql.data[at + 1] == '/')
			return at;
		at++;
	}
	return l->sql.len;
}

/* The same for a version comment that does not run: it may hold comments. */
static size_t skipped_comment_end(const struct lexer *l, size_t at)
{
	while (at + 1 < l->sql.len) {
		uint8_t a = l->sql.data[at], b = l->sql.data[at + 1];

		if (a == '*' && b == '/')
			return at;
		if (a == '/' && b == '*')
			at = comment_end(l, at + 2) + 2;
		else
			at++;
	}
	return l->sql.len;
}

/*
 * Optimizer hints have a grammar of their own, with strings: where those could
 * hold the end marker we cannot tell where the comment ends.
 */
static bool quotes_balance(struct span hints)
{
	static const char quotes[] = "'\"`";

	for (const char *quote = quotes; *quote != '\0'; quote++) {
		unsigned odd = 0;

		for (size_t i = 0; i < hints.len; i++)
			odd ^= hints.data[i] == (uint8_t)*quote;
		if (odd != 0)
			return false;
	}
	return true;
}

static bool lex_block_comment(struct lexer *l, struct token *t)
{
	size_t end = comment_end(l, t->at + 2);
	struct span inside = { l->sql.data + t->at + 2, end - t->at - 2 };

	if (end >= l->sql.len)
		return give_broken(l, t);
	if (peek(l, 2) == '+' && !quotes_balance(inside))
		return give_broken(l, t);
	return give_comment(l, t, t->at + 2, end, end + 2);
}

static bool lex_skipped_comment(struct lexer *l, struct token *t)
{
	size_t end = skipped_comment_end(l, t->at + 2);

	if (end >= l->sql.len)
		return give_broken(l, t);
	return give_comment(l, t, t->at + 2, end, end + 2);
}

/*
 * How many of the digits at <at> are the version: none, five or six.  MariaDB
 * always takes the sixth, MySQL only when white space follows it.
 */
static size_t version_digits(const struct lexer *l, size_t at)
{
	size_t digits = digits_end(l, at) - at;

	if (digits < 5)
		return 0;
	if (digits == 5)
		return 5;
	if (l->mode.mariadb || (digits == 6 && class_at(l, at + 6) == BYTE_SPACE))
		return 6;
	return 5;
}

static uint32_t version_value(const struct lexer *l, size_t at, size_t digits)
{
	uint32_t version = 0;

	for (size_t i = 0; i < digits; i++)
		version = version * 10 + (uint32_t)(l->sql.data[at + i] - '0');
	return version;
}

enum version_runs { RUNS_NO, RUNS_YES, RUNS_MAYBE };

/* Does the server run a comment for <version>?  <any_mariadb>: marked M!. */
static enum version_runs version_runs(const struct sql_mode *mode, uint32_t version,
				      size_t digits, bool any_mariadb)
{
	if (mode->server_version == 0)
		return version <= VERSION_RUNS_EVERYWHERE && digits != 6 && !any_mariadb ?
			RUNS_YES : RUNS_MAYBE;
	if (!mode->mariadb && digits == 6 && mode->server_version < VERSION_SIX_DIGITS)
		return RUNS_MAYBE;
	if (mode->mariadb && !any_mariadb && version >= VERSION_MYSQL_FIRST &&
	    version <= VERSION_MYSQL_LAST)
		return RUNS_NO;
	return version <= mode->server_version ? RUNS_YES : RUNS_NO;
}

/*
 * A version comment whose "!" is at <mark>.  What runs is read on as code, and
 * the first end marker ends it, however deep such comments were nested.
 */
static bool lex_version_comment(struct lexer *l, struct token *t, size_t mark)
{
	bool any_mariadb = mark != t->at + 2;
	size_t digits = version_digits(l, mark + 1);
	uint32_t version = version_value(l, mark + 1, digits);
	enum version_runs runs = version_runs(&l->mode, version, digits, any_mariadb);

	if (runs == RUNS_MAYBE && l->conditional_comments < UINT8_MAX)
		l->conditional_comments++;
	if (runs == RUNS_NO || (runs == RUNS_MAYBE && l->skip_conditional))
		return lex_skipped_comment(l, t);
	if (l->in_version_comment != VERSION_MAY_RUN)
		l->in_version_comment = runs == RUNS_YES ? VERSION_RUNS : VERSION_MAY_RUN;
	l->at = mark + 1 + digits;
	return false;
}

static bool lex_slash(struct lexer *l, struct token *t)
{
	bool maybe_mariadb = l->mode.mariadb || l->mode.server_version == 0;

	if (peek(l, 1) != '*')
		return give_operator(l, t);
	if (peek(l, 2) == '!')
		return lex_version_comment(l, t, t->at + 2);
	if (peek(l, 2) == 'M' && peek(l, 3) == '!' && maybe_mariadb)
		return lex_version_comment(l, t, t->at + 3);
	return lex_block_comment(l, t);
}

static bool lex_star(struct lexer *l, struct token *t)
{
	if (l->in_version_comment == VERSION_NONE || peek(l, 1) != '/')
		return give_operator(l, t);
	l->in_version_comment = VERSION_NONE;
	l->at += 2;
	return false;
}

/* False when it was a comment that nobody wants. */
static bool lex(struct lexer *l, struct token *t)
{
	switch ((enum byte_class)byte_classes[l->sql.data[l->at]]) {
	case BYTE_WORD:
		return lex_word(l, t);
	case BYTE_DIGIT:
		return lex_number(l, t);
	case BYTE_QUOTE:
		return lex_quote(l, t);
	case BYTE_BACK_QUOTE:
		return lex_quoted_name(l, t);
	case BYTE_AT:
		return lex_at(l, t);
	case BYTE_DOT:
		return lex_dot(l, t);
	case BYTE_SLASH:
		return lex_slash(l, t);
	case BYTE_STAR:
		return lex_star(l, t);
	case BYTE_DASH:
		return lex_dash(l, t);
	case BYTE_HASH:
		return lex_line_comment(l, t, 1);
	case BYTE_COLON:
		return lex_colon(l, t);
	case BYTE_QUESTION:
		return give(l, t, TOKEN_PLACEHOLDER, t->at + 1);
	case BYTE_SPACE:
	case BYTE_OTHER:
		break;
	}
	return give_operator(l, t);
}

void lexer_next(struct lexer *l, struct token *t)
{
	do {
		while (class_at(l, l->at) == BYTE_SPACE)
			l->at++;
		t->at = l->at;
		t->op = 0;
		t->conditional = l->in_version_comment == VERSION_MAY_RUN;
		if (RMX_UNLIKELY(l->unreadable)) {
			(void)give_broken(l, t);
			return;
		}
		if (l->at >= l->sql.len) {
			t->kind = l->in_version_comment != VERSION_NONE ?
				TOKEN_BROKEN : TOKEN_END;
			t->text = SPAN_NONE;
			l->in_version_comment = VERSION_NONE;
			return;
		}
	} while (!lex(l, t));
}

bool sql_is_one_of(struct span word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (span_is_nocase(word, words[i]))
			return true;
	}
	return false;
}

bool lexer_at_end(struct lexer *lexer, struct token *token)
{
	if (token_is_operator(token, ';'))
		lexer_next(lexer, token);
	return token->kind == TOKEN_END;
}
