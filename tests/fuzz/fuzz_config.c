/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration loader on any text.  What loads has to hold together, and what
 * does not has to say why in whole lines.
 */
#include <readmux/control/config.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_loaded(const struct settings *s)
{
	size_t n;
	const struct setting *rows = settings_table(&n);
	char text[8192];

	if (s->listen_count == 0 || s->balance == NULL || s->port == 0)
		abort();
	for (size_t i = 0; i < s->server_count; i++) {
		if (s->servers[i].len == 0)
			abort();
	}
	for (size_t i = 0; i < n; i++)
		setting_format(s, &rows[i], true, text, sizeof(text));
}

static void check_problem(const char *problem, size_t room)
{
	size_t len = strnlen(problem, room);

	if (len == 0 || len >= room || problem[len - 1] != '\n')
		abort();
	for (size_t i = 0; i < len; i++) {
		if (problem[i] != '\n' && ((uint8_t)problem[i] < ' ' || problem[i] == 0x7f))
			abort();	/* bytes of the file reach a terminal */
	}
}

static void load(struct span text, char *const *environment)
{
	char problem[2000];
	struct settings *s = config_load_text("fuzz", text, environment, problem,
					      sizeof(problem));

	if (s != NULL)
		check_loaded(s);
	else
		check_problem(problem, sizeof(problem));
	settings_drop(s);
}

/* Up to the first zero byte the input is also tried as an environment variable. */
static void load_variable(const uint8_t *data, size_t len)
{
	char variable[256];
	char *const environment[] = { variable, NULL };

	(void)snprintf(variable, sizeof(variable), "READMUX_%.*s",
		       (int)size_min(len, sizeof(variable)), (const char *)data);
	load(SPAN_NONE, environment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	load((struct span){ data, len }, NULL);
	if (len > 0)
		load_variable(data, len);
	return 0;
}
