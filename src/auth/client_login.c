/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client logs in at readmux; see client_login.h.
 *
 * The order is: greeting, perhaps TLS, HandshakeResponse, then either the answer
 * verifies against what is known, or the password is asked for in a safe form.
 */
#include <readmux/auth/client_login.h>
#include <readmux/wire/compression.h>

#include <openssl/crypto.h>

enum phase {
	PHASE_RESPONSE,		/* HandshakeResponse or SSLRequest comes next */
	PHASE_TLS,
	PHASE_LOOK_UP,
	PHASE_ANSWER,		/* <plugin>'s answer to AuthSwitchRequest */
	PHASE_FULL,		/* the password in clear, or a key request, or encrypted */
	PHASE_ENCRYPTED,	/* the key was sent */
	PHASE_OVER,
};

/* What the answer at hand is worth. */
enum answer {
	ANSWER_FOREIGN,		/* nothing: no plugin of ours, or not for our salt */
	ANSWER_EMPTY,		/* the password is empty */
	ANSWER_CLEAR,		/* it is the password */
	ANSWER_NATIVE,
	ANSWER_SHA2,
};

#define SHA2_WANT_KEY 2u
#define SHA2_FAST_OK  3u
#define SHA2_FULL     4u

#define NEEDED (CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH)

static const char native[] = "mysql_native_password";
static const char sha2[] = "caching_sha2_password";
static const char clear[] = "mysql_clear_password";

static enum client_login_step refuse(struct client_login *login, enum rmx_error error,
				     const char *detail)
{
	login->phase = PHASE_OVER;
	login->error = error;
	(void)snprintf(login->error_detail, sizeof(login->error_detail), "%s", detail);
	return CLIENT_LOGIN_REFUSED;
}

static bool plugin_is(const struct client_login *login, const char *name)
{
	return strcmp(login->plugin, name) == 0;
}

static void set_plugin(struct client_login *login, const char *name)
{
	(void)snprintf(login->plugin, sizeof(login->plugin), "%s", name);
}

static const char *preferred_plugin(const struct client_login *login)
{
	const char *name = login->default_plugin;

	return name != NULL && strcmp(name, sha2) == 0 ? sha2 : native;
}

static bool can_switch(const struct client_login *login)
{
	return !login->switched && (login->capabilities & CLIENT_PLUGIN_AUTH) != 0;
}

/* Before COM_CHANGE_USER: the host did not keep what was sent last. */
static bool has_salt(const struct client_login *login)
{
	return login->salt[0] != 0;
}

/* Nobody else can read what the client sends. */
static bool is_private(const struct client_login *login)
{
	return login->tls || login->local;
}

/* --- packets to the client ---------------------------------------------------- */

static enum client_login_step sent(struct client_login *login, struct writer *w,
				   enum phase next)
{
	if (!writer_end(w))
		return refuse(login, RMX_INTERNAL, "a login packet did not fit");
	login->seq++;
	login->phase = (uint8_t)next;
	return CLIENT_LOGIN_READ_MORE;
}

bool client_login_greet(struct client_login *login, struct span version,
			uint32_t thread_id, uint8_t collation, uint16_t status,
			struct writer *out)
{
	struct greeting g = {
		.version = version,
		.thread_id = thread_id,
		.collation = collation,
		.status = status,
		.plugin = span_of(preferred_plugin(login)),
	};

	if (!salt_make(login->salt))
		return false;
	memcpy(g.salt, login->salt, SALT_LEN);
	login->offered |= NEEDED;
	if (login->tls_available)
		login->offered |= CLIENT_SSL;
	else
		login->offered &= ~CLIENT_SSL;
	g.capabilities = login->offered;
	writer_begin(out, 0);
	greeting_write(out, &g);
	login->seq = 1;
	login->phase = PHASE_RESPONSE;
	return writer_end(out);
}

/* In COM_CHANGE_USER native clients answer the salt they had, whatever comes now. */
static bool renew_salt(struct client_login *login, const char *plugin)
{
	if (login->changing && has_salt(login) && plugin == native)
		return true;
	return salt_make(login->salt);
}

static enum client_login_step ask_switch(struct client_login *login, const char *plugin,
					 struct writer *w)
{
	struct auth_switch a = { .plugin = span_of(plugin) };

	if (!can_switch(login))
		return refuse(login, RMX_NO_SAFE_PASSWORD,
			      "the client cannot change its authentication plugin");
	if (!renew_salt(login, plugin))
		return refuse(login, RMX_INTERNAL, "no randomness");
	if (plugin != clear)
		a.data = (struct span){ login->salt, SALT_LEN };
	set_plugin(login, plugin);
	login->switched = login->asked = true;
	writer_begin(w, login->seq);
	auth_switch_write(w, &a);
	return sent(login, w, PHASE_ANSWER);
}

