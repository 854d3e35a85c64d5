/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the pods of the StatefulSet by their DNS names, again and again.
 *
 * Asks for <service>-0, <service>-1, ... under the headless Service until
 * several in a row are missing.  It only reports; what an answer means for a
 * backend is fleet's business.
 *
 * Control thread only.
 */
#ifndef READMUX_CONTROL_DISCOVERY_H
#define READMUX_CONTROL_DISCOVERY_H

#include <readmux/control/resolver.h>
#include <readmux/model/settings.h>

/* Answer for the pod with <ordinal>; <address> (with port) is set when FOUND. */
typedef void discovery_found_fn(void *arg, unsigned ordinal, enum resolver_answer answer,
				const struct address *address);
/* Every ordinal was asked for; <complete>: without a DNS failure. */
typedef void discovery_pass_fn(void *arg, bool complete);

struct discovery;

/* NULL: no memory, or DNS cannot be used (logged). */
struct discovery *discovery_new(struct loop *loop, const struct settings *settings,
				discovery_found_fn *found, discovery_pass_fn *passed, void *arg);
void discovery_free(struct discovery *d);

/* Look at once, not when the TTL is over. */
void discovery_hurry(struct discovery *d);

/* Ask at least up to ordinal <n>-1, whatever is missing on the way. */
void discovery_expect(struct discovery *d, unsigned n);

#endif
