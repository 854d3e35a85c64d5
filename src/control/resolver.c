/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * c-ares on the control loop; see resolver.h.
 *
 * A question is put to every nameserver, and answered when all have answered.  A
 * nameserver that let its last question time out is not waited for, unless all did.
 */
#include <readmux/base/log.h>
#include <readmux/control/resolver.h>
#include <readmux/net/timer.h>

#define CARES_NO_DEPRECATED	/* what 1.16 has is what we use */
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <sys/stat.h>

#define NAMESERVERS   8u
#define SOCKETS       4u	/* of one nameserver: UDP, TCP, and some to spare */
#define TIMEOUT_MS    1000	/* of one try */
#define TRIES         2
#define TICK_US       100000u	/* how often c-ares looks at its own timeouts */
#define ADDRESSES     16u	/* of one name */
#define TARGETS       256u
#define DNS_PORT      53u

struct nameserver {
	struct loop    *loop;
	struct address  address;
	ares_channel    channel;	/* NULL: none */
	struct watch    watches[SOCKETS];
	unsigned        asking;
	bool            silent;		/* its last question was not answered in time */
};

struct resolver {
	struct loop       *loop;
	const char        *path;	/* of resolv.conf */
	struct stat        seen;	/* of the file that was read last */
	struct nameserver *servers[NAMESERVERS];
	size_t             n;
	struct timer       tick;
	bool               closing;
};

/* What one nameserver is asked. */
struct inquiry {
	struct question   *question;
	struct nameserver *server;
	bool               awaited;
	bool               found;	/* it has an A record */
};

/* One name, of which all nameservers are asked. */
struct question {
	struct resolver       *resolver;
	resolver_fn           *answered;
	void                  *arg;
	unsigned               asked;
	unsigned               replied;		/* with yes or no */
	unsigned               open;		/* asked, and not at an end */
	unsigned               awaited;		/* those that the answer waits for */
	bool                   told;
	struct resolver_result result;
	struct address         addresses[ADDRESSES];
	struct resolver_target *targets;	/* TARGETS of them, or NULL */
	char                   words[160];
	char                   name[300];
	struct inquiry         inquiries[NAMESERVERS];
};

/* --- sockets and timeouts ---------------------------------------------------------- */

static bool is_asking(const struct resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->servers[i]->asking > 0)
			return true;
	}
	return false;
}

static void keep_ticking(struct resolver *r);

