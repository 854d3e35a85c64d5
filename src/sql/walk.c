/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at every token of a statement; see walk.h. */
#include "walk.h"

#include "hint.h"
#include "variables.h"

void walk_open(struct walk *w, struct span sql, const struct sql_mode *mode,
	       struct sql_verdict *v)
{
	w->lexer = lexer_over(sql, mode);
	w->lexer.want_comments = true;
	w->verdict = v;
	w->schema = mode->schema.len > 0 ? word_find(mode->schema) : WORD_NONE;
	if (!table_schema(w->schema))
		w->schema = WORD_NONE;
}

void walk_downgrade(struct walk *w, enum route_reason reason, struct span what)
{
	if (w->part.class == SQL_WRITE)
		return;
	w->part.class = SQL_WRITE;
	w->part.reason = reason;
	w->part.what = what;
}

/* It stays a read, but one about the statement before. */
static void about_previous(struct walk *w, struct span what)
{
	if (w->part.takes_all)
		return;		/* of the program's own statements */
	w->part.flags |= SQL_ABOUT_PREVIOUS;
	w->part.previous += w->part.previous < UINT8_MAX;
	if (w->part.class != SQL_READ)
		return;
	w->part.reason = REASON_PREVIOUS_STATEMENT;
	w->part.what = what;
}

static bool step_is_name(const struct step *s)
{
	return s->kind == TOKEN_WORD || s->kind == TOKEN_QUOTED_NAME;
}

static void confirm_suspect(struct walk *w)
{
	if (w->suspect.len == 0)
		return;
	w->part.pins |= SQL_PIN_CALL;
	walk_downgrade(w, REASON_UNKNOWN_FUNCTION, w->suspect);
	w->suspect = SPAN_NONE;
}

/*
 * WITH t (a, b) AS (..): t looks like a call until the AS and the parenthesis
 * after it, which no call can have.
 */
static void watch_suspect(struct walk *w)
{
	if (w->depth != w->suspect_depth)
		return;
	if (w->word == WORD_AS && step_is(&w->prev, ')'))
		return;
	if (walk_at(w, '(') && w->prev.word == WORD_AS)
		w->suspect = SPAN_NONE;
	else
		confirm_suspect(w);
}

/* Can <prev> be the name of a table that WITH defines? */
static bool in_with_list(const struct walk *w)
{
	return w->in_with && (step_is(&w->earlier, ',') || w->earlier.word == WORD_WITH ||
			      w->earlier.word == WORD_RECURSIVE);
}

/* <prev> before a parenthesis is a stored function, or a name in such a place. */
static void unknown_call(struct walk *w)
{
	bool dotted = step_is(&w->earlier, '.');

	if (w->part.calls != CALLS_ALWAYS)
		return;
	if (!dotted && (step_is(&w->earlier, ')') || w->earlier.word == WORD_AS))
		return;		/* (SELECT ..) AS name (column, ..) */
	if (in_with_list(w) && w->suspect.len == 0) {
		w->suspect = w->prev.text;
		w->suspect_depth = w->depth - 1;
		return;
	}
	w->part.pins |= SQL_PIN_CALL;
	walk_downgrade(w, REASON_UNKNOWN_FUNCTION, w->prev.text);
}

static enum word_call call_of_prev(const struct walk *w)
{
	enum word_call call = word_call_of(w->prev.word, w->lexer.mode.mariadb);

	if (call == CALL_TIGHT && w->prev.end != w->token.at)
		return CALL_NOTHING;
	if (call == CALL_INFIX && w->earlier.kind != TOKEN_STRING &&
	    !step_is(&w->earlier, ')'))
		return CALL_NOTHING;
	return call;
}

