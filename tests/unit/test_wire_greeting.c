/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of the login phase: greeting, handshake response, COM_CHANGE_USER, switch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/wire/command.h>
#include <readmux/wire/greeting.h>

#include "wire_bytes.h"

#define SALT "abcdefghijklmnopqrst"
#define ZEROS_10 "\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_19 ZEROS_10 "\0\0\0\0\0\0\0\0\0"

/* CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION, and what is added below */
#define BASE_CAPABILITIES (CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION)

/* --- greeting ------------------------------------------------------------------ */

static const struct {
	const char *because;
	struct span payload;
	bool        good;
	const char *version;
	uint64_t    capabilities;
	const char *plugin;
} greeting_rows[] = {
	{ "MySQL",
	  BYTES("\x0a" "9.7.0\0" "\x07\0\0\0" "abcdefgh\0" "\xff\xff" "\xff" "\x02\0"
		"\xff\xdf" "\x15" ZEROS_10 "ijklmnopqrst\0" "caching_sha2_password\0"),
	  true, "9.7.0", 0xdfffffff, "caching_sha2_password" },
	{ "MariaDB: extended capabilities, version prefix is left alone",
	  BYTES("\x0a" "5.5.5-10.11.19-MariaDB\0" "\x07\0\0\0" "abcdefgh\0" "\xfe\xff"
		"\x2d" "\x02\0" "\xff\x81" "\x15" "\0\0\0\0\0\0\x1d\0\0\0" "ijklmnopqrst\0"
		"mysql_native_password\0"),
	  true, "5.5.5-10.11.19-MariaDB", UINT64_C(0x1d81fffffe), "mysql_native_password" },
	{ "reserved bytes mean nothing beside CLIENT_LONG_PASSWORD",
	  BYTES("\x0a" "8\0" "\x07\0\0\0" "abcdefgh\0" "\x01\x82" "\x2d" "\x02\0" "\0\0"
		"\0" "\0\0\0\0\0\0\xff\xff\xff\xff" "ijklmnopqrst\0"),
	  true, "8", 0x8201, "" },
	{ "no plugin, no salt length",
	  BYTES("\x0a" "5.1\0" "\x07\0\0\0" "abcdefgh\0" "\xff\xf7" "\x08" "\x02\0" "\0\0"
		"\0" ZEROS_10 "ijklmnopqrst\0"),
	  true, "5.1", 0xf7ff, "" },
	{ "plugin without its NUL, as early 5.5 sent",
	  BYTES("\x0a" "5.5.9\0" "\x07\0\0\0" "abcdefgh\0" "\xff\xff" "\x08" "\x02\0"
		"\x0f\0" "\x15" ZEROS_10 "ijklmnopqrst\0" "mysql_native_password"),
	  true, "5.5.9", 0xfffff, "mysql_native_password" },
	{ "protocol 9", BYTES("\x09" "3.20\0" "\x07\0\0\0" "abcdefgh\0"),
	  false, "", 0, "" },
	{ "ERR", BYTES("\xff\x10\x04" "Too many connections"), false, "", 0, "" },
	{ "salt longer than the packet",
	  BYTES("\x0a" "8\0" "\x07\0\0\0" "abcdefgh\0" "\x01\x82" "\x2d" "\x02\0" "\0\0"
		"\xff" ZEROS_10 "ijklmnopqrst\0"), false, "", 0, "" },
};

static void test_greeting_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(greeting_rows); i++) {
		struct greeting g;
		bool good = greeting_parse(greeting_rows[i].payload, &g);

		if (good != greeting_rows[i].good)
			fail_msg("%s: parsed %d", greeting_rows[i].because, good);
		if (good && (!span_is(g.version, greeting_rows[i].version) ||
			     g.capabilities != greeting_rows[i].capabilities ||
			     !span_is(g.plugin, greeting_rows[i].plugin) ||
			     memcmp(g.salt, SALT, SALT_LEN) != 0 ||
			     g.thread_id != 7 || g.status != 2))
			fail_msg("%s: wrong content", greeting_rows[i].because);
	}
}

static bool parse_greeting(struct span bytes, const void *arg)
{
	struct greeting g;

	(void)arg;
	return greeting_parse(bytes, &g);
}

static void test_greeting_cut_anywhere(void **state)
{
	(void)state;
	/* 1 + "9.7.0\0" + 4 + 9 + 2 + 1 + 2 + 2 + 1 + 10 + 13; the plugin may be missing */
	assert_int_equal(shortest_good(greeting_rows[0].payload, parse_greeting, NULL), 51);
	for (size_t i = 0; i < ARRAY_LEN(greeting_rows); i++)
		parse_cut_anywhere(greeting_rows[i].payload, parse_greeting, NULL);
}

static void test_greeting_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t memory[256];
		struct writer w = writer_over(memory, sizeof(memory));
		struct greeting g;

		assert_true(greeting_parse(greeting_rows[i].payload, &g));
		greeting_write(&w, &g);
		assert_false(w.bad);
		assert_true(span_equal(writer_span(&w), greeting_rows[i].payload));
	}
}

