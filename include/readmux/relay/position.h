/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places in the primary's history, as the servers write them: MariaDB's
 * "0-100-42" (domain, server, sequence) and MySQL's
 * "3e11fa47-71ca-11e1-9e33-c80aa9429562:42".
 */
#ifndef READMUX_RELAY_POSITION_H
#define READMUX_RELAY_POSITION_H

#include <readmux/base/common.h>

/*
 * True when a server that has applied <reached> certainly has <wanted>: same
 * source of history, same or later number.  Unsure is false.
 */
bool position_reached(const char *reached, const char *wanted);

#endif
