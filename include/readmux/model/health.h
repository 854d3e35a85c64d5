/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns a stream of evidence about one server, from probes and traffic, into a steady
 * verdict.  Pure: the control thread feeds it, and so does the unit test.
 *
 * What DNS says and how the server replicates are judged in verdict.h, together with
 * this.
 */
#ifndef READMUX_MODEL_HEALTH_H
#define READMUX_MODEL_HEALTH_H

#include <readmux/base/common.h>

enum health {
	HEALTH_UNKNOWN,		/* never probed */
	HEALTH_UP,
	HEALTH_SUSPECT,		/* there is more than one sign; a probe is on its way */
	HEALTH_DOWN,
};

enum evidence {
	EVIDENCE_PROBE_OK,
	EVIDENCE_PROBE_FAILED,
	EVIDENCE_CONNECT_FAILED,	/* refused or unreachable */
	EVIDENCE_LINK_BROKE,		/* a worker lost a connection, or could not log in in time */
	EVIDENCE_STRANGER,		/* a worker's new connection has reached another server */
	EVIDENCE_MISCONFIGURED,		/* 1045 and the like at the probe: it lives */
	EVIDENCE_WRONG_SERVER,		/* another pod answers at its address */
	EVIDENCE_READ_ONLY,		/* the primary has refused a worker's write */
};

struct health_rule {
	unsigned rise;	/* good probes in a row to come back */
	unsigned fall;	/* failed ones in a row to go out */
};

struct health_state {
	enum health   now;
	enum evidence cause;	/* what last changed <now> */
	unsigned      streak;	/* consecutive results against <now> */
	bool          doubted;	/* a link broke since the last good probe */
};

/* Start: unknown.  The first probe decides alone. */
void health_init(struct health_state *h);

/*
 * Take one piece of evidence; true when the verdict changed.  A failed connect and a
 * wrong server take it out at once.  A broken link alone says little: clients are killed,
 * too.  Together with a probe that failed it makes the server suspect, and so does a
 * stranger; the next probe decides.  READ_ONLY says nothing of its health.
 */
bool health_observe(struct health_state *h, const struct health_rule *rule,
		    enum evidence evidence);

#endif
