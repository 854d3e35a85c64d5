/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packet headers; see frame.h. */
#include <readmux/wire/frame.h>

bool frame_cut(struct span bytes, struct frame *frame, struct span *payload)
{
	if (bytes.len < PACKET_HEADER_LEN)
		return false;
	*frame = frame_at(bytes.data);
	if (bytes.len - PACKET_HEADER_LEN < frame->len)
		return false;
	*payload = (struct span){ bytes.data + PACKET_HEADER_LEN, frame->len };
	return true;
}

struct span frame_last(struct span bytes)
{
	struct span payload;
	struct frame frame;

	while (frame_cut(bytes, &frame, &payload)) {
		size_t whole = PACKET_HEADER_LEN + payload.len;

		if (whole == bytes.len)
			return bytes;
		bytes = span_from(bytes, whole);
	}
	return SPAN_NONE;
}
