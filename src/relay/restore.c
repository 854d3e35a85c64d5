/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Session state onto a server connection, pipelined; see restore.h.
 *
 * Every step is a command whose answer one of the sinks here consumes.  The steps
 * still unanswered are counted in conn->restore_steps; the last one reports.
 */
#include <readmux/relay/pool.h>
#include <readmux/relay/restore.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/reader.h>
#include <readmux/wire/stmt.h>

#define SET_TRACKERS								\
	"SET @@session.session_track_system_variables='*', "			\
	"@@session.session_track_schema=ON, "					\
	"@@session.session_track_state_change=ON"

#define CHARSET									\
	"@@session.character_set_client, @@session.character_set_results, "	\
	"@@session.collation_connection"
#define WHO_IS_IT_MARIADB "SELECT @@global.server_id, @@hostname, " CHARSET
#define WHO_IS_IT_MYSQL   "SELECT @@global.server_id, @@hostname, @@server_uuid, " CHARSET

/* --- what comes back ------------------------------------------------------ */

static void note_error(struct server_conn *conn, struct span payload)
{
	struct err_packet err;

	if (conn->error_number != 0 || !err_packet_parse(payload, &err))
		return;		/* the first error is the one that counts */
	conn->error_number = err.number;
	(void)span_copy(err.sqlstate, conn->error_sqlstate, sizeof(conn->error_sqlstate));
	(void)span_copy(err.text, conn->problem, sizeof(conn->problem));
}

static void step_packet(void *arg, struct server_conn *conn, const struct result_step *step,
			struct span raw, const struct ok_packet *ok)
{
	(void)arg;
	(void)raw;
	(void)ok;
	if (step->packet != RESULT_PACKET_ERR)
		return;
	conn->restore_failed = true;
	note_error(conn, step->payload);
}

static enum restore_outcome outcome_of(const struct server_conn *conn)
{
	if (conn->restore_failed)
		return RESTORE_FAILED;
	return conn->restore_refused ? RESTORE_REFUSED : RESTORE_DONE;
}

/* The last answer is in: the connection is in its new state, or of no more use. */
static void step_end(void *arg, struct server_conn *conn)
{
	(void)arg;
	assert(conn->restore_steps > 0);
	if (--conn->restore_steps > 0)
		return;
	if (conn->restore_to != NULL && !conn->restore_failed)
		server_conn_set_session_state(conn, conn->restore_to);
	else
		state_drop(conn->restore_to);
	conn->restore_to = NULL;
	if (conn->restore_failed)
		conn->no_reuse = true;
	if (conn->owner_ops != NULL && conn->owner_ops->restored != NULL)
		conn->owner_ops->restored(conn->owner, conn, outcome_of(conn));
}

static const struct sink_ops step_sink = {
	.pass = server_conn_drop_bytes,
	.packet = step_packet,
	.batch_end = server_conn_drop_news,
	.end = step_end,
	.lost = server_conn_drop_news,
};

/* --- waiting for a position ----------------------------------------------- */

/*
 * The answer is one row with one column.  GTIDs: "0" when they were reached.  A place in a log:
 * how many events it waited for, -1 when the time was over, NULL when nothing is applied.
 */
static void wait_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	struct reader r = reader_over(span_from(frame_last(bytes), PACKET_HEADER_LEN));
	struct span value = reader_lenenc_bytes(&r);
	uint64_t events;

	(void)arg;
	if (!row || !reader_finish(&r))
		return;
	conn->position_reached = position_is_in_log(conn->awaited) ?
				 span_to_u64(value, &events) : span_is(value, "0");
}

static void wait_end(void *arg, struct server_conn *conn)
{
	if (!conn->position_reached)
		conn->restore_refused = true;
	if (conn->position_reached)
		pool_has_reached(conn->pool, conn->awaited);
	step_end(arg, conn);
}

static const struct sink_ops wait_sink = {
	.pass = wait_pass,
	.packet = server_conn_drop_packet,	/* an error is as good as no */
	.batch_end = server_conn_drop_news,
	.end = wait_end,
	.lost = server_conn_drop_news,
};

