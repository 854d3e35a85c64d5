/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fleet, fake servers and patience; see fleet_scene.h. */
#include "fleet_scene.h"

#include <readmux/base/log.h>

#define PATIENCE_US 10000000u

/* --- running until something is so ------------------------------------------------- */

static void look(struct scene *scene)
{
	if (scene->wanted != NULL && scene->wanted(scene))
		loop_stop(scene->loop);
}

static void published(void *arg, const struct topology *topology)
{
	struct scene *scene = arg;

	topology_drop(scene->latest);
	scene->latest = topology_take(topology);
	scene->published++;
	look(scene);
}

static void account(void *arg, struct span user, struct span hash)
{
	struct scene *scene = arg;
	size_t at = strlen(scene->accounts);

	(void)snprintf(scene->accounts + at, sizeof(scene->accounts) - at, "[%.*s %.*s]",
		       (int)user.len, user.len > 0 ? (const char *)user.data : "",
		       (int)hash.len, hash.len > 0 ? (const char *)hash.data : "");
	look(scene);
}

static void happened(void *arg, enum log_level level, const char *event, const char *backend,
		     const char *words)
{
	(void)arg;
	(void)level;
	(void)event;
	(void)backend;
	(void)words;
}

static const struct fleet_host_ops ops = {
	.published = published, .account = account, .happened = happened,
};

static void out_of_patience(struct timer *t)
{
	struct scene *scene = container_of(t, struct scene, patience);

	scene->late = true;
	loop_stop(scene->loop);
}

void scene_run_until(struct scene *scene, bool (*wanted)(const struct scene *scene),
		     const char *what)
{
	char states[400];

	scene->wanted = wanted;
	scene->late = false;
	timer_set(&scene->patience, scene->loop, PATIENCE_US, out_of_patience);
	if (!wanted(scene))
		loop_run(scene->loop);
	timer_clear(&scene->patience);
	topology_describe(scene->latest, true, BACKEND_PRIMARY, states, sizeof(states));
	if (scene->late)
		fail_msg("waited in vain until %s; %s", what, states);
}

void scene_run(struct scene *scene, uint64_t us)
{
	scene->wanted = NULL;
	timer_set(&scene->patience, scene->loop, us, out_of_patience);
	loop_run(scene->loop);
}

const struct backend_view *view(const struct scene *scene, size_t i)
{
	assert_true(i < scene->latest->n);
	return &scene->latest->backends[i];
}

/* --- setting the scene --------------------------------------------------------------- */

void scene_set(struct scene *scene, const char *path, const char *value)
{
	char problem[200];

	if (!setting_store(scene->settings, setting_find(span_of(path)), span_of(value),
			   problem, sizeof(problem)))
		fail_msg("%s: %s", path, problem);
}

static void no_line(const char *line, size_t len)
{
	(void)line;
	(void)len;
}

struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	log_set_sink(no_line);
	scene->loop = loop_new();
	scene->settings = settings_new();
	assert_non_null(scene->loop);
	assert_non_null(scene->settings);
	scene_set(scene, "probe.interval", "100ms");
	scene_set(scene, "probe.timeout", "300ms");
	scene_set(scene, "probe.slow_start", "0s");
	return scene;
}

void scene_add_server(struct scene *scene, const struct address *address)
{
	assert_true(settings_add_server(scene->settings, address));
}

struct fake_mysql *scene_start_fake(struct scene *scene, const struct fake_script *script,
				    enum fake_mood mood)
{
	assert_true(scene->n < SCENE_BACKENDS);
	scene->fakes[scene->n] = fake_mysql_start(script, mood);
	return scene->fakes[scene->n++];
}

struct fake_mysql *scene_add_fake(struct scene *scene, const struct fake_script *script,
				  enum fake_mood mood)
{
	struct fake_mysql *fake = scene_start_fake(scene, script, mood);
	struct address address;

	fake_mysql_address(fake, &address);
	scene_add_server(scene, &address);
	return fake;
}

void scene_begin(struct scene *scene)
{
	scene->fleet = fleet_new(scene->loop, scene->settings, &ops, scene);
	assert_non_null(scene->fleet);
	assert_int_equal(scene->published, 1);	/* before anything was probed */
	assert_ptr_equal(fleet_topology(scene->fleet), scene->latest);
}

void scene_end(struct scene *scene)
{
	fleet_free(scene->fleet);
	for (size_t i = 0; i < scene->n; i++)
		fake_mysql_stop(scene->fakes[i]);
	topology_drop(scene->latest);
	settings_drop(scene->settings);
	loop_free(scene->loop);
	log_set_sink(NULL);
	free(scene);
}

void assert_cause(const struct scene *scene, size_t i, const char *part)
{
	if (strstr(view(scene, i)->cause, part) == NULL)
		fail_msg("not about \"%s\": \"%s\"", part, view(scene, i)->cause);
}
