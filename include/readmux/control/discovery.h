/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the pods of the StatefulSet by their DNS names, again and again.
 *
 * The headless Service's SRV record lists the pods that are ready, with their ports.
 * Without one, <service>-0, <service>-1, ... are asked for until several in a row are
 * missing.  Discovery only reports; what an answer means for a backend is fleet's
 * business.
 *
 * Names that the record does not list are not asked for: a cache keeps "no such name"
 * for up to 30 s, and would then hide the pod that comes.
 *
 * Control thread only.
 */
#ifndef READMUX_CONTROL_DISCOVERY_H
#define READMUX_CONTROL_DISCOVERY_H

#include <readmux/control/resolver.h>
#include <readmux/model/settings.h>

/* Most pods that are looked for. */
#define DISCOVERY_PODS_MAX 64u

struct discovery_user_ops {
	/* The pod with <ordinal> is at one of these addresses, port included. */
	void (*found)(void *arg, unsigned ordinal, const struct address *addresses,
		      size_t n);
	/* Once, for one that was found: every nameserver has denied it, twice in a row. */
	void (*gone)(void *arg, unsigned ordinal);
	/* A pass is over; <usable>: something was found, or everything was denied. */
	void (*passed)(void *arg, bool usable);
};

struct discovery;

/* NULL: no memory. */
struct discovery *discovery_new(struct loop *loop, const struct settings *settings,
				const struct discovery_user_ops *ops, void *arg);
void discovery_free(struct discovery *d);

/* The pod's name in DNS, without the dot at the end. */
void discovery_host(const struct discovery *d, unsigned ordinal, char *out, size_t room);

/* How many answers there were since the start, by enum resolver_answer. */
const uint64_t *discovery_answers(const struct discovery *d);

/* Look now, not when the TTL is over; at most a few times a second. */
void discovery_hurry(struct discovery *d);

/*
 * What follows "<service>-N" in pod names: ".mysql.default.svc.cluster.local.".
 * <namespace_file> and <resolv_conf> are paths of files that may be missing.
 */
void discovery_suffix(const struct settings *s, const char *namespace_file,
		      const char *resolv_conf, char *out, size_t room);

#endif
