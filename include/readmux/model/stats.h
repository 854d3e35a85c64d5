/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of one worker: declared once, written by that worker only, read by
 * the control thread at any time.  Relaxed atomics, no shared cache line.
 */
#ifndef READMUX_MODEL_STATS_H
#define READMUX_MODEL_STATS_H

#include <readmux/sql/reason.h>

#include <stdatomic.h>

/*  name                       kind     help */
#define WORKER_STATS(X)								\
	X(sessions,               gauge,   "Client connections open now")	\
	X(sessions_total,         counter, "Client connections accepted")	\
	X(logins_total,           counter, "Logins that succeeded")		\
	X(login_failures_total,   counter, "Logins that failed")		\
	X(statements_primary_total, counter, "Statements sent to the primary")	\
	X(statements_replica_total, counter, "Statements sent to a replica")	\
	X(statements_waiting,     gauge,   "Statements waiting for a server connection now") \
	X(waits_total,            counter, "Statements that had to wait for a server connection") \
	X(retries_total,          counter, "Reads that were run again on another server") \
	X(repairs_total,          counter, "Reads that a replica refused as writes, run again on the primary") \
	X(errors_total,           counter, "Errors that readmux itself sent to clients") \
	X(server_connections,     gauge,   "Server connections open now")	\
	X(server_connects_total,  counter, "Server connections opened")		\
	X(server_connect_failures_total, counter, "Server connections that could not be opened") \
	X(server_losses_total,    counter, "Server connections lost in use")	\
	X(pool_hits_total,        counter, "Leases served by an idle connection with the same state") \
	X(restores_total,         counter, "Leases that had to restore session state first") \
	X(pins_total,             counter, "Times a session was pinned to a server connection") \
	X(client_bytes_received_total, counter, "Bytes received from clients")	\
	X(client_bytes_sent_total, counter, "Bytes sent to clients")

struct worker_stats {
#define X(name, kind, help) _Atomic uint64_t name;
	WORKER_STATS(X)
#undef X
	_Atomic uint64_t routed[REASON_COUNT];	/* statements by reason */
};

/* By the owning worker only. */
#define STAT_ADD(stats, name, amount)						\
	atomic_store_explicit(&(stats)->name,					\
		atomic_load_explicit(&(stats)->name, memory_order_relaxed) +	\
		(uint64_t)(amount), memory_order_relaxed)
#define STAT_INC(stats, name) STAT_ADD(stats, name, 1)
#define STAT_DEC(stats, name) STAT_ADD(stats, name, UINT64_MAX)

/* From any thread. */
#define STAT_GET(stats, name) \
	atomic_load_explicit(&(stats)->name, memory_order_relaxed)

enum stat_kind { STAT_KIND_counter, STAT_KIND_gauge };

/* One row of the list above, for metrics and status pages. */
struct stat_info {
	const char    *name;
	enum stat_kind kind;
	const char    *help;
	size_t         offset;	/* in struct worker_stats */
};

/* All rows but <routed>; <n> is set. */
const struct stat_info *stats_table(size_t *n);

/* The value of <row>; from any thread. */
uint64_t stats_read(const struct worker_stats *stats, const struct stat_info *row);

/* Add every number of <from> to <into>, which is the caller's own. */
void stats_sum(struct worker_stats *into, const struct worker_stats *from);

#endif
