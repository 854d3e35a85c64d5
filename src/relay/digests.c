/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics of statements by shape; see digests.h. */
#include <readmux/relay/digests.h>

#include <inttypes.h>
#include <uthash.h>

#define EXACT_PER_SECOND 1000u	/* statements that are all counted */
#define ONE_IN           16u	/* beyond that */
#define TEXT_MAX         512u

struct digest_row {
	UT_hash_handle hh;
	uint64_t       digest;
	uint64_t       rank;	/* <count>, and the rank of the row whose place it took */
	uint64_t       count, primary, replica, errors, rows, total_us, max_us;
	char           text[TEXT_MAX];
};

struct digests {
	struct digest_row *rows;
	uint64_t           second;	/* of clock_now_us() */
	unsigned           seen;	/* statements in it */
};

struct digests *digests_new(void)
{
	return calloc(1, sizeof(struct digests));
}

static void forget(struct digests *d, struct digest_row *row)
{
	HASH_DEL(d->rows, row);
	free(row);
}

void digests_free(struct digests *d)
{
	if (d == NULL)
		return;
	while (d->rows != NULL)
		forget(d, d->rows);
	free(d);
}

unsigned digests_weight(struct digests *d, uint64_t now_us)
{
	uint64_t second = now_us / 1000000;

	if (second != d->second) {
		d->second = second;
		d->seen = 0;
	}
	if (d->seen++ < EXACT_PER_SECOND)
		return 1;
	return d->seen % ONE_IN == 0 ? ONE_IN : 0;
}

/*
 * The one that makes room for a new one, which inherits its rank ("space-saving"): else the
 * newest would always be the rarest, and a shape that becomes frequent could never stay.
 */
static struct digest_row *rarest(const struct digests *d)
{
	struct digest_row *row, *least = d->rows;

	for (row = d->rows; row != NULL; row = row->hh.next) {
		if (row->rank < least->rank)
			least = row;
	}
	return least;
}

static struct digest_row *row_find(const struct digests *d, uint64_t digest)
{
	struct digest_row *row;

	HASH_FIND(hh, d->rows, &digest, sizeof(digest), row);
	return row;
}

static struct digest_row *row_new(struct digests *d, uint64_t digest)
{
	struct digest_row *row = calloc(1, sizeof(*row));

	if (row == NULL)
		return NULL;
	row->digest = digest;
	HASH_ADD(hh, d->rows, digest, sizeof(row->digest), row);
	return row;
}

static struct digest_row *row_of(struct digests *d, struct span sql, const struct sql_mode *mode)
{
	uint64_t digest = sql_digest(sql, mode);
	struct digest_row *row = row_find(d, digest);
	uint64_t rank = 0;

	if (row != NULL)
		return row;
	if (HASH_COUNT(d->rows) >= DIGESTS_MAX) {
		struct digest_row *least = rarest(d);

		rank = least->rank;
		forget(d, least);
	}
	row = row_new(d, digest);
	if (row == NULL)
		return NULL;
	row->rank = rank;
	sql_digest_text(sql, mode, row->text, sizeof(row->text));
	return row;
}

void digests_add(struct digests *d, struct span sql, const struct sql_mode *mode,
		 const struct digest_sample *sample, unsigned weight)
{
	struct digest_row *row = row_of(d, sql, mode);

	if (row == NULL)
		return;
	row->rank += weight;
	row->count += weight;
	row->primary += sample->replica ? 0 : weight;
	row->replica += sample->replica ? weight : 0;
	row->errors += sample->failed ? weight : 0;
	row->rows += sample->rows * weight;
	row->total_us += sample->took_us * weight;
	if (sample->took_us > row->max_us)
		row->max_us = sample->took_us;
}

const struct table_column digests_columns[] = {
	{ "digest", TABLE_TEXT, "number of the shape" },
	{ "count", TABLE_NUMBER, "how often" },
	{ "primary", TABLE_NUMBER, "of these, on the primary" },
	{ "replica", TABLE_NUMBER, "on replicas" },
	{ "total_us", TABLE_NUMBER, "time of all together" },
	{ "mean_us", TABLE_NUMBER, "time of one on average" },
	{ "max_us", TABLE_NUMBER, "longest time" },
	{ "rows", TABLE_NUMBER, "rows of all together" },
	{ "errors", TABLE_NUMBER, "how many ended in an error" },
	{ "text", TABLE_TEXT, "the shape: without literals" },
};
const unsigned digests_width = ARRAY_LEN(digests_columns);
static_assert(DIGESTS_ORDER < ARRAY_LEN(digests_columns), "there is such a column");

void digests_fill(const struct digests *d, struct table *t)
{
	for (const struct digest_row *row = d->rows; row != NULL; row = row->hh.next) {
		char hex[24];

		(void)snprintf(hex, sizeof(hex), "%016" PRIx64, row->digest);
		table_put_text(t, hex);
		table_put_number(t, row->count);
		table_put_number(t, row->primary);
		table_put_number(t, row->replica);
		table_put_number(t, row->total_us);
		table_put_number(t, row->total_us / row->count);
		table_put_number(t, row->max_us);
		table_put_number(t, row->rows);
		table_put_number(t, row->errors);
		table_put_text(t, row->text);
	}
}

/* --- of several workers ------------------------------------------------------------ */

static uint64_t number_at(const struct table *t, size_t row, unsigned column)
{
	uint64_t number;

	return span_to_u64(table_cell(t, row, column), &number) ? number : 0;
}

/* One row of a table that digests_fill() has written. */
static void take_row(struct digests *d, const struct table *t, size_t at)
{
	char hex[24];
	struct digest_row *row;
	uint64_t digest;

	(void)span_copy(table_cell(t, at, 0), hex, sizeof(hex));
	digest = strtoull(hex, NULL, 16);
	row = row_find(d, digest);
	if (row == NULL)
		row = row_new(d, digest);
	if (row == NULL)
		return;
	row->count += number_at(t, at, 1);
	row->primary += number_at(t, at, 2);
	row->replica += number_at(t, at, 3);
	row->total_us += number_at(t, at, 4);
	if (number_at(t, at, 6) > row->max_us)
		row->max_us = number_at(t, at, 6);
	row->rows += number_at(t, at, 7);
	row->errors += number_at(t, at, 8);
	(void)span_copy(table_cell(t, at, 9), row->text, sizeof(row->text));
}

void digests_merge(struct table *t)
{
	struct digests all = { 0 };
	struct table merged = { .columns = t->columns, .width = t->width, .broken = t->broken };

	for (size_t row = 0; row < t->rows; row++)
		take_row(&all, t, row);
	digests_fill(&all, &merged);
	while (all.rows != NULL)
		forget(&all, all.rows);
	table_sort(&merged, DIGESTS_ORDER);
	table_free(t);
	*t = merged;
}
