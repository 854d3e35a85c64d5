/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection's bytes, both ways, plain or TLS.
 *
 * Reading: what arrives lies in the loop's scratch and is shown to the user
 * once; the user passes it on or copies it, nothing is kept here.  An idle
 * stream owns no buffer.
 *
 * Writing: bytes go to the socket at once; what it does not take is copied into
 * chunks and follows when it is writable.  stream_queued() is what backpressure
 * goes by.
 *
 * A filter may stand between the user and the transport (compression): it
 * changes all bytes on their way.  What was read and is not yet decoded lies in
 * one chunk; a few bytes that decode to many are shown piece by piece.
 *
 * Errors: no function here fails and no callback runs inside a call from the
 * user: closed() comes at the end of the loop turn or on the next event, once,
 * and after it nothing more.  stream_close() stops all callbacks at once.
 */
#ifndef READMUX_NET_STREAM_H
#define READMUX_NET_STREAM_H

#include <readmux/base/address.h>
#include <readmux/net/loop.h>
#include <readmux/net/timer.h>

#include <sys/uio.h>

struct stream;

enum stream_end {
	STREAM_END_EOF,		/* the peer closed */
	STREAM_END_RESET,	/* ECONNRESET, EPIPE */
	STREAM_END_REFUSED,	/* connect() was refused */
	STREAM_END_UNREACHABLE,	/* no route, host down */
	STREAM_END_TIMEOUT,	/* ETIMEDOUT: silence beyond TCP_USER_TIMEOUT or keepalive */
	STREAM_END_TLS,		/* TLS failure; the log has words */
	STREAM_END_FILTER,	/* what arrived cannot be decoded */
	STREAM_END_ERROR,	/* any other; errno in the log */
};
const char *stream_end_text(enum stream_end end);

struct stream_user_ops {
	void (*connected)(void *arg);		/* after stream_connect(), or TLS is up */
	/* <bytes> are valid during the call only; LOOP_HEADROOM bytes before them may be overwritten. */
	void (*received)(void *arg, struct span bytes);
	void (*drained)(void *arg);		/* everything queued was sent */
	void (*closed)(void *arg, enum stream_end why);
};

struct chunk;

/*
 * How bytes travel.  Plain TCP is stream.c's own table; tls.c brings another
 * and plugs itself in.  The code above never asks which one it has.
 */
enum io_result { IO_OK, IO_WANT_READ, IO_WANT_WRITE, IO_EOF, IO_FAILED };

struct stream_transport {
	const char *name;
	/* Before bytes flow: IO_OK when there is nothing more to agree on. */
	enum io_result (*handshake)(struct stream *s);
	enum io_result (*read)(struct stream *s, uint8_t *into, size_t room, size_t *got);
	enum io_result (*write)(struct stream *s, const struct iovec *iov, int n, size_t *put);
	/* After a read: there may be more that the socket will not announce. */
	bool (*pending)(const struct stream *s);
	/* Say goodbye if that costs nothing, and free <transport_state>. */
	void (*release)(struct stream *s);
};

/* Another form of the same bytes.  <filter> is what the user embeds and gave. */
struct stream_filter;
struct stream_filter_ops {
	/*
	 * Encode the front of <plain> as <coded>, valid until the next call.  Gives how many
	 * bytes it took; 0: no memory.  <more>: others follow <plain> at once; it
	 * has at least STREAM_FILTER_MIN bytes then.
	 */
	size_t (*encode)(struct stream_filter *filter, struct span plain, bool more,
			 struct span *coded);
	/*
	 * Take from the front of <coded>, put up to <room> bytes <into>; <got> is their
	 * number, 0 when more has to arrive.  False: it is broken.
	 */
	bool (*decode)(struct stream_filter *filter, struct span *coded, uint8_t *into,
		       size_t room, size_t *got);
	void (*release)(struct stream_filter *filter);
};

struct stream_filter {
	const struct stream_filter_ops *ops;
	struct chunk                   *coded;	/* the stream's: read, not yet decoded */
};

#define STREAM_FILTER_MIN 16384u

struct stream {
	struct watch                  watch;
	const struct stream_user_ops *user_ops;
	void                         *user;
	const struct stream_transport *transport;
	void                         *transport_state;	/* TLS session, or NULL */
	struct stream_filter         *filter;		/* or NULL */
	TAILQ_HEAD(stream_queue, chunk) queue;
	size_t                        queued;		/* bytes in <queue>, as they travel */
	size_t                        read_limit;	/* most bytes taken by one read; 0 = scratch size */
	struct deferred               ending;
	uint8_t                       end;		/* enum stream_end, once <ended> */
	bool                          connecting;	/* TCP connect is under way */
	bool                          shaking;		/* the transport's handshake is under way */
	bool                          paused;		/* not reading, by request */
	bool                          ended;		/* failed; closed() is on its way or was told */
	bool                          closed;		/* stream_close() was called */
	bool                          peer_closed;	/* its end was announced; read up to it */
	bool                          full;		/* the socket took less than it was given */
	int                           saved_errno;	/* for the log, once <ended> */
};

/* Most bytes that should be queued before the other side is no longer read. */
#define STREAM_HIGH_WATER (256u * 1024u)

/* Take over connected <fd> (made non-blocking); reading starts at once.  False: no memory, fd is closed. */
RMX_MUST_CHECK
bool stream_adopt(struct stream *s, struct loop *loop, int fd,
		  const struct stream_user_ops *ops, void *user);

/*
 * Connect to <to>; connected() or closed() follows later, never from inside.  The peer is
 * made to give signs of life, so that stream_unheard_ms() of a living one stays well below
 * <silence_ms>.  False: no descriptor or memory.
 */
RMX_MUST_CHECK
bool stream_connect(struct stream *s, struct loop *loop, const struct address *to,
		    uint64_t silence_ms, const struct stream_user_ops *ops, void *user);

/* How long ago the peer's kernel has last been heard of, whatever its process does. */
uint64_t stream_unheard_ms(const struct stream *s);

/* Hand the stream to another user in one assignment. */
static inline void stream_give(struct stream *s, const struct stream_user_ops *ops, void *user)
{
	s->user_ops = ops;
	s->user = user;
}

void stream_write(struct stream *s, struct span bytes);

/* The same for several pieces in one go; <n> at most STREAM_IOV. */
#define STREAM_IOV 64
void stream_writev(struct stream *s, const struct iovec *iov, int n);

static inline size_t stream_queued(const struct stream *s)
{
	return s->queued;
}

/* Stop or go on reading. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);

/*
 * Put <transport> under a plain connection that is open: its handshake runs, then
 * connected() or closed() follows.  <state> belongs to the stream from now on.
 * Bytes already shown to received() are not seen by it: a server limits its
 * reads before (read_limit), so that none of the ClientHello is taken.
 */
void stream_switch_transport(struct stream *s, const struct stream_transport *transport,
			     void *state);

/*
 * From now on, every byte written and read goes through <filter>, which belongs to
 * the stream: stream_close() releases it.  For a stream that has none.
 */
void stream_set_filter(struct stream *s, struct stream_filter *filter);

/* Close the descriptor and forget everything queued; no callback follows.  Any number of times. */
void stream_close(struct stream *s);

/* The end of a stream as a transport sees it: mark it failed.  For transports only. */
void stream_fail(struct stream *s, enum stream_end why, int saved_errno);

#endif
