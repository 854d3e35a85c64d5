/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is it ready, is it healthy; see overview.h. */
#include <readmux/base/clock.h>
#include <readmux/control/overview.h>

#define STUCK_US 10000000u	/* each loop is asked once a second */

bool overview_is_ready(const struct overview *o, char *words, size_t room)
{
	const char *why = "";

	if (o->draining)
		why = "readmux is draining: it was asked to end";
	else if (!o->topology->discovered)
		why = "discovery has not found any server yet";
	(void)snprintf(words, room, "%s", why);
	return why[0] == '\0';
}

bool overview_is_healthy(const struct overview *o, char *words, size_t room)
{
	uint64_t now = clock_now_us();

	for (size_t i = 0; i < o->worker_count; i++) {
		uint64_t turned = STAT_GET(o->workers[i], turned_us);

		if (turned >= now || now - turned < STUCK_US)
			continue;
		(void)snprintf(words, room, "worker %zu has not turned for %llu s", i,
			       (unsigned long long)((now - turned) / 1000000));
		return false;
	}
	return true;
}
