/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The result tracker; see result.h.
 *
 * A phase says what kind of packet may come.  Data packets (definitions, rows,
 * continuations) are stepped over by their headers and gathered into one run;
 * every other packet is handed out alone and may change the phase.
 */
#include <readmux/wire/result.h>

/*
 * Packets up to this size are passed on whole, so that a response which
 * breaks off does so between packets.  Fits what a receiver holds in front of a
 * read (LOOP_HEADROOM).
 */
#define WHOLE_PACKET_MAX 8192u

#define OLD_EOF_MAX      9u	/* an EOF packet of the old form is shorter */
#define PROGRESS_NUMBER  0xffffu

enum phase {
	PHASE_FIRST,		/* OK, ERR, LOCAL INFILE, or a column count */
	PHASE_DEFINITIONS,
	PHASE_DEFINITIONS_EOF,	/* the old EOF packet behind them */
	PHASE_ROWS,
	PHASE_FIELDS,		/* definitions up to an end, uncounted */
	PHASE_TEXT,
	PHASE_LOGIN,
	PHASE_STREAM,
};

void result_expect(struct result *r, uint8_t command, uint64_t capabilities)
{
	enum response_shape shape = command_info(command)->response;
	static const uint8_t first[] = {
		[RESPONSE_TEXT] = PHASE_TEXT,
		[RESPONSE_FETCH] = PHASE_ROWS,
		[RESPONSE_FIELDS] = PHASE_FIELDS,
		[RESPONSE_LOGIN] = PHASE_LOGIN,
		[RESPONSE_STREAM] = PHASE_STREAM,
		[RESPONSE_REFUSED] = PHASE_FIRST,
	};

	*r = (struct result){
		.shape = (uint8_t)shape,
		.phase = first[shape],
		.deprecate_eof = (capabilities & CLIENT_DEPRECATE_EOF) != 0,
		.optional_metadata = (capabilities & CLIENT_OPTIONAL_RESULTSET_METADATA) != 0,
		.cache_metadata = (capabilities & MARIADB_CLIENT_CACHE_METADATA) != 0,
		.binary = command == COM_STMT_EXECUTE || command == COM_STMT_BULK_EXECUTE,
	};
}

static void broken(struct result_step *step, const char *problem)
{
	*step = (struct result_step){ .kind = RESULT_BROKEN, .problem = problem };
}

/* --- what a packet is, by header and first byte ------------------------------- */

static bool ends_rows(const struct result *r, uint32_t len, uint8_t first)
{
	if (first == PACKET_ERR)
		return true;
	if (first != PACKET_EOF)
		return false;
	return r->deprecate_eof ? len < PACKET_PAYLOAD_MAX : len < OLD_EOF_MAX;
}

/* True when the packet is definitions or rows: nobody needs to look into it. */
static bool is_data(const struct result *r, uint32_t len, uint8_t first)
{
	switch ((enum phase)r->phase) {
	case PHASE_DEFINITIONS:
		return first != PACKET_ERR;
	case PHASE_ROWS:
	case PHASE_FIELDS:
		return !ends_rows(r, len, first);
	case PHASE_STREAM:
		return true;
	case PHASE_FIRST:
	case PHASE_DEFINITIONS_EOF:
	case PHASE_TEXT:
	case PHASE_LOGIN:
		return false;
	}
	return false;
}

/* --- changes of phase ---------------------------------------------------------- */

/* The definitions of one group are over.  True when the response is. */
static bool definitions_over(struct result *r)
{
	if (r->shape != RESPONSE_PREPARE) {
		r->phase = PHASE_ROWS;
		return false;
	}
	if (r->definitions_next == 0)
		return true;
	r->definitions = r->definitions_next;
	r->definitions_next = 0;
	r->phase = PHASE_DEFINITIONS;
	return false;
}

/* A data packet begins.  Returns true when it is the response's last. */
static bool count_data(struct result *r, bool *row)
{
	if (r->phase == PHASE_ROWS) {
		r->rows++;
		*row = true;
		return false;
	}
	if (r->phase != PHASE_DEFINITIONS || --r->definitions > 0)
		return false;
	if (r->deprecate_eof)
		return definitions_over(r);
	r->phase = PHASE_DEFINITIONS_EOF;
	return false;
}

/* An OK, EOF or ERR ended a result; another may follow.  True when none does. */
static bool result_over(struct result *r)
{
	if ((r->status & SERVER_MORE_RESULTS_EXISTS) == 0)
		return true;
	r->phase = PHASE_FIRST;
	return false;
}

static void note_status(struct result *r, uint16_t status, uint16_t warnings)
{
	r->status = status;
	r->warnings = warnings;
}

