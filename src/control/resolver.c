/* SPDX-License-Identifier: GPL-2.0-or-later */
/* c-ares on the control loop; see resolver.h. */
#include <readmux/base/log.h>
#include <readmux/control/resolver.h>
#include <readmux/net/timer.h>

#include <ares.h>
#include <netdb.h>

#define SOCKETS       16
#define TIMEOUT_MS    1000	/* of one try */
#define TRIES         2
#define TICK_US       100000u	/* how often c-ares looks at its own timeouts */

struct question {
	struct resolver *resolver;
	resolver_fn     *answered;
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
		watch_set(w, (readable != 0 ? WATCH_READ : 0) | (writable != 0 ? WATCH_WRITE : 0));
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

/* The first IPv4 address if there is one, else the first IPv6 address. */
static const struct ares_addrinfo_node *best_node(const struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node *node, *best = NULL;

	for (node = info->nodes; node != NULL; node = node->ai_next) {
		if (node->ai_family == AF_INET)
			return node;
		if (best == NULL)
			best = node;
	}
	return best;
}

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

static void answered(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question *q = arg;
	enum resolver_answer answer = answer_of(status);
	const struct ares_addrinfo_node *node = info != NULL ? best_node(info) : NULL;
	struct address address = { .len = 0 };
	uint32_t ttl = 0;

	(void)timeouts;
	q->resolver->asking--;
	if (answer == RESOLVER_FOUND && node != NULL) {
		memcpy(&address.u, node->ai_addr, size_min(node->ai_addrlen, sizeof(address.u)));
		address.len = node->ai_addrlen;
		ttl = node->ai_ttl > 0 ? (uint32_t)node->ai_ttl : 0;
	} else if (answer == RESOLVER_FOUND) {
		answer = RESOLVER_GONE;
	}
	if (status != ARES_EDESTRUCTION && !q->resolver->closing)
		q->answered(q->arg, answer, &address, ttl, ares_strerror(status));
	if (info != NULL)
		ares_freeaddrinfo(info);
	free(q);
}

void resolver_ask(struct resolver *r, const char *name, resolver_fn *done, void *arg)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		done(arg, RESOLVER_FAILED, NULL, 0, "out of memory");
		return;
	}
	q->resolver = r;
	q->answered = done;
	q->arg = arg;
	(void)snprintf(q->name, sizeof(q->name), "%s", name);
	r->asking++;
	ares_getaddrinfo(r->channel, q->name, NULL, &hints, answered, q);
	keep_ticking(r);
}
