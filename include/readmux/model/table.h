/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of text for a person or a program: what SHOW READMUX sends as a result set and the
 * admin address as JSON.
 *
 * A table belongs to whoever made it, until it is handed on.
 */
#ifndef READMUX_MODEL_TABLE_H
#define READMUX_MODEL_TABLE_H

#include <readmux/base/buffer.h>

enum table_kind {
	TABLE_TEXT,
	TABLE_NUMBER,	/* digits, perhaps with a sign or a point */
	TABLE_TRUTH,	/* "1" or "0" */
};

struct table_column {
	const char     *name;
	enum table_kind kind;
	const char     *help;
};

struct table {
	const struct table_column *columns;
	unsigned                   width;
	size_t                     rows;	/* complete ones */
	bool                       broken;	/* no memory: something is missing */
	struct buffer              cells;	/* struct table_cell */
	struct buffer              text;
};

#define TABLE(cols) { .columns = (cols), .width = ARRAY_LEN(cols) }

/*
 * The next cell, row by row and from left to right; a failure shows in t->broken.
 * SPAN_NONE is NULL.  <text> is copied.
 */
void table_put(struct table *t, struct span text);
void table_put_text(struct table *t, const char *text);	/* NULL is NULL */
void table_put_number(struct table *t, uint64_t number);
void table_put_truth(struct table *t, bool truth);
/* Microseconds as seconds, with six digits. */
void table_put_seconds(struct table *t, uint64_t us);

/* Borrowed until the table changes; data is NULL for NULL. */
struct span table_cell(const struct table *t, size_t row, unsigned column);

/* Put the rows of <more>, which has the same columns, behind those of <t>. */
void table_append(struct table *t, const struct table *more);

/* Sort the rows by number in <column>, the largest first. */
void table_sort(struct table *t, unsigned column);

/*
 * Keep rows of which a text matches the pattern <like> (%, _ and backslashes as in SQL, without case;
 * SPAN_NONE = all), and at most <limit> of them.
 */
void table_filter(struct table *t, struct span like, uint64_t limit);

/* Append such rows of <from>, which has the same columns. */
void table_select(struct table *t, const struct table *from, struct span like, uint64_t limit);

void table_free(struct table *t);

#endif
