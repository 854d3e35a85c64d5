/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The admin address: status page, metrics and health for people and programs, and, with
 * the token, orders.  HTTP by libevent's evhttp, on the control loop: off the data path.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_ADMIN_H
#define READMUX_CONTROL_ADMIN_H

#include <readmux/control/overview.h>
#include <readmux/model/table.h>
#include <readmux/net/loop.h>
#include <readmux/sql/report.h>

struct admin;

/* <t> is the receiver's: table_free(). */
typedef void admin_report_fn(void *arg, struct table *t);

/* What the admin address may ask of its host. */
struct admin_host_ops {
	void (*overview)(void *host, struct overview *o);
	/* Call <done> once, perhaps from inside. */
	void (*report)(void *host, enum report report, admin_report_fn *done, void *arg);
	/* Orders.  False: refused; <words> tell what came of it, in both cases. */
	bool (*hold)(void *host, struct span backend, bool hold, char *words, size_t room);
	bool (*reload)(void *host, char *words, size_t room);
	bool (*drain)(void *host, char *words, size_t room);
	bool (*log_level)(void *host, struct span level, char *words, size_t room);
};

/*
 * Listen at <at>; <fd> is a socket that does so already, or -1.  NULL on failure, with words
 * into <problem>.
 */
struct admin *admin_open(struct loop *loop, const struct address *at, int fd,
			 const struct admin_host_ops *ops, void *host, char *problem,
			 size_t room);

/* Its listening socket, which stays its own. */
int admin_descriptor(const struct admin *a);

void admin_close(struct admin *a);	/* NULL is allowed */

/* A table in Markdown of every path (for the documents). */
void admin_document(FILE *out);

#endif