/* An opening parenthesis after a name. */
static void inspect_call(struct walk *w)
{
	switch (call_of_prev(w)) {
	case CALL_NOTHING:
		unknown_call(w);
		break;
	case CALL_EFFECT:
		walk_downgrade(w, REASON_SIDE_EFFECT, w->prev.text);
		break;
	case CALL_LOCK:
		w->part.pins |= SQL_PIN_USER_LOCK;
		walk_downgrade(w, REASON_SIDE_EFFECT, w->prev.text);
		break;
	case CALL_UNLOCK:
		w->part.pins |= SQL_UNPIN_USER_LOCKS;
		walk_downgrade(w, REASON_SIDE_EFFECT, w->prev.text);
		break;
	case CALL_STATUS:
		walk_downgrade(w, REASON_PRIMARY_STATUS, w->prev.text);
		break;
	case CALL_PREVIOUS:
		about_previous(w, w->prev.text);
		break;
	case CALL_INSERT_ID:
		w->part.flags |= SQL_READS_INSERT_ID;
		break;
	case CALL_CONNECTION:
		w->part.flags |= SQL_CONNECTION_ID;
		break;
	case CALL_KEYWORD:
	case CALL_INFIX:
	case CALL_PURE:
	case CALL_TIGHT:
	case CALL_WINDOW:
		break;
	}
}

static void inspect_open(struct walk *w)
{
	w->depth++;
	if (step_is_name(&w->prev))
		inspect_call(w);
}

/* In SET, the first = or := of each assignment is its own. */
static void inspect_assignment(struct walk *w)
{
	bool own = w->part.sets && w->depth == 0 && !w->assigned;

	w->assigned = true;
	if (own || w->token.kind != TOKEN_ASSIGN)
		return;
	w->part.pins |= SQL_PIN_USER_VARIABLE;
	walk_downgrade(w, REASON_ASSIGNS_VARIABLE, w->prev.text);
}

/* "f"(3) and "sys".x under an ANSI_QUOTES that nobody has told: no string stands there. */
static void inspect_after_string(struct walk *w)
{
	if (w->part.class == SQL_WRITE || w->prev.kind != TOKEN_STRING ||
	    !(walk_at(w, '(') || walk_at(w, '.')))
		return;
	w->part.pins |= SQL_PIN_CALL;
	walk_downgrade(w, REASON_NOT_UNDERSTOOD, w->prev.text);
}

static void inspect_operator(struct walk *w)
{
	inspect_after_string(w);
	switch (w->token.op) {
	case '(':
		inspect_open(w);
		break;
	case ')':
		w->depth -= w->depth > 0;
		break;
	case ',':
		w->assigned = w->assigned && w->depth > 0;
		break;
	case '=':
		inspect_assignment(w);
		break;
	default:
		break;
	}
}

/* @@global.x: nobody replicates what SET GLOBAL has set. */
static bool is_of_server(const struct walk *w)
{
	return step_is(&w->prev, '.') && step_is_name(&w->earlier) &&
	       span_is_nocase(w->earlier.text, "global");
}

static void inspect_variable(struct walk *w)
{
	if (is_of_server(w))
		walk_downgrade(w, REASON_ROLE_VARIABLE, w->token.text);
	switch (variable_read(w->token.text)) {
	case VARIABLE_PLAIN:
		break;
	case VARIABLE_ROLE:
		walk_downgrade(w, REASON_ROLE_VARIABLE, w->token.text);
		break;
	case VARIABLE_INSERT_ID:
		w->part.flags |= SQL_READS_INSERT_ID;
		break;
	case VARIABLE_PREVIOUS:
		about_previous(w, w->token.text);
		break;
	case VARIABLE_CONNECTION_ID:
		w->part.flags |= SQL_CONNECTION_ID;
		break;
	case VARIABLE_READMUX:
		w->part.flags |= SQL_READS_READMUX;
		break;
	case VARIABLE_TRACKER:
		w->part.flags |= SQL_TRACKERS;
		break;
	}
}

/* Quoted names are no words, but schemas are known under both. */
static enum sql_word schema_word(const struct step *s)
{
	return s->kind == TOKEN_QUOTED_NAME ? word_find(s->text) : s->word;
}

static void inspect_table(struct walk *w, enum sql_word schema)
{
	switch (table_read(schema, w->token.text)) {
	case TABLE_PLAIN:
		break;
	case TABLE_OF_SERVER:
		walk_downgrade(w, REASON_PRIMARY_STATUS, w->token.text);
		break;
	case TABLE_PREVIOUS:
		about_previous(w, w->token.text);
		break;
	}
}

/* A name after a dot: a table of a system schema, or Oracle's sequence.nextval. */
static void inspect_dotted(struct walk *w)
{
	struct span name = w->token.text;

	if (span_is_nocase(name, "nextval") || span_is_nocase(name, "currval")) {
		walk_downgrade(w, REASON_SIDE_EFFECT, name);
		return;
	}
	inspect_table(w, schema_word(&w->earlier));
}

