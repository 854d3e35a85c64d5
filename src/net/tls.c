/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS as a transport under a stream.  OpenSSL's home.
 *
 * Pieces handed to write() are gathered into one record, so that a small
 * response is one record and not three.  OpenSSL wants a write that it could not
 * finish to be repeated with the same length: <retry_len> remembers it; the bytes
 * themselves are still at the head of the stream's queue.
 */
#include <readmux/base/log.h>
#include <readmux/net/tls.h>

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

#define RECORD_ROOM     16384u
#define CERTIFICATE_DAYS 3650

struct tls_context {
	_Atomic unsigned references;
	SSL_CTX         *ctx;
	bool             verify_name;
};

struct tls_session {
	SSL   *ssl;
	size_t retry_len;
	bool   emptied;		/* the last read ended because the socket had no more */
};

static void describe_problem(const char *what, const char *file, char *problem, size_t room)
{
	char words[160];

	ERR_error_string_n(ERR_get_error(), words, sizeof(words));
	(void)snprintf(problem, room, "%s%s%s: %s", what, file != NULL ? " " : "",
		       file != NULL ? file : "", words);
	ERR_clear_error();
}

/* --- the transport ------------------------------------------------------ */

static SSL *ssl_of(const struct stream *s)
{
	return ((const struct tls_session *)s->transport_state)->ssl;
}

/* "hostname mismatch", "self-signed certificate"; "ok" when nothing was wrong with it. */
static const char *certificate_verdict(const SSL *ssl)
{
	return X509_verify_cert_error_string(SSL_get_verify_result(ssl));
}

static enum io_result result_of(struct stream *s, int rc)
{
	char words[160];
	unsigned long code;

	switch (SSL_get_error(ssl_of(s), rc)) {
	case SSL_ERROR_WANT_READ:
		return IO_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return IO_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return IO_EOF;
	case SSL_ERROR_SYSCALL:
		s->saved_errno = errno;
		return errno == 0 ? IO_EOF : IO_FAILED;
	default:
		code = ERR_get_error();
		if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			return IO_EOF;
		ERR_error_string_n(code, words, sizeof(words));
		log_info(NULL, "TLS failure", LOG_TEXT("problem", words),
			 LOG_TEXT("certificate", certificate_verdict(ssl_of(s))));
		s->saved_errno = EPROTO;
		return IO_FAILED;
	}
}

static enum io_result tls_handshake(struct stream *s)
{
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_do_handshake(ssl_of(s));
	return rc == 1 ? IO_OK : result_of(s, rc);
}

static enum io_result tls_read(struct stream *s, uint8_t *into, size_t room, size_t *got)
{
	struct tls_session *tls = s->transport_state;
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_read_ex(ssl_of(s), into, room, got);
	tls->emptied = rc != 1;
	if (rc != 1)
		return result_of(s, rc);
	/* take further records that are already here */
	while (*got < room && SSL_pending(ssl_of(s)) > 0) {
		size_t more = 0;

		if (SSL_read_ex(ssl_of(s), into + *got, room - *got, &more) != 1)
			break;
		*got += more;
	}
	return IO_OK;
}

static size_t gather(uint8_t *record, size_t want, const struct iovec *iov, int n)
{
	size_t len = 0;

	for (int i = 0; i < n && len < want; i++) {
		size_t piece = size_min(iov[i].iov_len, want - len);

		memcpy(record + len, iov[i].iov_base, piece);
		len += piece;
	}
	return len;
}

static enum io_result tls_write(struct stream *s, const struct iovec *iov, int n, size_t *put)
{
	struct tls_session *tls = s->transport_state;
	uint8_t record[RECORD_ROOM];
	size_t want = tls->retry_len > 0 ? tls->retry_len : sizeof(record);
	enum io_result result;
	size_t len;
	int rc;

	*put = 0;
	if (n == 1 && iov->iov_len <= want) {
		ERR_clear_error();
		rc = SSL_write_ex(tls->ssl, iov->iov_base, iov->iov_len, put);
		len = iov->iov_len;
	} else {
		len = gather(record, want, iov, n);
		ERR_clear_error();
		rc = SSL_write_ex(tls->ssl, record, len, put);
	}
	if (rc == 1) {
		tls->retry_len = 0;
		return IO_OK;
	}
	errno = 0;
	result = result_of(s, rc);
	if (result == IO_WANT_READ || result == IO_WANT_WRITE)
		tls->retry_len = len;
	return result;
}

