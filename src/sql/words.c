/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of words; see word.h and word_list.h. */
#include "word.h"

/* Where each word is found: made from the list, see word_list.h. */
static const uint16_t word_slots[SLOT_COUNT] = {
#include "word_slots.h"
};

static const struct word_row {
	const char *text;
	uint8_t     len;
} word_rows[WORDS_END] = {
#define X(name) [WORD_##name] = { #name, sizeof(#name) - 1 },
#define G(group, call, where) WORDS_##group(X)
	WORD_GROUPS(G)
#undef G
#undef X
};

/* Which server knows a group of words. */
enum { ON_MYSQL = 1, ON_MARIADB = 2, ON_BOTH = 3 };

static const struct {
	uint8_t call;
	uint8_t where;
} word_calls[WORDS_END] = {
#define G(group, call, where) \
	[WORDS_FROM_##group ... WORDS_TO_##group] = { CALL_##call, ON_##where },
	WORD_GROUPS(G)
#undef G
};

/* Longer than any word in the list. */
#define LONGEST_WORD 40u

static uint8_t upper(uint8_t byte)
{
	return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 0x20) : byte;
}

uint32_t word_hash(struct span text)
{
	uint32_t hash = (uint32_t)text.len;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ upper(text.data[i])) * 0x01000193u;
	return (hash ^ hash >> 15) % SLOT_COUNT;
}

static bool word_matches(const struct word_row *row, struct span text)
{
	if (row->len != text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if ((uint8_t)row->text[i] != upper(text.data[i]))
			return false;
	}
	return true;
}

enum sql_word word_find(struct span text)
{
	uint32_t slot;

	if (text.len > LONGEST_WORD)
		return WORD_NONE;
	slot = word_hash(text);
	while (word_slots[slot] != WORD_NONE) {
		if (word_matches(&word_rows[word_slots[slot]], text))
			return (enum sql_word)word_slots[slot];
		slot = (slot + 1) % SLOT_COUNT;
	}
	return WORD_NONE;
}

enum word_call word_call_of(enum sql_word word, bool mariadb)
{
	if ((word_calls[word].where & (mariadb ? ON_MARIADB : ON_MYSQL)) == 0)
		return CALL_NOTHING;
	if (word_calls[word].call == CALL_WINDOW)
		return mariadb ? CALL_TIGHT : CALL_PURE;
	return (enum word_call)word_calls[word].call;
}

struct span word_text(enum sql_word word)
{
	return span_of(word_rows[word].text);
}
