/* SPDX-License-Identifier: GPL-2.0-or-later */
/* readmux as a client: what servers may say to it, and what it makes of that. */
#include "auth_support.h"

struct server {
	struct server_login login;
	struct secret       secret;
	uint8_t             bytes[4096];
	struct writer       out;
};

static void server_init(struct server *s, enum server_login_tls tls_mode)
{
	memset(s, 0, sizeof(*s));
	s->out = writer_over(s->bytes, sizeof(s->bytes));
	s->secret = secret_for("right");
	s->login.secret = &s->secret;
	s->login.user = SPAN_LITERAL("app");
	s->login.wanted = CAPABILITIES | CLIENT_CONNECT_WITH_DB;
	s->login.tls_mode = tls_mode;
}

static enum server_login_step hear(struct server *s, const char *bytes, size_t len)
{
	struct frame frame = { (uint32_t)len, s->login.seq };
	struct span payload = { (const uint8_t *)bytes, len };

	s->out.len = 0;
	return server_login_feed(&s->login, frame, payload, &s->out);
}

#define HEAR(s, bytes) hear((s), (bytes), sizeof(bytes) - 1)

static enum server_login_step hear_greeting(struct server *s, const char *plugin,
					    uint64_t capabilities)
{
	uint8_t bytes[256];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct greeting g = {
		.version = SPAN_LITERAL("8"),
		.thread_id = 77,
		.salt = "abcdefghijabcdefghi",
		.capabilities = capabilities,
		.plugin = span_of(plugin),
	};

	greeting_write(&w, &g);
	return hear(s, (char *)bytes, w.len);
}

/* The HandshakeResponse that the machine wrote. */
static struct handshake_response written(const struct server *s)
{
	struct handshake_response h = { 0 };
	struct frame frame;
	struct span payload;

	assert_true(frame_cut(writer_span(&s->out), &frame, &payload));
	assert_true(handshake_response_parse(payload, &h));
	return h;
}

static void test_server_capabilities(void **state)
{
	struct server s;
	struct handshake_response h;

	(void)state;
	server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
	s.login.schema = SPAN_LITERAL("shop");
	s.login.wanted = CLIENT_DEPRECATE_EOF | CLIENT_FOUND_ROWS;
	assert_int_equal(hear_greeting(&s, SHA2, CAPABILITIES | CLIENT_CONNECT_ATTRS |
				       CLIENT_CONNECT_WITH_DB), SERVER_LOGIN_READ_MORE);
	h = written(&s);
	assert_true(h.capabilities == (CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION |
				       CLIENT_PLUGIN_AUTH | CLIENT_CONNECT_ATTRS |
				       CLIENT_CONNECT_WITH_DB | CLIENT_DEPRECATE_EOF));
	assert_true(h.capabilities == s.login.capabilities);
	assert_true(span_is(h.schema, "shop") && span_is(h.user, "app"));
	assert_true(span_is(h.plugin, SHA2) && h.auth.len == SHA2_HASH_LEN);
	assert_true(span_is(h.attributes, "\x0c_client_name\x07readmux"));
	assert_int_equal(s.login.thread_id, 77);
}

/* The level is told where zstd was agreed, and only there. */
static void test_server_compression(void **state)
{
	static const uint64_t zlib = CLIENT_COMPRESS;
	static const uint64_t zstd = CLIENT_ZSTD_COMPRESSION_ALGORITHM;
	static const struct {
		uint64_t wanted, offered;
	} rows[] = {
		{ zstd, zlib | zstd }, { zstd, zlib }, { zlib, zlib | zstd }, { 0, zlib | zstd },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t agreed = rows[i].wanted & rows[i].offered;
		struct handshake_response h;
		struct server s;

		server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
		s.login.wanted |= rows[i].wanted;
		s.login.zstd_level = 7;
		assert_int_equal(hear_greeting(&s, SHA2, CAPABILITIES | rows[i].offered),
				 SERVER_LOGIN_READ_MORE);
		h = written(&s);
		assert_int_equal(h.capabilities & (zlib | zstd), agreed);
		assert_int_equal(s.login.capabilities & (zlib | zstd), agreed);
		assert_int_equal(h.zstd_level, agreed == zstd ? 7 : 0);
	}
}