/* --- who a fresh connection has reached, and its character set ------------------------ */

/* An address may have passed to another pod since it was probed last. */
static bool is_expected(const struct pool *pool, struct reader *row)
{
	struct span server_id = reader_lenenc_bytes(row), hostname = reader_lenenc_bytes(row);
	struct span uuid = pool->mariadb ? SPAN_NONE : reader_lenenc_bytes(row);
	uint64_t number;

	if (!pool->identity.known)
		return true;
	return span_to_u64(server_id, &number) && number == pool->identity.server_id &&
	       span_is(span_head(hostname, sizeof(pool->identity.hostname) - 1),
		       pool->identity.hostname) &&
	       span_is(uuid, pool->identity.uuid);
}

/* Three names, NULL for a character_set_results that is off. */
static void take_charset(struct server_conn *conn, struct reader *row)
{
	static const char *const names[] = {
		"character_set_client", "character_set_results", "collation_connection",
	};
	struct writer w = writer_over(conn->base_charset, sizeof(conn->base_charset) - 1);

	writer_text(&w, "SET ");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool null = reader_left(row) > 0 && *row->cur == 0xfb;
		struct span value = SPAN_NONE;

		if (null)
			reader_skip(row, 1);
		else
			value = reader_lenenc_bytes(row);
		writer_text(&w, i > 0 ? ",@@session." : "@@session.");
		writer_text(&w, names[i]);
		writer_text(&w, null ? "=NULL" : "='");
		writer_bytes(&w, value);
		writer_text(&w, null ? "" : "'");
	}
	if (!reader_finish(row) || w.bad)
		w.len = 0;
	conn->base_charset[w.len] = '\0';
	memcpy(conn->account->base_charset, conn->base_charset, w.len + 1);
}

static void identity_row(struct server_conn *conn, struct span payload)
{
	struct reader row = reader_over(payload);

	conn->identified = is_expected(conn->pool, &row);
	conn->stranger = !conn->identified;
	if (conn->identified)
		take_charset(conn, &row);
}

static void identity_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	(void)arg;
	if (row)
		identity_row(conn, span_from(frame_last(bytes), PACKET_HEADER_LEN));
}

static void identity_end(void *arg, struct server_conn *conn)
{
	static const char words[] = "another server has taken its address";
	struct relay_env *env = conn->env;

	if (!conn->stranger) {
		step_end(arg, conn);
		return;
	}
	env->host_ops->evidence(env->host, conn->pool->backend_id, EVIDENCE_STRANGER, words);
	server_conn_lose(conn, words);
}

static const struct sink_ops identity_sink = {
	.pass = identity_pass,
	.packet = step_packet,
	.batch_end = server_conn_drop_news,
	.end = identity_end,
	.lost = server_conn_drop_news,
};

/* --- preparing ------------------------------------------------------------- */

static void prepare_packet(void *arg, struct server_conn *conn,
			   const struct result_step *step, struct span raw,
			   const struct ok_packet *ok)
{
	uint8_t memory[256];
	struct writer closes = writer_over(memory, sizeof(memory));
	struct stmt_prepare_ok head;

	(void)arg;
	(void)raw;
	(void)ok;
	if (step->packet == RESULT_PACKET_ERR) {
		conn->restore_refused = true;
		note_error(conn, step->payload);
	} else if (step->packet == RESULT_PACKET_HEAD &&
		   stmt_prepare_ok_parse(step->payload, &head)) {
		if (server_stmt_add(&conn->stmts, conn->preparing, NULL, head.id, &closes) == NULL)
			conn->restore_refused = true;
		stream_write(&conn->stream, writer_span(&closes));
	}
}

static void prepare_end(void *arg, struct server_conn *conn)
{
	query_drop(conn->preparing);
	conn->preparing = NULL;
	step_end(arg, conn);
}

static const struct sink_ops prepare_sink = {
	.pass = server_conn_drop_bytes,
	.packet = prepare_packet,
	.batch_end = server_conn_drop_news,
	.end = prepare_end,
	.lost = server_conn_drop_news,
};

/* --- what goes out ---------------------------------------------------------- */

