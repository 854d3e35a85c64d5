/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What relay owns in a worker's environment; see env.h. */
#include <readmux/relay/compressed.h>
#include <readmux/relay/digests.h>
#include <readmux/relay/kill.h>
#include <readmux/relay/refused.h>
#include <readmux/relay/session_parts.h>

#define KEEP_REQUESTS 1024u
#define KEEP_SESSIONS 64u
#define KEEP_CONNS    64u

bool relay_env_open(struct relay_env *env)
{
	TAILQ_INIT(&env->all);
	TAILQ_INIT(&env->walks);
	TAILQ_INIT(&env->waiting);
	TAILQ_INIT(&env->interruptions);
	slab_init(&env->requests, sizeof(struct request), KEEP_REQUESTS);
	slab_init(&env->sessions, sizeof(struct session), KEEP_SESSIONS);
	slab_init(&env->conns, sizeof(struct server_conn), KEEP_CONNS);
	env->states = state_table_new();
	env->accounts = account_table_new();
	env->queries = query_table_new();
	env->refused = refused_new();
	env->digests = digests_new();
	env->pools = pools_new(env);
	if (env->states != NULL && env->accounts != NULL && env->queries != NULL &&
	    env->refused != NULL && env->digests != NULL && env->pools != NULL)
		return true;
	relay_env_free(env);
	return false;
}

void relay_env_close(struct relay_env *env)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&env->all)) != NULL)
		session_close(s, "readmux is stopping");
	pools_close(env->pools);
	relay_kill_forget_all(env);
}

void relay_env_free(struct relay_env *env)
{
	pools_free(env->pools);
	account_table_free(env->accounts);
	query_table_free(env->queries);
	refused_free(env->refused);
	digests_free(env->digests);
	compressed_free_shared(env->compressed);
	state_table_free(env->states);
	slab_clear(&env->requests);
	slab_clear(&env->sessions);
	slab_clear(&env->conns);
}

void relay_env_topology_changed(struct relay_env *env)
{
	struct session *s, *next;
	size_t n = 0;		/* whoever waits anew does so at the end */

	pools_topology_changed(env->pools);
	TAILQ_FOREACH(s, &env->waiting, wait_link)
		n++;
	for (s = TAILQ_FIRST(&env->waiting); s != NULL && n > 0; s = next, n--) {
		next = TAILQ_NEXT(s, wait_link);
		s->st.avoid = 0;
		statement_look_again(s);
	}
}

void relay_env_drain(struct relay_env *env)
{
	struct session *s, *next;

	env->draining = true;
	for (s = TAILQ_FIRST(&env->all); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		session_next(s);
	}
}
