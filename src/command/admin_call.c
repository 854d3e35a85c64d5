/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How commands ask a running readmux; see admin_call.h. */
#include "admin_call.h"

#define PORT 9306

/* What listens everywhere is reached on this machine. */
static void make_reachable(struct address *at)
{
	if (at->u.any.sa_family == AF_INET && at->u.v4.sin_addr.s_addr == htonl(INADDR_ANY))
		at->u.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (at->u.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&at->u.v6.sin6_addr))
		at->u.v6.sin6_addr = in6addr_loopback;
}

bool admin_call_address(const struct options *options, const struct settings *settings,
			struct address *at)
{
	*at = settings->admin_address;
	if (options->admin != NULL && !address_parse(span_of(options->admin), PORT, at)) {
		(void)fprintf(stderr, "readmux: '%s' is no address; --admin takes a numeric one "
			      "such as 127.0.0.1:9306\n", options->admin);
		return false;
	}
	if (at->len == 0 || at->u.any.sa_family == AF_UNSPEC) {
		(void)fputs("readmux: admin.address is empty, so readmux has no admin address to "
			    "ask; set it, or name one with --admin\n", stderr);
		return false;
	}
	make_reachable(at);
	return true;
}

json_t *admin_call(const struct address *at, enum admin_method method, const char *path,
		   const char *token, char *problem, size_t room)
{
	struct admin_answer answer;
	char where[ADDRESS_TEXT_MAX], why[200];
	json_t *json = NULL;

	address_format(at, where, sizeof(where));
	if (!admin_ask(at, method, path, token, &answer, why, sizeof(why)))
		(void)snprintf(problem, room, "no readmux answers at %s: %s; name its admin "
			       "address with --admin", where, why);
	else if ((json = json_loadb(answer.body, answer.len, 0, NULL)) == NULL)
		(void)snprintf(problem, room, "%s answers %d: %.*s", where, answer.code,
			       (int)strcspn(answer.body, "\r\n"), answer.body);
	admin_answer_free(&answer);
	return json;
}
