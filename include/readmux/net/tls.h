/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS contexts (OpenSSL), shared read-only by all loops; TLS 1.2 at least.
 */
#ifndef READMUX_NET_TLS_H
#define READMUX_NET_TLS_H

#include <readmux/net/stream.h>

struct tls_context;

/*
 * Toward clients: certificate chain and key from PEM files, or a self-signed
 * pair made now when both are NULL or empty.  <client_ca> (may be NULL): ask
 * for and verify client certificates.  NULL on error, words into <problem>.
 */
struct tls_context *tls_context_server(const char *cert_file, const char *key_file,
				       const char *client_ca, char *problem, size_t room);

/*
 * Toward servers.  <ca_file>: verify against it (NULL: the certificate is not
 * verified); <verify_name>: the name must match too.
 */
struct tls_context *tls_context_client(const char *ca_file, bool verify_name,
				       const char *cert_file, const char *key_file,
				       char *problem, size_t room);

/* Counted: who keeps one holds a reference.  NULL is allowed. */
struct tls_context *tls_context_take(struct tls_context *context);
void tls_context_drop(struct tls_context *context);

/* Start TLS as a server on <s>; see stream_switch_transport().  False: no memory. */
RMX_MUST_CHECK
bool tls_accept(struct stream *s, struct tls_context *context);

/* The same as a client; <server_name>, a name or an address, for SNI and verification. */
RMX_MUST_CHECK
bool tls_connect(struct stream *s, struct tls_context *context, const char *server_name);

#define TLS_FINGERPRINT_ROOM 41u

/*
 * Shake hands as a client on the blocking socket <fd>, verify as <context> says, and put the
 * SHA-1 of the server's certificate in hex into <print>.  False: words into <problem>.
 */
RMX_MUST_CHECK
bool tls_fingerprint(int fd, struct tls_context *context, const char *server_name,
		     char print[TLS_FINGERPRINT_ROOM], char *problem, size_t room);

/* "TLSv1.3" and the cipher's name; NULL on a plain stream. */
const char *tls_version(const struct stream *s);
const char *tls_cipher(const struct stream *s);

#endif
