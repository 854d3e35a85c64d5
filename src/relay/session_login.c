/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Login of a client: carries packets between the client and auth's machine,
 * and answers its two questions: what is known of a user, and whether a server
 * takes a password.
 */
#include <readmux/base/clock.h>
#include <readmux/relay/compressed.h>
#include <readmux/relay/session_parts.h>

/* What readmux cannot do toward clients, whatever the primary offers. */
#define NOT_OFFERED (CLIENT_SSL | MARIADB_CLIENT_COM_MULTI)

/*
 * What it can do even when the primary does not offer it.  Compression is between
 * readmux and the client; zstd is left to the mirror because MariaDB's clients do not
 * expect it from a MariaDB server.
 */
#define ALWAYS_OFFERED (CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH | \
			CLIENT_COMPRESS)

/*
 * Capabilities that shape results or meaning, so that a server connection
 * must have exactly those of its client.  MARIADB_CLIENT_CACHE_METADATA is left
 * to metadata.h.
 */
#define SHAPING										\
	(CLIENT_LONG_PASSWORD | CLIENT_FOUND_ROWS | CLIENT_LONG_FLAG | CLIENT_NO_SCHEMA | \
	 CLIENT_ODBC | CLIENT_LOCAL_FILES | CLIENT_IGNORE_SPACE | CLIENT_INTERACTIVE |	\
	 CLIENT_TRANSACTIONS | CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS |		\
	 CLIENT_PS_MULTI_RESULTS | CLIENT_CAN_HANDLE_EXPIRED_PASSWORDS |		\
	 CLIENT_DEPRECATE_EOF | CLIENT_OPTIONAL_RESULTSET_METADATA |			\
	 CLIENT_QUERY_ATTRIBUTES | MARIADB_CLIENT_PROGRESS |				\
	 MARIADB_CLIENT_STMT_BULK_OPERATIONS | MARIADB_CLIENT_EXTENDED_METADATA |	\
	 MARIADB_CLIENT_BULK_UNIT_RESULTS)

#define CHANGES_REFUSED_MAX 3u	/* of one session; then it may not try again */

void session_login_drop(struct session *s)
{
	if (s->login == NULL)
		return;
	client_login_wipe(s->login);
	free(s->login);
	s->login = NULL;
}

static struct writer workshop(struct session *s)
{
	size_t room;
	uint8_t *memory = loop_workshop(s->env->loop, &room);

	return writer_over(memory, room);
}

void session_forget_before(struct session *s)
{
	account_drop(s->before.account);
	state_drop(s->before.state);
	s->before.account = NULL;
	s->before.state = NULL;
}

/* As MariaDB does: the session is its old user's again, without what it had set. */
static void go_on_as_before(struct session *s)
{
	s->before.refused++;
	account_drop(s->account);
	state_drop(s->state);
	s->account = account_take(s->before.account);
	s->state = state_take(s->before.state);
	session_forget_before(s);
	session_login_drop(s);
	if (s->conn != NULL)
		session_release_conn(s);
	session_set_phase(s, SESSION_READY);
	session_next(s);
}

/* Who tried, from where, and what they were told: the audit line of a failed login. */
static void say_refused(const struct session *s, uint16_t number)
{
	char peer[ADDRESS_TEXT_MAX];

	log_warn(&s->log, "login failed", LOG_TEXT("login", s->login->user),
		 LOG_TEXT("peer", session_name(s, peer, sizeof(peer))), LOG_UINT("error", number));
}

static void count_refused(struct session *s, enum login_result result)
{
	STAT_INC(s->env->stats, login_failures_total);
	STAT_INC(s->env->stats, logins[result]);
}

static enum login_result result_of(uint16_t number)
{
	if (number == rmx_error_info(RMX_ACCESS_DENIED)->number)
		return LOGIN_DENIED;
	return number == rmx_error_info(RMX_NO_LOGIN_SERVER)->number ? LOGIN_NO_SERVER :
								       LOGIN_REFUSED;
}

static void refuse(struct session *s, uint16_t number)
{
	say_refused(s, number);
	count_refused(s, result_of(number));
	s->farewell = s->before.account == NULL;
	if (s->before.account != NULL)
		go_on_as_before(s);
	else
		session_close_gently(s, "login refused");
}

static void refuse_without_server(struct session *s);

