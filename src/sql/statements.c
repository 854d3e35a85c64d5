/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each statement is by its first words; see statement.h. */
#include "statement.h"

void statement_becomes(struct walk *w, enum sql_class class, enum route_reason reason)
{
	w->part.class = class;
	w->part.reason = reason;
	w->part.what = SPAN_NONE;
}

/* Walk on until <word> comes; false when it does not. */
static bool find_word(struct walk *w, enum sql_word word)
{
	while (walk_next(w)) {
		if (w->word == word)
			return true;
	}
	return false;
}

/* START TRANSACTION [READ ONLY | READ WRITE | WITH CONSISTENT SNAPSHOT], .. */
static void look_start(struct walk *w)
{
	bool only = false, write = false;

	if (!walk_next(w) || w->word != WORD_TRANSACTION) {
		w->part.flags |= SQL_COMMITS;
		statement_becomes(w, SQL_WRITE, REASON_ADMINISTERS);
		return;
	}
	w->part.flags |= SQL_BEGINS;
	while (walk_next(w)) {
		only |= w->prev.word == WORD_READ && w->word == WORD_ONLY;
		write |= w->prev.word == WORD_READ && w->word != WORD_ONLY;
	}
	if (!only || write || w->token.kind == TOKEN_BROKEN)
		return;
	w->part.flags |= SQL_BEGINS_READ_ONLY;
	statement_becomes(w, SQL_READ, REASON_READ_TRANSACTION);
}

/* A stored program's body: all that follows belongs to it. */
static void takes_all(struct walk *w)
{
	w->part.takes_all = true;
}

/* BEGIN [WORK], or MariaDB's BEGIN NOT ATOMIC .. END. */
static void look_begin(struct walk *w)
{
	if (!walk_next(w) || w->word != WORD_NOT)
		return;
	takes_all(w);
	w->part.flags = 0;
	w->part.pins |= SQL_PIN_CALL;
	statement_becomes(w, SQL_WRITE, REASON_CALLS);
}

/* COMMIT and ROLLBACK [WORK] [TO ..] [AND [NO] CHAIN] [[NO] RELEASE]. */
static void look_commit(struct walk *w)
{
	while (walk_next(w)) {
		if (w->word == WORD_CHAIN && w->prev.word == WORD_AND)
			w->part.flags |= SQL_BEGINS;
		if (w->word == WORD_RELEASE && w->prev.word != WORD_NO)
			w->part.flags |= SQL_RELEASES;
		if (w->word != WORD_TO)
			continue;
		w->part.flags = 0;
		statement_becomes(w, SQL_WRITE, REASON_SAVEPOINT);
	}
}

static void look_release(struct walk *w)
{
	if (!walk_next(w) || w->word != WORD_SAVEPOINT)
		statement_becomes(w, SQL_WRITE, REASON_NOT_UNDERSTOOD);
}

static void look_xa(struct walk *w)
{
	static const struct {
		enum sql_word     word;
		enum route_reason reason;
		uint32_t          flags;
		uint32_t          pins;
	} rows[] = {
		{ WORD_START,    REASON_STARTS_TRANSACTION, SQL_BEGINS, SQL_PIN_XA },
		{ WORD_BEGIN,    REASON_STARTS_TRANSACTION, SQL_BEGINS, SQL_PIN_XA },
		{ WORD_COMMIT,   REASON_ENDS_TRANSACTION, SQL_ENDS | SQL_COMMITS, 0 },
		{ WORD_ROLLBACK, REASON_ENDS_TRANSACTION, SQL_ENDS | SQL_COMMITS, 0 },
		{ WORD_RECOVER,  REASON_PRIMARY_STATUS, 0, 0 },
	};

	if (!walk_next(w))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].word != w->word)
			continue;
		w->part.flags |= rows[i].flags;
		w->part.pins |= rows[i].pins;
		statement_becomes(w, SQL_WRITE, rows[i].reason);
	}
}

/* The words that tell what a CREATE makes. */
enum created { CREATED_OTHER, CREATED_TABLE, CREATED_PROGRAM };

static const struct {
	enum sql_word word;
	enum created  what;
} created_rows[] = {
	{ WORD_TABLE,     CREATED_TABLE },
	{ WORD_SEQUENCE,  CREATED_TABLE },
	{ WORD_FUNCTION,  CREATED_PROGRAM },
	{ WORD_PROCEDURE, CREATED_PROGRAM },
	{ WORD_TRIGGER,   CREATED_PROGRAM },
	{ WORD_EVENT,     CREATED_PROGRAM },
	{ WORD_PACKAGE,   CREATED_PROGRAM },
	{ WORD_LIBRARY,   CREATED_PROGRAM },
	{ WORD_VIEW,      CREATED_OTHER },
	{ WORD_DATABASE,  CREATED_OTHER },
	{ WORD_SCHEMA,    CREATED_OTHER },
	{ WORD_INDEX,     CREATED_OTHER },
	{ WORD_USER,      CREATED_OTHER },
	{ WORD_ROLE,      CREATED_OTHER },
	{ WORD_SERVER,    CREATED_OTHER },
};

