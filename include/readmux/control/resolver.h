/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks DNS for the addresses of a name, on the control loop.  c-ares's home.
 *
 * Names are taken as absolute: the search list of resolv.conf is never used.
 */
#ifndef READMUX_CONTROL_RESOLVER_H
#define READMUX_CONTROL_RESOLVER_H

#include <readmux/base/address.h>
#include <readmux/net/loop.h>

enum resolver_answer {
	RESOLVER_FOUND,
	RESOLVER_GONE,		/* the name does not exist, or has no address */
	RESOLVER_FAILED,	/* no usable answer: SERVFAIL, timeout ... */
};

/* <address> has no port (0) and is valid during the call; <words> is for FAILED. */
typedef void resolver_fn(void *arg, enum resolver_answer answer, const struct address *address,
			 uint32_t ttl_s, const char *words);

struct resolver;

/* NULL: no memory, or resolv.conf cannot be used. */
struct resolver *resolver_new(struct loop *loop);

/* Queries under way are dropped without a call. */
void resolver_free(struct resolver *r);

/* First address of <name> (A, else AAAA); <answered> runs once, perhaps from inside. */
void resolver_ask(struct resolver *r, const char *name, resolver_fn *answered, void *arg);

#endif
