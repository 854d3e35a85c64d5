/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The result tracker; see result.h.
 *
 * A phase says what kind of packet may come.  Data packets (definitions, rows,
 * continuations) are stepped over by their headers and gathered into one run;
 * every other packet is handed out alone and may change the phase.
 */
#include <readmux/wire/result.h>

/* Packets up to this size are given out whole; see result.h. */
#define WHOLE_PACKET_MAX (1024u * 1024u)

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
		.optional_metadata =
			(capabilities & CLIENT_OPTIONAL_RESULTSET_METADATA) != 0,
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
		return first != PACKET_ERR && (first != PACKET_EOF || len >= OLD_EOF_MAX);
	case PHASE_FIRST:
	case PHASE_DEFINITIONS_EOF:
	case PHASE_TEXT:
	case PHASE_LOGIN:
		return false;
	}
	return false;
}

/* --- changes of phase ---------------------------------------------------------- */

static bool definitions_over(struct result *r);

/*
 * <count> definitions come next.  With <follow> false they are left out, but
 * not the old EOF packet behind them.  True when the response is over.
 */
static bool definitions_begin(struct result *r, uint64_t count, bool follow)
{
	r->definitions = count;
	r->phase = PHASE_DEFINITIONS;
	if (follow)
		return false;
	if (r->deprecate_eof)
		return definitions_over(r);
	r->phase = PHASE_DEFINITIONS_EOF;
	return false;
}

/* The definitions of one group are over.  True when the response is. */
static bool definitions_over(struct result *r)
{
	uint64_t next = r->definitions_next;

	if (r->shape != RESPONSE_PREPARE) {
		r->phase = PHASE_ROWS;
		return false;
	}
	r->definitions_next = 0;
	return next == 0 || definitions_begin(r, next, r->metadata_follows);
}

/* A data packet begins: note what it is, and whether it is the response's last. */
static void data_begin(struct result *r)
{
	r->in_row = r->phase == PHASE_ROWS;
	r->ending = false;
	if (r->in_row) {
		r->rows++;
		return;
	}
	if (r->phase != PHASE_DEFINITIONS || --r->definitions > 0)
		return;
	if (r->deprecate_eof)
		r->ending = definitions_over(r);
	else
		r->phase = PHASE_DEFINITIONS_EOF;
}

/* An OK or EOF with <status> ended a result.  True when no other follows. */
static bool result_over(struct result *r, uint16_t status)
{
	if ((status & SERVER_MORE_RESULTS_EXISTS) == 0)
		return true;
	r->phase = PHASE_FIRST;
	return false;
}

static void note_status(struct result *r, uint16_t status, uint16_t warnings)
{
	r->status = status;
	r->warnings = warnings;
}

/*
 * MySQL says that the OK packet of a CALL follows its OUT parameters in the EOF
 * packet behind their definitions only, not in the one behind their row.
 */
