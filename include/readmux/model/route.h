/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision for one statement: which role, and why.  Pure: the statement's
 * verdict and the session's situation in, a route out.
 */
#ifndef READMUX_MODEL_ROUTE_H
#define READMUX_MODEL_ROUTE_H

#include <readmux/sql/classify.h>

enum consistency { CONSISTENCY_SESSION, CONSISTENCY_EVENTUAL, CONSISTENCY_PRIMARY };
enum listen_route { LISTEN_SPLIT, LISTEN_READ };

/* What of a session bears on the decision. */
struct route_situation {
	bool              attached;		/* a server connection is held: in a transaction or pinned */
	bool              in_transaction;	/* SERVER_STATUS_IN_TRANS of the last answer */
	bool              autocommit_off;	/* SERVER_STATUS_AUTOCOMMIT missing in the last answer */
	bool              pinned;		/* state that cannot be replayed */
	bool              recent_write;		/* no replica is known to have its writes */
	enum consistency  consistency;
	enum listen_route listen;
	bool              replica_usable;
};

enum route_target {
	ROUTE_PRIMARY,
	ROUTE_REPLICA,		/* any usable replica */
	ROUTE_ATTACHED,		/* the server connection that the session holds */
	ROUTE_PREVIOUS,		/* where the previous statement ran, if that is still possible */
	ROUTE_ANY,		/* session state only: nothing needs to run if the session keeps it itself;
				 * otherwise any usable server, replicas first */
	ROUTE_NAMED,		/* the backend that a hint names */
};

struct route {
	enum route_target target;
	enum route_reason reason;
	bool              retryable;	/* may be run again elsewhere if no answer was passed on */
};

void route_decide(const struct sql_verdict *verdict, const struct route_situation *situation,
		  struct route *route);

const char *route_target_name(enum route_target target);

#endif
