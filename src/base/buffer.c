/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing byte buffer; see buffer.h. */
#include <readmux/base/buffer.h>

bool buffer_reserve(struct buffer *b, size_t more)
{
	size_t need, cap;
	uint8_t *data;

	if (__builtin_add_overflow(b->len, more, &need))
		return false;
	if (need <= b->cap)
		return true;
	cap = size_max(need, size_max(256, b->cap + b->cap / 2));
	data = realloc(b->data, cap);
	if (data == NULL)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

bool buffer_append(struct buffer *b, struct span bytes)
{
	if (bytes.len == 0)
		return true;
	if (!buffer_reserve(b, bytes.len))
		return false;
	memcpy(b->data + b->len, bytes.data, bytes.len);
	b->len += bytes.len;
	return true;
}

void buffer_consume(struct buffer *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (b->len > 0)
		memmove(b->data, b->data + n, b->len);
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}

void buffer_wipe(struct buffer *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buffer_free(b);
}
