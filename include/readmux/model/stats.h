/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of one worker: declared once, written by that worker only, read by
 * the control thread at any time.  Relaxed atomics, no shared cache line.
 *
 * Each list here is one table, from which metrics, status pages and their
 * documentation come.  Names follow Prometheus: a counter ends in _total, a unit is named.
 */
#ifndef READMUX_MODEL_STATS_H
#define READMUX_MODEL_STATS_H

#include <readmux/base/error.h>
#include <readmux/base/span.h>
#include <readmux/model/histogram.h>
#include <readmux/sql/reason.h>

/*  name                       kind     help */
#define WORKER_STATS(X)								\
	X(sessions,               gauge,   "Client connections open now")	\
	X(sessions_total,         counter, "Client connections accepted")	\
	X(logins_total,           counter, "Logins that succeeded")		\
	X(login_failures_total,   counter, "Logins that failed")		\
	X(statements_primary_total, counter, "Statements sent to the primary")	\
	X(statements_replica_total, counter, "Statements sent to a replica")	\
	X(statements_waiting,     gauge,   "Statements waiting for a server connection now") \
	X(waits_total,            counter, "Statements that had to wait for a server or a connection to it") \
	X(retries_total,          counter, "Reads that were run again on another server") \
	X(repairs_total,          counter, "Reads that a replica refused as writes, or that changed their session there, run again on the primary") \
	X(errors_total,           counter, "Errors that readmux itself sent to clients") \
	X(server_connections,     gauge,   "Server connections open now")	\
	X(server_connects_total,  counter, "Server connections opened")		\
	X(server_connect_failures_total, counter, "Server connections that could not be opened") \
	X(server_losses_total,    counter, "Server connections lost in use")	\
	X(leases_total,           counter, "Server connections taken from a pool for a statement") \
	X(pool_hits_total,        counter, "Leases served by an idle connection with the same state") \
	X(restores_total,         counter, "Leases that had to restore session state first") \
	X(pins_total,             counter, "Times a session was pinned to a server connection") \
	X(client_bytes_received_total, counter, "Bytes received from clients")	\
	X(client_bytes_sent_total, counter, "Bytes sent to clients")

/* The same of one backend. */
#define BACKEND_STATS(X)							\
	X(statements_total,       counter, "Statements sent to the backend")	\
	X(errors_total,           counter, "ERR packets in the backend's answers") \
	X(rows_total,             counter, "Rows in the backend's answers")	\
	X(retries_total,          counter, "Statements run again because the backend was lost or gave up") \
	X(connects_total,         counter, "Connections opened to the backend")	\
	X(connect_failures_total, counter, "Connections to the backend that could not be opened") \
	X(losses_total,           counter, "Connections to the backend lost in use") \
	X(bytes_received_total,   counter, "Bytes of answers received from the backend") \
	X(in_flight,              gauge,   "Statements running on the backend")	\
	X(connections,            gauge,   "Open connections to the backend")	\
	X(connections_leased,     gauge,   "Connections to the backend that sessions hold") \
	X(connections_dialing,    gauge,   "Connections to the backend being opened") \
	X(connections_limit,      gauge,   "Most connections to the backend that readmux opens") \
	X(waiting,                gauge,   "Statements waiting for a connection to the backend") \
	X(latency_us,             gauge,   "Moving average of the response time, in microseconds")

/* Where the time of a statement goes.  name, what */
#define BACKEND_TIMES(X)							\
	X(statement, "From a statement's arrival to the end of its answer")	\
	X(queue,     "From a statement's arrival until it has a server connection") \
	X(connect,   "Opening a connection: connect, TLS and login")		\
	X(restore,   "Setting session state before a statement")		\
	X(server,    "From a statement sent to the first bytes of its answer")	\
	X(send,      "From the first bytes of an answer to its end")

enum backend_time {
#define X(name, help) BACKEND_TIME_##name,
	BACKEND_TIMES(X)
#undef X
	BACKEND_TIME_COUNT
};

/* How logins end.  constant, word, what */
#define LOGIN_RESULTS(X)							\
	X(ACCEPTED,  "accepted",  "let in")					\
	X(DENIED,    "denied",    "wrong password or unknown user")		\
	X(REFUSED,   "refused",   "another error of a server or of readmux")	\
	X(NO_SERVER, "no-server", "no server could be asked, or it had no room")	\
	X(TIMEOUT,   "timeout",   "the client took too long")

