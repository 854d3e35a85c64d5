/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sessions and server connections of one worker share: the worker as
 * they see it.  They never see the worker itself.
 */
#ifndef READMUX_RELAY_ENV_H
#define READMUX_RELAY_ENV_H

#include <readmux/auth/credentials.h>
#include <readmux/auth/rsa.h>
#include <readmux/base/slab.h>
#include <readmux/model/settings.h>
#include <readmux/model/stats.h>
#include <readmux/model/topology.h>
#include <readmux/net/loop.h>
#include <readmux/net/stream.h>
#include <readmux/net/tls.h>
#include <readmux/sql/report.h>

struct account_table;
struct digests;
struct compressed_shared;
struct kill_request;
struct pools;
struct query_table;
struct refused;
struct session;
struct state_table;

/* What the worker is told; none of these may call back into relay. */
struct relay_host_ops {
	void (*session_closed)(void *arg);
	void (*evidence)(void *arg, uint32_t backend, enum evidence evidence, const char *words);
	/* Ask the worker of r->target; see kill.h. */
	void (*kill)(void *arg, const struct kill_request *r);
	/* What has become of it, to the worker of r->asker. */
	void (*kill_answered)(void *arg, const struct kill_request *r);
	/* The session <asker> wants <report>; see report.h. */
	void (*show)(void *arg, uint32_t asker, enum report report);
};

TAILQ_HEAD(session_list, session);
TAILQ_HEAD(interruption_list, interruption);
TAILQ_HEAD(relay_walk_list, relay_walk);

struct relay_env {
	struct loop               *loop;
	const struct settings     *settings;	/* the worker exchanges it on reload */
	const struct topology     *topology;	/* and this on news; never NULL */
	struct worker_stats       *stats;
	struct credentials        *credentials;
	const struct rsa_key      *rsa;
	struct tls_context        *tls_server;	/* NULL: TLS toward clients is off */
	struct tls_context        *tls_client;	/* NULL: TLS toward servers is off */
	const struct relay_host_ops *host_ops;
	void                      *host;
	unsigned                   workers;	/* how many share the servers' connection limits */
	bool                       draining;	/* close sessions where that loses nothing */

	struct state_table        *states;
	struct account_table      *accounts;
	struct query_table        *queries;
	struct digests            *digests;	/* statistics of statements by shape */
	struct refused            *refused;	/* reads that replicas took for writes */
	struct pools              *pools;
	struct compressed_shared  *compressed;	/* what compression works in; NULL: not used yet */
	struct slab                requests;	/* struct request */
	struct slab                sessions;	/* struct session */
	struct slab                conns;	/* struct server_conn */
	struct session_list        all;		/* every session */
	struct relay_walk_list     walks;	/* over them, for reports */
	struct session_list        waiting;	/* those whose statement waits for a server to become usable */
	struct interruption_list   interruptions;	/* KILLs under way; session_kill.c */
	size_t                     waiting_count;	/* those, and those in a pool's line */
	size_t                     waiting_bytes;
	struct balance_state       balance;
	struct iovec               out[STREAM_IOV];	/* of the answer now looked at: to one client */
	int                        out_count;
	size_t                     workshop_used;	/* by rewritten packets that <out> points to */
};

/* Sets up what relay owns in <env>; the worker has filled in the rest.  False: no memory. */
RMX_MUST_CHECK
bool relay_env_open(struct relay_env *env);

/* Every session and server connection is closed; the loop must turn once more before relay_env_free(). */
void relay_env_close(struct relay_env *env);
void relay_env_free(struct relay_env *env);

/* After the worker has exchanged env->topology: retire pools, retry what waits. */
void relay_env_topology_changed(struct relay_env *env);

/* Close every session that is between statements and outside a transaction; the others follow as they get there. */
void relay_env_drain(struct relay_env *env);

#endif
