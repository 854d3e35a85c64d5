/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words that the classifier knows: from text to number in one hash probe.
 */
#ifndef READMUX_SRC_SQL_WORD_H
#define READMUX_SRC_SQL_WORD_H

#include <readmux/base/span.h>

#include "word_list.h"

/* WORD_SELECT and so on; the FROM and TO markers stand for no word. */
enum sql_word {
	WORD_NONE,
#define X(name) WORD_##name,
#define G(group, call, where) WORDS_FROM_##group, WORDS_##group(X) WORDS_TO_##group,
	WORD_GROUPS(G)
#undef G
#undef X
	WORDS_END
};

/* What a word means right before a parenthesis. */
enum word_call {
	CALL_NOTHING,		/* it is no function: a stored one may have its name */
	CALL_KEYWORD,
	CALL_INFIX,		/* a keyword after an operand, else as CALL_NOTHING */
	CALL_PURE,
	CALL_TIGHT,		/* only without a blank between, else as CALL_NOTHING */
	CALL_WINDOW,		/* in the list: CALL_PURE on MySQL, CALL_TIGHT on MariaDB */
	CALL_EFFECT,
	CALL_LOCK,
	CALL_UNLOCK,
	CALL_STATUS,
	CALL_PREVIOUS,
	CALL_INSERT_ID,
	CALL_CONNECTION,
};

/* The word that <text> is in any letter case, or WORD_NONE. */
enum sql_word word_find(struct span text);

/* What <word> means before a parenthesis on MariaDB, or on MySQL. */
enum word_call word_call_of(enum sql_word word, bool mariadb);

/* In capitals; "" for what is no word. */
struct span word_text(enum sql_word word);

/* For the test that keeps word_slots.h right: where the search for <text> starts. */
#define SLOT_COUNT 2048u
uint32_t word_hash(struct span text);

#endif
