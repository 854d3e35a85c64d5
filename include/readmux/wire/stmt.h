/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of the binary protocol: COM_STMT_*.
 *
 * Only what a proxy needs to hand a statement to another server connection: the
 * statement's id, and where the types of its parameters stand.  Values are never
 * parsed.
 *
 * Sources: page_protocol_com_stmt_prepare, page_protocol_com_stmt_execute; MariaDB
 * "COM_STMT_EXECUTE", "COM_STMT_BULK_EXECUTE".
 */
#ifndef READMUX_WIRE_STMT_H
#define READMUX_WIRE_STMT_H

#include <readmux/base/span.h>

/* Where the id of the statement stands in the payload of every COM_STMT_* but PREPARE. */
#define STMT_ID_AT 1u

/* Flag of COM_STMT_EXECUTE: the number of parameters and attributes is in it. */
#define STMT_PARAMETER_COUNT_AVAILABLE 0x08u

/* MariaDB: the statement that was prepared last. */
#define STMT_ID_LAST UINT32_MAX

/* COM_STMT_PREPARE_OK, the head of the response. */
struct stmt_prepare_ok {
	uint32_t id;
	uint16_t columns;
	uint16_t parameters;
	uint16_t warnings;
};

/* False: not such a packet. */
RMX_MUST_CHECK
bool stmt_prepare_ok_parse(struct span payload, struct stmt_prepare_ok *ok);

/* The id in <payload>; false when it is too short to have one. */
RMX_MUST_CHECK
bool stmt_id(struct span payload, uint32_t *id);

/* Put another id there; <payload> is long enough, stmt_id() has said so. */
void stmt_set_id(uint8_t *payload, uint32_t id);

/*
 * The parts of COM_STMT_EXECUTE and COM_STMT_BULK_EXECUTE around the types.  The
 * server keeps the types of the last execution that had some, so a client may leave
 * them out; who moves the statement must put them in.
 */
struct stmt_execute {
	bool        bulk;
	uint8_t     cursor;	/* COM_STMT_EXECUTE: cursor type, 0 = none */
	bool        has_types;	/* the types are in the packet */
	struct span front;	/* from the command byte to where types stand or would stand */
	struct span types;	/* what was found there; empty without has_types */
};

/*
 * Look into the <payload> of the execution of a statement with <parameters>
 * parameters; of a long packet its start will do.  <attributes>:
 * CLIENT_QUERY_ATTRIBUTES was agreed.  False: malformed, or cut before the end of
 * the types.
 */
RMX_MUST_CHECK
bool stmt_execute_parse(struct span payload, uint16_t parameters, bool attributes,
			struct stmt_execute *e);

/*
 * Say in <front>, a copy of e->front, that types follow.
 */
void stmt_execute_announce_types(const struct stmt_execute *e, uint8_t *front);

#endif
