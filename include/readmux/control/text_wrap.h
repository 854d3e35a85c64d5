/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for people, broken into lines at spaces.  */
#ifndef READMUX_CONTROL_TEXT_WRAP_H
#define READMUX_CONTROL_TEXT_WRAP_H

#include <readmux/base/common.h>

/*
 * Print <text> in lines of at most <width> bytes where its words allow it; the first
 * begins with <first>, the others with <rest>.
 */
void text_wrap(FILE *out, const char *text, const char *first, const char *rest,
	       size_t width);

#endif
