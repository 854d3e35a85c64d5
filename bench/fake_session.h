/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client of the fake server as the protocol sees it, without its socket.
 *
 * Bytes in, answers out: fake_session_packet() is given one whole packet and
 * appends the answer to session->out, which the server's loop writes once per
 * readable event.
 */
#ifndef READMUX_BENCH_FAKE_SESSION_H
#define READMUX_BENCH_FAKE_SESSION_H

#include <readmux/auth/scramble.h>
#include <readmux/base/buffer.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/protocol.h>

#define FAKE_NAME_LEN 64u

/* A result set made once; a session copies it and puts its status flags in. */
struct fake_canned {
	struct buffer bytes;
	size_t        status_at[2];
	unsigned      status_count;
};

/* What all sessions share; filled in once at start. */
struct fake_server {
	const char *version;
	const char *user;		/* the one user that has a password */
	uint8_t     stage2[NATIVE_HASH_LEN];
	uint8_t     salt[SALT_LEN];
	bool        read_only;
	uint64_t    server_id;
	uint64_t    writes;		/* transactions in the pretended binary log */
	uint64_t    rows;
	uint64_t    columns;
	uint64_t    cell_bytes;
	struct fake_canned text[2];	/* by CLIENT_DEPRECATE_EOF */
	struct fake_canned binary[2];
};

enum fake_phase { FAKE_LOGIN, FAKE_LOGIN_SWITCHED, FAKE_READY };

enum fake_tracked { FAKE_TRACK_DEFAULT, FAKE_TRACK_ALL, FAKE_TRACK_NONE };

struct fake_session {
	struct fake_server *server;
	struct buffer      *out;	/* shared by all sessions, empty between events */
	uint64_t            capabilities;
	uint32_t            id;
	uint32_t            next_statement;
	uint32_t            last_statement;
	uint16_t            status;
	uint8_t             seq;	/* of the next packet to write */
	enum fake_phase     phase;
	enum fake_tracked   track_variables;
	bool                track_schema;
	bool                track_state;
	bool                track_transaction;
	bool                wrote;	/* inside the open transaction */
	char                user[FAKE_NAME_LEN + 1];
	char                schema[FAKE_NAME_LEN + 1];
};

/* Make the canned results; false when there is no memory. */
RMX_MUST_CHECK
bool fake_server_prepare(struct fake_server *server);

/* Start <s> and append the greeting to its output. */
void fake_session_greet(struct fake_session *s);

/* Answer one packet.  False: close the connection once the output is written. */
RMX_MUST_CHECK
bool fake_session_packet(struct fake_session *s, struct frame frame, struct span payload);

/* Trackers, status flags and transaction as at the start of a session. */
void fake_session_reset(struct fake_session *s);

#endif
