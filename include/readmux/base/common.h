/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few macros that every layer uses. */
#ifndef READMUX_BASE_COMMON_H
#define READMUX_BASE_COMMON_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller has to look at the result. */
#define RMX_MUST_CHECK __attribute__((warn_unused_result))

/* Arguments are checked against the format, counted from 1. */
#define RMX_PRINTF(string, first) __attribute__((format(printf, string, first)))

#define RMX_UNUSED __attribute__((unused))

#define RMX_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define RMX_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The object of <type> whose <member> is at <ptr>. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

static inline size_t size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif
