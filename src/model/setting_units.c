/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Durations and sizes as people write them. */
#include "setting_kind.h"

#include <inttypes.h>

struct unit {
	const char *name;
	uint64_t    worth;
};

/* Largest first: the first that divides a value evenly is used to print it. */
static const struct unit durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

/* Kubernetes writes 64Mi for what MySQL calls 64M. */
static const struct unit sizes[] = {
	{ "G", UINT64_C(1) << 30 }, { "M", UINT64_C(1) << 20 }, { "K", UINT64_C(1) << 10 },
	{ "", 1 },
	{ "Gi", UINT64_C(1) << 30 }, { "Mi", UINT64_C(1) << 20 },
	{ "Ki", UINT64_C(1) << 10 },
};

static bool parse(const struct unit *units, size_t n, struct span text, uint64_t *value)
{
	size_t digits = 0;
	struct span name;

	while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
		digits++;
	name = span_from(text, digits);
	for (size_t i = 0; i < n; i++) {
		if (!span_is_nocase(name, units[i].name))
			continue;
		return span_to_u64(span_head(text, digits), value) &&
		       !__builtin_mul_overflow(*value, units[i].worth, value);
	}
	return false;
}

static void format(const struct unit *units, uint64_t value, const char *zero, char *out,
		   size_t room)
{
	size_t i = 0;

	if (value == 0) {
		(void)snprintf(out, room, "%s", zero);
		return;
	}
	while (value % units[i].worth != 0)
		i++;
	(void)snprintf(out, room, "%" PRIu64 "%s", value / units[i].worth, units[i].name);
}

bool setting_duration_parse(struct span text, uint64_t *ms)
{
	if (span_is(text, "0")) {
		*ms = 0;
		return true;
	}
	return parse(durations, ARRAY_LEN(durations), text, ms);
}

void setting_duration_format(uint64_t ms, char *out, size_t room)
{
	format(durations, ms, "0s", out, room);
}

bool setting_bytes_parse(struct span text, uint64_t *bytes)
{
	return parse(sizes, ARRAY_LEN(sizes), text, bytes);
}

void setting_bytes_format(uint64_t bytes, char *out, size_t room)
{
	format(sizes, bytes, "0", out, room);
}
