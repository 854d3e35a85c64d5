/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of the login phase; see greeting.h. */
#include <readmux/wire/command.h>
#include <readmux/wire/greeting.h>
#include <readmux/wire/reader.h>

#define PROTOCOL_VERSION  10u
#define SALT_PART_1       8u
#define SALT_PART_2       (SALT_LEN - SALT_PART_1)
#define SSL_REQUEST_LEN   32u
#define EXTENDED_SHIFT    32

static void copy_salt(uint8_t *into, struct span part, size_t len)
{
	if (part.len >= len)
		memcpy(into, part.data, len);
}

/* Text up to its NUL or the end of the packet, which some leave out. */
static struct span read_optional_cstr(struct reader *r)
{
	const uint8_t *nul;

	if (reader_left(r) == 0)
		return SPAN_NONE;
	nul = memchr(r->cur, 0, reader_left(r));
	return nul != NULL ? reader_cstr(r) : reader_rest(r);
}

bool greeting_parse(struct span payload, struct greeting *g)
{
	struct reader r = reader_over(payload);
	uint64_t extended;
	size_t salt_len;

	*g = (struct greeting){ 0 };
	if (reader_uint(&r, 1) != PROTOCOL_VERSION)
		return false;
	g->version = reader_cstr(&r);
	g->thread_id = (uint32_t)reader_uint(&r, 4);
	copy_salt(g->salt, reader_bytes(&r, SALT_PART_1), SALT_PART_1);
	reader_skip(&r, 1);
	g->capabilities = reader_uint(&r, 2);
	g->collation = (uint8_t)reader_uint(&r, 1);
	g->status = (uint16_t)reader_uint(&r, 2);
	g->capabilities |= reader_uint(&r, 2) << 16;
	salt_len = (size_t)reader_uint(&r, 1);
	reader_skip(&r, 6);
	extended = reader_uint(&r, 4);
	if ((g->capabilities & CLIENT_LONG_PASSWORD) == 0)
		g->capabilities |= extended << EXTENDED_SHIFT;
	salt_len = size_max(13, salt_len > SALT_PART_1 ? salt_len - SALT_PART_1 : 0);
	copy_salt(g->salt + SALT_PART_1, reader_bytes(&r, salt_len), SALT_PART_2);
	if ((g->capabilities & CLIENT_PLUGIN_AUTH) != 0)
		g->plugin = read_optional_cstr(&r);
	return !r.bad;
}

void greeting_write(struct writer *w, const struct greeting *g)
{
	bool extended = (g->capabilities & CLIENT_LONG_PASSWORD) == 0;

	writer_uint(w, PROTOCOL_VERSION, 1);
	writer_cstr(w, g->version);
	writer_uint(w, g->thread_id, 4);
	writer_bytes(w, (struct span){ g->salt, SALT_PART_1 });
	writer_uint(w, 0, 1);
	writer_uint(w, g->capabilities, 2);
	writer_uint(w, g->collation, 1);
	writer_uint(w, g->status, 2);
	writer_uint(w, g->capabilities >> 16, 2);
	writer_uint(w, SALT_LEN + 1, 1);
	writer_zeros(w, 6);
	writer_uint(w, extended ? g->capabilities >> EXTENDED_SHIFT : 0, 4);
	writer_bytes(w, (struct span){ g->salt + SALT_PART_1, SALT_PART_2 });
	writer_uint(w, 0, 1);
	if ((g->capabilities & CLIENT_PLUGIN_AUTH) != 0)
		writer_cstr(w, g->plugin);
}

/* The answer's length is said in one of three ways. */
static struct span read_auth(struct reader *r, uint64_t capabilities)
{
	if ((capabilities & CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA) != 0)
		return reader_lenenc_bytes(r);
	return reader_bytes(r, reader_uint(r, 1));
}

bool handshake_response_parse(struct span payload, struct handshake_response *h)
{
	struct reader r = reader_over(payload);
	uint64_t extended;

	*h = (struct handshake_response){ 0 };
	h->capabilities = reader_uint(&r, 4);
	h->max_packet = (uint32_t)reader_uint(&r, 4);
	h->collation = (uint16_t)reader_uint(&r, 1);
	reader_skip(&r, 19);
	extended = reader_uint(&r, 4);
	if (r.bad || (h->capabilities & CLIENT_PROTOCOL_41) == 0)
		return false;
	if ((h->capabilities & CLIENT_LONG_PASSWORD) == 0)
		h->capabilities |= extended << EXTENDED_SHIFT;
	if (payload.len == SSL_REQUEST_LEN && (h->capabilities & CLIENT_SSL) != 0) {
		h->ssl_request = true;
		return true;
	}
	if ((h->capabilities & CLIENT_SECURE_CONNECTION) == 0)
		return false;
	h->user = reader_cstr(&r);
	h->auth = read_auth(&r, h->capabilities);
	if ((h->capabilities & CLIENT_CONNECT_WITH_DB) != 0)
		h->schema = read_optional_cstr(&r);
	if ((h->capabilities & CLIENT_PLUGIN_AUTH) != 0)
		h->plugin = read_optional_cstr(&r);
	if ((h->capabilities & CLIENT_CONNECT_ATTRS) != 0 && reader_left(&r) > 0)
		h->attributes = reader_lenenc_bytes(&r);
	if ((h->capabilities & CLIENT_ZSTD_COMPRESSION_ALGORITHM) != 0 &&
	    reader_left(&r) > 0)
		h->zstd_level = (uint8_t)reader_uint(&r, 1);
	return !r.bad;
}

