/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a server connection: dial, TLS, login, and the pipeline of
 * requests and responses (server_conn.h).
 */
#include <readmux/base/hash.h>
#include <readmux/base/log.h>
#include <readmux/relay/compressed.h>
#include <readmux/relay/insert_id.h>
#include <readmux/relay/pool.h>
#include <readmux/relay/restore.h>
#include <readmux/relay/server_conn.h>

/* Capabilities that readmux always wants on a server connection. */
#define CAPABILITIES_ALWAYS							\
	(CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH |	\
	 CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA | CLIENT_TRANSACTIONS |		\
	 CLIENT_SESSION_TRACK | CLIENT_CONNECT_ATTRS | CLIENT_SSL)

static const struct {
	const char *name;
	unsigned    next;
} states[] = {
#define TO(state) (1u << SERVER_CONN_##state)
#define X(state, name, next) [SERVER_CONN_##state] = { name, next },
	SERVER_CONN_STATES(X)
#undef X
#undef TO
};

static struct server_conn *conn_from(void *arg)
{
	struct server_conn *conn = arg;

	assert(conn != NULL && conn->tag == SERVER_CONN_TAG);
	return conn;
}

/* The one gate through which a connection changes state. */
static void set_state(struct server_conn *conn, enum server_conn_state to)
{
	assert((states[conn->state].next >> to & 1u) != 0);
	conn->state = (uint8_t)to;
}

void server_conn_give(struct server_conn *conn, enum server_conn_state state,
		      const struct server_conn_owner_ops *ops, void *owner)
{
	if (conn->state != state)
		set_state(conn, state);
	conn->owner_ops = ops;
	conn->owner = owner;
}

struct span server_conn_backend_name(const struct server_conn *conn)
{
	return span_of(conn->pool->name);
}

void server_conn_set_session_state(struct server_conn *conn, struct session_state *state)
{
	state_drop(conn->session_state);
	conn->session_state = state;
}

void server_conn_forget_user(struct server_conn *conn)
{
	if (conn->backlink != NULL)
		*conn->backlink = NULL;
	conn->backlink = NULL;
	conn->precious = 0;
	conn->diagnostics = NULL;
}

/* --- the end ------------------------------------------------------------ */

static void reap(struct deferred *d)
{
	struct server_conn *conn = container_of(d, struct server_conn, reaper);

	conn->tag = 0;
	slab_give(&conn->env->conns, conn);
}

static void drop_login(struct server_conn *conn)
{
	if (conn->login != NULL)
		explicit_bzero(conn->login, sizeof(*conn->login));
	free(conn->login);
	conn->login = NULL;
}

static void tell_requests_lost(struct server_conn *conn)
{
	struct request *r;

	while ((r = STAILQ_FIRST(&conn->requests)) != NULL) {
		STAILQ_REMOVE_HEAD(&conn->requests, next);
		conn->in_flight--;
		r->ops->lost(r->arg, conn);
		slab_give(&conn->env->requests, r);
	}
}

/* Detach from the world; memory goes at the end of the turn. */
static bool detach(struct server_conn *conn)
{
	if (conn->state == SERVER_CONN_CLOSED)
		return false;
	pool_leave(conn);
	set_state(conn, SERVER_CONN_CLOSED);
	stream_close(&conn->stream);
	timer_clear(&conn->timer);
	server_conn_forget_user(conn);
	insert_doubt_conn_closed(conn);
	STAT_DEC(conn->env->stats, server_connections);
	return true;
}

static void release_all(struct server_conn *conn)
{
	drop_login(conn);
	pool_forget(conn);
	buffer_free(&conn->held);
	server_stmts_clear(&conn->stmts);
	query_drop(conn->preparing);
	conn->preparing = NULL;
	state_drop(conn->session_state);
	state_drop(conn->restore_to);
	conn->session_state = conn->restore_to = NULL;
	account_drop(conn->account);
	conn->account = NULL;
	loop_defer(conn->env->loop, &conn->reaper, reap);
}

