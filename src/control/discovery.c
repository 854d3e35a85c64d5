/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pods by service record or ordinal; see discovery.h.
 *
 * A pass asks for the service record, then for names, all at once: those that the
 * record lists; or those up to a few behind the last one that was ever found, and
 * further while more are found.
 */
#include <readmux/base/log.h>
#include <readmux/control/discovery.h>
#include <readmux/net/timer.h>

#define TTL_MIN_S      1u
#define TTL_MAX_S      5u
#define HURRY_US       200000u	/* least time between the starts of two passes */
#define MISSING_IN_ROW 3u	/* then no higher ordinal is expected */
#define GONE_CONFIRMED 2u	/* passes in a row */
#define RECORD_KEPT_US 60000000u	/* then a record that is gone was never meant */
#define NAMESPACE_FILE "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
#define RESOLV_CONF    "/etc/resolv.conf"

/* What is known of one ordinal. */
struct place {
	struct discovery *discovery;
	uint16_t          port;		/* as the service record says; 0 = it does not */
	bool              listed;	/* by the service record of this pass */
	bool              known;	/* found, and not reported as gone since */
	unsigned          missing;	/* passes in a row that denied it */
};

struct discovery {
	struct loop     *loop;
	struct resolver *resolver;
	const struct settings *settings;
	const struct discovery_user_ops *ops;
	void            *arg;
	const char      *resolv_conf;
	struct timer     again;
	uint64_t         answers[RESOLVER_ANSWERS];
	char             suffix[300];		/* ".mysql.default.svc.cluster.local." */
	struct place     places[DISCOVERY_PODS_MAX];
	unsigned         reach;			/* behind the last ordinal ever found */
	uint64_t         record_us;		/* when there was a record; 0 = never */
	uint64_t         started_us;
	bool             asking;
	bool             hurry;			/* asked to look again, not later */
	bool             failing;		/* the last pass was not complete */

	/* of the pass under way */
	bool             by_record;		/* the record says whom to ask for */
	unsigned         next;			/* ordinal to be asked for */
	unsigned         open;			/* names without an answer yet */
	bool             complete;		/* no question failed */
	bool             found;			/* somebody */
	bool             doubt;			/* to be confirmed soon */
	uint32_t         ttl_s;			/* the least of all */
	char             problem[200];
};

static void start_pass(struct discovery *d);

/* --- the end of a pass -------------------------------------------------------------- */

static void look_again(struct timer *t)
{
	start_pass(container_of(t, struct discovery, again));
}

static void say_failing(struct discovery *d)
{
	if (d->failing == !d->complete)
		return;
	d->failing = !d->complete;
	if (d->failing)
		log_warn(NULL, "DNS does not answer; what was found stays as it is",
			 LOG_TEXT("service", d->settings->service),
			 LOG_TEXT("problem", d->problem));
	else
		log_info(NULL, "DNS answers again",
			 LOG_TEXT("service", d->settings->service));
}

static void end_pass(struct discovery *d)
{
	bool settled = d->complete && !d->doubt;
	uint64_t wait_s = settled ? size_max(d->ttl_s, TTL_MIN_S) : TTL_MIN_S;

	d->asking = false;
	say_failing(d);
	timer_set(&d->again, d->loop, d->hurry ? HURRY_US : wait_s * 1000000, look_again);
	d->ops->passed(d->arg, d->complete || d->found);
}

static void failed(struct discovery *d, const char *name, const char *words)
{
	d->complete = false;
	(void)snprintf(d->problem, sizeof(d->problem), "%.60s: %.130s", name, words);
}

/* --- names -------------------------------------------------------------------------- */

static void name_of(const struct discovery *d, unsigned ordinal, char *out, size_t room)
{
	(void)snprintf(out, room, "%s-%u%s", d->settings->service, ordinal, d->suffix);
}

