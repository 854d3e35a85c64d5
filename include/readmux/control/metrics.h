/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be seen of readmux, as text for Prometheus (text exposition format 0.0.4).
 *
 * Every metric comes from a table; metrics_document() prints what they mean.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_METRICS_H
#define READMUX_CONTROL_METRICS_H

#include <readmux/control/overview.h>

/* Text for free(), and its length; NULL: no memory. */
char *metrics_text(const struct overview *o, size_t *len);

/* A table in Markdown of every metric: name, type, labels, meaning. */
void metrics_document(FILE *out);

#endif
