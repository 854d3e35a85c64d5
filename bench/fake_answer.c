/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_answer.h. */
#include "fake_answer.h"

#include <stdarg.h>

#define TYPE_LONGLONG   0x08u
#define TYPE_VAR_STRING 0xfdu
#define TYPE_STRING     0xfeu
#define CHARSET_UTF8MB4 45u
#define CHARSET_BINARY  63u
#define PACKET_ROOM     8192u	/* any packet made on the spot fits */

/* A writer behind what the output holds; close with packet_end(). */
static struct writer packet_begin(struct fake_session *s, size_t room)
{
	struct writer w;

	if (!buffer_reserve(s->out, room))
		abort();
	w = writer_over(s->out->data + s->out->len, room);
	writer_begin(&w, s->seq++);
	return w;
}

static void packet_end(struct fake_session *s, struct writer *w)
{
	if (!writer_end(w))
		abort();	/* what we write is ours; it fits */
	s->out->len += w->len;
}

void fake_track_init(struct fake_track *t)
{
	t->w = writer_over(t->bytes, sizeof(t->bytes));
}

/* <record> goes into the list of entries whole or, without room, not at all. */
static void track_entry(struct fake_track *t, enum session_track_type type,
			const struct writer *record)
{
	struct writer before = t->w;

	writer_uint(&t->w, type, 1);
	writer_lenenc_bytes(&t->w, writer_span(record));
	if (record->bad || t->w.bad)
		t->w = before;
}

void fake_track_variable(struct fake_track *t, struct span name, struct span value)
{
	uint8_t room[1024];
	struct writer record = writer_over(room, sizeof(room));

	writer_lenenc_bytes(&record, name);
	writer_lenenc_bytes(&record, value);
	track_entry(t, SESSION_TRACK_SYSTEM_VARIABLES, &record);
}

void fake_track_text(struct fake_track *t, enum session_track_type type, struct span text)
{
	uint8_t room[1024];
	struct writer record = writer_over(room, sizeof(room));

	writer_lenenc_bytes(&record, text);
	track_entry(t, type, &record);
}

void fake_track_change(struct fake_track *t)
{
	uint8_t room[1];
	struct writer record = writer_over(room, sizeof(room));

	writer_text(&record, "1");
	track_entry(t, SESSION_TRACK_STATE_CHANGE, &record);
}

void fake_answer_ok(struct fake_session *s, uint64_t affected_rows)
{
	fake_answer_ok_tracked(s, affected_rows, NULL);
}

void fake_answer_ok_tracked(struct fake_session *s, uint64_t affected_rows,
			    const struct fake_track *t)
{
	struct ok_packet ok = {
		.header = PACKET_OK,
		.affected_rows = affected_rows,
		.status = s->status,
	};
	struct writer w = packet_begin(s, PACKET_ROOM);

	if (t != NULL && t->w.len > 0 && (s->capabilities & CLIENT_SESSION_TRACK)) {
		ok.track = writer_span(&t->w);
		ok.status |= SERVER_SESSION_STATE_CHANGED;
	}
	ok_packet_write(&w, s->capabilities, &ok);
	packet_end(s, &w);
}

void fake_answer_error(struct fake_session *s, uint16_t number, const char *sqlstate,
		       const char *format, ...)
{
	char text[512];
	struct err_packet err = { .number = number, .sqlstate = span_of(sqlstate) };
	struct writer w = packet_begin(s, PACKET_ROOM);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	err.text = span_of(text);
	err_packet_write(&w, &err);
	packet_end(s, &w);
}

static void answer_definition(struct fake_session *s, struct span name, uint32_t len,
			      uint8_t type)
{
	struct writer w = packet_begin(s, PACKET_ROOM);
	uint16_t charset = type == TYPE_LONGLONG ? CHARSET_BINARY : CHARSET_UTF8MB4;

	writer_lenenc_bytes(&w, SPAN_LITERAL("def"));
	writer_zeros(&w, 3);		/* schema, table, original table */
	writer_lenenc_bytes(&w, span_head(name, 256));
	writer_zeros(&w, 1);		/* original name */
	writer_lenenc(&w, 12);		/* length of what follows */
	writer_uint(&w, charset, 2);
	writer_uint(&w, len, 4);
	writer_uint(&w, type, 1);
	writer_zeros(&w, 5);		/* flags, decimals, filler */
	packet_end(s, &w);
}

static void answer_count(struct fake_session *s, size_t columns)
{
	struct writer w = packet_begin(s, PACKET_ROOM);

	writer_lenenc(&w, columns);
	packet_end(s, &w);
}

void fake_answer_eof(struct fake_session *s)
{
	struct writer w = packet_begin(s, PACKET_ROOM);

	eof_packet_write(&w, &(struct eof_packet){ .status = s->status });
	packet_end(s, &w);
}

/* Behind definitions there is an EOF packet unless CLIENT_DEPRECATE_EOF is on. */
static void answer_definitions_end(struct fake_session *s)
{
	if (!(s->capabilities & CLIENT_DEPRECATE_EOF))
		fake_answer_eof(s);
}

static void answer_rows_end(struct fake_session *s)
{
	struct ok_packet ok = { .header = PACKET_EOF, .status = s->status };
	struct writer w;

	if (!(s->capabilities & CLIENT_DEPRECATE_EOF)) {
		fake_answer_eof(s);
		return;
	}
	w = packet_begin(s, PACKET_ROOM);
	ok_packet_write(&w, s->capabilities, &ok);
	packet_end(s, &w);
}