static void test_server_tls(void **state)
{
	struct server s;

	(void)state;
	server_init(&s, SERVER_LOGIN_TLS_REQUIRED);
	assert_int_equal(hear_greeting(&s, NATIVE, CAPABILITIES), SERVER_LOGIN_FAILED);
	assert_int_equal(s.login.number, 0);
	assert_non_null(strstr(s.login.text, "TLS"));
	server_init(&s, SERVER_LOGIN_TLS_REQUIRED);
	assert_int_equal(hear_greeting(&s, NATIVE, CAPABILITIES | CLIENT_SSL),
			 SERVER_LOGIN_START_TLS);
	assert_true(written(&s).ssl_request);
	assert_int_equal(HEAR(&s, "\0\0\0\2\0\0\0"), SERVER_LOGIN_FAILED);
	server_init(&s, SERVER_LOGIN_TLS_OFF);
	assert_int_equal(hear_greeting(&s, NATIVE, CAPABILITIES | CLIENT_SSL),
			 SERVER_LOGIN_READ_MORE);
	assert_int_equal(written(&s).capabilities & CLIENT_SSL, 0);
}

static const struct {
	const char            *because;
	const char            *bytes;		/* what the server says to the response */
	size_t                 len;
	enum server_login_step step;
	uint16_t               number;
	const char            *text;		/* part of it */
} replies[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ "OK", BYTES("\0\0\0\2\0\0\0"), SERVER_LOGIN_DONE, 0, "" },
	{ "ERR", BYTES("\xff\x15\x04#28000Access denied"), SERVER_LOGIN_REFUSED, 1045,
	  "Access denied" },
	{ "SQLSTATE with a zero byte", BYTES("\xff\x15\x04#2\0""000Access denied"),
	  SERVER_LOGIN_REFUSED, 1045, "Access denied" },
	{ "ed25519", BYTES("\xfe""client_ed25519\0salt"), SERVER_LOGIN_FAILED, 1251,
	  "client_ed25519" },
	{ "PAM", BYTES("\xfe""dialog\0\4Password: "), SERVER_LOGIN_FAILED, 1251,
	  "pam_use_cleartext_plugin" },
	{ "pre-4.1", BYTES("\xfe"), SERVER_LOGIN_FAILED, 1251, "mysql_old_password" },
	{ "clear without TLS", BYTES("\xfe""mysql_clear_password\0"), SERVER_LOGIN_FAILED,
	  1251, "TLS" },
	{ "no salt", BYTES("\xfe""mysql_native_password\0short"), SERVER_LOGIN_FAILED, 0,
	  "salt" },
	{ "no name", BYTES("\xfe""mysql"), SERVER_LOGIN_FAILED, 0, "malformed" },
	{ "second factor", BYTES("\2webauthn\0"), SERVER_LOGIN_FAILED, 1251,
	  "second factor" },
	{ "data for native", BYTES("\1\3"), SERVER_LOGIN_FAILED, 0, "AuthMoreData" },
	{ "cut OK", BYTES("\0\0\0\2"), SERVER_LOGIN_FAILED, 0, "malformed OK" },
	{ "nothing", BYTES(""), SERVER_LOGIN_FAILED, 0, "empty" },
	{ "unknown", BYTES("\x42"), SERVER_LOGIN_FAILED, 0, "unexpected" },
	{ "sha256", BYTES("\xfe""sha256_password\0abcdefghijabcdefghij\0"),
	  SERVER_LOGIN_READ_MORE, 0, "" },
#undef BYTES
};

