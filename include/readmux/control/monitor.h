/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes one server from a thread of its own, so that one that hangs delays
 * nobody.
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

enum monitor_letter_kind { MONITOR_REPORT = 1, MONITOR_ENDED };

/* A user of the server and the one native hash of all its accounts; "": there is none. */
struct account_hash {
	char user[288];
	char hash[48];
};

/* MONITOR_REPORT: one probe.  probe_report_free() by the receiver. */
struct probe_report {
	struct letter       letter;
	uint32_t            monitor;	/* the number given to monitor_start() */
	enum evidence       evidence;	/* PROBE_OK, or what struct probe_failure has */
	char                words[160];	/* of a failure */
	struct server_facts facts;	/* PROBE_OK */
	enum lag_state      lag_state;
	uint32_t            lag_ms;
	char                replication[160];	/* LAG_STOPPED: why, in words */
	char                log[LOG_POSITION_MAX];	/* the end of its binary log; of a replica,
							   up to where it has applied its source's */
	uint64_t            asked_us;	/* when that was asked, by clock_now_us() */
	uint32_t            source_id;	/* a replica's: server_id of its source */
	bool                has_accounts;	/* the list below was read afresh */
	size_t              account_count;
	struct account_hash *accounts;
};

void probe_report_free(struct probe_report *r);

/*
 * Probe <address> every probe.interval and report to <box> as <number>; <host>: whom its
 * certificate must name; <primary>: read the account table as well.  NULL: no memory or
 * threads.
 */
struct monitor *monitor_start(uint32_t number, const struct address *address,
			      const char *host, bool primary,
			      const struct settings *settings, struct mailbox *box);

/* Probe now, not at the next interval; many kicks make no more than ten probes a second. */
void monitor_kick(struct monitor *m);
void monitor_reload(struct monitor *m, const struct settings *settings);

/*
 * Ask the thread to end.  It finishes its probe first; its last letter is MONITOR_ENDED,
 * whose receiver calls monitor_free(monitor_of(letter)), which does not wait then.
 */
void monitor_stop(struct monitor *m);
struct monitor *monitor_of(struct letter *letter);
void monitor_free(struct monitor *m);

/* Wait for a thread that was asked to end, about the probe timeout; its letter comes. */
void monitor_join(struct monitor *m);

#endif
