/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only a server connection knows of a session's last statement; see diagnostics.h. */
#include <readmux/relay/diagnostics.h>
#include <readmux/wire/reader.h>

static void let_go(struct kept *k)
{
	buffer_free(&k->bytes);
	free(k);
}

void diagnostics_drop(struct diagnostics *d)
{
	struct kept *k = d->kept;

	d->kept = NULL;
	if (k == NULL)
		return;
	k->owner = NULL;
	if (k->open == 0)
		let_go(k);
}

/* One answer less to come; the last one tells the owner. */
static void close_one(struct kept *k)
{
	struct diagnostics *d = k->owner;

	if (--k->open > 0)
		return;
	if (d == NULL)
		let_go(k);
	else
		d->settled(d);
}

static void answer_end(void *arg, struct server_conn *conn)
{
	(void)conn;
	close_one(arg);
}

/* --- SHOW WARNINGS ---------------------------------------------------------------- */

/* More than is kept, or a failure: what there is is of no use. */
static void spoil(struct kept *k)
{
	k->has_warnings = false;
	buffer_free(&k->bytes);
}

static void keep(struct kept *k, struct span bytes)
{
	if (k->has_warnings && (k->bytes.len + bytes.len > DIAGNOSTICS_MAX ||
				!buffer_append(&k->bytes, bytes)))
		spoil(k);
}

static void warnings_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	(void)row;
	(void)conn;
	keep(arg, bytes);
}

static void warnings_packet(void *arg, struct server_conn *conn, const struct result_step *step,
			    struct span raw, const struct ok_packet *ok)
{
	struct kept *k = arg;

	if (step->packet == RESULT_PACKET_ERR)
		spoil(k);
	else if (!step->last)
		keep(k, raw);
	else
		k->warnings = ok != NULL ? ok->warnings : conn->result.warnings;
}

/* A packet's bytes at <at>, with its header; empty at the end. */
static struct span packet_at(const struct kept *k, size_t at)
{
	struct span rest = span_from(buffer_span(&k->bytes), at), payload;
	struct frame frame;

	if (!frame_cut(rest, &frame, &payload))
		return SPAN_NONE;
	return span_head(rest, PACKET_HEADER_LEN + payload.len);
}

/* The number of columns, each column, and an EOF unless that is deprecated. */
static void count_rows(struct kept *k, const struct server_conn *conn)
{
	unsigned before = 1 + 3 + ((conn->capabilities & CLIENT_DEPRECATE_EOF) == 0);
	struct span packet;
	size_t at = 0;

	for (unsigned n = 0; (packet = packet_at(k, at)).len > 0; n++) {
		struct reader row = reader_over(span_from(packet, PACKET_HEADER_LEN));

		at += packet.len;
		if (n < before) {
			k->head = at;
			continue;
		}
		k->rows++;
		k->errors += span_is(reader_lenenc_bytes(&row), "Error");
	}
	if (at != k->bytes.len || k->head == 0)
		spoil(k);
}

static void warnings_end(void *arg, struct server_conn *conn)
{
	struct kept *k = arg;

	if (k->has_warnings)
		count_rows(k, conn);
	close_one(k);
}

static void warnings_lost(void *arg, struct server_conn *conn)
{
	(void)conn;
	spoil(arg);
	close_one(arg);
}

static const struct sink_ops warnings_sink = {
	.pass = warnings_pass,
	.packet = warnings_packet,
	.batch_end = server_conn_drop_news,
	.end = warnings_end,
	.lost = warnings_lost,
};

/* --- SELECT FOUND_ROWS() ------------------------------------------------------------ */

static void found_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	struct kept *k = arg;
	struct span number = span_from(frame_last(bytes), PACKET_HEADER_LEN + 1);

	(void)conn;
	if (row)
		k->has_found_rows = span_to_u64(number, &k->found_rows);
}

static const struct sink_ops found_sink = {
	.pass = found_pass,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = answer_end,
	.lost = answer_end,
};

/* --- asking -------------------------------------------------------------------------- */

static void ask(struct server_conn *conn, struct kept *k, const char *sql,
		const struct sink_ops *sink, struct writer *w)
{
	if (conn->state != SERVER_CONN_CLOSED && server_conn_ask(conn, sql, sink, k, w))
		k->open++;
}

void diagnostics_save(struct server_conn *conn)
{
	struct diagnostics *d = conn->diagnostics;
	uint8_t memory[128];
	struct writer w = writer_over(memory, sizeof(memory));
	uint8_t what = conn->precious;
	struct kept *k;

	if (d == NULL || what == 0 || conn->disturbed)
		return;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return;
	diagnostics_drop(d);
	conn->precious = 0;
	conn->diagnostics = NULL;
	k->owner = d;
	d->kept = k;
	k->has_warnings = (what & KEEP_WARNINGS) != 0;
	k->open = 1;		/* until both are sent */
	if (k->has_warnings)
		ask(conn, k, "SHOW WARNINGS", &warnings_sink, &w);
	conn->warned |= (what & KEEP_FOUND_ROWS) != 0;	/* MySQL warns of the function */
	if ((what & KEEP_FOUND_ROWS) != 0)
		ask(conn, k, "SELECT FOUND_ROWS()", &found_sink, &w);
	if (conn->state != SERVER_CONN_CLOSED)
		stream_write(&conn->stream, writer_span(&w));
	close_one(k);
}
