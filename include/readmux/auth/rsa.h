/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RSA step of caching_sha2_password full authentication on plain TCP:
 * RSA-OAEP (SHA-1) of the NUL-terminated password XOR salt.
 */
#ifndef READMUX_AUTH_RSA_H
#define READMUX_AUTH_RSA_H

#include <readmux/base/span.h>

struct rsa_key;

/* A fresh 2048-bit key pair, or NULL.  Takes tens of milliseconds: at start only. */
struct rsa_key *rsa_key_make(void);
void rsa_key_free(struct rsa_key *key);

/* Public key as PEM text, as clients expect it; lives as long as <key>. */
struct span rsa_key_public_pem(const struct rsa_key *key);

/*
 * Decrypt into <out> of <room> bytes; <len> is set.  Usable from several
 * threads at once.  False on anything wrong.
 */
RMX_MUST_CHECK
bool rsa_key_decrypt(const struct rsa_key *key, struct span cipher, uint8_t *out,
		     size_t room, size_t *len);

/* Encrypt for a server's PEM public key. */
RMX_MUST_CHECK
bool rsa_encrypt_for(struct span pem, struct span plain, uint8_t *out, size_t room,
		     size_t *len);

#endif
