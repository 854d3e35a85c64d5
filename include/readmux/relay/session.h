/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client: its connection, its login, its session state, and the statement
 * in flight.
 *
 * A session leases server connections for as long as it must: for a
 * statement, for a transaction, or (pinned) as long as it has state that
 * lives on one connection.  It outlives any of them.
 *
 * Split by what happens: session.c (life, input), session_login.c,
 * session_statement.c (route, lease, send, wait, loss), session_response.c.
 * Thread: one worker's.
 */
#ifndef READMUX_RELAY_SESSION_H
#define READMUX_RELAY_SESSION_H

#include <readmux/relay/env.h>

/*
 * Serve the client on <fd>, which is the session's from now on.  <id> is the
 * connection id that the client is told.  False: no memory; <fd> is closed.
 */
RMX_MUST_CHECK
bool session_open(struct relay_env *env, int fd, const struct address *peer,
		  enum listen_route listen, enum sql_consistency consistency, uint32_t id);

#endif
