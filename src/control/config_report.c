/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error lines of the configuration loader; see config_report.h. */
#include "config_report.h"

#include <stdarg.h>

void report_init(struct report *report, const char *name, char *out, size_t room)
{
	assert(room > 0);
	*report = (struct report){ .name = name, .out = out, .room = room };
	out[0] = '\0';
}

static void put(struct report *report, const char *format, va_list args)
{
	size_t left = report->room - report->len;
	int len = vsnprintf(report->out + report->len, left, format, args);

	if (len > 0)
		report->len += size_min((size_t)len, left - 1);
}

static void put_words(struct report *report, const char *format, ...)
	__attribute__((__format__(printf, 2, 3)));

static void put_words(struct report *report, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(report, format, args);
	va_end(args);
}

void report_at(struct report *report, struct place at, const char *format, ...)
{
	va_list args;

	if (++report->errors > REPORT_LINES_MAX)
		return;
	if (at.line > 0)
		put_words(report, "%s:%zu:%zu: ", report->name, at.line, at.column);
	else
		put_words(report, "%s: ", report->name);
	va_start(args, format);
	put(report, format, args);
	va_end(args);
	put_words(report, "\n");
}

void report_add(struct report *report, const char *format, ...)
{
	va_list args;

	if (++report->errors > REPORT_LINES_MAX)
		return;
	va_start(args, format);
	put(report, format, args);
	va_end(args);
	put_words(report, "\n");
}

void report_finish(struct report *report)
{
	if (report->errors > REPORT_LINES_MAX)
		put_words(report, "%s: and %u more errors\n", report->name,
			  report->errors - REPORT_LINES_MAX);
	if (report->len > 0)
		report->out[report->len - 1] = '\n';	/* also when it was cut */
}

const char *report_clean(struct span text, char out[REPORT_CLEAN_MAX])
{
	bool whole = span_copy(text, out, REPORT_CLEAN_MAX - 3);

	for (size_t i = 0; i < size_min(text.len, REPORT_CLEAN_MAX - 4); i++) {
		if ((uint8_t)out[i] < ' ' || out[i] == 0x7f)
			out[i] = '?';
	}
	if (!whole)
		memcpy(out + REPORT_CLEAN_MAX - 4, "...", 4);
	return out;
}
