/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads hint comments; see hint.h.  What is not understood is an ordinary comment. */
#include "hint.h"

static bool is_blank(uint8_t byte)
{
	return byte <= ' ';
}

static struct span trim(struct span s)
{
	while (s.len > 0 && is_blank(s.data[0]))
		s = span_from(s, 1);
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

static const struct {
	const char   *text;
	enum sql_hint hint;
} hint_rows[] = {
	{ "primary", SQL_HINT_PRIMARY },
	{ "replica", SQL_HINT_REPLICA },
	{ "explain", SQL_HINT_EXPLAIN },
};

static const char *const consistency_names[] = {
	[SQL_CONSISTENCY_SESSION] = "session",
	[SQL_CONSISTENCY_EVENTUAL] = "eventual",
	[SQL_CONSISTENCY_PRIMARY] = "primary",
};

enum sql_consistency sql_consistency_named(struct span name)
{
	for (size_t i = SQL_CONSISTENCY_SESSION; i < ARRAY_LEN(consistency_names); i++) {
		if (span_is_nocase(name, consistency_names[i]))
			return (enum sql_consistency)i;
	}
	return SQL_CONSISTENCY_UNSET;
}

const char *sql_consistency_name(enum sql_consistency consistency)
{
	return consistency_names[consistency];
}

void sql_take_hint(struct span ask, struct sql_verdict *v)
{
	ask = trim(ask);
	for (size_t i = 0; i < ARRAY_LEN(hint_rows); i++) {
		if (span_is_nocase(ask, hint_rows[i].text))
			v->hint = hint_rows[i].hint;
	}
	if (span_starts_nocase(ask, "consistency=")) {
		ask = trim(span_from(ask, sizeof("consistency=") - 1));
		v->hint_consistency = sql_consistency_named(ask);
		return;
	}
	if (!span_starts_nocase(ask, "backend="))
		return;
	ask = trim(span_from(ask, sizeof("backend=") - 1));
	if (ask.len == 0)
		return;
	v->hint = SQL_HINT_BACKEND;
	v->hint_backend = ask;
}

void hint_read(struct span comment, struct sql_verdict *v)
{
	struct span ask = trim(comment);

	if (!span_starts_nocase(ask, "readmux:"))
		return;
	ask = trim(span_from(ask, sizeof("readmux:") - 1));
	/* what was to be explained must never run, whatever else was asked for */
	if (v->hint == SQL_HINT_NONE || span_is_nocase(ask, "explain"))
		sql_take_hint(ask, v);
}
