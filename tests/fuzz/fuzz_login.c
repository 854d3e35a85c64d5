/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both login machines, fed by a peer that says anything.
 *
 * The first byte picks the machine and its setting.  Then come packets: a byte
 * that says what the packet is, and for raw ones a length and the bytes.  Packets
 * that depend on the salt are made here, since no fuzzer finds a right scramble.
 */
#include <readmux/auth/client_login.h>
#include <readmux/auth/server_login.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CAPABILITIES							\
	(CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH | \
	 CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA | CLIENT_CONNECT_WITH_DB |	\
	 CLIENT_CONNECT_ATTRS | CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK)

/* Setting: bits of the first byte. */
#define TOWARD_SERVER 0x01u
#define WITH_TLS      0x02u
#define LOCAL         0x04u
#define SHA2_DEFAULT  0x08u
#define KNOWN         0x30u	/* nothing, password, stage 1, stage 2 */
#define CHANGE_USER   0x40u	/* toward a server: TLS is required */
#define FINAL         0x80u	/* toward a server: a schema is wanted */

enum kind { RAW, NATIVE_ANSWER, SHA2_ANSWER, CLEAR_ANSWER, PUBLIC_KEY, KINDS };
#define BAD_SEQ 0x80u

static const char password[] = "a right password";
static struct rsa_key *rsa;

struct input {
	const uint8_t *cur, *end;
};

struct packet {
	struct frame frame;
	uint8_t     *bytes;	/* a block of exactly its size */
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t next_byte(struct input *in)
{
	return in->cur < in->end ? *in->cur++ : 0;
}

static struct secret secret_by(unsigned which)
{
	struct secret whole, s = { 0 };

	check(secret_from_password(&whole, span_of(password)));
	if (which == 1)
		return whole;
	if (which == 2)
		secret_from_stage1(&s, whole.stage1);
	if (which == 3)
		secret_from_stage2(&s, whole.stage2);
	return s;
}

static size_t make_answer(enum kind kind, const uint8_t *salt, uint8_t *out)
{
	struct span pem = rsa_key_public_pem(rsa);
	struct secret s = secret_by(1);

	switch (kind) {
	case NATIVE_ANSWER:
		native_scramble(salt, s.stage1, out);
		return NATIVE_HASH_LEN;
	case SHA2_ANSWER:
		sha2_scramble(salt, span_of(password), out);
		return SHA2_HASH_LEN;
	case CLEAR_ANSWER:
		memcpy(out, password, sizeof(password));
		return sizeof(password);
	case PUBLIC_KEY:
		out[0] = PACKET_MORE_DATA;
		memcpy(out + 1, pem.data, pem.len);
		return pem.len + 1;
	case RAW:
	case KINDS:
		break;
	}
	return 0;
}

/* False: the input is used up. */
static bool next_packet(struct input *in, const uint8_t *salt, uint8_t seq,
			struct packet *packet)
{
	uint8_t made[1024], what;
	const uint8_t *from = made;
	size_t len;

	if (in->cur == in->end)
		return false;
	what = next_byte(in);
	if (what % 16 == RAW || what % 16 >= KINDS) {
		len = (size_t)next_byte(in) * (what % 16 == KINDS ? 16 : 1);
		len = size_min(len, (size_t)(in->end - in->cur));
		from = in->cur;
		in->cur += len;
	} else {
		len = make_answer((enum kind)(what % 16), salt, made);
	}
	packet->bytes = malloc(len);
	if (len > 0)
		memcpy(packet->bytes, from, len);
	packet->frame.len = (uint32_t)len;
	packet->frame.seq = (uint8_t)(seq + ((what & BAD_SEQ) != 0));
	return true;
}

/* What a machine wrote are whole packets, numbered one after the other. */
static void check_written(const struct writer *w, uint8_t next_seq)
{
	struct span left = writer_span(w), payload;
	struct frame frame = { 0, (uint8_t)(next_seq - 1) };

	while (left.len > 0) {
		check(frame_cut(left, &frame, &payload));
		left = span_from(left, PACKET_HEADER_LEN + payload.len);
	}
	check((uint8_t)(frame.seq + 1) == next_seq);
}

/* --- toward clients --------------------------------------------------------- */

static void check_client_end(const struct client_login *login, enum client_login_step step,
			     const struct secret *known)
{
	if (step == CLIENT_LOGIN_PROVEN)
		check(secret_usable(&login->secret) && secret_equal(&login->secret, known));
	if (step == CLIENT_LOGIN_TRY)
		check(login->secret.has_password);
	if (step == CLIENT_LOGIN_REFUSED)
		check(login->error != RMX_OK && login->error < RMX_ERROR_COUNT);
	check(memchr(login->user, 0, sizeof(login->user)) != NULL);
	check(memchr(login->schema, 0, sizeof(login->schema)) != NULL);
	check(memchr(login->plugin, 0, sizeof(login->plugin)) != NULL);
}

static enum client_login_step client_step(struct client_login *login, struct input *in,
					  const struct secret *known, struct writer *w)
{
	enum client_login_step step;
	struct packet p;

	if (!next_packet(in, login->salt, login->seq, &p))
		return CLIENT_LOGIN_REFUSED;
	w->len = 0;
	step = client_login_feed(login, p.frame, (struct span){ p.bytes, p.frame.len }, w);
	free(p.bytes);
	if (step == CLIENT_LOGIN_LOOK_UP)
		step = client_login_known(login, known->has_stage2 ? known : NULL, w);
	if (step == CLIENT_LOGIN_START_TLS) {
		client_login_tls_started(login);
		return CLIENT_LOGIN_READ_MORE;
	}
	if (w->len > 0)
		check_written(w, login->seq);
	check(step != CLIENT_LOGIN_LOOK_UP);
	if (step != CLIENT_LOGIN_READ_MORE)
		check_client_end(login, step, known);
	return step;
}

static enum client_login_step client_begin(struct client_login *login, struct input *in,
					   const struct secret *known, uint8_t setting,
					   struct writer *w)
{
	enum client_login_step step = CLIENT_LOGIN_READ_MORE;
	struct packet p;

