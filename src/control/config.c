/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads a configuration: defaults, then the file, then the environment; see config.h. */
#include "config_source.h"

#include <readmux/base/buffer.h>
#include <readmux/control/config.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Larger is no configuration. */
#define FILE_BYTES_MAX   (1024u * 1024u)
#define SECRET_BYTES_MAX 4096u
#define READ_BYTES       (64u * 1024u)

struct place *config_place(struct config_loading *loading, const struct setting *row)
{
	size_t n;
	size_t i = (size_t)(row - settings_table(&n));

	assert(i < n && n <= CONFIG_ROWS_MAX);
	return &loading->given[i];
}

const struct setting *config_secret_row(struct span path)
{
	struct span suffix = SPAN_LITERAL("_file");
	const struct setting *row;

	if (path.len <= suffix.len ||
	    !span_equal(span_from(path, path.len - suffix.len), suffix))
		return NULL;
	row = setting_find(span_head(path, path.len - suffix.len));
	return row != NULL && (row->flags & SETTING_SECRET) != 0 ? row : NULL;
}

/* Up to <limit> + 1 bytes of <fd>; false with errno set. */
static bool read_all(int fd, size_t limit, struct buffer *into)
{
	while (into->len <= limit) {
		ssize_t got;

		if (into->len == into->cap &&
		    !buffer_reserve(into, size_min(limit + 1, READ_BYTES))) {
			errno = ENOMEM;
			return false;
		}
		got = read(fd, into->data + into->len, into->cap - into->len);
		if (got == 0)
			return true;
		if (got > 0)
			into->len += (size_t)got;
		else if (errno != EINTR)
			return false;
	}
	errno = EFBIG;
	return false;
}

/*
 * A regular file only: a secret is never read from a pipe that could block for ever.
 * NULL, or why it did not work.
 */
static const char *read_secret_file(const char *path, struct buffer *into)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *why = NULL;
	struct stat st;

	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		why = "not a regular file";
	else if (!read_all(fd, SECRET_BYTES_MAX, into))
		why = strerror(errno);
	(void)close(fd);
	return why;
}

/* Without the newline that editors put at the end; it is not part of a password. */
static struct span only_line(struct span text)
{
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.data[text.len - 1] == '\r')
		text.len--;
	return text;
}

static bool is_one_line(struct span text)
{
	return text.len == 0 || (memchr(text.data, '\n', text.len) == NULL &&
				 memchr(text.data, '\0', text.len) == NULL);
}

char *config_read_secret(const char *path, char *words)
{
	struct buffer bytes = { 0 };
	char clean[REPORT_CLEAN_MAX];
	const char *why = read_secret_file(path, &bytes);
	char *secret = NULL;
	struct span line;

	(void)report_clean(span_of(path), clean);
	if (why != NULL) {
		(void)snprintf(words, REPORT_WORDS_MAX, "cannot be read from '%s': %s",
			       clean, why);
	} else {
		line = only_line(buffer_span(&bytes));
		(void)snprintf(words, REPORT_WORDS_MAX, "'%s' has to have one line", clean);
		if (is_one_line(line))
			secret = strndup((const char *)line.data, line.len);
	}
	buffer_wipe(&bytes);
	return secret;
}

static struct settings *finish(struct config_loading *loading)
{
	if (loading->report.errors == 0)
		config_finish(loading);
	report_finish(&loading->report);
	if (loading->report.errors > 0) {
		settings_drop(loading->settings);
		return NULL;
	}
	return loading->settings;
}

struct settings *config_load_text(const char *name, struct span text,
				  char *const *environment, char *problem, size_t room)
{
	struct config_loading loading = { .settings = settings_new() };

	report_init(&loading.report, name, problem, room);
	if (loading.settings == NULL) {
		report_add(&loading.report, "out of memory");
		return NULL;
	}
	config_take_yaml(&loading, text);
	config_take_environment(&loading, environment);
	return finish(&loading);
}

/* A configuration may come from a pipe. */
static bool read_config_file(const char *path, struct buffer *into)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done;
	int error;

	if (fd < 0)
		return false;
	done = read_all(fd, FILE_BYTES_MAX, into);
	error = errno;
	(void)close(fd);
	errno = error;
	return done;
}

struct settings *config_load(const char *path, char *const *environment, char *problem,
			     size_t room)
{
	struct buffer text = { 0 };
	struct settings *s = NULL;

	if (path != NULL && !read_config_file(path, &text))
		(void)snprintf(problem, room, "%s: %s\n", path, strerror(errno));
	else
		s = config_load_text(path != NULL ? path : "environment",
				     buffer_span(&text), environment, problem, room);
	buffer_wipe(&text);
	return s;
}
