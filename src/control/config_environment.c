/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings from environment variables.
 *
 * Every variable that begins with READMUX_ must be understood, so that a misspelt
 * one is noticed.  The exceptions are what Kubernetes injects into every pod for
 * Services named readmux or readmux-something, and discovery's debugging aid.
 */
#include "config_source.h"

#define PREFIX "READMUX_"
#define VARIABLE_MAX 96u
#define DEBUGGING_AID "READMUX_RESOLV_CONF"	/* control/discovery.c */

/* One variable, cut at its "=". */
struct variable {
	struct span name;
	struct span value;
};

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* "probe.max_lag" as "READMUX_PROBE_MAX_LAG". */
static void variable_name(const char *path, char out[VARIABLE_MAX])
{
	(void)snprintf(out, VARIABLE_MAX, PREFIX "%s", path);
	for (char *p = out + strlen(PREFIX); *p != '\0'; p++)
		*p = *p == '.' ? '_' : upper(*p);
}

/* The row that <name> sets; <in_file> tells whether it names a file with the value. */
static const struct setting *find_row(struct span name, bool *in_file)
{
	size_t n;
	const struct setting *rows = settings_table(&n);

	for (size_t i = 0; i < n; i++) {
		char known[VARIABLE_MAX];
		struct span rest = span_from(name, strlen(PREFIX) + strlen(rows[i].path));

		variable_name(rows[i].path, known);
		*in_file = (rows[i].flags & SETTING_SECRET) != 0 && span_is(rest, "_FILE");
		if (span_is(span_head(name, name.len - (*in_file ? rest.len : 0)), known))
			return &rows[i];
	}
	return NULL;
}

static bool ends_with(struct span text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len && span_is(span_from(text, text.len - len), end);
}

static bool contains(struct span text, const char *part)
{
	return text.len > 0 && memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* "_PORT_3306_TCP" and what may follow it. */
static bool is_port_detail(struct span name)
{
	static const char *const protocols[] = { "_TCP", "_UDP", "_SCTP" };
	static const char *const ends[] = { "", "_ADDR", "_PORT", "_PROTO" };
	char wanted[16];

	if (!contains(name, "_PORT_"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(protocols) * ARRAY_LEN(ends); i++) {
		(void)snprintf(wanted, sizeof(wanted), "%s%s",
			       protocols[i / ARRAY_LEN(ends)], ends[i % ARRAY_LEN(ends)]);
		if (ends_with(name, wanted))
			return true;
	}
	return false;
}

/*
 * READMUX_SERVICE_HOST, READMUX_SERVICE_PORT, READMUX_SERVICE_PORT_<NAME>,
 * READMUX_PORT=tcp://..., READMUX_PORT_3306_TCP..., and the same with more words
 * behind READMUX for Services such as readmux-read.
 */
static bool is_kubernetes(const struct variable *v)
{
	if (ends_with(v->name, "_PORT") && contains(v->value, "://"))
		return true;
	return ends_with(v->name, "_SERVICE_HOST") || ends_with(v->name, "_SERVICE_PORT") ||
	       contains(v->name, "_SERVICE_PORT_") || is_port_detail(v->name);
}

/* <name> as the path it was probably meant to be. */
static struct span guess_path(struct span name, char out[VARIABLE_MAX])
{
	bool in_section = false;

	(void)span_copy(span_from(name, strlen(PREFIX)), out, VARIABLE_MAX);
	for (char *p = out; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
		if (*p == '_' && !in_section) {
			*p = '.';
			in_section = true;
		}
	}
	return span_of(out);
}

static void report_unknown(struct config_loading *loading, struct span name)
{
	char path[VARIABLE_MAX], nearest[VARIABLE_MAX], clean[REPORT_CLEAN_MAX];

	variable_name(setting_nearest(guess_path(name, path)), nearest);
	report_add(&loading->report, "unknown environment variable %s; did you mean %s?",
		   report_clean(name, clean), nearest);
}

static void store_from_file(struct config_loading *loading, const struct setting *row,
			    const struct variable *v)
{
	char words[REPORT_WORDS_MAX];
	char *secret = config_read_secret((const char *)v->value.data, words);
	bool stored = secret != NULL &&
		setting_store(loading->settings, row, span_of(secret), words,
			      sizeof(words));

	if (!stored)
		report_add(&loading->report, "%.*s: %s", (int)v->name.len,
			   (const char *)v->name.data, words);
	settings_wipe_text(secret);
}

static void store(struct config_loading *loading, const struct setting *row,
		  const struct variable *v)
{
	char words[REPORT_WORDS_MAX];

	if (!setting_store(loading->settings, row, v->value, words, sizeof(words)))
		report_add(&loading->report, "%.*s %s", (int)v->name.len,
			   (const char *)v->name.data, words);
}

static void take_variable(struct config_loading *loading, const struct variable *v)
{
	const struct setting *row;
	bool in_file;

	if (is_kubernetes(v) || span_is(v->name, DEBUGGING_AID))
		return;
	row = find_row(v->name, &in_file);
	if (row == NULL)
		report_unknown(loading, v->name);
	else if (in_file)
		store_from_file(loading, row, v);
	else
		store(loading, row, v);
}

void config_take_environment(struct config_loading *loading, char *const *environment)
{
	for (; environment != NULL && *environment != NULL; environment++) {
		const char *equals = strchr(*environment, '=');
		struct variable v;

		if (equals == NULL || strncmp(*environment, PREFIX, strlen(PREFIX)) != 0)
			continue;
		v.name = (struct span){ (const uint8_t *)*environment,
					(size_t)(equals - *environment) };
		v.value = span_of(equals + 1);
		take_variable(loading, &v);
	}
}