static void answer_row(struct fake_session *s, const struct fake_cell *cells,
		       size_t columns)
{
	size_t room = 16;
	struct writer w;

	for (size_t i = 0; i < columns; i++)
		room += 9 + cells[i].value.len;
	w = packet_begin(s, room);
	for (size_t i = 0; i < columns; i++) {
		if (cells[i].null)
			writer_uint(&w, 0xfb, 1);
		else
			writer_lenenc_bytes(&w, cells[i].value);
	}
	packet_end(s, &w);
}

void fake_answer_rows(struct fake_session *s, const struct fake_cell *cells,
		      size_t columns, size_t rows)
{
	answer_count(s, columns);
	for (size_t i = 0; i < columns; i++)
		answer_definition(s, cells[i].name, 1024,
				  cells[i].number ? TYPE_LONGLONG : TYPE_VAR_STRING);
	answer_definitions_end(s);
	for (size_t i = 0; i < rows; i++)
		answer_row(s, cells + i * columns, columns);
	answer_rows_end(s);
}

void fake_answer_prepared(struct fake_session *s, uint32_t id, size_t columns,
			  size_t parameters)
{
	struct writer w = packet_begin(s, PACKET_ROOM);

	writer_uint(&w, PACKET_OK, 1);
	writer_uint(&w, id, 4);
	writer_uint(&w, columns, 2);
	writer_uint(&w, parameters, 2);
	writer_zeros(&w, 3);		/* filler, warnings */
	packet_end(s, &w);
	for (size_t i = 0; i < parameters; i++)
		answer_definition(s, SPAN_LITERAL("?"), 0, TYPE_VAR_STRING);
	if (parameters > 0)
		answer_definitions_end(s);
	for (size_t i = 0; i < columns; i++)
		answer_definition(s, SPAN_LITERAL("c"), 480, TYPE_STRING);
	if (columns > 0)
		answer_definitions_end(s);
}

void fake_answer_text(struct fake_session *s, const char *text)
{
	struct writer w = packet_begin(s, PACKET_ROOM);

	writer_text(&w, text);
	packet_end(s, &w);
}

void fake_answer_canned(struct fake_session *s, bool binary)
{
	size_t form = (s->capabilities & CLIENT_DEPRECATE_EOF) != 0;
	const struct fake_canned *canned =
		binary ? &s->server->binary[form] : &s->server->text[form];
	size_t start = s->out->len;

	if (!buffer_append(s->out, buffer_span(&canned->bytes)))
		abort();
	for (unsigned i = 0; i < canned->status_count; i++) {
		uint8_t *at = s->out->data + start + canned->status_at[i];

		at[0] = (uint8_t)s->status;
		at[1] = (uint8_t)(s->status >> 8);
	}
}

/* A row as COM_STMT_EXECUTE sends it: no NULLs, strings only. */
static void answer_binary_row(struct fake_session *s, const struct fake_cell *cells,
			      size_t columns)
{
	struct writer w = packet_begin(s, 16 + columns * (10 + cells[0].value.len));

	writer_zeros(&w, 1 + (columns + 9) / 8);
	for (size_t i = 0; i < columns; i++)
		writer_lenenc_bytes(&w, cells[i].value);
	packet_end(s, &w);
}

static void mark_status(struct fake_canned *canned, size_t at)
{
	canned->status_at[canned->status_count++] = at;
}

/*
 * The configured result in one form.  In an EOF packet the status is its last
 * 2 bytes, in an OK packet it lies before the 2 bytes of warnings.
 */
static void can_result(struct fake_server *server, struct fake_canned *canned, bool binary,
		       bool deprecate_eof, const struct fake_cell *cells)
{
	struct fake_session s = {
		.server = server,
		.out = &canned->bytes,
		.capabilities = deprecate_eof ? CLIENT_DEPRECATE_EOF : 0,
		.seq = 1,
		.status = SERVER_STATUS_AUTOCOMMIT,
	};

	answer_count(&s, server->columns);
	for (size_t i = 0; i < server->columns; i++)
		answer_definition(&s, cells[i].name, (uint32_t)server->cell_bytes * 4,
				  TYPE_STRING);
	answer_definitions_end(&s);
	if (!deprecate_eof)
		mark_status(canned, canned->bytes.len - 2);
	for (uint64_t i = 0; i < server->rows; i++) {
		if (binary)
			answer_binary_row(&s, cells, server->columns);
		else
			answer_row(&s, cells, server->columns);
	}
	answer_rows_end(&s);
	mark_status(canned, canned->bytes.len - (deprecate_eof ? 4 : 2));
}

bool fake_server_prepare(struct fake_server *server)
{
	struct fake_cell *cells = calloc(server->columns, sizeof(*cells));
	uint8_t *value = malloc(server->cell_bytes + 1);
	bool ready = cells != NULL && value != NULL;

	for (uint64_t i = 0; ready && i < server->cell_bytes; i++)
		value[i] = (uint8_t)('0' + i % 10);
	for (uint64_t i = 0; ready && i < server->columns; i++) {
		cells[i].name = SPAN_LITERAL("c");
		cells[i].value = (struct span){ value, server->cell_bytes };
	}
	for (unsigned form = 0; ready && form < 2; form++) {
		can_result(server, &server->text[form], false, form != 0, cells);
		can_result(server, &server->binary[form], true, form != 0, cells);
	}
	free(value);
	free(cells);
	return ready;
}
