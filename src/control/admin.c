/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The admin address; see admin.h.
 *
 * One table says which paths there are, who may use them, and who answers.
 */
#include "admin_guests.h"
#include "page.h"

#include <readmux/base/log.h>
#include <readmux/control/admin.h>
#include <readmux/control/metrics.h>
#include <readmux/control/status_json.h>
#include <readmux/net/listener.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>
#include <inttypes.h>
#include <unistd.h>

#define HEADERS_MAX   8192
#define BODY_MAX      1024
#define TIMEOUT_S     5
#define WORDS_MAX     1024u
#define BACKLOG       16

/* A report whose tables are still on their way. */
struct pending {
	LIST_ENTRY(pending)    link;
	bool                   linked;
	struct evhttp_request *request;	/* NULL: nobody waits for it any more */
};

struct admin {
	struct evhttp               *http;
	struct guests               *guests;
	const struct admin_host_ops *ops;
	void                        *host;
	int                          fd;	/* its listening socket, evhttp's */
	LIST_HEAD(, pending)         pending;
};

/* --- answers ------------------------------------------------------------------------ */

static void set_header(struct evhttp_request *request, const char *name, const char *value)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	(void)evhttp_remove_header(headers, name);
	(void)evhttp_add_header(headers, name, value);
}

static void set_headers(struct evhttp_request *request, const char *type)
{
	set_header(request, "Content-Type", type);
	set_header(request, "Cache-Control", "no-store");
	set_header(request, "X-Content-Type-Options", "nosniff");
}

/* What stands in the output buffer, or only its length: evhttp would answer HEAD with a body. */
static void reply(struct evhttp_request *request, int code)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(request);
	char length[24];

	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
		(void)snprintf(length, sizeof(length), "%zu", evbuffer_get_length(out));
		set_header(request, "Content-Length", length);
		(void)evbuffer_drain(out, evbuffer_get_length(out));
	}
	evhttp_send_reply(request, code, NULL, NULL);
}

static void answer(struct evhttp_request *request, int code, const char *type,
		   const void *body, size_t len)
{
	set_headers(request, type);
	(void)evbuffer_add(evhttp_request_get_output_buffer(request), body, len);
	reply(request, code);
}

static void answer_text(struct evhttp_request *request, int code, const char *text)
{
	char line[WORDS_MAX + 2];

	(void)snprintf(line, sizeof(line), "%s\n", text);
	answer(request, code, "text/plain; charset=utf-8", line, strlen(line));
}

/* Takes <json> over. */
static void answer_json(struct evhttp_request *request, int code, char *json)
{
	if (json == NULL)
		answer_text(request, 503, "out of memory");
	else
		answer(request, code, "application/json", json, strlen(json));
	free(json);
}

static void answer_outcome(struct evhttp_request *request, bool done, const char *words)
{
	answer_json(request, done ? HTTP_OK : 409, status_json_outcome(done, words));
}

/* --- what can be seen ------------------------------------------------------------------ */

static struct overview overview_of(const struct admin *a)
{
	struct overview o;

	a->ops->overview(a->host, &o);
	return o;
}

/* <rest>: what stands in the place of the path's asterisk. */
typedef void handle_fn(struct admin *a, struct evhttp_request *request, struct span rest);

#define NONCE_MARK "NONCE"	/* in the page, where a nonce is to stand */

/* Only the page's own style and script may run: a nonce of this answer tells them. */
static void get_page(struct admin *a, struct evhttp_request *request, struct span rest)
{
	struct span page = { page_status_html, page_status_html_len };
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	char nonce[40], policy[200];
	uint64_t random[2];

	(void)a;
	(void)rest;
	evutil_secure_rng_get_bytes(random, sizeof(random));
	(void)snprintf(nonce, sizeof(nonce), "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	(void)snprintf(policy, sizeof(policy), "default-src 'none'; style-src 'nonce-%s'; "
		       "script-src 'nonce-%s'; connect-src 'self'; img-src data:", nonce, nonce);
	while (page.len > 0) {
		const uint8_t *mark = memmem(page.data, page.len, NONCE_MARK,
					     sizeof(NONCE_MARK) - 1);
		size_t before = mark != NULL ? (size_t)(mark - page.data) : page.len;

		(void)evbuffer_add(body, page.data, before);
		if (mark == NULL)
			break;
		(void)evbuffer_add(body, nonce, strlen(nonce));
		page = span_from(page, before + sizeof(NONCE_MARK) - 1);
	}
	set_header(request, "Content-Security-Policy", policy);
	set_headers(request, "text/html; charset=utf-8");
	reply(request, HTTP_OK);
}