void server_conn_close(struct server_conn *conn)
{
	if (!detach(conn))
		return;
	tell_requests_lost(conn);
	release_all(conn);
}

void server_conn_lose(struct server_conn *conn, const char *words)
{
	const struct server_conn_owner_ops *ops = conn->owner_ops;
	void *owner = conn->owner;

	if (conn->problem[0] == '\0')
		(void)snprintf(conn->problem, sizeof(conn->problem), "%s", words);
	if (!detach(conn))
		return;
	if (conn->link_broke)
		pool_link_broke(conn->pool);
	tell_requests_lost(conn);
	if (ops != NULL)
		ops->gone(owner, conn);
	release_all(conn);
}

void server_conn_give_evidence(const struct server_conn *conn)
{
	struct relay_env *env = conn->env;

	if (conn->link_broke && !conn->farewell)
		env->host_ops->evidence(env->host, conn->pool->backend_id,
					conn->unreachable ? EVIDENCE_CONNECT_FAILED :
							    EVIDENCE_LINK_BROKE,
					conn->problem);
}

static void lose_on_timer(struct timer *t)
{
	struct server_conn *conn = container_of(t, struct server_conn, timer);

	conn->link_broke = true;
	server_conn_lose(conn, "login at the server took too long");
}

/* --- responses ---------------------------------------------------------- */

/* <sent>: the command of the request at the head is the last that was sent. */
static void expect_head(struct server_conn *conn, bool sent)
{
	struct request *r = STAILQ_FIRST(&conn->requests);

	if (r == NULL)
		return;
	compressed_expect(&conn->stream, sent);
	result_expect(&conn->result, r->command, conn->capabilities);
	conn->note = (struct server_note){ 0 };
	conn->position[0] = '\0';
}

bool server_conn_request(struct server_conn *conn, uint8_t command,
			 const struct sink_ops *ops, void *arg)
{
	struct request *r = slab_take(&conn->env->requests);

	if (r == NULL) {
		server_conn_lose(conn, "out of memory");
		return false;
	}
	*r = (struct request){
		.ops = ops,
		.arg = arg,
		.command = command,
		.sent_us = loop_now_us(conn->env->loop),
	};
	STAILQ_INSERT_TAIL(&conn->requests, r, next);
	if (conn->in_flight++ == 0)
		expect_head(conn, false);
	return true;
}

void server_conn_ping(struct server_conn *conn, const struct sink_ops *ops, void *arg)
{
	static const uint8_t ping[] = { 1, 0, 0, 0, COM_PING };

	if (server_conn_request(conn, COM_PING, ops, arg))
		stream_write(&conn->stream, (struct span){ ping, sizeof(ping) });
}

void server_conn_drop_bytes(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	(void)arg;
	(void)conn;
	(void)bytes;
	(void)row;
}

void server_conn_drop_packet(void *arg, struct server_conn *conn, const struct result_step *step,
			struct span raw, const struct ok_packet *ok)
{
	(void)arg;
	(void)conn;
	(void)step;
	(void)raw;
	(void)ok;
}

void server_conn_drop_news(void *arg, struct server_conn *conn)
{
	(void)arg;
	(void)conn;
}

static const struct sink_ops drop_sink = {
	.pass = server_conn_drop_bytes,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = server_conn_drop_news,
	.lost = server_conn_drop_news,
};

void server_conn_disown(struct server_conn *conn, const void *arg)
{
	struct request *r;

	STAILQ_FOREACH(r, &conn->requests, next) {
		if (r->arg != arg)
			continue;
		r->ops = &drop_sink;
		r->arg = NULL;
	}
}

/*
 * With CLIENT_QUERY_ATTRIBUTES the counts of parameters (0) and of their sets (1)
 * stand before the text.
 */
void server_conn_begin_query(uint64_t capabilities, struct writer *w)
{
	writer_uint(w, COM_QUERY, 1);
	if ((capabilities & CLIENT_QUERY_ATTRIBUTES) != 0)
		writer_uint(w, 0x0100, 2);
}

