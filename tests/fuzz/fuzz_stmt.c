/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a packet of COM_STMT_*.  Of the first two bytes, one bit says whether query
 * attributes were agreed, the others are the number of the statement's parameters.
 *
 * Beyond not crashing: front and types lie in the packet, one behind the other, and
 * types that were left out can be put in so that they are found again.
 */
#include <readmux/wire/attributes.h>
#include <readmux/wire/stmt.h>

#include "spans.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t memory[1 << 20];

/* Plain types of <parameters>, as the session had them from an execution before. */
static void put_types_in(const struct stmt_execute *e, uint16_t parameters)
{
	size_t types = 2u * (size_t)parameters;
	struct stmt_execute again;

	if (e->front.len + types > sizeof(memory))
		return;
	memcpy(memory, e->front.data, e->front.len);
	memset(memory + e->front.len, 3, types);
	stmt_execute_announce_types(e, memory);
	must(stmt_execute_parse((struct span){ memory, e->front.len + types }, parameters, false,
				&again));
	must(again.has_types && again.front.len == e->front.len && again.types.len == types);
	must(again.cursor == e->cursor && again.bulk == e->bulk);
}

static void try_execute(struct span payload, uint16_t parameters, bool attributes)
{
	struct stmt_execute e;

	if (!stmt_execute_parse(payload, parameters, attributes, &e))
		return;
	must(e.front.len > 0 && e.front.data == payload.data && inside(e.front, payload));
	if (e.has_types)
		must(e.types.data == payload.data + e.front.len && inside(e.types, payload));
	else
		must(e.types.len == 0);
	if (!e.has_types && !attributes && parameters > 0)
		put_types_in(&e, parameters);
}

static void try_attributes(struct span payload)
{
	struct attributes a;
	struct attribute each;

	if (!attributes_of_execute(payload, &a))
		return;
	while (attributes_next(&a, &each))
		must(inside(each.name, payload) && (each.text.len == 0 || inside(each.text, payload)));
	must(a.index <= a.count);
}

static void try_id(struct span payload)
{
	struct span head = span_head(payload, sizeof(memory));
	uint32_t id, again;

	if (!stmt_id(head, &id))
		return;
	memcpy(memory, head.data, head.len);
	stmt_set_id(memory, ~id);
	must(stmt_id((struct span){ memory, head.len }, &again) && again == ~id);
	stmt_set_id(memory, id);
	must(memcmp(memory, head.data, head.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct stmt_prepare_ok ok;
	struct span payload;

	if (len < 2)
		return 0;
	payload = (struct span){ data + 2, len - 2 };
	try_execute(payload, (uint16_t)(data[0] >> 1 | data[1] << 7), (data[0] & 1) != 0);
	try_attributes(payload);
	try_id(payload);
	if (stmt_prepare_ok_parse(payload, &ok))
		must(payload.len >= 10 && payload.data[0] == 0);
	return 0;
}
