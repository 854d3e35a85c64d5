/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets that the fake server writes; all append to the session's output. */
#ifndef READMUX_BENCH_FAKE_ANSWER_H
#define READMUX_BENCH_FAKE_ANSWER_H

#include "fake_session.h"

#include <readmux/wire/reply.h>

/* A column of an answer that is made on the spot. */
struct fake_cell {
	struct span name;
	struct span value;
	bool        null;
	bool        number;
};

/* Session-track entries for one OK packet, gathered before it is written. */
struct fake_track {
	uint8_t       bytes[4096];
	struct writer w;
};

void fake_track_init(struct fake_track *t);
void fake_track_variable(struct fake_track *t, struct span name, struct span value);

/* Any other entry that holds one string. */
void fake_track_text(struct fake_track *t, enum session_track_type type, struct span text);

/* The entry that says "something changed". */
void fake_track_change(struct fake_track *t);

void fake_answer_ok(struct fake_session *s, uint64_t affected_rows);

/* OK with <t>'s entries, when there are any and the client understands them. */
void fake_answer_ok_tracked(struct fake_session *s, uint64_t affected_rows,
			    const struct fake_track *t);

__attribute__((format(printf, 4, 5)))
void fake_answer_error(struct fake_session *s, uint16_t number, const char *sqlstate,
		       const char *format, ...);

/* A result set of <rows> rows of <columns> cells; the names are the first row's. */
void fake_answer_rows(struct fake_session *s, const struct fake_cell *cells,
		      size_t columns, size_t rows);

/* The configured result. */
void fake_answer_canned(struct fake_session *s, bool binary);

/* COM_STMT_PREPARE_OK with <parameters> and <columns> definitions. */
void fake_answer_prepared(struct fake_session *s, uint32_t id, size_t columns,
			  size_t parameters);

/* EOF as the answer to COM_SET_OPTION. */
void fake_answer_eof(struct fake_session *s);

/* One packet of plain text (COM_STATISTICS). */
void fake_answer_text(struct fake_session *s, const char *text);

#endif
