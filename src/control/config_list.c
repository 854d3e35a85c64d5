/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that are lists, from YAML: listen, backends.servers, users.
 */
#include "config_yaml.h"

/* Of a listen address that names none. */
#define LISTEN_PORT 3306u

/* One key that an entry of a list may have, and what the file gives for it. */
struct key {
	const char        *name;
	const yaml_node_t *value;	/* scalar, or NULL */
};

static struct key *find_key(struct key *keys, struct span name)
{
	for (struct key *key = keys; key->name != NULL; key++) {
		if (span_is(name, key->name))
			return key;
	}
	return NULL;
}

static void report_unknown(const struct walk *walk, const struct key *keys,
			   struct place at, const char *name)
{
	char known[REPORT_CLEAN_MAX];
	size_t len = 0;

	for (const struct key *key = keys; key->name != NULL && len < sizeof(known); key++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
					key == keys ? "" : ", ", key->name);
	report_at(walk_report(walk), at, "unknown key '%s'; an entry has %s", name, known);
}

/* Put one pair of an entry into its place in <keys>. */
static bool take_key(const struct walk *walk, struct key *keys,
		     const yaml_node_pair_t *pair)
{
	const yaml_node_t *name = walk_node(walk, pair->key);
	const yaml_node_t *value = walk_node(walk, pair->value);
	struct place at = node_place(name);
	char clean[REPORT_CLEAN_MAX] = "";
	struct key *key = NULL;

	if (name->type == YAML_SCALAR_NODE) {
		key = find_key(keys, node_text(name));
		(void)report_clean(node_text(name), clean);
	}
	if (key == NULL)
		report_unknown(walk, keys, at, clean);
	else if (key->value != NULL)
		report_at(walk_report(walk), at, "'%s' is given twice", clean);
	else if (value->type != YAML_SCALAR_NODE)
		report_at(walk_report(walk), node_place(value),
			  "%s expects a single value, got %s", clean, node_kind(value));
	else
		key->value = value;
	return key != NULL && key->value == value;
}

/* The mapping <entry> into <keys>, which end with a NULL name. */
static bool take_keys(const struct walk *walk, struct key *keys, const yaml_node_t *entry)
{
	const yaml_node_pair_t *pair, *end;
	bool good = true;

	if (entry->type != YAML_MAPPING_NODE) {
		report_at(walk_report(walk), node_place(entry),
			  "expects an entry such as {%s: ...}, got %s", keys[0].name,
			  node_kind(entry));
		return false;
	}
	end = entry->data.mapping.pairs.top;
	for (pair = entry->data.mapping.pairs.start; pair < end; pair++)
		good &= take_key(walk, keys, pair);
	if (good && keys[0].value == NULL)
		report_at(walk_report(walk), node_place(entry),
			  "this entry has no '%s'", keys[0].name);
	return good && keys[0].value != NULL;
}

static void report_memory(const struct walk *walk)
{
	report_add(walk_report(walk), "out of memory");
}

static bool take_address(const struct walk *walk, const yaml_node_t *node, uint16_t port,
			 struct address *out)
{
	char clean[REPORT_CLEAN_MAX] = "";

	if (node->type == YAML_SCALAR_NODE && address_parse(node_text(node), port, out))
		return true;
	if (node->type == YAML_SCALAR_NODE)
		(void)report_clean(node_text(node), clean);
	report_at(walk_report(walk), node_place(node),
		  "expects a numeric address such as 10.0.0.1:3306 or [::1]:3306, got '%s'",
		  clean);
	return false;
}

static bool take_route(const struct walk *walk, const yaml_node_t *node,
		       enum listen_route *route)
{
	char clean[REPORT_CLEAN_MAX];

	for (unsigned i = 0; node != NULL && listen_route_names[i] != NULL; i++) {
		if (span_is(node_text(node), listen_route_names[i])) {
			*route = (enum listen_route)i;
			return true;
		}
	}
	if (node != NULL)
		report_at(walk_report(walk), node_place(node),
			  "route expects one of split, read; got '%s'",
			  report_clean(node_text(node), clean));
	return node == NULL;
}

static bool take_consistency(const struct walk *walk, const yaml_node_t *node,
			     enum sql_consistency *consistency)
{
	char clean[REPORT_CLEAN_MAX];

	*consistency = SQL_CONSISTENCY_UNSET;
	if (node == NULL)
		return true;
	*consistency = sql_consistency_named(node_text(node));
	if (*consistency == SQL_CONSISTENCY_UNSET)
		report_at(walk_report(walk), node_place(node), "consistency expects one of "
			  "session, eventual, primary; got '%s'",
			  report_clean(node_text(node), clean));
	return *consistency != SQL_CONSISTENCY_UNSET;
}

static void add_listen(const struct walk *walk, const yaml_node_t *node)
{
	struct key keys[] = {
		{ "address", NULL }, { "route", NULL }, { "consistency", NULL }, { NULL, NULL },
	};
	struct listen_setting entry = { .route = LISTEN_SPLIT };

	if (!take_keys(walk, keys, node) ||
	    !take_address(walk, keys[0].value, LISTEN_PORT, &entry.address) ||
	    !take_route(walk, keys[1].value, &entry.route) ||
	    !take_consistency(walk, keys[2].value, &entry.consistency))
		return;
	if (!settings_add_listen(walk->loading->settings, &entry))
		report_memory(walk);
}

