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
#include <readmux/net/tls.h>

#define PROBE_WORDS_MAX 160u

/* Why a probe failed. */
struct probe_failure {
	enum evidence evidence;		/* PROBE_FAILED, CONNECT_FAILED or MISCONFIGURED */
	char          words[PROBE_WORDS_MAX];
};

/* Whose certificate is looked at before a password goes there. */
struct probe_identity {
	const char *ca;			/* file of the authorities that may sign it */
	const char *host;		/* the name or address that it must carry */
	char        fingerprint[TLS_FINGERPRINT_ROOM];	/* of one that was right */
};

/* What the error packet or library error <number> says of a server. */
enum evidence probe_evidence_of(unsigned number);

/*
 * Connect to <address>, read its greeting, close: blocks up to about twice
 * <timeout_ms>.  Fills in the greeting's part of <facts>.  With <identity> (may be NULL)
 * TLS is begun as well, for its fingerprint.  False: see <failure>.
 */
RMX_MUST_CHECK
bool probe_greeting(const struct address *address, uint64_t timeout_ms,
		    struct probe_identity *identity, struct server_facts *facts,
		    struct probe_failure *failure);

#endif
