/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a session: its stream, its input, its end, and the answers
 * that readmux gives itself.
 */
#include <readmux/relay/compressed.h>
#include <readmux/relay/report.h>
#include <readmux/relay/session_parts.h>

#include <stdarg.h>
#include <unistd.h>

#define FLUSH_LIMIT_US 5000000u		/* longest wait for a client to take its last words */

static const struct {
	const char *name;
	unsigned    next;
} phases[] = {
#define TO(phase) (1u << SESSION_##phase)
#define X(phase, name, next) [SESSION_##phase] = { name, next },
	SESSION_PHASES(X)
#undef X
#undef TO
};

struct session *session_from(void *arg)
{
	struct session *s = arg;

	assert(s != NULL && s->tag == SESSION_TAG);
	return s;
}

/* The one gate through which a session changes phase. */
void session_set_phase(struct session *s, enum session_phase to)
{
	struct worker_stats *stats = s->env->stats;

	assert((phases[s->phase].next >> to & 1u) != 0);
	STAT_DEC(stats, phases[s->phase]);
	STAT_INC(stats, phases[to]);
	s->phase = (uint8_t)to;
}

const char *session_phase_name(enum session_phase phase)
{
	return phases[phase].name;
}

const char *session_name(const struct session *s, char *out, size_t room)
{
	address_format(&s->peer, out, room);
	return out;
}

static size_t describe(const struct log_ctx *ctx, struct log_field *out, size_t room)
{
	const struct session *s = container_of(ctx, struct session, log);

	if (room < 2)
		return 0;
	out[0] = (struct log_field)LOG_UINT("session", s->id);
	if (s->account == NULL)
		return 1;
	out[1] = (struct log_field)LOG_SPAN("user", s->account->user);
	return 2;
}

/* --- the end ---------------------------------------------------------------- */

static void reap(struct deferred *d)
{
	struct session *s = container_of(d, struct session, reaper);

	s->tag = 0;
	slab_give(&s->env->sessions, s);
}

static void say_closed(struct session *s, const char *why)
{
	enum log_level level = s->farewell ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	char peer[ADDRESS_TEXT_MAX];

	s->farewell = true;
	log_at(level, &s->log, "session closed", LOG_TEXT("reason", why),
	       LOG_TEXT("phase", phases[s->phase].name),
	       LOG_TEXT("peer", session_name(s, peer, sizeof(peer))));
}

/* Between statements, with nothing open; or without ever having logged in, as probes of ports do. */
static bool may_end_now(const struct session *s)
{
	if (s->phase == SESSION_LOGIN)
		return s->account == NULL && s->login != NULL && s->login->user[0] == '\0';
	return s->phase == SESSION_READY && s->input.len == 0 && !session_in_transaction(s);
}

void session_close(struct session *s, const char *why)
{
	if (s->phase == SESSION_CLOSED)
		return;
	say_closed(s, why);
	session_set_phase(s, SESSION_CLOSED);
	statement_stop_waiting(s);
	hold_drop(&s->st.packet, s->env->loop);
	hold_drop(&s->st.filled, s->env->loop);
	statement_drop_inner(s);
	body_drop(s);
	session_drop_conn(s);
	session_close_prepared(s);
	session_drop_ties(s);
	session_drop_trackers(s);
	free(s->decisions);
	s->decisions = NULL;
	session_drop_showing(s);
	if (s->previous != NULL)
		server_conn_forget_user(s->previous);
	insert_id_reset(&s->insert_id);
	diagnostics_drop(&s->diagnostics);
	session_forget_question(s);
	if (!s->env->settings->pool_share && s->account != NULL)
		pools_forget_session(s->env->pools, s->account, s->id);
	session_login_drop(s);
	session_forget_before(s);
	stream_close(&s->stream);
	timer_clear(&s->timer);
	buffer_free(&s->input);
	buffer_free(&s->stash);
	state_drop(s->state);
	session_uncount_user(s);
	account_drop(s->account);
	s->state = NULL;
	s->account = NULL;
	relay_walks_pass(s->env, s);
	TAILQ_REMOVE(&s->env->all, s, link);
	STAT_DEC(s->env->stats, sessions);
	STAT_DEC(s->env->stats, phases[SESSION_CLOSED]);
	s->env->host_ops->session_closed(s->env->host);
	loop_defer(s->env->loop, &s->reaper, reap);
}

