/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OK, ERR and EOF packets: reading them, writing them, and taking entries out
 * of an OK packet that its receiver did not ask for.
 *
 * Source: page_protocol_basic_ok_packet, _err_packet, _eof_packet.  <capabilities>
 * are always those agreed on the connection the packet is for.
 */
#ifndef READMUX_WIRE_REPLY_H
#define READMUX_WIRE_REPLY_H

#include <readmux/base/span.h>
#include <readmux/wire/protocol.h>
#include <readmux/wire/reader.h>
#include <readmux/wire/writer.h>

struct ok_packet {
	uint8_t     header;	/* PACKET_OK, or PACKET_EOF at the end of a result set */
	uint64_t    affected_rows;
	uint64_t    last_insert_id;
	uint16_t    status;
	uint16_t    warnings;
	struct span info;	/* human-readable text */
	struct span track;	/* session-track entries, walked by track_next() */
};

RMX_MUST_CHECK
bool ok_packet_parse(struct span payload, uint64_t capabilities, struct ok_packet *ok);

/*
 * As servers do: SERVER_SESSION_STATE_CHANGED is set exactly when there are track
 * entries and the receiver has CLIENT_SESSION_TRACK; the text has a length in front
 * either way (the manual is wrong there); nothing follows the warnings when there
 * is neither text nor track.
 */
void ok_packet_write(struct writer *w, uint64_t capabilities, const struct ok_packet *ok);

struct err_packet {
	uint16_t    number;
	struct span sqlstate;	/* 5 characters, or empty before login */
	struct span text;
};

RMX_MUST_CHECK
bool err_packet_parse(struct span payload, struct err_packet *err);
void err_packet_write(struct writer *w, const struct err_packet *err);

struct eof_packet {
	uint16_t warnings;
	uint16_t status;
};

RMX_MUST_CHECK
bool eof_packet_parse(struct span payload, struct eof_packet *eof);
void eof_packet_write(struct writer *w, const struct eof_packet *eof);

/*
 * One session-track entry.  <type> may be one that a later server adds; <name>
 * is set for system variables only.
 */
struct track_entry {
	enum session_track_type type;
	struct span raw;	/* the whole entry: type, length, data */
	struct span name;
	struct span value;	/* schema, GTID text, "1"/"0", SQL, state letters;
				   all of the data when <type> is none of the enum's */
};

/*
 * Next entry of ok->track.  False at the end, or when what follows is broken:
 * then <r>->bad is set.  A SYSTEM_VARIABLES record of MariaDB that holds
 * several name/value pairs is returned as one entry per pair; <raw> is then the
 * same for each.
 */
struct track_reader {
	struct reader outer;
	struct reader pairs;	/* rest of the record now walked */
	struct span   raw;
};

struct track_reader track_over(struct span track);
RMX_MUST_CHECK
bool track_next(struct track_reader *r, struct track_entry *entry);

#endif
