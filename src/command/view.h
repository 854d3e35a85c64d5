/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the admin address tells, as text in columns: for readmux status and readmux top.
 * Private to this layer.
 */
#ifndef READMUX_COMMAND_VIEW_H
#define READMUX_COMMAND_VIEW_H

#include <readmux/base/common.h>

#include <jansson.h>

/* One line: version, since when, whether it is ready.  <status>: of /status.json. */
void view_head(FILE *out, const json_t *status, const char *where);

/* Sessions, statements and errors now, in one line. */
void view_figures(FILE *out, const json_t *status);

void view_backends(FILE *out, const json_t *status);

/* The <most> reasons with most statements; the <most> latest events. */
void view_routes(FILE *out, const json_t *status, size_t most);
void view_events(FILE *out, const json_t *status, size_t most);

/* One line for each server, beginning with the time: for a log of readmux top. */
void view_lines(FILE *out, const json_t *status);

/* Every column of a report. */
void view_report(FILE *out, const json_t *rows);

#endif