static void flush_expired(struct timer *t)
{
	session_close(container_of(t, struct session, timer), "does not take its last answer");
}

void session_close_gently(struct session *s, const char *why)
{
	if (s->phase == SESSION_CLOSED || s->phase == SESSION_CLOSING)
		return;
	if (stream_queued(&s->stream) == 0) {
		session_close(s, why);
		return;
	}
	say_closed(s, why);
	statement_stop_waiting(s);
	hold_drop(&s->st.packet, s->env->loop);
	hold_drop(&s->st.filled, s->env->loop);
	statement_drop_inner(s);
	body_drop(s);
	session_set_phase(s, SESSION_CLOSING);
	stream_pause(&s->stream);
	timer_clear(&s->timer);
	timer_set(&s->timer, s->env->loop, FLUSH_LIMIT_US, flush_expired);
}

/* --- readmux's own answers ---------------------------------------------------- */

static void send_packet(struct session *s, struct writer *w)
{
	if (writer_end(w))
		stream_write(&s->stream, writer_span(w));
	else
		session_close(s, "an answer did not fit");
}

static void begin_answer(struct session *s, uint8_t *room, size_t size, struct writer *w)
{
	*w = writer_over(room, size);
	writer_begin(w, ++s->st.seq);
}

void session_send_server_error(struct session *s, uint16_t number, const char *sqlstate,
			       const char *text)
{
	uint8_t room[1024];
	struct writer w;
	struct err_packet err = {
		.number = number,
		.sqlstate = span_of(sqlstate[0] != '\0' ? sqlstate : "HY000"),
		.text = span_head(span_of(text), 900),
	};

	s->st.error = number;
	begin_answer(s, room, sizeof(room), &w);
	err_packet_write(&w, &err);
	send_packet(s, &w);
}

void session_word_failure(struct session *s, struct failure *f, enum rmx_error error,
			  va_list arguments)
{
	const struct rmx_error_info *info = rmx_error_info(error);

	*f = (struct failure){ .number = info->number };
	(void)snprintf(f->sqlstate, sizeof(f->sqlstate), "%s", info->sqlstate);
	(void)vsnprintf(f->text, sizeof(f->text), info->text, arguments);
	STAT_INC(s->env->stats, errors_total);
	STAT_INC(s->env->stats, own_errors[error]);
	if (s->user_stats != NULL)
		STAT_INC(s->user_stats, errors_total);
	log_info(&s->log, "error to client", LOG_TEXT("error", info->name),
		 LOG_UINT("number", info->number), LOG_TEXT("text", f->text));
}

void session_send_error(struct session *s, enum rmx_error error, ...)
{
	struct failure f;
	va_list arguments;

	va_start(arguments, error);
	session_word_failure(s, &f, error, arguments);
	va_end(arguments);
	session_send_server_error(s, f.number, f.sqlstate, f.text);
}

void session_send_ok(struct session *s)
{
	session_send_ok_with(s, SPAN_NONE);
}

void session_answer_ok(struct session *s)
{
	s->status &= (uint16_t)~SERVER_STATUS_OF_STATEMENT;
	session_send_ok(s);
}

void session_send_ok_with(struct session *s, struct span track)
{
	uint8_t room[600];
	struct writer w;
	struct ok_packet ok = { .header = PACKET_OK, .status = s->status, .track = track };

	begin_answer(s, room, sizeof(room), &w);
	ok_packet_write(&w, s->capabilities, &ok);
	send_packet(s, &w);
}

void session_send_eof(struct session *s, uint16_t warnings)
{
	uint8_t room[64];
	struct writer w;
	struct ok_packet ok = {
		.header = PACKET_EOF, .status = s->status, .warnings = warnings,
	};

	begin_answer(s, room, sizeof(room), &w);
	if ((s->capabilities & CLIENT_DEPRECATE_EOF) != 0) {
		ok_packet_write(&w, s->capabilities, &ok);
	} else {
		writer_uint(&w, PACKET_EOF, 1);
		writer_uint(&w, warnings, 2);
		writer_uint(&w, s->status, 2);
	}
	send_packet(s, &w);
}

