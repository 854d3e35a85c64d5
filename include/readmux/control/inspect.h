/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks one server everything that readmux check wants to know: what a probe asks, and more.
 */
#ifndef READMUX_CONTROL_INSPECT_H
#define READMUX_CONTROL_INSPECT_H

#include <readmux/control/discovery.h>
#include <readmux/control/monitor.h>

#define INSPECT_VALUE_MAX   96u
#define INSPECT_PLUGINS_MAX 16u

/* A plugin that accounts of the server log in with. */
struct inspected_plugin {
	char     name[64];
	unsigned accounts;
	char     user[96];	/* one of them */
};

struct inspection {
	struct probe_report probe;	/* what a probe would report */
	/* The rest only when the probe went well (probe.evidence is EVIDENCE_PROBE_OK). */
	char   (*values)[INSPECT_VALUE_MAX];	/* of the variables asked for; "" = it has none such */
	bool     clock_known;
	double   clock_ahead_s;		/* of this machine's */
	bool     accounts_known;	/* the probe account may read the account table */
	size_t   plugin_count;
	struct inspected_plugin plugins[INSPECT_PLUGINS_MAX];
};

/* A server that discovery finds, or that is configured. */
struct inspected_place {
	unsigned       ordinal;
	struct address address;
	char           host[BACKEND_HOST_MAX];	/* as struct backend_view has it */
};

/*
 * Ask the server at <place>; <names> are the <n> global variables whose values are wanted.
 * Blocks, for a few probe.timeout at most.  False: no memory.  inspection_free() by the caller.
 */
RMX_MUST_CHECK
bool inspect_server(const struct inspected_place *place, bool primary,
		    const char *const *names, size_t n, const struct settings *settings,
		    struct inspection *found);

void inspection_free(struct inspection *i);

/* One that is known by its address. */
void inspected_place_at(struct inspected_place *place, unsigned ordinal,
			const struct address *address);

/*
 * The servers of <settings>: the fixed ones, or those that DNS knows after one pass, which
 * takes a few seconds at most.  The number of them.
 */
size_t inspect_places(const struct settings *settings,
		      struct inspected_place places[DISCOVERY_PODS_MAX]);

/* Whether a MySQL or MariaDB server greets at <address>. */
RMX_MUST_CHECK
bool inspect_greets(const struct address *address, uint64_t timeout_ms);

#endif
