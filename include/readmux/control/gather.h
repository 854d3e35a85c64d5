/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts the tables of SHOW READMUX together: from an overview at once, or from what every
 * worker answers.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_GATHER_H
#define READMUX_CONTROL_GATHER_H

#include <readmux/control/reports.h>
#include <readmux/control/worker.h>

struct gather;

/* <t> is the receiver's: table_free(). */
typedef void gather_fn(void *arg, struct table *t);

/*
 * Call <done> once, perhaps from inside.  Until then <workers> live.
 */
void gather_start(const struct overview *o, struct worker *const *workers, enum report report,
		  gather_fn *done, void *arg);

/* A letter WORKER_REPORT has arrived; it is taken over. */
void gather_add(struct worker_report *part);

#endif
