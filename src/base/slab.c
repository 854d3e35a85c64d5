/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A free list per object size; see slab.h. */
#include <readmux/base/slab.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_KEEPS_NOTHING 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_KEEPS_NOTHING 1
#endif
#endif
#ifndef SLAB_KEEPS_NOTHING
#define SLAB_KEEPS_NOTHING 0
#endif

struct slab_free {
	struct slab_free *next;
};

void slab_init(struct slab *slab, size_t object_size, size_t keep)
{
	*slab = (struct slab){
		.object_size = size_max(object_size, sizeof(struct slab_free)),
		.keep = SLAB_KEEPS_NOTHING ? 0 : keep,
	};
}

void *slab_take(struct slab *slab)
{
	struct slab_free *object = slab->free_list;

	if (object != NULL) {
		slab->free_list = object->next;
		slab->kept--;
	} else {
		object = malloc(slab->object_size);
		if (object == NULL)
			return NULL;
	}
	slab->lent++;
	return object;
}

void *slab_take_zeroed(struct slab *slab)
{
	void *object = slab_take(slab);

	if (object != NULL)
		memset(object, 0, slab->object_size);
	return object;
}

void slab_give(struct slab *slab, void *object)
{
	struct slab_free *link = object;

	if (object == NULL)
		return;
	assert(slab->lent > 0);
	slab->lent--;
	if (slab->kept >= slab->keep) {
		free(object);
		return;
	}
	link->next = slab->free_list;
	slab->free_list = link;
	slab->kept++;
}

void slab_clear(struct slab *slab)
{
	assert(slab->lent == 0);
	while (slab->free_list != NULL) {
		struct slab_free *object = slab->free_list;

		slab->free_list = object->next;
		free(object);
	}
	slab->kept = 0;
}
