/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numeric addresses; see address.h. */
#include <readmux/base/address.h>

#include <arpa/inet.h>

static bool parse_port(struct span text, uint16_t *port)
{
	uint64_t value;

	if (!span_to_u64(text, &value) || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

static bool parse_local(struct span text, struct address *out)
{
	out->u.local.sun_family = AF_UNIX;
	out->len = sizeof(out->u.local);
	return span_copy(text, out->u.local.sun_path, sizeof(out->u.local.sun_path));
}

/* <host> without brackets. */
static bool parse_host(struct span host, uint16_t port, struct address *out)
{
	char text[INET6_ADDRSTRLEN + 1];

	if (!span_copy(host, text, sizeof(text)))
		return false;
	if (inet_pton(AF_INET, text, &out->u.v4.sin_addr) == 1) {
		out->u.v4.sin_family = AF_INET;
		out->u.v4.sin_port = htons(port);
		out->len = sizeof(out->u.v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &out->u.v6.sin6_addr) == 1) {
		out->u.v6.sin6_family = AF_INET6;
		out->u.v6.sin6_port = htons(port);
		out->len = sizeof(out->u.v6);
		return true;
	}
	return false;
}

static bool parse_bracketed(struct span text, uint16_t port, struct address *out)
{
	const uint8_t *end = memchr(text.data, ']', text.len);
	struct span host, rest;

	if (end == NULL)
		return false;
	host = (struct span){ text.data + 1, (size_t)(end - text.data) - 1 };
	rest = span_from(text, host.len + 2);
	if (rest.len > 0 && (rest.data[0] != ':' || !parse_port(span_from(rest, 1), &port)))
		return false;
	return parse_host(host, port, out);
}

bool address_parse(struct span text, uint16_t default_port, struct address *out)
{
	const uint8_t *colon;
	uint16_t port = default_port;
	size_t host_len;

	memset(out, 0, sizeof(*out));
	if (text.len == 0)
		return false;
	if (text.data[0] == '/')
		return parse_local(text, out);
	if (text.data[0] == '[')
		return parse_bracketed(text, port, out);
	colon = memchr(text.data, ':', text.len);
	if (colon == NULL)
		return parse_host(text, port, out);
	host_len = (size_t)(colon - text.data);
	if (memchr(colon + 1, ':', text.len - host_len - 1) != NULL)
		return parse_host(text, port, out);	/* bare IPv6 */
	return parse_port(span_from(text, host_len + 1), &port) &&
	       parse_host(span_head(text, host_len), port, out);
}

void address_format_host(const struct address *a, char *out, size_t room)
{
	if (a->len > 0 && a->u.any.sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &a->u.v4.sin_addr, out, (socklen_t)room);
	else if (a->len > 0 && a->u.any.sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &a->u.v6.sin6_addr, out, (socklen_t)room);
	else
		(void)snprintf(out, room, "%s", a->len > 0 ? "localhost" : "unknown");
}

void address_format(const struct address *a, char *out, size_t room)
{
	char host[ADDRESS_TEXT_MAX];

	if (a->len > 0 && a->u.any.sa_family == AF_UNIX) {
		(void)snprintf(out, room, "%s", a->u.local.sun_path[0] != '\0' ?
			       a->u.local.sun_path : "local socket");
		return;
	}
	address_format_host(a, host, sizeof(host));
	if (a->len > 0 && a->u.any.sa_family == AF_INET6)
		(void)snprintf(out, room, "[%s]:%u", host, address_port(a));
	else
		(void)snprintf(out, room, "%s:%u", host, address_port(a));
}

bool address_equal(const struct address *a, const struct address *b)
{
	if (a->len == 0 || b->len == 0)
		return a->len == b->len;
	if (a->u.any.sa_family != b->u.any.sa_family)
		return false;
	if (a->u.any.sa_family == AF_INET)
		return a->u.v4.sin_port == b->u.v4.sin_port &&
		       a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr;
	if (a->u.any.sa_family == AF_INET6)
		return a->u.v6.sin6_port == b->u.v6.sin6_port &&
		       memcmp(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr,
			      sizeof(a->u.v6.sin6_addr)) == 0;
	return strcmp(a->u.local.sun_path, b->u.local.sun_path) == 0;
}

uint16_t address_port(const struct address *a)
{
	if (a->len == 0)
		return 0;
	if (a->u.any.sa_family == AF_INET)
		return ntohs(a->u.v4.sin_port);
	if (a->u.any.sa_family == AF_INET6)
		return ntohs(a->u.v6.sin6_port);
	return 0;
}

void address_set_port(struct address *a, uint16_t port)
{
	if (a->len > 0 && a->u.any.sa_family == AF_INET)
		a->u.v4.sin_port = htons(port);
	else if (a->len > 0 && a->u.any.sa_family == AF_INET6)
		a->u.v6.sin6_port = htons(port);
}
