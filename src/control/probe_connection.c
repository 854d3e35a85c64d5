/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A probe's connection through libmysqlclient; see probe.h.
 *
 * The library's timeouts are whole seconds, and some versions try a read
 * three times.  So an answer is waited for with poll() and a deadline of our
 * own, and the library reads only what is there; its timeouts are the net below.
 */
#include "probe.h"

#include <readmux/base/clock.h>

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

static void library_start(void)
{
	(void)mysql_library_init(0, NULL, NULL);
}

void probe_library_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, library_start);
}

void probe_thread_start(void)
{
	(void)mysql_thread_init();
}

void probe_thread_end(void)
{
	mysql_thread_end();
}

/* --- failures -------------------------------------------------------------------- */

void probe_fail(struct probe *p, const char *words)
{
	p->failure.evidence = EVIDENCE_PROBE_FAILED;
	(void)snprintf(p->failure.words, sizeof(p->failure.words), "probe: %s", words);
}

static void blame_library(struct probe *p)
{
	unsigned number = mysql_errno(p->mysql);
	bool lives;

	p->broken = number >= CLIENT_ERROR_FIRST && number <= CLIENT_ERROR_LAST;
	p->failure.evidence = probe_evidence_of(number);
	lives = p->failure.evidence == EVIDENCE_MISCONFIGURED;
	(void)snprintf(p->failure.words, sizeof(p->failure.words), "probe%s: %.110s (%u)",
		       lives ? " refused, but it lives" : "", mysql_error(p->mysql),
		       number);
}

/* --- connecting ------------------------------------------------------------------ */

#ifdef MARIADB_BASE_VERSION

static my_socket socket_of(MYSQL *mysql)
{
	return mysql_get_socket(mysql);
}

static void set_tls(struct probe *p, bool wanted, bool required)
{
	static const my_bool on = 1, off = 0;

	/*
	 * With a CA the chain is checked.  The library cannot check a name, as it is given
	 * an address; but it can insist on the certificate whose name was right.
	 */
	(void)mysql_options(p->mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &off);
	if (p->fingerprint[0] != '\0')
		(void)mysql_options(p->mysql, MARIADB_OPT_TLS_PEER_FP, p->fingerprint);
	/* what is enforced refuses a server without TLS */
	if (wanted && (required || (p->facts.capabilities & CLIENT_SSL) != 0))
		(void)mysql_options(p->mysql, MYSQL_OPT_SSL_ENFORCE, &on);
}

#else

static my_socket socket_of(MYSQL *mysql)
{
	return mysql->net.fd;
}

static void set_tls(struct probe *p, bool wanted, bool required)
{
	static const bool ask_for_key = true;
	unsigned mode = SSL_MODE_DISABLED;

	if (wanted && p->settings->backend_tls_ca[0] != '\0')
		mode = SSL_MODE_VERIFY_CA;
	else if (wanted)
		mode = required ? SSL_MODE_REQUIRED : SSL_MODE_PREFERRED;
	(void)mysql_options(p->mysql, MYSQL_OPT_SSL_MODE, &mode);
	(void)mysql_options(p->mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &ask_for_key);
}

#endif

static bool is_local(const struct probe *p)
{
	return p->address.u.any.sa_family == AF_UNIX;
}

static void set_options(struct probe *p)
{
	const struct settings *s = p->settings;
	unsigned limit = (unsigned)((s->probe_timeout_ms + 999) / 1000);
	bool wanted = s->backend_tls != TLS_SERVER_OFF && !is_local(p);

	(void)mysql_options(p->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &limit);
	(void)mysql_options(p->mysql, MYSQL_OPT_READ_TIMEOUT, &limit);
	(void)mysql_options(p->mysql, MYSQL_OPT_WRITE_TIMEOUT, &limit);
	if (wanted && s->backend_tls_ca[0] != '\0')
		(void)mysql_options(p->mysql, MYSQL_OPT_SSL_CA, s->backend_tls_ca);
	set_tls(p, wanted, s->backend_tls == TLS_SERVER_REQUIRED);
}

static bool log_in(struct probe *p)
{
	char host[ADDRESS_TEXT_MAX] = "localhost";
	const char *local = is_local(p) ? p->address.u.local.sun_path : NULL;

	if (local == NULL)
		address_format_host(&p->address, host, sizeof(host));
	return mysql_real_connect(p->mysql, host, p->settings->probe_user,
				  p->settings->probe_password, NULL,
				  address_port(&p->address), local, 0) != NULL;
}

static bool verifies_name(const struct probe *p)
{
	return p->settings->backend_tls != TLS_SERVER_OFF && !is_local(p) &&
	       p->settings->backend_tls_verify_name && p->settings->backend_tls_ca[0] != '\0';
}

/*
 * The greeting is read on a connection of its own, which the server counts
 * as aborted.  A login takes that back; so there is one greeting per login, and
 * a login that is refused again and again does not get this host blocked.
 */
static bool greet(struct probe *p)
{
	const struct settings *s = p->settings;
	struct probe_identity identity = { .ca = s->backend_tls_ca, .host = p->host };

	if (p->greeted)
		return true;
	p->fingerprint[0] = '\0';
	p->greeted = probe_greeting(&p->address, s->probe_timeout_ms,
				    verifies_name(p) ? &identity : NULL, &p->facts,
				    &p->failure);
	if (p->greeted && verifies_name(p))
		memcpy(p->fingerprint, identity.fingerprint, sizeof(p->fingerprint));
	return p->greeted;
}

bool probe_connect(struct probe *p)
{
	if (!greet(p))
		return false;
	p->mysql = mysql_init(NULL);
	if (p->mysql == NULL) {
		probe_fail(p, "out of memory");
		return false;
	}
	set_options(p);
	p->broken = p->late = false;
	if (log_in(p))
		return true;
	blame_library(p);
	/* what cannot be reached may be another server when it is back */
	p->greeted = p->failure.evidence == EVIDENCE_MISCONFIGURED;
	mysql_close(p->mysql);
	p->mysql = NULL;
	return false;
}

void probe_disconnect(struct probe *p)
{
	if (p->mysql == NULL)
		return;
	mysql_close(p->mysql);
	p->mysql = NULL;
	p->greeted = false;
}

/* --- questions ------------------------------------------------------------------ */

static bool answer_in_time(struct probe *p)
{
	struct pollfd at = { .fd = socket_of(p->mysql), .events = POLLIN };
	uint64_t now = clock_now_us();
	uint64_t left_us = p->deadline_us > now ? p->deadline_us - now : 0;

	if (poll(&at, 1, (int)((left_us + 999) / 1000)) > 0)
		return true;
	probe_fail(p, "no answer in time");
	p->broken = p->late = true;
	(void)shutdown(at.fd, SHUT_RDWR);	/* so that goodbye does not wait either */
	return false;
}

MYSQL_RES *probe_ask(struct probe *p, const char *sql)
{
	MYSQL_RES *res = NULL;

	if (mysql_send_query(p->mysql, sql, (unsigned long)strlen(sql)) == 0) {
		if (!answer_in_time(p))
			return NULL;
		if (mysql_read_query_result(p->mysql) == 0)
			res = mysql_store_result(p->mysql);
	}
	if (res == NULL)
		blame_library(p);
	return res;
}
