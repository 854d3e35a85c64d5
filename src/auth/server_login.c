/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readmux logs in at a server; see server_login.h.
 *
 * A plugin is one row: its name and how it answers a salt and further data.
 */
#include <readmux/auth/rsa.h>
#include <readmux/auth/server_login.h>

#include <openssl/crypto.h>

enum phase {
	PHASE_GREETING,
	PHASE_TLS,
	PHASE_ANSWERED,		/* a plugin's first answer is under way */
	PHASE_KEY_ASKED,	/* the server's public key comes next */
	PHASE_END,		/* all was said: OK, ERR or another plugin comes */
};

/* ER_NOT_SUPPORTED_AUTH_MODE: a client is told that its login cannot be done. */
#define ACCOUNT_FAILED  1251u
#define NEXT_FACTOR     2u	/* first byte of AuthNextFactor */
#define MOST_SWITCHES   8u	/* MariaDB tries an account's plugins one after another */

#define SHA256_WANT_KEY 1u
#define SHA2_WANT_KEY   2u
#define SHA2_FAST_OK    3u
#define SHA2_FULL       4u

#define ALWAYS  (CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION)
#define OFFERED (CLIENT_PLUGIN_AUTH | CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA | \
		 CLIENT_CONNECT_ATTRS)

struct plugin {
	const char *name;
	/* Append the first answer to a salt.  False: cannot be done, <text> says why. */
	bool (*answer)(struct server_login *login, struct writer *w);
	/* React to AuthMoreData; NULL: the plugin has none. */
	enum server_login_step (*more)(struct server_login *login, struct span data,
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
	login->number = ACCOUNT_FAILED;
	(void)snprintf(login->sqlstate, sizeof(login->sqlstate), "08004");
	(void)snprintf(login->text, sizeof(login->text), "readmux: %s", words);
	return SERVER_LOGIN_FAILED;
}

static bool lacks_password(struct server_login *login)
{
	if (login->secret->has_password)
		return false;
	login->needs_password = true;
	(void)account_failed(login, "the server needs the password for this account, "
			     "and only a hash is known; list it in users:");
	return true;
}

static bool password_is_empty(const struct secret *secret)
{
	return secret->has_password && secret->password_len == 0;
}

/* Nobody else can read what is sent. */
static bool is_private(const struct server_login *login)
{
	return login->tls || login->local;
}

static enum server_login_step finish_packet(struct server_login *login, struct writer *w)
{
	if (!writer_end(w))
		return account_failed(login, "a login packet did not fit");
	login->seq++;
	return SERVER_LOGIN_READ_MORE;
}

/* --- plugins ------------------------------------------------------------------ */

static bool native_answer(struct server_login *login, struct writer *w)
{
	uint8_t answer[NATIVE_HASH_LEN];

	if (password_is_empty(login->secret))
		return true;
	if (!login->secret->has_stage1) {
		(void)account_failed(login, "nothing is known that gives a login");
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

static void write_clear(struct server_login *login, struct writer *w)
{
	writer_cstr(w, secret_password(login->secret));
}

static bool clear_answer(struct server_login *login, struct writer *w)
{
	if (lacks_password(login))
		return false;
	if (!is_private(login)) {
		(void)account_failed(login, "the server asks for the password in clear, "
				     "which needs TLS to it (backends.tls)");
		return false;
	}
	write_clear(login, w);
	return true;
}

static enum server_login_step send_encrypted(struct server_login *login,
					     struct span pem, struct writer *w)
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
	if (!ok)	/* a client can cause this with a password too long for the key */
		return account_failed(login, "the password does not fit the server's key");
	writer_begin(w, login->seq);
	writer_bytes(w, (struct span){ cipher, len });
	login->phase = PHASE_END;
	return finish_packet(login, w);
}

static enum server_login_step sha2_full(struct server_login *login, struct writer *w)
{
	writer_begin(w, login->seq);
	if (is_private(login))
		write_clear(login, w);
	else
		writer_uint(w, SHA2_WANT_KEY, 1);
	login->phase = is_private(login) ? PHASE_END : PHASE_KEY_ASKED;
	return finish_packet(login, w);
}

static enum server_login_step sha2_more(struct server_login *login, struct span data,
					struct writer *w)
{
	if (login->phase == PHASE_KEY_ASKED)
		return send_encrypted(login, data, w);
	if (data.len == 1 && data.data[0] == SHA2_FULL)
		return sha2_full(login, w);
	if (data.len != 1 || data.data[0] != SHA2_FAST_OK)
		return failed(login, "caching_sha2_password: the server sent unknown data");
	login->phase = PHASE_END;
	return SERVER_LOGIN_READ_MORE;
}

/* Also what MySQL pretends for users that do not exist. */
static bool sha256_answer(struct server_login *login, struct writer *w)
{
	if (lacks_password(login))
		return false;
	if (is_private(login) || password_is_empty(login->secret)) {
		write_clear(login, w);
		return true;
	}
	writer_uint(w, SHA256_WANT_KEY, 1);
	login->phase = PHASE_KEY_ASKED;
	return true;
}

static enum server_login_step sha256_more(struct server_login *login, struct span data,
					  struct writer *w)
{
	if (login->phase != PHASE_KEY_ASKED)
		return failed(login, "sha256_password: the server sent unknown data");
	return send_encrypted(login, data, w);
}

enum { PLUGIN_NATIVE, PLUGIN_SHA2, PLUGIN_CLEAR, PLUGIN_SHA256, PLUGIN_COUNT };

static const struct plugin plugins[PLUGIN_COUNT] = {
	[PLUGIN_NATIVE] = { "mysql_native_password", native_answer, NULL },
	[PLUGIN_SHA2] = { "caching_sha2_password", sha2_answer, sha2_more },
	[PLUGIN_CLEAR] = { "mysql_clear_password", clear_answer, NULL },
	[PLUGIN_SHA256] = { "sha256_password", sha256_answer, sha256_more },
};

/* Index of the row with <name>, or PLUGIN_COUNT. */
static uint8_t plugin_by_name(struct span name)
{
	uint8_t i = 0;

	while (i < PLUGIN_COUNT && !span_is(name, plugins[i].name))
		i++;
	return i;
}

/* --- plugins that cannot be had -------------------------------------------------- */

static const struct {
	const char *name;
	const char *remedy;
} remedies[] = {
	{ "dialog", "set pam_use_cleartext_plugin=ON at the server and use TLS to it" },
	{ "mysql_old_password", "give it a new password with old_passwords=0" },
	{ NULL, "use mysql_native_password or caching_sha2_password for this account" },
};

static enum server_login_step lacks_plugin(struct server_login *login, struct span name)
{
	char words[256];
	size_t i = 0;

	while (remedies[i].name != NULL && !span_is(name, remedies[i].name))
		i++;
	(void)snprintf(words, sizeof(words),
		       "the server wants authentication plugin '%.*s', "
		       "which readmux does not have; %s",
		       (int)size_min(name.len, 64), (const char *)name.data,
		       remedies[i].remedy);
	return account_failed(login, words);
}

/* --- packets to the server -------------------------------------------------------- */

static void fill_response(const struct server_login *login, struct handshake_response *h)
{
	*h = (struct handshake_response){
		.capabilities = login->capabilities,
		.max_packet = login->max_packet,
		.collation = login->collation,
		.zstd_level = login->zstd_level,
		.user = login->user,
		.schema = login->schema,
	};
}

static enum server_login_step write_response(struct server_login *login, struct writer *w)
{
	static const uint8_t attributes[] = "\x0c_client_name\x07readmux";
	struct handshake_response h;
	uint8_t memory[SHA2_HASH_LEN];
	struct writer answer = writer_over(memory, sizeof(memory));

	/* only a scramble is offered unasked; for others the server asks to switch */
	if (login->plugin != PLUGIN_SHA2 || !login->secret->has_password)
		login->plugin = PLUGIN_NATIVE;
	login->phase = PHASE_ANSWERED;
	if (!plugins[login->plugin].answer(login, &answer))
		return SERVER_LOGIN_FAILED;
	fill_response(login, &h);
	h.auth = writer_span(&answer);
	h.plugin = span_of(plugins[login->plugin].name);
	h.attributes = (struct span){ attributes, sizeof(attributes) - 1 };
	writer_begin(w, login->seq);
	handshake_response_write(w, &h);
	OPENSSL_cleanse(memory, sizeof(memory));
	return finish_packet(login, w);
}

static enum server_login_step start_tls(struct server_login *login, struct writer *w)
{
	struct handshake_response h;

	fill_response(login, &h);
	h.ssl_request = true;
	writer_begin(w, login->seq);
	handshake_response_write(w, &h);
	if (finish_packet(login, w) == SERVER_LOGIN_FAILED)
		return SERVER_LOGIN_FAILED;
	login->phase = PHASE_TLS;
	return SERVER_LOGIN_START_TLS;
}

enum server_login_step server_login_tls_started(struct server_login *login,
						struct writer *out)
{
	login->tls = true;
	return write_response(login, out);
}

/* --- packets from the server ------------------------------------------------------ */

static bool is_sqlstate(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((s.data[i] < '0' || s.data[i] > '9') &&
		    (s.data[i] < 'A' || s.data[i] > 'Z'))
			return false;
	}
	return s.len == SQLSTATE_LEN;
}

/* In place of the greeting there is no SQLSTATE: it goes by the number then. */
static enum server_login_step refused(struct server_login *login, struct span payload)
{
	struct err_packet err;