/* What a plain word does besides being one. */
enum word_action {
	ACTION_NONE,
	ACTION_LOCK,
	ACTION_UPDATE,
	ACTION_SHARE,
	ACTION_MODIFY,
	ACTION_INTO,
	ACTION_FOR,
	ACTION_CALC_ROWS,
	ACTION_WITH,
	ACTION_VALUES,
	ACTION_RETURNING,
};

static const uint8_t word_actions[WORDS_END] = {
	[WORD_LOCK] = ACTION_LOCK,
	[WORD_UPDATE] = ACTION_UPDATE,
	[WORD_SHARE] = ACTION_SHARE,
	[WORD_DELETE] = ACTION_MODIFY,
	[WORD_INTO] = ACTION_INTO,
	[WORD_FOR] = ACTION_FOR,
	[WORD_SQL_CALC_FOUND_ROWS] = ACTION_CALC_ROWS,
	[WORD_WITH] = ACTION_WITH,
	[WORD_VALUES] = ACTION_VALUES,
	[WORD_VALUE] = ACTION_VALUES,
	[WORD_SELECT] = ACTION_VALUES,
	[WORD_SET] = ACTION_VALUES,
	[WORD_TABLE] = ACTION_VALUES,
	[WORD_RETURNING] = ACTION_RETURNING,
};

/* A word that makes a write of what began as a read. */
static void makes_write(struct walk *w, enum route_reason reason)
{
	if (w->part.reads)
		walk_downgrade(w, reason, w->token.text);
}

static void inspect_for(struct walk *w)
{
	bool sequence = w->earlier.word == WORD_NEXT || w->earlier.word == WORD_PREVIOUS;

	if (sequence && w->prev.word == WORD_VALUE)
		walk_downgrade(w, REASON_SIDE_EFFECT, w->earlier.text);
}

static void inspect_word(struct walk *w)
{
	switch ((enum word_action)word_actions[w->word]) {
	case ACTION_NONE:
		break;
	case ACTION_LOCK:
		makes_write(w, REASON_LOCKING_READ);
		break;
	case ACTION_UPDATE:
		makes_write(w, w->prev.word == WORD_FOR ?
			    REASON_LOCKING_READ : REASON_MODIFIES);
		break;
	case ACTION_SHARE:
		if (w->prev.word == WORD_FOR)
			makes_write(w, REASON_LOCKING_READ);
		break;
	case ACTION_MODIFY:
		makes_write(w, REASON_MODIFIES);
		break;
	case ACTION_INTO:
		w->in_into = w->part.reads;
		if (!w->part.explains)
			makes_write(w, REASON_INTO);
		break;
	case ACTION_FOR:
		inspect_for(w);
		break;
	case ACTION_CALC_ROWS:
		w->part.flags |= SQL_FOUND_ROWS_WANTED;
		break;
	case ACTION_WITH:
		w->in_with = true;
		break;
	case ACTION_VALUES:
		if (w->part.calls == CALLS_IN_VALUES)
			w->part.calls = CALLS_ALWAYS;
		break;
	case ACTION_RETURNING:		/* a result set has no OK packet that tells the id */
		if (w->part.class == SQL_WRITE)
			w->part.flags |= SQL_SETS_INSERT_ID;
		break;
	}
}

static void inspect_name(struct walk *w)
{
	if (w->in_variable)
		inspect_variable(w);
	else if (step_is(&w->prev, '.'))
		inspect_dotted(w);
	else if (w->token.kind == TOKEN_WORD)
		inspect_word(w);
	/* any name may be a table's; in an ordinary schema there are no such tables */
	if (w->schema != WORD_NONE && !w->in_variable && !step_is(&w->prev, '.'))
		inspect_table(w, w->schema);
}

static void inspect_user_variable(struct walk *w)
{
	bool assigned = w->part.explains ? w->prev.word == WORD_INTO : w->in_into;

	w->part.flags |= SQL_USES_USER_VARS;
	if (!assigned)
		return;
	w->part.pins |= SQL_PIN_USER_VARIABLE;
	walk_downgrade(w, REASON_INTO, w->token.text);
}

