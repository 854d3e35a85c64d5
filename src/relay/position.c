/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing GTIDs; see position.h. */
#include <readmux/base/span.h>
#include <readmux/relay/position.h>

/* Splits at the last '-' (MariaDB) or ':' (MySQL); intervals and lists are not split. */
static bool split(const char *text, struct span *source, uint64_t *number)
{
	const char *colon = strrchr(text, ':');
	const char *at = colon != NULL ? colon : strrchr(text, '-');

	if (at == NULL || strchr(text, ',') != NULL)
		return false;
	*source = (struct span){ (const uint8_t *)text, (size_t)(at - text) };
	return span_to_u64(span_of(at + 1), number);
}

bool position_reached(const char *reached, const char *wanted)
{
	struct span a, b;
	uint64_t have, need;

	if (wanted[0] == '\0')
		return true;
	if (strcmp(reached, wanted) == 0)
		return true;
	return split(reached, &a, &have) && split(wanted, &b, &need) && span_equal(a, b) &&
	       have >= need;
}