static bool take_ok(struct result *r, struct span payload)
{
	struct ok_packet ok;

	/* the part before the text is the same whatever was agreed */
	if (!ok_packet_parse(payload, 0, &ok))
		return false;
	note_status(r, ok.status, ok.warnings);
	return true;
}

static bool take_eof(struct result *r, struct span payload)
{
	struct eof_packet eof;

	if (!eof_packet_parse(payload, &eof))
		return false;
	note_status(r, eof.status, eof.warnings);
	return true;
}

/* The column count, with the flags that may stand beside it. */
static bool take_column_count(struct result *r, struct span payload)
{
	struct reader in = reader_over(payload);
	bool follow = true;

	if (r->optional_metadata)
		follow = reader_uint(&in, 1) != 0;
	r->definitions = reader_lenenc(&in);
	if (r->cache_metadata)
		follow = reader_uint(&in, 1) != 0;
	if (!reader_finish(&in) || r->definitions == 0)
		return false;
	if (!follow)
		r->definitions = 0;
	r->phase = PHASE_DEFINITIONS;
	if (r->definitions == 0)
		r->phase = r->deprecate_eof ? PHASE_ROWS : PHASE_DEFINITIONS_EOF;
	return true;
}

/* COM_STMT_PREPARE_OK: counts of columns and parameters.  <last> when both are 0. */
static bool take_prepare_ok(struct result *r, struct span payload, bool *last)
{
	struct reader in = reader_over(payload);
	uint64_t columns, parameters;
	bool follow = true;

	reader_skip(&in, 5);		/* 0x00, statement id */
	columns = reader_uint(&in, 2);
	parameters = reader_uint(&in, 2);
	reader_skip(&in, 1);
	r->warnings = (uint16_t)reader_uint(&in, 2);
	if (in.bad)
		return false;
	if (r->optional_metadata && reader_left(&in) > 0)
		follow = reader_uint(&in, 1) != 0;
	*last = !follow || columns + parameters == 0;
	r->phase = PHASE_DEFINITIONS;
	r->definitions = parameters > 0 ? parameters : columns;
	r->definitions_next = parameters > 0 ? columns : 0;
	return true;
}

/* --- packets that matter --------------------------------------------------------- */

static bool take_err(struct result *r, struct result_step *step)
{
	struct reader in = reader_over(step->payload);

	reader_skip(&in, 1);
	if (reader_uint(&in, 2) == PROGRESS_NUMBER) {
		step->packet = RESULT_PACKET_PROGRESS;
		return !in.bad;
	}
	(void)r;
	step->packet = RESULT_PACKET_ERR;
	step->last = true;
	return !in.bad;
}

/* Optional metadata puts a flag before the column count; 0 there is not an OK packet. */
static bool is_ok(const struct result *r, struct span payload)
{
	return payload.data[0] == PACKET_OK && !(r->optional_metadata && payload.len < 7);
}

static bool take_first(struct result *r, struct result_step *step)
{
	uint8_t first = step->payload.data[0];

	if (r->shape == RESPONSE_PREPARE && first == PACKET_OK) {
		step->packet = RESULT_PACKET_HEAD;
		return take_prepare_ok(r, step->payload, &step->last);
	}
	if (is_ok(r, step->payload)) {
		step->packet = RESULT_PACKET_OK;
		if (!take_ok(r, step->payload))
			return false;
		step->last = result_over(r);
		return true;
	}
	if (first == PACKET_EOF && step->payload.len < OLD_EOF_MAX) {
		step->packet = RESULT_PACKET_EOF;	/* COM_SET_OPTION, COM_DEBUG */
		step->last = true;
		return take_eof(r, step->payload);
	}
	if (r->shape == RESPONSE_SIMPLE)
		return false;
	if (first == PACKET_LOCAL_INFILE) {
		step->packet = RESULT_PACKET_LOCAL_INFILE;
		return true;
	}
	step->packet = RESULT_PACKET_HEAD;
	return take_column_count(r, step->payload);
}

static bool take_definitions_eof(struct result *r, struct result_step *step)
{
	step->packet = RESULT_PACKET_EOF;
	if (!take_eof(r, step->payload))
		return false;
	step->last = definitions_over(r) ||
		     (r->binary && (r->status & SERVER_STATUS_CURSOR_EXISTS) != 0);
	return true;
}

static bool take_rows_end(struct result *r, struct result_step *step)
{
	if (r->deprecate_eof) {
		step->packet = RESULT_PACKET_OK;
		if (!take_ok(r, step->payload))
			return false;
	} else {
		step->packet = RESULT_PACKET_EOF;
		if (!take_eof(r, step->payload))
			return false;
	}
	step->last = result_over(r);
	return true;
}