bool server_conn_ask(struct server_conn *conn, const char *sql, const struct sink_ops *ops,
		     void *arg, struct writer *w)
{
	conn->disturbed = true;
	writer_begin(w, 0);
	server_conn_begin_query(conn->capabilities, w);
	writer_text(w, sql);
	return writer_end(w) && server_conn_request(conn, COM_QUERY, ops, arg);
}

static void change_state(struct server_conn *conn, struct session_state *next)
{
	if (next == NULL) {
		conn->note.pins = true;	/* too much to carry */
		return;
	}
	if (next == conn->session_state) {
		state_drop(next);
		return;
	}
	server_conn_set_session_state(conn, next);
	conn->note.state_changed = true;
}

bool server_conn_reported(const struct server_conn *conn, struct span name)
{
	uint64_t hash = hash_span(HASH_START, name);

	for (unsigned i = 0; i < conn->note.reported_count; i++) {
		if (conn->note.reported[i] == hash)
			return true;
	}
	return false;
}

static void note_state_variable(struct server_conn *conn, const struct track_entry *entry)
{
	uint8_t memory[4096];
	struct writer literal = writer_over(memory, sizeof(memory));

	if (conn->note.reported_count < NOTE_VARIABLES)
		conn->note.reported[conn->note.reported_count++] =
			hash_span(HASH_START, entry->name);
	if (!state_literal(entry->name, entry->value, &literal)) {
		conn->note.pins = true;
		return;
	}
	change_state(conn, state_with_variable(conn->session_state, STATE_SYSTEM_VARIABLE,
					       entry->name, writer_span(&literal)));
}

static void note_variable(struct server_conn *conn, const struct track_entry *entry)
{
	switch (variable_use(entry->name)) {
	case VARIABLE_STATE:
		note_state_variable(conn, entry);
		return;
	case VARIABLE_INSERT_ID:
		conn->note.insert_id_changed = span_to_u64(entry->value, &conn->insert_id);
		conn->insert_id_known = conn->note.insert_id_changed;
		return;
	case VARIABLE_POSITION:
		(void)span_copy(entry->value, conn->position, sizeof(conn->position));
		return;
	case VARIABLE_PINS:
		conn->note.tied = true;
		return;
	case VARIABLE_NOT_STATE:
		return;
	}
}

static void note_entry(struct server_conn *conn, const struct track_entry *entry)
{
	switch (entry->type) {
	case SESSION_TRACK_SYSTEM_VARIABLES:
		note_variable(conn, entry);
		return;
	case SESSION_TRACK_SCHEMA:
		change_state(conn, state_with_schema(conn->session_state, entry->value));
		return;
	case SESSION_TRACK_STATE_CHANGE:
		conn->note.state_reported |= span_is(entry->value, "1");
		return;
	case SESSION_TRACK_GTIDS:
		(void)span_copy(entry->value, conn->position, sizeof(conn->position));
		return;
	case SESSION_TRACK_TRANSACTION_CHARACTERISTICS:
	case SESSION_TRACK_TRANSACTION_STATE:
		return;
	}
}

/* The server told what changed: believe it. */
static void note_ok(struct server_conn *conn, const struct ok_packet *ok)
{
	struct track_reader walk = track_over(ok->track);
	struct track_entry entry;

	conn->status = ok->status;
	if (conn->restore_to != NULL)
		return;		/* restore.c knows what it set */
	while (track_next(&walk, &entry))
		note_entry(conn, &entry);
	/* SET NAMES changes the collation too, and servers do not say to what */
	if (server_conn_reported(conn, SPAN_LITERAL("character_set_connection")) &&
	    !server_conn_reported(conn, SPAN_LITERAL("collation_connection")))
		change_state(conn, state_without_variable(conn->session_state,
			STATE_SYSTEM_VARIABLE, SPAN_LITERAL("collation_connection")));
}

bool server_conn_is_farewell(uint16_t number)
{
	return number == 1053 || number == 1077 || number == 1079 || number == 1152 ||
	       number == 1927 || number == 4031;
}

