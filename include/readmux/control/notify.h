/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells a service manager how the process is: the datagrams of sd_notify(3), to the socket
 * that $NOTIFY_SOCKET names.  Without it nothing is said.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_NOTIFY_H
#define READMUX_CONTROL_NOTIFY_H

#include <readmux/base/common.h>

/* "READY=1", "STOPPING=1", "RELOADING=1" ...; several are separated by newlines. */
void notify(const char *state);

/* The same before a reload, which systemd wants to know the time of. */
void notify_reloading(void);

/* How often "WATCHDOG=1" is asked for, in microseconds; 0 = not at all. */
uint64_t notify_watchdog_us(void);

#endif
