/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readmux logs in at a server; see server_login.h.
 *
 * A plugin is one row: its name and how it answers a salt and further data.
 */
#include <readmux/auth/rsa.h>
#include <readmux/auth/server_login.h>

#include <openssl/crypto.h>

enum phase { PHASE_GREETING, PHASE_TLS, PHASE_ANSWERED };

/* ER_NOT_SUPPORTED_AUTH_MODE: what a client is told when its login cannot be done for it. */
#define ACCOUNT_FAILED    1251u

#define SHA256_WANT_KEY   1u
#define SHA2_FAST_OK      3u
#define SHA2_FULL         4u
#define SHA2_WANT_KEY     2u

struct plugin {
	const char *name;
	/* Append the first answer to a salt.  False: cannot be done, login->text says why. */
	bool (*answer)(struct server_login *login, struct writer *w);
	/* React to AuthMoreData; NULL: the plugin has none. */
	enum server_login_step (*more)(struct server_login *login, struct span data, uint8_t seq,
				       struct writer *w);
};

static enum server_login_step failed(struct server_login *login, const char *words)
{
	login->number = 0;
	(void)snprintf(login->text, sizeof(login->text), "%s", words);
	return SERVER_LOGIN_FAILED;
}

/* This account cannot be logged in; the server itself is well. */
static enum server_login_step account_failed(struct server_login *login, const char *words)
{
	(void)failed(login, words);
	login->number = ACCOUNT_FAILED;
	(void)snprintf(login->sqlstate, sizeof(login->sqlstate), "08004");
	return SERVER_LOGIN_FAILED;
}

static bool lacks_password(struct server_login *login)
{
	if (login->secret->has_password)
		return false;
	login->needs_password = true;
	(void)account_failed(login, "readmux: the server's authentication plugin needs the password, "
			     "and only a hash of it is known; list the user in users:");
	return true;
}

static bool password_is_empty(const struct secret *secret)
{
	return secret->has_password && secret->password_len == 0;
}

/* --- plugins ------------------------------------------------------------------ */

static bool native_answer(struct server_login *login, struct writer *w)
{
	uint8_t answer[NATIVE_HASH_LEN];

	if (password_is_empty(login->secret))
		return true;
	if (!login->secret->has_stage1) {
		(void)account_failed(login, "readmux: nothing is known that gives a login");
		return false;
	}
	native_scramble(login->salt, login->secret->stage1, answer);
	writer_bytes(w, (struct span){ answer, sizeof(answer) });
	return true;
}

static bool sha2_answer(struct server_login *login, struct writer *w)
{
	uint8_t answer[SHA2_HASH_LEN];

	if (lacks_password(login))
		return false;
	if (password_is_empty(login->secret))
		return true;
	sha2_scramble(login->salt, secret_password(login->secret), answer);
	writer_bytes(w, (struct span){ answer, sizeof(answer) });
	return true;
}

static bool write_clear(struct server_login *login, struct writer *w)
{
	writer_cstr(w, secret_password(login->secret));
	return !w->bad;
}

static bool clear_answer(struct server_login *login, struct writer *w)
{
	if (lacks_password(login))
		return false;
	if (!login->tls) {
		(void)account_failed(login, "readmux: the server asks for the password in clear, "
				     "which needs TLS to it (backends.tls)");
		return false;
	}
	return write_clear(login, w);
}

static enum server_login_step finish_packet(struct server_login *login, struct writer *w)
{
	if (writer_end(w))
		return SERVER_LOGIN_READ_MORE;
	return failed(login, "a login packet did not fit");
}

static enum server_login_step sha2_send_encrypted(struct server_login *login, struct span pem,
						  uint8_t seq, struct writer *w)
{
	struct span password = secret_password(login->secret);
	uint8_t plain[SECRET_PASSWORD_MAX + 1] = { 0 }, cipher[1024];
	size_t len = 0;
	bool ok;

	if (password.len > 0)
		memcpy(plain, password.data, password.len);
	xor_with_salt(plain, password.len + 1, login->salt);
	ok = rsa_encrypt_for(pem, (struct span){ plain, password.len + 1 }, cipher,
			     sizeof(cipher), &len);
	OPENSSL_cleanse(plain, sizeof(plain));
	if (!ok)
		return failed(login, "the server's public key cannot be used");
	writer_begin(w, seq);
	writer_bytes(w, (struct span){ cipher, len });
	return finish_packet(login, w);
}