static void pod_found(struct discovery *d, unsigned ordinal,
		      const struct resolver_result *result)
{
	struct place *place = &d->places[ordinal];
	uint16_t port = place->port != 0 ? place->port : (uint16_t)d->settings->port;
	struct address addresses[DISCOVERY_PODS_MAX];
	size_t n = size_min(result->n, ARRAY_LEN(addresses));

	for (size_t i = 0; i < n; i++) {
		addresses[i] = result->addresses[i];
		address_set_port(&addresses[i], port);
	}
	place->known = d->found = true;
	place->missing = 0;
	d->reach = (unsigned)size_max(d->reach, ordinal + 1);
	d->ttl_s = (uint32_t)size_min(d->ttl_s, result->ttl_s);
	d->ops->found(d->arg, ordinal, addresses, n);
}

static void pod_missing(struct discovery *d, unsigned ordinal)
{
	struct place *place = &d->places[ordinal];

	if (!place->known)
		return;
	if (++place->missing < GONE_CONFIRMED) {
		d->doubt = true;
		return;
	}
	place->known = false;
	d->ops->gone(d->arg, ordinal);
}

static void ask_names(struct discovery *d);

static void name_over(struct discovery *d)
{
	if (--d->open == 0)
		ask_names(d);
}

static void pod_answered(void *arg, const struct resolver_result *result)
{
	struct place *place = arg;
	struct discovery *d = place->discovery;
	unsigned ordinal = (unsigned)(place - d->places);
	char name[400];

	d->answers[result->answer]++;
	switch (result->answer) {
	case RESOLVER_FOUND:
		pod_found(d, ordinal, result);
		break;
	case RESOLVER_GONE:
		if (place->listed)
			d->doubt = true;	/* one of the two answers is old */
		else
			pod_missing(d, ordinal);
		break;
	case RESOLVER_FAILED:
		name_of(d, ordinal, name, sizeof(name));
		failed(d, name, result->words);
		break;
	}
	name_over(d);
}

/* Behind the last ordinal that is worth asking for, as far as is known now. */
static unsigned end_of_names(const struct discovery *d)
{
	if (d->by_record)
		return DISCOVERY_PODS_MAX;
	return (unsigned)size_min(d->reach + MISSING_IN_ROW, DISCOVERY_PODS_MAX);
}

/* All that have not been asked for; what they answer may make it more. */
static void ask_names(struct discovery *d)
{
	unsigned end = end_of_names(d);
	char name[400];

	if (d->next >= end) {
		end_pass(d);
		return;
	}
	d->open = 1;		/* the asking itself: answers may come from inside */
	for (; d->next < end; d->next++) {
		if (d->by_record && !d->places[d->next].listed)
			continue;
		d->open++;
		name_of(d, d->next, name, sizeof(name));
		resolver_ask_addresses(d->resolver, name, pod_answered,
				       &d->places[d->next]);
	}
	name_over(d);
}

/* --- the service record ------------------------------------------------------------ */

/* The ordinal in a pod's name, or DISCOVERY_PODS_MAX. */
static unsigned ordinal_of(const struct discovery *d, const char *host)
{
	size_t skip = strlen(d->settings->service);
	struct span digits;
	uint64_t ordinal;

	if (strncasecmp(host, d->settings->service, skip) != 0 || host[skip] != '-')
		return DISCOVERY_PODS_MAX;
	host += skip + 1;
	digits = (struct span){ (const uint8_t *)host, strcspn(host, ".") };
	if (!span_to_u64(digits, &ordinal) || ordinal >= DISCOVERY_PODS_MAX)
		return DISCOVERY_PODS_MAX;
	return (unsigned)ordinal;
}

/* True when the record lists pods. */
static bool take_record(struct discovery *d, const struct resolver_result *result)
{
	bool any = false;

	for (size_t i = 0; i < result->n; i++) {
		unsigned ordinal = ordinal_of(d, result->targets[i].host);

		if (ordinal == DISCOVERY_PODS_MAX)
			continue;
		d->places[ordinal].port = result->targets[i].port;
		d->places[ordinal].listed = any = true;
	}
	return any;
}

/* The record is not known: it lists whom it listed, which denies nobody. */
static void list_known(struct discovery *d)
{
	for (unsigned i = 0; i < DISCOVERY_PODS_MAX; i++)
		d->places[i].listed = d->places[i].known;
}