static void login_expired(struct timer *t)
{
	struct session *s = container_of(t, struct session, timer);
	char limit[32];

	if (s->st.waiting) {
		statement_stop_waiting(s);
		refuse_without_server(s);
		return;
	}
	(void)snprintf(limit, sizeof(limit), "%llu ms",
		       (unsigned long long)s->env->settings->login_timeout_ms);
	s->st.seq = (uint8_t)(s->login->seq - 1);
	if (s->phase != SESSION_TLS)
		session_send_error(s, RMX_LOGIN_TIMEOUT, limit);
	say_refused(s, rmx_error_info(RMX_LOGIN_TIMEOUT)->number);
	count_refused(s, LOGIN_TIMEOUT);
	if (s->phase == SESSION_TLS)
		session_close(s, "login took too long");
	else
		session_close_gently(s, "login took too long");
}

/* --- greeting --------------------------------------------------------------- */

/* The server whose greeting is mirrored: the primary, or any that was seen. */
static const struct backend_view *model_server(const struct topology *t)
{
	const struct backend_view *primary = topology_primary(t);

	if (primary != NULL && primary->facts.known)
		return primary;
	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].facts.known)
			return &t->backends[i];
	}
	return NULL;
}

/* Of the two that readmux plays itself; the model's own text may go with its topology. */
static const char *default_plugin(const struct backend_view *model)
{
	return model != NULL && strcmp(model->facts.plugin, "caching_sha2_password") == 0 ?
		"caching_sha2_password" : "mysql_native_password";
}

static uint64_t offer(const struct session *s, const struct server_facts *facts)
{
	uint64_t capabilities = (facts->capabilities & ~NOT_OFFERED) | ALWAYS_OFFERED;

	if (s->env->tls_server != NULL)
		capabilities |= CLIENT_SSL;
	return capabilities;
}

static void no_backend_yet(struct session *s)
{
	char states[400];

	topology_describe(s->env->topology, true, BACKEND_PRIMARY, states, sizeof(states));
	s->st.seq = UINT8_MAX;		/* the error takes the place of packet 0 */
	session_send_error(s, RMX_NO_BACKEND_YET, states);
}

bool session_greet(struct session *s)
{
	const struct backend_view *model = model_server(s->env->topology);
	struct writer w = workshop(s);
	struct client_login *login;

	if (model == NULL) {
		no_backend_yet(s);
		return false;
	}
	login = calloc(1, sizeof(*login));
	if (login == NULL)
		return false;
	s->login = login;
	login->offered = offer(s, &model->facts);
	login->tls_available = s->env->tls_server != NULL;
	login->local = s->peer.u.any.sa_family == AF_UNIX;
	login->tls_required = s->env->settings->tls == TLS_CLIENT_REQUIRED;
	login->rsa = s->env->rsa;
	login->default_plugin = default_plugin(model);
	if (!client_login_greet(login, span_of(model->facts.version_text), s->id,
				model->facts.collation, model->facts.status, &w))
		return false;
	stream_write(&s->stream, writer_span(&w));
	/* An SSLRequest is 32 bytes: read no further, what follows is for TLS. */
	s->stream.read_limit = login->tls_available ? PACKET_HEADER_LEN + 32 : 0;
	timer_set(&s->timer, s->env->loop, s->env->settings->login_timeout_ms * 1000,
		  login_expired);
	return true;
}

/* --- the end of a login ------------------------------------------------------ */

/* COM_CHANGE_USER leaves compression as it was. */
static bool start_compression(struct session *s, struct login_terms terms)
{
	return s->stream.filter != NULL ||
	       compressed_start(s->env, &s->stream, terms, COMPRESSION_AS_SERVER, &s->log);
}

/* The schema of the login is news, as servers see it. */
static void send_welcome(struct session *s)
{
	struct span schema = state_schema(s->state);
	uint8_t memory[520], inner[260];
	struct writer w = writer_over(memory, sizeof(memory));
	struct writer name = writer_over(inner, sizeof(inner));

	if (schema.len > 0) {
		writer_lenenc_bytes(&name, schema);
		writer_uint(&w, SESSION_TRACK_SCHEMA, 1);
		writer_lenenc_bytes(&w, writer_span(&name));
	}
	session_send_ok_with(s, w.bad || name.bad ||
				(s->capabilities & CLIENT_SESSION_TRACK) == 0 ?
				SPAN_NONE : writer_span(&w));
}

