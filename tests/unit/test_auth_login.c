/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two login machines talk to each other: over every combination of what
 * the client gives and what is known, and over broken packets at every place.
 */
#include "auth_support.h"

/* --- two machines, joined --------------------------------------------------- */

static const char *const transport_names[] = { "plain", "plain, no RSA", "TLS", "local" };

struct pair {
	struct client_login readmux;
	struct server_login peer;	/* stands for the client */
	struct secret       given, known;
	bool                something_known;
	enum client_login_step step;
	enum server_login_step peer_step;
	uint8_t             down_bytes[4096], up_bytes[4096];
	struct writer       down, up;
	char                trace[64];	/* what readmux did, a letter each */
	bool                clear_was_seen;
	/* a packet that is bent on its way, or SIZE_MAX */
	size_t              bend_at, packets;
	void              (*bend)(struct pair *p, struct frame *frame,
				  struct span *payload);
	size_t              cut;
};

static void note(struct pair *p, const char *what)
{
	size_t len = strlen(p->trace);

	(void)snprintf(p->trace + len, sizeof(p->trace) - len, "%s", what);
}

static void set_transport(struct pair *p, enum transport t)
{
	p->readmux.tls_available = t == TLS;
	p->readmux.rsa = t == PLAIN_NO_RSA ? NULL : rsa;
	p->readmux.local = p->peer.local = t == LOCAL;
	p->peer.tls_mode = SERVER_LOGIN_TLS_PREFERRED;
}

static void pair_init(struct pair *p, const char *plugin, enum transport t)
{
	memset(p, 0, sizeof(*p));
	p->down = writer_over(p->down_bytes, sizeof(p->down_bytes));
	p->up = writer_over(p->up_bytes, sizeof(p->up_bytes));
	p->bend_at = SIZE_MAX;
	p->readmux.offered = CAPABILITIES | CLIENT_CONNECT_WITH_DB;
	p->readmux.default_plugin = plugin;
	p->given = secret_for("right");
	p->peer.user = SPAN_LITERAL("app");
	p->peer.schema = SPAN_LITERAL("shop");
	p->peer.secret = &p->given;
	p->peer.wanted = CAPABILITIES;
	p->peer.max_packet = 1u << 24;
	p->peer.collation = 45;
	set_transport(p, t);
}

static void follow(struct pair *p)
{
	if (p->step == CLIENT_LOGIN_LOOK_UP) {
		note(p, "l");
		p->step = client_login_known(&p->readmux,
					     p->something_known ? &p->known : NULL,
					     &p->down);
	}
	if (p->step == CLIENT_LOGIN_START_TLS) {
		note(p, "t");
		client_login_tls_started(&p->readmux);
	}
}

/* The host's last word. */
static void finish(struct pair *p)
{
	struct ok_packet ok = { .header = PACKET_OK, .status = SERVER_STATUS_AUTOCOMMIT };
	struct err_packet err = { .number = 1045, .sqlstate = SPAN_LITERAL("28000") };

	writer_begin(&p->down, p->readmux.seq);
	if (p->step == CLIENT_LOGIN_REFUSED)
		err_packet_write(&p->down, &err);
	else
		ok_packet_write(&p->down, p->readmux.capabilities, &ok);
	assert_true(writer_end(&p->down));
}

/* The next packet out of <w>, bent if it is its turn.  False: none. */
static bool next_packet(struct pair *p, struct writer *w, size_t *at, struct frame *frame,
			struct span *payload)
{
	if (!frame_cut(span_from(writer_span(w), *at), frame, payload))
		return false;
	*at += PACKET_HEADER_LEN + payload->len;
	if (p->packets++ == p->bend_at)
		p->bend(p, frame, payload);
	return true;
}

static void carry_down(struct pair *p)
{
	struct frame frame;
	struct span payload;
	size_t at = 0;

	while (p->peer_step == SERVER_LOGIN_READ_MORE &&
	       next_packet(p, &p->down, &at, &frame, &payload)) {
		if (payload.len > 0 && p->packets != p->bend_at + 1)
			note(p, letter(payload));
		p->peer_step = server_login_feed(&p->peer, frame, payload, &p->up);
	}
	p->down.len = 0;
}

static void look_for_password(struct pair *p)
{
	struct span password = secret_password(&p->given);

	if (password.len > 0 &&
	    memmem(p->up_bytes, p->up.len, password.data, password.len) != NULL)
		p->clear_was_seen = true;
}

