/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What settings must have in common.  A setting that would silently do nothing, or
 * less than it seems to, is an error.
 */
#include "config_source.h"

#include <errno.h>
#include <unistd.h>

static bool is_given(const char *text)
{
	return text[0] != '\0';
}

static bool key_missing(const struct settings *s)
{
	return is_given(s->tls_certificate) && !is_given(s->tls_key);
}

static bool certificate_missing(const struct settings *s)
{
	return is_given(s->tls_key) && !is_given(s->tls_certificate);
}

static bool client_ca_avoidable(const struct settings *s)
{
	return is_given(s->tls_client_ca) && s->tls != TLS_CLIENT_REQUIRED;
}

static bool ca_unused(const struct settings *s)
{
	return is_given(s->backend_tls_ca) && s->backend_tls == TLS_SERVER_OFF;
}

static bool name_unverifiable(const struct settings *s)
{
	return s->backend_tls_verify_name && !is_given(s->backend_tls_ca);
}

static bool listens_nowhere(const struct settings *s)
{
	return s->listen_count == 0;
}

static bool listens_twice(const struct settings *s)
{
	for (size_t i = 1; i < s->listen_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (address_equal(&s->listen[i].address, &s->listen[j].address))
				return true;
		}
	}
	return false;
}

static bool lists_server_twice(const struct settings *s)
{
	for (size_t i = 1; i < s->server_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (address_equal(&s->servers[i], &s->servers[j]))
				return true;
		}
	}
	return false;
}

static const struct {
	bool (*wrong)(const struct settings *s);
	const char *path;	/* whose place is named */
	const char *words;
} rules[] = {
	{ listens_nowhere, "listen", "listen needs at least one address" },
	{ listens_twice, "listen", "listen has the same address twice" },
	{ lists_server_twice, "backends.servers",
	  "backends.servers has the same server twice" },
	{ ca_unused, "backends.tls_ca",
	  "backends.tls_ca is given, but backends.tls is off" },
	{ name_unverifiable, "backends.tls_verify_name",
	  "backends.tls_verify_name needs backends.tls_ca" },
	{ key_missing, "tls.certificate", "tls.certificate needs tls.key" },
	{ certificate_missing, "tls.key", "tls.key needs tls.certificate" },
	{ client_ca_avoidable, "tls.client_ca",
	  "tls.client_ca needs tls.mode: required, or a client without TLS goes round it" },
};

static const char *const files[] = {
	"backends.tls_ca", "tls.certificate", "tls.key", "tls.client_ca",
};

static struct place where(struct config_loading *loading, const char *path)
{
	return *config_place(loading, setting_find(span_of(path)));
}

static void check_file(struct config_loading *loading, const char *path)
{
	const struct setting *row = setting_find(span_of(path));
	char file[4096];

	setting_format(loading->settings, row, true, file, sizeof(file));
	if (is_given(file) && access(file, R_OK) != 0)
		report_at(&loading->report, where(loading, path),
			  "%s: cannot read '%s': %s", path, file, strerror(errno));
}

void config_finish(struct config_loading *loading)
{
	struct settings *s = loading->settings;

	for (size_t i = 0; i < s->server_count; i++) {
		if (address_port(&s->servers[i]) == 0)
			address_set_port(&s->servers[i], (uint16_t)s->port);
	}
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].wrong(s))
			report_at(&loading->report, where(loading, rules[i].path), "%s",
				  rules[i].words);
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		check_file(loading, files[i]);
}
