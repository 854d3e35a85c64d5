/* SPDX-License-Identifier: GPL-2.0-or-later */
/* readmux as a server: logins of clients that are not like readmux's own. */
#include "auth_support.h"

enum say { SAY_NOTHING, SAY_NUL, SAY_NATIVE, SAY_SHA2, SAY_CLEAR, SAY_KEY, SAY_JUNK };

struct client {
	struct client_login login;
	struct secret       password;
	uint8_t             bytes[4096];
	struct writer       out;
	uint8_t             said[256];
	struct span         words;
};

/* What the client would say to the salt it saw last. */
static struct span say(struct client *c, enum say what)
{
	struct span password = secret_password(&c->password);

	c->words = (struct span){ c->said, 0 };
	memset(c->said, 0, sizeof(c->said));
	switch (what) {
	case SAY_NOTHING:
		break;
	case SAY_NUL:
		c->words.len = 1;
		break;
	case SAY_NATIVE:
		native_scramble(c->login.salt, c->password.stage1, c->said);
		c->words.len = NATIVE_HASH_LEN;
		break;
	case SAY_SHA2:
		sha2_scramble(c->login.salt, password, c->said);
		c->words.len = SHA2_HASH_LEN;
		break;
	case SAY_CLEAR:
		memcpy(c->said, password.data, password.len);
		c->words.len = password.len + 1;
		break;
	case SAY_KEY:
		c->said[0] = 2;
		c->words.len = 1;
		break;
	case SAY_JUNK:
		memset(c->said, 'j', 77);
		c->words.len = 77;
		break;
	}
	return c->words;
}

/* One letter for what readmux did: its packet, or how it ended. */
static const char *reaction(struct client *c, enum client_login_step step)
{
	struct frame frame;
	struct span payload, all = writer_span(&c->out);
	const char *did = "";

	if (frame_cut(all, &frame, &payload)) {
		assert_int_equal(frame.seq + 1, c->login.seq);
		did = letter(payload);
	}
	c->out.len = 0;
	if (step == CLIENT_LOGIN_PROVEN)
		return *did == '3' ? "3P" : "P";
	if (step == CLIENT_LOGIN_TRY)
		return "T";
	if (step == CLIENT_LOGIN_REFUSED)
		return rmx_error_info(c->login.error)->name;
	return did;
}

static const char *feed(struct client *c, struct span payload)
{
	struct frame frame = { (uint32_t)payload.len, c->login.seq };

	return reaction(c, client_login_feed(&c->login, frame, payload, &c->out));
}

static uint8_t zstd_level;	/* in responses from now on */

/* A HandshakeResponse, then what readmux makes of it. */
static const char *respond(struct client *c, uint64_t capabilities, const char *plugin,
			   enum say what, const struct secret *known)
{
	uint8_t bytes[512];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct handshake_response h = {
		.capabilities = capabilities,
		.user = SPAN_LITERAL("app"),
		.auth = say(c, what),
		.plugin = span_of(plugin),
		.zstd_level = zstd_level,
	};
	struct frame frame = { 0, c->login.seq };
	enum client_login_step step;

	handshake_response_write(&w, &h);
	step = client_login_feed(&c->login, frame, writer_span(&w), &c->out);
	if (step == CLIENT_LOGIN_LOOK_UP)
		step = client_login_known(&c->login, known, &c->out);
	return reaction(c, step);
}

static void client_init(struct client *c, const char *plugin, enum transport t)
{
	memset(c, 0, sizeof(*c));
	c->out = writer_over(c->bytes, sizeof(c->bytes));
	c->password = secret_for("right");
	c->login.offered = CAPABILITIES;
	c->login.default_plugin = plugin;
	c->login.rsa = t == PLAIN_NO_RSA ? NULL : rsa;
	c->login.local = t == LOCAL;
	c->login.tls = t == TLS;
	assert_true(client_login_greet(&c->login, span_of("5"), 1, 45, 2, &c->out));
	c->out.len = 0;
}

