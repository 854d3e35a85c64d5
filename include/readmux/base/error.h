/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every error that readmux itself tells a client, once: what we call it, the
 * number and SQLSTATE the client sees, and the words.
 *
 * Numbers and SQLSTATEs are the servers' own (MySQL server error reference;
 * the same in MariaDB), chosen so that drivers and frameworks react rightly:
 * 1040 and 1053 make pools retry, 1213 makes frameworks repeat a transaction,
 * SQLSTATE class 08 means "the connection's fault, outcome unknown".
 * The text is a printf format; who raises the error fills in to whom and what.
 */
#ifndef READMUX_BASE_ERROR_H
#define READMUX_BASE_ERROR_H

#include <readmux/base/common.h>

/*  name             number  SQLSTATE  text */
#define RMX_ERRORS(X)							\
	X(NO_BACKEND_YET,   1040, "08004",				\
	  "readmux has not reached any MySQL server yet; %s")		\
	X(NO_LOGIN_SERVER,  1040, "08004",				\
	  "readmux: no MySQL server could check the login in time; %s")	\
	X(TOO_MANY_SESSIONS, 1040, "08004",				\
	  "Too many connections: readmux already serves %s")		\
	X(NO_CONNECTION,    1040, "08004",				\
	  "readmux: no server connection became free in time; %s")	\
	X(NO_SERVER,        1053, "08S01",				\
	  "readmux: no server could run this statement in time, so it was not run; %s") \
	X(TOO_MANY_WAITING, 1053, "08S01",				\
	  "readmux: too many statements already wait for a server, so this one was not run; %s") \
	X(SHUTDOWN,         1053, "08S01",				\
	  "readmux is shutting down; connect again")			\
	X(RESULT_CUT,       2013, "HY000",				\
	  "readmux: lost the connection to %s in the middle of the result; run the statement again") \
	X(OUTCOME_UNKNOWN,  2013, "08007",				\
	  "readmux: lost the connection to %s while it ran this statement; it may or may not have taken effect") \
	X(ROLLED_BACK,      1213, "40001",				\
	  "readmux: lost the connection to %s, which rolled the transaction back; run it again") \
	X(STATE_LOST,       2013, "08S01",				\
	  "readmux: lost the connection to %s, and with it %s; this statement was not run") \
	X(UNKNOWN_COMMAND,  1047, "08S01", "Unknown command") \
	X(DIAGNOSTICS_LOST, 1105, "HY000",				\
	  "readmux: warnings and errors of the statement before are gone, because its server connection was lost or had to be used for another session") \
	X(INTERRUPTED,      1317, "70100", "Query execution was interrupted") \
	X(READ_ONLY_TRANSACTION, 1792, "25006",			\
	  "Cannot execute statement in a READ ONLY transaction%s")	\
	X(KILLED,           1927, "70100", "Connection was killed")	\
	X(NOT_OWNER,        1095, "HY000", "You are not owner of thread %u") \
	X(UNKNOWN_STATEMENT, 1243, "HY000",				\
	  "Unknown prepared statement handler (%u) given to %s")	\
	X(NO_CURSOR,        1421, "HY000", "The statement (%u) has no open cursor%s") \
	X(TOO_MANY_STATEMENTS, 1461, "42000",				\
	  "Can't create more than max_prepared_stmt_count statements (current value: %u)") \
	X(MALFORMED_PACKET, 1835, "HY000", "readmux: malformed packet: %s") \
	X(OUT_OF_ORDER,     1156, "08S01", "readmux: packets out of order") \
	X(HANDSHAKE,        1043, "08S01", "readmux: bad handshake: %s")	\
	X(ZSTD_LEVEL,       3923, "HY000",				\
	  "Invalid zstd compression level for algorithm 'zstd'.")	\
	X(LOGIN_TIMEOUT,    1159, "08S01", "readmux: login took longer than %s") \
	X(ACCESS_DENIED,    1045, "28000",				\
	  "Access denied for user '%s'@'%s' (using password: %s)")	\
	X(TOO_MANY_FAILURES, 1129, "HY000",				\
	  "readmux: too many failed logins of '%s' from '%s'; wait %s and try again") \
	X(TLS_REQUIRED,     3159, "HY000",				\
	  "readmux: connections without TLS are refused here (tls.mode: required); connect with TLS") \
	X(NO_SAFE_PASSWORD, 1045, "28000",				\
	  "readmux: cannot ask for the password of '%s' safely: %s")	\
	X(PACKET_TOO_LARGE, 1153, "08S01", "readmux: packet of %s is larger than %s") \
	X(OUT_OF_MEMORY,    1041, "HY000", "readmux: out of memory")	\
	X(HINT_BACKEND,     1105, "HY000", "readmux: hint names backend '%s', which is %s") \
	X(SHOW_DENIED,      1227, "42000",				\
	  "Access denied; SHOW READMUX needs %s")			\
	X(SHOW_UNKNOWN,     1064, "42000",				\
	  "readmux: SHOW READMUX knows %s, each with LIKE 'pattern' and LIMIT n; not this: %s") \
	X(BAD_CONSISTENCY,  1231, "42000",				\
	  "readmux: @readmux_consistency can be 'session', 'eventual', 'primary' or NULL, not %s") \
	X(BAD_POSITION,     1231, "42000",				\
	  "readmux: @readmux_position expects the text that SELECT @@readmux_position gave, not %s") \
	X(INTERNAL,         1105, "HY000", "readmux: internal error: %s; please report it")

enum rmx_error {
	RMX_OK = 0,
#define X(name, number, sqlstate, text) RMX_##name,
	RMX_ERRORS(X)
#undef X
	RMX_ERROR_COUNT
};

struct rmx_error_info {
	const char *name;	/* as in the enum, for logs and counters */
	uint16_t    number;
	char        sqlstate[6];
	const char *text;	/* printf format */
};

/* The row of <error>; RMX_OK has number 0. */
const struct rmx_error_info *rmx_error_info(enum rmx_error error);

#endif
