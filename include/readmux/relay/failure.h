/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client is told of a statement that no server has answered; kept where it
 * cannot be told at once.  One piece of memory: free() it.
 */
#ifndef READMUX_RELAY_FAILURE_H
#define READMUX_RELAY_FAILURE_H

#include <readmux/base/common.h>
#include <readmux/wire/protocol.h>

#include <stdlib.h>

struct failure {
	uint16_t number;
	char     sqlstate[SQLSTATE_LEN + 1];	/* "" = HY000 */
	char     text[800];
};

/* A copy; NULL: no memory. */
RMX_MUST_CHECK
static inline struct failure *failure_copy(const struct failure *f)
{
	struct failure *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		*copy = *f;
	return copy;
}

#endif
