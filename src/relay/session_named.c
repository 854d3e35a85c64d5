/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements of SQL's PREPARE.
 *
 * A text that is given as a literal becomes session state: it is prepared again wherever
 * its session goes.  An EXECUTE of it is what the text is: its verdict is the text's, and so
 * is what is learned of it.  Any other text is known to the server alone, and ties the
 * session to its connection (session_ties.c).
 */
#include <readmux/relay/session_parts.h>
#include <readmux/sql/named.h>

#define NAME_MAX_LEN  256u	/* 64 characters of utf8mb4 */
#define TEXT_MAX      8192u	/* longer ones stay where they were prepared */

static bool is_about_named(const struct statement *st)
{
	return st->verdict.reason == REASON_PREPARES && (st->verdict.flags & SQL_MULTI) == 0;
}

/* The name as state has it: they are compared without case. */
static struct span canonical(struct span name, char *memory)
{
	size_t n = size_min(name.len, NAME_MAX_LEN);

	for (size_t i = 0; i < n; i++) {
		char c = (char)name.data[i];

		memory[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return (struct span){ (const uint8_t *)memory, n };
}

/* Its connection has a statement whose text is not known. */
static bool is_tied(const struct session *s)
{
	return (s->pins & SQL_PIN_PREPARED) != 0;
}

/* A routine may have prepared another text under any name. */
static bool names_are_doubtful(const struct session *s)
{
	return (s->pins & (SQL_PIN_CALL | PIN_CHANGED | PIN_UNREPLAYABLE)) != 0;
}

static bool can_carry(struct session *s, struct span name, struct span literal)
{
	struct session_state *next;

	if (literal.len == 0 || literal.len > TEXT_MAX)
		return false;
	next = state_with_statement(s->state, name, literal);
	state_drop(next);
	return next != NULL;
}

/* A text that was prepared in state <meaning> is cut into words as it was then. */
static bool is_read_alike(const struct session *s, const struct session_state *meaning)
{
	static const char *const names[] = { "sql_mode", "character_set_client" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!span_equal(state_variable(meaning, span_of(names[i])),
				state_variable(s->state, span_of(names[i]))))
			return false;
	}
	return true;
}

/* Its server alone knows what runs. */
static void runs_unknown_text(struct session *s)
{
	s->st.verdict.pins |= SQL_PIN_CALL;
	s->st.verdict.flags |= SQL_COMMITS;
}

/* A function that matters for its name is remembered by a name that stays. */
static struct span lasting(struct span what)
{
	return span_is_nocase(what, "last_insert_id") ? SPAN_LITERAL("last_insert_id") : SPAN_NONE;
}

/* The statement is what <literal> says, which was prepared in state <meaning>. */
static void become_inner(struct session *s, struct span literal, struct session_state *meaning)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_verdict inner, *v = &s->st.verdict;
	uint8_t memory[TEXT_MAX];
	struct span text;

	if (literal.len == 0 || literal.len > TEXT_MAX || !is_read_alike(s, meaning)) {
		runs_unknown_text(s);
		return;
	}
	text = (struct span){ memory, sql_unquote(literal, &mode, memory, TEXT_MAX) };
	sql_classify(text, &mode, &inner);
	if (text.len == 0 || inner.reason == REASON_PREPARES || sql_is_explained(&inner) ||
	    !hold_keep(&s->st.inner, s->env->loop, text)) {
		runs_unknown_text(s);
		return;
	}
	s->st.inner_meaning = state_take(meaning);
	v->class = inner.class;
	v->reason = inner.reason;
	v->what = lasting(inner.what);
	v->pins = inner.pins;
	v->flags |= inner.flags;
}

void statement_drop_inner(struct session *s)
{
	hold_drop(&s->st.inner, s->env->loop);
	state_drop(s->st.inner_meaning);
	s->st.inner_meaning = NULL;
}

static void execute_named(struct session *s, struct span name)
{
	struct state_text statement;

	if (names_are_doubtful(s))
		runs_unknown_text(s);
	else if (state_statement(s->state, name, &statement))
		become_inner(s, statement.literal, statement.meaning);
	else if (is_tied(s))
		runs_unknown_text(s);
	else
		s->st.verdict.pins &= ~(uint32_t)SQL_PIN_CALL;	/* it can only fail */
}

void statement_use_named(struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_verdict *v = &s->st.verdict;
	struct state_text statement;
	struct sql_named named;
	char memory[NAME_MAX_LEN];
	struct span name;

	if (!is_about_named(&s->st) || !sql_named_of(text, &mode, &named))
		return;
	name = canonical(named.name, memory);
	switch (named.kind) {
	case SQL_NAMED_PREPARE:
		if (is_tied(s) || !can_carry(s, name, named.literal))
			return;
		v->class = SQL_SESSION;
		v->pins &= ~(uint32_t)SQL_PIN_PREPARED;
		return;
	case SQL_NAMED_DEALLOCATE:
		if (!is_tied(s) && state_statement(s->state, name, &statement))
			v->class = SQL_SESSION;
		return;
	case SQL_NAMED_EXECUTE:
		execute_named(s, name);
		return;
	case SQL_NAMED_IMMEDIATE:
		become_inner(s, named.literal, s->state);
		return;
	}
}

/* A PREPARE that fails leaves none of that name. */
static struct session_state *state_after(struct session *s, const struct sql_named *named,
					 struct span name)
{
	bool carried = named->kind == SQL_NAMED_PREPARE && !s->st.failed &&
		       s->st.verdict.class == SQL_SESSION;

	if (named->kind == SQL_NAMED_EXECUTE || named->kind == SQL_NAMED_IMMEDIATE ||
	    (named->kind == SQL_NAMED_DEALLOCATE && s->st.failed))
		return state_take(s->state);
	return carried ? state_with_statement(s->state, name, named->literal) :
			 state_without_variable(s->state, STATE_STATEMENT, name);
}

void session_learn_named(struct session *s)
{
	struct sql_mode mode = session_sql_mode(s);
	struct session_state *next;
	struct sql_named named;
	char memory[NAME_MAX_LEN];

	if (!is_about_named(&s->st) ||
	    !sql_named_of(session_statement_text(s), &mode, &named))
		return;
	next = state_after(s, &named, canonical(named.name, memory));
	if (next == NULL) {
		s->pins |= PIN_UNREPLAYABLE;	/* no memory */
		return;
	}
	server_conn_set_session_state(s->conn, state_take(next));
	state_drop(s->state);
	s->state = next;
}