static void test_server_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		enum server_login_step step;
		struct server s;

		server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
		assert_int_equal(hear_greeting(&s, NATIVE, CAPABILITIES),
				 SERVER_LOGIN_READ_MORE);
		step = hear(&s, replies[i].bytes, replies[i].len);
		if (step != replies[i].step || s.login.number != replies[i].number ||
		    strstr(s.login.text, replies[i].text) == NULL)
			fail_msg("%s: step %d, %u, %s", replies[i].because, (int)step,
				 s.login.number, s.login.text);
		if (step == SERVER_LOGIN_FAILED)
			assert_int_equal(s.out.len, 0);
		if (step == SERVER_LOGIN_REFUSED)
			assert_int_equal(strlen(s.login.sqlstate), SQLSTATE_LEN);
	}
}

/* Errors in place of the greeting have no SQLSTATE. */
static void test_server_turns_away(void **state)
{
	struct server s;

	(void)state;
	server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
	assert_int_equal(HEAR(&s, "\xff\x10\x04Too many connections"),
			 SERVER_LOGIN_REFUSED);
	assert_int_equal(s.login.number, 1040);
	assert_string_equal(s.login.sqlstate, "08004");
	assert_string_equal(s.login.text, "Too many connections");
	server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
	assert_int_equal(HEAR(&s, "\xff\x69\x04Host 'x' is blocked"), SERVER_LOGIN_REFUSED);
	assert_int_equal(s.login.number, 1129);
	assert_string_equal(s.login.sqlstate, "HY000");
	server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
	assert_int_equal(HEAR(&s, "HTTP/1.1 400 Bad Request"), SERVER_LOGIN_FAILED);
	assert_int_equal(s.login.number, 0);
}

static void test_server_never_ends(void **state)
{
	static const char native_again[] = "\xfe" NATIVE "\0abcdefghijabcdefghij\0";
	enum server_login_step step = SERVER_LOGIN_READ_MORE;
	struct server s;

	(void)state;
	server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
	(void)hear_greeting(&s, SHA2, CAPABILITIES);
	for (int i = 0; i < 20 && step == SERVER_LOGIN_READ_MORE; i++)
		step = hear(&s, native_again, sizeof(native_again) - 1);
	assert_int_equal(step, SERVER_LOGIN_FAILED);
	server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
	(void)hear_greeting(&s, SHA2, CAPABILITIES);
	assert_int_equal(HEAR(&s, "\1\3"), SERVER_LOGIN_READ_MORE);
	assert_int_equal(HEAR(&s, "\1\3"), SERVER_LOGIN_FAILED);
}

/* A key that nobody asked for is not used. */
static void test_server_pushes_key(void **state)
{
	struct span pem = rsa_key_public_pem(rsa);
	char bytes[1024] = "\1";
	struct server s;

	(void)state;
	memcpy(bytes + 1, pem.data, pem.len);
	server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
	(void)hear_greeting(&s, SHA2, CAPABILITIES);
	assert_int_equal(hear(&s, bytes, pem.len + 1), SERVER_LOGIN_FAILED);
	server_init(&s, SERVER_LOGIN_TLS_PREFERRED);
	(void)hear_greeting(&s, SHA2, CAPABILITIES);
	assert_int_equal(HEAR(&s, "\1\4"), SERVER_LOGIN_READ_MORE);
	assert_int_equal(s.bytes[PACKET_HEADER_LEN], 2);
	assert_int_equal(hear(&s, bytes, pem.len + 1), SERVER_LOGIN_READ_MORE);
	assert_int_equal(s.out.len, PACKET_HEADER_LEN + 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_capabilities),
		cmocka_unit_test(test_server_compression),
		cmocka_unit_test(test_server_tls),
		cmocka_unit_test(test_server_replies),
		cmocka_unit_test(test_server_turns_away),
		cmocka_unit_test(test_server_never_ends),
		cmocka_unit_test(test_server_pushes_key),
	};

	return cmocka_run_group_tests(tests, make_key, free_key);
}
