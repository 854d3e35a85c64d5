/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arithmetic of the plugins against known values, RSA there and back, secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/auth/rsa.h>
#include <readmux/auth/secret.h>
#include <readmux/base/clock.h>

#include <openssl/err.h>

static const uint8_t salt[SALT_LEN + 1] = "0123456789abcdefghij";

static void unhex(const char *text, uint8_t *out)
{
	for (size_t i = 0; text[2 * i] != '\0'; i++) {
		unsigned byte = 0;

		assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
}

/* Computed by another implementation (Python's hashlib). */
static const struct {
	const char *password;
	const char *stored;	/* as PASSWORD() shows it */
	const char *native;	/* answers to <salt> */
	const char *sha2;
} vectors[] = {
	{ "secret", "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7",
	  "f5cac3f3b3df2133feb57db682c71e6ed433a988",
	  "7e4adda2f2d5ef09b4147518becb0cee2939376203650a8c2bb2815959364bd0" },
	{ "", "*BE1BDEC0AA74B4DCB079943E70528096CCA985F8",
	  "34a9017f06095abd2294824f6184daca806db2c6",
	  "0f33cfab80ecb078d1e4f630bd2866241d6d0ac8f10b5982a3ebdba2b36d42a3" },
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct span password = span_of(vectors[i].password);
		uint8_t stored[NATIVE_HASH_LEN], stage1[NATIVE_HASH_LEN];
		uint8_t stage2[NATIVE_HASH_LEN], want[SHA2_HASH_LEN], got[SHA2_HASH_LEN];

		assert_true(native_hash_from_text(span_of(vectors[i].stored), stored));
		native_stage1(password, stage1);
		native_stage2(stage1, stage2);
		assert_memory_equal(stage2, stored, sizeof(stored));
		native_scramble(salt, stage1, got);
		unhex(vectors[i].native, want);
		assert_memory_equal(got, want, NATIVE_HASH_LEN);
		sha2_scramble(salt, password, got);
		unhex(vectors[i].sha2, want);
		assert_memory_equal(got, want, SHA2_HASH_LEN);
	}
}

static void test_hash_text(void **state)
{
	static const struct {
		const char *text;
		bool        good;
		const char *because;
	} rows[] = {
		{ "*14e65567abdb5135d0cfd9a70b3032c179a49ee7", true, "lower case" },
		{ "14E65567ABDB5135D0CFD9A70B3032C179A49EE7", false, "no star" },
		{ "*14E65567ABDB5135D0CFD9A70B3032C179A49EE", false, "too short" },
		{ "*14E65567ABDB5135D0CFD9A70B3032C179A49EE70", false, "too long" },
		{ "*14E65567ABDB5135D0CFD9A70B3032C179A49EEG", false, "not hex" },
		{ "", false, "empty" },
		{ "565491d704013245", false, "pre-4.1" },
	};
	uint8_t stage2[NATIVE_HASH_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (native_hash_from_text(span_of(rows[i].text), stage2) != rows[i].good)
			fail_msg("%s", rows[i].because);
	}
}

