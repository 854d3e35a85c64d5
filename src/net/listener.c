/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listening socket; see listener.h. */
#include <readmux/base/log.h>
#include <readmux/net/listener.h>
#include <readmux/net/timer.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define ACCEPT_BATCH   64
#define REST_US        100000u	/* pause when descriptors have run out */

struct listener {
	struct watch        watch;
	struct timer        rest;
	listener_accept_fn *accepted;
	void               *arg;
};

static void rested(struct timer *t)
{
	struct listener *l = container_of(t, struct listener, rest);

	watch_set(&l->watch, WATCH_READ);
}

/* True when the error is only about one connection, or about none. */
static bool passing_error(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR ||
	       error == ECONNABORTED || error == EPROTO;
}

static bool accept_one(struct listener *l)
{
	struct address peer = { .len = sizeof(peer.u) };
	int fd = accept4(l->watch.fd, &peer.u.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int one = 1;

	if (fd >= 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		l->accepted(l->arg, fd, &peer);
		return true;
	}
	if (!passing_error(errno)) {
		log_error(NULL, "cannot accept a connection; pausing",
			  LOG_TEXT("problem", strerror(errno)),
			  LOG_TEXT("remedy", "raise the limit on open files (ulimit -n)"));
		watch_set(&l->watch, 0);
		timer_set(&l->rest, l->watch.loop, REST_US, rested);
	}
	return errno == ECONNABORTED || errno == EINTR;
}

static void acceptable(void *arg, unsigned what)
{
	struct listener *l = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_BATCH && accept_one(l); i++)
		;
}

int listener_socket(const struct address *at, int backlog)
{
	int fd = socket(at->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->u.any.sa_family == AF_UNIX)
		(void)unlink(at->u.local.sun_path);
	if (bind(fd, &at->u.any, at->len) == 0 && listen(fd, backlog) == 0)
		return fd;
	one = errno;
	(void)close(fd);
	errno = one;
	return -1;
}

struct listener *listener_open(struct loop *loop, const struct address *at, int fd, int backlog,
			       listener_accept_fn *accepted, void *arg,
			       char *problem, size_t room)
{
	struct listener *l = calloc(1, sizeof(*l));
	char text[ADDRESS_TEXT_MAX];

	if (fd < 0 && l != NULL)
		fd = listener_socket(at, backlog);
	address_format(at, text, sizeof(text));
	if (fd < 0) {
		(void)snprintf(problem, room, "cannot listen on %s: %s%s", text, strerror(errno),
			       errno == EADDRINUSE ?
			       "; another program uses it: stop that, or set listen: to another address" :
			       errno == EACCES ? "; ports below 1024 need CAP_NET_BIND_SERVICE" : "");
		free(l);
		return NULL;
	}
	if (l == NULL || !watch_init(&l->watch, loop, fd, acceptable, l)) {
		(void)snprintf(problem, room, "out of memory");
		(void)close(fd);
		free(l);
		return NULL;
	}
	l->accepted = accepted;
	l->arg = arg;
	watch_set(&l->watch, WATCH_READ);
	return l;
}

int listener_descriptor(const struct listener *l)
{
	return l->watch.fd;
}

void listener_address(const struct listener *l, struct address *out)
{
	out->len = sizeof(out->u);
	if (getsockname(l->watch.fd, &out->u.any, &out->len) != 0)
		out->len = 0;
}

void listener_close(struct listener *l)
{
	if (l == NULL)
		return;
	timer_clear(&l->rest);
	watch_clear(&l->watch);
	(void)close(l->watch.fd);
	free(l);
}
