/* SPDX-License-Identifier: GPL-2.0-or-later */
/* c-ares on the control loop; see resolver.h. */
#include <readmux/base/log.h>
#include <readmux/control/resolver.h>
#include <readmux/net/timer.h>

#define CARES_NO_DEPRECATED	/* what 1.16 has is what we use */
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>

#define SOCKETS       16
#define TIMEOUT_MS    1000	/* of one try */
#define TRIES         2
#define TICK_US       100000u	/* how often c-ares looks at its own timeouts */
#define ADDRESSES     8
#define TARGETS       256u

struct question {
	struct resolver *resolver;
	resolver_fn     *answered;	/* for addresses, or */
	resolver_srv_fn *listed;	/* for service records */
	void            *arg;
	char             name[300];
};

struct resolver {
	struct loop  *loop;
	ares_channel  channel;
	struct watch  watches[SOCKETS];	/* fd 0 and no event: free */
	struct timer  tick;
	unsigned      asking;
	bool          closing;
};

static void keep_ticking(struct resolver *r);

static void ticked(struct timer *t)
{
	struct resolver *r = container_of(t, struct resolver, tick);

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	keep_ticking(r);
}

static void keep_ticking(struct resolver *r)
{
	if (r->asking > 0 && !r->closing)
		timer_set(&r->tick, r->loop, TICK_US, ticked);
}

static void socket_fired(void *arg, unsigned what)
{
	struct watch *w = arg;
	struct resolver *r = w->owner;
	int fd = w->fd;		/* c-ares may clear the watch while it works */

	ares_process_fd(r->channel, (what & WATCH_READ) != 0 ? fd : ARES_SOCKET_BAD,
			(what & WATCH_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
}

static struct watch *watch_for(struct resolver *r, int fd)
{
	struct watch *unused = NULL;

	for (size_t i = 0; i < SOCKETS; i++) {
		struct watch *w = &r->watches[i];

		if (w->read_event != NULL && w->fd == fd)
			return w;
		if (w->read_event == NULL && unused == NULL)
			unused = w;
	}
	if (unused == NULL || !watch_init(unused, r->loop, fd, socket_fired, unused))
		return NULL;
	unused->owner = r;
	return unused;
}

/* c-ares says which of its sockets it wants to hear of. */
static void socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct watch *w = watch_for(r, fd);

	if (w == NULL)
		return;		/* its own timeout ends the query */
	if (readable == 0 && writable == 0)
		watch_clear(w);
	else
		watch_set(w, (readable != 0 ? WATCH_READ : 0) |
			  (writable != 0 ? WATCH_WRITE : 0));
}

/* A debugging aid for tests: other servers than those of resolv.conf. */
static bool use_other_servers(struct resolver *r)
{
	const char *servers = getenv("READMUX_DNS_SERVERS");

	if (servers == NULL || servers[0] == '\0')
		return true;
	if (ares_set_servers_ports_csv(r->channel, servers) == ARES_SUCCESS)
		return true;
	log_error(NULL, "READMUX_DNS_SERVERS cannot be used", LOG_TEXT("value", servers));
	return false;
}

struct resolver *resolver_new(struct loop *loop)
{
	struct resolver *r = calloc(1, sizeof(*r));
	struct ares_options options = {
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.sock_state_cb = socket_state,
		.sock_state_cb_data = r,
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;

#ifdef ARES_OPT_QUERY_CACHE
	mask |= ARES_OPT_QUERY_CACHE;	/* for 0 seconds: we ask when we want to know */
#endif
	if (r == NULL)
		return NULL;
	r->loop = loop;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&r->channel, &options, mask) != ARES_SUCCESS) {
		free(r);
		return NULL;
	}
	if (use_other_servers(r))
		return r;
	resolver_free(r);
	return NULL;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	r->closing = true;
	timer_clear(&r->tick);
	ares_destroy(r->channel);
	for (size_t i = 0; i < SOCKETS; i++)
		watch_clear(&r->watches[i]);
	ares_library_cleanup();
	free(r);
}

/* --- questions ------------------------------------------------------------------- */

static enum resolver_answer answer_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return RESOLVER_FOUND;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		return RESOLVER_GONE;
	default:
		return RESOLVER_FAILED;
	}
}

static struct question *question_new(struct resolver *r, const char *name, void *arg)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->resolver = r;
	q->arg = arg;
	(void)snprintf(q->name, sizeof(q->name), "%s", name);
	return q;
}

