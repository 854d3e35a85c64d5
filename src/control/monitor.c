/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One server's probe thread; see monitor.h. */
#include "probe.h"

#include <readmux/base/clock.h>

#include <pthread.h>

#define STACK_BYTES (512u * 1024u)
#define SPACING_US  100000u	/* least time between the starts of two probes */

struct monitor {
	pthread_t              thread;
	pthread_mutex_t        lock;
	pthread_cond_t         wake;
	bool                   stopping;	/* under <lock> */
	bool                   kicked;		/* under <lock> */
	const struct settings *settings;	/* under <lock> */
	bool                   joined;		/* the control thread's */
	uint32_t               number;
	struct mailbox        *box;
	struct letter          ended;
	struct probe           probe;		/* the thread's own */
};

/* --- the thread ------------------------------------------------------------------- */

static void report(struct monitor *m)
{
	struct probe_report *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return;		/* no news is no evidence */
	r->letter.kind = MONITOR_REPORT;
	r->monitor = m->number;
	probe_run(&m->probe, r);
	mailbox_post(m->box, &r->letter);
}

static struct timespec timespec_of(uint64_t us)
{
	return (struct timespec){
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000,
	};
}

/* Until the time <until_us> of clock_now_us(), a stop, or (if <heed_kicks>) a kick. */
static void sleep_until(struct monitor *m, uint64_t until_us, bool heed_kicks)
{
	struct timespec until = timespec_of(until_us);

	while (!m->stopping && !(heed_kicks && m->kicked) &&
	       pthread_cond_timedwait(&m->wake, &m->lock, &until) == 0)
		;
}

/* Another account after a reload: the kept connection is not its. */
static void use_settings(struct probe *p, const struct settings *fresh)
{
	const struct settings *old = p->settings;

	if (old != NULL && (strcmp(old->probe_user, fresh->probe_user) != 0 ||
			    strcmp(old->probe_password, fresh->probe_password) != 0))
		probe_disconnect(p);
	p->settings = fresh;
	settings_drop(old);
}

/* One turn, under the lock but while it probes. */
static void turn(struct monitor *m)
{
	const struct settings *settings = settings_take(m->settings);
	uint64_t started = clock_now_us();

	m->kicked = false;	/* what is asked for from now on wants a later probe */
	pthread_mutex_unlock(&m->lock);
	use_settings(&m->probe, settings);
	report(m);
	pthread_mutex_lock(&m->lock);
	sleep_until(m, started + SPACING_US, false);
	sleep_until(m, started + settings->probe_interval_ms * 1000, true);
}

static void *work(void *arg)
{
	struct monitor *m = arg;

	probe_thread_start();
	pthread_mutex_lock(&m->lock);
	while (!m->stopping)
		turn(m);
	pthread_mutex_unlock(&m->lock);
	probe_disconnect(&m->probe);
	probe_thread_end();
	m->ended.kind = MONITOR_ENDED;
	mailbox_post(m->box, &m->ended);
	return NULL;
}

/* --- the control thread's side ---------------------------------------------------- */

static void init_locks(struct monitor *m)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);	/* clock_now_us()'s clock */
	pthread_cond_init(&m->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static bool start_thread(struct monitor *m)
{
	pthread_attr_t small;
	bool ok;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	ok = pthread_create(&m->thread, &small, work, m) == 0;
	pthread_attr_destroy(&small);
	if (ok)
		(void)pthread_setname_np(m->thread, "probe");
	return ok;
}

struct monitor *monitor_start(uint32_t number, const struct address *address,
			      const char *host, bool primary,
			      const struct settings *settings, struct mailbox *box)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	probe_library_start();
	init_locks(m);
	m->number = number;
	m->settings = settings_take(settings);
	m->box = box;
	m->probe.address = *address;
	(void)snprintf(m->probe.host, sizeof(m->probe.host), "%s", host);
	m->probe.primary = primary;
	if (start_thread(m))
		return m;
	m->joined = true;
	monitor_free(m);
	return NULL;
}

void monitor_kick(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	m->kicked = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_reload(struct monitor *m, const struct settings *settings)
{
	pthread_mutex_lock(&m->lock);
	settings_drop(m->settings);
	m->settings = settings_take(settings);
	m->kicked = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void monitor_stop(struct monitor *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

struct monitor *monitor_of(struct letter *letter)
{
	return container_of(letter, struct monitor, ended);
}

void monitor_join(struct monitor *m)
{
	if (!m->joined)
		(void)pthread_join(m->thread, NULL);
	m->joined = true;
}

void monitor_free(struct monitor *m)
{
	monitor_join(m);
	settings_drop(m->probe.settings);
	settings_drop(m->settings);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void probe_report_free(struct probe_report *r)
{
	free(r->accounts);
	free(r);
}
