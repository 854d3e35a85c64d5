/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named things that tie a session to its connection: temporary tables, locks,
 * handlers, statements of PREPARE.  When the last of a kind is gone, so is its pin.
 * Where a text does not tell the name, the kind stays pinned.
 */
#include <readmux/base/hash.h>
#include <readmux/relay/session_parts.h>
#include <readmux/sql/ties.h>

/* Beyond these the names are not kept, and the kind stays pinned. */
#define NAMES_MAX 64u

#define NAMED_PINS (SQL_PIN_TEMPORARY_TABLE | SQL_PIN_USER_LOCK | SQL_PIN_HANDLER | \
		    SQL_PIN_PREPARED)

struct named {
	uint64_t hash;
	uint32_t pin;
	uint32_t times;		/* a lock may be taken several times */
};

struct ties {
	uint32_t     unclear;	/* pins of which not every name is known */
	unsigned     n;
	struct named named[NAMES_MAX];
};

void session_drop_ties(struct session *s)
{
	free(s->ties);
	s->ties = NULL;
}

static struct ties *ties_of(struct session *s)
{
	if (s->ties == NULL)
		s->ties = calloc(1, sizeof(*s->ties));
	return s->ties;
}

static uint64_t hash_of(const struct session *s, const struct sql_tie *tie)
{
	uint64_t hash = hash_mix(HASH_START ^ tie->pin);
	struct session_state *read_in = session_statement_state(s, s->state);

	if (tie->pin == SQL_PIN_TEMPORARY_TABLE)
		hash = hash_span(hash, tie->schema.len > 0 ? tie->schema : state_schema(read_in));
	return hash_span(hash_mix(hash), tie->name);
}

static struct named *find(struct ties *t, uint64_t hash)
{
	for (unsigned i = 0; i < t->n; i++) {
		if (t->named[i].hash == hash)
			return &t->named[i];
	}
	return NULL;
}

static void come(struct ties *t, const struct sql_tie *tie, uint64_t hash)
{
	struct named *n = find(t, hash);

	if (n == NULL && t->n == NAMES_MAX) {
		t->unclear |= tie->pin;
		return;
	}
	if (n == NULL) {
		n = &t->named[t->n++];
		*n = (struct named){ .hash = hash, .pin = tie->pin };
	}
	n->times = tie->pin == SQL_PIN_USER_LOCK ? n->times + 1 : 1;
}

static void go(struct ties *t, uint64_t hash)
{
	struct named *n = find(t, hash);

	if (n != NULL && --n->times == 0)
		*n = t->named[--t->n];
}

static void forget_kind(struct ties *t, uint32_t pin)
{
	for (unsigned i = 0; i < t->n;) {
		if (t->named[i].pin == pin)
			t->named[i] = t->named[--t->n];
		else
			i++;
	}
	t->unclear &= ~pin;
}

static uint32_t pins_of(const struct ties *t)
{
	uint32_t pins = t->unclear;

	for (unsigned i = 0; i < t->n; i++)
		pins |= t->named[i].pin;
	return pins;
}

/* Gives the pins whose names were told. */
static uint32_t walk_names(struct session *s, struct ties *t)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_ties walk = sql_ties_of(session_statement_text(s), &mode);
	struct sql_tie tie;
	uint32_t told = 0;

	while (sql_ties_next(&walk, &tie)) {
		if (tie.ends)
			go(t, hash_of(s, &tie));
		else if ((s->st.verdict.pins & tie.pin) != 0 &&
			 (tie.pin != SQL_PIN_USER_LOCK || !s->st.lock_refused))
			come(t, &tie, hash_of(s, &tie));
		told |= tie.pin;
	}
	return told;
}

void session_learn_ties(struct session *s)
{
	const struct sql_verdict *v = &s->st.verdict;
	bool lone = (v->flags & SQL_MULTI) == 0;
	uint32_t pins = v->pins & NAMED_PINS;
	struct ties *t;

	if ((pins == 0 && s->ties == NULL) || (s->st.failed && lone))
		return;
	t = ties_of(s);
	if (t == NULL) {
		s->pins |= pins;
		return;
	}
	if ((v->pins & SQL_UNPIN_USER_LOCKS) != 0 && lone)
		forget_kind(t, SQL_PIN_USER_LOCK);
	t->unclear |= pins & ~(lone ? walk_names(s, t) : 0);
	s->pins &= ~(uint32_t)NAMED_PINS;
	s->pins |= pins_of(t);
	if (t->n == 0 && t->unclear == 0)
		session_drop_ties(s);
}
