/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readmux top: status again and again.
 *
 * On a terminal it takes the whole screen, on the alternate one so that what was there
 * comes back, and obeys keys; else it prints lines that a log can take.
 */
#include <readmux/command/command.h>

#include "admin_call.h"
#include "view.h"

#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define PROBLEM_ROOM  600u
#define INTERVAL_MAX  3600
#define EVENTS_SHOWN  50u
#define ROUTES_SHOWN  8u

#define ESC "\033"
#define SCREEN_OPEN   ESC "[?1049h" ESC "[?25l"
#define SCREEN_CLOSE  ESC "[?25h" ESC "[?1049l"
#define SCREEN_HOME   ESC "[H"
#define LINE_END      ESC "[K"
#define SCREEN_REST   ESC "[J"

struct top {
	struct address at;
	double         interval_s;
	unsigned long  left;		/* views; ULONG_MAX = until it is stopped */
	bool           screen;		/* the output is a terminal */
	bool           keys;		/* so is the input */
	struct termios before;
};

static volatile sig_atomic_t stopped;

static void stop(int signum)
{
	(void)signum;
	stopped = 1;
}

/* --- the screen ---------------------------------------------------------------------- */

static void open_screen(struct top *t)
{
	struct sigaction on_stop = { .sa_handler = stop };
	struct termios raw;

	(void)sigaction(SIGINT, &on_stop, NULL);
	(void)sigaction(SIGTERM, &on_stop, NULL);
	(void)sigaction(SIGHUP, &on_stop, NULL);
	if (!t->screen)
		return;
	t->keys = tcgetattr(STDIN_FILENO, &t->before) == 0;
	if (t->keys) {
		raw = t->before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	(void)fputs(SCREEN_OPEN, stdout);
}

static void close_screen(const struct top *t)
{
	if (t->keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
	if (t->screen)
		(void)fputs(SCREEN_CLOSE, stdout);
	(void)fflush(stdout);
}

/* Print at most what fits of <line>. */
static void put_line(const char *line, size_t len, size_t width)
{
	for (size_t i = 0, shown = 0; i < len; i++) {
		shown += ((unsigned char)line[i] & 0xc0) != 0x80;
		if (shown > width)
			break;
		(void)fputc(line[i], stdout);
	}
	(void)fputs(LINE_END, stdout);
}

static void put_screen(const char *text)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	(void)fputs(SCREEN_HOME, stdout);
	for (unsigned row = 0; *text != '\0' && row < size.ws_row; row++) {
		size_t len = strcspn(text, "\n");

		if (row > 0)
			(void)fputc('\n', stdout);
		put_line(text, len, size.ws_col);
		text += len + (text[len] == '\n');
	}
	(void)fputs(SCREEN_REST, stdout);
}

/* --- one view -------------------------------------------------------------------------- */

static void write_view(FILE *out, const struct top *t, const json_t *status)
{
	char where[ADDRESS_TEXT_MAX];

	address_format(&t->at, where, sizeof(where));
	view_head(out, status, where);
	view_figures(out, status);
	(void)fputc('\n', out);
	view_backends(out, status);
	(void)fputc('\n', out);
	view_routes(out, status, ROUTES_SHOWN);
	(void)fputc('\n', out);
	view_events(out, status, EVENTS_SHOWN);
}

/* False: readmux did not answer. */
static bool show(const struct top *t)
{
	char problem[PROBLEM_ROOM], *text = NULL;
	json_t *status = admin_call(&t->at, ADMIN_GET, "/status.json", "", problem,
				    sizeof(problem));
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool answered = status != NULL;

	if (out == NULL) {
		json_decref(status);
		return false;
	}
	if (!answered)
		(void)fprintf(out, "%s\n", problem);
	else if (t->screen)
		write_view(out, t, status);
	else
		view_lines(out, status);
	json_decref(status);
	(void)fclose(out);
	if (t->screen)
		put_screen(text);
	else
		(void)fputs(text, answered ? stdout : stderr);
	(void)fflush(stdout);
	free(text);
	return answered;
}

/* Until the next view is due or a key or signal ends all. */
static void wait_for_next(const struct top *t)
{
	struct pollfd in = { .fd = t->keys ? STDIN_FILENO : -1, .events = POLLIN };
	char key;

	if (poll(&in, 1, (int)lround(t->interval_s * 1000)) <= 0)
		return;
	if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
		stopped = 1;
}

static bool take_numbers(const struct options *options, struct top *t)
{
	char *end = NULL;

	t->interval_s = options->interval != NULL ? strtod(options->interval, &end) : 1;
	if (end != NULL && (*end != '\0' || !(t->interval_s >= 0.1) ||
			    t->interval_s > INTERVAL_MAX)) {
		(void)fprintf(stderr, "readmux: --interval takes seconds from 0.1 to %d, not '%s'\n",
			      INTERVAL_MAX, options->interval);
		return false;
	}
	end = NULL;
	t->left = options->count != NULL ? strtoul(options->count, &end, 10) : ULONG_MAX;
	if (end != NULL && (*end != '\0' || t->left == 0 || options->count[0] == '-')) {
		(void)fprintf(stderr, "readmux: --count takes a number from 1 on, not '%s'\n",
			      options->count);
		return false;
	}
	return true;
}

int command_top(const struct options *options, const struct settings *settings)
{
	struct top t = { .screen = isatty(STDOUT_FILENO) == 1 };
	bool answered = false;

	if (!take_numbers(options, &t) || !admin_call_address(options, settings, &t.at))
		return EXIT_FAILURE;
	open_screen(&t);
	while (stopped == 0 && t.left > 0) {
		answered = show(&t);
		if (--t.left > 0)
			wait_for_next(&t);
	}
	close_screen(&t);
	return answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
