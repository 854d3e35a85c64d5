/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the configuration is built once from it and again at a reload, and what a reload
 * has changed, in words.
 *
 * Thread: the control thread's.
 */
#ifndef READMUX_CONTROL_RELOAD_H
#define READMUX_CONTROL_RELOAD_H

#include <readmux/model/settings.h>
#include <readmux/net/tls.h>

struct tls_pair {
	struct tls_context *server;	/* toward clients; NULL = off */
	struct tls_context *client;	/* toward servers; NULL = off */
};

/*
 * The contexts that <settings> ask for; files are read again.  A certificate that readmux has
 * made itself is taken from <before> (may be NULL).  False: words into <problem>.
 */
RMX_MUST_CHECK
bool tls_pair_open(struct tls_pair *pair, const struct settings *settings,
		   const struct tls_pair *before, char *problem, size_t room);
void tls_pair_drop(struct tls_pair *pair);

/*
 * One line of the log for every setting that differs; a warning where only a restart
 * brings it into force.  <words>: the same in one sentence.
 */
void reload_tell(const struct settings *before, const struct settings *after, char *words,
		 size_t room);

/* For each row of settings_table() the value that waits for a restart, as text; NULL = none. */
struct reload_pending {
	char **values;
};

/*
 * Give <after> what only a restart changes as it is in <before>, the settings in force;
 * what it had instead is <pending> from now on.  False: no memory, <after> is of no use.
 */
RMX_MUST_CHECK
bool reload_keep(const struct settings *before, struct settings *after,
		 struct reload_pending *pending);
void reload_pending_free(struct reload_pending *pending);

#endif
