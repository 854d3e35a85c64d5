/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server's greeting, read by hand; see probe_greeting.h. */
#include <readmux/control/probe_greeting.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/greeting.h>
#include <readmux/wire/reply.h>

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

#define GREETING_ROOM 1024u

static int connect_by_hand(const struct address *address, uint64_t timeout_ms)
{
	struct timeval limit = {
		.tv_sec = (time_t)(timeout_ms / 1000),
		.tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000),
	};
	int fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* SO_SNDTIMEO bounds connect() as well (socket(7)) */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, &address->u.any, address->len) != 0) {
		int why = errno;

		(void)close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

/* The first packet into <payload>; or what went wrong, in words. */
static const char *receive_greeting(int fd, uint8_t *room, struct span *payload)
{
	struct frame frame;
	size_t len = 0;

	while (!frame_cut((struct span){ room, len }, &frame, payload)) {
		ssize_t n;

		if (len >= PACKET_HEADER_LEN &&
		    frame_at(room).len > GREETING_ROOM - PACKET_HEADER_LEN)
			return "this is no MySQL server";
		n = recv(fd, room + len, GREETING_ROOM - len, 0);
		if (n == 0)
			return "it hung up without a greeting";
		if (n < 0)
			return "no greeting in time";
		len += (size_t)n;
	}
	return NULL;
}

static void facts_of_greeting(struct server_facts *facts, const struct greeting *g)
{
	facts->capabilities = g->capabilities;
	facts->collation = g->collation;
	facts->status = g->status;
	(void)span_copy(g->version, facts->version_text, sizeof(facts->version_text));
	(void)span_copy(g->plugin, facts->plugin, sizeof(facts->plugin));
	facts->mariadb = strstr(facts->version_text, "MariaDB") != NULL ||
			 (g->capabilities & CLIENT_LONG_PASSWORD) == 0;
}

/* --- failures -------------------------------------------------------------------- */

/* The server lives, but not for this account or host: waiting will not help. */
static bool is_misconfigured(unsigned number)
{
	static const uint16_t numbers[] = {
		1044,	/* ER_DBACCESS_DENIED_ERROR */
		1045,	/* ER_ACCESS_DENIED_ERROR */
		1129,	/* ER_HOST_IS_BLOCKED */
		1130,	/* ER_HOST_NOT_PRIVILEGED */
		1142,	/* ER_TABLEACCESS_DENIED_ERROR */
		1227,	/* ER_SPECIFIC_ACCESS_DENIED_ERROR */
		1251,	/* ER_NOT_SUPPORTED_AUTH_MODE */
		1698,	/* ER_ACCESS_DENIED_NO_PASSWORD_ERROR */
		1820,	/* ER_MUST_CHANGE_PASSWORD */
		1862,	/* ER_MUST_CHANGE_PASSWORD_LOGIN */
		2059,	/* CR_AUTH_PLUGIN_CANNOT_LOAD */
		2061,	/* CR_AUTH_PLUGIN_ERR */
		3118,	/* ER_ACCOUNT_HAS_BEEN_LOCKED, MySQL */
		3159,	/* ER_SECURE_TRANSPORT_REQUIRED */
		4151,	/* ER_ACCOUNT_HAS_BEEN_LOCKED, MariaDB */
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (numbers[i] == number)
			return true;
	}
	return false;
}

enum evidence probe_evidence_of(unsigned number)
{
	return is_misconfigured(number) ? EVIDENCE_MISCONFIGURED : EVIDENCE_PROBE_FAILED;
}

static void not_connected(struct probe_failure *failure, int why)
{
	bool slow = why == EAGAIN || why == EINPROGRESS;

	/* nobody listens: that is certain, where silence may be one lost packet */
	failure->evidence = why == ECONNREFUSED || why == ENOENT ? EVIDENCE_CONNECT_FAILED :
			    EVIDENCE_PROBE_FAILED;
	(void)snprintf(failure->words, sizeof(failure->words), "probe: %s",
		       slow ? "connecting took too long" : strerror(why));
}

static void not_greeted(struct probe_failure *failure, struct span payload)
{
	struct err_packet err;

	failure->evidence = EVIDENCE_PROBE_FAILED;
	if (!err_packet_parse(payload, &err)) {
		(void)snprintf(failure->words, sizeof(failure->words),
			       "probe: this is no MySQL server");
		return;
	}
	failure->evidence = probe_evidence_of(err.number);
	(void)snprintf(failure->words, sizeof(failure->words), "probe refused: %.*s (%u)",
		       (int)size_min(err.text.len, 110), (const char *)err.text.data,
		       err.number);
}

/* --- identity -------------------------------------------------------------------- */

/* The socket's limits of time hold for the handshake, too. */
static const char *identify(int fd, const struct greeting *g, struct probe_identity *identity,
			    char *words, size_t room)
{
	struct handshake_response request = {
		.capabilities = CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_SSL,
		.max_packet = 1u << 24,
		.collation = g->collation,
		.ssl_request = true,
	};
	uint8_t memory[64];
	struct writer w = writer_over(memory, sizeof(memory));
	struct tls_context *context;
	bool ok;

	if ((g->capabilities & CLIENT_SSL) == 0)
		return "the server offers no TLS, so backends.tls_verify_name refuses it";
	writer_begin(&w, 1);
	handshake_response_write(&w, &request);
	if (!writer_end(&w) || send(fd, w.base, w.len, MSG_NOSIGNAL) != (ssize_t)w.len)
		return "it hung up at the start of TLS";
	context = tls_context_client(identity->ca, true, NULL, NULL, words, room);
	if (context == NULL)
		return words;
	ok = tls_fingerprint(fd, context, identity->host, identity->fingerprint, words, room);
	tls_context_drop(context);
	return ok ? NULL : words;
}

static bool failed(struct probe_failure *failure, const char *problem)
{
	failure->evidence = EVIDENCE_PROBE_FAILED;
	(void)snprintf(failure->words, sizeof(failure->words), "probe: %s", problem);
	return false;
}

bool probe_greeting(const struct address *address, uint64_t timeout_ms,
		    struct probe_identity *identity, struct server_facts *facts,
		    struct probe_failure *failure)
{
	char words[PROBE_WORDS_MAX - sizeof("probe: ")];
	uint8_t memory[GREETING_ROOM];
	struct span payload = SPAN_NONE;
	struct greeting g;
	int fd = connect_by_hand(address, timeout_ms);
	const char *problem;
	bool understood;

	if (fd < 0) {
		not_connected(failure, errno);
		return false;
	}
	problem = receive_greeting(fd, memory, &payload);
	understood = problem == NULL && greeting_parse(payload, &g);
	if (understood && identity != NULL)
		problem = identify(fd, &g, identity, words, sizeof(words));
	(void)close(fd);
	if (problem != NULL)
		return failed(failure, problem);
	if (understood)
		facts_of_greeting(facts, &g);
	else
		not_greeted(failure, payload);
	return understood;
}
