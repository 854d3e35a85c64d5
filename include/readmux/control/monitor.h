/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes one server from a thread of its own, so that one that hangs delays
 * nobody.  libmysqlclient's home.
 *
 * Each probe ends in a letter to the control thread, which alone forms a
 * verdict.  The thread connects to an address, never to a name.
 */
#ifndef READMUX_CONTROL_MONITOR_H
#define READMUX_CONTROL_MONITOR_H

#include <readmux/base/address.h>
#include <readmux/model/settings.h>
#include <readmux/model/topology.h>
#include <readmux/net/mailbox.h>

struct monitor;

/* A user of the server whose accounts all have this one native hash. */
struct account_hash {
	char user[288];
	char hash[48];
};

struct probe_report {
	struct letter       letter;
	uint32_t            backend;	/* id given to monitor_start() */
	enum evidence       evidence;	/* PROBE_OK, PROBE_FAILED or MISCONFIGURED */
	char                words[160];	/* of a failure */
	struct server_facts facts;	/* PROBE_OK */
	enum lag_state      lag_state;
	uint32_t            lag_ms;
	bool                has_accounts;	/* the list below was read afresh */
	size_t              account_count;
	struct account_hash *accounts;		/* free()d by the receiver */
};

/*
 * Probe <address> every probe.interval and report to <box>; <primary>: read
 * the account table as well.  NULL: no memory or threads.
 */
struct monitor *monitor_start(uint32_t backend, const struct address *address, bool primary,
			      const struct settings *settings, struct mailbox *box);

/* Probe now, not at the next interval. */
void monitor_kick(struct monitor *m);
void monitor_reload(struct monitor *m, const struct settings *settings);

/* Ask the thread to end; monitor_join() waits for it (at most about the probe timeout). */
void monitor_stop(struct monitor *m);
void monitor_join(struct monitor *m);

#endif
