/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Result sets; see resultset.h. */
#include <readmux/wire/protocol.h>
#include <readmux/wire/reply.h>
#include <readmux/wire/resultset.h>

#define BINARY_NULLS_AT   2u		/* first bit of a binary row's bitmap */
#define COLUMNS_MAX       64u

/* How a column is announced. */
struct kind {
	uint8_t  type;
	uint8_t  collation;
	uint8_t  decimals;
	uint16_t flags;
	uint32_t length;	/* bytes; for clients that lay out a table */
};

static const struct kind text_kind = { 0xfd, 45, 0x1f, 0, 4096 };	/* VAR_STRING, utf8mb4 */
static const struct kind number_kind = { 0x08, 63, 0, 0x20 | 0x80, 20 };	/* LONGLONG UNSIGNED */

static void begin(struct resultset *r)
{
	writer_begin(r->w, ++r->seq);
}

static void finish(struct resultset *r)
{
	if (!writer_end(r->w))
		r->w->bad = true;
}

static void write_definition(struct resultset *r, struct span name, const struct kind *kind)
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
	writer_uint(w, kind->collation, 2);
	writer_uint(w, kind->length, 4);
	writer_uint(w, kind->type, 1);
	writer_uint(w, kind->flags, 2);
	writer_uint(w, kind->decimals, 1);
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

void resultset_begin(struct resultset *r, const struct resultset_column *columns, unsigned n)
{
	begin(r);
	writer_lenenc(r->w, n);
	if ((r->capabilities &
	     (CLIENT_OPTIONAL_RESULTSET_METADATA | MARIADB_CLIENT_CACHE_METADATA)) != 0)
		writer_uint(r->w, 1, 1);	/* definitions follow (see result.c) */
	finish(r);
	for (unsigned i = 0; i < n; i++)
		write_definition(r, columns[i].name, columns[i].number ? &number_kind : &text_kind);
	if ((r->capabilities & CLIENT_DEPRECATE_EOF) == 0)
		write_eof(r);
}

static void write_text_cells(struct writer *w, const struct span *cells, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (cells[i].data == NULL)
			writer_uint(w, 0xfb, 1);
		else
			writer_lenenc_bytes(w, cells[i]);
	}
}

static void write_binary_cells(struct writer *w, const struct resultset_column *columns,
			       const struct span *cells, unsigned n)
{
	uint8_t nulls[(COLUMNS_MAX + BINARY_NULLS_AT + 7) / 8] = { 0 };

	for (unsigned i = 0, bit = BINARY_NULLS_AT; i < n; i++, bit++) {
		if (cells[i].data == NULL)
			nulls[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	writer_uint(w, 0, 1);
	writer_bytes(w, (struct span){ nulls, (n + BINARY_NULLS_AT + 7) / 8 });
	for (unsigned i = 0; i < n; i++) {
		uint64_t number = 0;

		if (cells[i].data == NULL)
			continue;
		if (!columns[i].number)
			writer_lenenc_bytes(w, cells[i]);
		else if (span_to_u64(cells[i], &number))
			writer_uint(w, number, 8);
		else
			w->bad = true;
	}
}

void resultset_row(struct resultset *r, const struct resultset_column *columns,
		   const struct span *cells, unsigned n)
{
	assert(n <= COLUMNS_MAX);
	begin(r);
	if (r->binary)
		write_binary_cells(r->w, columns, cells, n);
	else
		write_text_cells(r->w, cells, n);
	finish(r);
}

void resultset_prepared(struct resultset *r, uint32_t id, uint16_t parameters)
{
	begin(r);
	writer_uint(r->w, 0, 1);
	writer_uint(r->w, id, 4);
	writer_uint(r->w, 0, 2);
	writer_uint(r->w, parameters, 2);
	writer_zeros(r->w, 1 + 2);	/* filler, warnings */
	if ((r->capabilities & CLIENT_OPTIONAL_RESULTSET_METADATA) != 0)
		writer_uint(r->w, 1, 1);
	finish(r);
	for (unsigned i = 0; i < parameters; i++)
		write_definition(r, SPAN_LITERAL("?"), &text_kind);
	if (parameters > 0 && (r->capabilities & CLIENT_DEPRECATE_EOF) == 0)
		write_eof(r);
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