static const struct {
	const char    *because;
	const char    *greeted;
	enum transport transport;
	const char    *plugin;
	enum say       first;
	enum known     known;
	const char    *reaction;
	enum say       then;
	const char    *reaction_then;
	enum say       last;
	const char    *reaction_last;
} foreign[] = {
	{ "MySQL 8 client, MariaDB primary, unknown: empty is not empty", NATIVE, TLS, SHA2,
	  SAY_NOTHING, KNOWN_NOTHING, "S", SAY_SHA2, "4", SAY_CLEAR, "T" },
	{ "the same with a hash known: no native plugin in MySQL 9", NATIVE, TLS, SHA2,
	  SAY_NOTHING, KNOWN_STAGE2, "S", SAY_SHA2, "4", SAY_CLEAR, "P" },
	{ "the same in plain: a key is seldom asked for", NATIVE, PLAIN, SHA2,
	  SAY_NOTHING, KNOWN_STAGE2, "N", SAY_NATIVE, "P", SAY_NOTHING, NULL },
	{ "only one switch: a wrong answer is refused", NATIVE, PLAIN, SHA2,
	  SAY_NOTHING, KNOWN_STAGE2, "N", SAY_JUNK, "ACCESS_DENIED", SAY_NOTHING, NULL },
	{ "the same with the password known", NATIVE, PLAIN, SHA2,
	  SAY_NOTHING, KNOWN_PASSWORD, "S", SAY_SHA2, "3P", SAY_NOTHING, NULL },
	{ "and really empty", NATIVE, PLAIN, SHA2,
	  SAY_NOTHING, KNOWN_NOTHING, "S", SAY_NUL, "T", SAY_NOTHING, NULL },
	{ "and empty as libmariadb says it", NATIVE, PLAIN, SHA2,
	  SAY_NOTHING, KNOWN_NOTHING, "S", SAY_NOTHING, "T", SAY_NOTHING, NULL },
	{ "empty at once", SHA2, PLAIN, SHA2,
	  SAY_NUL, KNOWN_NOTHING, "T", SAY_NOTHING, NULL, SAY_NOTHING, NULL },
	{ "native client, MySQL primary: empty is not empty", SHA2, PLAIN, NATIVE,
	  SAY_NOTHING, KNOWN_STAGE2, "N", SAY_NATIVE, "P", SAY_NOTHING, NULL },
	{ "native answer to a sha2 greeting", SHA2, PLAIN, NATIVE,
	  SAY_NATIVE, KNOWN_STAGE2, "P", SAY_NOTHING, NULL, SAY_NOTHING, NULL },
	{ "over TLS: the password at once", NATIVE, TLS, NATIVE,
	  SAY_NATIVE, KNOWN_NOTHING, "S", SAY_CLEAR, "T", SAY_NOTHING, NULL },
	{ "the same when it was greeted with sha2", SHA2, TLS, SHA2,
	  SAY_CLEAR, KNOWN_STAGE2, "P", SAY_NOTHING, NULL, SAY_NOTHING, NULL },
	{ "in plain it is no password", SHA2, PLAIN, SHA2,
	  SAY_CLEAR, KNOWN_PASSWORD, "4", SAY_KEY, "K", SAY_JUNK, "HANDSHAKE" },
	{ "local: the key is asked for", SHA2, LOCAL, SHA2,
	  SAY_SHA2, KNOWN_NOTHING, "4", SAY_KEY, "K", SAY_JUNK, "HANDSHAKE" },
	{ "local: the password is sent", SHA2, LOCAL, SHA2,
	  SAY_SHA2, KNOWN_NOTHING, "4", SAY_CLEAR, "T", SAY_NOTHING, NULL },
	{ "no TLS, and not encrypted", SHA2, PLAIN, SHA2,
	  SAY_SHA2, KNOWN_NOTHING, "4", SAY_CLEAR, "HANDSHAKE", SAY_NOTHING, NULL },
	{ "clear plugin over TLS", NATIVE, TLS, CLEAR,
	  SAY_CLEAR, KNOWN_NOTHING, "T", SAY_NOTHING, NULL, SAY_NOTHING, NULL },
	{ "clear plugin that waits to be asked", NATIVE, TLS, CLEAR,
	  SAY_NOTHING, KNOWN_NOTHING, "C", SAY_CLEAR, "T", SAY_NOTHING, NULL },
	{ "clear plugin in plain", NATIVE, PLAIN, CLEAR,
	  SAY_CLEAR, KNOWN_NOTHING, "S", SAY_SHA2, "4", SAY_KEY, "K" },
	{ "a plugin that nobody has", NATIVE, PLAIN, "client_ed25519",
	  SAY_JUNK, KNOWN_STAGE2, "N", SAY_NATIVE, "P", SAY_NOTHING, NULL },
	{ "the same with the password known", SHA2, PLAIN, "client_ed25519",
	  SAY_JUNK, KNOWN_PASSWORD, "S", SAY_SHA2, "3P", SAY_NOTHING, NULL },
	{ "no way to ask", NATIVE, PLAIN_NO_RSA, NATIVE,
	  SAY_NATIVE, KNOWN_NOTHING, "NO_SAFE_PASSWORD", SAY_NOTHING, NULL,
	  SAY_NOTHING, NULL },
	{ "junk in place of a scramble", NATIVE, PLAIN_NO_RSA, NATIVE,
	  SAY_JUNK, KNOWN_STAGE2, "ACCESS_DENIED", SAY_NOTHING, NULL, SAY_NOTHING, NULL },
};

