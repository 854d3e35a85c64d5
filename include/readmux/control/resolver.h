/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks DNS for addresses and service records, on the control loop.  c-ares's home.
 *
 * Every nameserver of resolv.conf is asked, each by a channel of its own: c-ares alone
 * would take the first "no such name" for an answer, and a nameserver that is behind
 * the others, or knows another part of the world, would make pods vanish.  What they
 * know is put together.  Nothing is kept longer than it takes to answer.
 *
 * Names are absolute: neither the search list nor /etc/hosts is used.
 */
#ifndef READMUX_CONTROL_RESOLVER_H
#define READMUX_CONTROL_RESOLVER_H

#include <readmux/base/address.h>
#include <readmux/net/loop.h>

enum resolver_answer {
	RESOLVER_FOUND,
	RESOLVER_GONE,		/* all say: no such name, or nothing of the kind at it */
	RESOLVER_FAILED,	/* not found, but not all say so: SERVFAIL, timeout ... */
};
#define RESOLVER_ANSWERS (RESOLVER_FAILED + 1)

/* Of a service record. */
struct resolver_target {
	char     host[256];
	uint16_t port;
};

/* Valid during the call. */
struct resolver_result {
	enum resolver_answer answer;
	bool                 whole;	/* every nameserver has answered */
	size_t               n;		/* 0 unless FOUND */
	const struct address *addresses;	/* without port; A before AAAA, sorted */
	const struct resolver_target *targets;	/* of services */
	uint32_t             ttl_s;	/* of addresses: the least */
	const char          *words;	/* not whole: why, "10.96.0.10: Timeout ..." */
};

typedef void resolver_fn(void *arg, const struct resolver_result *result);

struct resolver;

/* By the nameservers of the file <resolv_conf>, if it is there.  NULL: no memory. */
struct resolver *resolver_new(struct loop *loop, const char *resolv_conf);

/* Questions under way are dropped without a call. */
void resolver_free(struct resolver *r);

/*
 * Use what resolv.conf says now; true when it has changed since the last call.  Not
 * from inside an answer.
 */
bool resolver_refresh(struct resolver *r);

/* The addresses of <name>, of both families.  <answered> runs once, perhaps from inside. */
void resolver_ask_addresses(struct resolver *r, const char *name, resolver_fn *answered,
			    void *arg);

/* The SRV records of <name>; the same rules. */
void resolver_ask_services(struct resolver *r, const char *name, resolver_fn *answered,
			   void *arg);

#endif