static bool take_login(struct result_step *step)
{
	uint8_t first = step->payload.data[0];

	step->packet = first == PACKET_OK ? RESULT_PACKET_OK : RESULT_PACKET_TEXT;
	step->last = first == PACKET_OK;
	return true;
}

static bool take_packet(struct result *r, struct result_step *step)
{
	if (step->payload.len == 0)
		return false;
	if (step->payload.data[0] == PACKET_ERR)
		return take_err(r, step);
	switch ((enum phase)r->phase) {
	case PHASE_FIRST:
		return take_first(r, step);
	case PHASE_DEFINITIONS_EOF:
		return take_definitions_eof(r, step);
	case PHASE_ROWS:
	case PHASE_FIELDS:
		return take_rows_end(r, step);
	case PHASE_TEXT:
		step->packet = RESULT_PACKET_TEXT;
		step->last = true;
		return true;
	case PHASE_LOGIN:
		return take_login(step);
	case PHASE_DEFINITIONS:
	case PHASE_STREAM:
		break;
	}
	return false;
}

/* --- steps ------------------------------------------------------------------------ */

static void need(struct result_step *step, size_t bytes)
{
	*step = (struct result_step){ .kind = RESULT_NEED, .need = bytes };
}

/* One packet that matters at the front of <bytes>. */
static void step_packet(struct result *r, struct span bytes, struct frame f,
			struct result_step *step)
{
	size_t whole = PACKET_HEADER_LEN + (size_t)f.len;

	if (f.len == PACKET_PAYLOAD_MAX) {
		broken(step, "a packet that must be short is 16 MiB long");
		return;
	}
	if (bytes.len < whole) {
		need(step, whole);
		return;
	}
	*step = (struct result_step){
		.kind = RESULT_PACKET,
		.len = whole,
		.payload = { bytes.data + PACKET_HEADER_LEN, f.len },
		.seq = f.seq,
	};
	if (!take_packet(r, step))
		broken(step, "a packet that fits nowhere in the response");
}

/* What a run of data packets has come to. */
struct run {
	size_t len;
	bool   row;
	bool   last;
};

/* Take the rest of a packet that was passed on in part.  True when it is complete. */
static bool run_rest(struct result *r, struct span bytes, struct run *run)
{
	size_t n = r->pass < bytes.len - run->len ? (size_t)r->pass : bytes.len - run->len;

	run->len += n;
	r->pass -= n;
	run->row |= r->phase == PHASE_ROWS && n > 0;
	if (r->pass == 0 && r->ending)
		run->last = true;
	return r->pass == 0;
}

/*
 * Take one data packet, in part if it is large.  False when it has to wait
 * for more bytes.
 */
static bool run_packet(struct result *r, size_t left, struct frame f, struct run *run)
{
	size_t whole = PACKET_HEADER_LEN + (size_t)f.len;
	bool last;

	if (left < whole && whole <= WHOLE_PACKET_MAX)
		return false;
	last = !r->continued && count_data(r, &run->row);
	r->continued = f.len == PACKET_PAYLOAD_MAX;
	r->seq = f.seq;
	if (left >= whole) {
		run->len += whole;
		run->last = last;
		return true;
	}
	r->pass = whole;
	r->ending = last;
	return true;
}

static void give_run(const struct run *run, size_t needed, struct result_step *step)
{
	if (run->len == 0) {
		need(step, needed);
		return;
	}
	*step = (struct result_step){
		.kind = RESULT_PASS,
		.len = run->len,
		.row = run->row,
		.last = run->last,
	};
}

void result_step(struct result *r, struct span bytes, struct result_step *step)
{
	struct run run = { 0 };

	for (;;) {
		const uint8_t *at = bytes.data + run.len;
		size_t left = bytes.len - run.len;
		struct frame f;

		if (r->pass > 0) {
			if (!run_rest(r, bytes, &run) || run.last)
				break;
			continue;
		}
		if (left < PACKET_HEADER_LEN)
			break;
		f = frame_at(at);
		if (left == PACKET_HEADER_LEN && f.len > 0)
			break;
		if (!r->continued && (f.len == 0 || !is_data(r, f.len, at[PACKET_HEADER_LEN]))) {
			if (run.len > 0)
				break;
			r->seq = f.seq;
			step_packet(r, bytes, f, step);
			return;
		}
		if (!run_packet(r, left, f, &run) || run.last)
			break;
	}
	give_run(&run, bytes.len + 1, step);
}
