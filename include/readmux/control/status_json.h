/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be seen of readmux, as JSON for programs: the status page, readmux top.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_STATUS_JSON_H
#define READMUX_CONTROL_STATUS_JSON_H

#include <readmux/control/overview.h>
#include <readmux/model/table.h>

/* Each gives text for free(), or NULL: no memory. */

/* Everything: /status.json. */
char *status_json(const struct overview *o);

/* The settings: /config.json. */
char *status_json_config(const struct overview *o);

/* An array of objects, one a row. */
char *status_json_table(const struct table *t);

/* {"done": ..., "words": ...}: the answer to an order. */
char *status_json_outcome(bool done, const char *words);

#endif