/*
 * Collations whose character set writes every ASCII character, and no other,
 * as one byte below 0x80 and knows white space only there: utf8mb3, utf8mb4, ascii,
 * binary (information_schema.collations of both servers).
 */
static bool collation_is_plain(uint16_t id)
{
	return id == 11 || id == 33 || id == 45 || id == 46 || id == 63 || id == 65 || id == 76 ||
	       id == 83 || (id >= 192 && id <= 247) || id == 255;
}

/* Whether the lexer can take the client's bytes for what they seem. */
static bool charset_is_ambiguous(const struct session *s)
{
	struct span set = state_variable(s->state, SPAN_LITERAL("character_set_client"));

	if (set.len == 0)
		return !collation_is_plain(s->account->collation);
	return !span_is_nocase(set, "'utf8mb4'") && !span_is_nocase(set, "'utf8mb3'") &&
	       !span_is_nocase(set, "'utf8'") && !span_is_nocase(set, "'ascii'") &&
	       !span_is_nocase(set, "'binary'");
}

struct sql_mode session_sql_mode(const struct session *s)
{
	const struct backend_view *primary = topology_primary(s->env->topology);

	return (struct sql_mode){
		.ambiguous_charset = charset_is_ambiguous(s),
		.ansi_quotes = (s->status & SERVER_STATUS_ANSI_QUOTES) != 0 ||
			       state_ansi_quotes(s->state),
		.no_backslash_escapes = (s->status & SERVER_STATUS_NO_BACKSLASH_ESCAPES) != 0,
		.schema = state_schema(s->state),
		.mariadb = primary != NULL && primary->facts.mariadb,
		.server_version = primary != NULL ? primary->facts.version : 0,
	};
}

/* --- input ------------------------------------------------------------------ */

static bool in_login(const struct session *s)
{
	return s->phase == SESSION_LOGIN;
}

/* One packet (or the start of a long statement) off the front; 0 when more has to arrive. */
static size_t take_packet(struct session *s, struct span bytes)
{
	struct frame frame;
	struct span payload;
	size_t whole;

	if (bytes.len < PACKET_HEADER_LEN)
		return 0;
	frame = frame_at(bytes.data);
	whole = PACKET_HEADER_LEN + (size_t)frame.len;
	if (in_login(s)) {
		if (!frame_cut(bytes, &frame, &payload)) {
			if (whole > s->env->settings->max_statement_bytes)
				session_close(s, "login packet too large");
			return 0;
		}
		s->st.seq = frame.seq;
		session_login_packet(s, frame, payload);
		return whole;
	}
	compressed_answer(&s->stream);
	if (frame.seq != 0) {
		s->st.seq = frame.seq;
		session_send_error(s, RMX_OUT_OF_ORDER);
		session_close_gently(s, "packets out of order");
		return 0;
	}
	s->st.seq = 0;
	if (bytes.len >= whole && frame.len < PACKET_PAYLOAD_MAX) {
		session_command(s, span_head(bytes, whole), true);
		return whole;
	}
	if (bytes.len < size_min(whole, s->env->settings->max_statement_bytes))
		return 0;
	bytes = span_head(bytes, size_min(bytes.len, whole));	/* what follows is another packet */
	session_command(s, bytes, false);
	return bytes.len;
}

static bool takes_input(const struct session *s)
{
	return s->phase == SESSION_LOGIN ||
	       (s->phase == SESSION_READY && s->interruptions == 0);
}

static void keep_input(struct session *s, struct span rest)
{
	struct buffer fresh = { 0 };

	if (rest.len == s->input.len && rest.data == s->input.data)
		return;
	if (rest.len > 0 && !buffer_append(&fresh, rest)) {
		session_close(s, "out of memory");
		return;
	}
	buffer_free(&s->input);
	s->input = fresh;
}

/* Look at <bytes> as far as commands can be taken now; keep the rest. */
static void look_at(struct session *s, struct span bytes)
{
	while (bytes.len > 0 && (takes_input(s) || s->body.kind != BODY_NONE)) {
		size_t n = s->body.kind != BODY_NONE ? body_bytes(s, bytes) :
						       take_packet(s, bytes);

		if (s->phase >= SESSION_CLOSING)
			return;
		if (n == 0)
			break;
		bytes = span_from(bytes, n);
	}
	keep_input(s, bytes);
	/* a client that sends ahead is read again when it has its answer */
	if (bytes.len > 0 && s->phase < SESSION_CLOSING && !takes_input(s))
		stream_pause(&s->stream);
}

