/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_select.h. */
#include "fake_select.h"

#include "fake_answer.h"
#include "fake_text.h"
#include "fake_variables.h"

#include <ctype.h>

#define ITEMS_MAX 64u

/* The list under way: cells, and memory for values that are made up. */
struct items {
	struct fake_session *session;
	struct fake_cell     cells[ITEMS_MAX];
	size_t               count;
	char                 made[8][128];
	size_t               made_count;
	struct span          unknown;	/* the variable that does not exist */
};

static struct span made_up(struct items *items, const char *text)
{
	char *room;

	if (items->made_count == ARRAY_LEN(items->made))
		return SPAN_NONE;
	room = items->made[items->made_count++];
	(void)span_copy(span_of(text), room, sizeof(items->made[0]));
	return span_of(room);
}

struct span fake_gtid(const struct fake_session *s, char *out, size_t room)
{
	if (s->server->writes == 0)
		return SPAN_NONE;
	(void)snprintf(out, room, "0-%llu-%llu", (unsigned long long)s->server->server_id,
		       (unsigned long long)s->server->writes);
	return span_of(out);
}

static struct span gtid_value(struct items *items, struct fake_cell *cell RMX_UNUSED)
{
	char gtid[64];
	struct span text = fake_gtid(items->session, gtid, sizeof(gtid));

	return text.len > 0 ? made_up(items, gtid) : SPAN_NONE;
}

static struct span version_value(struct items *items RMX_UNUSED,
				 struct fake_cell *cell RMX_UNUSED)
{
	return fake_variable_selected(fake_variable(SPAN_LITERAL("version")));
}

static struct span schema_value(struct items *items, struct fake_cell *cell)
{
	cell->null = items->session->schema[0] == '\0';
	return span_of(items->session->schema);
}

static struct span user_value(struct items *items, struct fake_cell *cell RMX_UNUSED)
{
	char who[FAKE_NAME_LEN + 16];

	(void)snprintf(who, sizeof(who), "%s@localhost", items->session->user);
	return made_up(items, who);
}

static struct span id_value(struct items *items, struct fake_cell *cell)
{
	char id[16];

	cell->number = true;
	(void)snprintf(id, sizeof(id), "%u", items->session->id);
	return made_up(items, id);
}

static struct span time_value(struct items *items, struct fake_cell *cell RMX_UNUSED)
{
	time_t now = time(NULL);
	struct tm utc;
	char text[32];

	if (gmtime_r(&now, &utc) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc) == 0)
		return SPAN_NONE;
	return made_up(items, text);
}

static struct span zero_value(struct items *items RMX_UNUSED, struct fake_cell *cell)
{
	cell->number = true;
	return SPAN_LITERAL("0");
}

typedef struct span value_fn(struct items *items, struct fake_cell *cell);

static const struct {
	const char *name;
	value_fn   *value;
} functions[] = {
	{ "version", version_value },
	{ "database", schema_value },
	{ "schema", schema_value },
	{ "user", user_value },
	{ "current_user", user_value },
	{ "session_user", user_value },
	{ "system_user", user_value },
	{ "connection_id", id_value },
	{ "now", time_value },
	{ "sysdate", time_value },
	{ "current_timestamp", time_value },
	{ "utc_timestamp", time_value },
	{ "sleep", zero_value },
	{ "last_insert_id", zero_value },
	{ "row_count", zero_value },
	{ "found_rows", zero_value },
	{ "master_gtid_wait", zero_value },
	{ "master_pos_wait", zero_value },
};

/* Variables whose value moves. */
static const struct {
	const char *name;
	value_fn   *value;
} moving[] = {
	{ "gtid_binlog_pos", gtid_value },
	{ "gtid_binlog_state", gtid_value },
	{ "gtid_current_pos", gtid_value },
	{ "last_gtid", gtid_value },
	{ "pseudo_thread_id", id_value },
};

static struct span without_scope(struct span name)
{
	static const char *const scopes[] = { "global.", "session.", "local." };

	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		if (span_starts_nocase(name, scopes[i]))
			return span_from(name, strlen(scopes[i]));
	return name;
}

/* Behind "@@": always an item, though the variable may be unknown. */
static bool variable_item(struct items *items, struct text *t, struct fake_cell *cell)
{
	struct span name = without_scope(text_name(t));
	const struct fake_variable *v = fake_variable(name);

	for (size_t i = 0; i < ARRAY_LEN(moving); i++) {
		if (span_is_nocase(name, moving[i].name)) {
			cell->value = moving[i].value(items, cell);
			return true;
		}
	}
	if (v == NULL) {
		items->unknown = name;
		return true;
	}
	cell->value = fake_variable_selected(v);
	cell->number = v->kind == FAKE_SWITCH ||
		       (v->kind == FAKE_NUMBER && strchr(v->value, '.') == NULL);
	return true;
}

