/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compressed protocol: what a connection says after its login when
 * CLIENT_COMPRESS or CLIENT_ZSTD_COMPRESSION_ALGORITHM was agreed.
 *
 * The stream of ordinary packets is cut anywhere into compressed packets, each of
 * 3 bytes length of what follows, 1 byte number, 3 bytes length before compression
 * (0: what follows is not compressed), and a zlib stream or a zstd frame.
 *
 * Numbers run through a command and its answer, one counter for both sides: a
 * command begins with 0, the answer goes on where the command ended, and a local
 * file that the answer asks for goes on behind that.  Both sides refuse others.  A
 * client's next command may be here before its last is answered; then commands
 * and answers count each for themselves.
 *
 * Inside, the numbers of ordinary packets mean nothing: both sides write what their
 * counter of compressed packets happens to be, and look at none.  Here they are
 * put right on the way in, so that they can be passed on to those who do.
 *
 * Source: page_protocol_basic_compression, page_protocol_basic_compression_packet;
 * what the numbers do: net_read_packet() and net_flush() of the servers' net_serv.
 */
#ifndef READMUX_WIRE_COMPRESSION_H
#define READMUX_WIRE_COMPRESSION_H

#include <readmux/wire/codec.h>
#include <readmux/wire/frame.h>

#define COMPRESSION_HEADER_LEN 7u
#define COMPRESSION_MIN_BYTES  50u	/* shorter ones are not worth it (MIN_COMPRESS_LENGTH) */
#define COMPRESSION_PIECE      65536u	/* most bytes that are packed into one packet */

/* Whom readmux plays on the connection. */
enum compression_side { COMPRESSION_AS_SERVER, COMPRESSION_AS_CLIENT };

/* The ordinary packets of one direction. */
struct compression_inner {
	struct frame last;		/* the one under way, or the one before */
	uint32_t left;			/* its payload bytes still to come */
	uint8_t  next[PACKET_HEADER_LEN];	/* header of the next one */
	uint8_t  next_len;		/* bytes of it that were seen */
	bool     began;			/* there was one */
};

struct compression {
	struct codec        *codec;
	uint8_t             *room;	/* the packet that is sent, COMPRESSION_ROOM bytes */
	struct codec_reader *reader;	/* while a packet is half unpacked */
	const char          *problem;	/* what is wrong with what was received, or NULL */
	uint8_t  algorithm;		/* enum codec_algorithm */
	uint8_t  level;
	uint8_t  side;			/* enum compression_side */
	uint8_t  next_out, next_in;	/* numbers of the next packets */

	/* the packet that is received */
	uint8_t  header[COMPRESSION_HEADER_LEN];
	uint8_t  header_len;		/* complete: it is under way */
	bool     stored;
	bool     empty;			/* nothing was in it, or in the last one */
	bool     full;			/* there was no room for all that the reader has */
	uint32_t wire_left, plain_left;	/* bytes still to come, before and after unpacking */

	/* the ordinary packets inside */
	struct compression_inner sent, received;
	uint8_t  inner_number;		/* the next one that is received has */
	bool     uploading;		/* as a client: a local file is sent */
	bool     goes_on;		/* as a server: what is received belongs to an answer */
};

#define COMPRESSION_ROOM (COMPRESSION_HEADER_LEN + COMPRESSION_PIECE)

/* What two sides do that have agreed on <capabilities>: with both flags, zlib. */
static inline enum codec_algorithm compression_agreed(uint64_t capabilities)
{
	if ((capabilities & CLIENT_COMPRESS) != 0)
		return CODEC_ZLIB;
	return (capabilities & CLIENT_ZSTD_COMPRESSION_ALGORITHM) != 0 ? CODEC_ZSTD :
									 CODEC_NONE;
}

/*
 * <codec> and <room> (COMPRESSION_ROOM bytes, written by each encode) may be shared
 * by all connections of a thread.
 */
void compression_init(struct compression *c, struct codec *codec, uint8_t *room,
		      enum codec_algorithm algorithm, unsigned level,
		      enum compression_side side);

/* Give back what is kept of a packet that has not arrived whole. */
void compression_clear(struct compression *c);

/* As a server: what is sent from now on answers the command received last. */
void compression_answer(struct compression *c);

/*
 * As a client: what compression_renumber() is shown next is the answer to another
 * command; <sent>: to the one sent last, which was sent whole.
 */
void compression_expect(struct compression *c, bool sent);

/*
 * As a client: put right the numbers of the ordinary packets in the next <len> bytes that
 * were received.  Apart from decoding, which may be answers ahead.
 */
void compression_renumber(struct compression *c, uint8_t *bytes, size_t len);

/*
 * Put the front of <plain> into one <packet>, which lies in <room>.  Gives how many bytes
 * it took, at least 1.  <more>: bytes behind <plain> follow at once.  As a client, the
 * header of a command's first packet must come in one call or in calls with <more>.
 */
RMX_MUST_CHECK
size_t compression_encode(struct compression *c, struct span plain, bool more,
			  struct span *packet);

/*
 * Take from the front of <packets> and put up to <room> bytes <into>; <got> is their
 * number, 0 when more has to arrive.  To be called again, if need be without input,
 * until it is 0.  As a server it stops at the end of each packet, and ordinary
 * packets have their right numbers.  False: they are broken, c->problem says how.
 */
RMX_MUST_CHECK
bool compression_decode(struct compression *c, struct span *packets, uint8_t *into,
			size_t room, size_t *got);

#endif
