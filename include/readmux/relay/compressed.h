/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compression of one connection: wire's codec as the filter of its stream.  What
 * is broken is told to the log and ends that stream.
 */
#ifndef READMUX_RELAY_COMPRESSED_H
#define READMUX_RELAY_COMPRESSED_H

#include <readmux/base/log.h>
#include <readmux/relay/env.h>
#include <readmux/wire/compression.h>

struct login_terms {
	uint64_t capabilities;	/* agreed */
	unsigned zstd_level;	/* as the client's half of the login said it */
};

/*
 * The login on <s> is over: compress from now on if that was agreed.  <log> (may be
 * NULL) must live as long as the stream.  False: no memory.
 */
RMX_MUST_CHECK
bool compressed_start(struct relay_env *env, struct stream *s, struct login_terms terms,
		      enum compression_side side, const struct log_ctx *log);

/* As a server: the command that was received is answered from now on. */
void compressed_answer(struct stream *s);

/*
 * As a client: what compressed_renumber() is shown next answers another command;
 * <sent>: the one that was sent last.
 */
void compressed_expect(struct stream *s, bool sent);

/* As a client, with a filter: put right the packet numbers in <bytes>; gives the last. */
uint8_t compressed_renumber(struct stream *s, struct span bytes);

/* What all connections of a worker share; NULL is allowed. */
void compressed_free_shared(struct compressed_shared *shared);

#endif
