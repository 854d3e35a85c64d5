/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a configuration: one line per error, in the caller's room.
 * Private to the config files.
 */
#ifndef READMUX_CONTROL_CONFIG_REPORT_H
#define READMUX_CONTROL_CONFIG_REPORT_H

#include <readmux/base/span.h>

/* Nobody reads more at once; the rest is counted. */
#define REPORT_LINES_MAX 20u

/* Words about one value. */
#define REPORT_WORDS_MAX 256u

struct report {
	const char *name;	/* of the file, as the user gave it */
	char       *out;
	size_t      room;
	size_t      len;
	unsigned    errors;
};

/* A place in the file, counted from 1; line 0 means none is known. */
struct place {
	size_t line;
	size_t column;
};

/* An empty report into <out>, which is emptied. */
void report_init(struct report *report, const char *name, char *out, size_t room);

/* "NAME:LINE:COLUMN: words\n" */
void report_at(struct report *report, struct place at, const char *format, ...)
	__attribute__((__format__(printf, 3, 4)));

/* "words\n", for what does not come from the file. */
void report_add(struct report *report, const char *format, ...)
	__attribute__((__format__(printf, 2, 3)));

/* Say how many errors were left out, and end the last line properly. */
void report_finish(struct report *report);

/* <text> cut and made fit for a terminal. */
#define REPORT_CLEAN_MAX 80u
const char *report_clean(struct span text, char out[REPORT_CLEAN_MAX]);

#endif
