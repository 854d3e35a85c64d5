/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known about users, and who failed to log in lately.
 *
 * Three sources fill it: the configuration, hashes read from the primary, and
 * passwords that a server accepted.  One store serves all workers; it is asked
 * at logins only, so it has a lock (logins are not the data path).
 * Time is the caller's: microseconds of clock_now_us().
 */
#ifndef READMUX_AUTH_CREDENTIALS_H
#define READMUX_AUTH_CREDENTIALS_H

#include <readmux/auth/secret.h>

enum credential_source {
	CREDENTIAL_NONE,
	CREDENTIAL_CONFIGURED,	/* users: in the configuration; never expires */
	CREDENTIAL_READ,	/* hash from the primary's account table */
	CREDENTIAL_LEARNED,	/* a server accepted it; expires after the TTL */
};

struct credentials;

/* <ttl_us>: how long a learned secret is trusted without asking a server again. */
struct credentials *credentials_new(uint64_t ttl_us);

/* Wipes everything. */
void credentials_free(struct credentials *c);

/*
 * A list of configured users, or of hashes that were read, has been put: what <source> knew
 * and was not put since the last call is forgotten.  So a user that stays on the list is
 * known all the time.
 */
void credentials_settle(struct credentials *c, enum credential_source source);

/* False: no memory. */
RMX_MUST_CHECK
bool credentials_put(struct credentials *c, struct span user, enum credential_source source,
		     const struct secret *secret, uint64_t now_us);

/*
 * Best secret for <user> by value into <out>, and where it is from:
 * CONFIGURED, then LEARNED (not expired), then READ; CREDENTIAL_NONE when nothing
 * is known, and <out> is all zero then.
 * A name that the account table has with several different hashes (other
 * hosts) must not be put as READ at all: the server decides.
 */
enum credential_source credentials_find(struct credentials *c, struct span user,
					uint64_t now_us, struct secret *out);

/*
 * A server refused this secret (1045): forget it if it is still the one learned or
 * read.  The next login is then a server's decision, until hashes are read anew.
 */
void credentials_refused(struct credentials *c, struct span user,
			 const struct secret *secret);

/*
 * Limit on failed logins per address and user: <burst> failures within
 * <window_us> block that pair until the window has passed.  At most 4096
 * pairs are remembered, the oldest goes first; <burst> 0 means no limit.
 * credentials_blocked() returns the microseconds left, 0 when free.
 */
void credentials_limit(struct credentials *c, unsigned burst, uint64_t window_us);
void credentials_failed(struct credentials *c, struct span user, struct span address,
			uint64_t now_us);
uint64_t credentials_blocked(struct credentials *c, struct span user, struct span address,
			     uint64_t now_us);

#endif
