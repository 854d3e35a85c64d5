/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backends as the control thread knows them: takes evidence from
 * discovery, probes and traffic, forms one verdict per backend, and publishes
 * a new topology whenever something that workers care about has changed.
 *
 * Control thread only.
 */
#ifndef READMUX_CONTROL_FLEET_H
#define READMUX_CONTROL_FLEET_H

#include <readmux/base/log.h>
#include <readmux/control/discovery.h>
#include <readmux/model/settings.h>
#include <readmux/model/topology.h>
#include <readmux/net/loop.h>

struct fleet;

/* A new snapshot; <arg>'s owner takes its own reference if it keeps it. */
typedef void fleet_publish_fn(void *arg, const struct topology *topology);

/* A hash from the primary's account table, or (user.len == 0) the end of the list of them. */
typedef void fleet_account_fn(void *arg, struct span user, struct span native_hash);

/* Something that a person wants to know of <backend>; already in the log. */
typedef void fleet_happened_fn(void *arg, enum log_level level, const char *event,
			       const char *backend, const char *words);

struct fleet_host_ops {
	fleet_publish_fn  *published;
	fleet_account_fn  *account;
	fleet_happened_fn *happened;
};

/* What it has done since the start. */
struct fleet_counts {
	uint64_t dns_answers[RESOLVER_ANSWERS];
	struct {
		char     name[BACKEND_NAME_MAX];	/* "" = never known */
		uint64_t probes_good, probes_failed;
		uint64_t changes;			/* of its state */
	} backends[DISCOVERY_PODS_MAX];			/* by ordinal */
};

/*
 * Starts discovery and probes per <settings>; the first snapshot (perhaps with
 * no backend usable) is published from inside.  NULL: no memory.
 */
struct fleet *fleet_new(struct loop *loop, const struct settings *settings,
			const struct fleet_host_ops *ops, void *arg);

/* Stops and joins the probe threads; takes at most the probe timeout. */
void fleet_free(struct fleet *fleet);

/* What a worker saw in traffic of backend <id>: anything but what probes alone can tell. */
void fleet_evidence(struct fleet *fleet, uint32_t id, enum evidence evidence,
		    const char *words);

/*
 * An operator takes <backend> out, or lets it back.  False: there is none of that name, or
 * it is so already; <words> says what.  It is forgotten when readmux ends.
 */
RMX_MUST_CHECK
bool fleet_hold(struct fleet *fleet, struct span backend, bool hold, char *words, size_t room);

void fleet_count(const struct fleet *fleet, struct fleet_counts *counts);

/* New settings (probe intervals, max_lag ...) after a reload. */
void fleet_reload(struct fleet *fleet, const struct settings *settings);

/* The snapshot of now; no reference is given. */
const struct topology *fleet_topology(const struct fleet *fleet);

#endif
