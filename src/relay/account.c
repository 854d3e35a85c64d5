/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interned login identities; see account.h. */
#include <readmux/base/hash.h>
#include <readmux/relay/account.h>

#include <uthash.h>

#define MAX_PACKET (1u << 30)	/* what clients of both servers announce */

struct account_row {
	struct account      account;
	UT_hash_handle      hh;
	uint64_t            key;
	struct account_row *same_key;
	char                user[];
};

struct account_table {
	struct account_row *rows;
};

struct account_table *account_table_new(void)
{
	return calloc(1, sizeof(struct account_table));
}

void account_table_free(struct account_table *table)
{
	if (table == NULL)
		return;
	assert(table->rows == NULL);
	free(table);
}

/* Never over the secret itself: hashes of it would linger in memory. */
static uint64_t key_of(struct span user, uint64_t capabilities, uint16_t collation)
{
	uint64_t hash = hash_span(HASH_START, user);

	hash = hash_span(hash, (struct span){ (const uint8_t *)&capabilities, sizeof(capabilities) });
	return hash_mix(hash ^ collation);
}

static bool row_is(const struct account_row *row, struct span user,
		   const struct secret *secret, uint64_t capabilities, uint16_t collation)
{
	const struct account *a = &row->account;

	return a->capabilities == capabilities && a->collation == collation &&
	       span_equal(a->user, user) && a->secret.has_password == secret->has_password &&
	       secret_equal(&a->secret, secret);
}

static struct account_row *row_new(struct account_table *table, struct span user,
				   const struct secret *secret, uint64_t capabilities,
				   uint16_t collation)
{
	struct account_row *row = calloc(1, sizeof(*row) + user.len + 1);

	if (row == NULL)
		return NULL;
	if (user.len > 0)
		memcpy(row->user, user.data, user.len);
	row->account = (struct account){
		.table = table,
		.references = 1,
		.capabilities = capabilities,
		.max_packet = MAX_PACKET,
		.collation = collation,
		.user = { (const uint8_t *)row->user, user.len },
		.secret = *secret,
	};
	return row;
}

struct account *account_get(struct account_table *table, struct span user,
			    const struct secret *secret, uint64_t capabilities,
			    uint16_t collation)
{
	uint64_t key = key_of(user, capabilities, collation);
	struct account_row *head, *row;

	HASH_FIND(hh, table->rows, &key, sizeof(key), head);
	for (row = head; row != NULL; row = row->same_key) {
		if (row_is(row, user, secret, capabilities, collation))
			return account_take(&row->account);
	}
	row = row_new(table, user, secret, capabilities, collation);
	if (row == NULL)
		return NULL;
	row->key = key;
	if (head != NULL) {
		row->same_key = head->same_key;
		head->same_key = row;
	} else {
		HASH_ADD(hh, table->rows, key, sizeof(row->key), row);
	}
	return &row->account;
}

struct account *account_take(struct account *account)
{
	account->references++;
	return account;
}

static void row_unlink(struct account_table *table, struct account_row *row)
{
	struct account_row *head, *next = row->same_key;

	HASH_FIND(hh, table->rows, &row->key, sizeof(row->key), head);
	if (head == row) {
		HASH_DELETE(hh, table->rows, row);
		if (next != NULL)
			HASH_ADD(hh, table->rows, key, sizeof(next->key), next);
		return;
	}
	while (head->same_key != row)
		head = head->same_key;
	head->same_key = next;
}

void account_drop(struct account *account)
{
	struct account_row *row;

	if (account == NULL || --account->references > 0)
		return;
	row = container_of(account, struct account_row, account);
	row_unlink(account->table, row);
	secret_wipe(&account->secret);
	free(row);
}
