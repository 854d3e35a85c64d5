/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is UTF-8 and what is not; see utf8.h. */
#include <readmux/base/utf8.h>

/* By the first byte: how many follow, and what the first of them may be (RFC 3629). */
static const struct {
	uint8_t first, last;
	uint8_t follow;
	uint8_t low, high;
} forms[] = {
	{ 0x00, 0x7f, 0, 0, 0 },
	{ 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f },
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static size_t follows(struct span text, size_t n, uint8_t low, uint8_t high)
{
	if (text.len <= n || (n > 0 && (text.data[1] < low || text.data[1] > high)))
		return 0;
	for (size_t i = 2; i <= n; i++) {
		if ((text.data[i] & 0xc0) != 0x80)
			return 0;
	}
	return n + 1;
}

size_t utf8_character(struct span text)
{
	for (size_t i = 0; text.len > 0 && i < ARRAY_LEN(forms); i++) {
		if (text.data[0] >= forms[i].first && text.data[0] <= forms[i].last)
			return follows(text, forms[i].follow, forms[i].low, forms[i].high);
	}
	return 0;
}