/* Past the arguments, which do not matter. */
static bool skip_arguments(struct text *t)
{
	struct span value;

	for (unsigned n = 0; n < 16 && !text_accept(t, ')'); n++) {
		if (text_string(t, &value) || text_accept(t, ','))
			continue;
		if (text_word(t).len == 0)
			return false;
	}
	return true;
}

static bool function_item(struct items *items, struct text *t, struct fake_cell *cell,
			  struct span name)
{
	if (!text_accept(t, '(') || !skip_arguments(t))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		if (span_is_nocase(name, functions[i].name)) {
			cell->value = functions[i].value(items, cell);
			return true;
		}
	}
	return false;
}

static bool value_item(struct items *items, struct text *t, struct fake_cell *cell)
{
	uint64_t number;

	if (text_accept(t, '@')) {
		if (text_accept(t, '@'))
			return variable_item(items, t, cell);
		cell->null = true;	/* a user variable that nobody has set */
		return text_name(t).len > 0;
	}
	if (text_string(t, &cell->value))
		return true;
	cell->value = text_word(t);
	if (span_is_nocase(cell->value, "null")) {
		cell->null = true;
		return true;
	}
	cell->number = span_to_u64(cell->value, &number);
	return cell->number || function_item(items, t, cell, cell->value);
}

static bool is_alias(struct span word)
{
	return word.len > 0 && !span_is_nocase(word, "from") &&
	       !span_is_nocase(word, "limit");
}

/* One item: a value and perhaps an alias; its text is its name without one. */
static bool one_item(struct items *items, struct text *t, struct fake_cell *cell)
{
	const uint8_t *start;
	struct text ahead;

	(void)text_peek(t);
	start = t->cur;
	if (!value_item(items, t, cell))
		return false;
	cell->name = (struct span){ start, (size_t)(t->cur - start) };
	if (text_accept_word(t, "as")) {
		if (!text_string(t, &cell->name))
			cell->name = text_name(t);
		return cell->name.len > 0;
	}
	ahead = *t;
	if (is_alias(text_name(&ahead)))
		cell->name = text_name(t);
	return true;
}

/* The whole list, to the end of the statement; false when it is not ours. */
static bool all_items(struct items *items, struct text *t)
{
	do {
		if (items->count == ITEMS_MAX ||
		    !one_item(items, t, &items->cells[items->count]))
			return false;
		items->count++;
	} while (text_accept(t, ','));
	if (text_accept_word(t, "from") && !text_accept_word(t, "dual"))
		return false;
	if (text_accept_word(t, "limit"))
		(void)text_word(t);
	return text_at_end(t);
}

/* A column name first: nothing that all_items() would understand. */
static bool starts_with_column(struct span list)
{
	struct text t = text_over(list);

	if (!isalpha(text_peek(&t)))
		return false;
	(void)text_word(&t);
	return text_peek(&t) != '(' && text_peek(&t) != 0;
}

static bool is_forbidden(struct fake_session *s, struct span list)
{
	bool priv = text_contains(list, "global_priv");

	if (!priv && !text_contains(list, "mysql.") && !text_contains(list, "`mysql`"))
		return false;
	fake_answer_error(s, 1142, "42000",
			  "SELECT command denied to user '%s'@'localhost' "
			  "for table `mysql`.`%s`",
			  s->user, priv ? "global_priv" : "user");
	return true;
}

void fake_select(struct fake_session *s, struct span list)
{
	struct text t = text_over(list);
	struct items items;

	if (is_forbidden(s, list))
		return;
	if (starts_with_column(list)) {
		fake_answer_canned(s, false);
		return;
	}
	items.session = s;
	items.count = items.made_count = 0;
	items.unknown = SPAN_NONE;
	memset(items.cells, 0, sizeof(items.cells));
	if (!all_items(&items, &t))
		fake_answer_canned(s, false);
	else if (items.unknown.len > 0)
		fake_answer_error(s, 1193, "HY000", "Unknown system variable '%.*s'",
				  (int)size_min(items.unknown.len, 64),
				  (const char *)items.unknown.data);
	else
		fake_answer_rows(s, items.cells, items.count, 1);
}
