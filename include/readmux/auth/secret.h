/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What readmux knows that lets it log in as a user: the password, or only
 * SHA1(password), or nothing yet.
 *
 * Fixed size, no pointers: it is copied by value, wiped with secret_wipe(), and
 * never logged.  Passwords longer than SECRET_PASSWORD_MAX are refused at login.
 */
#ifndef READMUX_AUTH_SECRET_H
#define READMUX_AUTH_SECRET_H

#include <readmux/auth/scramble.h>

#define SECRET_PASSWORD_MAX 255u

struct secret {
	bool     has_password;	/* <password> is valid, also when it is empty */
	bool     has_stage1;	/* <stage1> is valid (also set whenever has_password is) */
	bool     has_stage2;	/* <stage2> is valid: verifies, but gives no login */
	uint8_t  password_len;
	uint8_t  password[SECRET_PASSWORD_MAX];
	uint8_t  stage1[NATIVE_HASH_LEN];
	uint8_t  stage2[NATIVE_HASH_LEN];
};

/* From a clear password; fills in both stages.  False when it is too long. */
RMX_MUST_CHECK
bool secret_from_password(struct secret *s, struct span password);
void secret_from_stage1(struct secret *s, const uint8_t stage1[NATIVE_HASH_LEN]);
void secret_from_stage2(struct secret *s, const uint8_t stage2[NATIVE_HASH_LEN]);

static inline struct span secret_password(const struct secret *s)
{
	return (struct span){ s->password, s->password_len };
}

/* True when a login at a server can be tried with it. */
static inline bool secret_usable(const struct secret *s)
{
	return s->has_password || s->has_stage1;
}

/* Same password, as far as both know it; constant time. */
bool secret_equal(const struct secret *a, const struct secret *b);
void secret_wipe(struct secret *s);

#endif