static void write_auth(struct writer *w, uint64_t capabilities, struct span auth)
{
	if ((capabilities & CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA) != 0) {
		writer_lenenc_bytes(w, auth);
		return;
	}
	if (auth.len > UINT8_MAX) {
		w->bad = true;
		return;
	}
	writer_uint(w, auth.len, 1);
	writer_bytes(w, auth);
}

void handshake_response_write(struct writer *w, const struct handshake_response *h)
{
	bool extended = (h->capabilities & CLIENT_LONG_PASSWORD) == 0;

	writer_uint(w, h->capabilities & UINT32_MAX, 4);
	writer_uint(w, h->max_packet, 4);
	writer_uint(w, h->collation & 0xff, 1);
	writer_zeros(w, 19);
	writer_uint(w, extended ? h->capabilities >> EXTENDED_SHIFT : 0, 4);
	if (h->ssl_request)
		return;
	writer_cstr(w, h->user);
	write_auth(w, h->capabilities, h->auth);
	if ((h->capabilities & CLIENT_CONNECT_WITH_DB) != 0)
		writer_cstr(w, h->schema);
	if ((h->capabilities & CLIENT_PLUGIN_AUTH) != 0)
		writer_cstr(w, h->plugin);
	if ((h->capabilities & CLIENT_CONNECT_ATTRS) != 0)
		writer_lenenc_bytes(w, h->attributes);
	if ((h->capabilities & CLIENT_ZSTD_COMPRESSION_ALGORITHM) != 0)
		writer_uint(w, h->zstd_level, 1);
}

bool change_user_parse(struct span payload, uint64_t capabilities,
		       struct handshake_response *h)
{
	struct reader r = reader_over(payload);

	*h = (struct handshake_response){ .capabilities = capabilities };
	if (reader_uint(&r, 1) != COM_CHANGE_USER)
		return false;
	h->user = reader_cstr(&r);
	h->auth = reader_bytes(&r, reader_uint(&r, 1));
	h->schema = read_optional_cstr(&r);
	if (reader_left(&r) >= 2)
		h->collation = (uint16_t)reader_uint(&r, 2);
	if ((capabilities & CLIENT_PLUGIN_AUTH) != 0)
		h->plugin = read_optional_cstr(&r);
	if ((capabilities & CLIENT_CONNECT_ATTRS) != 0 && reader_left(&r) > 0)
		h->attributes = reader_lenenc_bytes(&r);
	return !r.bad;
}

void change_user_write(struct writer *w, const struct handshake_response *h)
{
	writer_uint(w, COM_CHANGE_USER, 1);
	writer_cstr(w, h->user);
	if (h->auth.len > UINT8_MAX)
		w->bad = true;
	writer_uint(w, h->auth.len, 1);
	writer_bytes(w, h->auth);
	writer_cstr(w, h->schema);
	writer_uint(w, h->collation, 2);
	if ((h->capabilities & CLIENT_PLUGIN_AUTH) != 0)
		writer_cstr(w, h->plugin);
	if ((h->capabilities & CLIENT_CONNECT_ATTRS) != 0)
		writer_lenenc_bytes(w, h->attributes);
}

bool auth_switch_parse(struct span payload, struct auth_switch *a)
{
	struct reader r = reader_over(payload);

	*a = (struct auth_switch){ 0 };
	if (reader_uint(&r, 1) != PACKET_EOF)
		return false;
	a->plugin = reader_cstr(&r);
	a->data = reader_rest(&r);
	if (a->data.len > 0 && a->data.data[a->data.len - 1] == 0)
		a->data.len--;
	return reader_finish(&r);
}

void auth_switch_write(struct writer *w, const struct auth_switch *a)
{
	writer_uint(w, PACKET_EOF, 1);
	writer_cstr(w, a->plugin);
	writer_cstr(w, a->data);
}
