/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An immutable picture of all backends, made by the control thread and read by
 * every worker.
 *
 * A snapshot is counted; who keeps a pointer holds a reference.  Nothing in it
 * changes after topology_publish-time: news is a new snapshot.
 */
#ifndef READMUX_MODEL_TOPOLOGY_H
#define READMUX_MODEL_TOPOLOGY_H

#include <readmux/base/address.h>
#include <readmux/model/health.h>

#include <stdatomic.h>

enum backend_role { BACKEND_PRIMARY, BACKEND_REPLICA };

/* The one state of a backend, of all evidence together; verdict.c computes it. */
enum backend_state {
	BACKEND_IS_NEW,			/* never probed */
	BACKEND_IS_IN,
	BACKEND_IS_READ_ONLY,		/* a primary that takes no writes; serves reads */
	BACKEND_IS_SUSPECT,		/* traffic failed, a probe is on its way */
	BACKEND_IS_DOWN,
	BACKEND_IS_NOT_REPLICATING,
	BACKEND_IS_LAGGING,
	BACKEND_IS_DRAINING,		/* DNS does not know its name: not ready */
	BACKEND_IS_HELD,		/* an operator has taken it out */
};
#define BACKEND_STATE_COUNT (BACKEND_IS_HELD + 1)
const char *backend_state_name(enum backend_state state);

#define BACKEND_NAME_MAX 64u
#define BACKEND_HOST_MAX 256u

/* A place in the primary's binary log, "mysql-bin.000003:1542"; on MariaDB GTIDs. */
#define LOG_POSITION_MAX 128u

/* What a server said of itself at its last good probe. */
struct server_facts {
	bool     known;			/* a probe has succeeded at least once */
	bool     mariadb;
	bool     read_only;		/* read_only or super_read_only */
	bool     gtid;			/* positions are GTIDs */
	uint32_t version;		/* 101119 for 10.11.19, 90704 for 9.7.4 */
	uint32_t server_id;
	uint32_t max_connections;
	uint32_t max_allowed_packet;
	uint64_t capabilities;		/* from its greeting */
	uint16_t status;		/* status flags of its greeting */
	uint8_t  collation;		/* from its greeting */
	char     version_text[96];	/* as in its greeting */
	char     plugin[48];		/* default authentication plugin, from its greeting */
	char     hostname[64];
	char     uuid[40];		/* server_uuid, or "" on MariaDB */
};

/* Its version as people write it: MariaDB puts a version of old in front in its greeting. */
const char *server_version(const struct server_facts *facts);

enum lag_state {
	LAG_UNKNOWN,	/* its receiver is not connected */
	LAG_KNOWN,
	LAG_STOPPED,	/* replication does not run */
	LAG_SECRET,	/* the probe account may not ask */
};

struct backend_view {
	uint32_t            id;		/* another one when a new pod takes the name */
	unsigned            ordinal;
	enum backend_role   role;
	enum health         health;
	enum backend_state  state;
	uint64_t            since_us;	/* when it came into <state>, by clock_now_us() */
	bool                draining;	/* no new statements; running ones finish */
	bool                usable;	/* may take new statements of its role now */
	bool                writable;	/* primary only: usable and not read-only */
	uint32_t            weight;	/* 0..100; slow start included */
	enum lag_state      lag_state;
	uint32_t            lag_ms;
	bool                other_source;	/* replica: its source is not the primary */
	char                log[LOG_POSITION_MAX];	/* primary: where its log ends; replica: up to
							   where all is applied, and maybe more;
							   "" = not known, or MySQL has GTIDs */
	uint64_t            log_us;	/* when that was asked, by clock_now_us() */
	char                name[BACKEND_NAME_MAX];	/* "mysql-1" */
	struct address      address;
	char                host[BACKEND_HOST_MAX];	/* whom its certificate must name */
	struct server_facts facts;
	char                cause[160];	/* of <state>: "probe: Connection refused" */
};

struct topology {
	_Atomic uint32_t    references;
	uint64_t            version;	/* grows with each snapshot */
	bool                discovered;	/* the first discovery is done */
	size_t              n;
	struct backend_view backends[];
};

/* Room for <n> backends, zeroed, one reference.  NULL: no memory. */
struct topology *topology_new(size_t n);

const struct topology *topology_take(const struct topology *t);
void topology_drop(const struct topology *t);	/* NULL is allowed */

/* The primary, also when it is not usable; NULL when there is none. */
const struct backend_view *topology_primary(const struct topology *t);

/* By id or by name; NULL when it is not there. */
const struct backend_view *topology_by_id(const struct topology *t, uint32_t id);
const struct backend_view *topology_by_name(const struct topology *t, struct span name);

/* Number of replicas that are usable. */
size_t topology_usable_replicas(const struct topology *t);

/*
 * One line on the state of every backend of <role> (or of all, when <any>), for error
 * messages: "mysql-0 is out (probe: connection refused); ..."
 */
void topology_describe(const struct topology *t, bool any, enum backend_role role,
		       char *out, size_t room);

#endif
