/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client half of the MySQL login, which readmux plays toward servers, as a
 * machine that owns no socket.  Feed it each packet the server sent; it
 * appends its reply, if any, to <out> and says what comes next.
 *
 * Plugins: mysql_native_password, caching_sha2_password and sha256_password (over
 * TLS, or over RSA with the public key that the server hands out),
 * mysql_clear_password over TLS only.  A password is never sent in clear on a
 * connection without TLS, unless it is a Unix socket.
 *
 * <out> may hold a password in clear: the host wipes it after sending.
 */
#ifndef READMUX_AUTH_SERVER_LOGIN_H
#define READMUX_AUTH_SERVER_LOGIN_H

#include <readmux/auth/secret.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/greeting.h>
#include <readmux/wire/reply.h>

enum server_login_step {
	SERVER_LOGIN_READ_MORE,	/* send <out> if any, feed the next packet */
	SERVER_LOGIN_START_TLS,	/* send <out>, upgrade, call server_login_tls_started() */
	SERVER_LOGIN_DONE,
	SERVER_LOGIN_REFUSED,	/* the server said ERR: <number>, <sqlstate>, <text> */
	SERVER_LOGIN_FAILED,	/* <text> says why; <number> is 0 when the server is at
				 * fault, 1251 when only this account cannot log in */
};

enum server_login_tls {
	SERVER_LOGIN_TLS_OFF,
	SERVER_LOGIN_TLS_PREFERRED,
	SERVER_LOGIN_TLS_REQUIRED,
};

struct server_login {
	/* set by the host before the first feed; texts stay valid until the end */
	struct span           user;
	struct span           schema;		/* empty = none */
	const struct secret  *secret;
	uint64_t              wanted;		/* cut to what the server offers; what the
						 * login itself needs is added */
	uint16_t              collation;
	uint8_t               zstd_level;	/* told when zstd was agreed */
	uint32_t              max_packet;
	enum server_login_tls tls_mode;
	bool                  local;		/* a Unix socket: as safe as TLS */

	/* filled in by the machine */
	uint8_t  phase;			/* private */
	uint8_t  plugin;		/* private */
	uint8_t  seq;			/* private: number of the next packet, either way */
	uint8_t  switches;		/* private: AuthSwitchRequests so far */
	bool     tls;
	uint64_t capabilities;		/* agreed */
	uint64_t server_capabilities;
	uint32_t thread_id;
	uint8_t  salt[SALT_LEN];
	uint16_t status;		/* DONE: from the OK packet */
	bool     needs_password;	/* FAILED: only SHA1(password) was known and
					 * the plugin needs the password itself */
	uint16_t number;
	char     sqlstate[SQLSTATE_LEN + 1];
	char     text[512];
};

RMX_MUST_CHECK
enum server_login_step server_login_feed(struct server_login *login, struct frame frame,
					 struct span payload, struct writer *out);

/* After START_TLS and the handshake: appends the HandshakeResponse. */
RMX_MUST_CHECK
enum server_login_step server_login_tls_started(struct server_login *login,
						struct writer *out);

#endif
