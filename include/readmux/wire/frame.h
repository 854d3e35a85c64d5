/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 4-byte packet header: 3 bytes of payload length, 1 of sequence.
 * A payload of exactly PACKET_PAYLOAD_MAX bytes is continued by the next packet.
 */
#ifndef READMUX_WIRE_FRAME_H
#define READMUX_WIRE_FRAME_H

#include <readmux/base/span.h>
#include <readmux/wire/protocol.h>

struct frame {
	uint32_t len;	/* payload bytes, without the header */
	uint8_t  seq;
};

/* Header at the start of <bytes>, which holds PACKET_HEADER_LEN or more. */
static inline struct frame frame_at(const uint8_t *bytes)
{
	return (struct frame){
		.len = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
		       (uint32_t)bytes[2] << 16,
		.seq = bytes[3],
	};
}

static inline void frame_put(uint8_t *bytes, struct frame f)
{
	bytes[0] = (uint8_t)f.len;
	bytes[1] = (uint8_t)(f.len >> 8);
	bytes[2] = (uint8_t)(f.len >> 16);
	bytes[3] = f.seq;
}

/*
 * Cut one whole packet off the front of <bytes>: its payload into <payload>,
 * its header into <frame>.  False when it is not complete yet.
 */
RMX_MUST_CHECK
bool frame_cut(struct span bytes, struct frame *frame, struct span *payload);

/*
 * The last of the whole packets that <bytes> is made of, with its header: where a result of
 * one row is passed on, that row.  Empty when there is none, or something is left over.
 */
struct span frame_last(struct span bytes);

#endif
