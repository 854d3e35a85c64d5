/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words and sentences of the routing reasons; see reason.h. */
#include <readmux/sql/reason.h>

static const struct {
	const char *word;
	const char *text;
} reasons[REASON_COUNT] = {
#define X(name, word, text) [REASON_##name] = { word, text },
	ROUTE_REASONS(X)
#undef X
};

const char *reason_word(enum route_reason reason)
{
	return (unsigned)reason < REASON_COUNT ? reasons[reason].word : "unknown";
}

const char *reason_text(enum route_reason reason)
{
	return (unsigned)reason < REASON_COUNT ? reasons[reason].text : "unknown";
}