static void carry_up(struct pair *p)
{
	struct frame frame;
	struct span payload;
	size_t at = 0;

	look_for_password(p);
	while (p->step == CLIENT_LOGIN_READ_MORE &&
	       next_packet(p, &p->up, &at, &frame, &payload)) {
		p->step = client_login_feed(&p->readmux, frame, payload, &p->down);
		follow(p);
	}
	p->up.len = 0;
	if (p->peer_step == SERVER_LOGIN_START_TLS && p->step == CLIENT_LOGIN_START_TLS) {
		p->step = CLIENT_LOGIN_READ_MORE;
		p->peer_step = server_login_tls_started(&p->peer, &p->up);
	}
}

static void run(struct pair *p)
{
	assert_true(client_login_greet(&p->readmux, span_of("8.0.0-test"), 7, 45,
				       SERVER_STATUS_AUTOCOMMIT, &p->down));
	for (int turn = 0; turn < 20; turn++) {
		carry_down(p);
		if (p->peer_step != SERVER_LOGIN_READ_MORE &&
		    p->peer_step != SERVER_LOGIN_START_TLS)
			return;
		carry_up(p);
		if (p->step != CLIENT_LOGIN_READ_MORE)
			break;
	}
	if (p->step == CLIENT_LOGIN_READ_MORE || p->step == CLIENT_LOGIN_START_TLS)
		return;
	finish(p);
	carry_down(p);
}

/* --- every combination ------------------------------------------------------ */

enum given {
	GIVEN_RIGHT, GIVEN_WRONG, GIVEN_EMPTY, GIVEN_RIGHT_HASH, GIVEN_WRONG_HASH, GIVENS
};
enum outcome { PROVEN, TRY, DENIED, NO_SAFE_WAY, NEEDS_PASSWORD };

static const char *const known_names[] = { "nothing", "password", "stage 1", "stage 2" };
static const char *const given_names[] = {
	"right", "wrong", "empty", "right hash", "wrong hash",
};

struct combination {
	const char    *plugin;
	enum transport transport;
	enum known     known;
	bool           final;
	enum given     given;
};

/* What has to come of it, from the rules of client_login.h alone. */
static enum outcome expected(const struct combination *c)
{
	bool right = c->given == GIVEN_RIGHT || c->given == GIVEN_RIGHT_HASH;
	bool hash = c->given == GIVEN_RIGHT_HASH || c->given == GIVEN_WRONG_HASH;
	bool can_ask = c->transport != PLAIN_NO_RSA;

	if (c->known != KNOWN_NOTHING && right)
		return PROVEN;
	if (c->given == GIVEN_EMPTY)
		return c->known != KNOWN_NOTHING && c->final ? DENIED : TRY;
	if (c->known != KNOWN_NOTHING && (c->final || !can_ask))
		return DENIED;
	if (!can_ask)
		return NO_SAFE_WAY;
	return hash ? NEEDS_PASSWORD : TRY;
}

static enum outcome outcome_of(const struct pair *p)
{
	if (p->peer_step == SERVER_LOGIN_FAILED && p->peer.needs_password)
		return NEEDS_PASSWORD;
	if (p->step == CLIENT_LOGIN_PROVEN)
		return PROVEN;
	if (p->step == CLIENT_LOGIN_TRY)
		return TRY;
	assert_int_equal(p->step, CLIENT_LOGIN_REFUSED);
	return p->readmux.error == RMX_ACCESS_DENIED ? DENIED : NO_SAFE_WAY;
}

static void set_given(struct pair *p, enum given given)
{
	static const char *const passwords[] = { "right", "wrong!", "", "right", "wrong!" };
	struct secret s = secret_for(passwords[given]);

	p->given = s;
	if (given == GIVEN_RIGHT_HASH || given == GIVEN_WRONG_HASH)
		secret_from_stage1(&p->given, s.stage1);
}

static unsigned count(const char *trace, const char *letters)
{
	unsigned n = 0;

	for (; *trace != '\0'; trace++)
		n += strchr(letters, *trace) != NULL;
	return n;
}