static void try_foreign(size_t i)
{
	struct client c;
	struct secret known;
	bool something_known = make_known(foreign[i].known, &known);
	const char *did[3] = { NULL, NULL, NULL };

	client_init(&c, foreign[i].greeted, foreign[i].transport);
	did[0] = respond(&c, CAPABILITIES, foreign[i].plugin, foreign[i].first,
			 something_known ? &known : NULL);
	if (foreign[i].reaction_then != NULL)
		did[1] = feed(&c, say(&c, foreign[i].then));
	if (foreign[i].reaction_last != NULL)
		did[2] = feed(&c, say(&c, foreign[i].last));
	if (strcmp(did[0], foreign[i].reaction) != 0 ||
	    (did[1] != NULL && strcmp(did[1], foreign[i].reaction_then) != 0) ||
	    (did[2] != NULL && strcmp(did[2], foreign[i].reaction_last) != 0))
		fail_msg("%s: %s %s %s", foreign[i].because, did[0],
			 did[1] != NULL ? did[1] : "", did[2] != NULL ? did[2] : "");
}

static void test_foreign_clients(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		try_foreign(i);
}

static void test_old_clients(void **state)
{
	static const struct {
		uint64_t    missing;
		enum say    first;
		bool        known;
		const char *reaction;
	} rows[] = {
		{ CLIENT_PROTOCOL_41, SAY_NATIVE, true, "HANDSHAKE" },
		{ CLIENT_SECURE_CONNECTION, SAY_NATIVE, true, "HANDSHAKE" },
		{ CLIENT_PLUGIN_AUTH, SAY_NATIVE, true, "P" },
		{ CLIENT_PLUGIN_AUTH, SAY_JUNK, true, "ACCESS_DENIED" },
		{ CLIENT_PLUGIN_AUTH, SAY_NATIVE, false, "NO_SAFE_PASSWORD" },
		{ CLIENT_PLUGIN_AUTH, SAY_NOTHING, false, "T" },
	};
	struct secret known = secret_for("right");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client c;

		client_init(&c, SHA2, PLAIN);
		assert_string_equal(respond(&c, CAPABILITIES & ~rows[i].missing, NATIVE,
					    rows[i].first, rows[i].known ? &known : NULL),
				    rows[i].reaction);
	}
}

/* A 31-byte password and its NUL are as long as a scramble. */
static void test_clear_or_scramble(void **state)
{
	struct client c;

	(void)state;
	client_init(&c, SHA2, TLS);
	c.password = secret_for("0123456789012345678901234567890");
	assert_string_equal(respond(&c, CAPABILITIES, SHA2, SAY_CLEAR, NULL), "T");
	assert_true(secret_equal(&c.login.secret, &c.password));
	for (int i = 0; i < 2000; i++) {	/* some of them end in 0 */
		client_init(&c, SHA2, TLS);
		assert_string_equal(respond(&c, CAPABILITIES, SHA2, SAY_SHA2, NULL), "4");
	}
}

static void test_bad_passwords(void **state)
{
	static const uint8_t with_nul[] = "ab\0cd";
	static uint8_t long_password[300];
	struct client c;

	(void)state;
	memset(long_password, 'x', sizeof(long_password));
	client_init(&c, SHA2, TLS);
	(void)respond(&c, CAPABILITIES, SHA2, SAY_SHA2, NULL);
	assert_string_equal(feed(&c, (struct span){ with_nul, 6 }), "HANDSHAKE");
	client_init(&c, SHA2, TLS);
	(void)respond(&c, CAPABILITIES, SHA2, SAY_SHA2, NULL);
	assert_string_equal(feed(&c, (struct span){ long_password, 256 }),
			    "NO_SAFE_PASSWORD");
	client_init(&c, SHA2, TLS);
	(void)respond(&c, CAPABILITIES, SHA2, SAY_SHA2, NULL);
	assert_string_equal(feed(&c, (struct span){ long_password, 255 }), "T");
	assert_string_equal(feed(&c, SPAN_NONE), "OUT_OF_ORDER");
}

