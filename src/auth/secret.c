/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secrets by value; see secret.h. */
#include <readmux/auth/secret.h>

#include <openssl/crypto.h>

bool secret_from_password(struct secret *s, struct span password)
{
	memset(s, 0, sizeof(*s));
	if (password.len > SECRET_PASSWORD_MAX)
		return false;
	if (password.len > 0)
		memcpy(s->password, password.data, password.len);
	s->password_len = (uint8_t)password.len;
	native_stage1(password, s->stage1);
	native_stage2(s->stage1, s->stage2);
	s->has_password = s->has_stage1 = s->has_stage2 = true;
	return true;
}

void secret_from_stage1(struct secret *s, const uint8_t stage1[NATIVE_HASH_LEN])
{
	memset(s, 0, sizeof(*s));
	memcpy(s->stage1, stage1, NATIVE_HASH_LEN);
	native_stage2(s->stage1, s->stage2);
	s->has_stage1 = s->has_stage2 = true;
}

void secret_from_stage2(struct secret *s, const uint8_t stage2[NATIVE_HASH_LEN])
{
	memset(s, 0, sizeof(*s));
	memcpy(s->stage2, stage2, NATIVE_HASH_LEN);
	s->has_stage2 = true;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->has_stage2 && b->has_stage2 &&
	       CRYPTO_memcmp(a->stage2, b->stage2, NATIVE_HASH_LEN) == 0;
}

void secret_wipe(struct secret *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}