static void get_metrics(struct admin *a, struct evhttp_request *request, struct span rest)
{
	struct overview o = overview_of(a);
	size_t len;
	char *text = metrics_text(&o, &len);

	(void)rest;
	if (text == NULL)
		answer_text(request, 503, "out of memory");
	else
		answer(request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, len);
	free(text);
}

static void get_healthz(struct admin *a, struct evhttp_request *request, struct span rest)
{
	struct overview o = overview_of(a);
	char words[WORDS_MAX];
	bool well = overview_is_healthy(&o, words, sizeof(words));

	(void)rest;
	answer_text(request, well ? HTTP_OK : 503, well ? "ok" : words);
}

static void get_readyz(struct admin *a, struct evhttp_request *request, struct span rest)
{
	struct overview o = overview_of(a);
	char words[WORDS_MAX];
	bool ready = overview_is_ready(&o, words, sizeof(words));

	(void)rest;
	answer_text(request, ready ? HTTP_OK : 503, ready ? "ok" : words);
}

static void get_status(struct admin *a, struct evhttp_request *request, struct span rest)
{
	struct overview o = overview_of(a);

	(void)rest;
	answer_json(request, HTTP_OK, status_json(&o));
}

static void get_config(struct admin *a, struct evhttp_request *request, struct span rest)
{
	struct overview o = overview_of(a);

	(void)rest;
	answer_json(request, HTTP_OK, status_json_config(&o));
}

/* --- reports ------------------------------------------------------------------------------ */

static void report_gone(struct evhttp_connection *connection, void *arg)
{
	struct pending *p = arg;

	(void)connection;
	p->request = NULL;
}

static void report_done(void *arg, struct table *t)
{
	struct pending *p = arg;

	if (p->request != NULL) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(p->request), NULL,
					      NULL);
		answer_json(p->request, HTTP_OK, status_json_table(t));
	}
	table_free(t);
	if (p->linked)
		LIST_REMOVE(p, link);
	free(p);
}

static void get_report(struct admin *a, struct evhttp_request *request, struct span rest)
{
	struct pending *p;
	enum report report;

	if (!report_named(rest, &report) || report == REPORT_ROUTE) {
		answer_text(request, HTTP_NOTFOUND, "no such report");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		answer_text(request, 503, "out of memory");
		return;
	}
	p->request = request;
	p->linked = true;
	LIST_INSERT_HEAD(&a->pending, p, link);
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), report_gone, p);
	a->ops->report(a->host, report, report_done, p);
}

/* --- orders -------------------------------------------------------------------------------- */

static void hold(struct admin *a, struct evhttp_request *request, struct span backend, bool on)
{
	char words[WORDS_MAX];
	bool done = a->ops->hold(a->host, backend, on, words, sizeof(words));

	answer_outcome(request, done, words);
}

static void post_drain_backend(struct admin *a, struct evhttp_request *request,
			       struct span rest)
{
	hold(a, request, rest, true);
}

static void post_resume_backend(struct admin *a, struct evhttp_request *request,
				struct span rest)
{
	hold(a, request, rest, false);
}

static void post_reload(struct admin *a, struct evhttp_request *request, struct span rest)
{
	char words[WORDS_MAX];
	bool done = a->ops->reload(a->host, words, sizeof(words));

	(void)rest;
	answer_outcome(request, done, words);
}

static void post_drain(struct admin *a, struct evhttp_request *request, struct span rest)
{
	char words[WORDS_MAX];
	bool done = a->ops->drain(a->host, words, sizeof(words));

	(void)rest;
	answer_outcome(request, done, words);
}

static void post_log_level(struct admin *a, struct evhttp_request *request, struct span rest)
{
	char words[WORDS_MAX];
	bool done = a->ops->log_level(a->host, rest, words, sizeof(words));

	answer_outcome(request, done, words);
}

