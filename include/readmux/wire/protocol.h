/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of the MySQL client/server protocol, under their own names.
 *
 * Sources: "MySQL Internals / Client-Server Protocol" (dev.mysql.com/doc/dev/
 * mysql-server, page_protocol_*), MariaDB Knowledge Base "Clientlibs protocol",
 * and the servers' mysql_com.h of MySQL 9 and MariaDB 10.11.
 */
#ifndef READMUX_WIRE_PROTOCOL_H
#define READMUX_WIRE_PROTOCOL_H

#include <readmux/base/common.h>

#define PACKET_HEADER_LEN   4u
#define PACKET_PAYLOAD_MAX  0xffffffu	/* a payload this long is continued */
#define SALT_LEN            20u		/* scramble, without its terminator */
#define SQLSTATE_LEN        5u

/*
 * Capability flags.  The upper 32 bits are MariaDB's extended capabilities,
 * which travel in the last 4 reserved bytes of the greeting and of the
 * response, and are valid only when CLIENT_MYSQL (bit 0, LONG_PASSWORD) is
 * not set by the sender.
 */
#define CLIENT_LONG_PASSWORD                  (UINT64_C(1) << 0)
#define CLIENT_FOUND_ROWS                     (UINT64_C(1) << 1)
#define CLIENT_LONG_FLAG                      (UINT64_C(1) << 2)
#define CLIENT_CONNECT_WITH_DB                (UINT64_C(1) << 3)
#define CLIENT_NO_SCHEMA                      (UINT64_C(1) << 4)
#define CLIENT_COMPRESS                       (UINT64_C(1) << 5)
#define CLIENT_ODBC                           (UINT64_C(1) << 6)
#define CLIENT_LOCAL_FILES                    (UINT64_C(1) << 7)
#define CLIENT_IGNORE_SPACE                   (UINT64_C(1) << 8)
#define CLIENT_PROTOCOL_41                    (UINT64_C(1) << 9)
#define CLIENT_INTERACTIVE                    (UINT64_C(1) << 10)
#define CLIENT_SSL                            (UINT64_C(1) << 11)
#define CLIENT_IGNORE_SIGPIPE                 (UINT64_C(1) << 12)
#define CLIENT_TRANSACTIONS                   (UINT64_C(1) << 13)
#define CLIENT_RESERVED                       (UINT64_C(1) << 14)
#define CLIENT_SECURE_CONNECTION              (UINT64_C(1) << 15)
#define CLIENT_MULTI_STATEMENTS               (UINT64_C(1) << 16)
#define CLIENT_MULTI_RESULTS                  (UINT64_C(1) << 17)
#define CLIENT_PS_MULTI_RESULTS               (UINT64_C(1) << 18)
#define CLIENT_PLUGIN_AUTH                    (UINT64_C(1) << 19)
#define CLIENT_CONNECT_ATTRS                  (UINT64_C(1) << 20)
#define CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA (UINT64_C(1) << 21)
#define CLIENT_CAN_HANDLE_EXPIRED_PASSWORDS   (UINT64_C(1) << 22)
#define CLIENT_SESSION_TRACK                  (UINT64_C(1) << 23)
#define CLIENT_DEPRECATE_EOF                  (UINT64_C(1) << 24)
#define CLIENT_OPTIONAL_RESULTSET_METADATA    (UINT64_C(1) << 25)
#define CLIENT_ZSTD_COMPRESSION_ALGORITHM     (UINT64_C(1) << 26)
#define CLIENT_QUERY_ATTRIBUTES               (UINT64_C(1) << 27)
#define MARIADB_CLIENT_PROGRESS               (UINT64_C(1) << 32)
#define MARIADB_CLIENT_COM_MULTI              (UINT64_C(1) << 33)
#define MARIADB_CLIENT_STMT_BULK_OPERATIONS   (UINT64_C(1) << 34)
#define MARIADB_CLIENT_EXTENDED_METADATA      (UINT64_C(1) << 35)
#define MARIADB_CLIENT_CACHE_METADATA         (UINT64_C(1) << 36)
#define MARIADB_CLIENT_BULK_UNIT_RESULTS      (UINT64_C(1) << 37)

/* Status flags in OK and EOF packets. */
#define SERVER_STATUS_IN_TRANS             (1u << 0)
#define SERVER_STATUS_AUTOCOMMIT           (1u << 1)
#define SERVER_MORE_RESULTS_EXISTS         (1u << 3)
#define SERVER_STATUS_NO_GOOD_INDEX_USED   (1u << 4)
#define SERVER_STATUS_NO_INDEX_USED        (1u << 5)
#define SERVER_STATUS_CURSOR_EXISTS        (1u << 6)
#define SERVER_STATUS_LAST_ROW_SENT        (1u << 7)
#define SERVER_STATUS_DB_DROPPED           (1u << 8)
#define SERVER_STATUS_NO_BACKSLASH_ESCAPES (1u << 9)
#define SERVER_STATUS_METADATA_CHANGED     (1u << 10)
#define SERVER_QUERY_WAS_SLOW              (1u << 11)
#define SERVER_PS_OUT_PARAMS               (1u << 12)
#define SERVER_STATUS_IN_TRANS_READONLY    (1u << 13)
#define SERVER_SESSION_STATE_CHANGED       (1u << 14)
#define SERVER_STATUS_ANSI_QUOTES          (1u << 15)	/* MariaDB */

/* What is about the statement before only (SERVER_STATUS_CLEAR_SET of the servers). */
#define SERVER_STATUS_OF_STATEMENT						\
	(SERVER_MORE_RESULTS_EXISTS | SERVER_STATUS_NO_GOOD_INDEX_USED |	\
	 SERVER_STATUS_NO_INDEX_USED | SERVER_STATUS_CURSOR_EXISTS |		\
	 SERVER_STATUS_LAST_ROW_SENT | SERVER_STATUS_DB_DROPPED |		\
	 SERVER_STATUS_METADATA_CHANGED | SERVER_QUERY_WAS_SLOW)

/* First bytes of packets. */
#define PACKET_OK           0x00u
#define PACKET_MORE_DATA    0x01u	/* AuthMoreData, in the login phase */
#define PACKET_LOCAL_INFILE 0xfbu
#define PACKET_EOF          0xfeu	/* also AuthSwitchRequest and OK-as-EOF */
#define PACKET_ERR          0xffu

/* Session-track entry types (OK packet). */
enum session_track_type {
	SESSION_TRACK_SYSTEM_VARIABLES = 0,
	SESSION_TRACK_SCHEMA = 1,
	SESSION_TRACK_STATE_CHANGE = 2,
	SESSION_TRACK_GTIDS = 3,
	SESSION_TRACK_TRANSACTION_CHARACTERISTICS = 4,
	SESSION_TRACK_TRANSACTION_STATE = 5,
};

#endif
