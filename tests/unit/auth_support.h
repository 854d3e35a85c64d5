/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the login machines share. */
#ifndef READMUX_TESTS_AUTH_SUPPORT_H
#define READMUX_TESTS_AUTH_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/auth/client_login.h>
#include <readmux/auth/server_login.h>

#define NATIVE "mysql_native_password"
#define SHA2   "caching_sha2_password"
#define CLEAR  "mysql_clear_password"
#define CAPABILITIES							\
	(CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH | \
	 CLIENT_TRANSACTIONS | CLIENT_DEPRECATE_EOF)

enum transport { PLAIN, PLAIN_NO_RSA, TLS, LOCAL, TRANSPORTS };
enum known { KNOWN_NOTHING, KNOWN_PASSWORD, KNOWN_STAGE1, KNOWN_STAGE2, KNOWNS };

/* Made once for all tests of a program: it takes a while. */
static struct rsa_key *rsa;

static inline int make_key(void **state)
{
	(void)state;
	rsa = rsa_key_make();
	return rsa != NULL ? 0 : -1;
}

static inline int free_key(void **state)
{
	(void)state;
	rsa_key_free(rsa);
	return 0;
}

static inline struct secret secret_for(const char *password)
{
	struct secret s;

	assert_true(secret_from_password(&s, span_of(password)));
	return s;
}

/* What readmux knows of the password "right".  False: nothing. */
static inline bool make_known(enum known known, struct secret *s)
{
	struct secret right = secret_for("right");

	memset(s, 0, sizeof(*s));
	if (known == KNOWN_PASSWORD)
		*s = right;
	if (known == KNOWN_STAGE1)
		secret_from_stage1(s, right.stage1);
	if (known == KNOWN_STAGE2)
		secret_from_stage2(s, right.stage2);
	return known != KNOWN_NOTHING;
}

/* Letter of a packet that readmux sends: switches by plugin, AuthMoreData by its byte. */
static inline const char *letter(struct span payload)
{
	struct auth_switch a;

	if (payload.data[0] == 10)
		return "G";
	if (payload.data[0] == PACKET_OK)
		return "O";
	if (payload.data[0] == PACKET_ERR)
		return "E";
	if (payload.data[0] == PACKET_MORE_DATA)
		return payload.len > 2 ? "K" : payload.data[1] == 3 ? "3" : "4";
	assert_true(auth_switch_parse(payload, &a));
	assert_int_equal(a.data.len, span_is(a.plugin, CLEAR) ? 0 : SALT_LEN);
	return span_is(a.plugin, SHA2) ? "S" : span_is(a.plugin, NATIVE) ? "N" : "C";
}

#endif
