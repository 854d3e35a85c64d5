/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pods by ordinal; see discovery.h. */
#include <readmux/base/log.h>
#include <readmux/control/discovery.h>
#include <readmux/net/timer.h>

#define TTL_MIN_S       1u
#define TTL_MAX_S       5u
#define MISSING_IN_ROW  3u	/* then no higher ordinal is expected */
#define ORDINALS_MAX    64u
#define NAMESPACE_FILE  "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
#define DEFAULT_DOMAIN  "cluster.local"

struct discovery {
	struct loop         *loop;
	struct resolver     *resolver;
	discovery_found_fn  *found;
	discovery_pass_fn   *passed;
	void                *arg;
	struct timer         again;
	char                 service[64];
	char                 suffix[200];	/* ".mysql.default.svc.cluster.local." */
	uint16_t             port;
	unsigned             expected;		/* ordinals that must be asked for */
	unsigned             ordinal;		/* asked for now */
	unsigned             missing;		/* in a row */
	uint32_t             ttl_s;		/* least of this pass */
	bool                 asking;
	bool                 hurry;		/* asked to look again while a pass was under way */
};

static void ask(struct discovery *d);

static void start_pass(struct discovery *d)
{
	d->asking = true;
	d->hurry = false;
	d->ordinal = d->missing = 0;
	d->ttl_s = TTL_MAX_S;
	ask(d);
}

static void look_again(struct timer *t)
{
	start_pass(container_of(t, struct discovery, again));
}

static void end_pass(struct discovery *d, bool complete)
{
	uint32_t wait = d->ttl_s < TTL_MIN_S || d->hurry || !complete ? TTL_MIN_S : d->ttl_s;

	d->asking = false;
	timer_set(&d->again, d->loop, (uint64_t)wait * 1000000, look_again);
	d->passed(d->arg, complete);
}

static void pod_answered(void *arg, enum resolver_answer answer, const struct address *address,
			 uint32_t ttl_s, const char *words)
{
	struct discovery *d = arg;
	struct address at = { .len = 0 };

	if (answer == RESOLVER_FAILED) {
		log_warn(NULL, "DNS does not answer; nothing is changed",
			 LOG_TEXT("service", d->service), LOG_UINT("ordinal", d->ordinal),
			 LOG_TEXT("problem", words));
		end_pass(d, false);
		return;
	}
	if (answer == RESOLVER_FOUND) {
		at = *address;
		address_set_port(&at, d->port);
		d->missing = 0;
		if (ttl_s < d->ttl_s)
			d->ttl_s = ttl_s;
	} else {
		d->missing++;
	}
	d->found(d->arg, d->ordinal, answer, &at);
	d->ordinal++;
	if (d->ordinal >= ORDINALS_MAX ||
	    (d->missing >= MISSING_IN_ROW && d->ordinal >= d->expected))
		end_pass(d, true);
	else
		ask(d);
}

static void ask(struct discovery *d)
{
	char name[300];

	(void)snprintf(name, sizeof(name), "%s-%u%s", d->service, d->ordinal, d->suffix);
	resolver_ask(d->resolver, name, pod_answered, d);
}

void discovery_hurry(struct discovery *d)
{
	if (d->asking) {
		d->hurry = true;
		return;
	}
	timer_clear(&d->again);
	start_pass(d);
}

void discovery_expect(struct discovery *d, unsigned n)
{
	if (n > d->expected)
		d->expected = n;
}

/* --- the names' suffix ----------------------------------------------------------- */

/* First line of <path> without its end, or false. */
static bool first_line(const char *path, char *out, size_t room)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (f == NULL)
		return false;
	ok = fgets(out, (int)room, f) != NULL;
	(void)fclose(f);
	if (ok)
		out[strcspn(out, "\r\n")] = '\0';
	return ok && out[0] != '\0';
}

/* Namespace and domain from a search list with "NS.svc.DOMAIN" in it. */
static bool from_search_list(char *namespace, size_t n_room, char *domain, size_t d_room)
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	char line[1024], first[256], rest[256];
	bool ok = false;

	if (f == NULL)
		return false;
	while (!ok && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "search %255s", first) != 1)
			continue;
		ok = sscanf(first, "%255[^.].svc.%255s", line, rest) == 2;
	}
	(void)fclose(f);
	if (!ok)
		return false;
	(void)snprintf(namespace, n_room, "%.60s", line);
	(void)snprintf(domain, d_room, "%.100s", rest);
	return true;
}

static void make_suffix(struct discovery *d, const struct settings *s)
{
	char namespace[64] = "", domain[128] = DEFAULT_DOMAIN, searched[64] = "";
	bool in_cluster = from_search_list(searched, sizeof(searched), domain, sizeof(domain));

	if (s->namespace[0] != '\0')
		(void)snprintf(namespace, sizeof(namespace), "%.63s", s->namespace);
	else if (!first_line(NAMESPACE_FILE, namespace, sizeof(namespace)) && in_cluster)
		(void)snprintf(namespace, sizeof(namespace), "%s", searched);
	if (s->domain[0] != '\0')
		(void)snprintf(domain, sizeof(domain), "%.127s", s->domain);
	if (namespace[0] != '\0')
		(void)snprintf(d->suffix, sizeof(d->suffix), ".%s.%s.svc.%s.", d->service, namespace,
			       domain);
	else	/* no cluster in sight: a name that somebody has put into DNS as it is */
		(void)snprintf(d->suffix, sizeof(d->suffix), ".%s.", d->service);
}

struct discovery *discovery_new(struct loop *loop, const struct settings *settings,
				discovery_found_fn *found, discovery_pass_fn *passed, void *arg)
{
	struct discovery *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->loop = loop;
	d->found = found;
	d->passed = passed;
	d->arg = arg;
	d->port = (uint16_t)settings->port;
	d->expected = 1;
	(void)snprintf(d->service, sizeof(d->service), "%.63s", settings->service);
	make_suffix(d, settings);
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