static void begin_steps(struct server_conn *conn)
{
	if (conn->restore_steps > 0)
		return;
	conn->restore_failed = conn->restore_refused = false;
	conn->error_number = 0;
	conn->problem[0] = '\0';
}

/* Close the packet that is open in <w> and expect its answer. */
static void send_step(struct server_conn *conn, uint8_t command, const struct sink_ops *sink,
		      struct writer *w)
{
	if (!writer_end(w))
		return;		/* w->bad stops the caller */
	if (server_conn_request(conn, command, sink, NULL))
		conn->restore_steps++;
}

static void begin_query(struct server_conn *conn, struct writer *w)
{
	writer_begin(w, 0);
	server_conn_begin_query(conn->capabilities, w);
}

static void write_question(struct server_conn *conn, const char *sql,
			   const struct sink_ops *sink, struct writer *w)
{
	begin_query(conn, w);
	writer_text(w, sql);
	send_step(conn, COM_QUERY, sink, w);
}

static void write_query(struct server_conn *conn, const char *sql, struct writer *w)
{
	write_question(conn, sql, &step_sink, w);
}

static const char *set_trackers(const struct server_conn *conn)
{
	if (conn->pool->gtid && !conn->mariadb)
		return SET_TRACKERS ", @@session.session_track_gtids=OWN_GTID";
	return SET_TRACKERS;
}

void restore_write_setup(struct server_conn *conn, struct writer *w)
{
	begin_steps(conn);
	if (conn->restore_to == NULL)
		conn->restore_to = state_take(conn->session_state);
	write_query(conn, set_trackers(conn), w);
	if (!conn->identified)
		write_question(conn, conn->mariadb ? WHO_IS_IT_MARIADB : WHO_IS_IT_MYSQL,
			       &identity_sink, w);
	conn->tracked = true;
}

void restore_trackers(struct server_conn *conn)
{
	uint8_t memory[1024];
	struct writer w = writer_over(memory, sizeof(memory));

	if (conn->tracked || conn->state == SERVER_CONN_CLOSED)
		return;
	restore_write_setup(conn, &w);
	stream_write(&conn->stream, writer_span(&w));
}

void restore_write_trackers(struct server_conn *conn, struct span sql, struct writer *w)
{
	begin_steps(conn);
	begin_query(conn, w);
	writer_bytes(w, sql);
	send_step(conn, COM_QUERY, &step_sink, w);
	conn->tracked = false;
}

/* A SET for the variables of <kind>; nothing when there are none. */
static void write_variables(struct server_conn *conn, enum state_kind kind,
			    const struct session_state *from, const struct session_state *to,
			    struct writer *w)
{
	size_t start = w->len;

	begin_query(conn, w);
	if (state_write_set(w, kind, from, to))
		send_step(conn, COM_QUERY, &step_sink, w);
	else
		w->len = start;
}

static void write_init_db(struct server_conn *conn, struct span schema, struct writer *w)
{
	writer_begin(w, 0);
	writer_uint(w, COM_INIT_DB, 1);
	writer_bytes(w, schema);
	send_step(conn, COM_INIT_DB, &step_sink, w);
}

static void write_schema(struct server_conn *conn, const struct session_state *from,
			 const struct session_state *to, struct writer *w)
{
	struct span schema = state_schema(to);

	if (schema.len > 0 && !span_equal(schema, state_schema(from)))
		write_init_db(conn, schema, w);
}

static void write_reset(struct server_conn *conn, struct writer *w)
{
	writer_begin(w, 0);
	writer_uint(w, COM_RESET_CONNECTION, 1);
	send_step(conn, COM_RESET_CONNECTION, &step_sink, w);
	server_stmts_clear(&conn->stmts);
	write_query(conn, set_trackers(conn), w);
	/* MySQL forgets the character set of the handshake, MariaDB restores it */
	if (!conn->mariadb)
		write_query(conn, conn->base_charset, w);
}

/*
 * The character set of the handshake, which need not be the server's DEFAULT.  While the
 * connection has not told, others of the account have: the session has used one.
 */
