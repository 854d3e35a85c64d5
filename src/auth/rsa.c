/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RSA-OAEP for caching_sha2_password; see rsa.h.
 *
 * OpenSSL's error queue is emptied after each failure: what is left on it would
 * be taken for an error of the next TLS operation on this thread.
 */
#include <readmux/auth/rsa.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define KEY_BITS 2048

struct rsa_key {
	EVP_PKEY *pair;
	char     *pem;
	size_t    pem_len;
};

static bool write_pem(struct rsa_key *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	bool ok = false;

	if (bio == NULL)
		return false;
	if (PEM_write_bio_PUBKEY(bio, key->pair) == 1) {
		len = BIO_get_mem_data(bio, &text);
		key->pem = malloc((size_t)len);
		ok = key->pem != NULL;
		if (ok) {
			memcpy(key->pem, text, (size_t)len);
			key->pem_len = (size_t)len;
		}
	}
	BIO_free(bio);
	return ok;
}

struct rsa_key *rsa_key_make(void)
{
	struct rsa_key *key = calloc(1, sizeof(*key));

	if (key == NULL)
		return NULL;
	key->pair = EVP_RSA_gen(KEY_BITS);
	if (key->pair != NULL && write_pem(key))
		return key;
	rsa_key_free(key);
	return NULL;
}

void rsa_key_free(struct rsa_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pair);
	free(key->pem);
	free(key);
}

struct span rsa_key_public_pem(const struct rsa_key *key)
{
	return (struct span){ (const uint8_t *)key->pem, key->pem_len };
}

bool rsa_key_decrypt(const struct rsa_key *key, struct span cipher, uint8_t *out,
		     size_t room, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pair, NULL);
	uint8_t plain[KEY_BITS / 8];
	size_t got = sizeof(plain);
	bool ok = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_decrypt(ctx, plain, &got, cipher.data, cipher.len) == 1 &&
		  got <= room;

	EVP_PKEY_CTX_free(ctx);
	if (ok) {
		memcpy(out, plain, got);
		*len = got;
	}
	OPENSSL_cleanse(plain, sizeof(plain));
	ERR_clear_error();
	return ok;
}

/* NULL when it is no RSA key.  The pass phrase is empty, so that nothing asks for one. */
static EVP_PKEY *read_pem(struct span pem)
{
	char pass_phrase[] = "";
	BIO *bio = BIO_new_mem_buf(pem.data, (int)size_min(pem.len, 65536));
	EVP_PKEY *key = NULL;

	if (bio != NULL)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, pass_phrase);
	BIO_free(bio);
	if (key != NULL && !EVP_PKEY_is_a(key, "RSA")) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

bool rsa_encrypt_for(struct span pem, struct span plain, uint8_t *out, size_t room,
		     size_t *len)
{
	EVP_PKEY *key = pem.len > 0 ? read_pem(pem) : NULL;
	EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	bool ok;

	*len = room;
	ok = ctx != NULL && (size_t)EVP_PKEY_get_size(key) <= room &&
	     EVP_PKEY_encrypt_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	     EVP_PKEY_encrypt(ctx, out, len, plain.data, plain.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}