static void ticked(struct timer *t)
{
	struct resolver *r = container_of(t, struct resolver, tick);

	for (size_t i = 0; i < r->n; i++)
		ares_process_fd(r->servers[i]->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	keep_ticking(r);
}

/* New questions must not push the tick away. */
static void keep_ticking(struct resolver *r)
{
	if (!timer_is_set(&r->tick) && !r->closing && is_asking(r))
		timer_set(&r->tick, r->loop, TICK_US, ticked);
}

static void socket_fired(void *arg, unsigned what)
{
	struct watch *w = arg;
	struct nameserver *s = w->owner;
	int fd = w->fd;		/* c-ares may clear the watch while it works */

	ares_process_fd(s->channel, (what & WATCH_READ) != 0 ? fd : ARES_SOCKET_BAD,
			(what & WATCH_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
}

static struct watch *watch_for(struct nameserver *s, int fd)
{
	struct watch *unused = NULL;

	for (size_t i = 0; i < SOCKETS; i++) {
		struct watch *w = &s->watches[i];

		if (w->read_event != NULL && w->fd == fd)
			return w;
		if (w->read_event == NULL && unused == NULL)
			unused = w;
	}
	if (unused == NULL || !watch_init(unused, s->loop, fd, socket_fired, unused))
		return NULL;
	unused->owner = s;
	return unused;
}

/* c-ares says which of its sockets it wants to hear of. */
static void socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct nameserver *s = arg;
	struct watch *w = watch_for(s, fd);

	if (w == NULL)
		return;		/* its own timeout ends the query */
	if (readable == 0 && writable == 0)
		watch_clear(w);
	else
		watch_set(w, (readable != 0 ? WATCH_READ : 0) |
			  (writable != 0 ? WATCH_WRITE : 0));
}

/* --- nameservers -------------------------------------------------------------------- */

static bool open_channel(struct nameserver *s)
{
	struct ares_options options = {
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.sock_state_cb = socket_state,
		.sock_state_cb_data = s,
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	struct ares_addr_port_node node = {
		.family = s->address.u.any.sa_family,
		.udp_port = address_port(&s->address),
		.tcp_port = address_port(&s->address),
	};

#ifdef ARES_OPT_QUERY_CACHE
	mask |= ARES_OPT_QUERY_CACHE;	/* for 0 seconds: we ask when we want to know */
#endif
	if (node.family == AF_INET)
		node.addr.addr4 = s->address.u.v4.sin_addr;
	else
		memcpy(&node.addr.addr6, &s->address.u.v6.sin6_addr,
		       sizeof(node.addr.addr6));
	return ares_init_options(&s->channel, &options, mask) == ARES_SUCCESS &&
	       ares_set_servers_ports(s->channel, &node) == ARES_SUCCESS;
}

static void nameserver_free(struct nameserver *s)
{
	if (s->channel != NULL)
		ares_destroy(s->channel);	/* what it is asked ends here */
	for (size_t i = 0; i < SOCKETS; i++)
		watch_clear(&s->watches[i]);
	free(s);
}

static struct nameserver *nameserver_new(struct loop *loop, const struct address *address)
{
	struct nameserver *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->address = *address;
	if (open_channel(s))
		return s;
	nameserver_free(s);
	return NULL;
}

static void drop_servers(struct resolver *r)
{
	size_t n = r->n;

	r->n = 0;
	for (size_t i = 0; i < n; i++)
		nameserver_free(r->servers[i]);
}

static void use_servers(struct resolver *r, const struct address *addresses, size_t n)
{
	char at[ADDRESS_TEXT_MAX];

	drop_servers(r);
	for (size_t i = 0; i < n; i++) {
		struct nameserver *s = nameserver_new(r->loop, &addresses[i]);

		address_format(&addresses[i], at, sizeof(at));
		if (s == NULL) {
			log_error(NULL, "a nameserver cannot be used",
				  LOG_TEXT("address", at));
			continue;
		}
		log_info(NULL, "nameserver", LOG_TEXT("address", at));
		r->servers[r->n++] = s;
	}
}

/* The address in "nameserver ADDRESS"; a port may follow it, for tests. */
static bool parse_nameserver(char *line, struct address *address)
{
	static const char blank[] = " \t\r\n";
	char *rest = line + strcspn(line, blank);

	if (*rest == '\0')
		return false;
	*rest++ = '\0';
	rest += strspn(rest, blank);
	rest[strcspn(rest, blank)] = '\0';
	return strcmp(line, "nameserver") == 0 &&
	       address_parse(span_of(rest), DNS_PORT, address) &&
	       address->u.any.sa_family != AF_UNIX;
}

static size_t read_nameservers(FILE *f, struct address addresses[NAMESERVERS])
{
	char line[256];
	size_t n = 0;

	while (n < NAMESERVERS && fgets(line, sizeof(line), f) != NULL)
		n += parse_nameserver(line, &addresses[n]);
	return n;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool resolver_refresh(struct resolver *r)
{
	struct address addresses[NAMESERVERS];
	struct stat now;
	size_t n = 0;
	FILE *f;

	if (stat(r->path, &now) != 0 || same_file(&now, &r->seen))
		return false;
	f = fopen(r->path, "re");
	if (f == NULL)
		return false;
	n = read_nameservers(f, addresses);
	(void)fclose(f);
	r->seen = now;
	if (n > 0)		/* else it is just being written */
		use_servers(r, addresses, n);
	return true;
}

/* --- start and end ------------------------------------------------------------------- */

struct resolver *resolver_new(struct loop *loop, const char *resolv_conf)
{
	struct resolver *r = calloc(1, sizeof(*r));
	struct address localhost;

	if (r == NULL)
		return NULL;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(r);
		return NULL;
	}
	r->loop = loop;
	r->path = resolv_conf;
	(void)resolver_refresh(r);
	/* what resolv.conf(5) says of a file without nameserver */
	if (r->n == 0 && address_parse(span_of("127.0.0.1"), DNS_PORT, &localhost))
		use_servers(r, &localhost, 1);
	return r;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	r->closing = true;
	timer_clear(&r->tick);
	drop_servers(r);
	ares_library_cleanup();
	free(r);
}

/* --- putting answers together --------------------------------------------------------- */

static void tell(struct question *q)
{
	struct resolver_result *result = &q->result;

	q->told = true;
	if (q->resolver->closing)
		return;
	result->whole = q->replied == q->asked;
	result->answer = result->n > 0 ? RESOLVER_FOUND :
			 result->whole && q->asked > 0 ? RESOLVER_GONE : RESOLVER_FAILED;
	result->addresses = q->addresses;
	result->targets = q->targets;
	result->words = q->words[0] != '\0' ? q->words : "a nameserver is silent";
	q->answered(q->arg, result);
}

/* One inquiry less, or the asking itself: answer when nobody is waited for. */
static void settle(struct question *q, bool awaited)
{
	q->open--;
	q->awaited -= awaited;
	if (q->awaited == 0 && !q->told)
		tell(q);
	if (q->open > 0)
		return;
	free(q->targets);
	free(q);
}

/* The nameserver's part is over, with the status of its last reply. */
static void end_inquiry(struct inquiry *i, int status)
{
	struct nameserver *s = i->server;
	struct question *q = i->question;
	char at[ADDRESS_TEXT_MAX];

	s->asking--;
	if (status != ARES_EDESTRUCTION)
		s->silent = status == ARES_ETIMEOUT;
	if (status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA) {
		q->replied++;
	} else if (q->words[0] == '\0') {
		address_format_host(&s->address, at, sizeof(at));
		(void)snprintf(q->words, sizeof(q->words), "%s: %s", at,
			       ares_strerror(status));
	}
	settle(q, i->awaited);
}

static int compare_addresses(const struct address *a, const struct address *b)
{
	if (a->u.any.sa_family != b->u.any.sa_family)
		return a->u.any.sa_family == AF_INET ? -1 : 1;
	return a->u.any.sa_family == AF_INET ?
	       memcmp(&a->u.v4.sin_addr, &b->u.v4.sin_addr, sizeof(a->u.v4.sin_addr)) :
	       memcmp(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr, sizeof(a->u.v6.sin6_addr));
}

/* In order, once each: nameservers turn their lists, and repeat each other. */
static void add_address(struct question *q, const struct address *address, int ttl)
{
	uint32_t ttl_s = ttl > 0 ? (uint32_t)ttl : 0;
	size_t n = q->result.n, at = 0;

	if (n == 0 || ttl_s < q->result.ttl_s)
		q->result.ttl_s = ttl_s;
	while (at < n && compare_addresses(&q->addresses[at], address) < 0)
		at++;
	if (n == ADDRESSES || (at < n && address_equal(&q->addresses[at], address)))
		return;
	memmove(&q->addresses[at + 1], &q->addresses[at], (n - at) * sizeof(*address));
	q->addresses[at] = *address;
	q->result.n++;
}

static void add_target(struct question *q, const char *host, uint16_t port)
{
	size_t n = q->result.n;

	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(q->targets[i].host, host) == 0)
			return;
	}
	if (n == TARGETS)
		return;
	(void)snprintf(q->targets[n].host, sizeof(q->targets[n].host), "%s", host);
	q->targets[n].port = port;
	q->result.n++;
}

/* --- replies ------------------------------------------------------------------------- */

static void replied_aaaa(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct inquiry *i = arg;
	struct ares_addr6ttl found[ADDRESSES];
	int n = ADDRESSES;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_aaaa_reply(bytes, len, NULL, found, &n);
	for (int k = 0; status == ARES_SUCCESS && k < n; k++) {
		struct address address = { .len = sizeof(address.u.v6) };

		address.u.v6.sin6_family = AF_INET6;
		memcpy(&address.u.v6.sin6_addr, &found[k].ip6addr,
		       sizeof(found[k].ip6addr));
		add_address(i->question, &address, found[k].ttl);
	}
	/* some servers fail, or deny the name, for want of AAAA records */
	end_inquiry(i, i->found ? ARES_SUCCESS : status);
}

static void replied_a(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct inquiry *i = arg;
	struct ares_addrttl found[ADDRESSES];
	int n = ADDRESSES;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_a_reply(bytes, len, NULL, found, &n);
	for (int k = 0; status == ARES_SUCCESS && k < n; k++) {
		struct address address = { .len = sizeof(address.u.v4) };

		address.u.v4.sin_family = AF_INET;
		address.u.v4.sin_addr = found[k].ipaddr;
		add_address(i->question, &address, found[k].ttl);
		i->found = true;
	}
	/* a name that does not exist has no AAAA record either */
	if (status == ARES_SUCCESS || status == ARES_ENODATA)
		ares_query(i->server->channel, i->question->name, ns_c_in, ns_t_aaaa,
			   replied_aaaa, i);
	else
		end_inquiry(i, status);
}

static void replied_srv(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct inquiry *i = arg;
	struct ares_srv_reply *reply = NULL;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_srv_reply(bytes, len, &reply);
	for (struct ares_srv_reply *at = reply; at != NULL; at = at->next)
		add_target(i->question, at->host, at->port);
	if (reply != NULL)
		ares_free_data(reply);
	end_inquiry(i, status);
}

/* --- questions ----------------------------------------------------------------------- */

static bool all_are_silent(const struct resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!r->servers[i]->silent)
			return false;
	}
	return true;
}

