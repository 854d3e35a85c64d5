/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_set.h. */
#include "fake_set.h"

#include "fake_answer.h"
#include "fake_text.h"
#include "fake_variables.h"

static void set_autocommit(struct fake_session *s, struct span value)
{
	s->status &= (uint16_t)~SERVER_STATUS_AUTOCOMMIT;
	if (span_is(value, "ON"))
		s->status |= SERVER_STATUS_AUTOCOMMIT;
}

static void set_tracked_variables(struct fake_session *s, struct span value)
{
	if (span_is(value, "*"))
		s->track_variables = FAKE_TRACK_ALL;
	else
		s->track_variables = value.len > 0 ? FAKE_TRACK_DEFAULT : FAKE_TRACK_NONE;
}

static void set_track_schema(struct fake_session *s, struct span value)
{
	s->track_schema = span_is(value, "ON");
}

static void set_track_state(struct fake_session *s, struct span value)
{
	s->track_state = span_is(value, "ON");
}

static void set_track_transaction(struct fake_session *s, struct span value)
{
	s->track_transaction = span_is_nocase(value, "characteristics");
}

/* Variables that change how this server answers. */
static const struct {
	const char *name;
	void      (*set)(struct fake_session *s, struct span value);
} effects[] = {
	{ "autocommit", set_autocommit },
	{ "session_track_system_variables", set_tracked_variables },
	{ "session_track_schema", set_track_schema },
	{ "session_track_state_change", set_track_state },
	{ "session_track_transaction_info", set_track_transaction },
};

static void apply(struct fake_session *s, const char *name, struct span value)
{
	for (size_t i = 0; i < ARRAY_LEN(effects); i++)
		if (strcmp(effects[i].name, name) == 0)
			effects[i].set(s, value);
}

/* Report that <v> has <value> now, if this session tracks it. */
static void report(struct fake_session *s, struct fake_track *t,
		   const struct fake_variable *v, struct span value)
{
	if (s->track_variables == FAKE_TRACK_ALL ||
	    (s->track_variables == FAKE_TRACK_DEFAULT && v->tracked))
		fake_track_variable(t, span_of(v->name), value);
}

static void unknown_variable(struct fake_session *s, struct span name)
{
	fake_answer_error(s, 1193, "HY000", "Unknown system variable '%.*s'",
			  (int)size_min(name.len, 64), (const char *)name.data);
}

/* SET NAMES and SET CHARACTER SET */
static void set_names(struct fake_session *s, struct text *t, struct fake_track *track)
{
	static const char *const names[] = {
		"character_set_client", "character_set_connection", "character_set_results",
	};
	struct span charset = text_unquote(text_word(t));

	if (charset.len == 0)
		(void)text_string(t, &charset);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct fake_variable *v = fake_variable(span_of(names[i]));

		report(s, track, v, fake_variable_shown(v, charset));
	}
	if (text_accept_word(t, "collate"))
		(void)text_value(t);
}

/* The scope in front of a name, and whether it is the whole server's. */
static bool take_global(struct text *t)
{
	bool at = text_accept(t, '@') && text_accept(t, '@');
	struct text ahead = *t;
	struct span word = text_word(&ahead);

	if (at && span_starts_nocase(word, "global."))
		return true;
	if (!at && span_is_nocase(word, "global")) {
		*t = ahead;
		return true;
	}
	if (!at && (span_is_nocase(word, "session") || span_is_nocase(word, "local")))
		*t = ahead;
	return false;
}

static struct span variable_name(struct text *t)
{
	struct span name = text_name(t);

	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] == '.')
			return span_from(name, i + 1);
	return name;
}

/* name = value; false when an error was answered. */
static bool set_variable(struct fake_session *s, struct text *t, struct fake_track *track)
{
	bool global = take_global(t);
	struct span name = variable_name(t);
	const struct fake_variable *v = fake_variable(name);
	struct span value;

	if (v == NULL) {
		unknown_variable(s, name);
		return false;
	}
	(void)text_accept(t, ':');
	if (!text_accept(t, '=')) {
		fake_answer_error(s, 1064, "42000", "You have an error in your SQL syntax");
		return false;
	}
	value = fake_variable_shown(v, text_unquote(text_value(t)));
	if (global)
		return true;
	apply(s, v->name, value);
	report(s, track, v, value);
	return true;
}

/* One part of SET a = 1, @b = 2, NAMES utf8mb4. */
static bool set_part(struct fake_session *s, struct text *t, struct fake_track *track)
{
	struct text ahead = *t;

	if (text_accept_word(t, "names") ||
	    (text_accept_word(t, "character") && text_accept_word(t, "set"))) {
		set_names(s, t, track);
		return true;
	}
	if (text_accept(&ahead, '@') && !text_accept(&ahead, '@')) {
		(void)text_value(t);	/* a user variable */
		return true;
	}
	return set_variable(s, t, track);
}

/* SET [SESSION] TRANSACTION ...: accepted, without a tracker entry. */
static bool is_set_transaction(struct text t)
{
	(void)take_global(&t);
	return text_accept_word(&t, "transaction") || text_accept_word(&t, "statement") ||
	       text_accept_word(&t, "role") || text_accept_word(&t, "password");
}

void fake_set(struct fake_session *s, struct span rest)
{
	struct text t = text_over(rest);
	struct fake_track track;

	fake_track_init(&track);
	if (!is_set_transaction(t)) {
		do {
			if (!set_part(s, &t, &track))
				return;
		} while (text_accept(&t, ','));
	}
	if (s->track_state)
		fake_track_change(&track);
	fake_answer_ok_tracked(s, 0, &track);
}