static void accept_login(struct session *s)
{
	struct client_login *login = s->login;
	struct login_terms terms = { login->capabilities, login->zstd_level };

	s->st.seq = (uint8_t)(login->seq - 1);
	s->capabilities = login->capabilities;
	memcpy(s->salt, login->salt, SALT_LEN);
	session_login_drop(s);
	session_login_consistency(s);
	session_count_user(s);
	session_forget_before(s);
	s->before.refused = 0;
	s->stream.read_limit = 0;
	session_set_phase(s, SESSION_READY);
	STAT_INC(s->env->stats, logins_total);
	STAT_INC(s->env->stats, logins[LOGIN_ACCEPTED]);
	send_welcome(s);
	if (start_compression(s, terms))
		session_next(s);
	else
		session_close(s, "out of memory");
}

static void refuse_by_server(struct session *s, const struct server_conn *conn)
{
	char host[ADDRESS_TEXT_MAX];

	s->st.seq = (uint8_t)(s->login->seq - 1);
	if (conn->error_number == 1045) {
		address_format_host(&s->peer, host, sizeof(host));
		credentials_failed(s->env->credentials, span_of(s->login->user), span_of(host),
				   loop_now_us(s->env->loop));
	}
	log_info(&s->log, "login refused by server", LOG_TEXT("login", s->login->user),
		 LOG_SPAN("backend", server_conn_backend_name(conn)),
		 LOG_UINT("error", conn->error_number), LOG_TEXT("text", conn->problem));
	session_send_server_error(s, conn->error_number, conn->error_sqlstate, conn->problem);
	refuse(s, conn->error_number);
}

static void refuse_own(struct session *s)
{
	struct client_login *login = s->login;
	char host[ADDRESS_TEXT_MAX];

	s->st.seq = (uint8_t)(login->seq - 1);
	address_format_host(&s->peer, host, sizeof(host));
	if (login->error == RMX_ACCESS_DENIED) {
		credentials_failed(s->env->credentials, span_of(login->user), span_of(host),
				   loop_now_us(s->env->loop));
		session_send_error(s, login->error, login->user, host,
				   login->password_given ? "YES" : "NO");
	} else if (login->error == RMX_NO_SAFE_PASSWORD) {
		session_send_error(s, login->error, login->user, login->error_detail);
	} else {
		session_send_error(s, login->error, login->error_detail);
	}
	refuse(s, rmx_error_info(login->error)->number);
}

/* --- asking a server --------------------------------------------------------- */

static const struct backend_view *server_to_ask(struct session *s)
{
	const struct topology *t = s->env->topology;
	const struct backend_view *primary = topology_primary(t);

	if (primary != NULL && primary->usable && primary->id != s->st.avoid)
		return primary;
	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].usable && t->backends[i].id != s->st.avoid)
			return &t->backends[i];
	}
	return primary != NULL && primary->usable ? primary : NULL;
}

static void refuse_without_server(struct session *s)
{
	char states[400];

	s->st.seq = (uint8_t)(s->login->seq - 1);
	topology_describe(s->env->topology, true, BACKEND_PRIMARY, states, sizeof(states));
	session_send_error(s, RMX_NO_LOGIN_SERVER, states);
	refuse(s, rmx_error_info(RMX_NO_LOGIN_SERVER)->number);
}

/* One may come back before login.timeout is over. */
static void nobody_to_ask(struct session *s)
{
	if (!session_join_waiting(s))
		refuse_without_server(s);
}

/* The server took the login (or had before): only the schema is left to try. */
static void login_conn_ready(struct session *s, struct server_conn *conn)
{
	struct writer w = workshop(s);

	conn->restore_failed = false;
	insert_id_save(conn, &s->insert_id, true);
	switch (restore_write(conn, s->state, &w)) {
	case RESTORE_NOTHING:
		if (state_schema(s->state).len == 0) {
			session_release_conn(s);
			accept_login(s);
			return;
		}
		restore_write_schema(conn, s->state, &w);	/* it may have been dropped since */
		/* fall through */
	case RESTORE_WRITTEN:
		stream_write(&conn->stream, writer_span(&w));
		return;		/* login_restored() follows */
	case RESTORE_IMPOSSIBLE:
		server_conn_lose(conn, "cannot be brought into the session's state");
		return;
	}
}

static void dial_for_login(struct session *s)
{
	const struct backend_view *view = server_to_ask(s);
	struct pool *pool = view != NULL ? pool_of(s->env->pools, view) : NULL;

	if (pool == NULL) {
		nobody_to_ask(s);
		return;
	}
	s->conn = server_conn_dial(s->env, pool, s->account, &session_login_owner, s);
	if (s->conn == NULL)
		nobody_to_ask(s);
}

