/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an answered statement has taught about its session: state, pins, position.
 * Servers report most of it; the text fills in what they are silent about.
 */
#include <readmux/relay/session_parts.h>
#include <readmux/sql/effects.h>

static void replace_state(struct session *s, struct session_state *next)
{
	if (next == NULL) {
		s->pins |= PIN_UNREPLAYABLE;	/* too much to carry */
		return;
	}
	state_drop(s->state);
	s->state = next;
}

static void set_variable(struct session *s, enum state_kind kind, struct span name,
			 struct span value)
{
	replace_state(s, state_with_variable(s->state, kind, name, value));
}

bool variable_name_lower(struct span name, char *out, size_t room)
{
	if (!span_copy(name, out, room))
		return false;
	for (char *c = out; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	}
	return true;
}

/* MariaDB does not report SET @@name = value (seen on 10.11.19): then the text tells. */
static void keep_system_variable(struct session *s, const struct sql_assignment *a)
{
	char name[80];

	if (!variable_name_lower(a->name, name, sizeof(name)) ||
	    variable_use(span_of(name)) != VARIABLE_STATE ||
	    server_conn_reported(s->conn, span_of(name)))
		return;
	set_variable(s, STATE_SYSTEM_VARIABLE, span_of(name), a->value);
}

/* SET NAMES x COLLATE y: trackers tell of x only.  The collation is the last word. */
static void keep_collation(struct session *s, const struct sql_assignment *a)
{
	size_t at = a->value.len;

	while (at > 0 && a->value.data[at - 1] > ' ')
		at--;
	if (at > 0)
		set_variable(s, STATE_SYSTEM_VARIABLE, SPAN_LITERAL("collation_connection"),
			     span_from(a->value, at));
}

static void keep_assignment(struct session *s, const struct sql_assignment *a,
			    struct session_state *read_in)
{
	char name[260];

	switch (a->kind) {
	case SQL_ASSIGN_USER_VARIABLE:
		session_take_setting(s, a);
		if (variable_name_lower(a->name, name, sizeof(name)))
			replace_state(s, state_with_user_variable(s->state, read_in,
								  span_of(name), a->value));
		else
			s->pins |= PIN_UNREPLAYABLE;
		return;
	case SQL_ASSIGN_SESSION:
		keep_system_variable(s, a);
		return;
	case SQL_ASSIGN_NAMES:
		keep_collation(s, a);
		return;
	case SQL_ASSIGN_GLOBAL:
	case SQL_ASSIGN_TRANSACTION:
	case SQL_ASSIGN_OTHER:
		return;
	}
}

struct span session_statement_text(const struct session *s)
{
	struct span payload = span_from(hold_span(&s->st.packet), PACKET_HEADER_LEN);

	if (s->st.inner.len > 0)
		return hold_span(&s->st.inner);
	if (s->st.command == COM_QUERY)
		return session_query_text(s, payload);
	if (s->st.command == COM_STMT_EXECUTE && s->st.prepared->query != NULL)
		return s->st.prepared->query->text;
	return SPAN_NONE;
}

struct session_state *session_statement_state(const struct session *s, struct session_state *now)
{
	if (s->st.inner_meaning != NULL)
		return s->st.inner_meaning;
	if (s->st.command == COM_STMT_EXECUTE && s->st.prepared->query != NULL)
		return s->st.prepared->query->state;
	return now;
}

/* What a SET, whose text was read in state <read_in>, has done that the server has not reported. */
static void keep_assignments(struct session *s, struct session_state *read_in)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_assignments walk = sql_assignments_of(session_statement_text(s), &mode);
	struct sql_assignment a;

	while (sql_assignments_next(&walk, &a))
		keep_assignment(s, &a, read_in);
	if (walk.broken)
		s->pins |= PIN_UNREPLAYABLE;
	server_conn_set_session_state(s->conn, state_take(s->state));
}

/* What a failed statement has surely not left behind. */
#define UNDONE_PINS (SQL_PIN_TABLE_LOCK | SQL_PIN_BACKUP | SQL_PIN_XA)