/* Is the token still part of @@scope.name? */
static bool continues_variable(const struct walk *w)
{
	if (w->token.kind == TOKEN_SYSTEM_VARIABLE)
		return true;
	if (!w->in_variable)
		return false;
	if (walk_at(w, '.'))
		return w->prev.kind != TOKEN_SYSTEM_VARIABLE;
	return (w->token.kind == TOKEN_WORD || w->token.kind == TOKEN_QUOTED_NAME) &&
		!step_is_name(&w->prev);
}

/* Things that only the token after them decides. */
static void inspect_pending(struct walk *w)
{
	bool modifies = w->prev.word == WORD_INSERT || w->prev.word == WORD_REPLACE;

	if (w->suspect.len > 0)
		watch_suspect(w);
	if (modifies && !walk_at(w, '(') && w->part.reads)
		walk_downgrade(w, REASON_MODIFIES, w->prev.text);
	if (w->earlier.word == WORD_LAST_INSERT_ID && step_is(&w->prev, '(') &&
	    !walk_at(w, ')')) {
		w->part.flags |= SQL_SETS_INSERT_ID;
		walk_downgrade(w, REASON_SIDE_EFFECT, w->earlier.text);
	}
}

static void inspect(struct walk *w)
{
	inspect_pending(w);
	switch (w->token.kind) {
	case TOKEN_WORD:
	case TOKEN_QUOTED_NAME:
		inspect_name(w);
		break;
	case TOKEN_OPERATOR:
		inspect_operator(w);
		break;
	case TOKEN_ASSIGN:
		inspect_assignment(w);
		break;
	case TOKEN_USER_VARIABLE:
		inspect_user_variable(w);
		break;
	case TOKEN_END:
	case TOKEN_STRING:
	case TOKEN_NUMBER:
	case TOKEN_HEX:
	case TOKEN_SYSTEM_VARIABLE:
	case TOKEN_PLACEHOLDER:
	case TOKEN_COMMENT:
	case TOKEN_BROKEN:
		break;
	}
}

static void remember(struct walk *w)
{
	w->earlier = w->prev;
	w->prev = (struct step){
		.kind = w->token.kind,
		.op = w->token.op,
		.word = w->word,
		.text = w->token.text,
		.end = w->lexer.at,
	};
}

/* The next token that is no comment; hints are picked up on the way. */
static void read_token(struct walk *w)
{
	lexer_next(&w->lexer, &w->token);
	while (w->token.kind == TOKEN_COMMENT) {
		hint_read(w->token.text, w->verdict);
		lexer_next(&w->lexer, &w->token);
	}
	w->in_variable = continues_variable(w);
	w->word = WORD_NONE;
	if (w->token.kind == TOKEN_WORD && !step_is(&w->prev, '.') && !w->in_variable)
		w->word = word_find(w->token.text);
}

bool walk_next(struct walk *w)
{
	if (w->ended)
		return false;
	remember(w);
	read_token(w);
	if (w->token.kind == TOKEN_BROKEN)
		walk_downgrade(w, REASON_NOT_UNDERSTOOD, SPAN_NONE);
	w->ended = w->token.kind == TOKEN_END || w->token.kind == TOKEN_BROKEN ||
		(walk_at(w, ';') && !w->part.takes_all);
	if (w->ended)
		confirm_suspect(w);
	else
		inspect(w);
	return !w->ended;
}

void walk_finish(struct walk *w)
{
	while (walk_next(w))
		;
}

bool walk_begin(struct walk *w)
{
	/* Field by field: clearing all of it costs a tenth of a point select. */
	w->prev = (struct step){ .kind = TOKEN_END };
	w->earlier = w->prev;
	w->depth = 0;
	w->ended = false;
	w->in_variable = false;
	w->in_into = false;
	w->in_with = false;
	w->assigned = false;
	w->suspect = SPAN_NONE;
	w->suspect_depth = 0;
	do {
		read_token(w);
	} while (walk_at(w, ';'));
	return w->token.kind != TOKEN_END;
}

void walk_start(struct walk *w, const struct part *part)
{
	w->part = *part;
	w->ended = w->token.kind == TOKEN_END || w->token.kind == TOKEN_BROKEN;
	if (!w->ended)
		inspect(w);
}