static bool call_ends_later(const struct result *r)
{
	return (r->status & SERVER_PS_OUT_PARAMS) != 0 &&
	       (r->status & SERVER_MORE_RESULTS_EXISTS) != 0;
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

/*
 * The column count, with the flag that may stand behind it.  (MySQL's manual
 * shows the flag in front; its server and its client library put it behind.)
 */
static bool take_column_count(struct result *r, struct span payload)
{
	struct reader in = reader_over(payload);
	uint64_t count = reader_lenenc(&in);
	bool follow = true;

	if (r->optional_metadata || r->cache_metadata)
		follow = reader_uint(&in, 1) != 0;
	if (!reader_finish(&in) || count == 0)
		return false;
	(void)definitions_begin(r, count, follow);
	return true;
}

/* COM_STMT_PREPARE_OK: counts of columns and parameters.  <last> when both are 0. */
static bool take_prepare_ok(struct result *r, struct span payload, bool *last)
{
	struct reader in = reader_over(payload);
	uint64_t columns, parameters;

	reader_skip(&in, 5);		/* 0x00, statement id */
	columns = reader_uint(&in, 2);
	parameters = reader_uint(&in, 2);
	reader_skip(&in, 1);
	r->warnings = (uint16_t)reader_uint(&in, 2);
	if (in.bad)
		return false;
	r->metadata_follows = true;
	if (r->optional_metadata && reader_left(&in) > 0)
		r->metadata_follows = reader_uint(&in, 1) != 0;
	r->definitions_next = parameters > 0 ? columns : 0;
	if (parameters == 0)
		parameters = columns;
	*last = parameters == 0 || definitions_begin(r, parameters, r->metadata_follows);
	return true;
}

/* --- packets that matter --------------------------------------------------------- */

static bool take_err(struct result_step *step)
{
	struct reader in = reader_over(step->payload);

	reader_skip(&in, 1);
	if (reader_uint(&in, 2) == PROGRESS_NUMBER) {
		step->packet = RESULT_PACKET_PROGRESS;
		return !in.bad;
	}
	step->packet = RESULT_PACKET_ERR;
	step->last = true;
	return !in.bad;
}

/* The packet that ends rows, or that answers COM_SET_OPTION and COM_DEBUG. */
static bool take_end(struct result *r, struct result_step *step)
{
	bool later = r->phase == PHASE_ROWS && !r->deprecate_eof && call_ends_later(r);
	uint16_t more = later ? SERVER_MORE_RESULTS_EXISTS : 0;

	step->packet = r->deprecate_eof ? RESULT_PACKET_OK : RESULT_PACKET_EOF;
	if (r->deprecate_eof ? !take_ok(r, step->payload) : !take_eof(r, step->payload))
		return false;
	step->last = result_over(r, r->status | more);
	return true;
}

static bool take_first(struct result *r, struct result_step *step)
{
	uint8_t first = step->payload.data[0];

	if (first == PACKET_OK && r->shape == RESPONSE_PREPARE) {
		step->packet = RESULT_PACKET_HEAD;
		return take_prepare_ok(r, step->payload, &step->last);
	}
	if (first == PACKET_OK) {
		step->packet = RESULT_PACKET_OK;
		if (!take_ok(r, step->payload))
			return false;
		step->last = result_over(r, r->status);
		return true;
	}
	if (r->shape == RESPONSE_PREPARE)
		return false;
	if (first == PACKET_EOF)
		return take_end(r, step);
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

/* An OK packet ends it; what comes before is between client and server. */
static bool take_login(struct result *r, struct result_step *step)
{
	step->last = step->payload.data[0] == PACKET_OK;
	step->packet = step->last ? RESULT_PACKET_OK : RESULT_PACKET_TEXT;
	return !step->last || take_ok(r, step->payload);
}

static bool take_packet(struct result *r, struct result_step *step)
{
	if (step->payload.len == 0)
		return false;
	if (step->payload.data[0] == PACKET_ERR)
		return take_err(step);
	switch ((enum phase)r->phase) {
	case PHASE_FIRST:
		return take_first(r, step);
	case PHASE_DEFINITIONS_EOF:
		return take_definitions_eof(r, step);
	case PHASE_ROWS:
	case PHASE_FIELDS:
		return take_end(r, step);
	case PHASE_TEXT:
		step->packet = RESULT_PACKET_TEXT;
		step->last = true;
		return true;
	case PHASE_LOGIN:
		return take_login(r, step);
	case PHASE_STREAM:
		step->packet = RESULT_PACKET_EOF;
		step->last = true;
		return take_eof(r, step->payload);
	case PHASE_DEFINITIONS:
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
	r->seq = f.seq;
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
	size_t need;	/* when the run is empty: bytes to see more */
	bool   row;
	bool   last;
};

/* Take the rest of a packet that was passed on in part.  False when more is to come. */
static bool run_rest(struct result *r, size_t left, struct run *run)
{
	size_t n = r->pass < left ? (size_t)r->pass : left;

	run->len += n;
	run->row |= r->in_row && n > 0;
	r->pass -= n;
	if (r->pass > 0)
		return false;
	run->last = r->ending && !r->continued;
	return true;
}

/* Take one data packet, in part if it is large.  False when it has to wait for bytes. */
static bool run_packet(struct result *r, size_t left, struct frame f, struct run *run)
{
	size_t whole = PACKET_HEADER_LEN + (size_t)f.len;

	if (left < whole && whole <= WHOLE_PACKET_MAX) {
		run->need = whole;
		return false;
	}
	if (!r->continued)
		data_begin(r);
	r->continued = f.len == PACKET_PAYLOAD_MAX;
	r->seq = f.seq;
	run->row |= r->in_row;
	if (left < whole) {
		r->pass = whole;	/* run_rest() takes what is there */
		return true;
	}
	run->len += whole;
	run->last = r->ending && !r->continued;
	return true;
}

static void give_run(const struct run *run, struct result_step *step)
{
	if (run->len == 0) {
		need(step, run->need);
		return;
	}
	*step = (struct result_step){
		.kind = RESULT_PASS,
		.len = run->len,
		.row = run->row,
		.last = run->last,
	};
}

/* True when the header of the next packet, and its first byte if it has one, are there. */
static bool can_look(const uint8_t *at, size_t left)
{
	return left > PACKET_HEADER_LEN ||
	       (left == PACKET_HEADER_LEN && frame_at(at).len == 0);
}

void result_step(struct result *r, struct span bytes, struct result_step *step)
{
	struct run run = { .need = bytes.len + 1 };

	while (!run.last) {
		size_t left = bytes.len - run.len;
		const uint8_t *at;
		struct frame f;

		if (r->pass > 0) {
			if (!run_rest(r, left, &run))
				break;
			continue;
		}
		if (left == 0)
			break;
		at = bytes.data + run.len;
		if (!can_look(at, left)) {
			run.need = PACKET_HEADER_LEN + (left >= PACKET_HEADER_LEN);
			break;
		}
		f = frame_at(at);
		if (!r->continued &&
		    (f.len == 0 || !is_data(r, f.len, at[PACKET_HEADER_LEN]))) {
			if (run.len > 0)
				break;
			step_packet(r, bytes, f, step);
			return;
		}
		if (!run_packet(r, left, f, &run))
			break;
	}
	give_run(&run, step);
}
