/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the pods of the StatefulSet by their DNS names, again and again.
 *
 * Asks for <service>-0, <service>-1, ... under the headless Service until
 * several in a row are missing; the Service's SRV record, where there is one,
 * says how far that is at least and which port each pod has.  It only reports;
 * what an answer means for a backend is fleet's business.
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
	/* The pod with <ordinal> is at <address>, port included. */
	void (*found)(void *arg, unsigned ordinal, const struct address *address);
	/* DNS says that it has no such name. */
	void (*gone)(void *arg, unsigned ordinal);
	/* Every ordinal was asked for; <complete>: and each was answered. */
	void (*passed)(void *arg, bool complete);
};

struct discovery;

/* NULL: no memory, or DNS cannot be used (logged). */
struct discovery *discovery_new(struct loop *loop, const struct settings *settings,
				const struct discovery_user_ops *ops, void *arg);
void discovery_free(struct discovery *d);

/* Look now, not when the TTL is over; at most a few times a second. */
void discovery_hurry(struct discovery *d);

/* From now on ask at least up to ordinal <n>-1, whatever is missing on the way. */
void discovery_expect(struct discovery *d, unsigned n);

/*
 * What follows "<service>-N" in pod names: ".mysql.default.svc.cluster.local.".
 * <namespace_file> and <resolv_conf> are paths of files that may be missing.
 */
void discovery_suffix(const struct settings *s, const char *namespace_file,
		      const char *resolv_conf, char *out, size_t room);

#endif