static void write_base_charset(struct server_conn *conn, struct writer *w)
{
	const char *sql = conn->base_charset;

	if (sql[0] == '\0')
		sql = conn->account->base_charset;
	if (sql[0] != '\0')
		write_query(conn, sql, w);
}

/* From one meaning of texts to another without a reset, which would undo more. */
static void write_detour(struct server_conn *conn, const struct session_state *from,
			 const struct session_state *to, struct writer *w)
{
	const struct session_state *variables = from;
	size_t start = w->len;

	begin_query(conn, w);
	if (state_write_unset(w, "SET ", from, to)) {
		send_step(conn, COM_QUERY, &step_sink, w);
		write_base_charset(conn, w);
		variables = NULL;
	} else {
		w->len = start;
	}
	write_schema(conn, from, to, w);
	write_variables(conn, STATE_SYSTEM_VARIABLE, variables, to, w);
}

/* Its text could not be prepared this time: the session's EXECUTE will be refused there. */
static void named_packet(void *arg, struct server_conn *conn, const struct result_step *step,
			 struct span raw, const struct ok_packet *ok)
{
	(void)arg;
	(void)raw;
	(void)ok;
	if (step->packet == RESULT_PACKET_ERR)
		conn->no_reuse = true;
}

static const struct sink_ops named_sink = {
	.pass = server_conn_drop_bytes,
	.packet = named_packet,
	.batch_end = server_conn_drop_news,
	.end = step_end,
	.lost = server_conn_drop_news,
};

/* The texts in <to>, each with the meaning that it had. */
static void write_texts(struct server_conn *conn, const struct session_state *from,
			struct session_state *to, struct writer *w)
{
	struct session_state *here = state_of_meaning(to);
	struct state_text each;
	size_t at = 0;

	if (here == NULL) {
		w->bad = true;
		return;
	}
	while (state_next_text(from, to, &at, &each)) {
		if (each.meaning != here)
			write_detour(conn, here, each.meaning, w);
		begin_query(conn, w);
		state_write_text(w, &each);
		send_step(conn, COM_QUERY,
			  each.kind == STATE_STATEMENT ? &named_sink : &step_sink, w);
		if (each.meaning != here)
			write_detour(conn, each.meaning, here, w);
	}
	state_drop(here);
}

bool restore_can_reset(const struct server_conn *conn)
{
	return conn->mariadb || conn->base_charset[0] != '\0';
}

bool restore_resets(const struct server_conn *conn, const struct session_state *to)
{
	return state_path(conn->session_state, to) == STATE_PATH_RESET;
}

enum restore_result restore_write(struct server_conn *conn, struct session_state *to,
				  struct writer *w)
{
	const struct session_state *from =
		conn->restore_to != NULL ? conn->restore_to : conn->session_state;
	const struct session_state *variables;
	enum state_path path = state_path(from, to);

	if (path == STATE_PATH_NONE)
		return RESTORE_NOTHING;
	if (path == STATE_PATH_IMPOSSIBLE)
		return RESTORE_IMPOSSIBLE;
	if (path == STATE_PATH_RESET && !restore_can_reset(conn))
		return RESTORE_IMPOSSIBLE;
	variables = path == STATE_PATH_RESET ? NULL : from;	/* the schema survives a reset */
	begin_steps(conn);
	if (path == STATE_PATH_RESET)
		write_reset(conn, w);
	write_variables(conn, STATE_SYSTEM_VARIABLE, variables, to, w);
	write_schema(conn, from, to, w);
	write_variables(conn, STATE_USER_VARIABLE, variables, to, w);
	write_texts(conn, variables, to, w);
	state_drop(conn->restore_to);
	conn->restore_to = state_take(to);
	STAT_INC(conn->env->stats, restores_total);
	return RESTORE_WRITTEN;
}

void restore_write_insert_id(struct server_conn *conn, uint64_t insert_id, struct writer *w)
{
	char sql[64];

	if (conn->insert_id_known && conn->insert_id == insert_id)
		return;
	conn->insert_id = insert_id;
	conn->insert_id_known = true;
	begin_steps(conn);
	(void)snprintf(sql, sizeof(sql), "SET @@session.last_insert_id=%llu",
		       (unsigned long long)insert_id);
	write_query(conn, sql, w);
}

