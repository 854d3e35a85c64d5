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

/* What of the session changes how text is read. */
struct sql_mode {
	bool ansi_quotes;		/* SERVER_STATUS_ANSI_QUOTES or sql_mode */
	bool no_backslash_escapes;	/* SERVER_STATUS_NO_BACKSLASH_ESCAPES */
	bool mariadb;			/* the servers are MariaDB */
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
	uint8_t         in_version_comment;	/* private */
};

struct lexer lexer_over(struct span sql, const struct sql_mode *mode);
void lexer_next(struct lexer *lexer, struct token *token);

#endif