/* --- handshake response ---------------------------------------------------------- */

#define HEAD(capabilities) capabilities "\0\0\0\x01" "\x2d" ZEROS_19 "\0\0\0\0"

static const struct {
	const char *because;
	struct span payload;
	bool        good;
	bool        ssl_request;
	uint64_t    capabilities;
	const char *user, *auth, *schema, *plugin, *attributes;
} response_rows[] = {
	{ "everything", BYTES(HEAD("\x09\x82\x38\x05") "me\0" "\x03pwd" "app\0" "plug\0"
			      "\x04\x01" "k\x01" "v" "\x03"),
	  true, false, 0x05388209, "me", "pwd", "app", "plug", "\x01" "k\x01" "v" },
	{ "SSLRequest", BYTES(HEAD("\x01\x8a\x08\0")),
	  true, true, 0x00088a01, "", "", "", "", "" },
	{ "after TLS: the flag is still set",
	  BYTES(HEAD("\x01\x8a\x08\0") "me\0" "\0" "p\0"),
	  true, false, 0x00088a01, "me", "", "", "p", "" },
	{ "no user, no password", BYTES(HEAD("\x01\x82\0\0") "\0\0"),
	  true, false, 0x8201, "", "", "", "", "" },
	{ "length of the answer in one byte",
	  BYTES(HEAD("\x01\x82\0\0") "me\0\xfb" "short"),
	  false, false, 0, "", "", "", "", "" },
	{ "plugin promised and missing", BYTES(HEAD("\x01\x82\x08\0") "me\0\0"),
	  true, false, 0x00088201, "me", "", "", "", "" },
	{ "schema and plugin promised and missing", BYTES(HEAD("\x09\x82\x08\0") "me\0\0"),
	  true, false, 0x00088209, "me", "", "", "", "" },
	{ "plugin without its NUL", BYTES(HEAD("\x01\x82\x08\0") "me\0\0" "plug"),
	  true, false, 0x00088201, "me", "", "", "plug", "" },
	{ "attributes promised and missing",
	  BYTES(HEAD("\x01\x82\x18\0") "me\0\0" "plug\0"),
	  true, false, 0x00188201, "me", "", "", "plug", "" },
	{ "attributes longer than the packet",
	  BYTES(HEAD("\x01\x82\x18\0") "me\0\0" "plug\0" "\x05\x01" "k\x01" "v"),
	  false, false, 0, "", "", "", "", "" },
	{ "junk behind everything", BYTES(HEAD("\x01\x82\0\0") "me\0\0" "junk"),
	  true, false, 0x8201, "me", "", "", "", "" },
	{ "user without its NUL", BYTES(HEAD("\x01\x82\0\0") "me"),
	  false, false, 0, "", "", "", "", "" },
	{ "answer missing", BYTES(HEAD("\x01\x82\0\0") "me\0"),
	  false, false, 0, "", "", "", "", "" },
	{ "MariaDB's extended capabilities",
	  BYTES("\0\x82\0\0" "\0\0\0\x01" "\x2d" ZEROS_19 "\x10\0\0\0" "me\0\0"),
	  true, false, UINT64_C(0x1000008200), "me", "", "", "", "" },
	{ "the same bytes of a MySQL client mean nothing",
	  BYTES("\x01\x82\0\0" "\0\0\0\x01" "\x2d" ZEROS_19 "\x10\0\0\0" "me\0\0"),
	  true, false, 0x8201, "me", "", "", "", "" },
	{ "protocol 4.0", BYTES("\x85\x24\0\0\0" "old\0" "GDSCQYR_"),
	  false, false, 0, "", "", "", "", "" },
	{ "password of 3.21", BYTES(HEAD("\x01\x02\0\0") "me\0" "pwd\0"),
	  false, false, 0, "", "", "", "", "" },
};

static void check_response(size_t i, const struct handshake_response *r)
{
	if (r->capabilities != response_rows[i].capabilities ||
	    r->ssl_request != response_rows[i].ssl_request ||
	    r->max_packet != 1 << 24 || r->collation != 45 ||
	    !span_is(r->user, response_rows[i].user) ||
	    !span_is(r->auth, response_rows[i].auth) ||
	    !span_is(r->schema, response_rows[i].schema) ||
	    !span_is(r->plugin, response_rows[i].plugin) ||
	    !span_is(r->attributes, response_rows[i].attributes))
		fail_msg("%s: wrong content", response_rows[i].because);
}

static void test_response_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(response_rows); i++) {
		struct handshake_response r;
		bool good = handshake_response_parse(response_rows[i].payload, &r);

		if (good != response_rows[i].good)
			fail_msg("%s: parsed %d", response_rows[i].because, good);
		if (good)
			check_response(i, &r);
	}
}

static bool parse_response(struct span bytes, const void *arg)
{
	struct handshake_response r;

	(void)arg;
	return handshake_response_parse(bytes, &r);
}

