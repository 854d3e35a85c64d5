/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of SHOW READMUX, which are those of /status.json too.
 *
 * Some are made here from an overview; what only the workers know (sessions, statements)
 * each of them adds to, see relay/report.h.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_REPORTS_H
#define READMUX_CONTROL_REPORTS_H

#include <readmux/control/overview.h>
#include <readmux/model/table.h>
#include <readmux/sql/report.h>

/* True: reports_fill() does it; else the workers have to be asked. */
bool reports_is_of_control(enum report report);

/* An empty table with the columns of <report>. */
struct table reports_table(enum report report);

/* Fill the table of a report that is of control. */
void reports_fill(const struct overview *o, enum report report, struct table *t);

#endif
