/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of settings from text and back, one pair of functions per kind. */
#include "setting_kind.h"

#include <inttypes.h>
#include <stdarg.h>

static_assert(sizeof(enum log_level) == sizeof(unsigned), "choices are stored as unsigned");

bool setting_refuse(const struct complaint *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why->out, why->room, format, args);
	va_end(args);
	return false;
}

const char *setting_quoted(struct span value, char out[SETTING_QUOTED_MAX])
{
	char text[SETTING_QUOTED_MAX - 6];
	bool whole;

	if (value.len == 0)
		return "nothing";
	whole = span_copy(value, text, sizeof(text));
	for (size_t i = 0; i < size_min(value.len, sizeof(text) - 1); i++) {
		if ((uint8_t)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	}
	(void)snprintf(out, SETTING_QUOTED_MAX, "'%s%s'", text, whole ? "" : "...");
	return out;
}

static void number_format(uint64_t value, char *out, size_t room)
{
	(void)snprintf(out, room, "%" PRIu64, value);
}

/* The three kinds that are a number with a range. */
static const struct number_kind {
	bool (*parse)(struct span text, uint64_t *value);
	void (*format)(uint64_t value, char *out, size_t room);
	const char *expects;
} numbers[] = {
	[SETTING_UINT] = { span_to_u64, number_format, "a whole number" },
	[SETTING_DURATION] = { setting_duration_parse, setting_duration_format,
			       "a duration such as 1s or 500ms" },
	[SETTING_BYTES] = { setting_bytes_parse, setting_bytes_format,
			    "a size such as 64K or 1M" },
};

static bool store_number(struct settings *s, const struct setting *row, struct span text,
			 const struct complaint *why)
{
	const struct number_kind *kind = &numbers[row->kind];
	char quoted[SETTING_QUOTED_MAX], min[32], max[32];
	uint64_t *field = setting_field(s, row);
	uint64_t value;

	if (!kind->parse(text, &value))
		return setting_refuse(why, "expects %s, got %s", kind->expects,
				      setting_quoted(text, quoted));
	if (value < row->min || value > row->max) {
		kind->format(row->min, min, sizeof(min));
		kind->format(row->max, max, sizeof(max));
		return setting_refuse(why, "must be from %s to %s, got %s", min, max,
				      setting_quoted(text, quoted));
	}
	*field = value;
	return true;
}

static void format_number(const struct settings *s, const struct setting *row, bool reveal,
			  char *out, size_t room)
{
	const uint64_t *field = setting_field_of(s, row);

	(void)reveal;
	numbers[row->kind].format(*field, out, room);
}

static bool store_bool(struct settings *s, const struct setting *row, struct span text,
		       const struct complaint *why)
{
	static const struct {
		const char *word;
		bool        value;
	} words[] = {
		{ "on", true }, { "true", true }, { "yes", true },
		{ "off", false }, { "false", false }, { "no", false },
	};
	char quoted[SETTING_QUOTED_MAX];
	bool *field = setting_field(s, row);

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (span_is_nocase(text, words[i].word)) {
			*field = words[i].value;
			return true;
		}
	}
	return setting_refuse(why, "expects on or off, got %s",
			      setting_quoted(text, quoted));
}

static void format_bool(const struct settings *s, const struct setting *row, bool reveal,
			char *out, size_t room)
{
	const bool *field = setting_field_of(s, row);

	(void)reveal;
	(void)snprintf(out, room, "%s", *field ? "on" : "off");
}

/* The value itself is not quoted in a message: it may be a password. */
static bool store_text(struct settings *s, const struct setting *row, struct span text,
		       const struct complaint *why)
{
	char **field = setting_field(s, row);
	char *copy;

	if (text.len > row->max)
		return setting_refuse(why, "is longer than %" PRIu64 " bytes", row->max);
	if (text.len < row->min)
		return setting_refuse(why, "must not be empty");
	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		return setting_refuse(why, "contains a zero byte");
	copy = malloc(text.len + 1);
	if (copy == NULL)
		return setting_refuse(why, "out of memory");
	(void)span_copy(text, copy, text.len + 1);
	settings_wipe_text(*field);
	*field = copy;
	return true;
}

static void format_text(const struct settings *s, const struct setting *row, bool reveal,
			char *out, size_t room)
{
	char *const *field = setting_field_of(s, row);
	bool hidden = (row->flags & SETTING_SECRET) != 0 && !reveal && **field != '\0';

	(void)snprintf(out, room, "%s", hidden ? "***" : *field);
}

static void list_choices(const struct setting *row, char *out, size_t room)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; row->choices[i] != NULL && len < room; i++)
		len += (size_t)snprintf(out + len, room - len, "%s%s", i > 0 ? ", " : "",
					row->choices[i]);
}

static bool store_choice(struct settings *s, const struct setting *row, struct span text,
			 const struct complaint *why)
{
	char quoted[SETTING_QUOTED_MAX], choices[128];
	unsigned *field = setting_field(s, row);

	for (unsigned i = 0; row->choices[i] != NULL; i++) {
		if (span_is_nocase(text, row->choices[i])) {
			*field = i;
			return true;
		}
	}
	list_choices(row, choices, sizeof(choices));
	return setting_refuse(why, "expects one of %s; got %s", choices,
			      setting_quoted(text, quoted));
}