void session_login_look_again(struct session *s)
{
	if (server_to_ask(s) == NULL)
		return;
	statement_stop_waiting(s);
	s->st.attempts = 0;
	dial_for_login(s);
}

static void login_dialled(void *owner, struct server_conn *conn)
{
	struct session *s = session_from(owner);

	pool_adopt(conn, &session_login_owner, s);
	conn->session = s->id;
	if (!credentials_put(s->env->credentials, s->account->user, CREDENTIAL_LEARNED,
			     &s->account->secret, loop_now_us(s->env->loop)))
		log_warn(&s->log, "out of memory; a password is not remembered");
	login_conn_ready(s, conn);
}

static void login_restored(void *owner, struct server_conn *conn, enum restore_outcome outcome)
{
	struct session *s = session_from(owner);

	if (s->phase != SESSION_PROVING)
		return;
	if (outcome == RESTORE_DONE) {
		if (conn->session_state != s->state)
			return;		/* only its set-up was answered; the schema follows */
		session_release_conn(s);
		accept_login(s);
		return;
	}
	if (conn->error_number == ER_MUST_CHANGE_PASSWORD) {
		session_keep_expired(s, conn);
		server_conn_give(conn, SERVER_CONN_LEASED, &session_conn_owner, s);
		accept_login(s);
		return;
	}
	refuse_by_server(s, conn);
}

void session_login_conn_gone(struct session *s, struct server_conn *conn)
{
	s->conn = NULL;
	if (conn->error_number != 0) {
		if (conn->error_number == 1045 && !conn->pool->replica)
			credentials_refused(s->env->credentials, s->account->user,
					    &s->account->secret);
		refuse_by_server(s, conn);
		return;
	}
	server_conn_give_evidence(conn);
	s->st.avoid = conn->pool->backend_id;
	if (++s->st.attempts > 4)
		nobody_to_ask(s);
	else
		dial_for_login(s);
}

static void login_gone(void *owner, struct server_conn *conn)
{
	session_login_conn_gone(session_from(owner), conn);
}

/* Another server may know the user as well. */
static void login_silent(void *owner, struct server_conn *conn)
{
	(void)owner;
	server_conn_lose(conn, "the server answers no probes");
}

const struct server_conn_owner_ops session_login_owner = {
	.silent = login_silent,
	.ready = login_dialled,
	.restored = login_restored,
	.gone = login_gone,
};

/* --- what the machine says ----------------------------------------------------- */

/* Account and state that the login asks for.  False: no memory. */
static bool set_identity(struct session *s)
{
	struct client_login *login = s->login;
	struct session_state *fresh = state_empty(s->env->states);

	account_drop(s->account);
	state_drop(s->state);
	s->account = account_get(s->env->accounts, span_of(login->user), &login->secret,
				 login->capabilities & SHAPING, login->collation);
	s->state = fresh != NULL ? state_with_schema(fresh, span_of(login->schema)) : NULL;
	state_drop(fresh);
	return s->account != NULL && s->state != NULL;
}

/* The secret is proven: with a schema a connection has to enter it, else nothing is left to do. */
static void proven(struct session *s)
{
	const struct backend_view *view;
	struct pool *pool;

	if (s->login->schema[0] == '\0') {
		accept_login(s);
		return;
	}
	view = server_to_ask(s);
	pool = view != NULL ? pool_of(s->env->pools, view) : NULL;
	s->ticket.wish = session_wish(s);
	s->conn = pool != NULL ? pool_take(pool, &s->ticket.wish, &session_login_owner, s) : NULL;
	if (s->conn != NULL)
		login_conn_ready(s, s->conn);
	else
		dial_for_login(s);
}

static bool blocked(struct session *s)
{
	char host[ADDRESS_TEXT_MAX], wait[32];
	uint64_t left;

	address_format_host(&s->peer, host, sizeof(host));
	left = credentials_blocked(s->env->credentials, span_of(s->login->user), span_of(host),
				   loop_now_us(s->env->loop));
	if (left == 0)
		return false;
	s->st.seq = (uint8_t)(s->login->seq - 1);
	(void)snprintf(wait, sizeof(wait), "%llu s", (unsigned long long)(left / 1000000 + 1));
	session_send_error(s, RMX_TOO_MANY_FAILURES, s->login->user, host, wait);
	refuse(s, rmx_error_info(RMX_TOO_MANY_FAILURES)->number);
	return true;
}

