/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which setting was meant: the path nearest in spelling. */
#include <readmux/model/settings.h>

/* Longer texts are compared by their first bytes. */
#define SPELLING_MAX 64u

/* Cost of having written only the beginning of a path, or more than it. */
#define CUT_SHORT 2u

/* Cost of having the last word of a path right and its section wrong or missing. */
#define OTHER_SECTION 2u

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned low = a < b ? a : b;

	return low < c ? low : c;
}

/*
 * Edit distance: inserted, missing and wrong bytes, and neighbours exchanged, cost
 * one each.  Three rows of the usual table are enough.
 */
static unsigned distance(struct span a, struct span b)
{
	unsigned rows[3][SPELLING_MAX + 1];
	unsigned *older = rows[0], *last = rows[1], *now = rows[2];

	a = span_head(a, SPELLING_MAX);
	b = span_head(b, SPELLING_MAX);
	for (size_t j = 0; j <= b.len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *spare = older;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = a.data[i - 1] == b.data[j - 1];

			now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
			    a.data[i - 2] == b.data[j - 1] && older[j - 2] + 1 < now[j])
				now[j] = older[j - 2] + 1;
		}
		older = last;
		last = now;
		now = spare;
	}
	return last[b.len];
}

/* The part behind the last dot. */
static struct span last_word(struct span path)
{
	size_t at = path.len;

	while (at > 0 && path.data[at - 1] != '.')
		at--;
	return span_from(path, at);
}

static bool is_beginning(struct span part, struct span of)
{
	return last_word(part).len >= 3 && span_equal(span_head(of, part.len), part);
}

static unsigned misspelling(struct span path, struct span known)
{
	bool begun = is_beginning(path, known) || is_beginning(known, path);
	unsigned whole = distance(path, known);
	unsigned word = distance(last_word(path), last_word(known)) + OTHER_SECTION;

	return least(whole, word, begun ? CUT_SHORT : UINT32_MAX);
}

const char *setting_nearest(struct span path)
{
	size_t n, best = 0;
	unsigned least_wrong = UINT32_MAX;
	const struct setting *rows = settings_table(&n);

	for (size_t i = 0; i < n; i++) {
		unsigned wrong = misspelling(path, span_of(rows[i].path));

		if (wrong < least_wrong) {
			least_wrong = wrong;
			best = i;
		}
	}
	return rows[best].path;
}
