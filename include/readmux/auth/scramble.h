/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arithmetic of the authentication plugins; no packets, no state.
 *
 * Sources: page_protocol_connection_phase_authentication_methods_*,
 * page_caching_sha2_authentication_exchanges; server sources sha2_password.
 */
#ifndef READMUX_AUTH_SCRAMBLE_H
#define READMUX_AUTH_SCRAMBLE_H

#include <readmux/base/span.h>
#include <readmux/wire/protocol.h>

#define NATIVE_HASH_LEN 20u	/* SHA-1 */
#define SHA2_HASH_LEN   32u	/* SHA-256 */

/* SHA1(password): enough to log in with mysql_native_password. */
void native_stage1(struct span password, uint8_t stage1[NATIVE_HASH_LEN]);

/* SHA1(SHA1(password)): what the server stores; gives no login by itself. */
void native_stage2(const uint8_t stage1[NATIVE_HASH_LEN], uint8_t stage2[NATIVE_HASH_LEN]);

/* The client's answer: SHA1(password) XOR SHA1(salt + stage2). */
void native_scramble(const uint8_t salt[SALT_LEN], const uint8_t stage1[NATIVE_HASH_LEN],
		     uint8_t answer[NATIVE_HASH_LEN]);

/*
 * Check <answer> against a stored hash.  On success <stage1> is the client's
 * SHA1(password), with which readmux can log in for it.
 */
RMX_MUST_CHECK
bool native_verify(const uint8_t salt[SALT_LEN], const uint8_t stage2[NATIVE_HASH_LEN],
		   struct span answer, uint8_t stage1[NATIVE_HASH_LEN]);

/* "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19" as in mysql.user; false: not one. */
RMX_MUST_CHECK
bool native_hash_from_text(struct span text, uint8_t stage2[NATIVE_HASH_LEN]);

/* caching_sha2_password: SHA256(p) XOR SHA256(SHA256(SHA256(p)) + salt). */
void sha2_scramble(const uint8_t salt[SALT_LEN], struct span password,
		   uint8_t answer[SHA2_HASH_LEN]);
RMX_MUST_CHECK
bool sha2_verify(const uint8_t salt[SALT_LEN], struct span password, struct span answer);

/* <bytes> XOR <salt> repeated, in place: what goes into the RSA exchange. */
void xor_with_salt(uint8_t *bytes, size_t len, const uint8_t salt[SALT_LEN]);

/* SALT_LEN random printable bytes without NUL or '$'.  False: no randomness. */
RMX_MUST_CHECK
bool salt_make(uint8_t salt[SALT_LEN]);

#endif
