/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_login.h. */
#include "fake_login.h"

#include "fake_answer.h"

#include <readmux/wire/greeting.h>

#define NATIVE "mysql_native_password"

/* What a MariaDB server of this kind offers, less TLS and compression. */
#define OFFERED								\
	(CLIENT_FOUND_ROWS | CLIENT_LONG_FLAG | CLIENT_CONNECT_WITH_DB |	\
	 CLIENT_NO_SCHEMA | CLIENT_ODBC | CLIENT_LOCAL_FILES |		\
	 CLIENT_IGNORE_SPACE | CLIENT_PROTOCOL_41 | CLIENT_INTERACTIVE |	\
	 CLIENT_TRANSACTIONS | CLIENT_SECURE_CONNECTION |		\
	 CLIENT_MULTI_RESULTS | CLIENT_PS_MULTI_RESULTS |		\
	 CLIENT_PLUGIN_AUTH | CLIENT_CONNECT_ATTRS |			\
	 CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA | CLIENT_SESSION_TRACK |	\
	 CLIENT_DEPRECATE_EOF)

/* The longest greeting: a version string of 255 bytes and what goes with it. */
#define GREETING_ROOM 512u

void fake_login_greet(struct fake_session *s)
{
	struct greeting g = {
		.version = span_of(s->server->version),
		.thread_id = s->id,
		.capabilities = OFFERED,
		.collation = 45,
		.status = SERVER_STATUS_AUTOCOMMIT,
		.plugin = SPAN_LITERAL(NATIVE),
	};
	struct writer w;

	memcpy(g.salt, s->server->salt, SALT_LEN);
	if (!buffer_reserve(s->out, GREETING_ROOM))
		abort();
	w = writer_over(s->out->data + s->out->len, GREETING_ROOM);
	writer_begin(&w, 0);
	greeting_write(&w, &g);
	if (!writer_end(&w))
		abort();
	s->out->len += w.len;
}

/* Ask for the answer of the only plugin there is. */
static void ask_native(struct fake_session *s)
{
	struct auth_switch ask = {
		.plugin = SPAN_LITERAL(NATIVE),
		.data = { s->server->salt, SALT_LEN },
	};
	uint8_t room[128];
	struct writer w = writer_over(room, sizeof(room));

	writer_begin(&w, s->seq++);
	auth_switch_write(&w, &ask);
	if (!writer_end(&w) || !buffer_append(s->out, writer_span(&w)))
		abort();
	s->phase = FAKE_LOGIN_SWITCHED;
}

static bool password_right(const struct fake_session *s, struct span auth)
{
	uint8_t stage1[NATIVE_HASH_LEN];

	if (strcmp(s->user, s->server->user) != 0)
		return auth.len == 0;
	return native_verify(s->server->salt, s->server->stage2, auth, stage1);
}

static bool finish(struct fake_session *s, struct span auth)
{
	struct fake_track t;

	if (!password_right(s, auth)) {
		fake_answer_error(s, 1045, "28000",
				  "Access denied for user '%s'@'localhost' "
				  "(using password: %s)",
				  s->user, auth.len > 0 ? "YES" : "NO");
		return false;
	}
	fake_session_reset(s);
	s->phase = FAKE_READY;
	fake_track_init(&t);
	if (s->schema[0] != '\0')
		fake_track_text(&t, SESSION_TRACK_SCHEMA, span_of(s->schema));
	fake_answer_ok_tracked(s, 0, &t);
	return true;
}

static bool who_is_it(struct fake_session *s, const struct handshake_response *r)
{
	bool native = r->plugin.len == 0 || span_is(r->plugin, NATIVE);

	if (!span_copy(r->user, s->user, sizeof(s->user)) ||
	    !span_copy(r->schema, s->schema, sizeof(s->schema)))
		return false;
	if (native || r->auth.len == 0)
		return finish(s, r->auth);
	ask_native(s);
	return true;
}

bool fake_login_response(struct fake_session *s, struct span payload)
{
	struct handshake_response r;

	if (!handshake_response_parse(payload, &r) || r.ssl_request) {
		fake_answer_error(s, 1043, "08S01", "Bad handshake");
		return false;
	}
	s->capabilities = r.capabilities & OFFERED;
	return who_is_it(s, &r);
}

bool fake_login_switched(struct fake_session *s, struct span payload)
{
	return finish(s, payload);
}

bool fake_login_change_user(struct fake_session *s, struct span payload)
{
	struct handshake_response r;

	if (!change_user_parse(payload, s->capabilities, &r)) {
		fake_answer_error(s, 1043, "08S01", "Bad handshake");
		return false;
	}
	return who_is_it(s, &r);
}