static void note_error(struct server_conn *conn, struct span payload)
{
	struct err_packet err;

	if (err_packet_parse(payload, &err) && server_conn_is_farewell(err.number))
		conn->farewell = true;
}

/* One packet for the sink of <r>.  False: the connection is gone. */
static bool deliver_packet(struct server_conn *conn, struct request *r,
			   const struct result_step *step, struct span raw)
{
	struct ok_packet ok;
	bool is_ok = step->packet == RESULT_PACKET_OK;

	if (is_ok) {
		if (!ok_packet_parse(step->payload, conn->capabilities, &ok)) {
			server_conn_lose(conn, "the server sent a malformed OK packet");
			return false;
		}
		note_ok(conn, &ok);
	} else if (step->packet == RESULT_PACKET_EOF) {
		conn->status = conn->result.status;
	} else if (step->packet == RESULT_PACKET_ERR) {
		note_error(conn, step->payload);
	}
	r->ops->packet(r->arg, conn, step, raw, is_ok ? &ok : NULL);
	return conn->state != SERVER_CONN_CLOSED;
}

static void finish_request(struct server_conn *conn, struct request *r)
{
	STAILQ_REMOVE_HEAD(&conn->requests, next);
	conn->in_flight--;
	r->ops->end(r->arg, conn);
	slab_give(&conn->env->requests, r);
}

/*
 * Keep what is not complete yet for the next read.  The bytes of this one, which <rest> and
 * whatever was passed on may point into, are no longer valid then.
 */
static void hold(struct server_conn *conn, struct span rest)
{
	struct buffer fresh = { 0 };

	if (rest.len == 0) {
		buffer_free(&conn->held);
		return;
	}
	if (conn->held.len > 0 && rest.data == conn->held.data && rest.len == conn->held.len)
		return;
	if (!buffer_append(&fresh, rest)) {
		server_conn_lose(conn, "out of memory");
		return;
	}
	buffer_free(&conn->held);
	conn->held = fresh;
}

/*
 * One step of the response at the head.  Returns the bytes it covered; 0 when
 * more have to arrive or the connection is gone.
 */
static size_t pump_step(struct server_conn *conn, struct span bytes)
{
	struct request *r = STAILQ_FIRST(&conn->requests);
	struct result_step step;

	if (r == NULL) {
		server_conn_lose(conn, "the server sent something unasked");
		return 0;
	}
	result_step(&conn->result, bytes, &step);
	if (conn->stream.filter != NULL && step.len > 0)
		step.seq = conn->result.seq =
			compressed_renumber(&conn->stream, span_head(bytes, step.len));
	switch (step.kind) {
	case RESULT_NEED:
		return 0;
	case RESULT_BROKEN:
		server_conn_lose(conn, step.problem);
		return 0;
	case RESULT_PASS:
		r->ops->pass(r->arg, conn, span_head(bytes, step.len), step.row);
		break;
	case RESULT_PACKET:
		if (!deliver_packet(conn, r, &step, span_head(bytes, step.len)))
			return 0;
		break;
	}
	if (conn->state == SERVER_CONN_CLOSED)
		return 0;
	if (step.last) {
		finish_request(conn, r);
		if (conn->state == SERVER_CONN_CLOSED)
			return 0;
		if (conn->in_flight > 0)
			expect_head(conn, conn->in_flight == 1);
	}
	return step.len;
}

static void pump(struct server_conn *conn, struct span bytes)
{
	struct request *r;
	size_t n;

	while (bytes.len > 0 && (n = pump_step(conn, bytes)) > 0)
		bytes = span_from(bytes, n);
	if (conn->state == SERVER_CONN_CLOSED)
		return;
	r = STAILQ_FIRST(&conn->requests);
	if (r != NULL)
		r->ops->batch_end(r->arg, conn);	/* its pieces lie in these bytes */
	if (conn->state != SERVER_CONN_CLOSED)
		hold(conn, bytes);
}

/*
 * Put what is held in front of <bytes>: into the headroom before the scratch
 * when it fits, else everything behind what is held.
 */
