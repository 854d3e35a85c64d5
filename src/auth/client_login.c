/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client logs in at readmux; see client_login.h.
 *
 * The order is: greeting, perhaps TLS, HandshakeResponse, then either the answer
 * verifies against what is known, or the password is asked for in a safe form.
 */
#include <readmux/auth/client_login.h>

#include <openssl/crypto.h>

enum phase {
	PHASE_RESPONSE,		/* HandshakeResponse or SSLRequest comes next */
	PHASE_TLS,
	PHASE_LOOK_UP,
	PHASE_SCRAMBLE,		/* a scramble for <plugin>, after AuthSwitchRequest */
	PHASE_FULL_SCRAMBLE,	/* the same, but only to get to full authentication */
	PHASE_FULL,		/* the password in clear (TLS), or 0x02, or encrypted */
	PHASE_CLEAR,		/* mysql_clear_password over TLS */
	PHASE_OVER,
};

#define SHA2_WANT_KEY 2u
#define SHA2_FAST_OK  3u
#define SHA2_FULL     4u

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

/* --- packets to the client ---------------------------------------------------- */

static enum client_login_step sent(struct client_login *login, struct writer *w, enum phase next)
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
		.capabilities = login->offered,
		.collation = collation,
		.status = status,
	};

	if (!salt_make(login->salt))
		return false;
	memcpy(g.salt, login->salt, SALT_LEN);
	if (login->default_plugin == NULL || login->default_plugin[0] == '\0')
		login->default_plugin = native;
	g.plugin = span_of(strcmp(login->default_plugin, sha2) == 0 ? sha2 : native);
	writer_begin(out, 0);
	greeting_write(out, &g);
	login->seq = 1;
	login->phase = PHASE_RESPONSE;
	return writer_end(out);
}

static enum client_login_step ask_switch(struct client_login *login, const char *plugin,
					 enum phase next, struct writer *w)
{
	struct auth_switch a = { .plugin = span_of(plugin) };

	if ((login->capabilities & CLIENT_PLUGIN_AUTH) == 0)
		return refuse(login, RMX_NO_SAFE_PASSWORD,
			      "the client cannot change its authentication plugin");
	if (!salt_make(login->salt))
		return refuse(login, RMX_INTERNAL, "no randomness");
	if (next != PHASE_CLEAR)
		a.data = (struct span){ login->salt, SALT_LEN };
	set_plugin(login, plugin);
	writer_begin(w, login->seq);
	auth_switch_write(w, &a);
	return sent(login, w, next);
}

static enum client_login_step send_more(struct client_login *login, uint8_t what,
					enum phase next, struct writer *w)
{
	writer_begin(w, login->seq);
	writer_uint(w, PACKET_MORE_DATA, 1);
	writer_uint(w, what, 1);
	return sent(login, w, next);
}

/* --- outcomes ------------------------------------------------------------------- */

static enum client_login_step proven(struct client_login *login)
{
	login->phase = PHASE_OVER;
	return CLIENT_LOGIN_PROVEN;
}

/* The client's claim, in clear: a server decides, unless it is known already. */
static enum client_login_step claimed(struct client_login *login, struct span password)
{
	login->password_given = password.len > 0;
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

/* --- asking for the password ------------------------------------------------------ */

static enum client_login_step ask_password(struct client_login *login, struct writer *w)
{
	if (plugin_is(login, sha2) && (login->tls || login->rsa != NULL))
		return send_more(login, SHA2_FULL, PHASE_FULL, w);
	if (login->tls && plugin_is(login, clear))
		return ask_switch(login, clear, PHASE_CLEAR, w);
	if (login->tls || login->rsa != NULL)
		return ask_switch(login, sha2, PHASE_FULL_SCRAMBLE, w);
	return refuse(login, RMX_NO_SAFE_PASSWORD, "neither TLS nor an RSA key is available");
}

static enum client_login_step take_key_request(struct client_login *login, struct writer *w)
{
	if (login->rsa == NULL)
		return refuse(login, RMX_NO_SAFE_PASSWORD, "there is no RSA key");
	writer_begin(w, login->seq);
	writer_uint(w, PACKET_MORE_DATA, 1);
	writer_bytes(w, rsa_key_public_pem(login->rsa));
	return sent(login, w, PHASE_FULL);
}

static struct span without_nul(struct span text)
{
	if (text.len > 0 && text.data[text.len - 1] == 0)
		text.len--;
	return text;
}

static enum client_login_step take_encrypted(struct client_login *login, struct span payload)
{
	uint8_t plain[512];
	size_t len = 0;
	enum client_login_step step;

	if (login->rsa == NULL || !rsa_key_decrypt(login->rsa, payload, plain, sizeof(plain), &len))
		return refuse(login, RMX_HANDSHAKE, "the password could not be decrypted");
	xor_with_salt(plain, len, login->salt);
	step = claimed(login, without_nul((struct span){ plain, len }));
	OPENSSL_cleanse(plain, sizeof(plain));
	return step;
}

static enum client_login_step take_full(struct client_login *login, struct span payload,
					struct writer *w)
{
	if (login->tls)
		return claimed(login, without_nul(payload));
	if (payload.len == 1 && payload.data[0] == SHA2_WANT_KEY)
		return take_key_request(login, w);
	return take_encrypted(login, payload);
}

/* --- verifying an answer --------------------------------------------------------- */

static enum client_login_step verify_native(struct client_login *login, struct writer *w)
{
	struct span answer = { login->answer, login->answer_len };
	uint8_t stage1[NATIVE_HASH_LEN];