static void look_deferred(struct deferred *d)
{
	struct session *s = container_of(d, struct session, looker);

	if (s->phase < SESSION_CLOSING && s->input.len > 0)
		look_at(s, buffer_span(&s->input));
}

void session_look_later(struct session *s)
{
	if (s->input.len > 0)
		loop_defer(s->env->loop, &s->looker, look_deferred);
}

void session_next(struct session *s)
{
	if (s->phase != SESSION_READY)
		return;
	if (s->env->draining && !session_in_transaction(s)) {
		session_close_gently(s, "readmux is shutting down");
		return;
	}
	session_arm_idle(s);
	stream_resume(&s->stream);
	session_look_later(s);
}

static bool join_input(struct session *s, struct span *bytes)
{
	struct buffer *input = &s->input;

	if (input->len == 0)
		return true;
	if (input->len <= LOOP_HEADROOM) {
		uint8_t *front = (uint8_t *)(uintptr_t)bytes->data - input->len;

		memcpy(front, input->data, input->len);
		*bytes = (struct span){ front, bytes->len + input->len };
		buffer_free(input);
		return true;
	}
	if (!buffer_append(input, *bytes))
		return false;
	*bytes = buffer_span(input);
	return true;
}

static void session_received(void *arg, struct span bytes)
{
	struct session *s = session_from(arg);

	STAT_ADD(s->env->stats, client_bytes_received_total, bytes.len);
	if (!join_input(s, &bytes)) {
		session_close(s, "out of memory");
		return;
	}
	look_at(s, bytes);
}

static void session_connected(void *arg)
{
	session_login_tls_up(session_from(arg));
}

static void session_drained(void *arg)
{
	struct session *s = session_from(arg);

	if (s->phase == SESSION_CLOSING)
		session_close(s, "closed");
	else if (s->conn != NULL && s->conn->state == SERVER_CONN_LEASED)
		stream_resume(&s->conn->stream);
}

static void session_stream_closed(void *arg, enum stream_end why)
{
	struct session *s = session_from(arg);

	s->farewell |= why == STREAM_END_EOF && may_end_now(s);
	session_close(s, stream_end_text(why));
}

static const struct stream_user_ops session_stream_ops = {
	.connected = session_connected,
	.received = session_received,
	.drained = session_drained,
	.closed = session_stream_closed,
};

static void idle_expired(struct timer *t)
{
	struct session *s = container_of(t, struct session, timer);

	if (s->phase == SESSION_READY)
		session_close(s, "idle for too long");
}

void session_arm_idle(struct session *s)
{
	timer_set(&s->timer, s->env->loop,
		  s->env->settings->session_idle_timeout_ms * 1000, idle_expired);
}

/* --- the beginning ---------------------------------------------------------- */

bool session_open(struct relay_env *env, int fd, const struct address *peer,
		  enum listen_route listen, enum sql_consistency consistency, uint32_t id)
{
	struct session *s = slab_take_zeroed(&env->sessions);

	if (s == NULL) {
		(void)close(fd);
		return false;
	}
	s->tag = SESSION_TAG;
	s->env = env;
	s->id = id;
	s->peer = *peer;
	s->listen = (uint8_t)listen;
	s->listen_consistency = consistency;
	s->status = SERVER_STATUS_AUTOCOMMIT;
	s->log.describe = describe;
	s->ticket.granted = NULL;
	insert_id_init(&s->insert_id, session_insert_id_settled);
	s->last.found_rows_known = true;	/* 0 */
	s->diagnostics.settled = session_values_settled;
	if (!stream_adopt(&s->stream, env->loop, fd, &session_stream_ops, s)) {
		slab_give(&env->sessions, s);
		return false;
	}
	TAILQ_INSERT_TAIL(&env->all, s, link);
	STAT_INC(env->stats, sessions);
	STAT_INC(env->stats, phases[SESSION_NEW]);
	STAT_INC(env->stats, sessions_total);
	session_set_phase(s, SESSION_LOGIN);
	if (!session_greet(s))
		session_close_gently(s, "could not be greeted");
	return true;
}
