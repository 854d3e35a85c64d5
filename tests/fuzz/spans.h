/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets of wire share: invariants that end the process when broken. */
#ifndef READMUX_TESTS_SPANS_H
#define READMUX_TESTS_SPANS_H

#include <readmux/base/span.h>

static inline void must(bool condition)
{
	if (!condition)
		abort();
}

/* True when <part> lies in <whole>; an empty one may lie anywhere. */
static inline bool inside(struct span part, struct span whole)
{
	if (part.len == 0)
		return true;
	return part.data >= whole.data && part.len <= whole.len &&
	       (size_t)(part.data - whole.data) <= whole.len - part.len;
}

#endif
