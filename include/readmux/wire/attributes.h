/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Query attributes: named values that a client sends in front of the text of
 * COM_QUERY, and behind the parameters of COM_STMT_EXECUTE, when CLIENT_QUERY_ATTRIBUTES
 * was agreed.
 *
 * Source: page_protocol_com_query, page_protocol_com_stmt_execute,
 * page_protocol_binary_resultset (lengths of values).
 */
#ifndef READMUX_WIRE_ATTRIBUTES_H
#define READMUX_WIRE_ATTRIBUTES_H

#include <readmux/wire/reader.h>

struct attribute {
	struct span name;
	struct span text;	/* value of a string; empty for NULL and other types */
};

struct attributes {
	uint64_t      count;
	struct span   query;	/* the text behind them */
	/* private */
	struct span   nulls;
	struct reader types;
	struct reader values;
	uint64_t      index;
};

/*
 * Attributes and text in the <payload> of a whole COM_QUERY.  False: malformed, or of a
 * kind that has no known length.
 */
RMX_MUST_CHECK
bool attributes_parse(struct span payload, struct attributes *a);

/*
 * Parameters and attributes in the <payload> of a whole COM_STMT_EXECUTE; parameters come first and
 * have empty names.  False: it names none, or is malformed.  No value of it may have been sent
 * as long data.
 */
RMX_MUST_CHECK
bool attributes_of_execute(struct span payload, struct attributes *a);

/* The next one; false behind the last. */
RMX_MUST_CHECK
bool attributes_next(struct attributes *a, struct attribute *out);

#endif
