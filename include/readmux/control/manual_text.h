/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain words into a manual page's source (mdoc).  */
#ifndef READMUX_CONTROL_MANUAL_TEXT_H
#define READMUX_CONTROL_MANUAL_TEXT_H

#include <readmux/base/common.h>

/*
 * Print <text> so that mdoc shows it as it is: what has a meaning there is escaped, each
 * sentence begins on a line of its own (where mdoc wants them), lines are kept short.
 */
void manual_text(FILE *out, const char *text);

/* The head of a page that begins with its NAME section. */
void manual_head(FILE *out, const char *title, unsigned section, const char *name,
		 const char *about);

#endif