static enum client_login_step send_more(struct client_login *login, uint8_t what,
					enum phase next, struct writer *w)
{
	writer_begin(w, login->seq);
	writer_uint(w, PACKET_MORE_DATA, 1);
	writer_uint(w, what, 1);
	return sent(login, w, next);
}

static enum client_login_step send_key(struct client_login *login, struct writer *w)
{
	writer_begin(w, login->seq);
	writer_uint(w, PACKET_MORE_DATA, 1);
	writer_bytes(w, rsa_key_public_pem(login->rsa));
	return sent(login, w, PHASE_ENCRYPTED);
}

/* --- the password itself ------------------------------------------------------- */

/* The client's claim, in clear: a server decides, unless it is known already. */
static enum client_login_step claimed(struct client_login *login, struct span password)
{
	login->password_given = password.len > 0;
	if (password.len > 0 && memchr(password.data, 0, password.len) != NULL)
		return refuse(login, RMX_HANDSHAKE, "the password contains a zero byte");
	if (!secret_from_password(&login->secret, password))
		return refuse(login, RMX_NO_SAFE_PASSWORD, "it is longer than 255 bytes");
	login->phase = PHASE_OVER;
	if (!login->known.has_stage2)
		return CLIENT_LOGIN_TRY;
	if (secret_equal(&login->known, &login->secret))
		return CLIENT_LOGIN_PROVEN;
	if (login->known_is_final)
		return refuse(login, RMX_ACCESS_DENIED, "");
	return CLIENT_LOGIN_TRY;
}

static enum client_login_step take_clear(struct client_login *login, struct span text)
{
	if (text.len > 0 && text.data[text.len - 1] == 0)
		text.len--;
	return claimed(login, text);
}

static enum client_login_step take_encrypted(struct client_login *login, struct span cipher)
{
	uint8_t plain[512];
	size_t len = 0;
	enum client_login_step step;

	if (login->rsa == NULL ||
	    !rsa_key_decrypt(login->rsa, cipher, plain, sizeof(plain), &len))
		return refuse(login, RMX_HANDSHAKE, "the password could not be decrypted");
	xor_with_salt(plain, len, login->salt);
	step = take_clear(login, (struct span){ plain, len });
	OPENSSL_cleanse(plain, sizeof(plain));
	return step;
}

/* On a Unix socket some clients send the password, others ask for the key. */
static enum client_login_step take_full(struct client_login *login, struct span payload,
					struct writer *w)
{
	bool wants_key = payload.len == 1 && payload.data[0] == SHA2_WANT_KEY;

	if (login->tls || (login->local && !wants_key))
		return take_clear(login, payload);
	if (!wants_key)
		return take_encrypted(login, payload);
	if (login->rsa == NULL)
		return refuse(login, RMX_NO_SAFE_PASSWORD, "there is no RSA key");
	return send_key(login, w);
}

/* --- asking for it --------------------------------------------------------------- */

/* The client has sent a caching_sha2 scramble and waits for what comes of it. */
static bool is_in_sha2(const struct client_login *login)
{
	return plugin_is(login, sha2) && login->asked;
}

static bool can_ask_password(const struct client_login *login)
{
	return (is_private(login) || login->rsa != NULL) &&
	       (is_in_sha2(login) || can_switch(login));
}

static enum client_login_step ask_password(struct client_login *login, struct writer *w)
{
	if (!is_private(login) && login->rsa == NULL)
		return refuse(login, RMX_NO_SAFE_PASSWORD,
			      "neither TLS nor an RSA key is available");
	if (is_in_sha2(login))
		return send_more(login, SHA2_FULL, PHASE_FULL, w);
	return ask_switch(login, plugin_is(login, clear) && login->tls ? clear : sha2, w);
}

/*
 * The client sent no answer that could be checked.  It is asked for one that
 * can; where only the native hash is known, a client that came with caching_sha2
 * may not have the native plugin any more (MySQL 9), so over TLS its password is
 * compared instead.
 */
static enum client_login_step ask_answer(struct client_login *login, struct writer *w)
{
	bool came_with_sha2 = plugin_is(login, sha2);

	if (!login->known.has_stage2)
		return ask_password(login, w);
	if (!has_salt(login) && can_ask_password(login))
		return ask_switch(login, sha2, w);
	if (came_with_sha2 && (login->known.has_password || is_private(login)))
		return ask_switch(login, sha2, w);
	if (plugin_is(login, native) || !login->known.has_password)
		return ask_switch(login, native, w);
	return ask_switch(login, preferred_plugin(login), w);
}