/* --- the table of paths ---------------------------------------------------------------------- */

enum right { RIGHT_NONE, RIGHT_TOKEN };

/* An asterisk stands for one name, whatever it is. */
static const struct admin_path {
	enum evhttp_cmd_type method;
	const char          *path;
	enum right           right;
	handle_fn           *handle;
	const char          *help;
} paths[] = {
	{ EVHTTP_REQ_GET, "/", RIGHT_NONE, get_page, "the status page" },
	{ EVHTTP_REQ_GET, "/metrics", RIGHT_NONE, get_metrics, "metrics for Prometheus" },
	{ EVHTTP_REQ_GET, "/healthz", RIGHT_NONE, get_healthz,
	  "200 while every thread turns, else 503 and why" },
	{ EVHTTP_REQ_GET, "/readyz", RIGHT_NONE, get_readyz,
	  "200 when new clients should be sent here, else 503 and why" },
	{ EVHTTP_REQ_GET, "/status.json", RIGHT_NONE, get_status, "what the status page shows" },
	{ EVHTTP_REQ_GET, "/config.json", RIGHT_NONE, get_config,
	  "every setting, secrets masked" },
	{ EVHTTP_REQ_GET, "/v1/reports/*", RIGHT_NONE, get_report,
	  "SHOW READMUX as JSON: status, backends, sessions, pools, reasons, statements, "
	  "settings, events" },
	{ EVHTTP_REQ_POST, "/v1/backends/*/drain", RIGHT_TOKEN, post_drain_backend,
	  "no new statements for this server, until it is resumed" },
	{ EVHTTP_REQ_POST, "/v1/backends/*/resume", RIGHT_TOKEN, post_resume_backend,
	  "it is used again" },
	{ EVHTTP_REQ_POST, "/v1/reload", RIGHT_TOKEN, post_reload,
	  "read the configuration again" },
	{ EVHTTP_REQ_POST, "/v1/drain", RIGHT_TOKEN, post_drain, "end, as after SIGTERM" },
	{ EVHTTP_REQ_POST, "/v1/log-level/*", RIGHT_TOKEN, post_log_level,
	  "error, warn, info or debug, until the next reload" },
};

static const char *method_name(enum evhttp_cmd_type method)
{
	return method == EVHTTP_REQ_POST ? "POST" : "GET";
}

void admin_document(FILE *out)
{
	(void)fputs("| request | needs the token | gives or does |\n|---|---|---|\n", out);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		(void)fprintf(out, "| `%s %s` | %s | %s |\n", method_name(paths[i].method),
			      paths[i].path, paths[i].right == RIGHT_TOKEN ? "yes" : "no",
			      paths[i].help);
}

/* True when <path> is of the form <pattern>; <rest> is what its asterisk stands for. */
static bool path_is(struct span path, const char *pattern, struct span *rest)
{
	const char *star = strchr(pattern, '*');
	size_t before = star != NULL ? (size_t)(star - pattern) : strlen(pattern);
	size_t after = star != NULL ? strlen(star + 1) : 0;

	*rest = SPAN_NONE;
	if (star == NULL)
		return span_is(path, pattern);
	if (path.len <= before + after || memcmp(path.data, pattern, before) != 0 ||
	    memcmp(path.data + path.len - after, star + 1, after) != 0)
		return false;
	*rest = (struct span){ path.data + before, path.len - before - after };
	return memchr(rest->data, '/', rest->len) == NULL;
}

/* Takes the same time wherever the two differ. */
static bool is_same_secret(const char *a, const char *b)
{
	size_t len = strlen(a), room = strlen(b) + 1;
	unsigned char differs = len + 1 != room;

	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(a[i] ^ b[i % room]);
	return differs == 0;
}

static bool may_use(const struct admin *a, struct evhttp_request *request, enum right right)
{
	static const char scheme[] = "Bearer ";
	struct overview o = overview_of(a);
	const char *given = evhttp_find_header(evhttp_request_get_input_headers(request),
					       "Authorization");

	if (right == RIGHT_NONE)
		return true;
	return o.settings->admin_token[0] != '\0' && given != NULL &&
	       strncmp(given, scheme, sizeof(scheme) - 1) == 0 &&
	       is_same_secret(given + sizeof(scheme) - 1, o.settings->admin_token);
}

