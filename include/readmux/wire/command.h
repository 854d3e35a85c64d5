/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands a client can send, one row each: number, name, and the shape of
 * the response, which is what the result tracker needs to find its end.
 *
 * Source: page_protocol_command_phase; enum enum_server_command in the servers'
 * mysql_com.h / my_command.h.  MariaDB's own numbers: COM_STMT_BULK_EXECUTE 0xfa,
 * COM_MULTI 0xfe.
 */
#ifndef READMUX_WIRE_COMMAND_H
#define READMUX_WIRE_COMMAND_H

#include <readmux/base/common.h>

enum response_shape {
	RESPONSE_NONE,		/* the server answers nothing */
	RESPONSE_SIMPLE,	/* one OK, EOF or ERR packet */
	RESPONSE_TEXT,		/* one packet of plain text, or ERR (COM_STATISTICS) */
	RESPONSE_RESULT,	/* OK, ERR, LOCAL INFILE, or result sets */
	RESPONSE_PREPARE,	/* COM_STMT_PREPARE_OK with definitions */
	RESPONSE_FETCH,		/* rows and an end, without definitions */
	RESPONSE_FIELDS,	/* definitions and an end */
	RESPONSE_LOGIN,		/* COM_CHANGE_USER: a login exchange */
	RESPONSE_STREAM,	/* events until ERR or EOF, if ever (COM_BINLOG_DUMP) */
	RESPONSE_REFUSED,	/* readmux does not pass this command on: error 1047 */
};

/*  name                 code  response  */
#define WIRE_COMMANDS(X)						\
	X(COM_SLEEP,               0x00, REFUSED)			\
	X(COM_QUIT,                0x01, NONE)				\
	X(COM_INIT_DB,             0x02, SIMPLE)			\
	X(COM_QUERY,               0x03, RESULT)			\
	X(COM_FIELD_LIST,          0x04, FIELDS)			\
	X(COM_CREATE_DB,           0x05, REFUSED)			\
	X(COM_DROP_DB,             0x06, REFUSED)			\
	X(COM_REFRESH,             0x07, SIMPLE)			\
	X(COM_SHUTDOWN,            0x08, REFUSED)			\
	X(COM_STATISTICS,          0x09, TEXT)				\
	X(COM_PROCESS_INFO,        0x0a, RESULT)			\
	X(COM_CONNECT,             0x0b, REFUSED)			\
	X(COM_PROCESS_KILL,        0x0c, SIMPLE)			\
	X(COM_DEBUG,               0x0d, SIMPLE)			\
	X(COM_PING,                0x0e, SIMPLE)			\
	X(COM_TIME,                0x0f, REFUSED)			\
	X(COM_DELAYED_INSERT,      0x10, REFUSED)			\
	X(COM_CHANGE_USER,         0x11, LOGIN)				\
	X(COM_BINLOG_DUMP,         0x12, STREAM)			\
	X(COM_TABLE_DUMP,          0x13, REFUSED)			\
	X(COM_CONNECT_OUT,         0x14, REFUSED)			\
	X(COM_REGISTER_SLAVE,      0x15, SIMPLE)			\
	X(COM_STMT_PREPARE,        0x16, PREPARE)			\
	X(COM_STMT_EXECUTE,        0x17, RESULT)			\
	X(COM_STMT_SEND_LONG_DATA, 0x18, NONE)				\
	X(COM_STMT_CLOSE,          0x19, NONE)				\
	X(COM_STMT_RESET,          0x1a, SIMPLE)			\
	X(COM_SET_OPTION,          0x1b, SIMPLE)			\
	X(COM_STMT_FETCH,          0x1c, FETCH)				\
	X(COM_DAEMON,              0x1d, REFUSED)			\
	X(COM_BINLOG_DUMP_GTID,    0x1e, STREAM)			\
	X(COM_RESET_CONNECTION,    0x1f, SIMPLE)			\
	X(COM_STMT_BULK_EXECUTE,   0xfa, RESULT)			\
	X(COM_MULTI,               0xfe, REFUSED)

enum command {
#define X(name, code, shape) name = code,
	WIRE_COMMANDS(X)
#undef X
};

struct command_info {
	const char         *name;	/* "COM_QUERY"; "unknown command" for others */
	enum response_shape response;	/* RESPONSE_REFUSED for unknown commands */
};

/* Row of the command byte <code>; never NULL. */
const struct command_info *command_info(uint8_t code);

#endif
