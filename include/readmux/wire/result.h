/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows one response to its end by packet headers alone.
 *
 * The bytes that a server sends are handed in as they arrive; the tracker cuts
 * them into steps: a run of bytes that nobody needs to look at (rows, column
 * definitions, also in part), or one whole packet whose content matters (OK,
 * ERR, EOF, the column count, LOCAL INFILE, COM_STMT_PREPARE_OK).  Row bytes are
 * never parsed.
 * Nothing is copied.  It owns no memory and never allocates.  Packets up to 1 MiB
 * are given out whole only, so that what was passed on ends between packets.
 *
 * Understood: both CLIENT_DEPRECATE_EOF forms, multi-results, LOCAL INFILE,
 * cursors (SERVER_STATUS_CURSOR_EXISTS ends a result after its definitions),
 * COM_STMT_FETCH, COM_STMT_PREPARE, COM_FIELD_LIST, COM_STATISTICS, optional result set
 * metadata (CLIENT_OPTIONAL_RESULTSET_METADATA), MariaDB's metadata caching
 * (MARIADB_CLIENT_CACHE_METADATA), progress reports (ERR 0xffff packets) and
 * 16 MiB continuation packets: a continuation is data whatever its first byte is.
 *
 * Sources: page_protocol_command_phase_ps, page_protocol_com_query_response,
 * MariaDB "Result Set Packets"; where these leave room, what MariaDB 10.11 and
 * MySQL 9.7 were seen to send.
 */
#ifndef READMUX_WIRE_RESULT_H
#define READMUX_WIRE_RESULT_H

#include <readmux/base/span.h>
#include <readmux/wire/command.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/reply.h>

enum result_step_kind {
	RESULT_NEED,	/* nothing to be said before <need> bytes lie in one piece */
	RESULT_PASS,	/* <len> bytes that need no look */
	RESULT_PACKET,	/* one whole packet of <len> bytes, of kind <packet> */
	RESULT_BROKEN,	/* no valid response; <problem> says why */
};

enum result_packet {
	RESULT_PACKET_HEAD,		/* column count, or COM_STMT_PREPARE_OK */
	RESULT_PACKET_OK,		/* OK, also as end of a result set (0xfe) */
	RESULT_PACKET_ERR,
	RESULT_PACKET_EOF,		/* an old EOF packet, in the middle or at the end */
	RESULT_PACKET_LOCAL_INFILE,	/* the client sends a file, then it goes on */
	RESULT_PACKET_PROGRESS,		/* MariaDB progress report; the response goes on */
	RESULT_PACKET_TEXT,		/* COM_STATISTICS; COM_CHANGE_USER before its end */
};

struct result_step {
	enum result_step_kind kind;
	size_t                len;	/* bytes of input that this covers, with headers */
	size_t                need;	/* RESULT_NEED: more than was given */
	enum result_packet    packet;
	struct span           payload;	/* RESULT_PACKET: what is behind its header */
	uint8_t               seq;	/* RESULT_PACKET: its sequence number */
	bool                  last;	/* the response ends with this step */
	bool                  row;	/* PASS: at least one row byte is in it */
	const char           *problem;
};

struct result {
	uint8_t  shape;		/* enum response_shape */
	uint8_t  phase;		/* private to result.c */
	bool     deprecate_eof;
	bool     optional_metadata;
	bool     cache_metadata;
	bool     continued;	/* the next packet continues the one before */
	bool     ending;	/* the data packet under way is the response's last */
	bool     in_row;	/* the data packet under way is a row */
	bool     metadata_follows;	/* COM_STMT_PREPARE: definitions are not left out */
	uint8_t  seq;		/* sequence number of the last packet seen */
	bool     binary;	/* answers COM_STMT_EXECUTE: a cursor may end it early */
	uint16_t status;	/* from the last OK or EOF packet */
	uint16_t warnings;
	uint64_t definitions;	/* definitions still to come in this phase */
	uint64_t definitions_next;	/* COM_STMT_PREPARE: columns after parameters */
	uint64_t pass;		/* bytes of the packet under way not yet given out */
	uint64_t rows;		/* row packets so far, over all result sets */
};

/* Expect the response to <command> on a connection with <capabilities>. */
void result_expect(struct result *r, uint8_t command, uint64_t capabilities);

/*
 * Next step of <bytes> (what has arrived and was not yet stepped over).  Call
 * again with the rest behind step->len until RESULT_NEED, RESULT_BROKEN or
 * step->last.  Empty <bytes> gives RESULT_NEED.
 */
void result_step(struct result *r, struct span bytes, struct result_step *step);

#endif
