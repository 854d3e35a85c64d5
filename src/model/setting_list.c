/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that are lists: entries one by one, and whole lists as text.
 *
 * A list given as text is built in a scratch set of settings first, so that a
 * bad entry at its end leaves the old list as it was.
 */
#include "setting_kind.h"

/* Of a listen address that names none. */
#define LISTEN_PORT 3306u

static void *grow(void *list, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count + 1, size, &bytes))
		return NULL;
	return realloc(list, bytes);
}

bool settings_add_listen(struct settings *s, const struct listen_setting *entry)
{
	struct listen_setting *list = grow(s->listen, s->listen_count, sizeof(*list));

	if (list == NULL)
		return false;
	list[s->listen_count++] = *entry;
	s->listen = list;
	return true;
}

bool settings_add_server(struct settings *s, const struct address *entry)
{
	struct address *list = grow(s->servers, s->server_count, sizeof(*list));

	if (list == NULL)
		return false;
	list[s->server_count++] = *entry;
	s->servers = list;
	return true;
}

static void drop_user(struct user_setting *user)
{
	free(user->name);
	settings_wipe_text(user->password);
	settings_wipe_text(user->password_hash);
}

/* A copy of <text>, or NULL with <failed> set; NULL stays NULL. */
static char *copy_text(const char *text, bool *failed)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (text != NULL && copy == NULL)
		*failed = true;
	return copy;
}

bool settings_add_user(struct settings *s, const struct user_setting *entry)
{
	struct user_setting *list = grow(s->users, s->user_count, sizeof(*list));
	bool failed = false;
	struct user_setting copy = {
		.name = copy_text(entry->name, &failed),
		.password = copy_text(entry->password, &failed),
		.password_hash = copy_text(entry->password_hash, &failed),
		.consistency = entry->consistency,
	};

	if (list != NULL)
		s->users = list;
	if (list == NULL || failed) {
		drop_user(&copy);
		return false;
	}
	list[s->user_count++] = copy;
	return true;
}

static void clear_users(struct settings *s)
{
	for (size_t i = 0; i < s->user_count; i++)
		drop_user(&s->users[i]);
	free(s->users);
	s->users = NULL;
	s->user_count = 0;
}

void settings_clear_list(struct settings *s, const struct setting *row)
{
	if (row->kind == SETTING_USER_LIST) {
		clear_users(s);
	} else if (row->kind == SETTING_LISTEN_LIST) {
		free(s->listen);
		s->listen = NULL;
		s->listen_count = 0;
	} else if (row->kind == SETTING_ADDRESS_LIST) {
		free(s->servers);
		s->servers = NULL;
		s->server_count = 0;
	}
}