static void test_tls_rules(void **state)
{
	static const uint8_t bytes[32] = { 0, 0x0a, 0, 0 };
	struct span ssl_request = { bytes, sizeof(bytes) };
	struct frame frame = { 32, 1 };
	struct client c;

	(void)state;
	client_init(&c, NATIVE, PLAIN);
	c.login.tls_required = true;
	assert_string_equal(respond(&c, CAPABILITIES, NATIVE, SAY_NATIVE, NULL),
			    "TLS_REQUIRED");
	client_init(&c, NATIVE, LOCAL);
	c.login.tls_required = true;
	assert_string_equal(respond(&c, CAPABILITIES, NATIVE, SAY_NATIVE, NULL), "S");
	client_init(&c, NATIVE, PLAIN);
	assert_int_equal(client_login_feed(&c.login, frame, ssl_request, &c.out),
			 CLIENT_LOGIN_REFUSED);
	client_init(&c, NATIVE, PLAIN);
	c.login.tls_available = true;
	assert_int_equal(client_login_feed(&c.login, frame, ssl_request, &c.out),
			 CLIENT_LOGIN_START_TLS);
	frame.seq = 2;		/* nothing may come before the handshake is done */
	assert_int_equal(client_login_feed(&c.login, frame, ssl_request, &c.out),
			 CLIENT_LOGIN_REFUSED);
}

/* Only where zstd is what was agreed: as at MySQL. */
static void test_zstd_level(void **state)
{
	static const uint64_t zlib = CLIENT_COMPRESS;
	static const uint64_t zstd = CLIENT_ZSTD_COMPRESSION_ALGORITHM;
	static const struct {
		uint64_t    offered, asked;
		uint8_t     level;
		const char *reaction;
	} rows[] = {
		{ zlib | zstd, zstd, 0, "ZSTD_LEVEL" },
		{ zlib | zstd, zstd, 1, "P" },
		{ zlib | zstd, zstd, 22, "P" },
		{ zlib | zstd, zstd, 23, "ZSTD_LEVEL" },
		{ zlib | zstd, zlib | zstd, 0, "P" },
		{ zlib, zstd, 0, "P" },
		{ zlib, zlib, 0, "P" },
	};
	struct client c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		client_init(&c, NATIVE, PLAIN);
		c.login.offered = CAPABILITIES | rows[i].offered;
		zstd_level = rows[i].level;
		assert_string_equal(respond(&c, CAPABILITIES | rows[i].asked, NATIVE,
					    SAY_NATIVE, &c.password), rows[i].reaction);
		assert_int_equal(c.login.capabilities & (zlib | zstd),
				 rows[i].offered & rows[i].asked);
		client_login_wipe(&c.login);
	}
	zstd_level = 0;
}

static void test_greeting_offers(void **state)
{
	struct client_login login = { .offered = CLIENT_SSL, .default_plugin = "dialog" };
	uint8_t bytes[256];
	struct writer w = writer_over(bytes, sizeof(bytes)), none = writer_over(bytes, 8);
	struct frame frame;
	struct span payload;
	struct greeting g;

	(void)state;
	assert_true(client_login_greet(&login, span_of("10.11"), 9, 45, 2, &w));
	assert_true(frame_cut(writer_span(&w), &frame, &payload));
	assert_true(greeting_parse(payload, &g));
	assert_true(span_is(g.plugin, NATIVE) && span_is(g.version, "10.11"));
	assert_int_equal(g.thread_id, 9);
	assert_int_equal(g.capabilities & CLIENT_SSL, 0);
	assert_true((g.capabilities & CLIENT_PLUGIN_AUTH) != 0);
	assert_memory_equal(g.salt, login.salt, SALT_LEN);
	assert_false(client_login_greet(&login, span_of("10.11"), 9, 45, 2, &none));
}

/* --- COM_CHANGE_USER -------------------------------------------------------- */