	if (!err_packet_parse(payload, &err))
		return failed(login, "the server sent a malformed ERR packet");
	if (!is_sqlstate(err.sqlstate))
		err.sqlstate = err.number == 1040 ? SPAN_LITERAL("08004") :
			       SPAN_LITERAL("HY000");
	login->number = err.number;
	(void)span_copy(err.sqlstate, login->sqlstate, sizeof(login->sqlstate));
	(void)span_copy(err.text, login->text, sizeof(login->text));
	return SERVER_LOGIN_REFUSED;
}

/* What both can do, and what the login needs. */
static uint64_t agree(const struct server_login *login, const struct greeting *g)
{
	uint64_t able = login->wanted | OFFERED | CLIENT_SSL;
	uint64_t agreed = (able & g->capabilities) | ALWAYS;

	if (login->tls_mode == SERVER_LOGIN_TLS_OFF)
		agreed &= ~CLIENT_SSL;
	if (login->schema.len > 0)
		return agreed | CLIENT_CONNECT_WITH_DB;
	return agreed & ~CLIENT_CONNECT_WITH_DB;
}

static enum server_login_step take_greeting(struct server_login *login, struct span payload,
					    struct writer *w)
{
	struct greeting g;

	if (!greeting_parse(payload, &g))
		return failed(login, "not a MySQL server: its greeting is malformed");
	if ((g.capabilities & CLIENT_PROTOCOL_41) == 0)
		return failed(login, "the server is too old: it lacks CLIENT_PROTOCOL_41");
	login->server_capabilities = g.capabilities;
	login->thread_id = g.thread_id;
	memcpy(login->salt, g.salt, SALT_LEN);
	login->capabilities = agree(login, &g);
	login->plugin = plugin_by_name(g.plugin);
	if ((login->capabilities & CLIENT_SSL) != 0)
		return start_tls(login, w);
	if (login->tls_mode == SERVER_LOGIN_TLS_REQUIRED)
		return failed(login, "TLS is required (backends.tls: required) but "
			      "the server has none");
	return write_response(login, w);
}

static enum server_login_step take_switch(struct server_login *login, struct span payload,
					  struct writer *w)
{
	struct auth_switch a;