enum login_result {
#define X(constant, word, what) LOGIN_##constant,
	LOGIN_RESULTS(X)
#undef X
	LOGIN_RESULT_COUNT
};

#define STATS_BACKENDS_MAX 64u	/* ordinals below it */
#define STATS_ERRORS_MAX   64u	/* different error numbers; the last place takes all others */
#define STATS_USERS_MAX    64u	/* different users; the same */
#define STATS_USER_NAME_MAX 100u
#define STATS_PHASES_MAX   16u

struct backend_stats {
#define X(name, kind, help) _Atomic uint64_t name;
	BACKEND_STATS(X)
#undef X
	_Atomic uint64_t routed[REASON_COUNT];	/* statements by reason */
	struct histogram times[BACKEND_TIME_COUNT];
};

struct error_stats {
	_Atomic uint32_t number;		/* 0: a free place, or that for all others */
	_Atomic uint64_t total;
};

struct user_stats {
	char             name[STATS_USER_NAME_MAX];	/* written before <user_count> counts it */
	_Atomic uint64_t statements_primary_total;
	_Atomic uint64_t statements_replica_total;
	_Atomic uint64_t errors_total;
	_Atomic uint64_t sessions;
};

struct worker_stats {
#define X(name, kind, help) _Atomic uint64_t name;
	WORKER_STATS(X)
#undef X
	_Atomic uint64_t   phases[STATS_PHASES_MAX];	/* sessions by phase */
	_Atomic uint64_t   own_errors[RMX_ERROR_COUNT];
	_Atomic uint64_t   logins[LOGIN_RESULT_COUNT];
	struct error_stats server_errors[STATS_ERRORS_MAX];
	_Atomic size_t     user_count;
	struct user_stats  users[STATS_USERS_MAX];
	struct histogram   loop_delay;		/* how late the worker's loop looks at news */
	_Atomic uint64_t   turned_us;		/* clock_now_us() when it last did */
	struct backend_stats *_Atomic backends[STATS_BACKENDS_MAX];	/* by ordinal; NULL = never used */
};

/* By the owning worker only. */
#define STAT_ADD(stats, name, amount)						\
	atomic_store_explicit(&(stats)->name,					\
		atomic_load_explicit(&(stats)->name, memory_order_relaxed) +	\
		(uint64_t)(amount), memory_order_relaxed)
#define STAT_INC(stats, name) STAT_ADD(stats, name, 1)
#define STAT_DEC(stats, name) STAT_ADD(stats, name, UINT64_MAX)
#define STAT_SET(stats, name, value) \
	atomic_store_explicit(&(stats)->name, (uint64_t)(value), memory_order_relaxed)

/* From any thread. */
#define STAT_GET(stats, name) \
	atomic_load_explicit(&(stats)->name, memory_order_relaxed)

/*
 * The counters of the backend with <ordinal>, made at first use; they stay until
 * stats_clear(), whichever server bears the name.  NULL: no memory.  By the owning worker.
 */
struct backend_stats *stats_backend(struct worker_stats *stats, unsigned ordinal);

/* The same from any thread; NULL: never used. */
const struct backend_stats *stats_backend_of(const struct worker_stats *stats, unsigned ordinal);

/* The place of <user>; that for all others (named "") when there are too many. */
struct user_stats *stats_user(struct worker_stats *stats, struct span user);

/* An ERR packet of a server went to a client. */
void stats_server_error(struct worker_stats *stats, uint16_t number);

/* Free what was made.  The worker has ended. */
void stats_clear(struct worker_stats *stats);

enum stat_kind { STAT_KIND_counter, STAT_KIND_gauge };

/* One row of a list above, for metrics and status pages. */
struct stat_info {
	const char    *name;
	enum stat_kind kind;
	const char    *help;
	size_t         offset;
};

/* Rows of WORKER_STATS; <n> is set.  Offsets are in struct worker_stats. */
const struct stat_info *stats_table(size_t *n);

/* Rows of BACKEND_STATS.  Offsets are in struct backend_stats. */
const struct stat_info *stats_backend_table(size_t *n);

/* The result's word, for labels. */
const char *stats_login_word(enum login_result result);

/* Name and meaning of a time. */
const char *stats_time_name(enum backend_time time);
const char *stats_time_help(enum backend_time time);

/* The number of <row> in <counters>, a struct of the row's list; from any thread. */
uint64_t stats_read(const void *counters, const struct stat_info *row);

#endif
