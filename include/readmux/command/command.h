/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of the command line: what each prints goes to stdout, what went wrong to
 * stderr, and what it gives is the exit status.
 */
#ifndef READMUX_COMMAND_COMMAND_H
#define READMUX_COMMAND_COMMAND_H

#include <readmux/command/options.h>
#include <readmux/model/settings.h>

typedef int command_fn(const struct options *options, const struct settings *settings);

/* status.c: 0 when readmux is ready. */
command_fn command_status;

/* top.c */
command_fn command_top;

/* order.c */
command_fn command_reload;
command_fn command_drain;
command_fn command_resume;
command_fn command_log_level;

/* check.c: 0 when nothing was found that would hurt. */
command_fn command_check;

/* dev.c: serves until it is stopped. */
command_fn command_dev;

#endif