static enum client_login_step look_up(struct session *s, struct writer *w)
{
	struct client_login *login = s->login;
	struct secret secret;
	enum credential_source source;
	enum client_login_step step;

	source = credentials_find(s->env->credentials, span_of(login->user),
				  loop_now_us(s->env->loop), &secret);
	login->known_is_final = source == CREDENTIAL_CONFIGURED;
	step = client_login_known(login, source != CREDENTIAL_NONE ? &secret : NULL, w);
	secret_wipe(&secret);
	return step;
}

static void follow(struct session *s, enum client_login_step step, struct writer *w)
{
	if (step == CLIENT_LOGIN_LOOK_UP) {
		if (blocked(s))
			return;
		step = look_up(s, w);
	}
	if (w->len > 0)
		stream_write(&s->stream, writer_span(w));
	switch (step) {
	case CLIENT_LOGIN_READ_MORE:
	case CLIENT_LOGIN_LOOK_UP:
		return;
	case CLIENT_LOGIN_START_TLS:
		session_set_phase(s, SESSION_TLS);
		s->stream.read_limit = 0;
		if (s->env->tls_server == NULL || !tls_accept(&s->stream, s->env->tls_server))
			session_close(s, "out of memory");
		return;
	case CLIENT_LOGIN_REFUSED:
		refuse_own(s);
		return;
	case CLIENT_LOGIN_PROVEN:
	case CLIENT_LOGIN_TRY:
		break;
	}
	session_set_phase(s, SESSION_PROVING);
	s->st = (struct statement){ 0 };
	if (!set_identity(s))
		session_close(s, "out of memory");
	else if (step == CLIENT_LOGIN_PROVEN)
		proven(s);
	else
		dial_for_login(s);
}

void session_login_packet(struct session *s, struct frame frame, struct span payload)
{
	struct writer w = workshop(s);

	follow(s, client_login_feed(s->login, frame, payload, &w), &w);
}

void session_login_tls_up(struct session *s)
{
	session_set_phase(s, SESSION_LOGIN);
	client_login_tls_started(s->login);
}

/* --- COM_CHANGE_USER ------------------------------------------------------------ */

/*
 * MySQL closes a session whose change of user was refused; MariaDB lets it go on, up to three
 * times (sql_parse.cc, COM_CHANGE_USER).  False: no memory.
 */
static bool remember_before(struct session *s)
{
	const struct backend_view *model = model_server(s->env->topology);

	if (model == NULL || !model->facts.mariadb)
		return true;
	s->before.state = state_of_login(s->state);
	if (s->before.state == NULL)
		return false;
	s->before.account = account_take(s->account);
	return true;
}

/* All that goes with the old user, whether or not the new one is let in. */
static void leave_old_user(struct session *s)
{
	session_drop_conn(s);
	session_forget_loss(s);
	session_close_prepared(s);
	s->pins = 0;
	session_drop_ties(s);
	session_drop_trackers(s);
	s->own_consistency = SQL_CONSISTENCY_UNSET;
	insert_id_reset(&s->insert_id);
	session_forget_values(s);
	s->status = SERVER_STATUS_AUTOCOMMIT;
}

void session_login_change_user(struct session *s, struct span payload, uint8_t seq)
{
	struct writer w = workshop(s);
	struct client_login *login = calloc(1, sizeof(*login));

	if (login == NULL || !remember_before(s)) {
		free(login);
		session_close(s, "out of memory");
		return;
	}
	leave_old_user(s);
	memcpy(login->salt, s->salt, SALT_LEN);
	login->capabilities = login->offered = s->capabilities;
	login->tls = s->stream.transport_state != NULL;
	login->tls_available = s->env->tls_server != NULL;
	login->local = s->peer.u.any.sa_family == AF_UNIX;
	login->rsa = s->env->rsa;
	login->default_plugin = default_plugin(model_server(s->env->topology));
	s->login = login;
	session_set_phase(s, SESSION_LOGIN);
	timer_set(&s->timer, s->env->loop, s->env->settings->login_timeout_ms * 1000,
		  login_expired);
	if (s->before.refused < CHANGES_REFUSED_MAX) {
		follow(s, client_login_change_user(login, payload, seq, &w), &w);
		return;
	}
	session_send_error(s, RMX_UNKNOWN_COMMAND);
	refuse(s, rmx_error_info(RMX_UNKNOWN_COMMAND)->number);
}
