/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as an OK, ERR or EOF packet.  The first byte says whether
 * CLIENT_SESSION_TRACK was agreed.
 *
 * Beyond not crashing: spans lie in the packet, the track entries of a good block
 * cover all of it, and a packet means the same after it was written and read again.
 */
#include <readmux/wire/reply.h>

#include "spans.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t memory[1 << 20];

static void check_entry(const struct track_entry *entry, struct span track)
{
	must(entry->raw.len >= 2 && inside(entry->raw, track));
	must(inside(entry->name, entry->raw) && inside(entry->value, entry->raw));
	must(entry->name.len == 0 || entry->type == SESSION_TRACK_SYSTEM_VARIABLES);
}

static void walk_track(struct span track)
{
	struct track_reader r = track_over(track);
	struct track_entry entry;
	const uint8_t *last = NULL;
	size_t covered = 0, entries = 0;

	while (track_next(&r, &entry)) {
		check_entry(&entry, track);
		must(++entries <= track.len);
		if (entry.raw.data != last)
			covered += entry.raw.len;
		last = entry.raw.data;
	}
	must(r.outer.bad ? covered <= track.len : covered == track.len);
}

static void try_ok(struct span payload, uint64_t capabilities)
{
	struct writer w = writer_over(memory, sizeof(memory));
	struct ok_packet ok, again;

	if (!ok_packet_parse(payload, capabilities, &ok))
		return;
	must(inside(ok.info, payload) && inside(ok.track, payload));
	must(ok.track.len == 0 || capabilities != 0);
	walk_track(ok.track);
	ok_packet_write(&w, capabilities, &ok);
	if (w.bad)
		return;
	must(ok_packet_parse(writer_span(&w), capabilities, &again));
	must(ok.header == again.header && ok.affected_rows == again.affected_rows);
	must(ok.last_insert_id == again.last_insert_id && ok.warnings == again.warnings);
	must(((ok.status ^ again.status) & ~SERVER_SESSION_STATE_CHANGED) == 0);
	must(((again.status & SERVER_SESSION_STATE_CHANGED) != 0) == (ok.track.len > 0));
	must(span_equal(ok.info, again.info) && span_equal(ok.track, again.track));
}

static void try_err(struct span payload)
{
	struct writer w = writer_over(memory, sizeof(memory));
	struct err_packet err;

	if (!err_packet_parse(payload, &err))
		return;
	must(inside(err.sqlstate, payload) && inside(err.text, payload));
	must(err.sqlstate.len == 0 || err.sqlstate.len == SQLSTATE_LEN);
	err_packet_write(&w, &err);
	must(w.bad || span_equal(writer_span(&w), payload));
}

static void try_eof(struct span payload)
{
	struct writer w = writer_over(memory, sizeof(memory));
	struct eof_packet eof;

	if (!eof_packet_parse(payload, &eof))
		return;
	eof_packet_write(&w, &eof);
	must(!w.bad && span_equal(writer_span(&w), payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span payload;

	if (len == 0)
		return 0;
	payload = (struct span){ data + 1, len - 1 };
	try_ok(payload, (data[0] & 1) != 0 ? CLIENT_SESSION_TRACK : 0);
	try_err(payload);
	try_eof(payload);
	walk_track(payload);
	return 0;
}
