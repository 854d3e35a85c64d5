/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See load_client.h. */
#include "load_client.h"

#include <readmux/auth/scramble.h>
#include <readmux/wire/greeting.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define NATIVE "mysql_native_password"

static char problem[512];

const char *load_problem(void)
{
	return problem;
}

/* Remember why, so that one line can tell the user what went wrong. */
static enum load_event lost(const char *what, const char *detail)
{
	(void)snprintf(problem, sizeof(problem), "%s%s%s", what,
		       detail[0] != '\0' ? ": " : "", detail);
	return LOAD_LOST;
}

static enum load_event lost_by_error(struct span payload)
{
	struct err_packet err;
	char text[400];

	if (!err_packet_parse(payload, &err))
		return lost("broken ERR packet", "");
	(void)snprintf(text, sizeof(text), "%u %.*s", err.number,
		       (int)size_min(err.text.len, 350), (const char *)err.text.data);
	return lost("the server answered", text);
}

bool load_open(struct load_client *c, const struct load_target *target)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*c = (struct load_client){ .target = target, .fd = fd, .phase = LOAD_GREETING };
	if (fd < 0)
		return false;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (connect(fd, (const struct sockaddr *)&target->address,
		    sizeof(target->address)) != 0 && errno != EINPROGRESS) {
		(void)lost("connect", strerror(errno));
		(void)close(fd);
		return false;
	}
	return true;
}