static bool join_held(struct server_conn *conn, struct span *bytes)
{
	struct buffer *held = &conn->held;
	uint8_t *front = (uint8_t *)(uintptr_t)bytes->data - held->len;

	if (held->len == 0)
		return true;
	if (held->len <= LOOP_HEADROOM) {
		memcpy(front, held->data, held->len);
		*bytes = (struct span){ front, bytes->len + held->len };
		held->len = 0;
		return true;
	}
	if (!buffer_append(held, *bytes))
		return false;
	*bytes = buffer_span(held);
	return true;
}

/* --- login -------------------------------------------------------------- */

static void login_done(struct server_conn *conn)
{
	struct login_terms terms = { conn->login->capabilities, conn->login->zstd_level };

	conn->capabilities = conn->login->capabilities;
	conn->thread_id = conn->login->thread_id;
	conn->status = conn->login->status;
	drop_login(conn);
	timer_clear(&conn->timer);
	STAT_INC(conn->env->stats, server_connects_total);
	STAT_INC(conn->pool->stats, connects_total);
	histogram_add(&conn->pool->stats->times[BACKEND_TIME_connect],
		      loop_now_us(conn->env->loop) - conn->dialled_us);
	if (compressed_start(conn->env, &conn->stream, terms, COMPRESSION_AS_CLIENT, NULL))
		conn->owner_ops->ready(conn->owner, conn);
	else
		server_conn_lose(conn, "out of memory");
}

static void login_refused(struct server_conn *conn)
{
	conn->error_number = conn->login->number;
	(void)snprintf(conn->error_sqlstate, sizeof(conn->error_sqlstate), "%s",
		       conn->login->sqlstate);
	server_conn_lose(conn, conn->login->text);
}

/* True when more packets may follow in what was read. */
static bool login_step(struct server_conn *conn, enum server_login_step step, struct writer *w)
{
	if (w->len > 0)
		stream_write(&conn->stream, writer_span(w));
	explicit_bzero(w->base, w->len);	/* it may have been a password in clear */
	w->len = 0;
	switch (step) {
	case SERVER_LOGIN_READ_MORE:
		return true;
	case SERVER_LOGIN_START_TLS:
		set_state(conn, SERVER_CONN_TLS);
		if (!tls_connect(&conn->stream, conn->env->tls_client, conn->pool->host))
			server_conn_lose(conn, "out of memory");
		return false;
	case SERVER_LOGIN_DONE:
		login_done(conn);
		return false;
	case SERVER_LOGIN_REFUSED:
	case SERVER_LOGIN_FAILED:
		login_refused(conn);
		return false;
	}
	return false;
}

static void login_bytes(struct server_conn *conn, struct span bytes)
{
	struct frame frame;
	struct span payload;

	while (frame_cut(bytes, &frame, &payload)) {
		size_t room;
		uint8_t *workshop = loop_workshop(conn->env->loop, &room);
		struct writer w = writer_over(workshop, room);
		size_t whole = PACKET_HEADER_LEN + payload.len;

		if (!login_step(conn, server_login_feed(conn->login, frame, payload, &w), &w))
			return;
		bytes = span_from(bytes, whole);
	}
	if (bytes.len > 65536) {
		server_conn_lose(conn, "the server's login packets are too large");
		return;
	}
	hold(conn, bytes);
}

/* --- what the stream reports -------------------------------------------- */

static void conn_connected(void *arg)
{
	struct server_conn *conn = conn_from(arg);
	size_t room;
	uint8_t *workshop = loop_workshop(conn->env->loop, &room);
	struct writer w = writer_over(workshop, room);
	bool tls_is_up = conn->state == SERVER_CONN_TLS;

	set_state(conn, SERVER_CONN_LOGIN);
	if (tls_is_up)
		(void)login_step(conn, server_login_tls_started(conn->login, &w), &w);
}

static void conn_received(void *arg, struct span bytes)
{
	struct server_conn *conn = conn_from(arg);

	STAT_ADD(conn->pool->stats, bytes_received_total, bytes.len);
	if (!join_held(conn, &bytes)) {
		server_conn_lose(conn, "out of memory");
		return;
	}
	if (conn->login != NULL)
		login_bytes(conn, bytes);
	else
		pump(conn, bytes);
}

