/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is used for what: from everything known about all backends at once, because
 * whether one is dropped depends on who would be left.  Pure.
 */
#ifndef READMUX_MODEL_VERDICT_H
#define READMUX_MODEL_VERDICT_H

#include <readmux/model/topology.h>

/* One backend.  Of <view> come role, health, facts and lag; see verdict_compute(). */
struct verdict_case {
	struct backend_view *view;
	bool                 held;		/* an operator has taken it out */
	bool                 name_gone;		/* confirmed: DNS does not know its name */
	uint32_t             weight;		/* 1..100: what it has when it is usable */
	uint64_t             blind_ms;		/* with a primary that answers, and no lag */
	const char          *trouble;		/* why it is not up, in words */
	const char          *replication;	/* LAG_STOPPED: why, in words */
};

/*
 * Fill in state, draining, usable, writable, weight and cause of every view.
 *
 * A replica is dropped for its lag or its missing name only while another one stays.
 * Lag that is unknown because the primary is away drops nobody; a replica that alone
 * does not find the primary lags by that time.  An operator is always obeyed.
 */
void verdict_compute(const struct verdict_case *cases, size_t n, uint64_t max_lag_ms);

#endif
