/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics of statements by shape (sql/digest.h): how often, how long, how many errors.
 *
 * A shape costs a fifth of a microsecond to find.  While statements are few each is counted;
 * when there are many, one of several stands for all of them.
 *
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_DIGESTS_H
#define READMUX_RELAY_DIGESTS_H

#include <readmux/model/table.h>
#include <readmux/sql/digest.h>

#define DIGESTS_MAX 500u	/* shapes; a new one takes the place, and the rank, of the rarest */

struct digests;

/* One statement that has ended. */
struct digest_sample {
	uint64_t took_us;
	uint64_t rows;
	bool     replica;
	bool     failed;
};

/* NULL: no memory. */
struct digests *digests_new(void);
void digests_free(struct digests *d);	/* NULL is allowed */

/* For how many statements the one that ends now stands; 0: it is not counted. */
unsigned digests_weight(struct digests *d, uint64_t now_us);

/* Count <sample> of <sql>, <weight> times. */
void digests_add(struct digests *d, struct span sql, const struct sql_mode *mode,
		 const struct digest_sample *sample, unsigned weight);

/* The columns of digests_fill(). */
extern const struct table_column digests_columns[];
extern const unsigned digests_width;
#define DIGESTS_ORDER 4u	/* the column to sort by: the total time */

void digests_fill(const struct digests *d, struct table *t);

/* Rows of equal shape in <t>, which several workers have filled, become one. */
void digests_merge(struct table *t);

#endif