/* All counts stand before the first is asked: it may reply from inside. */
static void prepare_inquiries(struct question *q)
{
	struct resolver *r = q->resolver;
	bool all = all_are_silent(r);

	q->asked = (unsigned)r->n;
	q->open = q->awaited = 1;	/* the asking itself */
	for (size_t k = 0; k < r->n; k++) {
		struct nameserver *s = r->servers[k];

		q->inquiries[k] = (struct inquiry){ q, s, all || !s->silent, false };
		q->open++;
		q->awaited += q->inquiries[k].awaited;
		s->asking++;
	}
}

static void ask(struct resolver *r, const char *name, bool services, resolver_fn *answered,
		void *arg)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q != NULL && services)
		q->targets = calloc(TARGETS, sizeof(*q->targets));
	if (q == NULL || (services && q->targets == NULL)) {
		free(q);
		answered(arg, &(struct resolver_result){ .answer = RESOLVER_FAILED,
							 .words = "out of memory" });
		return;
	}
	q->resolver = r;
	q->answered = answered;
	q->arg = arg;
	(void)snprintf(q->name, sizeof(q->name), "%s", name);
	prepare_inquiries(q);
	for (size_t k = 0; k < q->asked; k++)
		ares_query(q->inquiries[k].server->channel, q->name, ns_c_in,
			   services ? ns_t_srv : ns_t_a, services ? replied_srv : replied_a,
			   &q->inquiries[k]);
	keep_ticking(r);
	settle(q, true);
}

void resolver_ask_addresses(struct resolver *r, const char *name, resolver_fn *answered,
			    void *arg)
{
	ask(r, name, false, answered, arg);
}

void resolver_ask_services(struct resolver *r, const char *name, resolver_fn *answered,
			   void *arg)
{
	ask(r, name, true, answered, arg);
}
