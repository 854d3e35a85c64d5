/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that server connections must have in common to serve the same
 * sessions: user, secret, capabilities, collation.  Unique within a worker, so
 * that equal accounts have equal pointers.
 *
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_ACCOUNT_H
#define READMUX_RELAY_ACCOUNT_H

#include <readmux/auth/secret.h>

struct account_table;

#define BASE_CHARSET_MAX 200u

struct account {
	struct account_table *table;
	uint32_t      references;
	uint64_t      capabilities;	/* wanted on server connections */
	uint32_t      max_packet;
	uint16_t      collation;
	struct span   user;
	struct secret secret;
	uint64_t      shows_until_us;	/* it may SHOW READMUX; 0 = not known */
	uint64_t      log_refused_us;	/* when it was not told where the log ends; 0 = never */
	char          base_charset[BASE_CHARSET_MAX];	/* of one of its connections */
};

struct account_table *account_table_new(void);
void account_table_free(struct account_table *table);

/* The account with these traits, made when it is new.  NULL: no memory. */
RMX_MUST_CHECK
struct account *account_get(struct account_table *table, struct span user,
			    const struct secret *secret, uint64_t capabilities,
			    uint16_t collation);
struct account *account_take(struct account *account);
void account_drop(struct account *account);	/* wipes the secret when it was the last */

#endif