/* What holds however the login ends. */
static bool invariants_hold(const struct pair *p, const struct combination *c)
{
	const struct client_login *l = &p->readmux;
	bool accepted = p->step == CLIENT_LOGIN_PROVEN || p->step == CLIENT_LOGIN_TRY;

	if (count(p->trace, "SNC") > 1 || count(p->trace, "l") != 1)
		return false;
	if (p->clear_was_seen && c->transport != TLS && c->transport != LOCAL)
		return false;
	if (strcmp(l->user, "app") != 0 || strcmp(l->schema, "shop") != 0)
		return false;
	if (p->peer.tls != (c->transport == TLS) || l->tls != p->peer.tls)
		return false;
	if (outcome_of(p) == NEEDS_PASSWORD)
		return p->peer.number == 1251;
	if (p->peer_step != (accepted ? SERVER_LOGIN_DONE : SERVER_LOGIN_REFUSED))
		return false;
	return !accepted || (secret_equal(&l->secret, &p->given) &&
			     secret_usable(&l->secret) &&
			     l->password_given == (c->given != GIVEN_EMPTY));
}

static void try_combination(const struct combination *c)
{
	struct pair p;

	pair_init(&p, c->plugin, c->transport);
	p.something_known = make_known(c->known, &p.known);
	set_given(&p, c->given);
	p.readmux.known_is_final = c->final;
	run(&p);
	if (outcome_of(&p) != expected(c) || !invariants_hold(&p, c))
		fail_msg("%s, %s, known: %s%s, given: %s: %d, not %d, trace %s, %s",
			 c->plugin, transport_names[c->transport], known_names[c->known],
			 c->final ? " (final)" : "", given_names[c->given],
			 (int)outcome_of(&p), (int)expected(c), p.trace, p.peer.text);
	client_login_wipe(&p.readmux);
	assert_false(p.readmux.secret.has_password || p.readmux.known.has_password);
}

static void test_every_combination(void **state)
{
	unsigned total = 2 * TRANSPORTS * KNOWNS * 2 * GIVENS;

	(void)state;
	for (unsigned i = 0; i < total; i++) {
		unsigned rest = i;
		struct combination c = { .plugin = rest % 2 == 0 ? NATIVE : SHA2 };

		rest /= 2;
		c.transport = (enum transport)(rest % TRANSPORTS);
		rest /= TRANSPORTS;
		c.known = (enum known)(rest % KNOWNS);
		rest /= KNOWNS;
		c.final = rest % 2 == 1;
		c.given = (enum given)(rest / 2);
		try_combination(&c);
	}
}

/* --- the steps, one by one -------------------------------------------------- */

static const struct {
	struct combination c;
	const char        *trace;
	const char        *because;
} traces[] = {
	{ { NATIVE, PLAIN, KNOWN_STAGE2, false, GIVEN_RIGHT }, "GlO", "one round trip" },
	{ { NATIVE, TLS, KNOWN_STAGE2, false, GIVEN_RIGHT }, "GtlO", "the same over TLS" },
	{ { NATIVE, PLAIN, KNOWN_STAGE2, true, GIVEN_WRONG }, "GlE", "nobody else to ask" },
	{ { NATIVE, PLAIN, KNOWN_STAGE2, false, GIVEN_WRONG }, "GlS4KO", "may be changed" },
	{ { NATIVE, PLAIN, KNOWN_NOTHING, false, GIVEN_RIGHT }, "GlS4KO", "by RSA" },
	{ { NATIVE, TLS, KNOWN_NOTHING, false, GIVEN_RIGHT }, "GtlS4O", "in clear" },
	{ { NATIVE, LOCAL, KNOWN_NOTHING, false, GIVEN_RIGHT }, "GlS4O", "in clear" },
	{ { NATIVE, PLAIN, KNOWN_NOTHING, false, GIVEN_EMPTY }, "GlO", "empty" },
	{ { SHA2, PLAIN, KNOWN_PASSWORD, false, GIVEN_RIGHT }, "Gl3O", "fast path" },
	{ { SHA2, PLAIN, KNOWN_PASSWORD, false, GIVEN_WRONG }, "Gl4KO", "may be changed" },
	{ { SHA2, PLAIN, KNOWN_NOTHING, false, GIVEN_RIGHT }, "Gl4KO", "full by RSA" },
	{ { SHA2, TLS, KNOWN_STAGE2, true, GIVEN_RIGHT }, "Gtl4O", "hash is no help" },
	{ { SHA2, PLAIN_NO_RSA, KNOWN_STAGE2, false, GIVEN_RIGHT }, "GlNO", "no safe way" },
	{ { SHA2, PLAIN, KNOWN_NOTHING, false, GIVEN_EMPTY }, "GlO", "empty, no fast OK" },
	{ { SHA2, PLAIN, KNOWN_STAGE2, false, GIVEN_RIGHT_HASH }, "GlO", "native answer" },
};

