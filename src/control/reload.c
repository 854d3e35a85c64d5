/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reloading; see reload.h. */
#include <readmux/base/log.h>
#include <readmux/control/reload.h>

/* --- TLS ---------------------------------------------------------------------------- */

static bool is_self_signed(const struct settings *s)
{
	return s->tls_certificate[0] == '\0' && s->tls_client_ca[0] == '\0';
}

static bool open_server(struct tls_pair *pair, const struct settings *s,
			const struct tls_pair *before, char *problem, size_t room)
{
	if (s->tls == TLS_CLIENT_OFF)
		return true;
	if (is_self_signed(s) && before != NULL && before->server != NULL)
		pair->server = tls_context_take(before->server);
	else
		pair->server = tls_context_server(s->tls_certificate, s->tls_key,
						  s->tls_client_ca, problem, room);
	return pair->server != NULL;
}

static bool open_client(struct tls_pair *pair, const struct settings *s, char *problem,
			size_t room)
{
	if (s->backend_tls == TLS_SERVER_OFF)
		return true;
	pair->client = tls_context_client(s->backend_tls_ca, s->backend_tls_verify_name, NULL,
					  NULL, problem, room);
	return pair->client != NULL;
}

bool tls_pair_open(struct tls_pair *pair, const struct settings *settings,
		   const struct tls_pair *before, char *problem, size_t room)
{
	*pair = (struct tls_pair){ NULL, NULL };
	if (open_server(pair, settings, before, problem, room) &&
	    open_client(pair, settings, problem, room))
		return true;
	tls_pair_drop(pair);
	return false;
}

void tls_pair_drop(struct tls_pair *pair)
{
	tls_context_drop(pair->server);
	tls_context_drop(pair->client);
	*pair = (struct tls_pair){ NULL, NULL };
}

/* --- what has changed ------------------------------------------------------------------- */

#define WHOLE_TEXT 65536u	/* a longer list is compared so far */

/* The secrets themselves are compared, and never shown. */
static bool differs(const struct settings *before, const struct settings *after,
		    const struct setting *row, char *memory)
{
	char *a = memory, *b = memory + WHOLE_TEXT;
	bool differs;

	setting_format(before, row, true, a, WHOLE_TEXT);
	setting_format(after, row, true, b, WHOLE_TEXT);
	differs = strcmp(a, b) != 0;
	explicit_bzero(memory, 2 * WHOLE_TEXT);
	return differs;
}

static void tell(const struct settings *before, const struct settings *after,
		 const struct setting *row)
{
	char was[256], is[256];

	setting_format(before, row, false, was, sizeof(was));
	setting_format(after, row, false, is, sizeof(is));
	if ((row->flags & SETTING_RELOAD) != 0)
		log_info(NULL, "setting changed", LOG_TEXT("setting", row->path),
			 LOG_TEXT("was", was), LOG_TEXT("is", is));
	else
		log_warn(NULL, "setting changed, but only a restart brings it into force",
			 LOG_TEXT("setting", row->path), LOG_TEXT("was", was), LOG_TEXT("is", is));
}

/* Append <path> to the list in <out>, which begins with <start>. */
static void list(char *out, size_t room, const char *start, const char *path)
{
	size_t len = strlen(out);

	(void)snprintf(out + len, room - len, "%s%s", len > 0 ? ", " : start, path);
}

void reload_tell(const struct settings *before, const struct settings *after, char *words,
		 size_t room)
{
	char changed[1000] = "", later[1000] = "";
	char *memory = malloc(2 * WHOLE_TEXT);
	size_t rows;
	const struct setting *table = settings_table(&rows);

	for (size_t i = 0; memory != NULL && i < rows; i++) {
		if (!differs(before, after, &table[i], memory))
			continue;
		tell(before, after, &table[i]);
		if ((table[i].flags & SETTING_RELOAD) != 0)
			list(changed, sizeof(changed), "changed: ", table[i].path);
		else
			list(later, sizeof(later), "changed, but only a restart brings it into "
			     "force: ", table[i].path);
	}
	free(memory);
	(void)snprintf(words, room, "%s%s%s", changed, changed[0] != '\0' && later[0] != '\0' ?
		       "; " : "", later);
	if (words[0] == '\0')
		(void)snprintf(words, room, "nothing has changed");
}

/* --- what only a restart changes ----------------------------------------------------------- */

void reload_pending_free(struct reload_pending *pending)
{
	size_t rows;

	(void)settings_table(&rows);
	for (size_t i = 0; pending->values != NULL && i < rows; i++)
		free(pending->values[i]);
	free(pending->values);
	pending->values = NULL;
}

static bool keep_row(const struct settings *before, struct settings *after,
		     const struct setting *row, char **value, char *memory)
{
	char problem[256];

	if (!differs(before, after, row, memory))
		return true;
	setting_format(after, row, false, memory, WHOLE_TEXT);
	*value = strdup(memory);
	setting_format(before, row, true, memory, WHOLE_TEXT);
	return *value != NULL &&
	       setting_store(after, row, span_of(memory), problem, sizeof(problem));
}

bool reload_keep(const struct settings *before, struct settings *after,
		 struct reload_pending *pending)
{
	size_t rows;
	const struct setting *table = settings_table(&rows);
	char *memory = malloc(2 * WHOLE_TEXT);
	bool kept = memory != NULL;

	reload_pending_free(pending);
	pending->values = calloc(rows, sizeof(*pending->values));
	kept = kept && pending->values != NULL;
	for (size_t i = 0; kept && i < rows; i++) {
		if ((table[i].flags & SETTING_RELOAD) == 0)
			kept = keep_row(before, after, &table[i], &pending->values[i], memory);
	}
	if (memory != NULL)
		explicit_bzero(memory, 2 * WHOLE_TEXT);
	free(memory);
	return kept;
}
