/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server's greeting, read by hand; see probe_greeting.h. */
#include <readmux/control/probe_greeting.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/greeting.h>
#include <readmux/wire/reply.h>

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

#define GREETING_ROOM 1024u

static int connect_by_hand(const struct address *address, uint64_t timeout_ms)
{
	struct timeval limit = {
		.tv_sec = (time_t)(timeout_ms / 1000),
		.tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000),
	};
	int fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* SO_SNDTIMEO bounds connect() as well (socket(7)) */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, &address->u.any, address->len) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static bool receive_greeting(int fd, uint8_t *room, struct span *payload)
{
	struct frame frame;
	size_t len = 0;

	while (!frame_cut((struct span){ room, len }, &frame, payload)) {
		ssize_t n = len < GREETING_ROOM ? recv(fd, room + len, GREETING_ROOM - len, 0) : -1;

		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return true;
}

static void facts_of_greeting(struct server_facts *facts, const struct greeting *g)
{
	facts->capabilities = g->capabilities;
	facts->collation = g->collation;
	facts->status = g->status;
	(void)span_copy(g->version, facts->version_text, sizeof(facts->version_text));
	(void)span_copy(g->plugin, facts->plugin, sizeof(facts->plugin));
	facts->mariadb = strstr(facts->version_text, "MariaDB") != NULL ||
			 (g->capabilities & CLIENT_LONG_PASSWORD) == 0;
}

static void say(char *words, size_t room, const char *what)
{
	(void)snprintf(words, room, "probe: %s", what);
}

bool probe_greeting(const struct address *address, uint64_t timeout_ms,
		    struct server_facts *facts, char *words, size_t room)
{
	uint8_t memory[GREETING_ROOM];
	struct span payload;
	struct greeting g;
	struct err_packet err;
	int fd = connect_by_hand(address, timeout_ms);
	bool ok;

	if (fd < 0) {
		say(words, room, errno == EAGAIN || errno == EINPROGRESS ? "connection timed out" :
		    strerror(errno));
		return false;
	}
	ok = receive_greeting(fd, memory, &payload);
	(void)close(fd);
	if (ok && greeting_parse(payload, &g)) {
		facts_of_greeting(facts, &g);
		return true;
	}
	if (ok && err_packet_parse(payload, &err))
		(void)snprintf(words, room, "probe: %.*s (%u)", (int)size_min(err.text.len, 120),
			       (const char *)err.text.data, err.number);
	else
		say(words, room, ok ? "not a MySQL greeting" : "no greeting in time");
	return false;
}
