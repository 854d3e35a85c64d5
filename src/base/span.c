/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing and copying views of bytes; see span.h. */
#include <readmux/base/span.h>

struct span span_of(const char *text)
{
	if (text == NULL)
		return SPAN_NONE;
	return (struct span){ (const uint8_t *)text, strlen(text) };
}

bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

bool span_equal_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	}
	return true;
}

bool span_is(struct span s, const char *text)
{
	return span_equal(s, span_of(text));
}

bool span_is_nocase(struct span s, const char *text)
{
	return span_equal_nocase(s, span_of(text));
}

bool span_starts_nocase(struct span s, const char *text)
{
	struct span want = span_of(text);

	return s.len >= want.len && span_equal_nocase(span_head(s, want.len), want);
}

bool span_contains_nocase(struct span s, const char *text)
{
	while (s.len > 0 && !span_starts_nocase(s, text))
		s = span_from(s, 1);
	return s.len > 0;
}

int span_compare(struct span a, struct span b)
{
	size_t common = size_min(a.len, b.len);
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool span_copy(struct span s, char *out, size_t room)
{
	size_t len = size_min(s.len, room - 1);

	if (len > 0)
		memcpy(out, s.data, len);
	out[len] = '\0';
	return len == s.len;
}

bool span_to_u64(struct span s, uint64_t *value)
{
	uint64_t sum = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)s.data[i] - '0';

		if (digit > 9)
			return false;
		if (__builtin_mul_overflow(sum, 10u, &sum) ||
		    __builtin_add_overflow(sum, digit, &sum))
			return false;
	}
	*value = sum;
	return true;
}
