/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of the binary protocol; see stmt.h. */
#include <readmux/wire/command.h>
#include <readmux/wire/reader.h>
#include <readmux/wire/stmt.h>

#define SEND_TYPES_TO_SERVER      0x80u	/* flag of COM_STMT_BULK_EXECUTE */

#define BULK_FLAGS_AT 5u

bool stmt_prepare_ok_parse(struct span payload, struct stmt_prepare_ok *ok)
{
	struct reader r = reader_over(payload);

	if (reader_uint(&r, 1) != 0)
		return false;
	ok->id = (uint32_t)reader_uint(&r, 4);
	ok->columns = (uint16_t)reader_uint(&r, 2);
	ok->parameters = (uint16_t)reader_uint(&r, 2);
	reader_skip(&r, 1);
	ok->warnings = reader_left(&r) >= 2 ? (uint16_t)reader_uint(&r, 2) : 0;
	return !r.bad;
}

bool stmt_id(struct span payload, uint32_t *id)
{
	struct reader r = reader_over(payload);

	reader_skip(&r, STMT_ID_AT);
	*id = (uint32_t)reader_uint(&r, 4);
	return !r.bad;
}

void stmt_set_id(uint8_t *payload, uint32_t id)
{
	for (unsigned i = 0; i < 4; i++)
		payload[STMT_ID_AT + i] = (uint8_t)(id >> 8 * i);
}

/* <parameters> types, each with its name when <named>. */
static struct span read_types(struct reader *r, uint64_t parameters, bool named)
{
	const uint8_t *start = r->cur;

	if (!named)
		return reader_bytes(r, 2 * parameters);
	while (parameters-- > 0 && !r->bad) {
		reader_skip(r, 2);
		(void)reader_lenenc_bytes(r);
	}
	return (struct span){ start, (size_t)(r->cur - start) };
}

static struct span read_so_far(const struct reader *r, struct span payload)
{
	return span_head(payload, (size_t)(r->cur - payload.data));
}

/* command, id, flags, iterations, [count], null bitmap, types follow?, types, values */
static bool parse_execute(struct span payload, uint64_t parameters, bool attributes,
			  struct stmt_execute *e)
{
	struct reader r = reader_over(payload);
	uint8_t flags;

	reader_skip(&r, 5);
	flags = (uint8_t)reader_uint(&r, 1);
	e->cursor = flags & 0x07u;
	reader_skip(&r, 4);
	if (attributes && (flags & STMT_PARAMETER_COUNT_AVAILABLE) != 0)
		parameters = reader_lenenc(&r);
	if (r.bad || parameters > UINT16_MAX)
		return false;
	if (parameters > 0) {
		reader_skip(&r, (parameters + 7) / 8);
		e->has_types = reader_uint(&r, 1) == 1;
	}
	e->front = read_so_far(&r, payload);
	if (e->has_types)
		e->types = read_types(&r, parameters, attributes);
	return !r.bad;
}

/* command, id, flags, types, rows */
static bool parse_bulk(struct span payload, uint64_t parameters, struct stmt_execute *e)
{
	struct reader r = reader_over(payload);

	reader_skip(&r, BULK_FLAGS_AT);
	e->has_types = (reader_uint(&r, 2) & SEND_TYPES_TO_SERVER) != 0;
	e->front = read_so_far(&r, payload);
	if (e->has_types)
		e->types = read_types(&r, parameters, false);
	return !r.bad;
}

bool stmt_execute_parse(struct span payload, uint16_t parameters, bool attributes,
			struct stmt_execute *e)
{
	*e = (struct stmt_execute){ 0 };
	if (payload.len == 0)
		return false;
	e->bulk = payload.data[0] == COM_STMT_BULK_EXECUTE;
	return e->bulk ? parse_bulk(payload, parameters, e) :
			 parse_execute(payload, parameters, attributes, e);
}

void stmt_execute_announce_types(const struct stmt_execute *e, uint8_t *front)
{
	if (e->bulk)
		front[BULK_FLAGS_AT] |= SEND_TYPES_TO_SERVER;
	else
		front[e->front.len - 1] = 1;
}
