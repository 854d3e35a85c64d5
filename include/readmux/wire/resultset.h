/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A text result set of readmux's own making: columns of text, rows, the end.
 *
 * Source: page_protocol_com_query_response_text_resultset, and MariaDB's
 * "Result Set Packets" for extended metadata.
 */
#ifndef READMUX_WIRE_RESULTSET_H
#define READMUX_WIRE_RESULTSET_H

#include <readmux/wire/writer.h>

struct resultset {
	struct writer *w;
	uint64_t       capabilities;
	uint16_t       status;		/* server status flags of its end */
	uint8_t        seq;		/* of the packet written last */
};

/*
 * Append the head of a result with <n> columns of utf8mb4 text to r->w: whole packets, the
 * first with number r->seq + 1.  What does not fit shows in r->w->bad.
 */
void resultset_begin(struct resultset *r, const struct span *names, unsigned n);

/* One row; a cell whose data is NULL is NULL. */
void resultset_row(struct resultset *r, const struct span *cells, unsigned n);

void resultset_end(struct resultset *r);

#endif
