/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line per event, in logfmt or as JSON, to stderr.
 *
 *	ts=2026-11-23T14:02:07.123Z level=warn event="backend out" backend=mysql-1 cause="probe: timeout"
 *
 * An event is a short constant text; what varies goes into typed fields, so
 * that bytes from a peer are quoted and made harmless in one place.  Fields
 * are not evaluated unless the level is on.  Each place in the code that logs
 * writes at most LOG_SITE_LINES lines a second; the next line then says how
 * many were left out, or log_tell_left_out() does when there is none.  Any thread may log; a line is one write().
 */
#ifndef READMUX_BASE_LOG_H
#define READMUX_BASE_LOG_H

#include <readmux/base/span.h>

#include <stdatomic.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_SITE_LINES 20

struct log_field {
	const char *key;
	enum { LOG_FIELD_TEXT, LOG_FIELD_SPAN, LOG_FIELD_INT, LOG_FIELD_UINT } kind;
	union {
		const char *text;	/* NULL prints as empty */
		struct span span;
		int64_t     i;
		uint64_t    u;
	} as;
};

#define LOG_TEXT(name, value) \
	{ .key = (name), .kind = LOG_FIELD_TEXT, .as.text = (value) }
#define LOG_SPAN(name, value) \
	{ .key = (name), .kind = LOG_FIELD_SPAN, .as.span = (value) }
#define LOG_INT(name, value) \
	{ .key = (name), .kind = LOG_FIELD_INT, .as.i = (value) }
#define LOG_UINT(name, value) \
	{ .key = (name), .kind = LOG_FIELD_UINT, .as.u = (value) }

/*
 * Who is speaking.  The owner embeds it and fills in <describe>, which writes
 * at most <room> fields and returns how many; log.c knows no session.
 */
struct log_ctx {
	size_t (*describe)(const struct log_ctx *ctx, struct log_field *out, size_t room);
};

/* One place in the code that logs; limits its own rate. */
struct log_site {
	struct log_site *_Atomic next;	/* of those that have ever left lines out */
	const char      *_Atomic event;	/* of its last line; NULL = not among them */
	_Atomic uint64_t second;
	_Atomic uint32_t lines;
	_Atomic uint32_t dropped;
};

/* Most detailed level that is written; set from above, read by every thread. */
extern _Atomic int log_threshold;

/* Lines are JSON objects instead of logfmt; the same way. */
extern _Atomic bool log_json;

/* "error", "warn", "info", "debug"; false when <name> is none of them. */
RMX_MUST_CHECK
bool log_level_from(struct span name, enum log_level *level);
const char *log_level_name(enum log_level level);

/* Use the macros below.  <ctx> may be NULL; so may <site>: no limit. */
void log_write(struct log_site *site, enum log_level level, const struct log_ctx *ctx,
	       const char *event, const struct log_field *fields, size_t n);

/* Once a second: a line for each place that has left lines out and written none since. */
void log_tell_left_out(void);

/*
 * Hand lines to <sink> instead of stderr; NULL restores stderr.  For tests and
 * before threads start.  <line> is terminated and ends with a newline.
 */
void log_set_sink(void (*sink)(const char *line, size_t len));

#define log_at(level, ctx, event, ...)						\
	do {									\
		if ((int)(level) <= atomic_load_explicit(&log_threshold,	\
							 memory_order_relaxed)) { \
			static struct log_site log_site_here;			\
			const struct log_field log_fields_here[] = { __VA_ARGS__ }; \
			log_write(&log_site_here, (level), (ctx), (event),	\
				  log_fields_here, ARRAY_LEN(log_fields_here));	\
		}								\
	} while (0)

/* Where every line is wanted, however many they are. */
#define log_every(level, ctx, event, ...)					\
	do {									\
		if ((int)(level) <= atomic_load_explicit(&log_threshold,	\
							 memory_order_relaxed)) { \
			const struct log_field log_fields_here[] = { __VA_ARGS__ }; \
			log_write(NULL, (level), (ctx), (event),		\
				  log_fields_here, ARRAY_LEN(log_fields_here));	\
		}								\
	} while (0)

#define log_error(ctx, event, ...) log_at(LOG_LEVEL_ERROR, ctx, event, __VA_ARGS__)
#define log_warn(ctx, event, ...)  log_at(LOG_LEVEL_WARN, ctx, event, __VA_ARGS__)
#define log_info(ctx, event, ...)  log_at(LOG_LEVEL_INFO, ctx, event, __VA_ARGS__)
#define log_debug(ctx, event, ...) log_at(LOG_LEVEL_DEBUG, ctx, event, __VA_ARGS__)

#endif
