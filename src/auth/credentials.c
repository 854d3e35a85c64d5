/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of users; see credentials.h.
 *
 * An entry is there as long as one source knows its user.  Failures are kept in
 * the order in which their windows began, which is the order they run out in.
 */
#include <readmux/auth/client_login.h>
#include <readmux/auth/credentials.h>

#include <openssl/crypto.h>
#include <pthread.h>
#include <uthash.h>

#define NAME_ROOM     CLIENT_LOGIN_NAME_MAX
#define ADDRESS_ROOM  64u
#define FAILURES_KEPT 4096u
#define SOURCES       (CREDENTIAL_LEARNED + 1)

struct entry {
	UT_hash_handle hh;
	struct secret *secret[SOURCES];		/* NULL: that source knows nothing */
	unsigned       list[SOURCES];		/* the last one of that source that it was on */
	uint64_t       learned_us;
	char           name[];
};

/* Failed logins of one user from one address. */
struct failure {
	UT_hash_handle hh;
	unsigned       count;
	uint64_t       first_us;
	char           key[];
};

struct credentials {
	pthread_mutex_t lock;
	struct entry   *entries;
	struct failure *failures;
	uint64_t        ttl_us;
	unsigned        lists[SOURCES];		/* how many have been put */
	uint64_t        swept_us;	/* when expired secrets were last looked for */
	unsigned        burst;
	uint64_t        window_us;
};

struct credentials *credentials_new(uint64_t ttl_us)
{
	struct credentials *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if (pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return NULL;
	}
	c->ttl_us = ttl_us;
	return c;
}

/* Callers' clocks differ a little: one may be behind the other. */
static uint64_t elapsed(uint64_t now_us, uint64_t since_us)
{
	return now_us > since_us ? now_us - since_us : 0;
}

/* --- entries -------------------------------------------------------------------- */

static bool entry_is_empty(const struct entry *e)
{
	for (size_t i = 0; i < SOURCES; i++) {
		if (e->secret[i] != NULL)
			return false;
	}
	return true;
}

/* Drop what <source> knows; <e> is gone when nothing else knows it. */
static void forget(struct credentials *c, struct entry *e, enum credential_source source)
{
	if (e->secret[source] != NULL)
		OPENSSL_clear_free(e->secret[source], sizeof(struct secret));
	e->secret[source] = NULL;
	if (!entry_is_empty(e))
		return;
	HASH_DEL(c->entries, e);
	free(e);
}

static void forget_all(struct credentials *c, enum credential_source source)
{
	struct entry *e, *next;

	HASH_ITER(hh, c->entries, e, next) {
		if (e->secret[source] != NULL)
			forget(c, e, source);
	}
}

void credentials_free(struct credentials *c)
{
	struct failure *f, *next;

	if (c == NULL)
		return;
	for (int source = CREDENTIAL_CONFIGURED; source < SOURCES; source++)
		forget_all(c, (enum credential_source)source);
	HASH_ITER(hh, c->failures, f, next) {
		HASH_DEL(c->failures, f);
		free(f);
	}
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

void credentials_settle(struct credentials *c, enum credential_source source)
{
	struct entry *e, *next;

	pthread_mutex_lock(&c->lock);
	HASH_ITER(hh, c->entries, e, next) {
		if (e->secret[source] != NULL && e->list[source] != c->lists[source])
			forget(c, e, source);
	}
	c->lists[source]++;
	pthread_mutex_unlock(&c->lock);
}

static struct entry *entry_find(struct credentials *c, struct span user)
{
	const void *name = user.len > 0 ? (const void *)user.data : "";
	struct entry *e = NULL;

	if (user.len < NAME_ROOM)
		HASH_FIND(hh, c->entries, name, user.len, e);
	return e;
}

static struct entry *entry_get(struct credentials *c, struct span user)
{
	struct entry *e = entry_find(c, user);

	if (e != NULL || user.len >= NAME_ROOM)
		return e;
	e = calloc(1, sizeof(*e) + user.len + 1);
	if (e == NULL)
		return NULL;
	if (user.len > 0)
		memcpy(e->name, user.data, user.len);
	HASH_ADD_KEYPTR(hh, c->entries, e->name, user.len, e);
	return e;
}

static bool is_expired(const struct credentials *c, const struct entry *e, uint64_t now_us)
{
	return e->secret[CREDENTIAL_LEARNED] != NULL &&
	       elapsed(now_us, e->learned_us) >= c->ttl_us;
}

/* Users who never come back leave no password behind. */
static void sweep(struct credentials *c, uint64_t now_us)
{
	struct entry *e, *next;

	if (elapsed(now_us, c->swept_us) < c->ttl_us)
		return;
	c->swept_us = now_us;
	HASH_ITER(hh, c->entries, e, next) {
		if (is_expired(c, e, now_us))
			forget(c, e, CREDENTIAL_LEARNED);
	}
}

static bool entry_put(struct credentials *c, struct entry *e, enum credential_source source,
		      const struct secret *secret, uint64_t now_us)
{
	if (e->secret[source] == NULL)
		e->secret[source] = OPENSSL_malloc(sizeof(*secret));
	if (e->secret[source] == NULL) {
		forget(c, e, source);
		return false;
	}
	*e->secret[source] = *secret;
	e->list[source] = c->lists[source];
	if (source == CREDENTIAL_LEARNED)
		e->learned_us = now_us;
	return true;
}

bool credentials_put(struct credentials *c, struct span user, enum credential_source source,
		     const struct secret *secret, uint64_t now_us)
{
	struct entry *e;
	bool ok;

	pthread_mutex_lock(&c->lock);
	sweep(c, now_us);
	e = entry_get(c, user);
	ok = e != NULL && entry_put(c, e, source, secret, now_us);
	pthread_mutex_unlock(&c->lock);
	return ok;
}

static enum credential_source best_source(const struct credentials *c,
					  const struct entry *e, uint64_t now_us)
{
	if (e->secret[CREDENTIAL_CONFIGURED] != NULL)
		return CREDENTIAL_CONFIGURED;
	if (e->secret[CREDENTIAL_LEARNED] != NULL && !is_expired(c, e, now_us))
		return CREDENTIAL_LEARNED;
	return e->secret[CREDENTIAL_READ] != NULL ? CREDENTIAL_READ : CREDENTIAL_NONE;
}

enum credential_source credentials_find(struct credentials *c, struct span user,
					uint64_t now_us, struct secret *out)
{
	enum credential_source source = CREDENTIAL_NONE;
	struct entry *e;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&c->lock);
	e = entry_find(c, user);
	if (e != NULL)
		source = best_source(c, e, now_us);
	if (source != CREDENTIAL_NONE)
		*out = *e->secret[source];
	if (e != NULL && is_expired(c, e, now_us))
		forget(c, e, CREDENTIAL_LEARNED);
	pthread_mutex_unlock(&c->lock);
	return source;
}

