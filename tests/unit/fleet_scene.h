/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fleet on a loop of its own, before fake servers, and a test that runs the loop
 * until the topology is as it wants it.
 */
#ifndef READMUX_TESTS_FLEET_SCENE_H
#define READMUX_TESTS_FLEET_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_mysql.h"

#include <readmux/control/fleet.h>
#include <readmux/net/timer.h>

#define SCENE_BACKENDS 4

#define WHO_AT(host, read_only, id, gtid, uuid) \
	{ read_only, id, host, "151", "67108864", "1", read_only, gtid, uuid, NULL }
#define WHO(read_only, id, gtid, uuid) WHO_AT("pod", read_only, id, gtid, uuid)
/* Where a replica is in the log of server 100. */
#define IN_LOG "mysql-bin.000003", "1542", "100"
#define FINE { "Yes", "Yes", "0", "0", "", "", IN_LOG, NULL }

struct scene {
	struct loop        *loop;
	struct fleet       *fleet;
	struct settings    *settings;
	struct fake_mysql  *fakes[SCENE_BACKENDS];
	size_t              n;
	struct timer        patience;
	const struct topology *latest;
	unsigned            published;
	char                accounts[512];
	bool              (*wanted)(const struct scene *scene);
	uint32_t            old_id;
	bool                late;
};

/* Probes every 100 ms, no slow start; no servers yet. */
struct scene *scene_new(void);
void scene_set(struct scene *scene, const char *path, const char *value);

/* A server in the list of settings. */
void scene_add_server(struct scene *scene, const struct address *address);

/* A fake one, which scene_end() stops; it is in no list. */
struct fake_mysql *scene_start_fake(struct scene *scene, const struct fake_script *script,
				    enum fake_mood mood);

/* A fake one in the list. */
struct fake_mysql *scene_add_fake(struct scene *scene, const struct fake_script *script,
				  enum fake_mood mood);

/* Start the fleet: the first snapshot is there. */
void scene_begin(struct scene *scene);
void scene_end(struct scene *scene);

/* Run the loop until <wanted>, which is asked at every snapshot; fails in the end. */
void scene_run_until(struct scene *scene, bool (*wanted)(const struct scene *scene),
		     const char *what);
#define RUN_UNTIL(scene, wanted) scene_run_until(scene, wanted, #wanted)

/* Run the loop for so long. */
void scene_run(struct scene *scene, uint64_t us);

/* The backend at place <i> of the latest snapshot. */
const struct backend_view *view(const struct scene *scene, size_t i);
void assert_cause(const struct scene *scene, size_t i, const char *part);

#endif