static bool creates(struct walk *w, enum created *what)
{
	for (size_t i = 0; i < ARRAY_LEN(created_rows); i++) {
		if (created_rows[i].word != w->word)
			continue;
		*what = created_rows[i].what;
		return true;
	}
	return false;
}

/* CREATE and ALTER [OR REPLACE] [TEMPORARY] [DEFINER = ..] what .. */
static void look_create(struct walk *w)
{
	enum created what = CREATED_OTHER;
	bool temporary = false;

	while (walk_next(w) && !creates(w, &what))
		temporary |= w->word == WORD_TEMPORARY;
	if (what == CREATED_PROGRAM)
		takes_all(w);
	if (!temporary || what != CREATED_TABLE)
		return;
	w->part.pins |= SQL_PIN_TEMPORARY_TABLE;
	w->part.flags &= ~(uint32_t)SQL_COMMITS;
}

static void look_drop(struct walk *w)
{
	if (!walk_next(w))
		return;
	if (w->word == WORD_TEMPORARY || w->word == WORD_PREPARE)
		w->part.flags &= ~(uint32_t)SQL_COMMITS;
	if (w->word == WORD_PREPARE)
		statement_becomes(w, SQL_WRITE, REASON_PREPARES);
}

/* LOCK TABLES or LOCK INSTANCE FOR BACKUP. */
static void look_lock(struct walk *w)
{
	if (walk_next(w) && w->word == WORD_INSTANCE) {
		w->part.pins |= SQL_PIN_BACKUP;
		return;
	}
	w->part.pins |= SQL_PIN_TABLE_LOCK;
	w->part.flags |= SQL_COMMITS;
}

static void look_unlock(struct walk *w)
{
	if (walk_next(w) && w->word != WORD_INSTANCE)
		w->part.pins |= SQL_UNPIN_TABLE_LOCK;
}

/* FLUSH TABLES .. WITH READ LOCK and FLUSH TABLES .. FOR EXPORT hold locks. */
static void look_flush(struct walk *w)
{
	while (walk_next(w)) {
		bool read_lock = w->word == WORD_LOCK && w->prev.word == WORD_READ;

		if (read_lock || (w->word == WORD_EXPORT && w->prev.word == WORD_FOR))
			w->part.pins |= SQL_PIN_TABLE_LOCK;
	}
}

/* EXECUTE IMMEDIATE leaves no prepared statement behind, but may do anything. */
static void look_execute(struct walk *w)
{
	w->part.pins |= SQL_PIN_CALL;
}

static void look_handler(struct walk *w)
{
	if (find_word(w, WORD_OPEN))
		w->part.pins |= SQL_PIN_HANDLER;
}

/* Variables that the statement names as the place of a value. */
static void look_for_variables(struct walk *w)
{
	while (walk_next(w)) {
		if (w->token.kind == TOKEN_USER_VARIABLE)
			w->part.pins |= SQL_PIN_USER_VARIABLE;
	}
}

/* GET [CURRENT | STACKED] DIAGNOSTICS @x = .. */
static void look_get(struct walk *w)
{
	if (!find_word(w, WORD_DIAGNOSTICS)) {
		statement_becomes(w, SQL_WRITE, REASON_NOT_UNDERSTOOD);
		return;
	}
	look_for_variables(w);
}

/* LOAD DATA and LOAD XML read a file, LOAD INDEX INTO CACHE does not. */
static void look_load(struct walk *w)
{
	if (!walk_next(w))
		return;
	if (w->word != WORD_INDEX) {
		look_for_variables(w);
		return;
	}
	w->part.flags |= SQL_COMMITS;
	statement_becomes(w, SQL_WRITE, REASON_ADMINISTERS);
}

#define IS(what, why) .class = SQL_##what, .reason = REASON_##why
#define WRITE(why) IS(WRITE, why)

