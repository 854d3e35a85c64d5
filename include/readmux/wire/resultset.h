/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A result set of readmux's own making: columns, rows, the end; and the answer to the
 * preparation of a statement that readmux will answer.
 *
 * Source: page_protocol_com_query_response_text_resultset, page_protocol_binary_resultset,
 * page_protocol_com_stmt_prepare, and MariaDB's "Result Set Packets" for extended metadata.
 */
#ifndef READMUX_WIRE_RESULTSET_H
#define READMUX_WIRE_RESULTSET_H

#include <readmux/wire/writer.h>

struct resultset {
	struct writer *w;
	uint64_t       capabilities;
	uint16_t       status;		/* server status flags of its end */
	uint8_t        seq;		/* of the packet written last */
	bool           binary;		/* of an execution: binary rows */
};

struct resultset_column {
	struct span name;
	bool        number;	/* digits, 64 bits; else utf8mb4 text */
};

/*
 * Append the head of a result with <n> columns to r->w: whole packets, the first with
 * number r->seq + 1.  What does not fit shows in r->w->bad.
 */
void resultset_begin(struct resultset *r, const struct resultset_column *columns, unsigned n);

/* One row; a cell whose data is NULL is NULL. */
void resultset_row(struct resultset *r, const struct resultset_column *columns,
		   const struct span *cells, unsigned n);

void resultset_end(struct resultset *r);

/*
 * COM_STMT_PREPARE_OK for the statement <id> with <parameters>, and without columns: as for
 * a SHOW at a server, they come with the execution.
 */
void resultset_prepared(struct resultset *r, uint32_t id, uint16_t parameters);

#endif
