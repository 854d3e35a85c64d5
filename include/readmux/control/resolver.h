/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks DNS for addresses and service records, on the control loop.  c-ares's home.
 *
 * Names are absolute: the search list of resolv.conf and /etc/hosts are never
 * used, and nothing is kept longer than it takes to answer.  READMUX_DNS_SERVERS
 * ("127.0.0.1:5353") in the environment replaces resolv.conf's servers: a
 * debugging aid.
 */
#ifndef READMUX_CONTROL_RESOLVER_H
#define READMUX_CONTROL_RESOLVER_H

#include <readmux/base/address.h>
#include <readmux/net/loop.h>

enum resolver_answer {
	RESOLVER_FOUND,
	RESOLVER_GONE,		/* DNS says: no such name, or nothing of the kind at it */
	RESOLVER_FAILED,	/* no usable answer: SERVFAIL, timeout ... */
};

/* <address> has no port (0) and is valid during the call; <words> is for FAILED. */
typedef void resolver_fn(void *arg, enum resolver_answer answer,
			 const struct address *address, uint32_t ttl_s, const char *words);

struct resolver_target {
	char     host[256];
	uint16_t port;
};

/* <n> is 0 unless the answer is FOUND. */
typedef void resolver_srv_fn(void *arg, enum resolver_answer answer,
			     const struct resolver_target *targets, size_t n);

struct resolver;

/* NULL: no memory, or resolv.conf cannot be used. */
struct resolver *resolver_new(struct loop *loop);

/* Questions under way are dropped without a call. */
void resolver_free(struct resolver *r);

/*
 * First address of <name>: A, or AAAA when it has no A.  <answered> runs once,
 * perhaps from inside.
 */
void resolver_ask(struct resolver *r, const char *name, resolver_fn *answered, void *arg);

/* The SRV records of <name>; the same rules. */
void resolver_ask_srv(struct resolver *r, const char *name, resolver_srv_fn *answered,
		      void *arg);

#endif
