/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server says of itself before anybody logs in.
 *
 * libmysqlclient does not tell the default authentication plugin of a
 * greeting, and readmux mirrors it toward clients.  So the greeting is read by
 * hand before the library logs in; that login also clears the server's
 * count of aborted connects from this host.
 */
#ifndef READMUX_CONTROL_PROBE_GREETING_H
#define READMUX_CONTROL_PROBE_GREETING_H

#include <readmux/base/address.h>
#include <readmux/model/topology.h>

/*
 * Connect to <address>, read its greeting, close: blocks up to about twice
 * <timeout_ms>.  Fills in the greeting's part of <facts>.  False: <words> says
 * what went wrong.
 */
RMX_MUST_CHECK
bool probe_greeting(const struct address *address, uint64_t timeout_ms,
		    struct server_facts *facts, char *words, size_t room);

#endif