/* Short packets always fit into an idle socket; anything else is an error. */
static bool send_all(int fd, struct span bytes)
{
	return send(fd, bytes.data, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len;
}

static struct span native_answer(const struct load_client *c, const uint8_t salt[SALT_LEN],
				 uint8_t answer[NATIVE_HASH_LEN])
{
	uint8_t stage1[NATIVE_HASH_LEN];

	if (c->target->password[0] == '\0')
		return SPAN_NONE;
	native_stage1(span_of(c->target->password), stage1);
	native_scramble(salt, stage1, answer);
	return (struct span){ answer, NATIVE_HASH_LEN };
}

static enum load_event on_greeting(struct load_client *c, struct span payload)
{
	struct greeting g;
	struct handshake_response r = { .max_packet = 1u << 24, .collation = 45 };
	uint8_t answer[NATIVE_HASH_LEN];
	uint8_t room[512];
	struct writer w = writer_over(room, sizeof(room));

	if (payload.len > 0 && payload.data[0] == PACKET_ERR)
		return lost_by_error(payload);
	if (!greeting_parse(payload, &g))
		return lost("broken greeting", "");
	c->capabilities = c->target->capabilities & (g.capabilities | CLIENT_LONG_PASSWORD);
	r.capabilities = c->capabilities;
	r.user = span_of(c->target->user);
	r.auth = native_answer(c, g.salt, answer);
	r.schema = span_of(c->target->schema);
	r.plugin = SPAN_LITERAL(NATIVE);
	writer_begin(&w, 1);
	handshake_response_write(&w, &r);
	if (!writer_end(&w) || !send_all(c->fd, writer_span(&w)))
		return lost("cannot send the login", strerror(errno));
	c->phase = LOAD_LOGIN;
	return LOAD_NOTHING;
}

static enum load_event on_switch(struct load_client *c, struct frame frame,
				 struct span payload)
{
	struct auth_switch ask;
	uint8_t answer[NATIVE_HASH_LEN];
	uint8_t room[64];
	struct writer w = writer_over(room, sizeof(room));

	if (!auth_switch_parse(payload, &ask) || !span_is(ask.plugin, NATIVE) ||
	    ask.data.len < SALT_LEN)
		return lost("the server wants a login that is not " NATIVE, "");
	writer_begin(&w, (uint8_t)(frame.seq + 1));
	writer_bytes(&w, native_answer(c, ask.data.data, answer));
	if (!writer_end(&w) || !send_all(c->fd, writer_span(&w)))
		return lost("cannot send the login", strerror(errno));
	return LOAD_NOTHING;
}

static enum load_event on_login(struct load_client *c, struct frame frame,
				struct span payload)
{
	uint8_t lead = payload.len > 0 ? payload.data[0] : PACKET_ERR;

	switch (lead) {
	case PACKET_OK:
		c->phase = LOAD_READY;
		return LOAD_LOGGED_IN;
	case PACKET_EOF:
		return on_switch(c, frame, payload);
	case PACKET_ERR:
		return lost_by_error(payload);
	default:
		return lost("unexpected packet in the login", "");
	}
}

/* Packets of the login, one at a time. */
static enum load_event step_login(struct load_client *c, struct span bytes, size_t *used)
{
	struct frame frame;
	struct span payload;

	if (!frame_cut(bytes, &frame, &payload))
		return LOAD_NOTHING;
	*used = PACKET_HEADER_LEN + payload.len;
	if (c->phase == LOAD_GREETING)
		return on_greeting(c, payload);
	return on_login(c, frame, payload);
}

/* One step of a response. */
static enum load_event step_result(struct load_client *c, struct span bytes, size_t *used)
{
	struct result_step step;

	result_step(&c->result, bytes, &step);
	if (step.kind == RESULT_BROKEN)
		return lost("broken response", step.problem);
	if (step.kind == RESULT_NEED)
		return LOAD_NOTHING;
	*used = step.len;
	if (step.kind == RESULT_PACKET && step.packet == RESULT_PACKET_ERR) {
		c->failed = true;
		(void)lost_by_error(step.payload);
	}
	if (!step.last)
		return LOAD_NOTHING;
	c->phase = LOAD_READY;
	return LOAD_ANSWERED;
}

/* All that <bytes> hold; <used> says how far.  Stops at the first event. */
static enum load_event step_all(struct load_client *c, struct span bytes, size_t *used)
{
	enum load_event event = LOAD_NOTHING;
	size_t step = 1;

	*used = 0;
	while (event == LOAD_NOTHING && step > 0 && *used < bytes.len) {
		struct span left = span_from(bytes, *used);

		step = 0;
		if (c->phase == LOAD_WAITING)
			event = step_result(c, left, &step);
		else if (c->phase == LOAD_READY)
			return lost("bytes that nobody asked for", "");
		else
			event = step_login(c, left, &step);
		*used += step;
	}
	return event;
}

static enum load_event take_gathered(struct load_client *c, struct span bytes)
{
	enum load_event event;
	size_t used;

	if (!buffer_append(&c->unread, bytes))
		return lost("out of memory", "");
	event = step_all(c, buffer_span(&c->unread), &used);
	buffer_consume(&c->unread, used);
	if (c->unread.len == 0)
		buffer_free(&c->unread);
	return event;
}

static enum load_event take(struct load_client *c, struct span bytes)
{
	enum load_event event;
	size_t used;

	if (c->unread.len > 0)
		return take_gathered(c, bytes);
	event = step_all(c, bytes, &used);
	if (event != LOAD_LOST && used < bytes.len &&
	    !buffer_append(&c->unread, span_from(bytes, used)))
		return lost("out of memory", "");
	return event;
}

enum load_event load_readable(struct load_client *c, struct span scratch)
{
	ssize_t n = recv(c->fd, (void *)(uintptr_t)scratch.data, scratch.len, 0);

	if (n > 0)
		return take(c, (struct span){ scratch.data, (size_t)n });
	if (n == 0)
		return lost("the server closed the connection", "");
	if (errno == EAGAIN || errno == EINTR)
		return LOAD_NOTHING;
	return lost("recv", strerror(errno));
}

bool load_send(struct load_client *c)
{
	assert(c->phase == LOAD_READY);
	c->failed = false;
	c->phase = LOAD_WAITING;
	result_expect(&c->result, COM_QUERY, c->capabilities);
	if (send_all(c->fd, buffer_span(&c->target->statement)))
		return true;
	(void)lost("send", strerror(errno));
	return false;
}

void load_close(struct load_client *c)
{
	static const uint8_t quit[] = { 1, 0, 0, 0, COM_QUIT };

	if (c->phase == LOAD_CLOSED)
		return;
	if (c->phase == LOAD_READY)
		(void)send_all(c->fd, (struct span){ quit, sizeof(quit) });
	(void)close(c->fd);
	buffer_free(&c->unread);
	c->phase = LOAD_CLOSED;
}
