/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a session can carry what it is about to set.
 *
 * Asked before a SET is sent: what no state can hold ties the session to the connection
 * where it was set, and that has to be the primary's, or no write could follow.  What only
 * the answer tells is repaired in session_response.c.
 */
#include <readmux/relay/session_parts.h>
#include <readmux/sql/effects.h>

/* An entry of a state is at most this much longer than its text, "@a=1,". */
#define ENTRY_GROWTH 4u

/* <state> after <a>; NULL: it is too large. */
static struct session_state *after(struct session_state *state, const struct sql_assignment *a,
				   struct session_state *read_in)
{
	char name[260];

	if (a->kind != SQL_ASSIGN_USER_VARIABLE && a->kind != SQL_ASSIGN_SESSION)
		return state_take(state);
	if (!variable_name_lower(a->name, name, sizeof(name)))
		return NULL;
	if (a->kind == SQL_ASSIGN_USER_VARIABLE)
		return state_with_user_variable(state, read_in, span_of(name), a->value);
	return state_with_variable(state, STATE_SYSTEM_VARIABLE, span_of(name), a->value);
}

static bool fits(struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_assignments walk = sql_assignments_of(text, &mode);
	struct session_state *state = state_take(s->state), *next;
	struct sql_assignment a;

	while (state != NULL && sql_assignments_next(&walk, &a)) {
		next = after(state, &a, s->state);
		state_drop(state);
		state = next;
	}
	state_drop(state);
	return state != NULL;
}

void statement_tie_what_is_too_large(struct session *s)
{
	struct sql_verdict *v = &s->st.verdict;
	struct span text;

	if (v->class != SQL_SESSION || (v->flags & SQL_HAS_SET) == 0)
		return;
	text = session_statement_text(s);
	if (state_bytes(s->state) + ENTRY_GROWTH * text.len <= STATE_BYTES_MAX || fits(s, text))
		return;
	v->class = SQL_WRITE;
	v->reason = REASON_SETS_TIED;
	v->pins |= SQL_PIN_USER_VARIABLE | SQL_PIN_SYSTEM_VARIABLE;
}
