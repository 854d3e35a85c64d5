/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kept statement; see hold.h. */
#include <readmux/relay/hold.h>

bool hold_keep(struct hold *h, struct loop *loop, struct span bytes)
{
	assert(h->data == NULL && bytes.len > 0);
	h->data = bytes.len <= LOOP_CHUNK ? slab_take(loop_chunks(loop)) : malloc(bytes.len);
	if (h->data == NULL)
		return false;
	memcpy(h->data, bytes.data, bytes.len);
	h->len = bytes.len;
	return true;
}

void hold_drop(struct hold *h, struct loop *loop)
{
	if (h->data == NULL)
		return;
	if (h->len <= LOOP_CHUNK)
		slab_give(loop_chunks(loop), h->data);
	else
		free(h->data);
	*h = (struct hold){ 0 };
}