	check(client_login_greet(login, span_of("8.0"), 1, 45, 2, w));
	check_written(w, 1);
	if ((setting & CHANGE_USER) == 0 || !next_packet(in, login->salt, 0, &p))
		return step;
	login->capabilities = CAPABILITIES & ~((uint64_t)next_byte(in) << 16);
	w->len = 0;
	step = client_login_change_user(login, (struct span){ p.bytes, p.frame.len }, 0, w);
	free(p.bytes);
	if (step == CLIENT_LOGIN_LOOK_UP)
		step = client_login_known(login, known->has_stage2 ? known : NULL, w);
	if (step != CLIENT_LOGIN_READ_MORE)
		check_client_end(login, step, known);
	return step;
}

static void fuzz_client(struct input *in, uint8_t setting)
{
	struct secret known = secret_by((setting & KNOWN) >> 4);
	uint8_t bytes[2048];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct client_login login = {
		.offered = CAPABILITIES,
		.tls_available = (setting & WITH_TLS) != 0,
		.local = (setting & LOCAL) != 0,
		.rsa = rsa,
		.default_plugin = (setting & SHA2_DEFAULT) != 0 ?
				  "caching_sha2_password" : NULL,
		.known_is_final = (setting & FINAL) != 0,
	};
	enum client_login_step step = client_begin(&login, in, &known, setting, &w);
	unsigned packets = 0;

	while (step == CLIENT_LOGIN_READ_MORE) {
		step = client_step(&login, in, &known, &w);
		check(++packets < 10);		/* it comes to an end */
	}
	client_login_wipe(&login);
}

/* --- toward servers --------------------------------------------------------- */

static void check_server(const struct server_login *login, enum server_login_step step,
			 const struct writer *w)
{
	struct span said = writer_span(w);

	if (!login->tls && !login->local && said.len > 0)
		check(memmem(said.data, said.len, password, sizeof(password) - 1) == NULL);
	if (w->len > 0)
		check_written(w, login->seq);
	if (step == SERVER_LOGIN_FAILED)
		check(login->text[0] != '\0' &&
		      (login->number == 0 || login->number == 1251));
	if (step == SERVER_LOGIN_REFUSED)
		check(strlen(login->sqlstate) == SQLSTATE_LEN);
}

static enum server_login_step server_step(struct server_login *login, struct input *in,
					  struct writer *w)
{
	enum server_login_step step;
	struct packet p;

	if (!next_packet(in, login->salt, login->seq, &p))
		return SERVER_LOGIN_FAILED;
	w->len = 0;
	step = server_login_feed(login, p.frame, (struct span){ p.bytes, p.frame.len }, w);
	free(p.bytes);
	check_server(login, step, w);
	if (step != SERVER_LOGIN_START_TLS)
		return step;
	w->len = 0;
	step = server_login_tls_started(login, w);
	check_server(login, step, w);
	return step;
}

static void fuzz_server(struct input *in, uint8_t setting)
{
	struct secret secret = secret_by((setting & KNOWN) >> 4);
	uint8_t bytes[2048];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct server_login login = {
		.user = SPAN_LITERAL("app"),
		.schema = (setting & FINAL) != 0 ? SPAN_LITERAL("shop") : SPAN_NONE,
		.secret = &secret,
		.wanted = CAPABILITIES,
		.max_packet = 1u << 24,
		.tls_mode = (setting & WITH_TLS) == 0 ? SERVER_LOGIN_TLS_OFF :
			    (setting & CHANGE_USER) != 0 ? SERVER_LOGIN_TLS_REQUIRED :
							   SERVER_LOGIN_TLS_PREFERRED,
		.local = (setting & LOCAL) != 0,
	};
	enum server_login_step step = SERVER_LOGIN_READ_MORE;
	unsigned packets = 0;

	while (step == SERVER_LOGIN_READ_MORE) {
		step = server_step(&login, in, &w);
		check(++packets < 40);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, data + len };
	uint8_t setting = next_byte(&in);

	if (rsa == NULL)
		rsa = rsa_key_make();
	check(rsa != NULL);
	if ((setting & TOWARD_SERVER) != 0)
		fuzz_server(&in, setting);
	else
		fuzz_client(&in, setting);
	return 0;
}
