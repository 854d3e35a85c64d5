/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pods by ordinal; see discovery.h.
 *
 * A pass asks one name after the other.  A name that DNS fails to answer
 * for is skipped; two in a row end the pass, so that a dead DNS server does not
 * stretch it.
 */
#include <readmux/base/log.h>
#include <readmux/control/discovery.h>
#include <readmux/net/timer.h>

#define TTL_MIN_S      1u
#define TTL_MAX_S      5u
#define HURRY_US       200000u	/* least time between the starts of two passes */
#define MISSING_IN_ROW 3u	/* then no higher ordinal is expected */
#define FAILED_IN_ROW  2u
#define NAMESPACE_FILE "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
#define RESOLV_CONF    "/etc/resolv.conf"

struct discovery {
	struct loop     *loop;
	struct resolver *resolver;
	const struct discovery_user_ops *ops;
	void            *arg;
	struct timer     again;
	char             service[64];
	char             suffix[300];		/* ".mysql.default.svc.cluster.local." */
	uint16_t         port;			/* of pods without SRV record */
	uint16_t         ports[DISCOVERY_PODS_MAX];	/* of the others; 0 = none */
	unsigned         expected;		/* ordinals that are asked for anyhow */
	uint64_t         started_us;
	bool             asking;
	bool             hurry;			/* asked to look again, not later */
	bool             failing;		/* the last pass was not complete */

	/* of the pass under way */
	unsigned         ordinal;
	unsigned         reach;			/* as <expected>, with what SRV says */
	unsigned         missing;		/* in a row */
	unsigned         failed;		/* in a row */
	bool             complete;
	uint32_t         ttl_s;			/* the least of all */
	char             problem[128];
};

static void ask(struct discovery *d);
static void start_pass(struct discovery *d);

/* --- passes ---------------------------------------------------------------------- */

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
			 LOG_TEXT("service", d->service), LOG_TEXT("problem", d->problem));
	else
		log_info(NULL, "DNS answers again", LOG_TEXT("service", d->service));
}

static void end_pass(struct discovery *d)
{
	uint64_t wait_s = d->complete ? size_max(d->ttl_s, TTL_MIN_S) : TTL_MIN_S;

	d->asking = false;
	say_failing(d);
	timer_set(&d->again, d->loop, d->hurry ? HURRY_US : wait_s * 1000000, look_again);
	d->ops->passed(d->arg, d->complete);
}

static void next(struct discovery *d)
{
	d->ordinal++;
	if (d->ordinal >= DISCOVERY_PODS_MAX || d->failed >= FAILED_IN_ROW ||
	    (d->missing >= MISSING_IN_ROW && d->ordinal >= d->reach))
		end_pass(d);
	else
		ask(d);
}

static void pod_found(struct discovery *d, const struct address *address, uint32_t ttl_s)
{
	struct address at = *address;

	address_set_port(&at, d->ports[d->ordinal] != 0 ? d->ports[d->ordinal] : d->port);
	d->missing = d->failed = 0;
	if (ttl_s < d->ttl_s)
		d->ttl_s = ttl_s;
	d->ops->found(d->arg, d->ordinal, &at);
}

static void pod_answered(void *arg, enum resolver_answer answer,
			 const struct address *address, uint32_t ttl_s, const char *words)
{
	struct discovery *d = arg;

	switch (answer) {
	case RESOLVER_FOUND:
		pod_found(d, address, ttl_s);
		break;
	case RESOLVER_GONE:
		d->missing++;
		d->failed = 0;
		d->ops->gone(d->arg, d->ordinal);
		break;
	case RESOLVER_FAILED:
		d->failed++;
		d->complete = false;
		(void)snprintf(d->problem, sizeof(d->problem), "%s-%u: %s", d->service,
			       d->ordinal, words);
		break;
	}
	next(d);
}

static void ask(struct discovery *d)
{
	char name[400];

	(void)snprintf(name, sizeof(name), "%s-%u%s", d->service, d->ordinal, d->suffix);
	resolver_ask(d->resolver, name, pod_answered, d);
}

/* --- the service record ------------------------------------------------------------ */

/* The ordinal in a pod's name, or DISCOVERY_PODS_MAX. */
static unsigned ordinal_of(const struct discovery *d, const char *host)
{
	size_t skip = strlen(d->service);
	struct span digits;
	uint64_t ordinal;

	if (strncasecmp(host, d->service, skip) != 0 || host[skip] != '-')
		return DISCOVERY_PODS_MAX;
	host += skip + 1;
	digits = (struct span){ (const uint8_t *)host, strcspn(host, ".") };
	if (!span_to_u64(digits, &ordinal) || ordinal >= DISCOVERY_PODS_MAX)
		return DISCOVERY_PODS_MAX;
	return (unsigned)ordinal;
}

static void srv_answered(void *arg, enum resolver_answer answer,
			 const struct resolver_target *targets, size_t n)
{
	struct discovery *d = arg;

	(void)answer;		/* without one, the names alone have to do */
	for (size_t i = 0; i < n; i++) {
		unsigned ordinal = ordinal_of(d, targets[i].host);

		if (ordinal >= DISCOVERY_PODS_MAX)
			continue;
		d->ports[ordinal] = targets[i].port;
		if (d->reach < ordinal + 1)
			d->reach = ordinal + 1;
	}
	ask(d);
}

static void start_pass(struct discovery *d)
{
	char name[400];

	d->asking = d->complete = true;
	d->hurry = false;
	d->started_us = loop_now_us(d->loop);
	d->ordinal = d->missing = d->failed = 0;
	d->reach = d->expected;
	d->ttl_s = TTL_MAX_S;
	(void)snprintf(name, sizeof(name), "_mysql._tcp%s", d->suffix);
	resolver_ask_srv(d->resolver, name, srv_answered, d);
}

void discovery_hurry(struct discovery *d)
{
	uint64_t since_us = loop_now_us(d->loop) - d->started_us;
	uint64_t wait_us = since_us < HURRY_US ? HURRY_US - since_us : 0;

	d->hurry = true;
	if (d->asking)
		return;
	timer_clear(&d->again);
	timer_set(&d->again, d->loop, wait_us, look_again);
}

void discovery_expect(struct discovery *d, unsigned n)
{
	d->expected = n;
}

/* --- start and end ----------------------------------------------------------------- */

struct discovery *discovery_new(struct loop *loop, const struct settings *settings,
				const struct discovery_user_ops *ops, void *arg)
{
	struct discovery *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->loop = loop;
	d->ops = ops;
	d->arg = arg;
	d->port = (uint16_t)settings->port;
	(void)snprintf(d->service, sizeof(d->service), "%.63s", settings->service);
	discovery_suffix(settings, NAMESPACE_FILE, RESOLV_CONF, d->suffix,
			 sizeof(d->suffix));
	d->resolver = resolver_new(loop);
	if (d->resolver == NULL) {
		log_error(NULL, "DNS cannot be used", LOG_TEXT("remedy",
			  "check /etc/resolv.conf, or set backends.servers"));
		free(d);
		return NULL;
	}
	log_info(NULL, "looking for pods", LOG_TEXT("service", d->service),
		 LOG_TEXT("suffix", d->suffix));
	timer_set(&d->again, loop, 0, look_again);
	return d;
}

void discovery_free(struct discovery *d)
{
	if (d == NULL)
		return;
	timer_clear(&d->again);
	resolver_free(d->resolver);
	free(d);
}
