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

/*  name, number, SQLSTATE, text, cause and remedy */
#define RMX_ERRORS(X)							\
	X(NO_BACKEND_YET, 1040, "08004", \
	  "readmux has not reached any MySQL server yet; %s", \
	  "Since its start readmux has reached no server. Look at the cause in the " \
	  "text: DNS, addresses, network policy, or the probe account; `readmux " \
	  "check` tries all of it.") \
	X(NO_LOGIN_SERVER, 1040, "08004", \
	  "readmux: no MySQL server could check the login in time; %s", \
	  "No server was usable within `login.timeout`, so nobody could check the " \
	  "password. See the causes in the text; a pool retries by itself.") \
	X(TOO_MANY_SESSIONS, 1040, "08004", \
	  "Too many connections: readmux already serves %s", \
	  "`sessions.max` is reached. Raise it, or look for clients that leave " \
	  "connections open (`SHOW READMUX SESSIONS`).") \
	X(NO_CONNECTION, 1040, "08004", \
	  "readmux: no server connection became free in time; %s", \
	  "All connections to the server were in use for the whole of `wait.read` or " \
	  "`wait.write`. Look for sessions that hold one (`SHOW READMUX SESSIONS`), " \
	  "raise `pool.max_connections` and the server's `max_connections`.") \
	X(NO_SERVER, 1053, "08S01", \
	  "readmux: no server could run this statement in time, so it was not run; %s", \
	  "No server that may run it was usable within `wait.read` or `wait.write`. " \
	  "It was not run: run it again. The text says why each server is out.") \
	X(TOO_MANY_WAITING, 1053, "08S01", \
	  "readmux: too many statements already wait for a server, so this one was not run; %s", \
	  "`wait.max_statements` or `wait.max_bytes` is reached while servers are " \
	  "away. It was not run: run it again later.") \
	X(SHUTDOWN, 1053, "08S01", \
	  "readmux is shutting down; connect again", \
	  "This readmux drains. Connect again, through the Service to another one.") \
	X(RESULT_CUT, 2013, "HY000", \
	  "readmux: lost the connection to %s in the middle of the result; run the statement again", \
	  "The server was lost with rows already delivered. Run the statement again; " \
	  "the session goes on.") \
	X(LOST_TWICE, 2013, "HY000", \
	  "readmux: lost the connection to %s and then to %s while they ran this statement; it is not run again, because it may be what ends servers", \
	  "Two servers in a row were lost in the middle of the same statement. Look into " \
	  "their error logs for a crash before running it again.") \
	X(OUTCOME_UNKNOWN, 2013, "08007", \
	  "readmux: lost the connection to %s while it ran this statement; it may or may not have taken effect", \
	  "The primary was lost while it ran a write. Look whether it took effect " \
	  "before running it again.") \
	X(ROLLED_BACK, 1213, "40001", \
	  "readmux: lost the connection to %s, which rolled the transaction back; run it again", \
	  "The server of a transaction was lost; nothing of the transaction remains. " \
	  "Run it again from its beginning, as after a deadlock.") \
	X(STATE_LOST, 2013, "08S01", \
	  "readmux: lost the connection to %s, and with it %s; this statement was not run", \
	  "The session had something that exists on one server connection only (a " \
	  "temporary table, a lock, ...), and it is lost with it. Make it again.") \
	X(UNKNOWN_COMMAND, 1047, "08S01", \
	  "Unknown command", \
	  "The client sent a command of the protocol that readmux does not pass on " \
	  "(replication, for example). Connect to the server itself for that.") \
	X(DIAGNOSTICS_LOST, 1105, "HY000", \
	  "readmux: warnings and errors of the statement before are gone, because its server connection was lost or had to be used for another session", \
	  "Ask for warnings right after the statement; the server that knew them is " \
	  "gone.") \
	X(INTERRUPTED, 1317, "70100", \
	  "Query execution was interrupted", \
	  "Somebody killed the statement (KILL QUERY, Ctrl-C, or a time limit).") \
	X(READ_ONLY_TRANSACTION, 1792, "25006", \
	  "Cannot execute statement in a READ ONLY transaction%s", \
	  "The transaction was started READ ONLY, and this statement writes. Start " \
	  "it READ WRITE.") \
	X(KILLED, 1927, "70100", \
	  "Connection was killed", \
	  "Somebody killed the session. Connect again.") \
	X(NOT_OWNER, 1095, "HY000", \
	  "You are not owner of thread %u", \
	  "The session belongs to another user; killing it needs the server's right " \
	  "for that (CONNECTION_ADMIN or SUPER).") \
	X(NOT_INTERRUPTED, 1105, "HY000", \
	  "readmux: the statement of %u could not be interrupted: no connection to its server could be had", \
	  "KILL needs a connection of its own to the server, as the user whose statement is " \
	  "meant. Look at the server's max_connections, or try again.") \
	X(UNKNOWN_STATEMENT, 1243, "HY000", \
	  "Unknown prepared statement handler (%u) given to %s", \
	  "The prepared statement was closed, or never prepared on this session. A " \
	  "fault of the client.") \
	X(NO_CURSOR, 1421, "HY000", \
	  "The statement (%u) has no open cursor%s", \
	  "The cursor was closed, or never opened. Execute the statement again.") \
	X(TOO_MANY_STATEMENTS, 1461, "42000", \
	  "Can't create more than max_prepared_stmt_count statements (current value: %u)", \
	  "The session has as many prepared statements as readmux keeps. Close those " \
	  "that are not needed.") \
	X(MALFORMED_PACKET, 1835, "HY000", \
	  "readmux: malformed packet: %s", \
	  "What came is not the MySQL protocol as readmux knows it. Look at what " \
	  "connects here; if it is a MySQL client, please report it.") \
	X(OUT_OF_ORDER, 1156, "08S01", \
	  "readmux: packets out of order", \
	  "The client's packets are numbered wrongly: a fault of the client, or of " \
	  "something between.") \
	X(HANDSHAKE, 1043, "08S01", \
	  "readmux: bad handshake: %s", \
	  "What came is no login of the MySQL protocol: a port scan, a health check " \
	  "that speaks HTTP, or TLS where none was offered.") \
	X(ZSTD_LEVEL, 3923, "HY000", \
	  "Invalid zstd compression level for algorithm 'zstd'.", \
	  "The client asked for a compression level outside 1 to 22.") \
	X(LOGIN_TIMEOUT, 1159, "08S01", \
	  "readmux: login took longer than %s", \
	  "The client did not finish its login within `login.timeout`: a slow " \
	  "network, or a connection that nobody uses.") \
	X(ACCESS_DENIED, 1045, "28000", \
	  "Access denied for user '%s'@'%s' (using password: %s)", \
	  "Wrong user or password. With the servers' own words where a server " \
	  "decided; the log has one line for each.") \
	X(TOO_MANY_FAILURES, 1129, "HY000", \
	  "readmux: too many failed logins of '%s' from '%s'; wait %s and try again", \
	  "`login.failures` is reached for this user from this address. Correct the " \
	  "password and wait.") \
	X(TLS_REQUIRED, 3159, "HY000", \
	  "readmux: connections without TLS are refused here (tls.mode: required); connect with TLS", \
	  "`tls.mode` is required. Let the client use TLS (--ssl, useSSL=true ...).") \
	X(NO_SAFE_PASSWORD, 1045, "28000", \
	  "readmux: cannot ask for the password of '%s' safely: %s", \
	  "readmux needs the password itself for this account and would not let it " \
	  "pass in clear. Use TLS toward readmux, list the user under `users`, or " \
	  "let the probe account read the account table.") \
	X(PACKET_TOO_LARGE, 1153, "08S01", \
	  "readmux: packet of %s is larger than %s", \
	  "Before login packets are small. What connects is perhaps no MySQL client.") \
	X(OUT_OF_MEMORY, 1041, "HY000", \
	  "readmux: out of memory", \
	  "The process or its container is out of memory. Raise the limit, or lower " \
	  "`sessions.max` and `wait.max_bytes`.") \
	X(HINT_BACKEND, 1105, "HY000", \
	  "readmux: hint names backend '%s', which is %s", \
	  "A comment or query attribute named a server that cannot run the statement " \
	  "now, or that there is not. Correct the hint.") \
	X(EXPLAIN_IMPOSSIBLE, 1105, "HY000", \
	  "readmux: a statement to be explained must not be that long, nor stand in PREPARE or EXECUTE IMMEDIATE; it was not run", \
	  "Send it as a statement of its own, of at most `sessions.max_statement`.") \
	X(SHOW_DENIED, 1227, "42000", \
	  "Access denied; SHOW READMUX needs %s", \
	  "Name the user in `admin.users`, or grant PROCESS at the server.") \
	X(SHOW_UNKNOWN, 1064, "42000", \
	  "readmux: SHOW READMUX knows %s, each with LIKE 'pattern' and LIMIT n; not this: %s", \
	  "The text says what there is.") \
	X(BAD_CONSISTENCY, 1231, "42000", \
	  "readmux: @readmux_consistency can be 'session', 'eventual', 'primary' or NULL, not %s", \
	  "Set one of the values in the text.") \
	X(BAD_POSITION, 1231, "42000", \
	  "readmux: @readmux_position expects the text that SELECT @@readmux_position gave, not %s", \
	  "Take the text from `SELECT @@readmux_position` of another session, " \
	  "unchanged.") \
	X(INTERNAL, 1105, "HY000", \
	  "readmux: internal error: %s; please report it", \
	  "A fault of readmux. Please report it with the log around it.")

enum rmx_error {
	RMX_OK = 0,
#define X(name, number, sqlstate, text, remedy) RMX_##name,
	RMX_ERRORS(X)
#undef X
	RMX_ERROR_COUNT
};

struct rmx_error_info {
	const char *name;	/* as in the enum, for logs and counters */
	uint16_t    number;
	char        sqlstate[6];
	const char *text;	/* printf format */
	const char *remedy;	/* what brings it about, and what helps; Markdown */
};

/* The row of <error>; RMX_OK has number 0. */
const struct rmx_error_info *rmx_error_info(enum rmx_error error);

#endif
