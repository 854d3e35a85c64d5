/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time that never goes back, and time of day for the log.
 *
 * Layers without sockets take "now" as an argument; only loops and threads
 * ask these functions.
 */
#ifndef READMUX_BASE_CLOCK_H
#define READMUX_BASE_CLOCK_H

#include <readmux/base/common.h>

/* Monotonic microseconds since an arbitrary start. */
uint64_t clock_now_us(void);

/* Microseconds since 1970, which may jump. */
uint64_t clock_wall_us(void);

/* UTC as 2026-11-23T14:02:07.123Z into <out>, which has 32 bytes or more. */
void clock_format_utc(char *out, size_t room);

#endif