static void refuse(const struct admin *a, struct evhttp_request *request)
{
	struct overview o = overview_of(a);

	if (o.settings->admin_token[0] == '\0') {
		answer_text(request, 403, "this needs a token, and none is configured: set "
			    "admin.token");
		return;
	}
	set_header(request, "WWW-Authenticate", "Bearer");
	answer_text(request, 401, "this needs the header 'Authorization: Bearer TOKEN' with "
		    "the value of admin.token");
}

/* Whoever gives orders is in the log, whatever its level is and whatever comes of it. */
static void audit(struct evhttp_request *request, struct span path, bool allowed)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	char *address = NULL;
	ev_uint16_t port = 0;

	if (connection != NULL)
		evhttp_connection_get_peer(connection, &address, &port);
	if (allowed)
		log_write(NULL, LOG_LEVEL_INFO, NULL, "order", (const struct log_field[]){
			LOG_SPAN("order", path), LOG_TEXT("peer", address),
			LOG_UINT("port", port) }, 3);
	else
		log_warn(NULL, "order refused", LOG_SPAN("order", path),
			 LOG_TEXT("peer", address), LOG_UINT("port", port));
}

static void requested(struct evhttp_request *request, void *arg)
{
	struct admin *a = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *text = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	struct span path = span_of(text != NULL ? text : ""), rest;
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	const char *allowed = NULL;

	guests_requested(a->guests, request);
	if (method == EVHTTP_REQ_HEAD)
		method = EVHTTP_REQ_GET;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (!path_is(path, paths[i].path, &rest))
			continue;
		allowed = method_name(paths[i].method);
		if (paths[i].method != method)
			continue;
		if (paths[i].right == RIGHT_TOKEN)
			audit(request, path, may_use(a, request, paths[i].right));
		if (may_use(a, request, paths[i].right))
			paths[i].handle(a, request, rest);
		else
			refuse(a, request);
		return;
	}
	if (allowed == NULL) {
		answer_text(request, HTTP_NOTFOUND, "nothing is here; the status page is at /");
		return;
	}
	set_header(request, "Allow", allowed);
	answer_text(request, HTTP_BADMETHOD, "this path takes another method");
}

/* --- start and end ------------------------------------------------------------------------------ */

static struct admin *admin_new(struct loop *loop, const struct admin_host_ops *ops, void *host)
{
	struct admin *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->ops = ops;
	a->host = host;
	LIST_INIT(&a->pending);
	a->http = evhttp_new(loop_base(loop));
	if (a->http == NULL) {
		free(a);
		return NULL;
	}
	evhttp_set_max_headers_size(a->http, HEADERS_MAX);
	evhttp_set_max_body_size(a->http, BODY_MAX);
	evhttp_set_timeout(a->http, TIMEOUT_S);
	evhttp_set_allowed_methods(a->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
	evhttp_set_gencb(a->http, requested, a);
	return a;
}

struct admin *admin_open(struct loop *loop, const struct address *at, int fd,
			 const struct admin_host_ops *ops, void *host, char *problem,
			 size_t room)
{
	struct admin *a = admin_new(loop, ops, host);
	char text[ADDRESS_TEXT_MAX];

	if (a == NULL) {
		(void)snprintf(problem, room, "out of memory");
		return NULL;
	}
	if (fd < 0)
		fd = listener_socket(at, BACKLOG);
	a->fd = fd;
	if (fd >= 0)
		a->guests = guests_new(loop, a->http, fd);
	if (a->guests != NULL)
		return a;
	address_format(at, text, sizeof(text));
	(void)snprintf(problem, room, "cannot listen at %s: %s; set admin.address to another "
		       "one, or to nothing", text, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	admin_close(a);
	return NULL;
}

int admin_descriptor(const struct admin *a)
{
	return a->fd;
}

void admin_close(struct admin *a)
{
	struct pending *p;

	if (a == NULL)
		return;
	while ((p = LIST_FIRST(&a->pending)) != NULL) {		/* its tables may still come */
		LIST_REMOVE(p, link);
		p->linked = false;
		p->request = NULL;
	}
	evhttp_free(a->http);
	guests_free(a->guests);
	free(a);
}