static bool tls_pending(const struct stream *s)
{
	return !((const struct tls_session *)s->transport_state)->emptied;
}

static void tls_release(struct stream *s)
{
	struct tls_session *tls = s->transport_state;

	if (!s->ended && !s->shaking) {
		ERR_clear_error();
		(void)SSL_shutdown(tls->ssl);
	}
	SSL_free(tls->ssl);
	free(tls);
	s->transport_state = NULL;
}

static const struct stream_transport tls_transport = {
	.name = "tls",
	.handshake = tls_handshake,
	.read = tls_read,
	.write = tls_write,
	.pending = tls_pending,
	.release = tls_release,
};

static struct tls_session *session_on(struct stream *s, struct tls_context *context)
{
	struct tls_session *tls = calloc(1, sizeof(*tls));

	if (tls == NULL)
		return NULL;
	tls->ssl = SSL_new(context->ctx);
	if (tls->ssl == NULL || SSL_set_fd(tls->ssl, s->watch.fd) != 1) {
		SSL_free(tls->ssl);
		free(tls);
		return NULL;
	}
	return tls;
}

bool tls_accept(struct stream *s, struct tls_context *context)
{
	struct tls_session *tls = session_on(s, context);

	if (tls == NULL)
		return false;
	SSL_set_accept_state(tls->ssl);
	stream_switch_transport(s, &tls_transport, tls);
	return true;
}

/* Names go into SNI, addresses may not.  False: no memory; nothing would be verified. */
static bool name_server(SSL *ssl, const char *name, bool verify)
{
	struct in6_addr address;
	bool is_name = inet_pton(AF_INET, name, &address) != 1 &&
		       inet_pton(AF_INET6, name, &address) != 1;

	if (is_name && SSL_set_tlsext_host_name(ssl, name) != 1)
		return false;
	if (!verify)
		return true;
	return is_name ? SSL_set1_host(ssl, name) == 1 :
			 X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
}

bool tls_connect(struct stream *s, struct tls_context *context, const char *server_name)
{
	struct tls_session *tls = session_on(s, context);

	if (tls == NULL)
		return false;
	SSL_set_connect_state(tls->ssl);
	if (server_name != NULL && !name_server(tls->ssl, server_name, context->verify_name)) {
		SSL_free(tls->ssl);
		free(tls);
		return false;
	}
	stream_switch_transport(s, &tls_transport, tls);
	return true;
}

static void format_fingerprint(const SSL *ssl, char print[TLS_FINGERPRINT_ROOM])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	X509 *cert = SSL_get1_peer_certificate(ssl);

	print[0] = '\0';
	if (cert != NULL && X509_digest(cert, EVP_sha1(), digest, &len) == 1) {
		for (unsigned i = 0; i < len; i++)
			(void)snprintf(print + (size_t)2 * i, 3, "%02X", digest[i]);
	}
	X509_free(cert);
}

bool tls_fingerprint(int fd, struct tls_context *context, const char *server_name,
		     char print[TLS_FINGERPRINT_ROOM], char *problem, size_t room)
{
	SSL *ssl = SSL_new(context->ctx);
	bool ok = false;

	ERR_clear_error();
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    !name_server(ssl, server_name, context->verify_name)) {
		(void)snprintf(problem, room, "out of memory");
	} else if (SSL_connect(ssl) != 1) {
		bool verified = SSL_get_verify_result(ssl) == X509_V_OK;

		(void)snprintf(problem, room, "TLS: %s",
			       verified ? "no handshake" : certificate_verdict(ssl));
	} else {
		format_fingerprint(ssl, print);
		ok = print[0] != '\0';
		(void)SSL_shutdown(ssl);
	}
	ERR_clear_error();
	SSL_free(ssl);
	return ok;
}

const char *tls_version(const struct stream *s)
{
	return s->transport == &tls_transport ? SSL_get_version(ssl_of(s)) : NULL;
}

const char *tls_cipher(const struct stream *s)
{
	return s->transport == &tls_transport ? SSL_get_cipher_name(ssl_of(s)) : NULL;
}

/* --- contexts ----------------------------------------------------------- */

