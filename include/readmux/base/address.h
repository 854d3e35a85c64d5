/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numeric socket addresses: text to bytes and back.  Names are discovery's.
 */
#ifndef READMUX_BASE_ADDRESS_H
#define READMUX_BASE_ADDRESS_H

#include <readmux/base/span.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS_TEXT_MAX 128u

struct address {
	socklen_t len;		/* 0 = none */
	union {
		struct sockaddr     any;
		struct sockaddr_in  v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un  local;
	} u;
};

/*
 * "127.0.0.1:3306", "[::1]:3306", "127.0.0.1" (then <default_port>),
 * "/run/mysqld/mysqld.sock".  False when it is none of these.
 */
RMX_MUST_CHECK
bool address_parse(struct span text, uint16_t default_port, struct address *out);

/* Text form of the whole address into <out> of ADDRESS_TEXT_MAX bytes. */
void address_format(const struct address *a, char *out, size_t room);

/* Host part only, without port and brackets: what a server calls the client's host. */
void address_format_host(const struct address *a, char *out, size_t room);

bool address_equal(const struct address *a, const struct address *b);
uint16_t address_port(const struct address *a);
void address_set_port(struct address *a, uint16_t port);

#endif
