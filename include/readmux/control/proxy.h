/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole proxy: assembles listeners, workers and fleet, reloads and drains.
 */
#ifndef READMUX_CONTROL_PROXY_H
#define READMUX_CONTROL_PROXY_H

#include <readmux/model/settings.h>

/*
 * Serve until SIGTERM or SIGINT has been carried out.  <config_path> (may be
 * NULL) is read again on SIGHUP.  Returns the exit status: 0 after a clean
 * end, 1 when it could not start (the reason is logged).
 */
int proxy_run(const struct settings *settings, const char *config_path);

#endif