static void ask(struct question *q, int type, ares_callback done)
{
	struct resolver *r = q->resolver;

	r->asking++;
	keep_ticking(r);
	ares_query(r->channel, q->name, ns_c_in, type, done, q);
}

/* The channel is being destroyed: nobody wants to hear of it. */
static bool is_over(struct question *q, int status)
{
	q->resolver->asking--;
	if (status != ARES_EDESTRUCTION && !q->resolver->closing)
		return false;
	free(q);
	return true;
}

/* --- addresses ------------------------------------------------------------------- */

static void tell(struct question *q, int status, const struct address *address, int ttl)
{
	resolver_fn *answered = q->answered;
	void *arg = q->arg;

	free(q);
	answered(arg, answer_of(status), address, ttl > 0 ? (uint32_t)ttl : 0,
		 ares_strerror(status));
}

static void answered_aaaa(void *arg, int status, int timeouts, unsigned char *bytes,
			  int len)
{
	struct question *q = arg;
	struct address address = { .len = sizeof(address.u.v6) };
	struct ares_addr6ttl found[ADDRESSES];
	int n = ADDRESSES;

	(void)timeouts;
	if (is_over(q, status))
		return;
	if (status == ARES_SUCCESS)
		status = ares_parse_aaaa_reply(bytes, len, NULL, found, &n);
	if (status == ARES_SUCCESS && n == 0)
		status = ARES_ENODATA;
	if (status == ARES_SUCCESS) {
		address.u.v6.sin6_family = AF_INET6;
		memcpy(&address.u.v6.sin6_addr, &found[0].ip6addr,
		       sizeof(found[0].ip6addr));
	}
	tell(q, status, &address, status == ARES_SUCCESS ? found[0].ttl : 0);
}

static void answered_a(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct question *q = arg;
	struct address address = { .len = sizeof(address.u.v4) };
	struct ares_addrttl found[ADDRESSES];
	int n = ADDRESSES;

	(void)timeouts;
	if (is_over(q, status))
		return;
	if (status == ARES_SUCCESS)
		status = ares_parse_a_reply(bytes, len, NULL, found, &n);
	if (status == ARES_ENODATA || (status == ARES_SUCCESS && n == 0)) {
		ask(q, ns_t_aaaa, answered_aaaa);
		return;
	}
	if (status == ARES_SUCCESS) {
		address.u.v4.sin_family = AF_INET;
		address.u.v4.sin_addr = found[0].ipaddr;
	}
	tell(q, status, &address, status == ARES_SUCCESS ? found[0].ttl : 0);
}

void resolver_ask(struct resolver *r, const char *name, resolver_fn *answered, void *arg)
{
	struct question *q = question_new(r, name, arg);

	if (q == NULL) {
		answered(arg, RESOLVER_FAILED, NULL, 0, "out of memory");
		return;
	}
	q->answered = answered;
	ask(q, ns_t_a, answered_a);
}

/* --- service records ------------------------------------------------------------- */

/* At most TARGETS of <reply> into a list of its own; NULL: no memory. */
static struct resolver_target *copy_targets(const struct ares_srv_reply *reply, size_t *n)
{
	const struct ares_srv_reply *at;
	struct resolver_target *targets;

	*n = 0;
	for (at = reply; at != NULL && *n < TARGETS; at = at->next)
		++*n;
	targets = calloc(size_max(*n, 1), sizeof(*targets));
	at = reply;
	for (size_t i = 0; targets != NULL && i < *n; i++, at = at->next) {
		(void)snprintf(targets[i].host, sizeof(targets[i].host), "%s", at->host);
		targets[i].port = at->port;
	}
	return targets;
}

static void answered_srv(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct question *q = arg;
	struct ares_srv_reply *reply = NULL;
	struct resolver_target *targets = NULL;
	size_t n = 0;

	(void)timeouts;
	if (is_over(q, status))
		return;
	if (status == ARES_SUCCESS)
		status = ares_parse_srv_reply(bytes, len, &reply);
	if (status == ARES_SUCCESS)
		targets = copy_targets(reply, &n);
	if (targets == NULL)
		n = 0;
	if (reply != NULL)
		ares_free_data(reply);
	q->listed(q->arg, answer_of(status), targets, n);
	free(targets);
	free(q);
}

void resolver_ask_srv(struct resolver *r, const char *name, resolver_srv_fn *answered,
		      void *arg)
{
	struct question *q = question_new(r, name, arg);

	if (q == NULL) {
		answered(arg, RESOLVER_FAILED, NULL, 0);
		return;
	}
	q->listed = answered;
	ask(q, ns_t_srv, answered_srv);
}