static struct span trim(struct span text)
{
	while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = span_from(text, 1);
	while (text.len > 0 &&
	       (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* The part of <rest> before <separator>, trimmed; <rest> moves behind it. */
static struct span cut(struct span *rest, char separator)
{
	const uint8_t *at = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
	size_t len = at != NULL ? (size_t)(at - rest->data) : rest->len;
	struct span part = span_head(*rest, len);

	*rest = at != NULL ? span_from(*rest, len + 1) : SPAN_NONE;
	return trim(part);
}

static bool refuse_address(struct span text, const struct complaint *why)
{
	char quoted[SETTING_QUOTED_MAX];

	return setting_refuse(why, "expects numeric addresses such as 10.0.0.1:3306 or "
			      "[::1]:3306, got %s", setting_quoted(text, quoted));
}

/* "ADDRESS [ROUTE [CONSISTENCY]]" */
static bool add_listen_text(struct settings *s, struct span text,
			    const struct complaint *why)
{
	struct listen_setting entry = { .route = LISTEN_SPLIT };
	struct span rest = text, address = cut(&rest, ' '), route, consistency;
	char quoted[SETTING_QUOTED_MAX];

	rest = trim(rest);
	route = cut(&rest, ' ');
	consistency = trim(rest);
	if (!address_parse(address, LISTEN_PORT, &entry.address))
		return refuse_address(address, why);
	if (span_is(route, listen_route_names[LISTEN_READ]))
		entry.route = LISTEN_READ;
	else if (route.len > 0 && !span_is(route, listen_route_names[LISTEN_SPLIT]))
		return setting_refuse(why, "expects route split or read, got %s",
				      setting_quoted(route, quoted));
	entry.consistency = sql_consistency_named(consistency);
	if (consistency.len > 0 && entry.consistency == SQL_CONSISTENCY_UNSET)
		return setting_refuse(why, "expects consistency session, eventual or primary, "
				      "got %s", setting_quoted(consistency, quoted));
	return settings_add_listen(s, &entry) || setting_refuse(why, "out of memory");
}

/* Port 0 stands for backends.port, which may be stored later. */
static bool add_server_text(struct settings *s, struct span text,
			    const struct complaint *why)
{
	struct address entry;

	if (!address_parse(text, 0, &entry))
		return refuse_address(text, why);
	return settings_add_server(s, &entry) || setting_refuse(why, "out of memory");
}

/* "NAME:PASSWORD"; nothing of it is quoted in a message. */
static bool add_user_text(struct settings *s, struct span text, const struct complaint *why)
{
	struct span password = text, name = cut(&password, ':');
	struct user_setting entry;
	bool stored;

	if (name.len == 0 || name.data + name.len == text.data + text.len ||
	    memchr(text.data, '\0', text.len) != NULL)
		return setting_refuse(why, "expects NAME:PASSWORD, NAME:PASSWORD, ...");
	entry = (struct user_setting){
		.name = strndup((const char *)name.data, name.len),
		.password = strndup(password.len > 0 ? (const char *)password.data : "",
				    password.len),
	};
	stored = entry.name != NULL && entry.password != NULL &&
		 settings_add_user(s, &entry);
	drop_user(&entry);
	return stored || setting_refuse(why, "out of memory");
}

typedef bool add_text_fn(struct settings *s, struct span text, const struct complaint *why);

/* Every entry of the comma-separated <text> into the empty <scratch>. */
static bool fill(struct settings *scratch, struct span text, add_text_fn *add,
		 const struct complaint *why)
{
	text = trim(text);
	while (text.len > 0) {
		struct span entry = cut(&text, ',');

		if (!add(scratch, entry, why))
			return false;
	}
	return true;
}

/* Exchange the list of <row> between <a> and <b>. */
static void swap_list(struct settings *a, struct settings *b, const struct setting *row)
{
#define SWAP(field) do {						\
		__typeof__(a->field) kept = a->field;			\
		a->field = b->field;					\
		b->field = kept;					\
	} while (0)
	if (row->kind == SETTING_LISTEN_LIST) {
		SWAP(listen);
		SWAP(listen_count);
	} else if (row->kind == SETTING_ADDRESS_LIST) {
		SWAP(servers);
		SWAP(server_count);
	} else {
		SWAP(users);
		SWAP(user_count);
	}
#undef SWAP
}

static bool store_list(struct settings *s, const struct setting *row, struct span text,
		       add_text_fn *add, const struct complaint *why)
{
	struct settings scratch = { 0 };
	bool filled = fill(&scratch, text, add, why);

	if (filled)
		swap_list(s, &scratch, row);
	settings_clear_list(&scratch, row);
	return filled;
}

bool setting_store_listen(struct settings *s, const struct setting *row, struct span value,
			  const struct complaint *why)
{
	if (trim(value).len == 0)
		return setting_refuse(why, "needs at least one address");
	return store_list(s, row, value, add_listen_text, why);
}

bool setting_store_servers(struct settings *s, const struct setting *row, struct span value,
			   const struct complaint *why)
{
	return store_list(s, row, value, add_server_text, why);
}

bool setting_store_users(struct settings *s, const struct setting *row, struct span value,
			 const struct complaint *why)
{
	return store_list(s, row, value, add_user_text, why);
}

/* Append to the text in <out>, which holds <len> bytes; gives the new length. */
static size_t append(char *out, size_t room, size_t len, const char *text)
{
	int more = len < room ? snprintf(out + len, room - len, "%s", text) : 0;

	return size_min(len + (size_t)more, room);
}

void setting_format_listen(const struct settings *s, const struct setting *row, bool reveal,
			   char *out, size_t room)
{
	size_t len = append(out, room, 0, "");

	(void)row;
	(void)reveal;
	for (size_t i = 0; i < s->listen_count; i++) {
		char address[ADDRESS_TEXT_MAX];

		address_format(&s->listen[i].address, address, sizeof(address));
		len = append(out, room, len, i > 0 ? ", " : "");
		len = append(out, room, len, address);
		len = append(out, room, len, " ");
		len = append(out, room, len, listen_route_names[s->listen[i].route]);
		if (s->listen[i].consistency == SQL_CONSISTENCY_UNSET)
			continue;
		len = append(out, room, len, " ");
		len = append(out, room, len, sql_consistency_name(s->listen[i].consistency));
	}
}

void setting_format_servers(const struct settings *s, const struct setting *row,
			    bool reveal, char *out, size_t room)
{
	size_t len = append(out, room, 0, "");

	(void)row;
	(void)reveal;
	for (size_t i = 0; i < s->server_count; i++) {
		char address[ADDRESS_TEXT_MAX];

		address_format(&s->servers[i], address, sizeof(address));
		len = append(out, room, len, i > 0 ? ", " : "");
		len = append(out, room, len, address);
	}
}

/* A hash cannot be given as text, so it is shown as *** in any case. */
void setting_format_users(const struct settings *s, const struct setting *row, bool reveal,
			  char *out, size_t room)
{
	size_t len = append(out, room, 0, "");

	(void)row;
	for (size_t i = 0; i < s->user_count; i++) {
		const char *password = s->users[i].password;

		len = append(out, room, len, i > 0 ? ", " : "");
		len = append(out, room, len, s->users[i].name);
		len = append(out, room, len, ":");
		len = append(out, room, len, reveal && password != NULL ? password : "***");
		if (s->users[i].consistency == SQL_CONSISTENCY_UNSET)
			continue;
		len = append(out, room, len, " ");
		len = append(out, room, len, sql_consistency_name(s->users[i].consistency));
	}
}
