/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server half of the MySQL login, which readmux plays toward clients, as a
 * machine that owns no socket.
 *
 * The host sends the greeting, feeds each packet the client sent, sends what
 * the machine appends to <out>, and does what the step says.  Two questions
 * only the host can answer: what is known about a user (CLIENT_LOGIN_LOOK_UP),
 * and whether a password is right when nothing is known (the host tries it at
 * a server after CLIENT_LOGIN_PROVEN or CLIENT_LOGIN_TRY, and itself sends the
 * final OK or ERR).
 *
 * Order of attempts (DESIGN.md section 6): an empty answer means an empty
 * password; a known password or hash verifies what the client sent (native or
 * caching_sha2 fast path, with an AuthSwitchRequest first if the client used
 * another plugin); else the password is asked for in a safe form:
 * caching_sha2_password full authentication (in clear over TLS or a local
 * socket, by RSA over TCP), or mysql_clear_password over TLS for a client that
 * came with that plugin.
 *
 * At most one AuthSwitchRequest goes out in one login: libmysqlclient takes a
 * second one for a broken server.  A client that named another plugin than the
 * greeting's and sent an empty answer has not said that its password is empty:
 * it waits for that plugin's salt.
 *
 * Source: page_protocol_connection_phase, page_caching_sha2_authentication_exchanges.
 */
#ifndef READMUX_AUTH_CLIENT_LOGIN_H
#define READMUX_AUTH_CLIENT_LOGIN_H

#include <readmux/auth/rsa.h>
#include <readmux/auth/secret.h>
#include <readmux/base/error.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/greeting.h>

enum client_login_step {
	CLIENT_LOGIN_READ_MORE,	/* send <out>, feed the next packet */
	CLIENT_LOGIN_START_TLS,	/* upgrade the stream, call client_login_tls_started(),
				 * feed the next packet */
	CLIENT_LOGIN_LOOK_UP,	/* call client_login_known() with what is known of <user> */
	CLIENT_LOGIN_PROVEN,	/* the client proved a known secret; <secret> is usable */
	CLIENT_LOGIN_TRY,	/* <secret> is what the client claims; a server decides */
	CLIENT_LOGIN_REFUSED,	/* <error> says why; the host sends it and closes */
};

#define CLIENT_LOGIN_NAME_MAX   288u	/* MariaDB: 80 characters of utf8mb3 */
#define CLIENT_LOGIN_SCHEMA_MAX 260u

struct client_login {
	/* set by the host before client_login_greet() */
	uint64_t              offered;		/* capabilities in the greeting */
	bool                  tls_available;
	bool                  tls_required;
	bool                  local;		/* a Unix socket: as safe as TLS */
	const struct rsa_key *rsa;		/* may be NULL: no RSA exchange */
	const char           *default_plugin;	/* as the primary's greeting named it */
	bool                  known_is_final;	/* set at LOOK_UP: a wrong answer is refused
						 * without asking a server */

	/* filled in by the machine */
	uint8_t        phase;			/* private */
	bool           asked;			/* private: <plugin> was asked for it */
	bool           switched;		/* private: AuthSwitchRequest was sent */
	bool           changing;		/* private: this is COM_CHANGE_USER */
	bool           tls;			/* the connection is encrypted now */
	uint8_t        seq;			/* number of the next packet to send */
	uint8_t        salt[SALT_LEN];		/* last sent; COM_CHANGE_USER needs it */
	uint64_t       capabilities;		/* agreed: offered and asked for */
	uint32_t       max_packet;
	uint16_t       collation;
	char           user[CLIENT_LOGIN_NAME_MAX];
	char           schema[CLIENT_LOGIN_SCHEMA_MAX];	/* "" = none */
	char           plugin[64];		/* the plugin that <answer> is for */
	uint8_t        answer[256];		/* private */
	size_t         answer_len;		/* private */
	uint8_t        zstd_level;
	bool           password_given;		/* for the words of error 1045 */
	struct secret  secret;			/* PROVEN and TRY */
	struct secret  known;			/* private: what the host told */
	enum rmx_error error;			/* REFUSED */
	char           error_detail[96];	/* REFUSED: for the error's text */
};

/*
 * Append the greeting packet (sequence 0) to <out>.  <version>, <collation>,
 * <status> mirror the primary's; <thread_id> is the id the client will know.
 * False: no randomness for the salt, or it did not fit.
 */
RMX_MUST_CHECK
bool client_login_greet(struct client_login *login, struct span version,
			uint32_t thread_id, uint8_t collation, uint16_t status,
			struct writer *out);

/*
 * Continue with COM_CHANGE_USER <payload> (command byte first) on a connection
 * whose <login> holds the capabilities agreed before; <seq> is that packet's number.
 * <salt> is the one last sent to this client, which mysql_native_password answers
 * even when a new one is sent.  All zero when it was not kept: then the password is
 * asked for by caching_sha2, and a client without CLIENT_PLUGIN_AUTH is refused.
 */
RMX_MUST_CHECK
enum client_login_step client_login_change_user(struct client_login *login,
						struct span payload, uint8_t seq,
						struct writer *out);

/* One packet from the client; replies are whole packets appended to <out>. */
RMX_MUST_CHECK
enum client_login_step client_login_feed(struct client_login *login, struct frame frame,
					 struct span payload, struct writer *out);

void client_login_tls_started(struct client_login *login);

/* Answer to LOOK_UP: <known> may be NULL (nothing is known). */
RMX_MUST_CHECK
enum client_login_step client_login_known(struct client_login *login,
					  const struct secret *known, struct writer *out);

/* Wipe every secret in it. */
void client_login_wipe(struct client_login *login);

#endif