/* --- verifying an answer --------------------------------------------------------- */

/* What is known did not verify: a wrong password, or one changed at the server since. */
static enum client_login_step disbelieve(struct client_login *login, struct writer *w)
{
	if (login->known_is_final || !can_ask_password(login))
		return refuse(login, RMX_ACCESS_DENIED, "");
	return ask_password(login, w);
}

static enum client_login_step verify_native(struct client_login *login, struct writer *w)
{
	struct span answer = { login->answer, login->answer_len };
	uint8_t stage1[NATIVE_HASH_LEN];

	if (!login->known.has_stage2)
		return ask_password(login, w);
	if (!native_verify(login->salt, login->known.stage2, answer, stage1))
		return disbelieve(login, w);
	if (login->known.has_password)
		login->secret = login->known;
	else
		secret_from_stage1(&login->secret, stage1);
	OPENSSL_cleanse(stage1, sizeof(stage1));
	login->phase = PHASE_OVER;
	return CLIENT_LOGIN_PROVEN;
}

static enum client_login_step verify_sha2(struct client_login *login, struct writer *w)
{
	struct span answer = { login->answer, login->answer_len };

	login->asked = true;		/* it sent a scramble: it is in the exchange */
	if (!login->known.has_password)	/* a native hash says nothing here */
		return login->known.has_stage2 && !can_ask_password(login) ?
		       ask_switch(login, native, w) : ask_password(login, w);
	if (!sha2_verify(login->salt, secret_password(&login->known), answer)) {
		/* in COM_CHANGE_USER an older salt may have been answered: send a new one */
		return login->changing && can_switch(login) ? ask_switch(login, sha2, w) :
							      disbelieve(login, w);
	}
	login->secret = login->known;
	if (send_more(login, SHA2_FAST_OK, PHASE_OVER, w) == CLIENT_LOGIN_REFUSED)
		return CLIENT_LOGIN_REFUSED;
	return CLIENT_LOGIN_PROVEN;
}

static bool is_text(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < ' ' || s.data[i] > '~')
			return false;
	}
	return true;
}

/*
 * Some clients answer caching_sha2 over TLS with the password and a NUL at once.
 * One scramble in 256 ends in 0 as well, so with that length only text counts.
 */
static bool looks_clear(struct span answer)
{
	if (answer.len < 2 || answer.data[answer.len - 1] != 0)
		return false;
	return answer.len != SHA2_HASH_LEN || is_text(span_head(answer, answer.len - 1));
}

static enum answer judge_answer(const struct client_login *login)
{
	struct span answer = { login->answer, login->answer_len };

	if (!has_salt(login))
		return ANSWER_FOREIGN;
	if (plugin_is(login, clear))
		return is_private(login) && answer.len > 0 ? ANSWER_CLEAR : ANSWER_FOREIGN;
	if (!plugin_is(login, native) && !plugin_is(login, sha2))
		return ANSWER_FOREIGN;
	if (answer.len == 0)
		return login->asked ? ANSWER_EMPTY : ANSWER_FOREIGN;
	if (plugin_is(login, native))
		return ANSWER_NATIVE;
	if (answer.len == 1 && answer.data[0] == 0)
		return ANSWER_EMPTY;
	return is_private(login) && looks_clear(answer) ? ANSWER_CLEAR : ANSWER_SHA2;
}

static enum client_login_step verify(struct client_login *login, struct writer *w)
{
	enum answer answer = judge_answer(login);

	login->password_given = answer != ANSWER_EMPTY;
	switch (answer) {
	case ANSWER_EMPTY:
		return claimed(login, SPAN_NONE);
	case ANSWER_CLEAR:
		return take_clear(login, (struct span){ login->answer, login->answer_len });
	case ANSWER_NATIVE:
		return verify_native(login, w);
	case ANSWER_SHA2:
		return verify_sha2(login, w);
	case ANSWER_FOREIGN:
		break;
	}
	return ask_answer(login, w);
}

enum client_login_step client_login_known(struct client_login *login,
					  const struct secret *known, struct writer *out)
{
	if (login->phase != PHASE_LOOK_UP)
		return refuse(login, RMX_INTERNAL, "login out of order");
	if (known != NULL)
		login->known = *known;
	return verify(login, out);
}

/* --- packets from the client ------------------------------------------------------ */

static bool keep_answer(struct client_login *login, struct span answer)
{
	if (answer.len > sizeof(login->answer))
		return false;
	if (answer.len > 0)
		memcpy(login->answer, answer.data, answer.len);
	login->answer_len = answer.len;
	return true;
}