/* Port 0 stands for backends.port, which may come later in the file. */
static void add_server(const struct walk *walk, const yaml_node_t *node)
{
	struct address entry;

	if (take_address(walk, node, 0, &entry) &&
	    !settings_add_server(walk->loading->settings, &entry))
		report_memory(walk);
}

/* A copy to be freed with settings_wipe_text(); NULL is reported. */
static char *copy_value(const struct walk *walk, const char *what, const yaml_node_t *node)
{
	struct span text = node_value(node);
	char *copy;

	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL) {
		report_at(walk_report(walk), node_place(node),
			  "%s contains a zero byte", what);
		return NULL;
	}
	copy = malloc(text.len + 1);
	if (copy == NULL)
		report_memory(walk);
	else
		(void)span_copy(text, copy, text.len + 1);
	return copy;
}

static char *copy_secret_file(const struct walk *walk, const yaml_node_t *node)
{
	char *path = copy_value(walk, "password_file", node);
	char words[REPORT_WORDS_MAX];
	char *secret;

	if (path == NULL)
		return NULL;
	secret = config_read_secret(path, words);
	if (secret == NULL)
		report_at(walk_report(walk), node_place(node), "password_file %s",
			  words);
	free(path);
	return secret;
}

/* '*' and 40 hex digits, as in mysql.user for mysql_native_password. */
static char *copy_hash(const struct walk *walk, const yaml_node_t *node)
{
	char *hash = copy_value(walk, "password_hash", node);

	if (hash == NULL)
		return NULL;
	if (hash[0] == '*' && strlen(hash) == 41 &&
	    strspn(hash + 1, "0123456789abcdefABCDEF") == 40)
		return hash;
	report_at(walk_report(walk), node_place(node),
		  "password_hash expects '*' and 40 hex digits, as PASSWORD() gives");
	settings_wipe_text(hash);
	return NULL;
}

enum user_key { USER_NAME, USER_PASSWORD, USER_PASSWORD_FILE, USER_PASSWORD_HASH, USER_CONSISTENCY };

/* The secret of a user entry, whichever way it is given. */
static bool take_user_secret(const struct walk *walk, const struct key *keys,
			     struct user_setting *entry)
{
	if (keys[USER_PASSWORD].value != NULL)
		entry->password = copy_value(walk, "password", keys[USER_PASSWORD].value);
	else if (keys[USER_PASSWORD_FILE].value != NULL)
		entry->password = copy_secret_file(walk, keys[USER_PASSWORD_FILE].value);
	else if (keys[USER_PASSWORD_HASH].value != NULL)
		entry->password_hash = copy_hash(walk, keys[USER_PASSWORD_HASH].value);
	else
		return true;	/* it is listed for its consistency */
	return entry->password != NULL || entry->password_hash != NULL;
}

static bool is_listed(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->user_count; i++) {
		if (strcmp(s->users[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool may_add_user(const struct walk *walk, const struct key *keys, const char *name)
{
	struct place at = node_place(keys[USER_NAME].value);
	char clean[REPORT_CLEAN_MAX];
	unsigned secrets = 0;

	for (unsigned i = USER_PASSWORD; i <= USER_PASSWORD_HASH; i++)
		secrets += keys[i].value != NULL;
	(void)report_clean(span_of(name), clean);
	if (name[0] == '\0')
		report_at(walk_report(walk), at, "name must not be empty");
	else if (secrets > 1 || (secrets == 0 && keys[USER_CONSISTENCY].value == NULL))
		report_at(walk_report(walk), at, "user '%s' needs exactly one of password, "
			  "password_file and password_hash", clean);
	else if (is_listed(walk->loading->settings, name))
		report_at(walk_report(walk), at, "user '%s' is listed twice", clean);
	else
		return true;
	return false;
}

static void add_user(const struct walk *walk, const yaml_node_t *node)
{
	struct key keys[] = {
		[USER_NAME] = { "name", NULL }, [USER_PASSWORD] = { "password", NULL },
		[USER_PASSWORD_FILE] = { "password_file", NULL },
		[USER_PASSWORD_HASH] = { "password_hash", NULL },
		[USER_CONSISTENCY] = { "consistency", NULL }, { NULL, NULL },
	};
	struct user_setting entry = { 0 };

	if (!take_keys(walk, keys, node))
		return;
	entry.name = copy_value(walk, "name", keys[USER_NAME].value);
	if (entry.name != NULL && may_add_user(walk, keys, entry.name) &&
	    take_user_secret(walk, keys, &entry) &&
	    take_consistency(walk, keys[USER_CONSISTENCY].value, &entry.consistency) &&
	    !settings_add_user(walk->loading->settings, &entry))
		report_memory(walk);
	free(entry.name);
	settings_wipe_text(entry.password);
	settings_wipe_text(entry.password_hash);
}

typedef void add_entry_fn(const struct walk *walk, const yaml_node_t *node);

static add_entry_fn *adder_of(const struct setting *row)
{
	if (row->kind == SETTING_LISTEN_LIST)
		return add_listen;
	return row->kind == SETTING_ADDRESS_LIST ? add_server : add_user;
}

void walk_list(const struct walk *walk, const struct setting *row, const yaml_node_t *node)
{
	add_entry_fn *add = adder_of(row);
	const yaml_node_item_t *item;

	if (node->type != YAML_SEQUENCE_NODE) {
		report_at(walk_report(walk), node_place(node), "%s expects a list, got %s",
			  row->path, node_kind(node));
		return;
	}
	settings_clear_list(walk->loading->settings, row);
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top;
	     item++)
		add(walk, walk_node(walk, *item));
}
