/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MariaDB's metadata caching (MARIADB_CLIENT_CACHE_METADATA), as a server does it.
 *
 * A client that asks for it keeps the definitions of a prepared statement's columns, and
 * is sent them again only when they are others: a byte behind the column count says
 * whether they follow.  A server remembers what it has sent on a connection; here
 * connections are shared, so each client's statement has a hash of what its client was
 * sent, servers always send them, and what the client has is left out on the way.
 *
 * This is the part that looks at bytes: it finds the definitions in an answer, hashes
 * them, and numbers the packets behind those left out.
 *
 * Source: MariaDB "Result Set Packets", "Column Count Packet"; what a server compares:
 * should_send_column_info() of sql_class.cc and protocol.cc.
 */
#ifndef READMUX_RELAY_METADATA_H
#define READMUX_RELAY_METADATA_H

#include <readmux/base/span.h>
#include <readmux/wire/writer.h>

/* Of one answer.  All zeros to begin with: nothing is to be done. */
struct metadata {
	uint64_t hash;		/* of the definitions of columns so far */
	size_t   stash_at;	/* length of the session's stash when the answer began */
	uint32_t left;		/* payload bytes to come of a packet that was seen in part */
	uint32_t parameters;	/* definitions of parameters to come */
	uint32_t columns;	/* definitions of columns to come */
	uint32_t count;		/* columns in all */
	uint8_t  head_seq;	/* number of the packet with the count */
	uint8_t  left_out;	/* definitions that are left out, modulo 256 */
	bool     undecided;	/* kept back until the last of them was compared */
	bool     sent;		/* all of them are in the answer that the client gets */
};

/* Definitions that are of interest come next, of <parameters> first, then of <columns>. */
void metadata_begin(struct metadata *m, uint32_t parameters, uint32_t columns);

/*
 * Definitions are to come, and <bytes>, whole packets, are the next of them and perhaps
 * rows.  Gives how many bytes are definitions; when m->columns is 0 then, all were seen.
 */
size_t metadata_take(struct metadata *m, struct span bytes);

/* The finished hash; never 0. */
uint64_t metadata_hash(const struct metadata *m);

/* Put the count packet, with its header, into <w>; <follow>: definitions come behind it. */
void metadata_write_count(const struct metadata *m, bool follow, struct writer *w);

/* The next <len> bytes of the answer stand behind definitions that are left out. */
void metadata_renumber(struct metadata *m, uint8_t *bytes, size_t len);

#endif