/* Known by name; session_ties.c keeps count. */
#define COUNTED_PINS (SQL_PIN_TEMPORARY_TABLE | SQL_PIN_USER_LOCK | SQL_PIN_HANDLER | \
		      SQL_PIN_PREPARED | SQL_UNPIN_USER_LOCKS)

/* No other connection can be made to know which row "WHERE id IS NULL" finds. */
static bool auto_is_null(const struct session *s)
{
	struct span value = state_variable(s->state, SPAN_LITERAL("sql_auto_is_null"));

	return value.len > 0 && !span_is(value, "0") && !span_contains_nocase(value, "OFF");
}

/* A query in the text may read a view, and a view may call a stored function. */
static bool has_query(const struct session *s)
{
	struct span text = session_statement_text(s);

	return span_contains_nocase(text, "select") || span_contains_nocase(text, "(table");
}

/* Servers report the way to the schema of a prepared statement and back as a change. */
bool statement_visits_schema(const struct session *s)
{
	struct span schema = state_schema(session_statement_state(s, s->state));

	return !span_equal(schema, state_schema(s->state));
}

/* What they report is what a read before has left to be reported. */
static bool only_moves_transaction(const struct sql_verdict *v)
{
	return v->reason == REASON_STARTS_TRANSACTION || v->reason == REASON_READ_TRANSACTION ||
	       v->reason == REASON_ENDS_TRANSACTION || v->reason == REASON_SAVEPOINT;
}

/*
 * The server says that the session's state has changed, which triggers and functions of
 * views do, too: is the text of a kind that says itself what it changes?
 */
bool statement_explains_change(const struct session *s)
{
	const struct statement *st = &s->st;
	bool runs = st->command == COM_QUERY || st->command == COM_STMT_EXECUTE ||
		    st->command == COM_STMT_BULK_EXECUTE;

	if (!runs || st->verdict.class == SQL_SESSION)
		return true;
	if ((st->verdict.flags & SQL_MULTI) != 0 || (st->verdict.pins & SQL_PIN_CALL) != 0)
		return false;
	if (st->verdict.reason == REASON_PREPARES || only_moves_transaction(&st->verdict))
		return true;
	if (st->verdict.class == SQL_READ)
		return statement_visits_schema(s);
	if (st->verdict.reason == REASON_DEFINES || (st->verdict.flags & SQL_HAS_SET) != 0)
		return st->verdict.reason != REASON_NOT_UNDERSTOOD && !has_query(s);
	return false;
}

static uint32_t new_pins(const struct session *s)
{
	const struct statement *st = &s->st;
	uint32_t pins = st->verdict.pins & ~(uint32_t)(COUNTED_PINS | SQL_UNPIN_TABLE_LOCK);
	bool trackers_spoke = st->ended_by_ok || st->asked_for_news;
	bool trusted = s->env->settings->pool_trust_routines;
	bool lone = (st->verdict.flags & SQL_MULTI) == 0;

	if (st->failed && lone)
		pins &= ~(uint32_t)UNDONE_PINS;
	if (st->error == ER_PARSE_ERROR && st->verdict.reason == REASON_NOT_UNDERSTOOD && lone)
		pins &= ~(uint32_t)SQL_PIN_CALL;	/* it has not begun */
	if (trusted && trackers_spoke && !st->changed)
		pins &= ~(uint32_t)SQL_PIN_CALL;
	if (st->changed && !st->state_left && !statement_explains_change(s))
		pins |= PIN_CHANGED;
	if (s->conn->note.pins || (s->conn->note.tied && st->verdict.reason != REASON_SETS_TIED))
		pins |= PIN_UNREPLAYABLE;
	if ((st->verdict.flags & SQL_SETS_TRANSACTION) != 0)
		pins |= PIN_NEXT_TRANSACTION;
	if (st->insert_id != 0 && auto_is_null(s))
		pins |= PIN_AUTO_IS_NULL;
	return pins;
}

