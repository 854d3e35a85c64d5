/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KILL by the ids that readmux has told its clients.
 *
 * The session that asks and the one that is meant may live on different workers, so
 * a request travels: from the asker's worker by relay_host_ops.kill() to relay_kill() on
 * the target's, and its answer back to relay_kill_answered().
 */
#ifndef READMUX_RELAY_KILL_H
#define READMUX_RELAY_KILL_H

#include <readmux/auth/client_login.h>

struct relay_env;

/*
 * Ids that clients are told lie in this range, far above those of servers: a
 * KILL with another id means a server's own connection.
 */
#define SESSION_ID_FIRST 0x40000000u
#define SESSION_ID_LAST  0x7fffffffu

enum kill_answer {
	KILL_DONE,
	KILL_UNKNOWN,		/* no such session */
	KILL_NOT_OWNER,		/* it is somebody else's: the asker needs the right to */
	KILL_FAILED,		/* its server cannot be told */
};

struct kill_request {
	uint32_t         target;
	uint32_t         asker;
	bool             query_only;
	bool             allowed;	/* whoever owns it */
	enum kill_answer answer;
	char             user[CLIENT_LOGIN_NAME_MAX];	/* the asker's */
};

/*
 * On the worker that may have r->target: do it.  When it is done, now or later,
 * relay_host_ops.kill_answered() gets the request with its answer.
 */
void relay_kill(struct relay_env *env, const struct kill_request *r);

/* What is under way is not answered any more: the worker ends. */
void relay_kill_forget_all(struct relay_env *env);

/* On the asker's worker. */
void relay_kill_answered(struct relay_env *env, const struct kill_request *r);

#endif
