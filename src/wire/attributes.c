/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Query attributes; see attributes.h. */
#include <readmux/wire/attributes.h>
#include <readmux/wire/stmt.h>

/* Types of values (enum enum_field_types in the servers' field_types.h). */
enum {
	TYPE_DECIMAL = 0, TYPE_TINY, TYPE_SHORT, TYPE_LONG, TYPE_FLOAT, TYPE_DOUBLE, TYPE_NULL,
	TYPE_TIMESTAMP, TYPE_LONGLONG, TYPE_INT24, TYPE_DATE, TYPE_TIME, TYPE_DATETIME, TYPE_YEAR,
	TYPE_VARCHAR = 15, TYPE_BIT = 16,
	TYPE_BOOL = 244, TYPE_JSON, TYPE_NEWDECIMAL, TYPE_ENUM, TYPE_SET, TYPE_TINY_BLOB,
	TYPE_MEDIUM_BLOB, TYPE_LONG_BLOB, TYPE_BLOB, TYPE_VAR_STRING, TYPE_STRING, TYPE_GEOMETRY,
};

/* A value of <type>; only that of a string is given out.  False: no such type. */
static bool read_value(struct reader *r, uint8_t type, struct span *text)
{
	*text = SPAN_NONE;
	switch (type) {
	case TYPE_NULL:
		return true;
	case TYPE_TINY:
	case TYPE_BOOL:
		reader_skip(r, 1);
		return true;
	case TYPE_SHORT:
	case TYPE_YEAR:
		reader_skip(r, 2);
		return true;
	case TYPE_LONG:
	case TYPE_INT24:
	case TYPE_FLOAT:
		reader_skip(r, 4);
		return true;
	case TYPE_LONGLONG:
	case TYPE_DOUBLE:
		reader_skip(r, 8);
		return true;
	case TYPE_TIMESTAMP:
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
		reader_skip(r, reader_uint(r, 1));
		return true;
	default:
		if (type != TYPE_DECIMAL && type != TYPE_VARCHAR && type != TYPE_BIT &&
		    type < TYPE_JSON)
			return false;
		*text = reader_lenenc_bytes(r);
		return true;
	}
}

static bool is_null(const struct attributes *a, uint64_t index)
{
	return (a->nulls.data[index / 8] >> index % 8 & 1) != 0;
}

static bool take(struct attributes *a, struct attribute *out)
{
	uint8_t type = (uint8_t)reader_uint(&a->types, 1);

	reader_skip(&a->types, 1);	/* unsigned or not */
	out->name = reader_lenenc_bytes(&a->types);
	out->text = SPAN_NONE;
	if (a->types.bad || (!is_null(a, a->index) && !read_value(&a->values, type, &out->text)))
		return false;
	a->index++;
	return !a->values.bad;
}

/* Types and names come first, so the values begin where these end. */
static void find_values(struct attributes *a, struct reader *r)
{
	a->types = *r;
	for (uint64_t i = 0; i < a->count && !r->bad; i++) {
		reader_skip(r, 2);
		(void)reader_lenenc_bytes(r);
	}
	a->values = *r;
}

bool attributes_parse(struct span payload, struct attributes *a)
{
	struct reader r = reader_over(payload);
	struct attributes walk;
	struct attribute skipped;

	*a = (struct attributes){ 0 };
	reader_skip(&r, 1);
	a->count = reader_lenenc(&r);
	if (reader_lenenc(&r) != 1 || r.bad || a->count > UINT16_MAX)
		return false;
	if (a->count > 0) {
		a->nulls = reader_bytes(&r, (a->count + 7) / 8);
		if (reader_uint(&r, 1) != 1)
			return false;
	}
	find_values(a, &r);
	if (r.bad)
		return false;
	walk = *a;
	for (uint64_t i = 0; i < a->count; i++) {
		if (!take(&walk, &skipped))
			return false;
	}
	a->query = reader_rest(&walk.values);
	return true;
}

bool attributes_of_execute(struct span payload, struct attributes *a)
{
	struct reader r = reader_over(payload);
	uint8_t flags;

	*a = (struct attributes){ 0 };
	reader_skip(&r, 5);		/* command, id */
	flags = (uint8_t)reader_uint(&r, 1);
	reader_skip(&r, 4);		/* iterations */
	if ((flags & STMT_PARAMETER_COUNT_AVAILABLE) == 0)
		return false;
	a->count = reader_lenenc(&r);
	if (r.bad || a->count == 0 || a->count > UINT16_MAX)
		return false;
	a->nulls = reader_bytes(&r, (a->count + 7) / 8);
	if (reader_uint(&r, 1) != 1)
		return false;		/* types and names as the time before */
	find_values(a, &r);
	return !r.bad;
}

bool attributes_next(struct attributes *a, struct attribute *out)
{
	return a->index < a->count && take(a, out);
}
