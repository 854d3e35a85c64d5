/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_text.h. */
#include "fake_text.h"

#include <ctype.h>

struct text text_over(struct span s)
{
	static const uint8_t nothing;
	const uint8_t *start = s.data != NULL ? s.data : &nothing;

	return (struct text){ start, start + s.len };
}

static size_t text_left(const struct text *t)
{
	return (size_t)(t->end - t->cur);
}

static bool skip_comment(struct text *t)
{
	const uint8_t *close;

	if (text_left(t) < 2 || memcmp(t->cur, "/*", 2) != 0)
		return false;
	close = memmem(t->cur + 2, text_left(t) - 2, "*/", 2);
	t->cur = close != NULL ? close + 2 : t->end;
	return true;
}

static void skip_blanks(struct text *t)
{
	for (;;) {
		while (t->cur < t->end && isspace(*t->cur))
			t->cur++;
		if (!skip_comment(t))
			return;
	}
}

uint8_t text_peek(struct text *t)
{
	skip_blanks(t);
	return t->cur < t->end ? *t->cur : 0;
}

bool text_accept(struct text *t, uint8_t c)
{
	if (text_peek(t) != c || t->cur == t->end)
		return false;
	t->cur++;
	return true;
}

bool text_at_end(struct text *t)
{
	while (text_accept(t, ';'))
		;
	return text_peek(t) == 0;
}

static bool is_word_byte(uint8_t c)
{
	return isalnum(c) || c == '_' || c == '$' || c == '.' || c >= 0x80;
}

struct span text_word(struct text *t)
{
	const uint8_t *start;

	skip_blanks(t);
	start = t->cur;
	while (t->cur < t->end && is_word_byte(*t->cur))
		t->cur++;
	return (struct span){ start, (size_t)(t->cur - start) };
}

bool text_accept_word(struct text *t, const char *word)
{
	struct text ahead = *t;

	if (!span_is_nocase(text_word(&ahead), word))
		return false;
	*t = ahead;
	return true;
}

struct span text_name(struct text *t)
{
	struct span name;

	if (!text_accept(t, '`'))
		return text_word(t);
	name = (struct span){ t->cur, 0 };
	while (t->cur < t->end && *t->cur != '`')
		t->cur++;
	name.len = (size_t)(t->cur - name.data);
	(void)text_accept(t, '`');
	return name;
}

/* Step over the string that starts here, its quotes included. */
static void skip_string(struct text *t)
{
	uint8_t quote = *t->cur++;

	while (t->cur < t->end && *t->cur != quote)
		t->cur += *t->cur == '\\' && text_left(t) > 1 ? 2 : 1;
	if (t->cur < t->end)
		t->cur++;
}

static bool is_quote(uint8_t c)
{
	return c == '\'' || c == '"' || c == '`';
}

bool text_string(struct text *t, struct span *value)
{
	uint8_t c = text_peek(t);
	const uint8_t *start = t->cur;

	if (c != '\'' && c != '"')
		return false;
	skip_string(t);
	*value = text_unquote((struct span){ start, (size_t)(t->cur - start) });
	return true;
}

struct span text_value(struct text *t)
{
	unsigned depth = 0;
	const uint8_t *start;
	size_t len;

	skip_blanks(t);
	start = t->cur;
	while (t->cur < t->end && (depth > 0 || (*t->cur != ',' && *t->cur != ';'))) {
		if (is_quote(*t->cur)) {
			skip_string(t);
			continue;
		}
		depth += *t->cur == '(';
		depth -= *t->cur == ')' && depth > 0;
		t->cur++;
	}
	len = (size_t)(t->cur - start);
	while (len > 0 && isspace(start[len - 1]))
		len--;
	return (struct span){ start, len };
}

struct span text_unquote(struct span s)
{
	if (s.len < 2 || !is_quote(s.data[0]) || s.data[s.len - 1] != s.data[0])
		return s;
	return (struct span){ s.data + 1, s.len - 2 };
}

bool text_contains(struct span s, const char *needle)
{
	return s.len > 0 && memmem(s.data, s.len, needle, strlen(needle)) != NULL;
}