static const struct statement statements[] = {
	[WORD_SELECT]     = { IS(READ, PLAIN_READ), .calls = CALLS_ALWAYS },
	[WORD_TABLE]      = { IS(READ, PLAIN_READ), .calls = CALLS_ALWAYS },
	[WORD_VALUES]     = { IS(READ, PLAIN_READ), .calls = CALLS_ALWAYS },
	[WORD_WITH]       = { IS(READ, PLAIN_READ), .calls = CALLS_ALWAYS },
	[WORD_SHOW]       = { IS(READ, SHOW), .calls = CALLS_ALWAYS,
			      .look = statement_show },
	[WORD_DESC]       = { IS(READ, SHOW), .look = statement_describe },
	[WORD_DESCRIBE]   = { IS(READ, SHOW), .look = statement_describe },
	[WORD_EXPLAIN]    = { IS(READ, SHOW), .look = statement_describe },
	[WORD_HELP]       = { IS(READ, SHOW) },
	[WORD_GET]        = { IS(READ, PREVIOUS_STATEMENT), SQL_ABOUT_PREVIOUS,
			      .look = look_get },
	[WORD_SET]        = { IS(SESSION, SET_SESSION), .calls = CALLS_ALWAYS,
			      .look = statement_set },
	[WORD_USE]        = { IS(SESSION, USE_SCHEMA) },
	[WORD_INSERT]     = { WRITE(MODIFIES), .calls = CALLS_IN_VALUES },
	[WORD_REPLACE]    = { WRITE(MODIFIES), .calls = CALLS_IN_VALUES },
	[WORD_UPDATE]     = { WRITE(MODIFIES), .calls = CALLS_ALWAYS },
	[WORD_DELETE]     = { WRITE(MODIFIES), .calls = CALLS_ALWAYS },
	[WORD_LOAD]       = { WRITE(MODIFIES), .look = look_load },
	[WORD_BINLOG]     = { WRITE(ADMINISTERS) },
	[WORD_CREATE]     = { WRITE(DEFINES), SQL_COMMITS, .look = look_create },
	[WORD_ALTER]      = { WRITE(DEFINES), SQL_COMMITS, .look = look_create },
	[WORD_DROP]       = { WRITE(DEFINES), SQL_COMMITS, .look = look_drop },
	[WORD_TRUNCATE]   = { WRITE(DEFINES), SQL_COMMITS },
	[WORD_RENAME]     = { WRITE(DEFINES), SQL_COMMITS },
	[WORD_GRANT]      = { WRITE(DEFINES), SQL_COMMITS },
	[WORD_REVOKE]     = { WRITE(DEFINES), SQL_COMMITS },
	[WORD_IMPORT]     = { WRITE(DEFINES), SQL_COMMITS },
	[WORD_ANALYZE]    = { WRITE(ADMINISTERS), .look = statement_analyze },
	[WORD_OPTIMIZE]   = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_REPAIR]     = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_CHECK]      = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_CHECKSUM]   = { WRITE(ADMINISTERS) },
	[WORD_CACHE]      = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_FLUSH]      = { WRITE(ADMINISTERS), SQL_COMMITS, .look = look_flush },
	[WORD_RESET]      = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_PURGE]      = { WRITE(ADMINISTERS) },
	[WORD_CHANGE]     = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_STOP]       = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_INSTALL]    = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_UNINSTALL]  = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_CLONE]      = { WRITE(ADMINISTERS), SQL_COMMITS },
	[WORD_RESTART]    = { WRITE(ADMINISTERS) },
	[WORD_SHUTDOWN]   = { WRITE(ADMINISTERS) },
	[WORD_BACKUP]     = { WRITE(ADMINISTERS), 0, SQL_PIN_BACKUP },
	[WORD_KILL]       = { WRITE(ADMINISTERS), SQL_KILL },
	[WORD_LOCK]       = { WRITE(LOCKS), .look = look_lock },
	[WORD_UNLOCK]     = { WRITE(LOCKS), SQL_COMMITS, .look = look_unlock },
	[WORD_BEGIN]      = { WRITE(STARTS_TRANSACTION), SQL_BEGINS, .look = look_begin },
	[WORD_START]      = { WRITE(STARTS_TRANSACTION), .look = look_start },
	[WORD_COMMIT]     = { WRITE(ENDS_TRANSACTION), SQL_ENDS | SQL_COMMITS,
			      .look = look_commit },
	[WORD_ROLLBACK]   = { WRITE(ENDS_TRANSACTION), SQL_ENDS, .look = look_commit },
	[WORD_SAVEPOINT]  = { WRITE(SAVEPOINT) },
	[WORD_RELEASE]    = { WRITE(SAVEPOINT), .look = look_release },
	[WORD_XA]         = { WRITE(ENDS_TRANSACTION), .look = look_xa },
	[WORD_PREPARE]    = { WRITE(PREPARES), 0, SQL_PIN_PREPARED },
	[WORD_EXECUTE]    = { WRITE(PREPARES), .look = look_execute },
	[WORD_DEALLOCATE] = { WRITE(PREPARES) },
	[WORD_CALL]       = { WRITE(CALLS), 0, SQL_PIN_CALL, .look = look_for_variables },
	[WORD_DO]         = { WRITE(SIDE_EFFECT), .calls = CALLS_ALWAYS },
	[WORD_HANDLER]    = { WRITE(HANDLER), .look = look_handler },
	[WORD_SIGNAL]     = { WRITE(CALLS) },
	[WORD_RESIGNAL]   = { WRITE(CALLS) },
};

const struct statement *statement_find(enum sql_word word)
{
	const struct statement *row;

	if (word == WORD_NONE || (size_t)word >= ARRAY_LEN(statements))
		return NULL;
	row = &statements[word];
	/* A gap in the table reads as a plain read that may call nothing. */
	return row->reason == REASON_PLAIN_READ && row->calls == CALLS_NEVER ? NULL : row;
}

struct part statement_part(const struct statement *s)
{
	return (struct part){
		.class = s->class,
		.reason = s->reason,
		.flags = s->flags,
		.pins = s->pins,
		.calls = s->calls,
		.reads = s->reason == REASON_PLAIN_READ,
	};
}
