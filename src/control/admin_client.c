/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other end of the admin address; see admin_client.h. */
#include <readmux/control/admin_client.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

struct exchange {
	struct event_base   *base;
	struct admin_answer *answer;
	char                *problem;
	size_t               room;
	bool                 answered;
};

static void failed(enum evhttp_request_error error, void *arg)
{
	struct exchange *x = arg;

	(void)snprintf(x->problem, x->room, "%s", error == EVREQ_HTTP_TIMEOUT ?
		       "it does not answer in time" : error == EVREQ_HTTP_EOF ?
		       "it closed the connection" : "what answers there does not speak HTTP");
}

static void arrived(struct evhttp_request *request, void *arg)
{
	struct exchange *x = arg;

	(void)event_base_loopbreak(x->base);
	if (request == NULL)		/* failed() knows why */
		return;
	if (evhttp_request_get_response_code(request) == 0) {
		(void)snprintf(x->problem, x->room, "it cannot be connected to");
		return;
	}
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	size_t len = evbuffer_get_length(body);
	char *text = malloc(len + 1);

	if (text == NULL) {
		(void)snprintf(x->problem, x->room, "out of memory");
		return;
	}
	(void)evbuffer_remove(body, text, len);
	text[len] = '\0';
	free(x->answer->body);
	*x->answer = (struct admin_answer){ evhttp_request_get_response_code(request), text, len };
	x->answered = true;
}

static struct evhttp_request *request_new(struct exchange *x, const char *at, const char *token)
{
	struct evhttp_request *request = evhttp_request_new(arrived, x);
	struct evkeyvalq *headers;
	char bearer[1024];

	if (request == NULL)
		return NULL;
	evhttp_request_set_error_cb(request, failed);
	headers = evhttp_request_get_output_headers(request);
	(void)evhttp_add_header(headers, "Host", at);
	(void)evhttp_add_header(headers, "Connection", "close");
	(void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	if (token[0] != '\0')
		(void)evhttp_add_header(headers, "Authorization", bearer);
	return request;
}

static void exchange(struct exchange *x, const struct address *at, enum admin_method method,
		     const char *path, const char *token)
{
	char host[ADDRESS_TEXT_MAX], text[ADDRESS_TEXT_MAX];
	struct evhttp_connection *connection;
	struct evhttp_request *request;

	address_format_host(at, host, sizeof(host));
	address_format(at, text, sizeof(text));
	connection = evhttp_connection_base_new(x->base, NULL, host, address_port(at));
	request = request_new(x, text, token);
	if (connection != NULL && request != NULL) {
		evhttp_connection_set_timeout(connection, ADMIN_CLIENT_TIMEOUT_S);
		if (evhttp_make_request(connection, request, method == ADMIN_POST ?
					EVHTTP_REQ_POST : EVHTTP_REQ_GET, path) == 0)
			(void)event_base_dispatch(x->base);
	}
	if (connection != NULL)
		evhttp_connection_free(connection);	/* and its request */
}

bool admin_ask(const struct address *at, enum admin_method method, const char *path,
	       const char *token, struct admin_answer *answer, char *problem, size_t room)
{
	struct exchange x = { event_base_new(), answer, problem, room, false };

	*answer = (struct admin_answer){ 0, strdup(""), 0 };
	(void)snprintf(problem, room, "out of memory");
	if (x.base == NULL || answer->body == NULL)
		return false;
	if (at->u.any.sa_family == AF_UNIX)
		(void)snprintf(problem, room, "commands do not reach a Unix socket; use a TCP "
			       "address");
	else
		exchange(&x, at, method, path, token);
	event_base_free(x.base);
	return x.answered;
}

void admin_answer_free(struct admin_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}