/* Those that a record does not list, if no other nameserver could list them. */
static void miss_unlisted(struct discovery *d, const struct resolver_result *result)
{
	if (!result->whole) {
		failed(d, "its service record", result->words);
		return;
	}
	for (unsigned i = 0; i < DISCOVERY_PODS_MAX; i++) {
		if (!d->places[i].listed)
			pod_missing(d, i);
	}
}

static void record_answered(void *arg, const struct resolver_result *result)
{
	struct discovery *d = arg;
	bool listed = take_record(d, result);

	d->answers[result->answer]++;
	if (listed)
		d->record_us = d->started_us;
	/* a Service that has the record keeps it: without, no pod is ready */
	d->by_record = d->record_us != 0 && d->started_us - d->record_us < RECORD_KEPT_US;
	if (d->by_record && result->answer == RESOLVER_FAILED) {
		failed(d, "its service record", result->words);
		list_known(d);
	} else if (d->by_record) {
		miss_unlisted(d, result);
	}
	ask_names(d);
}

/* --- passes ---------------------------------------------------------------------- */

static void find_suffix(struct discovery *d)
{
	discovery_suffix(d->settings, NAMESPACE_FILE, d->resolv_conf, d->suffix,
			 sizeof(d->suffix));
	log_info(NULL, "looking for pods", LOG_TEXT("service", d->settings->service),
		 LOG_TEXT("suffix", d->suffix));
}

static void start_pass(struct discovery *d)
{
	char name[400];

	if (resolver_refresh(d->resolver))
		find_suffix(d);
	d->asking = d->complete = true;
	d->hurry = d->by_record = d->found = d->doubt = false;
	d->started_us = loop_now_us(d->loop);
	d->next = 0;
	d->ttl_s = TTL_MAX_S;
	for (unsigned i = 0; i < DISCOVERY_PODS_MAX; i++)
		d->places[i].listed = false;
	(void)snprintf(name, sizeof(name), "_mysql._tcp%s", d->suffix);
	resolver_ask_services(d->resolver, name, record_answered, d);
}

void discovery_host(const struct discovery *d, unsigned ordinal, char *out, size_t room)
{
	char name[400];

	name_of(d, ordinal, name, sizeof(name));
	name[strlen(name) - 1] = '\0';
	(void)snprintf(out, room, "%s", name);
}

const uint64_t *discovery_answers(const struct discovery *d)
{
	return d->answers;
}

void discovery_hurry(struct discovery *d)
{
	uint64_t since_us = loop_now_us(d->loop) - d->started_us;
	uint64_t wait_us = since_us < HURRY_US ? HURRY_US - since_us : 0;

	d->hurry = true;
	if (!d->asking)
		timer_set(&d->again, d->loop, wait_us, look_again);
}

/* --- start and end ----------------------------------------------------------------- */

/* READMUX_RESOLV_CONF is for tests. */
static const char *resolv_conf(void)
{
	const char *path = getenv("READMUX_RESOLV_CONF");

	return path != NULL && path[0] != '\0' ? path : RESOLV_CONF;
}

struct discovery *discovery_new(struct loop *loop, const struct settings *settings,
				const struct discovery_user_ops *ops, void *arg)
{
	struct discovery *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->resolv_conf = resolv_conf();
	d->resolver = resolver_new(loop, d->resolv_conf);
	if (d->resolver == NULL) {
		free(d);
		return NULL;
	}
	d->loop = loop;
	d->settings = settings_take(settings);
	d->ops = ops;
	d->arg = arg;
	for (unsigned i = 0; i < DISCOVERY_PODS_MAX; i++)
		d->places[i].discovery = d;
	find_suffix(d);
	timer_set(&d->again, loop, 0, look_again);
	return d;
}

void discovery_free(struct discovery *d)
{
	if (d == NULL)
		return;
	timer_clear(&d->again);
	resolver_free(d->resolver);
	settings_drop(d->settings);
	free(d);
}
