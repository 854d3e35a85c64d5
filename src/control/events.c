/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last things that happened; see events.h. */
#include <readmux/base/clock.h>
#include <readmux/control/events.h>

void events_add(struct events *e, enum log_level level, const char *event,
		const char *backend, const char *words)
{
	struct event_entry *entry = &e->ring[e->count++ % EVENTS_MAX];

	*entry = (struct event_entry){
		.number = e->count,
		.us = clock_wall_us(),
		.level = level,
	};
	(void)snprintf(entry->event, sizeof(entry->event), "%s", event);
	(void)snprintf(entry->backend, sizeof(entry->backend), "%s",
		       backend != NULL ? backend : "");
	(void)snprintf(entry->words, sizeof(entry->words), "%s", words != NULL ? words : "");
}

const struct event_entry *events_last(const struct events *e, size_t back)
{
	if (back >= e->count || back >= EVENTS_MAX)
		return NULL;
	return &e->ring[(e->count - 1 - back) % EVENTS_MAX];
}