static void test_response_cut_anywhere(void **state)
{
	(void)state;
	/* head, "me\0", "\3pwd": all that follows may be missing */
	assert_int_equal(shortest_good(response_rows[0].payload, parse_response, NULL), 39);
	for (size_t i = 0; i < ARRAY_LEN(response_rows); i++)
		parse_cut_anywhere(response_rows[i].payload, parse_response, NULL);
}

static void test_response_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		uint8_t memory[256];
		struct writer w = writer_over(memory, sizeof(memory));
		struct handshake_response r;

		assert_true(handshake_response_parse(response_rows[i].payload, &r));
		handshake_response_write(&w, &r);
		assert_false(w.bad);
		if (!span_equal(writer_span(&w), response_rows[i].payload))
			fail_msg("%s", response_rows[i].because);
	}
}

static void test_response_long_answer(void **state)
{
	static const uint8_t answer[300];
	struct handshake_response r = {
		.capabilities = BASE_CAPABILITIES | CLIENT_LONG_PASSWORD,
		.auth = { answer, sizeof(answer) },
	};
	uint8_t memory[512];
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	handshake_response_write(&w, &r);
	assert_true(w.bad);	/* one byte of length cannot say 300 */
	r.capabilities |= CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA;
	w = writer_over(memory, sizeof(memory));
	handshake_response_write(&w, &r);
	assert_true(handshake_response_parse(writer_span(&w), &r));
	assert_int_equal(r.auth.len, sizeof(answer));
}

/* --- COM_CHANGE_USER ---------------------------------------------------------------- */

#define CHANGE_CAPABILITIES (BASE_CAPABILITIES | CLIENT_PLUGIN_AUTH | CLIENT_CONNECT_ATTRS)

static bool parse_change(struct span bytes, const void *arg)
{
	struct handshake_response r;

	(void)arg;
	return change_user_parse(bytes, CHANGE_CAPABILITIES, &r);
}

static void test_change_user(void **state)
{
	static const struct span packet = BYTES("\x11me\0" "\x03pwd" "app\0" "\xff\0"
						"plug\0" "\x04\x01" "k\x01" "v");
	struct handshake_response r;
	uint8_t memory[64];
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	assert_true(change_user_parse(packet, CHANGE_CAPABILITIES, &r));
	assert_true(r.capabilities == CHANGE_CAPABILITIES);
	assert_true(span_is(r.user, "me") && span_is(r.auth, "pwd"));
	assert_true(span_is(r.schema, "app"));
	assert_true(span_is(r.plugin, "plug"));
	assert_int_equal(r.collation, 255);
	assert_int_equal(r.attributes.len, 4);
	change_user_write(&w, &r);
	assert_true(span_equal(writer_span(&w), packet));
	/* all behind the answer may be missing */
	assert_int_equal(shortest_good(packet, parse_change, NULL), 8);
	parse_cut_anywhere(packet, parse_change, NULL);
	assert_false(change_user_parse(BYTES("\x03SELECT 1"), CHANGE_CAPABILITIES, &r));
}

static void test_change_user_long_answer(void **state)
{
	static const uint8_t answer[256];
	struct handshake_response r = {
		.capabilities = CHANGE_CAPABILITIES, .auth = { answer, sizeof(answer) },
	};
	uint8_t memory[512];
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	change_user_write(&w, &r);
	assert_true(w.bad);
}

/* --- AuthSwitchRequest ---------------------------------------------------------------- */

static bool parse_switch(struct span bytes, const void *arg)
{
	struct auth_switch a;

	(void)arg;
	return auth_switch_parse(bytes, &a);
}

static void test_auth_switch(void **state)
{
	static const struct span packet = BYTES("\xfemysql_native_password\0" SALT "\0");
	struct auth_switch a;
	uint8_t memory[64];
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	assert_true(auth_switch_parse(packet, &a));
	assert_true(span_is(a.plugin, "mysql_native_password"));
	assert_true(span_is(a.data, SALT));
	auth_switch_write(&w, &a);
	assert_true(span_equal(writer_span(&w), packet));
	assert_int_equal(shortest_good(packet, parse_switch, NULL), 23);
	assert_true(auth_switch_parse(BYTES("\xfemysql_clear_password\0"), &a));
	assert_int_equal(a.data.len, 0);
	/* the switch of 4.1 names no plugin */
	assert_false(auth_switch_parse(BYTES("\xfe"), &a));
	assert_false(auth_switch_parse(BYTES("\0plug\0"), &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting_parse),
		cmocka_unit_test(test_greeting_cut_anywhere),
		cmocka_unit_test(test_greeting_there_and_back),
		cmocka_unit_test(test_response_parse),
		cmocka_unit_test(test_response_cut_anywhere),
		cmocka_unit_test(test_response_there_and_back),
		cmocka_unit_test(test_response_long_answer),
		cmocka_unit_test(test_change_user),
		cmocka_unit_test(test_change_user_long_answer),
		cmocka_unit_test(test_auth_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
