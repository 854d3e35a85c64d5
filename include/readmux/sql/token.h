/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts SQL text into tokens, in one pass and without copying.
 *
 * Follows the servers' lexer where it matters for safety: comments of all
 * three kinds, version comments (whose content is code when the server would
 * run it: MySQL's and MariaDB's rules differ, so content that only one of them
 * runs is given out as code with <conditional> set), strings in every quote mode, with or without
 * backslash escapes, national/hex/bit/charset-introduced literals, quoted and
 * plain identifiers, user and system variables, numbers, operators.
 * An introducer (N, _utf8mb4) is a TOKEN_WORD with the string after it.
 * Never reads outside the text; an unterminated string or comment ends the
 * text with TOKEN_BROKEN.
 */
#ifndef READMUX_SQL_TOKEN_H
#define READMUX_SQL_TOKEN_H

#include <readmux/base/span.h>

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,		/* plain identifier or keyword */
	TOKEN_QUOTED_NAME,	/* `name`, or "name" with ANSI_QUOTES; text is between the quotes */
	TOKEN_STRING,		/* text is between the quotes, escapes as they are */
	TOKEN_NUMBER,
	TOKEN_HEX,		/* 0x.., x'..', b'..' */
	TOKEN_USER_VARIABLE,	/* @name, @'name'; text is the name */
	TOKEN_SYSTEM_VARIABLE,	/* @@ ; the scope and name follow as words and dots */
	TOKEN_ASSIGN,		/* := */
	TOKEN_PLACEHOLDER,	/* ? */
	TOKEN_COMMENT,		/* only when the lexer was asked for comments */
	TOKEN_OPERATOR,		/* anything else; <op> is its first character */
	TOKEN_BROKEN,
};

/*
 * What of the session changes how text is read.
 *
 * The servers read text in the client's character set.  In sjis, gbk, big5 and
 * the like a backslash or back quote may be the second byte of a character,
 * and single-byte sets have white space above 0x7f: with <ambiguous_charset>
 * text where that could matter is TOKEN_BROKEN, hence a write.  Set it whenever
 * character_set_client is anything but utf8mb3, utf8mb4, ascii or binary.
 */
struct sql_mode {
	bool ansi_quotes;		/* SERVER_STATUS_ANSI_QUOTES or sql_mode */
	bool no_backslash_escapes;	/* SERVER_STATUS_NO_BACKSLASH_ESCAPES */
	bool ambiguous_charset;		/* see above */
	bool mariadb;			/* the servers are MariaDB */
	struct span schema;		/* the default one, in which names without a schema are */
	uint32_t server_version;	/* 101119 for 10.11.19, 90704 for 9.7.4; 0 = unknown */
};

struct token {
	enum token_kind kind;
	char            op;		/* TOKEN_OPERATOR */
	bool            conditional;	/* inside a version comment that may or may not run */
	struct span     text;
	size_t          at;		/* offset of its first byte in the statement */
};

struct lexer {
	struct span     sql;
	size_t          at;
	struct sql_mode mode;
	bool            want_comments;
	bool            skip_conditional;	/* leave out what may or may not run */
	uint8_t         in_version_comment;	/* private */
	uint8_t         conditional_comments;	/* how many were met so far, up to 255 */
	bool            unreadable;		/* private: ambiguous text */
	size_t          name_ends_at;		/* private: a dot here belongs to a name */
	size_t          name_starts_at;		/* private: what starts here is a name */
};

struct lexer lexer_over(struct span sql, const struct sql_mode *mode);

/*
 * The next token.  Every token but TOKEN_END and TOKEN_BROKEN takes at least one
 * byte of the text, so a loop until TOKEN_END ends.  After TOKEN_BROKEN comes
 * TOKEN_END.
 */
void lexer_next(struct lexer *lexer, struct token *token);

/* The plain word <word>, in any case. */
static inline bool token_is(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && span_is_nocase(t->text, word);
}

static inline bool token_is_operator(const struct token *t, char op)
{
	return t->kind == TOKEN_OPERATOR && t->op == op;
}

/* One of <n> words: span_is_nocase() to one of them. */
bool sql_is_one_of(struct span word, const char *const *words, size_t n);

/* The end of the text, or a semicolon with nothing behind it. */
bool lexer_at_end(struct lexer *lexer, struct token *token);

#endif
