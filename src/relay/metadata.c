/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Definitions in the answers to prepared statements; see metadata.h. */
#include <readmux/base/hash.h>
#include <readmux/relay/metadata.h>
#include <readmux/wire/frame.h>

void metadata_begin(struct metadata *m, uint32_t parameters, uint32_t columns)
{
	m->hash = HASH_START;
	m->parameters = parameters;
	m->columns = m->count = columns;
}

size_t metadata_take(struct metadata *m, struct span bytes)
{
	struct span rest = bytes, payload;
	struct frame frame;

	while (m->columns > 0 && frame_cut(rest, &frame, &payload)) {
		rest = span_from(rest, PACKET_HEADER_LEN + payload.len);
		if (m->parameters > 0) {
			m->parameters--;
			continue;
		}
		m->hash = hash_span(m->hash, payload);
		m->columns--;
	}
	return bytes.len - rest.len;
}

uint64_t metadata_hash(const struct metadata *m)
{
	return hash_mix(m->hash) | 1;
}

void metadata_write_count(const struct metadata *m, bool follow, struct writer *w)
{
	writer_begin(w, m->head_seq);
	writer_lenenc(w, m->count);
	writer_uint(w, follow, 1);
	if (!writer_end(w))
		w->bad = true;
}

/* Data packets may be cut anywhere but in their headers (result.c, can_look()). */
void metadata_renumber(struct metadata *m, uint8_t *bytes, size_t len)
{
	size_t at = size_min(m->left, len);

	m->left -= (uint32_t)at;
	while (at < len) {
		struct frame f = frame_at(bytes + at);
		size_t there = size_min(f.len, len - at - PACKET_HEADER_LEN);

		f.seq = (uint8_t)(f.seq - m->left_out);
		frame_put(bytes + at, f);
		m->left = f.len - (uint32_t)there;
		at += PACKET_HEADER_LEN + there;
	}
}
