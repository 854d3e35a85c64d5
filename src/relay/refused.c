/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements that replicas have refused; see refused.h. */
#include <readmux/relay/refused.h>

#include <uthash.h>

struct entry {
	UT_hash_handle hh;
	uint64_t       digest;
	uint64_t       expires_us;
};

struct refused {
	struct entry *entries;	/* in order of their expiry */
};

struct refused *refused_new(void)
{
	return calloc(1, sizeof(struct refused));
}

static void forget(struct refused *r, struct entry *e)
{
	HASH_DEL(r->entries, e);
	free(e);
}

void refused_free(struct refused *r)
{
	if (r == NULL)
		return;
	while (r->entries != NULL)
		forget(r, r->entries);
	free(r);
}

static struct entry *find(struct refused *r, uint64_t digest)
{
	struct entry *e;

	HASH_FIND(hh, r->entries, &digest, sizeof(digest), e);
	return e;
}

/* uthash keeps the order of insertion, so what is renewed is put in again. */
void refused_add(struct refused *r, uint64_t digest, uint64_t now_us)
{
	struct entry *e = find(r, digest);

	if (e != NULL)
		forget(r, e);
	if (HASH_COUNT(r->entries) >= REFUSED_MAX)
		forget(r, r->entries);
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return;
	e->digest = digest;
	e->expires_us = now_us + REFUSED_EXPIRY_US;
	HASH_ADD(hh, r->entries, digest, sizeof(e->digest), e);
}

bool refused_has(struct refused *r, uint64_t digest, uint64_t now_us)
{
	while (r->entries != NULL && r->entries->expires_us <= now_us)
		forget(r, r->entries);
	return find(r, digest) != NULL;
}

size_t refused_count(const struct refused *r)
{
	return HASH_COUNT(r->entries);
}
