/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monotonic time and the time of day; see clock.h. */
#include <readmux/base/clock.h>

uint64_t clock_now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

void clock_format_utc(char *out, size_t room)
{
	struct timespec ts;
	struct tm tm;
	size_t len;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	len = strftime(out, room, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + len, room - len, ".%03ldZ", ts.tv_nsec / 1000000);
}

uint64_t clock_wall_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}
