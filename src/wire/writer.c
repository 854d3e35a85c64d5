/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet builder; see writer.h. */
#include <readmux/wire/frame.h>
#include <readmux/wire/writer.h>

struct writer writer_over(void *memory, size_t cap)
{
	return (struct writer){ .base = memory, .cap = cap };
}

static uint8_t *writer_reserve(struct writer *w, size_t n)
{
	uint8_t *at;

	if (w->bad || n > w->cap - w->len) {
		w->bad = true;
		return NULL;
	}
	at = w->base + w->len;
	w->len += n;
	return at;
}

void writer_uint(struct writer *w, uint64_t value, unsigned width)
{
	uint8_t *p = writer_reserve(w, width);

	for (unsigned i = 0; p != NULL && i < width; i++, value >>= 8)
		p[i] = (uint8_t)value;
}

void writer_bytes(struct writer *w, struct span bytes)
{
	uint8_t *p = writer_reserve(w, bytes.len);

	if (p != NULL && bytes.len > 0)
		memcpy(p, bytes.data, bytes.len);
}

void writer_zeros(struct writer *w, size_t n)
{
	uint8_t *p = writer_reserve(w, n);

	if (p != NULL && n > 0)
		memset(p, 0, n);
}

void writer_lenenc(struct writer *w, uint64_t value)
{
	if (value < 0xfb) {
		writer_uint(w, value, 1);
	} else if (value <= 0xffff) {
		writer_uint(w, 0xfc, 1);
		writer_uint(w, value, 2);
	} else if (value <= 0xffffff) {
		writer_uint(w, 0xfd, 1);
		writer_uint(w, value, 3);
	} else {
		writer_uint(w, 0xfe, 1);
		writer_uint(w, value, 8);
	}
}

size_t writer_lenenc_size(uint64_t value)
{
	if (value < 0xfb)
		return 1;
	return value <= 0xffff ? 3 : value <= 0xffffff ? 4 : 9;
}

void writer_lenenc_bytes(struct writer *w, struct span bytes)
{
	writer_lenenc(w, bytes.len);
	writer_bytes(w, bytes);
}

void writer_cstr(struct writer *w, struct span text)
{
	writer_bytes(w, text);
	writer_uint(w, 0, 1);
}

void writer_text(struct writer *w, const char *text)
{
	writer_bytes(w, span_of(text));
}

void writer_begin(struct writer *w, uint8_t seq)
{
	w->header_at = w->len;
	writer_uint(w, 0, 3);		/* length, known at writer_end() */
	writer_uint(w, seq, 1);
}

bool writer_end(struct writer *w)
{
	size_t payload;

	if (w->bad)
		return false;
	payload = w->len - w->header_at - PACKET_HEADER_LEN;
	if (payload >= PACKET_PAYLOAD_MAX) {
		w->bad = true;		/* would need a continuation */
		return false;
	}
	frame_put(w->base + w->header_at, (struct frame){
		.len = (uint32_t)payload,
		.seq = w->base[w->header_at + 3],
	});
	return true;
}

struct span writer_span(const struct writer *w)
{
	return (struct span){ w->base, w->len };
}