	if (payload.len == 1)
		return lacks_plugin(login, SPAN_LITERAL("mysql_old_password"));
	if (!auth_switch_parse(payload, &a))
		return failed(login, "the server sent a malformed AuthSwitchRequest");
	if (++login->switches > MOST_SWITCHES)
		return failed(login, "the server asked for one plugin after another");
	login->plugin = plugin_by_name(a.plugin);
	if (login->plugin == PLUGIN_COUNT)
		return lacks_plugin(login, a.plugin);
	if (login->plugin != PLUGIN_CLEAR && a.data.len < SALT_LEN)
		return failed(login, "the server asked for another plugin without a salt");
	if (a.data.len >= SALT_LEN)
		memcpy(login->salt, a.data.data, SALT_LEN);
	login->phase = PHASE_ANSWERED;
	writer_begin(w, login->seq);
	if (plugins[login->plugin].answer(login, w))
		return finish_packet(login, w);
	w->len = w->header_at;
	return SERVER_LOGIN_FAILED;
}

static enum server_login_step take_more(struct server_login *login, struct span payload,
					struct writer *w)
{
	const struct plugin *plugin = &plugins[login->plugin];

	if (plugin->more == NULL || login->phase == PHASE_END)
		return failed(login, "the server sent unexpected AuthMoreData");
	return plugin->more(login, span_from(payload, 1), w);
}

static enum server_login_step take_ok(struct server_login *login, struct span payload)
{
	struct ok_packet ok;

	if (!ok_packet_parse(payload, login->capabilities, &ok))
		return failed(login, "the server sent a malformed OK packet");
	login->status = ok.status;
	return SERVER_LOGIN_DONE;
}

static enum server_login_step take_reply(struct server_login *login, struct span payload,
					 struct writer *w)
{
	switch (payload.data[0]) {
	case PACKET_OK:
		return take_ok(login, payload);
	case PACKET_EOF:
		return take_switch(login, payload, w);
	case PACKET_MORE_DATA:
		return take_more(login, payload, w);
	case NEXT_FACTOR:
		return account_failed(login, "the account has a second factor, which "
				      "readmux cannot answer");
	default:
		return failed(login, "the server sent an unexpected login packet");
	}
}

enum server_login_step server_login_feed(struct server_login *login, struct frame frame,
					 struct span payload, struct writer *out)
{
	if (payload.len == 0)
		return failed(login, "the server sent an empty login packet");
	if (payload.data[0] == PACKET_ERR)	/* may come at any time, with any number */
		return refused(login, payload);
	if (frame.seq != login->seq)
		return failed(login, "the server sent packets out of order");
	login->seq++;
	if (login->phase == PHASE_GREETING)
		return take_greeting(login, payload, out);
	if (login->phase == PHASE_TLS)
		return failed(login, "the server spoke before TLS was up");
	return take_reply(login, payload, out);
}
