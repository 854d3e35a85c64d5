/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Just enough of a MySQL server for a probe: a thread that greets, lets anybody in,
 * and answers the questions of control/probe.c from a script that the test may
 * change at any time.  One connection at a time.
 */
#ifndef READMUX_TESTS_FAKE_MYSQL_H
#define READMUX_TESTS_FAKE_MYSQL_H

#include <readmux/base/address.h>

#include <stdatomic.h>

#define FAKE_COLUMNS 9
#define FAKE_ROWS    4

enum fake_mood {
	FAKE_ANSWERS,
	FAKE_DENIES,		/* 1045 to every login */
	FAKE_BLOCKS,		/* 1130 in place of the greeting */
	FAKE_MUTTERS,		/* something that is no greeting */
	FAKE_MUTE,		/* takes connections and questions, and says nothing */
	FAKE_SECRETIVE,		/* 1227 to SHOW REPLICA STATUS */
};

/* Rows end at the first NULL; a column "NULL" is a NULL. */
struct fake_script {
	const char *version;				/* of the greeting */
	const char *identity[FAKE_COLUMNS + 1];
	const char *replication[FAKE_COLUMNS + 1];	/* none: an empty answer */
	const char *log[2 + 1];				/* where its own ends; none: it has none */
	const char *accounts[FAKE_ROWS][FAKE_COLUMNS + 1];
};

struct fake_mysql;

/* Listens on a loopback port of its own. */
struct fake_mysql *fake_mysql_start(const struct fake_script *script, enum fake_mood mood);
void fake_mysql_address(const struct fake_mysql *f, struct address *address);
void fake_mysql_become(struct fake_mysql *f, const struct fake_script *script,
		       enum fake_mood mood);

/* Greetings sent and logins answered so far. */
unsigned fake_mysql_greetings(const struct fake_mysql *f);
unsigned fake_mysql_logins(const struct fake_mysql *f);

/* Close the connection that is open now, if any. */
void fake_mysql_hang_up(struct fake_mysql *f);
void fake_mysql_stop(struct fake_mysql *f);

#endif
