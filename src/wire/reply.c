/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OK, ERR and EOF packets, and the session-track entries in OK; see reply.h. */
#include <readmux/wire/reply.h>

/*
 * The text at the end.  The manual says that it has no length without
 * CLIENT_SESSION_TRACK; servers put one there all the same, and clients skip it.
 */
static struct span read_info(struct reader *r, bool tracks)
{
	struct reader sized = *r;
	struct span text;

	if (tracks)
		return reader_left(r) > 0 ? reader_lenenc_bytes(r) : SPAN_NONE;
	text = reader_lenenc_bytes(&sized);
	if (!reader_finish(&sized))
		return reader_rest(r);
	*r = sized;
	return text;
}

bool ok_packet_parse(struct span payload, uint64_t capabilities, struct ok_packet *ok)
{
	bool tracks = (capabilities & CLIENT_SESSION_TRACK) != 0;
	struct reader r = reader_over(payload);

	*ok = (struct ok_packet){ .header = (uint8_t)reader_uint(&r, 1) };
	if (r.bad || (ok->header != PACKET_OK && ok->header != PACKET_EOF))
		return false;
	ok->affected_rows = reader_lenenc(&r);
	ok->last_insert_id = reader_lenenc(&r);
	ok->status = (uint16_t)reader_uint(&r, 2);
	ok->warnings = (uint16_t)reader_uint(&r, 2);
	ok->info = read_info(&r, tracks);
	if (tracks && (ok->status & SERVER_SESSION_STATE_CHANGED) != 0 &&
	    reader_left(&r) > 0)
		ok->track = reader_lenenc_bytes(&r);
	(void)reader_rest(&r);		/* clients do not look at what follows */
	return reader_finish(&r);
}

void ok_packet_write(struct writer *w, uint64_t capabilities, const struct ok_packet *ok)
{
	uint16_t status = ok->status & (uint16_t)~SERVER_SESSION_STATE_CHANGED;
	bool has_track = (capabilities & CLIENT_SESSION_TRACK) != 0 && ok->track.len > 0;

	if (has_track)
		status |= SERVER_SESSION_STATE_CHANGED;
	writer_uint(w, ok->header, 1);
	writer_lenenc(w, ok->affected_rows);
	writer_lenenc(w, ok->last_insert_id);
	writer_uint(w, status, 2);
	writer_uint(w, ok->warnings, 2);
	if (ok->info.len > 0 || has_track)
		writer_lenenc_bytes(w, ok->info);
	if (has_track)
		writer_lenenc_bytes(w, ok->track);
}

bool err_packet_parse(struct span payload, struct err_packet *err)
{
	struct reader r = reader_over(payload);

	*err = (struct err_packet){ 0 };
	if (reader_uint(&r, 1) != PACKET_ERR)
		return false;
	err->number = (uint16_t)reader_uint(&r, 2);
	if (reader_left(&r) > SQLSTATE_LEN && *r.cur == '#') {
		reader_skip(&r, 1);
		err->sqlstate = reader_bytes(&r, SQLSTATE_LEN);
	}
	err->text = reader_rest(&r);
	return reader_finish(&r);
}

void err_packet_write(struct writer *w, const struct err_packet *err)
{
	writer_uint(w, PACKET_ERR, 1);
	writer_uint(w, err->number, 2);
	if (err->sqlstate.len == SQLSTATE_LEN) {
		writer_text(w, "#");
		writer_bytes(w, err->sqlstate);
	}
	writer_bytes(w, err->text);
}

bool eof_packet_parse(struct span payload, struct eof_packet *eof)
{
	struct reader r = reader_over(payload);

	*eof = (struct eof_packet){ 0 };
	if (reader_uint(&r, 1) != PACKET_EOF)
		return false;
	eof->warnings = (uint16_t)reader_uint(&r, 2);
	eof->status = (uint16_t)reader_uint(&r, 2);
	return reader_finish(&r);
}

void eof_packet_write(struct writer *w, const struct eof_packet *eof)
{
	writer_uint(w, PACKET_EOF, 1);
	writer_uint(w, eof->warnings, 2);
	writer_uint(w, eof->status, 2);
}

struct track_reader track_over(struct span track)
{
	return (struct track_reader){
		.outer = reader_over(track),
		.pairs = reader_over(SPAN_NONE),
	};
}

/* Next name/value pair of the SYSTEM_VARIABLES record under way. */
static bool next_pair(struct track_reader *t, struct track_entry *entry)
{
	entry->type = SESSION_TRACK_SYSTEM_VARIABLES;
	entry->raw = t->raw;
	entry->name = reader_lenenc_bytes(&t->pairs);
	entry->value = reader_lenenc_bytes(&t->pairs);
	if (t->pairs.bad)
		t->outer.bad = true;
	return !t->pairs.bad;
}

/* The value inside a record that is not about system variables. */
static struct span record_value(uint64_t type, struct reader *r)
{
	switch (type) {
	case SESSION_TRACK_STATE_CHANGE:
		/* "1" or "0" without a length of its own, whatever the manual says */
		return reader_left(r) == 1 ? reader_rest(r) : reader_lenenc_bytes(r);
	case SESSION_TRACK_GTIDS:
		reader_skip(r, 1);	/* encoding; 0 is text */
		return reader_lenenc_bytes(r);
	case SESSION_TRACK_SCHEMA:
	case SESSION_TRACK_TRANSACTION_CHARACTERISTICS:
	case SESSION_TRACK_TRANSACTION_STATE:
		return reader_lenenc_bytes(r);
	default:
		return reader_rest(r);	/* a type of a later server */
	}
}

/* Next record; for SYSTEM_VARIABLES its first pair. */
static bool next_record(struct track_reader *t, struct track_entry *entry)
{
	const uint8_t *start = t->outer.cur;
	uint64_t type = reader_uint(&t->outer, 1);
	struct reader r = reader_over(reader_lenenc_bytes(&t->outer));

	if (t->outer.bad)
		return false;
	t->raw = (struct span){ start, (size_t)(t->outer.cur - start) };
	*entry = (struct track_entry){
		.type = (enum session_track_type)type,
		.raw = t->raw,
	};
	if (type == SESSION_TRACK_SYSTEM_VARIABLES) {
		t->pairs = r;
		return next_pair(t, entry);
	}
	entry->value = record_value(type, &r);
	t->outer.bad = r.bad;
	return !r.bad;
}

bool track_next(struct track_reader *t, struct track_entry *entry)
{
	if (reader_left(&t->pairs) > 0)
		return next_pair(t, entry);
	return reader_left(&t->outer) > 0 && next_record(t, entry);
}
