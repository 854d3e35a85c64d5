/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arithmetic of authentication plugins; see scramble.h. */
#include <readmux/auth/scramble.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <pthread.h>

/* Fetched once: a fetch costs more than the digest. */
static EVP_MD *sha1, *sha256;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* Digest of up to two pieces; *<md> is there once fetch() has run. */
static void digest(EVP_MD *const *md, struct span a, struct span b, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = pthread_once(&fetched, fetch) == 0 && *md != NULL && ctx != NULL &&
		  EVP_DigestInit_ex2(ctx, *md, NULL) == 1 &&
		  EVP_DigestUpdate(ctx, a.data, a.len) == 1 &&
		  EVP_DigestUpdate(ctx, b.data, b.len) == 1 &&
		  EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		abort();	/* a login decided by half a digest would be worse */
}

static void xor_into(uint8_t *into, const uint8_t *with, size_t len)
{
	for (size_t i = 0; i < len; i++)
		into[i] ^= with[i];
}

#define BYTES(array, n) ((struct span){ (array), (n) })

void native_stage1(struct span password, uint8_t stage1[NATIVE_HASH_LEN])
{
	digest(&sha1, password, SPAN_NONE, stage1);
}

void native_stage2(const uint8_t stage1[NATIVE_HASH_LEN], uint8_t stage2[NATIVE_HASH_LEN])
{
	digest(&sha1, BYTES(stage1, NATIVE_HASH_LEN), SPAN_NONE, stage2);
}

/* SHA1(salt + stage2): what hides stage1 on the wire. */
static void native_mask(const uint8_t salt[SALT_LEN], const uint8_t stage2[NATIVE_HASH_LEN],
			uint8_t mask[NATIVE_HASH_LEN])
{
	digest(&sha1, BYTES(salt, SALT_LEN), BYTES(stage2, NATIVE_HASH_LEN), mask);
}

void native_scramble(const uint8_t salt[SALT_LEN], const uint8_t stage1[NATIVE_HASH_LEN],
		     uint8_t answer[NATIVE_HASH_LEN])
{
	uint8_t stage2[NATIVE_HASH_LEN];

	native_stage2(stage1, stage2);
	native_mask(salt, stage2, answer);
	xor_into(answer, stage1, NATIVE_HASH_LEN);
	OPENSSL_cleanse(stage2, sizeof(stage2));
}

bool native_verify(const uint8_t salt[SALT_LEN], const uint8_t stage2[NATIVE_HASH_LEN],
		   struct span answer, uint8_t stage1[NATIVE_HASH_LEN])
{
	uint8_t check[NATIVE_HASH_LEN];

	if (answer.len != NATIVE_HASH_LEN)
		return false;
	native_mask(salt, stage2, stage1);
	xor_into(stage1, answer.data, NATIVE_HASH_LEN);
	native_stage2(stage1, check);
	return CRYPTO_memcmp(check, stage2, NATIVE_HASH_LEN) == 0;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool native_hash_from_text(struct span text, uint8_t stage2[NATIVE_HASH_LEN])
{
	if (text.len != 1 + 2 * NATIVE_HASH_LEN || text.data[0] != '*')
		return false;
	for (size_t i = 0; i < NATIVE_HASH_LEN; i++) {
		int high = hex_digit(text.data[1 + 2 * i]);
		int low = hex_digit(text.data[2 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		stage2[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void sha2_scramble(const uint8_t salt[SALT_LEN], struct span password,
		   uint8_t answer[SHA2_HASH_LEN])
{
	uint8_t once[SHA2_HASH_LEN], twice[SHA2_HASH_LEN];

	digest(&sha256, password, SPAN_NONE, once);
	digest(&sha256, BYTES(once, SHA2_HASH_LEN), SPAN_NONE, twice);
	digest(&sha256, BYTES(twice, SHA2_HASH_LEN), BYTES(salt, SALT_LEN), answer);
	xor_into(answer, once, SHA2_HASH_LEN);
	OPENSSL_cleanse(once, sizeof(once));
	OPENSSL_cleanse(twice, sizeof(twice));
}

bool sha2_verify(const uint8_t salt[SALT_LEN], struct span password, struct span answer)
{
	uint8_t want[SHA2_HASH_LEN];

	sha2_scramble(salt, password, want);
	return answer.len == sizeof(want) &&
	       CRYPTO_memcmp(want, answer.data, sizeof(want)) == 0;
}

void xor_with_salt(uint8_t *bytes, size_t len, const uint8_t salt[SALT_LEN])
{
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= salt[i % SALT_LEN];
}

bool salt_make(uint8_t salt[SALT_LEN])
{
	if (RAND_bytes(salt, SALT_LEN) != 1)
		return false;
	for (size_t i = 0; i < SALT_LEN; i++) {
		salt[i] = (uint8_t)(33 + salt[i] % 93);	/* '!' to '}' */
		if (salt[i] == '$')
			salt[i] = '~';
	}
	return true;
}