static X509 *certificate_for(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name;

	if (cert == NULL)
		return NULL;
	(void)X509_set_version(cert, 2);
	(void)ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), (uint64_t)time(NULL));
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -86400L);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * CERTIFICATE_DAYS);
	(void)X509_set_pubkey(cert, key);
	name = X509_get_subject_name(cert);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					 (const unsigned char *)"readmux self-signed", -1, -1, 0);
	(void)X509_set_issuer_name(cert, name);
	if (X509_sign(cert, key, EVP_sha256()) == 0) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static bool use_self_signed(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key != NULL ? certificate_for(key) : NULL;
	bool ok = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1 &&
		  SSL_CTX_use_PrivateKey(ctx, key) == 1;

	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

static bool use_files(SSL_CTX *ctx, const char *cert_file, const char *key_file,
		      char *problem, size_t room)
{
	const char *key = key_file != NULL && key_file[0] != '\0' ? key_file : cert_file;

	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1) {
		describe_problem("cannot use certificate", cert_file, problem, room);
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
		describe_problem("cannot use private key", key, problem, room);
		return false;
	}
	if (SSL_CTX_check_private_key(ctx) != 1) {
		describe_problem("certificate and key do not belong together:", key, problem, room);
		return false;
	}
	return true;
}

static struct tls_context *context_new(const SSL_METHOD *method, char *problem, size_t room)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	if (context != NULL) {
		context->references = 1;
		context->ctx = SSL_CTX_new(method);
	}
	if (context == NULL || context->ctx == NULL) {
		describe_problem("cannot set up TLS", NULL, problem, room);
		free(context);
		return NULL;
	}
	(void)SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_mode(context->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
			       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_options(context->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	return context;
}

static bool given(const char *file)
{
	return file != NULL && file[0] != '\0';
}

static bool use_authority(SSL_CTX *ctx, const char *ca_file, int mode, char *problem, size_t room)
{
	if (SSL_CTX_load_verify_file(ctx, ca_file) != 1) {
		describe_problem("cannot use certificate authority", ca_file, problem, room);
		return false;
	}
	SSL_CTX_set_verify(ctx, mode, NULL);
	return true;
}

struct tls_context *tls_context_server(const char *cert_file, const char *key_file,
				       const char *client_ca, char *problem, size_t room)
{
	static const unsigned char session_id[] = "readmux";
	struct tls_context *context = context_new(TLS_server_method(), problem, room);
	bool ok;

	if (context == NULL)
		return NULL;
	(void)SSL_CTX_set_session_id_context(context->ctx, session_id, sizeof(session_id) - 1);
	(void)SSL_CTX_set_num_tickets(context->ctx, 1);
	ok = given(cert_file) ? use_files(context->ctx, cert_file, key_file, problem, room) :
				use_self_signed(context->ctx);
	if (!ok && !given(cert_file))
		describe_problem("cannot make a self-signed certificate", NULL, problem, room);
	if (ok && given(client_ca))
		ok = use_authority(context->ctx, client_ca,
				   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, problem, room);
	if (ok)
		return context;
	tls_context_drop(context);
	return NULL;
}

struct tls_context *tls_context_client(const char *ca_file, bool verify_name,
				       const char *cert_file, const char *key_file,
				       char *problem, size_t room)
{
	struct tls_context *context = context_new(TLS_client_method(), problem, room);
	bool ok = true;

	if (context == NULL)
		return NULL;
	context->verify_name = verify_name;
	(void)SSL_CTX_set_session_cache_mode(context->ctx, SSL_SESS_CACHE_OFF);
	if (given(ca_file))
		ok = use_authority(context->ctx, ca_file, SSL_VERIFY_PEER, problem, room);
	if (ok && given(cert_file))
		ok = use_files(context->ctx, cert_file, key_file, problem, room);
	if (ok)
		return context;
	tls_context_drop(context);
	return NULL;
}

struct tls_context *tls_context_take(struct tls_context *context)
{
	if (context != NULL)
		atomic_fetch_add(&context->references, 1);
	return context;
}

void tls_context_drop(struct tls_context *context)
{
	if (context == NULL || atomic_fetch_sub(&context->references, 1) > 1)
		return;
	SSL_CTX_free(context->ctx);
	free(context);
}