static void test_native_verify(void **state)
{
	struct secret s;
	uint8_t answer[NATIVE_HASH_LEN], stage1[NATIVE_HASH_LEN];
	struct span whole = { answer, sizeof(answer) };

	(void)state;
	assert_true(secret_from_password(&s, span_of("secret")));
	native_scramble(salt, s.stage1, answer);
	assert_true(native_verify(salt, s.stage2, whole, stage1));
	assert_memory_equal(stage1, s.stage1, sizeof(stage1));
	assert_false(native_verify(salt, s.stage2, span_head(whole, 19), stage1));
	assert_false(native_verify(salt, s.stage2, SPAN_NONE, stage1));
	for (size_t bit = 0; bit < 8 * sizeof(answer); bit++) {
		answer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(native_verify(salt, s.stage2, whole, stage1));
		answer[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_sha2_verify(void **state)
{
	uint8_t answer[SHA2_HASH_LEN];
	struct span whole = { answer, sizeof(answer) };

	(void)state;
	sha2_scramble(salt, span_of("secret"), answer);
	assert_true(sha2_verify(salt, span_of("secret"), whole));
	assert_false(sha2_verify(salt, span_of("Secret"), whole));
	assert_false(sha2_verify(salt, span_of("secret"), span_head(whole, 31)));
	assert_false(sha2_verify(salt, span_of("secret"), SPAN_NONE));
}

static void test_salt(void **state)
{
	uint8_t first[SALT_LEN], other[SALT_LEN];

	(void)state;
	assert_true(salt_make(first));
	for (int round = 0; round < 1000; round++) {
		assert_true(salt_make(other));
		for (size_t i = 0; i < SALT_LEN; i++) {
			assert_in_range(other[i], 33, 126);
			assert_int_not_equal(other[i], '$');
		}
	}
	assert_memory_not_equal(first, other, SALT_LEN);
}

static void test_secret(void **state)
{
	struct secret whole, once, twice, other;
	uint8_t long_text[300];
	struct span long_password = { long_text, sizeof(long_text) };

	(void)state;
	assert_true(secret_from_password(&whole, span_of("secret")));
	secret_from_stage1(&once, whole.stage1);
	secret_from_stage2(&twice, whole.stage2);
	assert_true(secret_from_password(&other, span_of("")));
	assert_true(secret_equal(&whole, &once) && secret_equal(&once, &twice));
	assert_false(secret_equal(&whole, &other));
	assert_true(secret_usable(&whole) && secret_usable(&once) && secret_usable(&other));
	assert_false(secret_usable(&twice));
	memset(long_text, 'x', sizeof(long_text));
	assert_true(secret_from_password(&whole, span_head(long_password, 255)));
	assert_int_equal(secret_password(&whole).len, 255);
	assert_false(secret_from_password(&whole, span_head(long_password, 256)));
	assert_false(secret_usable(&whole));
	memset(&other, 0, sizeof(other));
	assert_false(secret_equal(&other, &other));
	secret_wipe(&once);
	assert_memory_equal(&once, &other, sizeof(once));
}

static void test_rsa(void **state)
{
	struct rsa_key *key = rsa_key_make();
	uint8_t cipher[1024], plain[512], text[] = "a password";
	size_t cipher_len, len;
	struct span pem, whole = { cipher, 256 };

	(void)state;
	assert_non_null(key);
	pem = rsa_key_public_pem(key);
	assert_true(span_starts_nocase(pem, "-----BEGIN PUBLIC KEY-----\n"));
	xor_with_salt(text, sizeof(text), salt);
	assert_true(rsa_encrypt_for(pem, (struct span){ text, sizeof(text) }, cipher,
				    sizeof(cipher), &cipher_len));
	assert_int_equal(cipher_len, 256);
	assert_true(rsa_key_decrypt(key, whole, plain, sizeof(plain), &len));
	assert_int_equal(len, sizeof(text));
	xor_with_salt(plain, len, salt);
	assert_string_equal((char *)plain, "a password");

	assert_false(rsa_key_decrypt(key, whole, plain, 5, &len));
	assert_false(rsa_key_decrypt(key, span_head(whole, 255), plain, 512, &len));
	cipher[100] ^= 1;
	assert_false(rsa_key_decrypt(key, whole, plain, sizeof(plain), &len));
	assert_false(rsa_key_decrypt(key, SPAN_NONE, plain, sizeof(plain), &len));
	assert_int_equal(ERR_peek_error(), 0);
	rsa_key_free(key);
	rsa_key_free(NULL);
}

static const char ec_key[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOsvZinoRLe0KI/4Ha4/WyzdKAIve\n"
	"EJvudgdCOqj23FAjzPFfvbSQPt9t1HX57pn29wJdc0O0dvMX/NfI+0u/FQ==\n"
	"-----END PUBLIC KEY-----\n";

static const char locked_key[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"Proc-Type: 4,ENCRYPTED\n"
	"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n"
	"\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n"
	"-----END PUBLIC KEY-----\n";

/* Whatever a server sends as its key is an error at worst, and asks nobody anything. */
static void test_rsa_foreign_keys(void **state)
{
	static const char *const keys[] = { "", "no key", ec_key, locked_key };
	struct rsa_key *key = rsa_key_make();
	uint8_t cipher[1024], plain[300] = { 0 };
	size_t len;
	struct span pem, whole = { plain, sizeof(plain) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		assert_false(rsa_encrypt_for(span_of(keys[i]), span_of("x"), cipher,
					     sizeof(cipher), &len));
		assert_int_equal(ERR_peek_error(), 0);
	}
	pem = rsa_key_public_pem(key);
	assert_false(rsa_encrypt_for(pem, span_head(pem, 0), cipher, 255, &len));
	assert_false(rsa_encrypt_for(pem, span_head(whole, 215), cipher, 1024, &len));
	assert_true(rsa_encrypt_for(pem, span_head(whole, 214), cipher, 1024, &len));
	for (size_t cut = 0; cut < pem.len - 26; cut += 7)
		assert_false(rsa_encrypt_for(span_head(pem, cut), span_of("x"), cipher,
					     sizeof(cipher), &len));
	rsa_key_free(key);
}

static void test_cost(void **state)
{
	struct secret s;
	uint8_t answer[NATIVE_HASH_LEN], stage1[NATIVE_HASH_LEN];
	uint64_t begin;

	(void)state;
	assert_true(secret_from_password(&s, span_of("secret")));
	native_scramble(salt, s.stage1, answer);
	begin = clock_now_us();
	for (int i = 0; i < 10000; i++) {
		if (!native_verify(salt, s.stage2, (struct span){ answer, 20 }, stage1))
			fail();
	}
	print_message("native_verify: %.2f us\n", (double)(clock_now_us() - begin) / 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_hash_text),
		cmocka_unit_test(test_native_verify),
		cmocka_unit_test(test_sha2_verify),
		cmocka_unit_test(test_salt),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_rsa_foreign_keys),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
