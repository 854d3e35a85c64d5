/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kinds of settings have to bring along: text to value, value to text.
 * Private to the settings files of this layer.
 */
#ifndef READMUX_MODEL_SETTING_KIND_H
#define READMUX_MODEL_SETTING_KIND_H

#include <readmux/model/settings.h>

/* Where words about a refused value go. */
struct complaint {
	char  *out;
	size_t room;
};

/* Write the words; always false. */
bool setting_refuse(const struct complaint *why, const char *format, ...)
	__attribute__((__format__(printf, 2, 3)));

/* <value> made fit for a message: in quotes, cut, without control characters. */
#define SETTING_QUOTED_MAX 48u
const char *setting_quoted(struct span value, char out[SETTING_QUOTED_MAX]);

/* "500ms", "1s" and back; "64K" and back. */
RMX_MUST_CHECK
bool setting_duration_parse(struct span text, uint64_t *ms);
void setting_duration_format(uint64_t ms, char *out, size_t room);
RMX_MUST_CHECK
bool setting_bytes_parse(struct span text, uint64_t *bytes);
void setting_bytes_format(uint64_t bytes, char *out, size_t room);

typedef bool setting_store_fn(struct settings *s, const struct setting *row,
			      struct span value, const struct complaint *why);
typedef void setting_format_fn(const struct settings *s, const struct setting *row,
			       bool reveal, char *out, size_t room);

setting_store_fn setting_store_listen, setting_store_servers, setting_store_users;
setting_format_fn setting_format_listen, setting_format_servers, setting_format_users;

/* The field of <row>; what type it has, the kind says. */
static inline void *setting_field(struct settings *s, const struct setting *row)
{
	return (char *)s + row->offset;
}

static inline const void *setting_field_of(const struct settings *s,
					   const struct setting *row)
{
	return (const char *)s + row->offset;
}

#endif
