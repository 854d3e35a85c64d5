/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders to a running readmux: reload, drain, resume, log-level. */
#include <readmux/command/command.h>

#include "admin_call.h"

#define PATH_ROOM    600u
#define PROBLEM_ROOM 600u

/* <word> into <out> so that it can stand in a path.  False: it is too long. */
static bool quote(const char *word, char *out, size_t room)
{
	size_t n = 0;

	for (; *word != '\0' && n + 4 < room; word++) {
		unsigned char c = (unsigned char)*word;
		bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
			     c == '-' || c == '.' || c == '_';

		n += (size_t)snprintf(out + n, room - n, plain ? "%c" : "%%%02X", c);
	}
	return *word == '\0';
}

static int order(const struct options *options, const struct settings *settings,
		 const char *path)
{
	char problem[PROBLEM_ROOM];
	struct address at;
	json_t *answer;
	bool done;

	if (!admin_call_address(options, settings, &at))
		return EXIT_FAILURE;
	answer = admin_call(&at, ADMIN_POST, path, settings->admin_token, problem,
			    sizeof(problem));
	if (answer == NULL) {
		(void)fprintf(stderr, "readmux: %s\n", problem);
		return EXIT_FAILURE;
	}
	done = json_is_true(json_object_get(answer, "done"));
	(void)fprintf(done ? stdout : stderr, "%s%s\n", done ? "" : "readmux: refused: ",
		      json_string_value(json_object_get(answer, "words")));
	json_decref(answer);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* <before>, the command's word, <after>. */
static int order_about(const struct options *options, const struct settings *settings,
		       const char *before, const char *after)
{
	char word[PATH_ROOM / 2], path[PATH_ROOM];

	if (!quote(options->words[0], word, sizeof(word))) {
		(void)fprintf(stderr, "readmux: '%s' is too long for a name\n",
			      options->words[0]);
		return EXIT_FAILURE;
	}
	(void)snprintf(path, sizeof(path), "%s%s%s", before, word, after);
	return order(options, settings, path);
}

int command_reload(const struct options *options, const struct settings *settings)
{
	return order(options, settings, "/v1/reload");
}

int command_drain(const struct options *options, const struct settings *settings)
{
	if (options->word_count == 0)
		return order(options, settings, "/v1/drain");
	return order_about(options, settings, "/v1/backends/", "/drain");
}

int command_resume(const struct options *options, const struct settings *settings)
{
	return order_about(options, settings, "/v1/backends/", "/resume");
}

int command_log_level(const struct options *options, const struct settings *settings)
{
	return order_about(options, settings, "/v1/log-level/", "");
}
