/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements of SQL's PREPARE.
 *
 * A text that is given as a literal becomes session state: it is prepared again wherever
 * its session goes, and an EXECUTE of a read is a read.  Any other text is known to
 * the server alone, and ties the session to its connection (session_ties.c).
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

static bool can_carry(struct session *s, struct span name, struct span literal)
{
	struct session_state *next;

	if (literal.len == 0 || literal.len > TEXT_MAX)
		return false;
	next = state_with_statement(s->state, name, literal);
	state_drop(next);
	return next != NULL;
}

/* A read by its own text, as it was read when it was prepared, is a read. */
static void use_inner_verdict(struct session *s, const struct state_text *statement)
{
	struct session_state *meaning = state_of_meaning(s->state);
	struct sql_mode mode = session_sql_mode(s);
	struct sql_verdict inner, *v = &s->st.verdict;
	uint8_t memory[TEXT_MAX];
	struct span text = { memory, sql_unquote(statement->literal, &mode, memory, TEXT_MAX) };
	bool same = meaning == statement->meaning;

	state_drop(meaning);
	sql_classify(text, &mode, &inner);
	if (!same || text.len == TEXT_MAX || inner.class != SQL_READ || inner.pins != 0)
		return;
	v->class = SQL_READ;
	v->reason = inner.reason;
	v->pins = 0;
	v->flags |= inner.flags;
}

void statement_use_named(struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_verdict *v = &s->st.verdict;
	struct state_text statement;
	struct sql_named named;
	char memory[NAME_MAX_LEN];
	struct span name;

	if (!is_about_named(&s->st) || is_tied(s) || !sql_named_of(text, &mode, &named))
		return;
	name = canonical(named.name, memory);
	switch (named.kind) {
	case SQL_NAMED_PREPARE:
		if (!can_carry(s, name, named.literal))
			return;
		v->class = SQL_SESSION;
		v->pins &= ~(uint32_t)SQL_PIN_PREPARED;
		return;
	case SQL_NAMED_DEALLOCATE:
		if (state_statement(s->state, name, &statement))
			v->class = SQL_SESSION;
		return;
	case SQL_NAMED_EXECUTE:
		if (state_statement(s->state, name, &statement))
			use_inner_verdict(s, &statement);
		else
			v->pins &= ~(uint32_t)SQL_PIN_CALL;	/* it can only fail */
		return;
	}
}

/* A PREPARE that fails leaves none of that name. */
static struct session_state *state_after(struct session *s, const struct sql_named *named,
					 struct span name)
{
	bool carried = named->kind == SQL_NAMED_PREPARE && !s->st.failed &&
		       s->st.verdict.class == SQL_SESSION;

	if (named->kind == SQL_NAMED_EXECUTE ||
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