	if (native_verify(login->salt, login->known.stage2, answer, stage1)) {
		if (login->known.has_password)
			login->secret = login->known;
		else
			secret_from_stage1(&login->secret, stage1);
		OPENSSL_cleanse(stage1, sizeof(stage1));
		return proven(login);
	}
	if (login->known_is_final)
		return refuse(login, RMX_ACCESS_DENIED, "");
	return ask_password(login, w);
}

static enum client_login_step verify_sha2(struct client_login *login, struct writer *w)
{
	struct span answer = { login->answer, login->answer_len };

	if (!login->known.has_password)		/* a native hash says nothing here */
		return ask_password(login, w);
	if (sha2_verify(login->salt, secret_password(&login->known), answer)) {
		login->secret = login->known;
		(void)send_more(login, SHA2_FAST_OK, PHASE_OVER, w);
		return login->error == RMX_OK ? CLIENT_LOGIN_PROVEN : CLIENT_LOGIN_REFUSED;
	}
	if (login->known_is_final)
		return refuse(login, RMX_ACCESS_DENIED, "");
	return ask_password(login, w);
}

static bool answer_is_empty(const struct client_login *login)
{
	return login->answer_len == 0 || (login->answer_len == 1 && login->answer[0] == 0);
}

static enum client_login_step verify(struct client_login *login, struct writer *w)
{
	if (answer_is_empty(login))
		return claimed(login, SPAN_NONE);
	login->password_given = true;
	if (!login->known.has_stage2)
		return ask_password(login, w);
	if (plugin_is(login, native))
		return verify_native(login, w);
	if (plugin_is(login, sha2))
		return verify_sha2(login, w);
	return ask_switch(login, login->known.has_password &&
			  strcmp(login->default_plugin, sha2) == 0 ? sha2 : native,
			  PHASE_SCRAMBLE, w);
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

static bool keep_answer(struct client_login *login, struct span answer)
{
	if (answer.len > sizeof(login->answer))
		return false;
	if (answer.len > 0)
		memcpy(login->answer, answer.data, answer.len);
	login->answer_len = answer.len;
	return true;
}

static enum client_login_step take_scramble(struct client_login *login, struct span payload,
					    struct writer *w)
{
	if (!keep_answer(login, payload))
		return refuse(login, RMX_HANDSHAKE, "the authentication answer is too long");
	if (login->phase == PHASE_FULL_SCRAMBLE && !answer_is_empty(login)) {
		login->password_given = true;
		return send_more(login, SHA2_FULL, PHASE_FULL, w);
	}
	return verify(login, w);
}

/* --- the first packets ------------------------------------------------------------ */

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

static enum client_login_step take_response(struct client_login *login, struct span payload)
{
	struct handshake_response h;

	if (!handshake_response_parse(payload, &h))
		return refuse(login, RMX_HANDSHAKE,
			      "the response is malformed, or from a client older than protocol 4.1");
	if (h.ssl_request) {
		if (login->tls || !login->tls_available)
			return refuse(login, RMX_HANDSHAKE, "TLS was not offered");
		login->phase = PHASE_TLS;
		return CLIENT_LOGIN_START_TLS;
	}
	if (login->tls_required && !login->tls)
		return refuse(login, RMX_TLS_REQUIRED, "");
	login->capabilities = h.capabilities & login->offered;
	login->max_packet = h.max_packet;
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

	login->seq = (uint8_t)(seq + 1);
	if (!change_user_parse(payload, login->capabilities, &h))
		return refuse(login, RMX_HANDSHAKE, "COM_CHANGE_USER is malformed");
	if (take_identity(login, &h) == CLIENT_LOGIN_REFUSED)
		return CLIENT_LOGIN_REFUSED;
	/* the salt of the greeting is not kept: every answer is asked for afresh */
	if (answer_is_empty(login))
		return CLIENT_LOGIN_LOOK_UP;
	return ask_switch(login, strcmp(login->default_plugin, sha2) == 0 ? sha2 : native,
			  PHASE_LOOK_UP, out);
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
	case PHASE_LOOK_UP:	/* COM_CHANGE_USER: the answer to the switch */
		if (!keep_answer(login, payload))
			return refuse(login, RMX_HANDSHAKE, "the authentication answer is too long");
		return CLIENT_LOGIN_LOOK_UP;
	case PHASE_SCRAMBLE:
	case PHASE_FULL_SCRAMBLE:
		return take_scramble(login, payload, out);
	case PHASE_FULL:
		return take_full(login, payload, out);
	case PHASE_CLEAR:
		return claimed(login, without_nul(payload));
	case PHASE_TLS:
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