static const char *change_user(struct client *c, uint64_t capabilities, bool salt_kept,
			       const char *plugin, enum say what,
			       const struct secret *known)
{
	uint8_t bytes[512];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct handshake_response h = {
		.capabilities = capabilities,
		.user = SPAN_LITERAL("other"),
		.auth = say(c, what),
		.schema = SPAN_LITERAL("shop"),
		.plugin = span_of(plugin),
	};
	struct client_login fresh = {
		.capabilities = capabilities,
		.rsa = rsa,
		.default_plugin = NATIVE,
	};
	enum client_login_step step;
	uint8_t old[SALT_LEN];
	const char *did;

	change_user_write(&w, &h);
	if (salt_kept)
		memcpy(fresh.salt, c->login.salt, SALT_LEN);
	c->login = fresh;
	memcpy(old, c->login.salt, SALT_LEN);
	step = client_login_change_user(&c->login, writer_span(&w), 0, &c->out);
	assert_string_equal(c->login.user, "other");
	assert_string_equal(c->login.schema, "shop");
	if (step == CLIENT_LOGIN_LOOK_UP)
		step = client_login_known(&c->login, known, &c->out);
	did = reaction(c, step);
	if (*did == 'N')		/* the client answers that one */
		assert_memory_equal(c->login.salt, old, SALT_LEN);
	return did;
}

static void test_change_user(void **state)
{
	static const struct {
		uint64_t    missing;
		bool        salt_kept;
		const char *plugin;
		enum say    first;
		bool        known;
		const char *reaction;
		enum say    then;
		const char *reaction_then;
	} rows[] = {
		{ 0, true, NATIVE, SAY_NATIVE, true, "P", SAY_NOTHING, NULL },
		{ 0, false, NATIVE, SAY_NATIVE, true, "S", SAY_SHA2, "3P" },
		{ 0, false, NATIVE, SAY_NATIVE, false, "S", SAY_SHA2, "4" },
		{ 0, true, NATIVE, SAY_JUNK, true, "S", SAY_SHA2, "3P" },
		{ 0, true, NATIVE, SAY_NOTHING, true, "N", SAY_NOTHING, "T" },
		{ 0, true, SHA2, SAY_NOTHING, true, "S", SAY_SHA2, "3P" },
		{ 0, true, SHA2, SAY_NOTHING, false, "S", SAY_SHA2, "4" },
		{ CLIENT_PLUGIN_AUTH, true, "", SAY_NATIVE, true, "P", SAY_NOTHING, NULL },
		{ CLIENT_PLUGIN_AUTH, true, "", SAY_NOTHING, false, "T",
		  SAY_NOTHING, NULL },
		{ CLIENT_PLUGIN_AUTH, false, "", SAY_NATIVE, true, "NO_SAFE_PASSWORD",
		  SAY_NOTHING, NULL },
	};
	struct secret known = secret_for("right");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client c;

		client_init(&c, NATIVE, PLAIN);
		assert_string_equal(change_user(&c, CAPABILITIES & ~rows[i].missing,
						rows[i].salt_kept, rows[i].plugin,
						rows[i].first,
						rows[i].known ? &known : NULL),
				    rows[i].reaction);
		if (rows[i].reaction_then != NULL)
			assert_string_equal(feed(&c, say(&c, rows[i].then)),
					    rows[i].reaction_then);
	}
}

static void test_change_user_malformed(void **state)
{
	static const uint8_t bytes[] = "\x11""app";
	struct span whole = { bytes, sizeof(bytes) - 1 };
	enum client_login_step step;
	struct client c;

	(void)state;
	for (size_t len = 0; len <= whole.len; len++) {
		client_init(&c, NATIVE, PLAIN);
		c.login.capabilities = CAPABILITIES;
		step = client_login_change_user(&c.login, span_head(whole, len), 0, &c.out);
		assert_int_equal(step, CLIENT_LOGIN_REFUSED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_clients),
		cmocka_unit_test(test_old_clients),
		cmocka_unit_test(test_clear_or_scramble),
		cmocka_unit_test(test_bad_passwords),
		cmocka_unit_test(test_tls_rules),
		cmocka_unit_test(test_zstd_level),
		cmocka_unit_test(test_greeting_offers),
		cmocka_unit_test(test_change_user),
		cmocka_unit_test(test_change_user_malformed),
	};

	return cmocka_run_group_tests(tests, make_key, free_key);
}
