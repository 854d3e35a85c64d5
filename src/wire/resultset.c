/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text result sets; see resultset.h. */
#include <readmux/wire/protocol.h>
#include <readmux/wire/reply.h>
#include <readmux/wire/resultset.h>

#define TYPE_VAR_STRING   0xfd
#define COLLATION_UTF8MB4 45
#define COLUMN_LENGTH     4096u		/* bytes; for clients that lay out a table */
#define NOT_A_NUMBER      0x1f		/* decimals */

static void begin(struct resultset *r)
{
	writer_begin(r->w, ++r->seq);
}

static void finish(struct resultset *r)
{
	if (!writer_end(r->w))
		r->w->bad = true;
}

static void write_definition(struct resultset *r, struct span name)
{
	struct writer *w = r->w;

	begin(r);
	writer_lenenc_bytes(w, SPAN_LITERAL("def"));
	writer_zeros(w, 3);		/* no schema, no table, no name of one */
	writer_lenenc_bytes(w, name);
	writer_zeros(w, 1);		/* no column of a table */
	if ((r->capabilities & MARIADB_CLIENT_EXTENDED_METADATA) != 0)
		writer_zeros(w, 1);
	writer_lenenc(w, 0x0c);		/* bytes that follow */
	writer_uint(w, COLLATION_UTF8MB4, 2);
	writer_uint(w, COLUMN_LENGTH, 4);
	writer_uint(w, TYPE_VAR_STRING, 1);
	writer_uint(w, 0, 2);
	writer_uint(w, NOT_A_NUMBER, 1);
	writer_zeros(w, 2);
	finish(r);
}

static void write_eof(struct resultset *r)
{
	begin(r);
	writer_uint(r->w, PACKET_EOF, 1);
	writer_uint(r->w, 0, 2);
	writer_uint(r->w, r->status, 2);
	finish(r);
}

void resultset_begin(struct resultset *r, const struct span *names, unsigned n)
{
	begin(r);
	writer_lenenc(r->w, n);
	if ((r->capabilities & CLIENT_OPTIONAL_RESULTSET_METADATA) != 0)
		writer_uint(r->w, 1, 1);	/* definitions follow (see result.c) */
	finish(r);
	for (unsigned i = 0; i < n; i++)
		write_definition(r, names[i]);
	if ((r->capabilities & CLIENT_DEPRECATE_EOF) == 0)
		write_eof(r);
}

void resultset_row(struct resultset *r, const struct span *cells, unsigned n)
{
	begin(r);
	for (unsigned i = 0; i < n; i++) {
		if (cells[i].data == NULL)
			writer_uint(r->w, 0xfb, 1);
		else
			writer_lenenc_bytes(r->w, cells[i]);
	}
	finish(r);
}

void resultset_end(struct resultset *r)
{
	struct ok_packet ok = { .header = PACKET_EOF, .status = r->status };

	if ((r->capabilities & CLIENT_DEPRECATE_EOF) == 0) {
		write_eof(r);
		return;
	}
	begin(r);
	ok_packet_write(r->w, r->capabilities, &ok);
	finish(r);
}