static uint32_t ended_pins(const struct session *s)
{
	const struct statement *st = &s->st;
	uint32_t pins = 0;

	if (st->failed)
		return 0;
	if ((st->verdict.pins & SQL_UNPIN_TABLE_LOCK) != 0)
		pins |= SQL_PIN_TABLE_LOCK;
	if ((st->verdict.flags & (SQL_ENDS | SQL_COMMITS)) != 0 && !session_in_transaction(s))
		pins |= SQL_PIN_XA;
	if (st->verdict.class != SQL_SESSION && !session_in_transaction(s))
		pins |= PIN_NEXT_TRANSACTION;
	if ((s->pins & PIN_AUTO_IS_NULL) != 0 && !auto_is_null(s))
		pins |= PIN_AUTO_IS_NULL;
	return pins;
}

static void learn_pins(struct session *s)
{
	uint32_t before = s->pins;

	if (s->st.state_left)
		(void)snprintf(s->lost_on, sizeof(s->lost_on), "%s", s->conn->pool->name);

	s->pins &= ~ended_pins(s);
	s->pins |= new_pins(s);
	session_learn_ties(s);
	if (before == 0 && s->pins != 0)
		STAT_INC(s->env->stats, pins_total);
}

static void learn_state(struct session *s)
{
	struct server_conn *conn = s->conn;
	struct session_state *before = s->state;

	s->state = state_take(conn->session_state);
	if ((s->st.verdict.flags & SQL_HAS_SET) != 0 && !s->st.failed &&
	    s->st.verdict.class == SQL_SESSION)
		keep_assignments(s, session_statement_state(s, before));
	state_drop(before);
	if (conn->note.insert_id_changed)
		insert_id_set(&s->insert_id, conn->insert_id);
	else if (s->st.insert_id != 0)
		insert_id_told(&s->insert_id, conn, s->st.insert_id);
	if (statement_may_set_insert_id(&s->st))
		insert_id_unclear(&s->insert_id, conn);
}

/* A reset ends everything that tied the session to its connection. */
static void learn_reset(struct session *s)
{
	struct session_state *bare = state_schema_only(s->conn->session_state);

	session_close_prepared(s);
	s->pins = 0;
	session_drop_ties(s);
	session_drop_trackers(s);
	s->own_consistency = SQL_CONSISTENCY_UNSET;
	insert_id_reset(&s->insert_id);
	session_forget_values(s);
	s->conn->no_reuse = true;	/* its trackers are off */
	if (bare == NULL)
		return;
	server_conn_set_session_state(s->conn, bare);
	state_drop(s->state);
	s->state = state_take(bare);
}

/* The held connection is not what others of its account expect any more. */
static void learn_option(struct session *s)
{
	struct span packet = hold_span(&s->st.packet);

	s->conn->no_reuse = true;
	if (packet.len <= PACKET_HEADER_LEN + 1 ||
	    !session_allow_multi(s, packet.data[PACKET_HEADER_LEN + 1] == 0))
		s->pins |= PIN_COMMAND;
}

bool statement_changed_nothing(const struct statement *st)
{
	return st->failed && (st->verdict.flags & SQL_MULTI) == 0;
}

/* A client may set trackers for itself, but those of readmux have to stay in force. */
static void keep_trackers(struct session *s)
{
	if ((s->st.verdict.flags & SQL_TRACKERS) == 0 ||
	    ((s->st.verdict.flags & SQL_HAS_SET) != 0 && statement_changed_nothing(&s->st)))
		return;
	s->conn->tracked = false;
	restore_trackers(s->conn);
}

void session_learn(struct session *s)
{
	learn_state(s);
	session_learn_values(s);
	session_learn_named(s);
	learn_pins(s);
	if (s->st.prepared != NULL)
		session_learn_prepared(s);
	if (s->st.command == COM_SET_OPTION && !s->st.failed)
		learn_option(s);
	if (s->st.command == COM_RESET_CONNECTION && !s->st.failed)
		learn_reset(s);
	session_learn_position(s);
	keep_trackers(s);
}
