/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a packet of the login phase.  The first byte chooses which packet
 * and, for COM_CHANGE_USER, which capabilities.
 *
 * Beyond not crashing: all spans lie in the packet, and what was understood is
 * understood the same after it was written and read again.
 */
#include <readmux/wire/greeting.h>

#include "spans.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t memory[1 << 20];

static struct writer fresh_writer(void)
{
	return writer_over(memory, sizeof(memory));
}

static void try_greeting(struct span payload)
{
	struct writer w = fresh_writer();
	struct greeting g, again;

	if (!greeting_parse(payload, &g))
		return;
	must(inside(g.version, payload) && inside(g.plugin, payload));
	greeting_write(&w, &g);
	if (w.bad)
		return;
	must(greeting_parse(writer_span(&w), &again));
	must(span_equal(g.version, again.version) && span_equal(g.plugin, again.plugin));
	must(g.capabilities == again.capabilities && g.thread_id == again.thread_id);
	must(g.collation == again.collation && g.status == again.status);
	must(memcmp(g.salt, again.salt, SALT_LEN) == 0);
}

static void check_response(struct span payload, const struct handshake_response *r)
{
	must(inside(r->user, payload) && inside(r->auth, payload));
	must(inside(r->schema, payload) && inside(r->plugin, payload));
	must(inside(r->attributes, payload));
}

static void must_equal(const struct handshake_response *a,
		       const struct handshake_response *b)
{
	must(a->capabilities == b->capabilities && a->max_packet == b->max_packet);
	must(a->collation == b->collation && a->ssl_request == b->ssl_request);
	must(a->zstd_level == b->zstd_level);
	must(span_equal(a->user, b->user) && span_equal(a->auth, b->auth));
	must(span_equal(a->schema, b->schema) && span_equal(a->plugin, b->plugin));
	must(span_equal(a->attributes, b->attributes));
}

static void try_response(struct span payload)
{
	struct writer w = fresh_writer();
	struct handshake_response r, again;

	if (!handshake_response_parse(payload, &r))
		return;
	check_response(payload, &r);
	handshake_response_write(&w, &r);
	if (w.bad)
		return;
	must(handshake_response_parse(writer_span(&w), &again));
	must_equal(&r, &again);
}

static void try_change_user(struct span payload, uint64_t capabilities)
{
	struct writer w = fresh_writer();
	struct handshake_response r, again;

	if (!change_user_parse(payload, capabilities, &r))
		return;
	check_response(payload, &r);
	change_user_write(&w, &r);
	if (w.bad)
		return;
	must(change_user_parse(writer_span(&w), capabilities, &again));
	must_equal(&r, &again);
}

static void try_switch(struct span payload)
{
	struct writer w = fresh_writer();
	struct auth_switch a, again;

	if (!auth_switch_parse(payload, &a))
		return;
	must(inside(a.plugin, payload) && inside(a.data, payload));
	auth_switch_write(&w, &a);
	if (w.bad)
		return;
	must(auth_switch_parse(writer_span(&w), &again));
	must(span_equal(a.plugin, again.plugin) && span_equal(a.data, again.data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span payload;

	if (len == 0)
		return 0;
	payload = (struct span){ data + 1, len - 1 };
	switch (data[0] & 3) {
	case 0:
		try_greeting(payload);
		break;
	case 1:
		try_response(payload);
		break;
	case 2:
		try_change_user(payload, CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION |
				((data[0] & 4) != 0 ? CLIENT_PLUGIN_AUTH : 0) |
				((data[0] & 8) != 0 ? CLIENT_CONNECT_ATTRS : 0));
		break;
	case 3:
		try_switch(payload);
		break;
	}
	return 0;
}
