/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of the login phase, both directions: what they say, not what to do.
 *
 * Source: page_protocol_connection_phase_packets (Protocol::HandshakeV10,
 * SSLRequest, HandshakeResponse41, AuthSwitchRequest, AuthMoreData),
 * page_protocol_com_change_user; MariaDB: "Connection" (extended capabilities).
 * Writers append the payload only; the caller opens and closes the packet.
 */
#ifndef READMUX_WIRE_GREETING_H
#define READMUX_WIRE_GREETING_H

#include <readmux/base/span.h>
#include <readmux/wire/protocol.h>
#include <readmux/wire/writer.h>

/* Protocol::HandshakeV10 */
struct greeting {
	struct span version;
	uint32_t    thread_id;
	uint8_t     salt[SALT_LEN];
	uint64_t    capabilities;	/* MariaDB's extended ones above bit 31 */
	uint8_t     collation;		/* low byte of the default collation id */
	uint16_t    status;
	struct span plugin;		/* default authentication plugin; may be empty */
};

/*
 * False on anything but a well-formed version 10 greeting.  Spans point into
 * <payload>.  An ERR packet in place of the greeting is the caller's to see.
 */
RMX_MUST_CHECK
bool greeting_parse(struct span payload, struct greeting *g);
void greeting_write(struct writer *w, const struct greeting *g);

/* SSLRequest and Protocol::HandshakeResponse41 */
struct handshake_response {
	uint64_t    capabilities;
	uint32_t    max_packet;
	uint16_t    collation;		/* one byte on the wire; two in COM_CHANGE_USER */
	bool        ssl_request;	/* SSLRequest: the fields below are empty */
	struct span user;
	struct span auth;		/* first answer of <plugin> */
	struct span schema;		/* empty when none was given */
	struct span plugin;		/* empty when CLIENT_PLUGIN_AUTH is off */
	struct span attributes;		/* lenenc key/value pairs, without their length */
	uint8_t     zstd_level;
};

/*
 * Clients without CLIENT_PROTOCOL_41 or CLIENT_SECURE_CONNECTION are not parsed.
 * As at a server, what stands behind <auth> may be missing or without its NUL.
 */
RMX_MUST_CHECK
bool handshake_response_parse(struct span payload, struct handshake_response *r);

/* Writes an SSLRequest when r->ssl_request is set. */
void handshake_response_write(struct writer *w, const struct handshake_response *r);

/* COM_CHANGE_USER, with its command byte, as sent by a client with <capabilities>. */
RMX_MUST_CHECK
bool change_user_parse(struct span payload, uint64_t capabilities,
		       struct handshake_response *r);
void change_user_write(struct writer *w, const struct handshake_response *r);

/* AuthSwitchRequest: 0xfe, plugin name, its data (for scrambles: salt and a NUL). */
struct auth_switch {
	struct span plugin;
	struct span data;	/* without the terminating NUL */
};

RMX_MUST_CHECK
bool auth_switch_parse(struct span payload, struct auth_switch *a);
void auth_switch_write(struct writer *w, const struct auth_switch *a);

#endif