void restore_write_schema(struct server_conn *conn, const struct session_state *state,
			  struct writer *w)
{
	begin_steps(conn);
	write_init_db(conn, state_schema(state), w);
}

void restore_write_clean(struct server_conn *conn, struct writer *w)
{
	begin_steps(conn);
	/* MariaDB clears its warnings only for what reads a table, be it a derived one */
	write_query(conn, "DO (SELECT 1 FROM (SELECT 1) t)", w);
}

/* MySQL waits for sets: everything up to the position, not that one transaction alone. */
static void write_set(struct writer *w, const char *position)
{
	for (const char *c = position; *c != '\0'; c++) {
		writer_uint(w, (uint8_t)*c, 1);
		if (*c == ':')
			writer_text(w, "1-");
	}
}

/* MASTER_POS_WAIT() got its present name in MySQL 8.0.26; MariaDB keeps the old one. */
static void write_log_position(const struct server_conn *conn, const char *position,
			       struct writer *w)
{
	struct span file, offset;

	position_in_log(position, &file, &offset);
	writer_text(w, conn->pool->waits_for_source ? "SELECT SOURCE_POS_WAIT('" :
						      "SELECT MASTER_POS_WAIT('");
	writer_bytes(w, file);
	writer_text(w, "', ");
	writer_bytes(w, offset);
}

static void write_gtids(const char *position, struct writer *w)
{
	if (strchr(position, ':') != NULL) {
		writer_text(w, "SELECT WAIT_FOR_EXECUTED_GTID_SET('");
		write_set(w, position);
	} else {
		writer_text(w, "SELECT MASTER_GTID_WAIT('");
		writer_text(w, position);
	}
	writer_text(w, "'");
}

void restore_write_position(struct server_conn *conn, const char *position,
			    uint32_t timeout_ms, struct writer *w)
{
	char rest[32];

	begin_steps(conn);
	conn->position_reached = false;
	(void)snprintf(conn->awaited, sizeof(conn->awaited), "%s", position);
	(void)snprintf(rest, sizeof(rest), ", %u.%03u)", timeout_ms / 1000, timeout_ms % 1000);
	begin_query(conn, w);
	if (position_is_in_log(position))
		write_log_position(conn, position, w);
	else
		write_gtids(position, w);
	writer_text(w, rest);
	send_step(conn, COM_QUERY, &wait_sink, w);
}

/* The text may be long: what <w> has so far is written with it, and <w> begins anew. */
static void write_prepare(struct server_conn *conn, struct query *query, struct writer *w)
{
	struct span text = query->text;
	struct iovec iov[2];
	size_t header;

	begin_steps(conn);
	query->references++;
	conn->preparing = query;
	header = w->len;
	writer_uint(w, text.len + 1, 3);
	writer_uint(w, 0, 1);
	writer_uint(w, COM_STMT_PREPARE, 1);
	if (w->bad) {
		w->len = header;
		return;
	}
	iov[0] = (struct iovec){ w->base, w->len };
	iov[1] = (struct iovec){ (void *)(uintptr_t)text.data, text.len };
	if (!server_conn_request(conn, COM_STMT_PREPARE, &prepare_sink, NULL))
		return;
	conn->restore_steps++;
	stream_writev(&conn->stream, iov, 2);
	w->len = 0;
}

void restore_write_prepare(struct server_conn *conn, struct query *query, struct writer *w)
{
	struct session_state *here = state_of_meaning(
		conn->restore_to != NULL ? conn->restore_to : conn->session_state);
	bool detour = here != query->state;

	assert(conn->preparing == NULL);
	if (here == NULL) {
		w->bad = true;
		return;
	}
	if (detour)
		write_detour(conn, here, query->state, w);
	write_prepare(conn, query, w);
	if (detour) {
		write_detour(conn, query->state, here, w);
		/* what its trackers report on the way is no news */
		if (conn->restore_to == NULL)
			conn->restore_to = state_take(conn->session_state);
	}
	state_drop(here);
}
