/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A MySQL server that does no work, so that what is measured in front of it is
 * the proxy: one thread, answers made in advance, one write per readable event.
 *
 * It looks like MariaDB 10.11 to a client, to the probes of readmux and to its
 * session tracking.  Any SELECT from a table has the same configured result.
 * Once it listens it prints "ready port=N"; SIGTERM ends it.
 */
#include "fake_session.h"
#include "fake_variables.h"
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCRATCH_LEN   65536u
#define FLUSH_AT      262144u	/* pipelined answers are written in portions of this */
#define PACKET_MAX    (64u << 20)
#define EVENTS_MAX    256

/* One client: its session, and what a socket could not take or give at once. */
struct client {
	struct fake_session session;
	int                 fd;
	uint32_t            events;	/* what epoll watches */
	bool                leaving;	/* close when <unsent> is gone */
	struct buffer       unread;	/* an incomplete packet */
	struct buffer       unsent;
};

struct loop {
	struct fake_server server;
	int                epoll;
	int                listener;
	uint32_t           next_id;
	struct buffer      out;		/* answers of the event under way */
	uint8_t            scratch[SCRATCH_LEN];
};

static void client_close(struct client *c)
{
	(void)close(c->fd);
	buffer_free(&c->unread);
	buffer_free(&c->unsent);
	free(c);
}

static void client_watch(struct loop *loop, struct client *c, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	if (c->events == events)
		return;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, c->fd, &event) != 0)
		bench_die(errno, "epoll_ctl");
	c->events = events;
}

/* Write <bytes> as far as the socket takes them; SIZE_MAX when it is broken. */
static size_t write_some(int fd, struct span bytes)
{
	ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

	if (n >= 0)
		return (size_t)n;
	return errno == EAGAIN || errno == EINTR ? 0 : SIZE_MAX;
}

/* Write the answers in loop->out, keep what is left over.  False: broken. */
static bool client_flush(struct loop *loop, struct client *c)
{
	struct span left = buffer_span(&loop->out);
	size_t put = 0;

	loop->out.len = 0;
	if (c->unsent.len == 0 && left.len > 0)
		put = write_some(c->fd, left);
	if (put == SIZE_MAX)
		return false;
	left = span_from(left, put);
	if (left.len > 0 && !buffer_append(&c->unsent, left))
		return false;
	client_watch(loop, c, c->unsent.len > 0 ? EPOLLOUT : EPOLLIN);
	return true;
}

/* The socket takes bytes again.  False: broken, or done with a leaving client. */
static bool client_drain(struct loop *loop, struct client *c)
{
	size_t put = write_some(c->fd, buffer_span(&c->unsent));

	if (put == SIZE_MAX)
		return false;
	buffer_consume(&c->unsent, put);
	if (c->unsent.len > 0)
		return true;
	client_watch(loop, c, EPOLLIN);
	return !c->leaving;
}

/*
 * Answer the whole packets in <bytes>; <used> says how far they went.  False
 * when the client has to go, once its answers are written.
 */
static bool answer_packets(struct loop *loop, struct client *c, struct span bytes,
			   size_t *used)
{
	struct frame frame;
	struct span payload;

	*used = 0;
	while (frame_cut(span_from(bytes, *used), &frame, &payload)) {
		*used += PACKET_HEADER_LEN + payload.len;
		if (!fake_session_packet(&c->session, frame, payload))
			return false;
		if (loop->out.len >= FLUSH_AT && !client_flush(loop, c))
			return false;
	}
	return bytes.len - *used < PACKET_MAX;
}

/* Answer <bytes>, keep an incomplete rest, write.  False: close it now. */
static bool client_answer(struct loop *loop, struct client *c, struct span bytes)
{
	bool gathered = c->unread.len > 0;
	size_t used;

	if (gathered) {
		if (!buffer_append(&c->unread, bytes))
			return false;
		bytes = buffer_span(&c->unread);
	}
	c->leaving = !answer_packets(loop, c, bytes, &used);
	if (gathered)
		buffer_consume(&c->unread, used);
	else if (used < bytes.len && !buffer_append(&c->unread, span_from(bytes, used)))
		return false;
	if (gathered && c->unread.len == 0)
		buffer_free(&c->unread);
	return client_flush(loop, c) && !(c->leaving && c->unsent.len == 0);
}

