/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of one size, taken and given back without malloc.
 *
 * One thread only.  Memory that was given back is kept for the next taker up
 * to a limit, so a steady state allocates nothing and a peak is not kept for
 * ever.  Under AddressSanitizer nothing is kept: a late use is then seen.
 */
#ifndef READMUX_BASE_SLAB_H
#define READMUX_BASE_SLAB_H

#include <readmux/base/common.h>

struct slab {
	size_t  object_size;
	size_t  keep;		/* most objects on the free list */
	size_t  kept;		/* objects on the free list now */
	size_t  lent;		/* objects that somebody has now */
	void   *free_list;
};

/* <object_size> bytes each; at most <keep> unused ones are kept. */
void slab_init(struct slab *slab, size_t object_size, size_t keep);

/* An object with undefined contents, or NULL when memory is short. */
RMX_MUST_CHECK
void *slab_take(struct slab *slab);

/* The same, zeroed. */
RMX_MUST_CHECK
void *slab_take_zeroed(struct slab *slab);

/* Give <object> back; NULL is allowed. */
void slab_give(struct slab *slab, void *object);

/* Free what is kept.  Every object must have been given back. */
void slab_clear(struct slab *slab);

#endif
