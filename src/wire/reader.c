/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bounded reader; see reader.h. */
#include <readmux/wire/reader.h>

struct reader reader_over(struct span payload)
{
	static const uint8_t nothing;
	const uint8_t *start = payload.data != NULL ? payload.data : &nothing;

	return (struct reader){ .cur = start, .end = start + payload.len };
}

size_t reader_left(const struct reader *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->cur);
}

/* The only place that moves the cursor, hence the only bounds check. */
static const uint8_t *reader_take(struct reader *r, uint64_t want)
{
	const uint8_t *at = r->cur;

	/* Compare against what is left; "cur + want" could wrap. */
	if (r->bad || want > (uint64_t)(r->end - r->cur)) {
		r->bad = true;
		return NULL;
	}
	r->cur += want;
	return at;
}

uint64_t reader_uint(struct reader *r, unsigned width)
{
	const uint8_t *p = reader_take(r, width);
	uint64_t value = 0;

	while (p != NULL && width-- > 0)
		value = value << 8 | p[width];
	return value;
}

struct span reader_bytes(struct reader *r, uint64_t len)
{
	const uint8_t *p = reader_take(r, len);

	return (struct span){ p, p != NULL ? (size_t)len : 0 };
}

void reader_skip(struct reader *r, uint64_t len)
{
	(void)reader_take(r, len);
}

uint64_t reader_lenenc(struct reader *r)
{
	uint64_t lead = reader_uint(r, 1);

	switch (lead) {
	case 0xfc:
		return reader_uint(r, 2);
	case 0xfd:
		return reader_uint(r, 3);
	case 0xfe:
		return reader_uint(r, 8);
	case 0xfb:
	case 0xff:
		r->bad = true;
		return 0;
	default:
		return lead;
	}
}

struct span reader_lenenc_bytes(struct reader *r)
{
	return reader_bytes(r, reader_lenenc(r));
}

struct span reader_cstr(struct reader *r)
{
	const uint8_t *nul = r->bad ? NULL : memchr(r->cur, 0, (size_t)(r->end - r->cur));
	struct span text;

	if (nul == NULL) {
		r->bad = true;
		return SPAN_NONE;
	}
	text = reader_bytes(r, (uint64_t)(nul - r->cur));
	reader_skip(r, 1);
	return text;
}

struct span reader_rest(struct reader *r)
{
	return reader_bytes(r, reader_left(r));
}

bool reader_finish(const struct reader *r)
{
	return !r->bad && r->cur == r->end;
}
