/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fleet's insides, for its two files: fleet.c takes evidence, fleet_settle.c makes
 * news of it.
 */
#ifndef READMUX_CONTROL_FLEET_PARTS_H
#define READMUX_CONTROL_FLEET_PARTS_H

#include <readmux/control/discovery.h>
#include <readmux/control/fleet.h>
#include <readmux/control/monitor.h>
#include <readmux/net/timer.h>

#define BACKENDS_MAX DISCOVERY_PODS_MAX
#define LEAVING_MAX  64u

/* One backend; its ordinal is its place in fleet.members. */
struct member {
	struct backend_view view;	/* as it would be published now */
	struct backend_view told;	/* as it was published last; id 0 = never */
	struct health_state health;
	struct monitor     *monitor;	/* NULL: no thread could be had */
	uint32_t            probe;	/* what its monitor's reports are marked with */
	bool                in_use;
	bool                probed;	/* a probe has succeeded since it is in use */
	bool                was_itself;	/* the pod's own host name was seen at this address */
	uint64_t            named_until_us;	/* ... or at the one before: until then it is asked for */
	bool                starts_slowly;	/* found after the start, or was down */
	bool                name_gone;	/* DNS has confirmed it */
	bool                held;	/* an operator has taken it out */
	uint64_t            turned_us;	/* when it went down or came back */
	uint64_t            seen_lag_us;	/* when its lag was known last; 0 = never */
	uint32_t            source_id;	/* a replica's: server_id of its source, 0 = none */
	char                log[LOG_POSITION_MAX];	/* view.log, whoever its source is */
	char                trouble[160];	/* why it is not up */
	char                replication[160];	/* why its replication does not run */
};

struct fleet {
	struct loop            *loop;
	const struct settings  *settings;
	const struct fleet_host_ops *ops;
	void                   *arg;
	struct mailbox         *mailbox;
	struct discovery       *discovery;	/* NULL: a list in the settings */
	struct timer            slow_start;
	struct topology        *topology;
	struct member           members[BACKENDS_MAX];
	struct monitor         *leaving[LEAVING_MAX];	/* stopped, not ended yet */
	size_t                  leaving_count;
	struct fleet_counts     counts;		/* but for those of discovery */
	uint32_t                next_id;	/* of backends and of probes */
	bool                    discovered;
	bool                    news;		/* somebody came or went */
	bool                    closing;
};

/*
 * After any evidence: compute what each backend is used for, log what has changed,
 * and publish a snapshot when workers care about it.
 */
void fleet_settle(struct fleet *f);

#endif
