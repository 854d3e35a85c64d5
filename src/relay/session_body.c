/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that are passed on while they arrive: statements too long to hold, and
 * local files.
 */
#include <readmux/relay/session_parts.h>

void body_start(struct session *s, struct span packet)
{
	struct frame frame = frame_at(packet.data);
	size_t here = size_min(frame.len, packet.len - PACKET_HEADER_LEN);

	s->body = (struct body){
		.kind = BODY_STATEMENT,
		.left = frame.len - (uint32_t)here,
		.continued = frame.len == PACKET_PAYLOAD_MAX,
	};
	stream_pause(&s->stream);
}

static void body_complete(struct session *s)
{
	bool file = s->body.kind == BODY_FILE;
	enum rmx_error failure = s->body.failure;

	s->body = (struct body){ 0 };
	stream_pause(&s->stream);
	if (failure == RMX_OK) {
		if (command_info(s->st.command)->response == RESPONSE_NONE)
			statement_unanswered(s);
		return;
	}
	(void)file;
	session_send_error(s, failure, "its server");
	s->st.failed = true;
	if (failure == RMX_OUTCOME_UNKNOWN)
		session_forget_attachment(s);
	statement_done(s);
}

/* Pass <bytes> on, or drop them when there is nobody left to pass them to. */
static void pass_body(struct session *s, struct span bytes)
{
	if (s->conn == NULL || s->body.failure != RMX_OK)
		return;
	stream_write(&s->conn->stream, bytes);
	if (s->conn != NULL && stream_queued(&s->conn->stream) > STREAM_HIGH_WATER)
		stream_pause(&s->stream);
}

/* The header of the body's next packet, which may arrive byte by byte. */
static size_t body_header(struct session *s, struct span bytes)
{
	struct body *b = &s->body;
	size_t n = size_min(bytes.len, (size_t)(PACKET_HEADER_LEN - b->header_len));
	struct frame frame;

	memcpy(b->header + b->header_len, bytes.data, n);
	b->header_len = (uint8_t)(b->header_len + n);
	if (b->header_len < PACKET_HEADER_LEN)
		return n;
	frame = frame_at(b->header);
	b->header_len = 0;
	b->left = frame.len;
	b->continued = b->kind == BODY_FILE ? frame.len > 0 : frame.len == PACKET_PAYLOAD_MAX;
	s->st.seq = frame.seq;
	pass_body(s, (struct span){ b->header, PACKET_HEADER_LEN });
	return n;
}

size_t body_bytes(struct session *s, struct span bytes)
{
	struct body *b = &s->body;
	size_t n = 0;

	if (s->phase != SESSION_RUNNING && b->failure == RMX_OK)
		return 0;		/* not sent yet: its start waits for a server */
	if (b->left > 0) {
		n = size_min(bytes.len, b->left);
		b->left -= (uint32_t)n;
		pass_body(s, span_head(bytes, n));
	} else if (b->continued) {
		n = body_header(s, bytes);
	}
	if (b->left == 0 && !b->continued && b->header_len == 0)
		body_complete(s);
	return n;
}
