/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets go to a new process; see handover.h. */
#include <readmux/base/log.h>
#include <readmux/control/handover.h>
#include <readmux/net/timer.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the new process finds in its environment. */
#define SOCKETS_VARIABLE "READMUX_HANDOVER_SOCKETS"	/* "7,8,9" */
#define PIPE_VARIABLE    "READMUX_HANDOVER_PIPE"	/* "10" */

#define SOCKETS_MAX 64u

extern char **environ;

static struct {
	char   path[PATH_MAX];		/* of the program, also when it was replaced since */
	char **argv;
	int    sockets[SOCKETS_MAX];	/* of the predecessor; -1 = taken */
	size_t n;
	int    pipe;			/* to the predecessor; -1 = there is none */
} self = { .pipe = -1 };

/* --- the new process ---------------------------------------------------------------- */

static bool take_number(struct span *list, int *number)
{
	const uint8_t *comma = list->len > 0 ? memchr(list->data, ',', list->len) : NULL;
	size_t len = comma != NULL ? (size_t)(comma - list->data) : list->len;
	uint64_t value;

	if (!span_to_u64(span_head(*list, len), &value) || value > INT_MAX)
		return false;
	*number = (int)value;
	*list = span_from(*list, comma != NULL ? len + 1 : len);
	return fcntl(*number, F_SETFD, FD_CLOEXEC) == 0;
}

static void take_inheritance(void)
{
	const char *sockets = getenv(SOCKETS_VARIABLE), *pipe = getenv(PIPE_VARIABLE);
	struct span list = span_of(sockets != NULL ? sockets : "");
	struct span end = span_of(pipe != NULL ? pipe : "");
	int fd;

	if (pipe == NULL || !take_number(&end, &self.pipe)) {
		self.pipe = -1;
		return;
	}
	while (self.n < SOCKETS_MAX && take_number(&list, &fd))
		self.sockets[self.n++] = fd;
}

void handover_init(char **argv)
{
	ssize_t len = readlink("/proc/self/exe", self.path, sizeof(self.path) - 1);

	self.path[len > 0 ? len : 0] = '\0';
	self.argv = argv;
	take_inheritance();
	(void)unsetenv(SOCKETS_VARIABLE);
	(void)unsetenv(PIPE_VARIABLE);
	if (self.pipe >= 0)
		(void)unsetenv("WATCHDOG_PID");	/* it names the predecessor */
}

bool handover_is_successor(void)
{
	return self.pipe >= 0;
}

int handover_take_socket(const struct address *at)
{
	for (size_t i = 0; i < self.n; i++) {
		struct address bound = { .len = sizeof(bound.u) };
		int fd = self.sockets[i];

		if (fd < 0 || getsockname(fd, &bound.u.any, &bound.len) != 0 ||
		    !address_equal(&bound, at))
			continue;
		self.sockets[i] = -1;
		return fd;
	}
	return -1;
}

void handover_finish(void)
{
	if (self.pipe < 0)
		return;
	for (size_t i = 0; i < self.n; i++) {
		if (self.sockets[i] >= 0)
			(void)close(self.sockets[i]);
	}
	self.n = 0;
	(void)!write(self.pipe, "s", 1);
	(void)close(self.pipe);
	self.pipe = -1;
}

/* --- the old process ------------------------------------------------------------------ */

struct handover {
	struct watch      watch;
	struct timer      limit;
	handover_done_fn *done;
	void             *arg;
	pid_t             pid;
	int               pipe;
};

static void fail(struct handover *h, const char *words)
{
	int status = 0;
	char text[200];

	(void)kill(h->pid, SIGKILL);
	(void)waitpid(h->pid, &status, 0);
	if (WIFEXITED(status))
		(void)snprintf(text, sizeof(text), "%s: it ended with status %d; its own words are "
			       "in the log", words, WEXITSTATUS(status));
	else
		(void)snprintf(text, sizeof(text), "%s", words);
	h->done(h->arg, false, h->pid, text);
}

static void told(void *arg, unsigned what)
{
	struct handover *h = arg;
	char word;
	ssize_t n = read(h->pipe, &word, 1);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 1)
		h->done(h->arg, true, h->pid, "");
	else
		fail(h, "the new process does not serve");
}

static void expired(struct timer *t)
{
	fail(container_of(t, struct handover, limit), "the new process did not serve in time");
}

/* "NAME=VALUE" for the new process, in front of the old environment. */
static char **environment_with(char *sockets, char *pipe)
{
	size_t n = 0;
	char **all;

	while (environ[n] != NULL)
		n++;
	all = calloc(n + 3, sizeof(*all));
	if (all == NULL)
		return NULL;
	all[0] = sockets;
	all[1] = pipe;
	memcpy(all + 2, environ, n * sizeof(*all));
	return all;
}

/* Each descriptor under its own number: that is how it is kept over exec. */
static int keep(posix_spawn_file_actions_t *actions, const int *fds, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = posix_spawn_file_actions_adddup2(actions, fds[i], fds[i]);
	return error;
}

/* 0, or an errno. */
static int spawn(pid_t *pid, const int *sockets, size_t n, int pipe)
{
	char list[SOCKETS_MAX * 12 + sizeof(SOCKETS_VARIABLE)] = SOCKETS_VARIABLE "=";
	char end[sizeof(PIPE_VARIABLE) + 16], **environment;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list);

		(void)snprintf(list + len, sizeof(list) - len, "%s%d", i > 0 ? "," : "", sockets[i]);
	}
	(void)snprintf(end, sizeof(end), PIPE_VARIABLE "=%d", pipe);
	environment = environment_with(list, end);
	if (environment == NULL)
		return ENOMEM;
	(void)sigemptyset(&none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = keep(&actions, sockets, n);
	if (error == 0)
		error = keep(&actions, &pipe, 1);
	if (error == 0)
		error = posix_spawn(pid, self.path, &actions, &attributes, self.argv, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	free(environment);
	return error;
}

struct handover *handover_begin(struct loop *loop, const int *sockets, size_t n,
				handover_done_fn *done, void *arg, char *words, size_t room)
{
	struct handover *h = calloc(1, sizeof(*h));
	int ends[2] = { -1, -1 }, error = ENOMEM;

	if (h == NULL || n > SOCKETS_MAX || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		goto failed;
	h->done = done;
	h->arg = arg;
	h->pipe = ends[0];
	error = spawn(&h->pid, sockets, n, ends[1]);
	if (error != 0 || !watch_init(&h->watch, loop, h->pipe, told, h))
		goto failed;
	(void)close(ends[1]);
	watch_set(&h->watch, WATCH_READ);
	timer_set(&h->limit, loop, HANDOVER_LIMIT_US, expired);
	return h;

failed:
	(void)snprintf(words, room, "cannot start %s: %s", self.path, strerror(error));
	if (ends[0] >= 0) {
		(void)close(ends[0]);
		(void)close(ends[1]);
	}
	free(h);
	return NULL;
}

void handover_free(struct handover *h)
{
	if (h == NULL)
		return;
	timer_clear(&h->limit);
	watch_clear(&h->watch);
	(void)close(h->pipe);
	free(h);
}