static enum client_login_step take_answer(struct client_login *login, struct span payload,
					  struct writer *w)
{
	if (!keep_answer(login, payload))
		return refuse(login, RMX_HANDSHAKE, "the answer is too long");
	if (plugin_is(login, clear))
		return take_clear(login, payload);
	return verify(login, w);
}

static bool keep_names(struct client_login *login, const struct handshake_response *h)
{
	return span_copy(h->user, login->user, sizeof(login->user)) &&
	       span_copy(h->schema, login->schema, sizeof(login->schema)) &&
	       span_copy(h->plugin, login->plugin, sizeof(login->plugin)) &&
	       keep_answer(login, h->auth);
}

static enum client_login_step take_identity(struct client_login *login,
					    const struct handshake_response *h)
{
	if (!keep_names(login, h))
		return refuse(login, RMX_HANDSHAKE, "a name in it is too long");
	if (h->plugin.len == 0)
		set_plugin(login, native);
	login->collation = h->collation;
	login->zstd_level = h->zstd_level;
	login->phase = PHASE_LOOK_UP;
	return CLIENT_LOGIN_LOOK_UP;
}

static enum client_login_step refuse_response(struct client_login *login,
					      const struct handshake_response *h)
{
	if (h->capabilities != 0 && (h->capabilities & CLIENT_PROTOCOL_41) == 0)
		return refuse(login, RMX_HANDSHAKE,
			      "the client is older than MySQL 4.1 (no CLIENT_PROTOCOL_41)");
	if (h->capabilities != 0 && (h->capabilities & CLIENT_SECURE_CONNECTION) == 0)
		return refuse(login, RMX_HANDSHAKE,
			      "pre-4.1 passwords (no CLIENT_SECURE_CONNECTION)");
	return refuse(login, RMX_HANDSHAKE, "the response is malformed");
}

static enum client_login_step take_response(struct client_login *login, struct span payload)
{
	struct handshake_response h;

	if (!handshake_response_parse(payload, &h))
		return refuse_response(login, &h);
	if (h.ssl_request) {
		if (login->tls || !login->tls_available)
			return refuse(login, RMX_HANDSHAKE, "TLS was not offered");
		login->phase = PHASE_TLS;
		return CLIENT_LOGIN_START_TLS;
	}
	if (login->tls_required && !is_private(login))
		return refuse(login, RMX_TLS_REQUIRED, "");
	login->capabilities = h.capabilities & login->offered;
	if (compression_agreed(login->capabilities) == CODEC_ZSTD &&
	    (h.zstd_level < 1 || h.zstd_level > CODEC_ZSTD_LEVEL_MAX))
		return refuse(login, RMX_ZSTD_LEVEL, "");
	login->max_packet = h.max_packet;
	login->asked = h.plugin.len == 0 || span_is(h.plugin, preferred_plugin(login));
	return take_identity(login, &h);
}

void client_login_tls_started(struct client_login *login)
{
	login->tls = true;
	login->phase = PHASE_RESPONSE;
}

enum client_login_step client_login_change_user(struct client_login *login,
						struct span payload, uint8_t seq,
						struct writer *out)
{
	struct handshake_response h;

	(void)out;
	login->seq = (uint8_t)(seq + 1);
	if (!change_user_parse(payload, login->capabilities, &h))
		return refuse(login, RMX_HANDSHAKE, "COM_CHANGE_USER is malformed");
	/* an empty answer may also come from a client that waits for a salt */
	login->asked = (login->capabilities & CLIENT_PLUGIN_AUTH) == 0;
	login->switched = false;
	login->changing = true;
	return take_identity(login, &h);
}

enum client_login_step client_login_feed(struct client_login *login, struct frame frame,
					 struct span payload, struct writer *out)
{
	if (frame.seq != login->seq)
		return refuse(login, RMX_OUT_OF_ORDER, "");
	login->seq++;
	switch ((enum phase)login->phase) {
	case PHASE_RESPONSE:
		return take_response(login, payload);
	case PHASE_ANSWER:
		return take_answer(login, payload, out);
	case PHASE_FULL:
		return take_full(login, payload, out);
	case PHASE_ENCRYPTED:
		return take_encrypted(login, payload);
	case PHASE_TLS:
	case PHASE_LOOK_UP:
	case PHASE_OVER:
		break;
	}
	return refuse(login, RMX_OUT_OF_ORDER, "");
}

void client_login_wipe(struct client_login *login)
{
	OPENSSL_cleanse(login->answer, sizeof(login->answer));
	secret_wipe(&login->secret);
	secret_wipe(&login->known);
}