void credentials_refused(struct credentials *c, struct span user,
			 const struct secret *secret)
{
	static const enum credential_source asked[] = {
		CREDENTIAL_LEARNED, CREDENTIAL_READ,
	};
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		e = entry_find(c, user);	/* forgetting one may free it */
		if (e != NULL && e->secret[asked[i]] != NULL &&
		    secret_equal(e->secret[asked[i]], secret))
			forget(c, e, asked[i]);
	}
	pthread_mutex_unlock(&c->lock);
}

/* --- failures ------------------------------------------------------------------- */

void credentials_limit(struct credentials *c, unsigned burst, uint64_t window_us)
{
	pthread_mutex_lock(&c->lock);
	c->burst = burst;
	c->window_us = window_us;
	pthread_mutex_unlock(&c->lock);
}

struct failure_key {
	uint8_t bytes[NAME_ROOM + 1 + ADDRESS_ROOM];
	size_t  len;
};

/* Names hold no zero byte, so it separates. */
static struct failure_key failure_key(struct span user, struct span address)
{
	struct failure_key key = { .len = 0 };

	user = span_head(user, NAME_ROOM);
	address = span_head(address, ADDRESS_ROOM);
	if (user.len > 0)
		memcpy(key.bytes, user.data, user.len);
	if (address.len > 0)
		memcpy(key.bytes + user.len + 1, address.data, address.len);
	key.len = user.len + 1 + address.len;
	return key;
}

static struct failure *failure_find(struct credentials *c, const struct failure_key *key)
{
	struct failure *f;

	HASH_FIND(hh, c->failures, key->bytes, key->len, f);
	return f;
}

static void failure_drop(struct credentials *c, struct failure *f)
{
	HASH_DEL(c->failures, f);
	free(f);
}

/* The head of the table began first: drop what ran out, and one more when it is full. */
static void failures_trim(struct credentials *c, uint64_t now_us)
{
	while (c->failures != NULL &&
	       elapsed(now_us, c->failures->first_us) >= c->window_us)
		failure_drop(c, c->failures);
	if (HASH_COUNT(c->failures) >= FAILURES_KEPT)
		failure_drop(c, c->failures);
}

static struct failure *failure_new(struct credentials *c, const struct failure_key *key,
				   uint64_t now_us)
{
	struct failure *f = calloc(1, sizeof(*f) + key->len);

	if (f == NULL)
		return NULL;
	memcpy(f->key, key->bytes, key->len);
	f->first_us = now_us;
	HASH_ADD_KEYPTR(hh, c->failures, f->key, key->len, f);
	return f;
}

void credentials_failed(struct credentials *c, struct span user, struct span address,
			uint64_t now_us)
{
	struct failure_key key = failure_key(user, address);
	struct failure *f;

	pthread_mutex_lock(&c->lock);
	f = failure_find(c, &key);
	if (f != NULL && elapsed(now_us, f->first_us) >= c->window_us) {
		failure_drop(c, f);
		f = NULL;
	}
	if (f == NULL) {
		failures_trim(c, now_us);
		f = failure_new(c, &key, now_us);
	}
	if (f != NULL)
		f->count++;
	pthread_mutex_unlock(&c->lock);
}

uint64_t credentials_blocked(struct credentials *c, struct span user, struct span address,
			     uint64_t now_us)
{
	struct failure_key key = failure_key(user, address);
	struct failure *f;
	uint64_t left = 0;

	pthread_mutex_lock(&c->lock);
	f = failure_find(c, &key);
	if (f != NULL && c->burst > 0 && f->count >= c->burst &&
	    elapsed(now_us, f->first_us) < c->window_us)
		left = c->window_us - elapsed(now_us, f->first_us);
	pthread_mutex_unlock(&c->lock);
	return left;
}
