/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and texts come from peers: they may or may not be UTF-8. */
#ifndef READMUX_BASE_UTF8_H
#define READMUX_BASE_UTF8_H

#include <readmux/base/span.h>

/*
 * Length of the character at the start of <text>, 1 to 4; 0 when it is none: not UTF-8, cut
 * off, longer than need be, a surrogate, or beyond U+10FFFF.
 */
size_t utf8_character(struct span text);

#endif
