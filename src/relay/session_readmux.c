/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client may ask and tell readmux itself, in SQL.
 *
 * SELECT @@readmux_... and SET @readmux_... are answered here; beside other assignments the latter
 * are user variables of the servers too.
 */
#include <readmux/relay/session_parts.h>
#include <readmux/sql/effects.h>
#include <readmux/sql/named.h>
#include <readmux/wire/resultset.h>

/* --- SELECT @@readmux_... ---------------------------------------------------------- */

/* In <memory>, or for good. */
static struct span value_of(struct session *s, enum sql_readmux_variable variable,
			    char memory[POSITION_MAX])
{
	const char *position;

	switch (variable) {
	case SQL_READMUX_CONSISTENCY:
		return span_of(session_consistency_name(s));
	case SQL_READMUX_POSITION:
		position = session_known_position(s, memory);
		return position[0] != '\0' ? span_of(position) : SPAN_NONE;
	}
	return SPAN_NONE;
}

/* What statements about the one before are told. */
static void remember(struct session *s, int64_t row_count)
{
	s->last.row_count = row_count;
	s->last.found_rows = 1;
	s->last.found_rows_known = true;
	s->last.warnings = 0;
	s->last.failed = false;
}

bool session_would_answer(const struct sql_verdict *v, struct span text,
			  const struct sql_mode *mode)
{
	struct sql_readmux_columns columns;

	return session_would_show(v) || ((v->flags & SQL_READS_READMUX) != 0 &&
					 sql_readmux_columns_of(text, mode, &columns));
}

bool session_answers(struct session *s, struct span text)
{
	struct resultset_column head[SQL_READMUX_COLUMNS_MAX];
	struct span cells[SQL_READMUX_COLUMNS_MAX];
	struct sql_mode mode = session_sql_mode(s);
	struct sql_readmux_columns columns;
	char position[POSITION_MAX];
	uint8_t memory[4096];
	struct writer w = writer_over(memory, sizeof(memory));
	struct resultset r = {
		.w = &w, .capabilities = s->capabilities, .status = s->status, .seq = s->st.seq,
		.binary = s->st.binary,
	};

	if ((s->st.verdict.flags & SQL_READS_READMUX) == 0 ||
	    !sql_readmux_columns_of(text, &mode, &columns))
		return false;
	session_settle_position(s);
	for (unsigned i = 0; i < columns.n; i++) {
		head[i] = (struct resultset_column){ span_head(columns.column[i].name, 256), false };
		cells[i] = value_of(s, columns.column[i].variable, position);
	}
	resultset_begin(&r, head, columns.n);
	resultset_row(&r, head, cells, columns.n);
	resultset_end(&r);
	if (w.bad) {
		session_close(s, "an answer did not fit");
		return true;
	}
	remember(s, -1);
	stream_write(&s->stream, writer_span(&w));
	return true;
}

/* --- SET @readmux_... ------------------------------------------------------------------- */

/* What the literal <value> says; "" for NULL.  False: it is no literal, or too long. */
static bool literal_text(const struct session *s, struct span value, char *out, size_t room)
{
	struct sql_mode mode = session_sql_mode(s);
	size_t n;

	out[0] = '\0';
	if (span_is_nocase(value, "null"))
		return true;
	if (value.len < 2 || (value.data[0] != '\'' && value.data[0] != '"') ||
	    value.data[value.len - 1] != value.data[0])
		return false;
	n = sql_unquote(value, &mode, (uint8_t *)out, room);
	if (n == room)
		return false;
	out[n] = '\0';
	return true;
}

static bool take_consistency(struct session *s, const char *text, bool apply)
{
	enum sql_consistency named = sql_consistency_named(span_of(text));

	if (named == SQL_CONSISTENCY_UNSET && text[0] != '\0')
		return false;
	if (apply)
		s->own_consistency = named;
	return true;
}

static bool take_position(struct session *s, const char *text, bool apply)
{
	if (!position_is_wellformed(span_of(text)))
		return false;
	return !apply || position_advance(s->position, text);
}

static const struct {
	const char    *name;
	bool         (*take)(struct session *s, const char *text, bool apply);
	enum rmx_error refusal;
} settings[] = {
	{ "readmux_consistency", take_consistency, RMX_BAD_CONSISTENCY },
	{ "readmux_position",    take_position,    RMX_BAD_POSITION },
};

/* The row of settings[] that <a> is about; ARRAY_LEN(settings) for none. */
static size_t setting_of(const struct sql_assignment *a)
{
	size_t i = 0;

	while (i < ARRAY_LEN(settings) && (a->kind != SQL_ASSIGN_USER_VARIABLE ||
					   !span_is_nocase(a->name, settings[i].name)))
		i++;
	return i;
}

void session_take_setting(struct session *s, const struct sql_assignment *a)
{
	size_t i = setting_of(a);
	char text[POSITION_MAX];

	if (i < ARRAY_LEN(settings) && literal_text(s, a->value, text, sizeof(text)))
		(void)settings[i].take(s, text, true);
}

static bool refuse_setting(struct session *s, const struct sql_assignment *a)
{
	char text[POSITION_MAX], shown[80];
	size_t i = setting_of(a);

	if (i == ARRAY_LEN(settings) ||
	    (literal_text(s, a->value, text, sizeof(text)) && settings[i].take(s, text, false)))
		return false;
	(void)span_copy(span_head(a->value, sizeof(shown) - 1), shown, sizeof(shown));
	session_send_error(s, settings[i].refusal, shown);
	s->last.failed = true;
	return true;
}

bool session_takes_settings(struct session *s, struct span text)
{
	struct sql_mode mode = session_sql_mode(s);
	struct sql_assignments walk;
	struct sql_assignment a;
	unsigned own = 0, others = 0;

	if ((s->st.verdict.flags & (SQL_HAS_SET | SQL_MULTI)) != SQL_HAS_SET ||
	    !span_contains_nocase(text, "readmux_"))
		return false;
	walk = sql_assignments_of(text, &mode);
	while (sql_assignments_next(&walk, &a)) {
		if (refuse_setting(s, &a))
			return true;
		own += setting_of(&a) < ARRAY_LEN(settings);
		others += setting_of(&a) == ARRAY_LEN(settings);
	}
	if (own == 0 || others > 0)
		return false;
	walk = sql_assignments_of(text, &mode);
	while (sql_assignments_next(&walk, &a))
		session_take_setting(s, &a);
	remember(s, 0);
	session_answer_ok(s);
	return true;
}