static void conn_drained(void *arg)
{
	struct server_conn *conn = conn_from(arg);

	if (conn->owner_ops != NULL && conn->owner_ops->drained != NULL)
		conn->owner_ops->drained(conn->owner, conn);
}

static void conn_closed(void *arg, enum stream_end why)
{
	struct server_conn *conn = conn_from(arg);
	bool unreachable = why == STREAM_END_REFUSED || why == STREAM_END_UNREACHABLE;

	conn->unreachable = unreachable && conn->state == SERVER_CONN_DIALING;
	conn->link_broke = unreachable || why == STREAM_END_EOF || why == STREAM_END_RESET ||
			   why == STREAM_END_TIMEOUT;
	server_conn_lose(conn, stream_end_text(why));
}

static const struct stream_user_ops conn_stream_ops = {
	.connected = conn_connected,
	.received = conn_received,
	.drained = conn_drained,
	.closed = conn_closed,
};

/* --- the beginning ------------------------------------------------------ */

/* By enum compression_mode; a server that does not offer it is not asked. */
static const uint64_t compression_flags[] = {
	[COMPRESSION_OFF] = 0,
	[COMPRESSION_ZLIB] = CLIENT_COMPRESS,
	[COMPRESSION_ZSTD] = CLIENT_ZSTD_COMPRESSION_ALGORITHM,
};

static struct server_login *login_new(struct server_conn *conn)
{
	struct server_login *login = calloc(1, sizeof(*login));
	const struct account *account = conn->account;

	if (login == NULL)
		return NULL;
	login->user = account->user;
	login->secret = &account->secret;
	login->wanted = account->capabilities | CAPABILITIES_ALWAYS |
			compression_flags[conn->env->settings->backend_compression];
	login->zstd_level = CODEC_ZSTD_LEVEL;
	login->collation = account->collation;
	login->max_packet = account->max_packet;
	login->local = conn->pool->address.u.any.sa_family == AF_UNIX;
	if (conn->env->tls_client == NULL || login->local)
		login->tls_mode = SERVER_LOGIN_TLS_OFF;
	else if (conn->env->settings->backend_tls == TLS_SERVER_REQUIRED)
		login->tls_mode = SERVER_LOGIN_TLS_REQUIRED;
	else
		login->tls_mode = SERVER_LOGIN_TLS_PREFERRED;
	return login;
}

struct server_conn *server_conn_dial(struct relay_env *env, struct pool *pool,
				     struct account *account,
				     const struct server_conn_owner_ops *ops, void *owner)
{
	struct server_conn *conn = slab_take_zeroed(&env->conns);

	if (conn == NULL)
		return NULL;
	conn->tag = SERVER_CONN_TAG;
	conn->env = env;
	conn->pool = pool;
	conn->mariadb = pool->mariadb;
	conn->owner_ops = ops;
	conn->owner = owner;
	STAILQ_INIT(&conn->requests);
	server_stmts_init(&conn->stmts);
	conn->account = account_take(account);
	conn->session_state = state_empty(env->states);
	conn->insert_id_known = true;		/* 0 */
	conn->login = login_new(conn);
	if (conn->login == NULL || conn->session_state == NULL || !pool_enter(conn))
		goto failed;
	if (!stream_connect(&conn->stream, env->loop, &pool->address,
			    env->settings->silence_ms, &conn_stream_ops, conn)) {
		pool_leave(conn);
		pool_forget(conn);
		goto failed;
	}
	conn->state = SERVER_CONN_DIALING;
	conn->dialled_us = loop_now_us(env->loop);
	timer_set(&conn->timer, env->loop, env->settings->connect_timeout_ms * 1000, lose_on_timer);
	STAT_INC(env->stats, server_connections);
	return conn;

failed:
	drop_login(conn);
	state_drop(conn->session_state);
	account_drop(account);
	slab_give(&env->conns, conn);
	return NULL;
}