static enum server_login_step sha2_full(struct server_login *login, uint8_t seq, struct writer *w)
{
	writer_begin(w, seq);
	if (login->tls)
		(void)write_clear(login, w);
	else
		writer_uint(w, SHA2_WANT_KEY, 1);
	return finish_packet(login, w);
}

static enum server_login_step sha2_more(struct server_login *login, struct span data,
					uint8_t seq, struct writer *w)
{
	if (data.len == 1 && data.data[0] == SHA2_FAST_OK)
		return SERVER_LOGIN_READ_MORE;
	if (lacks_password(login))
		return SERVER_LOGIN_FAILED;
	if (data.len == 1 && data.data[0] == SHA2_FULL)
		return sha2_full(login, seq, w);
	return sha2_send_encrypted(login, data, seq, w);
}

/* Also what MySQL pretends for users that do not exist. */
static bool sha256_answer(struct server_login *login, struct writer *w)
{
	if (lacks_password(login))
		return false;
	if (login->tls || password_is_empty(login->secret))
		return write_clear(login, w);
	writer_uint(w, SHA256_WANT_KEY, 1);
	return true;
}

static enum server_login_step sha256_more(struct server_login *login, struct span data,
					  uint8_t seq, struct writer *w)
{
	return sha2_send_encrypted(login, data, seq, w);
}

static const struct plugin plugins[] = {
	{ "mysql_native_password", native_answer, NULL },
	{ "caching_sha2_password", sha2_answer, sha2_more },
	{ "mysql_clear_password", clear_answer, NULL },
	{ "sha256_password", sha256_answer, sha256_more },
};

enum { PLUGIN_NATIVE = 0, PLUGIN_SHA2 = 1 };	/* rows above */

/* Index of the row with <name>, or ARRAY_LEN(plugins). */
static uint8_t plugin_by_name(struct span name)
{
	uint8_t i = 0;

	while (i < ARRAY_LEN(plugins) && !span_is(name, plugins[i].name))
		i++;
	return i;
}

/* --- packets ------------------------------------------------------------------ */

static enum server_login_step refused(struct server_login *login, struct span payload)
{
	struct err_packet err;

	if (!err_packet_parse(payload, &err))
		return failed(login, "the server sent a malformed ERR packet");
	login->number = err.number;
	(void)span_copy(err.sqlstate.len > 0 ? err.sqlstate : SPAN_LITERAL("08004"),
			login->sqlstate, sizeof(login->sqlstate));
	(void)span_copy(err.text, login->text, sizeof(login->text));
	return SERVER_LOGIN_REFUSED;
}

static void fill_response(const struct server_login *login, struct handshake_response *h)
{
	*h = (struct handshake_response){
		.capabilities = login->capabilities,
		.max_packet = login->max_packet,
		.collation = login->collation,
		.user = login->user,
		.schema = login->schema,
	};
}

static enum server_login_step write_response(struct server_login *login, uint8_t seq,
					     struct writer *w)
{
	static const uint8_t attributes[] = "\x0c_client_name\x07readmux";
	struct handshake_response h;
	uint8_t memory[SECRET_PASSWORD_MAX + 1];
	struct writer answer = writer_over(memory, sizeof(memory));

	/* only a scramble is offered unasked; for anything else the server asks to switch */
	if (login->plugin != PLUGIN_SHA2 || !login->secret->has_password)
		login->plugin = PLUGIN_NATIVE;
	if (!plugins[login->plugin].answer(login, &answer))
		return SERVER_LOGIN_FAILED;
	fill_response(login, &h);
	h.auth = writer_span(&answer);
	h.plugin = span_of(plugins[login->plugin].name);
	h.attributes = (struct span){ attributes, sizeof(attributes) - 1 };
	writer_begin(w, seq);
	handshake_response_write(w, &h);
	OPENSSL_cleanse(memory, sizeof(memory));
	login->phase = PHASE_ANSWERED;
	return finish_packet(login, w);
}

static enum server_login_step start_tls(struct server_login *login, uint8_t seq, struct writer *w)
{
	struct handshake_response h;

	fill_response(login, &h);
	h.ssl_request = true;
	writer_begin(w, seq);
	handshake_response_write(w, &h);
	login->phase = PHASE_TLS;
	return writer_end(w) ? SERVER_LOGIN_START_TLS : failed(login, "a login packet did not fit");
}