/* False: the client is gone or has to go. */
static bool client_read(struct loop *loop, struct client *c)
{
	ssize_t n = recv(c->fd, loop->scratch, sizeof(loop->scratch), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	return client_answer(loop, c, (struct span){ loop->scratch, (size_t)n });
}

static void client_event(struct loop *loop, struct client *c, uint32_t events)
{
	bool alive = true;

	loop->out.len = 0;
	if (events & EPOLLOUT)
		alive = client_drain(loop, c);
	else
		alive = client_read(loop, c);
	if (!alive)
		client_close(c);
}

static void client_open(struct loop *loop, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		bench_die(0, "out of memory");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	c->fd = fd;
	c->events = EPOLLIN;
	c->session.server = &loop->server;
	c->session.out = &loop->out;
	c->session.id = loop->next_id++;
	event.data.ptr = c;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		bench_die(errno, "epoll_ctl");
	loop->out.len = 0;
	fake_session_greet(&c->session);
	if (!client_flush(loop, c))
		client_close(c);
}

static void accept_clients(struct loop *loop)
{
	for (unsigned n = 0; n < 64; n++) {
		int fd = accept4(loop->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		client_open(loop, fd);
	}
}

static void loop_run(struct loop *loop)
{
	struct epoll_event events[EVENTS_MAX];

	while (!bench_stopped()) {
		int n = epoll_wait(loop->epoll, events, EVENTS_MAX, 500);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				accept_clients(loop);
			else
				client_event(loop, events[i].data.ptr, events[i].events);
		}
	}
}

static void loop_listen(struct loop *loop, uint16_t port)
{
	struct sockaddr_in address = option_address("127.0.0.1", port);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		bench_die(errno, "cannot listen on 127.0.0.1:%u", port);
	loop->listener = fd;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		bench_die(errno, "epoll");
	(void)printf("ready port=%u\n", ntohs(address.sin_port));
	(void)fflush(stdout);
}

static void usage(void)
{
	(void)printf("Usage: fakeserver [--port N] [--version TEXT] [--hostname TEXT]\n"
		     "  [--server-id N] [--read-only] [--user NAME] [--password TEXT]\n"
		     "  [--rows N] [--columns N] [--cell-bytes N]\n"
		     "A MySQL server that does no work; see bench/README.md.\n");
}

/* A real MariaDB puts this in front, so that old replicas accept its version. */
#define VERSION_PREFIX "5.5.5-"

struct choices {
	uint16_t    port;
	const char *version;
	const char *hostname;
	const char *password;
};

static const struct option option_table[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "version", required_argument, NULL, 'v' },
	{ "hostname", required_argument, NULL, 'n' },
	{ "server-id", required_argument, NULL, 'i' },
	{ "read-only", no_argument, NULL, 'o' },
	{ "user", required_argument, NULL, 'u' },
	{ "password", required_argument, NULL, 'w' },
	{ "rows", required_argument, NULL, 'r' },
	{ "columns", required_argument, NULL, 'c' },
	{ "cell-bytes", required_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void take_option(int option, struct choices *choices, struct fake_server *server)
{
	switch (option) {
	case 'p': choices->port = (uint16_t)option_number("port", optarg, 0, 65535); break;
	case 'v': choices->version = optarg; break;
	case 'n': choices->hostname = optarg; break;
	case 'i':
		server->server_id = option_number("server-id", optarg, 1, UINT32_MAX);
		break;
	case 'o': server->read_only = true; break;
	case 'u': server->user = optarg; break;
	case 'w': choices->password = optarg; break;
	case 'r': server->rows = option_number("rows", optarg, 0, 1000000); break;
	case 'c': server->columns = option_number("columns", optarg, 1, 4096); break;
	case 'b':
		server->cell_bytes = option_number("cell-bytes", optarg, 0, 1u << 22);
		break;
	case 'h': usage(); exit(0);
	default: usage(); exit(2);
	}
}

static void fill_in(struct fake_server *server, const struct choices *choices)
{
	static char version[200];
	uint8_t stage1[NATIVE_HASH_LEN];
	char number[24];

	(void)snprintf(version, sizeof(version), "%s", choices->version);
	fake_variable_set("version", span_starts_nocase(span_of(version), VERSION_PREFIX) ?
			  version + strlen(VERSION_PREFIX) : version);
	fake_variable_set("hostname", choices->hostname);
	(void)snprintf(number, sizeof(number), "%llu",
		       (unsigned long long)server->server_id);
	fake_variable_set("server_id", number);
	fake_variable_set("read_only", server->read_only ? "ON" : "OFF");
	server->version = version;
	native_stage1(span_of(choices->password), stage1);
	native_stage2(stage1, server->stage2);
	if (!salt_make(server->salt) || !fake_server_prepare(server))
		bench_die(0, "cannot start: no randomness or no memory");
}

int main(int argc, char **argv)
{
	static struct loop loop = {
		.server = {
			.user = "bench", .server_id = 100, .rows = 1, .columns = 1,
			.cell_bytes = 120,
		},
		.next_id = 1,
	};
	struct choices choices = {
		.version = VERSION_PREFIX "10.11.9-MariaDB-fake",
		.hostname = "fake-0",
		.password = "bench",
	};
	int option;

	while ((option = getopt_long(argc, argv, "", option_table, NULL)) != -1)
		take_option(option, &choices, &loop.server);
	bench_raise_files();
	bench_catch_signals();
	fill_in(&loop.server, &choices);
	loop_listen(&loop, choices.port);
	loop_run(&loop);
	return 0;
}
