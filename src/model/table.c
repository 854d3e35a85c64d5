/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of text; see table.h. */
#include <readmux/model/table.h>

#include <ctype.h>
#include <inttypes.h>

struct table_cell {
	size_t at, len;		/* in the table's text */
	bool   null;
};

static struct table_cell *cells_of(const struct table *t)
{
	return (struct table_cell *)(void *)t->cells.data;
}

static size_t cell_count(const struct table *t)
{
	return t->cells.len / sizeof(struct table_cell);
}

void table_put(struct table *t, struct span text)
{
	struct table_cell cell = { t->text.len, text.len, text.data == NULL };

	if (t->broken || !buffer_append(&t->text, text) ||
	    !buffer_append(&t->cells, (struct span){ (const uint8_t *)&cell, sizeof(cell) })) {
		t->broken = true;
		return;
	}
	t->rows = cell_count(t) / t->width;
}

void table_put_text(struct table *t, const char *text)
{
	table_put(t, text != NULL ? span_of(text) : SPAN_NONE);
}

void table_put_number(struct table *t, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	table_put_text(t, text);
}

void table_put_truth(struct table *t, bool truth)
{
	table_put_text(t, truth ? "1" : "0");
}

void table_put_seconds(struct table *t, uint64_t us)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
	table_put_text(t, text);
}

struct span table_cell(const struct table *t, size_t row, unsigned column)
{
	const struct table_cell *cell = &cells_of(t)[row * t->width + column];

	if (cell->null)
		return SPAN_NONE;
	return cell->len > 0 ? (struct span){ t->text.data + cell->at, cell->len } : span_of("");
}

static void append_row(struct table *t, const struct table *from, size_t row)
{
	for (unsigned column = 0; column < from->width; column++)
		table_put(t, table_cell(from, row, column));
}

void table_append(struct table *t, const struct table *more)
{
	for (size_t row = 0; row < more->rows; row++)
		append_row(t, more, row);
	t->broken |= more->broken;
}

/* --- order ------------------------------------------------------------------------ */

static uint64_t number_at(const struct table *t, size_t row, unsigned column)
{
	uint64_t number;

	return span_to_u64(table_cell(t, row, column), &number) ? number : 0;
}

static void swap_rows(struct table *t, size_t a, size_t b)
{
	struct table_cell *cells = cells_of(t);

	for (unsigned i = 0; i < t->width; i++) {
		struct table_cell kept = cells[a * t->width + i];

		cells[a * t->width + i] = cells[b * t->width + i];
		cells[b * t->width + i] = kept;
	}
}

/* The largest of a heap of <n> rows whose smallest row is at 0: sink it. */
static void sink(struct table *t, unsigned column, size_t at, size_t n)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= n)
			return;
		if (child + 1 < n && number_at(t, child + 1, column) < number_at(t, child, column))
			child++;
		if (number_at(t, at, column) <= number_at(t, child, column))
			return;
		swap_rows(t, at, child);
		at = child;
	}
}

void table_sort(struct table *t, unsigned column)
{
	for (size_t i = t->rows / 2; i > 0; i--)
		sink(t, column, i - 1, t->rows);
	for (size_t n = t->rows; n > 1; n--) {
		swap_rows(t, 0, n - 1);
		sink(t, column, 0, n - 1);
	}
}

/* --- choice ------------------------------------------------------------------------ */

/* What stands at <at> in a pattern: a byte that is meant, or % and _. */
struct sign {
	bool    literal;
	uint8_t byte;
	size_t  next;
};

static struct sign sign_at(struct span like, size_t at)
{
	bool escaped = like.data[at] == '\\' && at + 1 < like.len;
	uint8_t byte = like.data[at + escaped];

	return (struct sign){
		.literal = escaped || (byte != '%' && byte != '_'),
		.byte = byte,
		.next = at + 1 + escaped,
	};
}

static bool takes(const struct sign *sign, uint8_t byte)
{
	return sign->literal ? tolower(sign->byte) == tolower(byte) : sign->byte == '_';
}

/* Without recursion: what follows the last % is tried again one byte further. */
static bool matches(struct span text, struct span like)
{
	size_t t = 0, l = 0, after_percent = SIZE_MAX, retry = 0;

	while (t < text.len) {
		struct sign sign = { 0 };

		if (l < like.len)
			sign = sign_at(like, l);
		if (l < like.len && !sign.literal && sign.byte == '%') {
			after_percent = ++l;
			retry = t;
		} else if (l < like.len && takes(&sign, text.data[t])) {
			l = sign.next;
			t++;
		} else if (after_percent != SIZE_MAX) {
			l = after_percent;
			t = ++retry;
		} else {
			return false;
		}
	}
	while (l < like.len && like.data[l] == '%')
		l++;
	return l == like.len;
}

static bool row_matches(const struct table *t, size_t row, struct span like)
{
	for (unsigned column = 0; column < t->width; column++) {
		struct span cell = table_cell(t, row, column);

		if (t->columns[column].kind == TABLE_TEXT && cell.data != NULL &&
		    matches(cell, like))
			return true;
	}
	return false;
}

void table_filter(struct table *t, struct span like, uint64_t limit)
{
	size_t kept = 0;

	for (size_t row = 0; row < t->rows && kept < limit; row++) {
		if (like.data != NULL && !row_matches(t, row, like))
			continue;
		if (row != kept)
			swap_rows(t, row, kept);
		kept++;
	}
	t->rows = kept;
	t->cells.len = kept * t->width * sizeof(struct table_cell);
}

void table_select(struct table *t, const struct table *from, struct span like, uint64_t limit)
{
	for (size_t row = 0; row < from->rows && limit > 0; row++) {
		if (like.data != NULL && !row_matches(from, row, like))
			continue;
		append_row(t, from, row);
		limit--;
	}
	t->broken |= from->broken;
}

void table_free(struct table *t)
{
	buffer_free(&t->cells);
	buffer_free(&t->text);
	t->rows = 0;
}
