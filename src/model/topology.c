/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counted snapshots of all backends; see topology.h. */
#include <readmux/model/topology.h>

const char *backend_state_name(enum backend_state state)
{
	static const char *const names[] = {
		[BACKEND_IS_NEW] = "not probed yet",
		[BACKEND_IS_IN] = "in",
		[BACKEND_IS_READ_ONLY] = "read-only",
		[BACKEND_IS_SUSPECT] = "suspect",
		[BACKEND_IS_DOWN] = "down",
		[BACKEND_IS_NOT_REPLICATING] = "not replicating",
		[BACKEND_IS_LAGGING] = "lagging",
		[BACKEND_IS_DRAINING] = "draining",
		[BACKEND_IS_HELD] = "drained",
	};

	return names[state];
}

const char *server_version(const struct server_facts *facts)
{
	static const char old[] = "5.5.5-";
	bool prefixed = facts->mariadb && strncmp(facts->version_text, old, sizeof(old) - 1) == 0;

	return facts->version_text + (prefixed ? sizeof(old) - 1 : 0);
}

struct topology *topology_new(size_t n)
{
	struct topology *t = calloc(1, sizeof(*t) + n * sizeof(t->backends[0]));

	if (t == NULL)
		return NULL;
	atomic_store(&t->references, 1);
	t->n = n;
	return t;
}

const struct topology *topology_take(const struct topology *t)
{
	struct topology *mine = (struct topology *)(uintptr_t)t;

	atomic_fetch_add(&mine->references, 1);
	return t;
}

void topology_drop(const struct topology *t)
{
	struct topology *mine = (struct topology *)(uintptr_t)t;

	if (mine != NULL && atomic_fetch_sub(&mine->references, 1) == 1)
		free(mine);
}

const struct backend_view *topology_primary(const struct topology *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].role == BACKEND_PRIMARY)
			return &t->backends[i];
	}
	return NULL;
}

const struct backend_view *topology_by_id(const struct topology *t, uint32_t id)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->backends[i].id == id)
			return &t->backends[i];
	}
	return NULL;
}

const struct backend_view *topology_by_name(const struct topology *t, struct span name)
{
	for (size_t i = 0; i < t->n; i++) {
		if (span_is(name, t->backends[i].name))
			return &t->backends[i];
	}
	return NULL;
}

size_t topology_usable_replicas(const struct topology *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->backends[i].role == BACKEND_REPLICA && t->backends[i].usable;
	return n;
}

void topology_describe(const struct topology *t, bool any, enum backend_role role,
		       char *out, size_t room)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->n && len < room; i++) {
		const struct backend_view *v = &t->backends[i];
		int n;

		if (!any && v->role != role)
			continue;
		n = snprintf(out + len, room - len, "%s%s is %s%s%s%s", len > 0 ? "; " : "",
			     v->name, backend_state_name(v->state),
			     v->cause[0] != '\0' ? " (" : "", v->cause,
			     v->cause[0] != '\0' ? ")" : "");
		len += n > 0 ? (size_t)n : 0;
	}
	if (len == 0)
		(void)snprintf(out, room, "no server is known%s",
			       t->discovered ? "" : "; discovery is still under way");
}
