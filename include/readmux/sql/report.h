/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHOW READMUX: what a permitted user may ask readmux about itself, in SQL.
 */
#ifndef READMUX_SQL_REPORT_H
#define READMUX_SQL_REPORT_H

#include <readmux/sql/token.h>

/*  name        word          about */
#define REPORTS(X)								\
	X(STATUS,     "status",     "counters and figures of readmux, one a row")	\
	X(BACKENDS,   "backends",   "the servers: state, cause, lag, rates and latency")	\
	X(SESSIONS,   "sessions",   "the clients' sessions and what they are doing")	\
	X(POOLS,      "pools",      "server connections by worker and server")	\
	X(ROUTE,      "route",      "where the last statements of this session went, and why") \
	X(REASONS,    "reasons",    "how many statements went where for which reason") \
	X(STATEMENTS, "statements", "statements by shape: how often, how long, how many errors") \
	X(SETTINGS,   "settings",   "the configuration in force")		\
	X(EVENTS,     "events",     "what has happened lately")

enum report {
#define X(name, word, about) REPORT_##name,
	REPORTS(X)
#undef X
	REPORT_COUNT
};

const char *report_word(enum report report);
const char *report_about(enum report report);

/* The report with the word <word>, in any case.  False: none. */
RMX_MUST_CHECK
bool report_named(struct span word, enum report *report);

struct sql_show_readmux {
	struct span word;	/* which report; empty when there is none */
	struct span like;	/* the literal behind LIKE, with its quotes; SPAN_NONE = no LIKE */
	uint64_t    limit;	/* UINT64_MAX = none */
};

/*
 * SHOW [FULL] READMUX word [LIKE 'pattern'] [LIMIT n].  False for every other text; one that
 * only begins like that has an empty word.
 */
RMX_MUST_CHECK
bool sql_show_readmux_of(struct span sql, const struct sql_mode *mode,
			 struct sql_show_readmux *show);

#endif