/* What both can do; MariaDB's extended flags count only when the server is one. */
static uint64_t agree(const struct server_login *login, const struct greeting *g)
{
	uint64_t agreed = login->wanted & g->capabilities;

	if ((g->capabilities & CLIENT_LONG_PASSWORD) == 0)
		agreed &= ~CLIENT_LONG_PASSWORD;	/* tells MariaDB that extended flags follow */
	if (login->schema.len > 0)
		agreed |= CLIENT_CONNECT_WITH_DB;
	else
		agreed &= ~CLIENT_CONNECT_WITH_DB;
	return agreed;
}

static enum server_login_step take_greeting(struct server_login *login, struct span payload,
					    uint8_t seq, struct writer *w)
{
	struct greeting g;

	if (!greeting_parse(payload, &g))
		return failed(login, "this is not a MySQL server: its greeting is malformed");
	if ((g.capabilities & CLIENT_PROTOCOL_41) == 0)
		return failed(login, "the server is too old: it lacks CLIENT_PROTOCOL_41");
	login->server_capabilities = g.capabilities;
	login->thread_id = g.thread_id;
	memcpy(login->salt, g.salt, SALT_LEN);
	login->capabilities = agree(login, &g);
	login->plugin = plugin_by_name(g.plugin);
	if (login->tls_mode == SERVER_LOGIN_TLS_OFF || (g.capabilities & CLIENT_SSL) == 0) {
		if (login->tls_mode == SERVER_LOGIN_TLS_REQUIRED)
			return failed(login, "TLS is required (backends.tls: required) but the server has none");
		login->capabilities &= ~CLIENT_SSL;
		return write_response(login, seq, w);
	}
	return start_tls(login, seq, w);
}

enum server_login_step server_login_tls_started(struct server_login *login, struct writer *w)
{
	login->tls = true;
	return write_response(login, 2, w);
}

static enum server_login_step take_switch(struct server_login *login, struct span payload,
					  uint8_t seq, struct writer *w)
{
	struct auth_switch a;

	if (!auth_switch_parse(payload, &a))
		return failed(login, "the server sent a malformed AuthSwitchRequest");
	login->plugin = plugin_by_name(a.plugin);
	if (login->plugin == ARRAY_LEN(plugins)) {
		(void)account_failed(login, "");
		(void)snprintf(login->text, sizeof(login->text),
			       "readmux: the server wants authentication plugin '%.*s', which readmux does not have; "
			       "use mysql_native_password or caching_sha2_password for this account",
			       (int)size_min(a.plugin.len, 64), (const char *)a.plugin.data);
		return SERVER_LOGIN_FAILED;
	}
	if (a.data.len >= SALT_LEN)
		memcpy(login->salt, a.data.data, SALT_LEN);
	writer_begin(w, seq);
	if (!plugins[login->plugin].answer(login, w)) {
		w->len = w->header_at;
		return SERVER_LOGIN_FAILED;
	}
	return finish_packet(login, w);
}

static enum server_login_step take_ok(struct server_login *login, struct span payload)
{
	struct ok_packet ok;

	if (!ok_packet_parse(payload, login->capabilities, &ok))
		return failed(login, "the server sent a malformed OK packet");
	login->status = ok.status;
	return SERVER_LOGIN_DONE;
}

enum server_login_step server_login_feed(struct server_login *login, struct frame frame,
					 struct span payload, struct writer *w)
{
	uint8_t seq = (uint8_t)(frame.seq + 1);

	if (payload.len == 0)
		return failed(login, "the server sent an empty login packet");
	if (payload.data[0] == PACKET_ERR)
		return refused(login, payload);
	if (login->phase == PHASE_GREETING)
		return take_greeting(login, payload, seq, w);
	if (login->phase != PHASE_ANSWERED)
		return failed(login, "the server spoke before TLS was up");
	switch (payload.data[0]) {
	case PACKET_OK:
		return take_ok(login, payload);
	case PACKET_EOF:
		return take_switch(login, payload, seq, w);
	case PACKET_MORE_DATA:
		if (plugins[login->plugin].more == NULL)
			break;
		return plugins[login->plugin].more(login, span_from(payload, 1), seq, w);
	default:
		break;
	}
	return failed(login, "the server sent an unexpected login packet");
}