static void test_traces(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
		const struct combination *c = &traces[i].c;
		struct pair p;

		pair_init(&p, c->plugin, c->transport);
		p.something_known = make_known(c->known, &p.known);
		set_given(&p, c->given);
		p.readmux.known_is_final = c->final;
		run(&p);
		if (strcmp(p.trace, traces[i].trace) != 0)
			fail_msg("%s: %s, not %s", traces[i].because, p.trace,
				 traces[i].trace);
	}
}

/* --- broken packets at every place ------------------------------------------ */

static void bend_seq(struct pair *p, struct frame *frame, struct span *payload)
{
	(void)p;
	(void)payload;
	frame->seq++;
}

static void bend_cut(struct pair *p, struct frame *frame, struct span *payload)
{
	*payload = span_head(*payload, p->cut);
	frame->len = (uint32_t)payload->len;
}

static void bend_noise(struct pair *p, struct frame *frame, struct span *payload)
{
	static uint8_t noise[300];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)((i + 1) * 2654435761u >> (p->cut % 24));
	*payload = (struct span){ noise, p->cut };
	frame->len = (uint32_t)p->cut;
}

static const struct combination long_logins[] = {
	{ NATIVE, PLAIN, KNOWN_STAGE2, true, GIVEN_RIGHT },
	{ NATIVE, TLS, KNOWN_NOTHING, false, GIVEN_RIGHT },
	{ NATIVE, PLAIN, KNOWN_NOTHING, false, GIVEN_RIGHT },
	{ SHA2, PLAIN, KNOWN_PASSWORD, true, GIVEN_RIGHT },
	{ SHA2, PLAIN, KNOWN_PASSWORD, true, GIVEN_WRONG },
};

/* Runs <c> with packet <at> bent; returns how many packets there were. */
static size_t run_bent(struct pair *p, const struct combination *c, size_t at, size_t cut,
		       void (*bend)(struct pair *, struct frame *, struct span *))
{
	pair_init(p, c->plugin, c->transport);
	p->something_known = make_known(c->known, &p->known);
	set_given(p, c->given);
	p->readmux.known_is_final = c->final;
	p->bend_at = at;
	p->bend = bend;
	p->cut = cut;
	run(p);
	return p->packets;
}

static void test_out_of_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(long_logins); i++) {
		struct pair p;
		size_t n = run_bent(&p, &long_logins[i], SIZE_MAX, 0, NULL);

		for (size_t at = 0; at < n; at++) {
			bool ours, ok;

			(void)run_bent(&p, &long_logins[i], at, 0, bend_seq);
			ours = p.step == CLIENT_LOGIN_REFUSED &&
			       p.readmux.error == RMX_OUT_OF_ORDER;
			ok = ours || p.peer_step == SERVER_LOGIN_FAILED ||
			     p.peer_step == SERVER_LOGIN_REFUSED;
			if (!ok)
				fail_msg("login %zu, packet %zu: accepted", i, at);
		}
	}
}

/* A bent packet never makes a login of it: nothing is proven that was not before. */
static void check_bent(const struct pair *p, const struct combination *c, size_t at)
{
	bool good = p->peer_step == SERVER_LOGIN_DONE && p->step == CLIENT_LOGIN_PROVEN;

	if (good && c->given == GIVEN_WRONG)
		fail_msg("packet %zu cut to %zu: wrong password is proven", at, p->cut);
	if (p->step == CLIENT_LOGIN_REFUSED)
		assert_int_not_equal(p->readmux.error, RMX_OK);
	if (p->peer_step == SERVER_LOGIN_FAILED)
		assert_true(p->peer.text[0] != '\0');
}

static void test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(long_logins); i++) {
		const struct combination *c = &long_logins[i];
		struct pair p;
		size_t n = run_bent(&p, c, SIZE_MAX, 0, NULL);

		for (size_t at = 0; at < n; at++) {
			for (size_t cut = 0; cut < 120; cut++) {
				(void)run_bent(&p, c, at, cut, bend_cut);
				check_bent(&p, c, at);
			}
		}
	}
}

static void test_noise(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(long_logins); i++) {
		const struct combination *c = &long_logins[i];
		struct pair p;
		size_t n = run_bent(&p, c, SIZE_MAX, 0, NULL);

		for (size_t at = 0; at < n; at++) {
			for (size_t len = 0; len < 300; len += 13) {
				(void)run_bent(&p, c, at, len, bend_noise);
				check_bent(&p, c, at);
				assert_false(p.peer_step == SERVER_LOGIN_DONE && at < 2);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, make_key, free_key);
}
