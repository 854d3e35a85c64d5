/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the admin address of a running readmux: what the commands on the command line need.
 * Blocks, but not for long.
 */
#ifndef READMUX_CONTROL_ADMIN_CLIENT_H
#define READMUX_CONTROL_ADMIN_CLIENT_H

#include <readmux/base/address.h>

#define ADMIN_CLIENT_TIMEOUT_S 5	/* for a whole answer */

enum admin_method { ADMIN_GET, ADMIN_POST };

struct admin_answer {
	int    code;	/* of HTTP; 0: there was none */
	char  *body;	/* ends with a zero; never NULL after admin_ask() */
	size_t len;
};

/*
 * Ask for <path> at <at>, as the bearer of <token> ("" = of none).  False: no answer came,
 * and <problem> says why.  admin_answer_free() in both cases.
 */
RMX_MUST_CHECK
bool admin_ask(const struct address *at, enum admin_method method, const char *path,
	       const char *token, struct admin_answer *answer, char *problem, size_t room);

void admin_answer_free(struct admin_answer *answer);

#endif