static void format_choice(const struct settings *s, const struct setting *row, bool reveal,
			  char *out, size_t room)
{
	const unsigned *field = setting_field_of(s, row);

	(void)reveal;
	(void)snprintf(out, room, "%s", row->choices[*field]);
}

static void list_policies(char *out, size_t room)
{
	size_t n, len = 0;
	const struct balance_policy *policies = balance_policies(&n);

	for (size_t i = 0; i < n && len < room; i++)
		len += (size_t)snprintf(out + len, room - len, "%s%s", i > 0 ? ", " : "",
					policies[i].name);
}

static bool store_balance(struct settings *s, const struct setting *row, struct span text,
			  const struct complaint *why)
{
	const struct balance_policy *policy = balance_policy_by_name(text);
	const struct balance_policy **field = setting_field(s, row);
	char quoted[SETTING_QUOTED_MAX], names[128];

	if (policy == NULL) {
		list_policies(names, sizeof(names));
		return setting_refuse(why, "expects one of %s; got %s", names,
				      setting_quoted(text, quoted));
	}
	*field = policy;
	return true;
}

static void format_balance(const struct settings *s, const struct setting *row, bool reveal,
			   char *out, size_t room)
{
	const struct balance_policy *const *field = setting_field_of(s, row);

	(void)reveal;
	(void)snprintf(out, room, "%s", (*field)->name);
}

static bool store_address(struct settings *s, const struct setting *row, struct span text,
			  const struct complaint *why)
{
	struct address *field = setting_field(s, row), address;
	char quoted[SETTING_QUOTED_MAX];

	memset(&address, 0, sizeof(address));
	if (text.len > 0 && !address_parse(text, 0, &address))
		return setting_refuse(why, "expects a numeric address such as 127.0.0.1:9306 or "
				      "[::1]:9306, or nothing, got %s",
				      setting_quoted(text, quoted));
	if (text.len > 0 && address_port(&address) == 0)
		return setting_refuse(why, "needs a port, as in 127.0.0.1:9306, got %s",
				      setting_quoted(text, quoted));
	*field = address;
	return true;
}

static void format_address(const struct settings *s, const struct setting *row, bool reveal,
			   char *out, size_t room)
{
	const struct address *field = setting_field_of(s, row);

	(void)reveal;
	out[0] = '\0';
	if (field->u.any.sa_family != AF_UNSPEC)
		address_format(field, out, room);
}

static const struct {
	setting_store_fn  *store;
	setting_format_fn *format;
} kinds[] = {
	[SETTING_UINT] = { store_number, format_number },
	[SETTING_DURATION] = { store_number, format_number },
	[SETTING_BYTES] = { store_number, format_number },
	[SETTING_BOOL] = { store_bool, format_bool },
	[SETTING_TEXT] = { store_text, format_text },
	[SETTING_CHOICE] = { store_choice, format_choice },
	[SETTING_BALANCE] = { store_balance, format_balance },
	[SETTING_ADDRESS] = { store_address, format_address },
	[SETTING_LISTEN_LIST] = { setting_store_listen, setting_format_listen },
	[SETTING_ADDRESS_LIST] = { setting_store_servers, setting_format_servers },
	[SETTING_USER_LIST] = { setting_store_users, setting_format_users },
};
static_assert(ARRAY_LEN(kinds) == SETTING_KIND_COUNT, "every kind has its functions");

bool setting_store(struct settings *s, const struct setting *row, struct span value,
		   char *problem, size_t room)
{
	struct complaint why = { problem, room };

	return kinds[row->kind].store(s, row, value, &why);
}

void setting_format(const struct settings *s, const struct setting *row, bool reveal,
		    char *out, size_t room)
{
	kinds[row->kind].format(s, row, reveal, out, room);
}

static void describe_number(const struct setting *row, char *out, size_t room)
{
	const struct number_kind *kind = &numbers[row->kind];
	char min[32], max[32];

	kind->format(row->min, min, sizeof(min));
	kind->format(row->max, max, sizeof(max));
	(void)snprintf(out, room, "%s, %s to %s", kind->expects, min, max);
}

void setting_describe(const struct setting *row, char *out, size_t room)
{
	static const char *const words[] = {
		[SETTING_BOOL] = "on or off",
		[SETTING_TEXT] = "text",
		[SETTING_ADDRESS] = "an address such as 127.0.0.1:9306, or nothing",
		[SETTING_LISTEN_LIST] = "a list of {address, route}",
		[SETTING_ADDRESS_LIST] = "a list of addresses",
		[SETTING_USER_LIST] =
			"a list of {name, password | password_file | password_hash}",
	};
	char names[128];

	if (row->kind < ARRAY_LEN(numbers)) {
		describe_number(row, out, room);
		return;
	}
	if (row->kind != SETTING_CHOICE && row->kind != SETTING_BALANCE) {
		(void)snprintf(out, room, "%s", words[row->kind]);
		return;
	}
	if (row->kind == SETTING_CHOICE)
		list_choices(row, names, sizeof(names));
	else
		list_policies(names, sizeof(names));
	(void)snprintf(out, room, "one of %s", names);
}
