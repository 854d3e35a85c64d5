/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of users; see credentials.h. */
#include <readmux/auth/credentials.h>
#include <readmux/auth/client_login.h>

#include <pthread.h>
#include <uthash.h>

#define NAME_ROOM     CLIENT_LOGIN_NAME_MAX
#define FAILURES_KEPT 4096u

struct entry {
	UT_hash_handle hh;
	bool           has[CREDENTIAL_LEARNED + 1];
	struct secret  secret[CREDENTIAL_LEARNED + 1];
	uint64_t       learned_us;
	char           name[NAME_ROOM];
};

/* Failed logins of one user from one address. */
struct failure {
	UT_hash_handle hh;
	unsigned       count;
	uint64_t       first_us;
	char           key[NAME_ROOM + 64];
};

struct credentials {
	pthread_mutex_t lock;
	struct entry   *entries;
	struct failure *failures;
	uint64_t        ttl_us;
	unsigned        burst;
	uint64_t        window_us;
};

struct credentials *credentials_new(uint64_t ttl_us)
{
	struct credentials *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->ttl_us = ttl_us;
	return c;
}

static void entry_free(struct credentials *c, struct entry *e)
{
	HASH_DEL(c->entries, e);
	for (size_t i = 0; i < ARRAY_LEN(e->secret); i++)
		secret_wipe(&e->secret[i]);
	free(e);
}

void credentials_free(struct credentials *c)
{
	struct entry *e, *tmp;
	struct failure *f, *next;

	if (c == NULL)
		return;
	HASH_ITER(hh, c->entries, e, tmp)
		entry_free(c, e);
	HASH_ITER(hh, c->failures, f, next) {
		HASH_DEL(c->failures, f);
		free(f);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct entry *entry_find(struct credentials *c, struct span user)
{
	char name[NAME_ROOM];
	struct entry *e;

	if (!span_copy(user, name, sizeof(name)))
		return NULL;
	HASH_FIND_STR(c->entries, name, e);
	return e;
}

static struct entry *entry_get(struct credentials *c, struct span user)
{
	struct entry *e = entry_find(c, user);

	if (e != NULL || user.len >= NAME_ROOM)
		return e;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	(void)span_copy(user, e->name, sizeof(e->name));
	HASH_ADD_STR(c->entries, name, e);
	return e;
}

static void forget(struct credentials *c, struct entry *e, enum credential_source source)
{
	secret_wipe(&e->secret[source]);
	e->has[source] = false;
	if (!e->has[CREDENTIAL_CONFIGURED] && !e->has[CREDENTIAL_READ] &&
	    !e->has[CREDENTIAL_LEARNED])
		entry_free(c, e);
}

void credentials_clear(struct credentials *c, enum credential_source source)
{
	struct entry *e, *tmp;

	pthread_mutex_lock(&c->lock);
	HASH_ITER(hh, c->entries, e, tmp)
		forget(c, e, source);
	pthread_mutex_unlock(&c->lock);
}

bool credentials_put(struct credentials *c, struct span user, enum credential_source source,
		     const struct secret *secret, uint64_t now_us)
{
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = entry_get(c, user);
	if (e != NULL) {
		e->has[source] = true;
		e->secret[source] = *secret;
		if (source == CREDENTIAL_LEARNED)
			e->learned_us = now_us;
	}
	pthread_mutex_unlock(&c->lock);
	return e != NULL;
}

static enum credential_source best_source(struct credentials *c, struct entry *e, uint64_t now_us)
{
	if (e->has[CREDENTIAL_CONFIGURED])
		return CREDENTIAL_CONFIGURED;
	if (e->has[CREDENTIAL_LEARNED] && now_us - e->learned_us < c->ttl_us)
		return CREDENTIAL_LEARNED;
	return e->has[CREDENTIAL_READ] ? CREDENTIAL_READ : CREDENTIAL_NONE;
}

enum credential_source credentials_find(struct credentials *c, struct span user,
					uint64_t now_us, struct secret *out)
{
	enum credential_source source = CREDENTIAL_NONE;
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = entry_find(c, user);
	if (e != NULL)
		source = best_source(c, e, now_us);
	if (source != CREDENTIAL_NONE)
		*out = e->secret[source];
	else
		memset(out, 0, sizeof(*out));
	pthread_mutex_unlock(&c->lock);
	return source;
}

void credentials_refused(struct credentials *c, struct span user, const struct secret *secret)
{
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = entry_find(c, user);
	if (e != NULL && e->has[CREDENTIAL_LEARNED] &&
	    secret_equal(&e->secret[CREDENTIAL_LEARNED], secret))
		forget(c, e, CREDENTIAL_LEARNED);
	pthread_mutex_unlock(&c->lock);
}

/* --- failures ----------------------------------------------------------------- */

void credentials_limit(struct credentials *c, unsigned burst, uint64_t window_us)
{
	pthread_mutex_lock(&c->lock);
	c->burst = burst;
	c->window_us = window_us;
	pthread_mutex_unlock(&c->lock);
}

static void failure_key(struct span user, struct span address, char *key, size_t room)
{
	(void)snprintf(key, room, "%.*s@%.*s", (int)size_min(user.len, NAME_ROOM),
		       (const char *)user.data, (int)size_min(address.len, 60),
		       (const char *)address.data);
}

static struct failure *failure_get(struct credentials *c, const char *key, uint64_t now_us)
{
	struct failure *f;

	HASH_FIND_STR(c->failures, key, f);
	if (f != NULL)
		return f;
	if (HASH_COUNT(c->failures) >= FAILURES_KEPT) {
		f = c->failures;	/* uthash keeps the order of arrival */
		HASH_DEL(c->failures, f);
		free(f);
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	(void)snprintf(f->key, sizeof(f->key), "%s", key);
	f->first_us = now_us;
	HASH_ADD_STR(c->failures, key, f);
	return f;
}

void credentials_failed(struct credentials *c, struct span user, struct span address,
			uint64_t now_us)
{
	char key[NAME_ROOM + 64];
	struct failure *f;

	failure_key(user, address, key, sizeof(key));
	pthread_mutex_lock(&c->lock);
	f = failure_get(c, key, now_us);
	if (f != NULL && now_us - f->first_us >= c->window_us) {
		f->count = 0;
		f->first_us = now_us;
	}
	if (f != NULL)
		f->count++;
	pthread_mutex_unlock(&c->lock);
}

uint64_t credentials_blocked(struct credentials *c, struct span user, struct span address,
			     uint64_t now_us)
{
	char key[NAME_ROOM + 64];
	struct failure *f;
	uint64_t left = 0;

	failure_key(user, address, key, sizeof(key));
	pthread_mutex_lock(&c->lock);
	HASH_FIND_STR(c->failures, key, f);
	if (f != NULL && c->burst > 0 && f->count > c->burst &&
	    now_us - f->first_us < c->window_us)
		left = c->window_us - (now_us - f->first_us);
	pthread_mutex_unlock(&c->lock);
	return left;
}
