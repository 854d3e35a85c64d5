/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection's bytes: the plain transport, the write queue, and the rules
 * on who is called when (stream.h).
 */
#include <readmux/net/stream.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

/*
 * An idle peer is asked for a sign of life after 2/5 of the silence that is suffered, then
 * each 1/5.  The kernel itself gives up only after a multiple of it: its limit also hits a
 * peer that is alive but does not read for so long.
 */
#define KEEPALIVE_COUNT      3
#define KERNEL_PATIENCE      4
#define READS_PER_TURN       8		/* then others get their turn */

struct chunk {
	TAILQ_ENTRY(chunk) next;
	uint32_t start, end;
	uint8_t  data[];
};

#define CHUNK_ROOM (LOOP_CHUNK - sizeof(struct chunk))

const char *stream_end_text(enum stream_end end)
{
	static const char *const texts[] = {
		[STREAM_END_EOF] = "closed by peer",
		[STREAM_END_RESET] = "connection reset",
		[STREAM_END_REFUSED] = "connection refused",
		[STREAM_END_UNREACHABLE] = "unreachable",
		[STREAM_END_TIMEOUT] = "connection timed out",
		[STREAM_END_TLS] = "TLS failure",
		[STREAM_END_FILTER] = "broken data",
		[STREAM_END_ERROR] = "socket error",
	};

	return texts[end];
}

static enum stream_end end_of_errno(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		return STREAM_END_RESET;
	case ECONNREFUSED:
	case ENOENT:
		return STREAM_END_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
		return STREAM_END_UNREACHABLE;
	case ETIMEDOUT:
		return STREAM_END_TIMEOUT;
	default:
		return STREAM_END_ERROR;
	}
}

/* --- the plain transport ------------------------------------------------ */

static enum io_result plain_failed(struct stream *s, enum io_result again)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return again;
	s->saved_errno = errno;
	return IO_FAILED;
}

static enum io_result plain_handshake(struct stream *s)
{
	(void)s;
	return IO_OK;
}

static enum io_result plain_read(struct stream *s, uint8_t *into, size_t room, size_t *got)
{
	ssize_t n = recv(s->watch.fd, into, room, 0);

	if (n > 0) {
		*got = (size_t)n;
		return IO_OK;
	}
	return n == 0 ? IO_EOF : plain_failed(s, IO_WANT_READ);
}

static enum io_result plain_write(struct stream *s, const struct iovec *iov, int n, size_t *put)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov,
				  .msg_iovlen = (size_t)n };
	ssize_t sent = n == 1 ?
		send(s->watch.fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL) :
		sendmsg(s->watch.fd, &message, MSG_NOSIGNAL);

	if (sent >= 0) {
		*put = (size_t)sent;
		return IO_OK;
	}
	return plain_failed(s, IO_WANT_WRITE);
}

static bool plain_pending(const struct stream *s)
{
	(void)s;
	return false;
}

static void plain_release(struct stream *s)
{
	(void)s;
}

static const struct stream_transport plain = {
	.name = "plain",
	.handshake = plain_handshake,
	.read = plain_read,
	.write = plain_write,
	.pending = plain_pending,
	.release = plain_release,
};

/* --- ends ------------------------------------------------------------------ */

static void tell_closed(struct deferred *d)
{
	struct stream *s = container_of(d, struct stream, ending);

	if (!s->closed)
		s->user_ops->closed(s->user, (enum stream_end)s->end);
}

static void drop_chunk(struct stream *s, struct chunk *c)
{
	slab_give(loop_chunks(s->watch.loop), c);
}

static void drop_queue(struct stream *s)
{
	struct chunk *c;

	while ((c = TAILQ_FIRST(&s->queue)) != NULL) {
		TAILQ_REMOVE(&s->queue, c, next);
		drop_chunk(s, c);
	}
	s->queued = 0;
}

void stream_fail(struct stream *s, enum stream_end why, int saved_errno)
{
	if (s->ended || s->closed)
		return;
	s->ended = true;
	s->end = (uint8_t)why;
	s->saved_errno = saved_errno;
	drop_queue(s);
	watch_set(&s->watch, 0);
	loop_defer(s->watch.loop, &s->ending, tell_closed);
}

static void fail_errno(struct stream *s)
{
	stream_fail(s, end_of_errno(s->saved_errno), s->saved_errno);
}

static void drop_filter(struct stream *s)
{
	struct stream_filter *filter = s->filter;

	if (filter == NULL)
		return;
	drop_chunk(s, filter->coded);
	filter->coded = NULL;
	s->filter = NULL;
	filter->ops->release(filter);
}

void stream_close(struct stream *s)
{
	if (s->closed || s->watch.loop == NULL)
		return;
	s->closed = true;
	s->transport->release(s);
	drop_filter(s);
	drop_queue(s);
	watch_clear(&s->watch);
	(void)close(s->watch.fd);
}

/* --- what is watched ---------------------------------------------------- */

static void watch_again(struct stream *s)
{
	unsigned wanted = 0;

	if (s->closed || s->ended)
		return;
	if (!s->paused && !s->connecting)
		wanted |= WATCH_READ;
	if (s->full || s->connecting)
		wanted |= WATCH_WRITE;
	watch_set(&s->watch, wanted);
}

void stream_pause(struct stream *s)
{
	s->paused = true;
	if (!s->shaking)
		watch_again(s);
}

void stream_resume(struct stream *s)
{
	if (!s->paused)
		return;
	s->paused = false;
	if (s->closed || s->ended)
		return;
	watch_again(s);
	watch_kick(&s->watch);	/* what arrived meanwhile is not announced again */
}

/* --- reading ------------------------------------------------------------ */

static bool reads(const struct stream *s)
{
	return !s->closed && !s->ended && !s->paused && !s->shaking;
}

/* One read; false when there is nothing to read now. */
static bool read_some(struct stream *s, uint8_t *into, size_t room, size_t *got)
{
	switch (s->transport->read(s, into, room, got)) {
	case IO_OK:
		return true;
	case IO_WANT_READ:
		return false;
	case IO_WANT_WRITE:
		s->full = true;
		watch_again(s);
		return false;
	case IO_EOF:
		stream_fail(s, STREAM_END_EOF, 0);
		return false;
	case IO_FAILED:
		fail_errno(s);
		return false;
	}
	return false;
}

/* After a read: a read that did not fill the room has emptied the socket. */
static bool may_read_more(const struct stream *s, size_t got, size_t room)
{
	return got == room || s->peer_closed || s->transport->pending(s);
}

/* One read and its delivery; false when nothing is left to read now. */
static bool read_once(struct stream *s)
{
	size_t room, got = 0;
	uint8_t *scratch = loop_scratch(s->watch.loop, &room);

	if (s->read_limit > 0)
		room = size_min(room, s->read_limit);
	if (!read_some(s, scratch, room, &got))
		return false;
	s->user_ops->received(s->user, (struct span){ scratch, got });
	return reads(s) && may_read_more(s, got, room);
}

/* Read into the filter's chunk, which is empty; <more> as may_read_more(). */
static bool read_coded(struct stream *s, bool *more)
{
	struct chunk *c = slab_take(loop_chunks(s->watch.loop));
	size_t got = 0;

	if (c == NULL) {
		stream_fail(s, STREAM_END_ERROR, ENOMEM);
		return false;
	}
	if (!read_some(s, c->data, CHUNK_ROOM, &got)) {
		drop_chunk(s, c);
		return false;
	}
	c->start = 0;
	c->end = (uint32_t)got;
	s->filter->coded = c;
	*more = may_read_more(s, got, CHUNK_ROOM);
	return true;
}

/* Decode what the scratch has room for; <got> 0: nothing without reading more. */
static bool decode_some(struct stream *s, uint8_t *scratch, size_t room, size_t *got)
{
	struct stream_filter *filter = s->filter;
	struct chunk *c = filter->coded;
	struct span coded = c != NULL ? (struct span){ c->data + c->start, c->end - c->start } :
					SPAN_NONE;

	if (!filter->ops->decode(filter, &coded, scratch, room, got)) {
		stream_fail(s, STREAM_END_FILTER, 0);
		return false;
	}
	if (coded.len == 0) {
		drop_chunk(s, c);
		filter->coded = NULL;
	} else {
		c->start = c->end - (uint32_t)coded.len;
	}
	return true;
}

/* As read_once() and again, with a filter: what is here already is shown first. */
static void read_filtered(struct stream *s)
{
	size_t room, got;
	uint8_t *scratch = loop_scratch(s->watch.loop, &room);
	bool more = true;

	for (int i = 0; i < READS_PER_TURN; i++) {
		if (!decode_some(s, scratch, room, &got))
			return;
		if (got > 0)
			s->user_ops->received(s->user, (struct span){ scratch, got });
		else if (!more || !read_coded(s, &more))
			return;
		if (!reads(s))
			return;
	}
	watch_kick(&s->watch);
}

static void read_all(struct stream *s)
{
	for (int i = 0; i < READS_PER_TURN; i++) {
		if (!reads(s))
			return;
		if (s->filter != NULL) {
			read_filtered(s);
			return;
		}
		if (!read_once(s))
			return;
	}
	watch_kick(&s->watch);
}

/* --- writing ------------------------------------------------------------ */

static struct chunk *tail_chunk(struct stream *s)
{
	struct chunk *c = TAILQ_LAST(&s->queue, stream_queue);

	if (c != NULL && c->end < CHUNK_ROOM)
		return c;
	c = slab_take(loop_chunks(s->watch.loop));
	if (c == NULL)
		return NULL;
	c->start = c->end = 0;
	TAILQ_INSERT_TAIL(&s->queue, c, next);
	return c;
}

static void enqueue(struct stream *s, struct span bytes)
{
	while (bytes.len > 0) {
		struct chunk *c = tail_chunk(s);
		size_t n;

		if (c == NULL) {
			stream_fail(s, STREAM_END_ERROR, ENOMEM);
			return;
		}
		n = size_min(bytes.len, CHUNK_ROOM - c->end);
		memcpy(c->data + c->end, bytes.data, n);
		c->end += (uint32_t)n;
		s->queued += n;
		bytes = span_from(bytes, n);
	}
}

/* Queue what lies behind the first <sent> bytes of <iov>. */
static void enqueue_rest(struct stream *s, const struct iovec *iov, int n, size_t sent)
{
	for (int i = 0; i < n; i++) {
		struct span piece = { iov[i].iov_base, iov[i].iov_len };
		size_t gone = size_min(sent, piece.len);

		sent -= gone;
		enqueue(s, span_from(piece, gone));
	}
}

/*
 * A failed write does not end the stream at once: the peer may have said why
 * before it closed, and that can still be read.
 */
static void write_failed(struct stream *s)
{
	drop_queue(s);
	s->full = false;
	if (s->paused || s->shaking) {
		fail_errno(s);
		return;
	}
	watch_again(s);
	watch_kick(&s->watch);
}

/* Bytes in the form in which they travel. */
static void write_coded(struct stream *s, const struct iovec *iov, int n)
{
	size_t put = 0, total = 0;

	if (s->ended || s->closed)
		return;
	if (s->queued == 0 && !s->connecting && !s->shaking) {
		if (s->transport->write(s, iov, n, &put) == IO_FAILED) {
			write_failed(s);
			return;
		}
	}
	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (put == total)
		return;
	enqueue_rest(s, iov, n, put);
	s->full = true;
	if (!s->connecting && !s->shaking)
		watch_again(s);
}

/* Where the user's pieces are encoded up to: <skip> bytes into the first of <n>. */
struct cursor {
	const struct iovec *iov;
	int                 n;
	size_t              skip;
};

static void advance(struct cursor *at, size_t bytes)
{
	at->skip += bytes;
	while (at->n > 0 && at->skip >= at->iov->iov_len) {
		at->skip -= at->iov->iov_len;
		at->iov++;
		at->n--;
	}
}

/* The next bytes in one piece: a long or the last one as it lies, others gathered. */
static struct span next_plain(struct cursor at, uint8_t *room)
{
	size_t len = 0, left = at.iov->iov_len - at.skip;

	if (at.n == 1 || left >= STREAM_FILTER_MIN)
		return (struct span){ (uint8_t *)at.iov->iov_base + at.skip, left };
	while (at.n > 0 && len < STREAM_FILTER_MIN) {
		size_t n = size_min(at.iov->iov_len - at.skip, STREAM_FILTER_MIN - len);

		memcpy(room + len, (uint8_t *)at.iov->iov_base + at.skip, n);
		len += n;
		advance(&at, n);
	}
	return (struct span){ room, len };
}

static void write_filtered(struct stream *s, const struct iovec *iov, int n)
{
	struct cursor at = { iov, n, 0 };
	uint8_t room[STREAM_FILTER_MIN];

	for (advance(&at, 0); at.n > 0 && !s->ended;) {
		struct span bytes = next_plain(at, room), coded = SPAN_NONE;
		struct cursor behind = at;
		size_t took;

		advance(&behind, bytes.len);
		took = s->filter->ops->encode(s->filter, bytes, behind.n > 0, &coded);
		if (took == 0) {
			stream_fail(s, STREAM_END_ERROR, ENOMEM);
			return;
		}
		write_coded(s, &(struct iovec){ (void *)(uintptr_t)coded.data, coded.len }, 1);
		advance(&at, took);
	}
}

void stream_writev(struct stream *s, const struct iovec *iov, int n)
{
	assert(n > 0 && n <= STREAM_IOV);
	if (RMX_UNLIKELY(s->filter != NULL))
		write_filtered(s, iov, n);
	else
		write_coded(s, iov, n);
}

void stream_write(struct stream *s, struct span bytes)
{
	struct iovec iov = { (void *)(uintptr_t)bytes.data, bytes.len };

	if (bytes.len > 0)
		stream_writev(s, &iov, 1);
}

static int gather_queue(struct stream *s, struct iovec *iov)
{
	struct chunk *c;
	int n = 0;

	TAILQ_FOREACH(c, &s->queue, next) {
		iov[n++] = (struct iovec){ c->data + c->start, c->end - c->start };
		if (n == STREAM_IOV)
			break;
	}
	return n;
}

static void queue_sent(struct stream *s, size_t put)
{
	struct chunk *c;

	s->queued -= put;
	while ((c = TAILQ_FIRST(&s->queue)) != NULL) {
		size_t n = size_min(put, c->end - c->start);

		c->start += (uint32_t)n;
		put -= n;
		if (c->start < c->end)
			return;
		TAILQ_REMOVE(&s->queue, c, next);
		slab_give(loop_chunks(s->watch.loop), c);
	}
}

static void flush(struct stream *s)
{
	struct iovec iov[STREAM_IOV];
	size_t put = 0;

	while (s->queued > 0) {
		int n = gather_queue(s, iov);

		switch (s->transport->write(s, iov, n, &put)) {
		case IO_OK:
			queue_sent(s, put);
			continue;
		case IO_WANT_READ:
		case IO_WANT_WRITE:
			return;
		case IO_EOF:
		case IO_FAILED:
			write_failed(s);
			return;
		}
	}
	s->full = false;
	watch_again(s);
	s->user_ops->drained(s->user);
}

/* --- events ------------------------------------------------------------- */

static void shake(struct stream *s)
{
	switch (s->transport->handshake(s)) {
	case IO_OK:
		s->shaking = false;
		s->full = s->queued > 0;
		watch_again(s);
		s->user_ops->connected(s->user);
		if (reads(s))
			watch_kick(&s->watch);
		return;
	case IO_WANT_READ:
		watch_set(&s->watch, WATCH_READ);
		return;
	case IO_WANT_WRITE:
		watch_set(&s->watch, WATCH_WRITE);
		return;
	case IO_EOF:
		stream_fail(s, STREAM_END_EOF, 0);
		return;
	case IO_FAILED:
		stream_fail(s, STREAM_END_TLS, s->saved_errno);
		return;
	}
}

static void finish_connect(struct stream *s)
{
	socklen_t len = sizeof(s->saved_errno);

	if (getsockopt(s->watch.fd, SOL_SOCKET, SO_ERROR, &s->saved_errno, &len) != 0)
		s->saved_errno = errno;
	if (s->saved_errno != 0) {
		fail_errno(s);
		return;
	}
	s->connecting = false;
	s->full = s->queued > 0;
	watch_again(s);
	s->user_ops->connected(s->user);
}

static void fired(void *arg, unsigned what)
{
	struct stream *s = arg;

	if (s->closed || s->ended)
		return;
	s->peer_closed |= (what & WATCH_CLOSED) != 0;
	if (s->connecting) {
		finish_connect(s);
		return;
	}
	if (s->shaking) {
		shake(s);
		return;
	}
	if ((what & WATCH_READ) != 0) {
		read_all(s);
		return;
	}
	if (s->queued > 0) {
		flush(s);
		return;
	}
	s->full = false;	/* a read had to wait for the socket to be writable */
	watch_again(s);
	watch_kick(&s->watch);
}

/* --- opening ------------------------------------------------------------ */

static bool open_on(struct stream *s, struct loop *loop, int fd,
		    const struct stream_user_ops *ops, void *user)
{
	*s = (struct stream){ .user_ops = ops, .user = user, .transport = &plain };
	TAILQ_INIT(&s->queue);
	if (watch_init_edge(&s->watch, loop, fd, fired, s))
		return true;
	(void)close(fd);
	s->closed = true;
	return false;
}

bool stream_adopt(struct stream *s, struct loop *loop, int fd,
		  const struct stream_user_ops *ops, void *user)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_NONBLOCK) == 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (!open_on(s, loop, fd, ops, user))
		return false;
	watch_again(s);
	return true;
}

static void set_option(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static int seconds_of(uint64_t ms)
{
	return ms >= 1000 ? (int)(ms / 1000) : 1;
}

static void set_server_options(int fd, int family, uint64_t silence_ms)
{
	if (family == AF_UNIX)
		return;
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds_of(silence_ms * 2 / 5));
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds_of(silence_ms / 5));
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(silence_ms * KERNEL_PATIENCE));
}

uint64_t stream_unheard_ms(const struct stream *s)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (s->closed || s->connecting ||
	    getsockopt(s->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return 0;		/* a local socket, say */
	return info.tcpi_last_ack_recv;
}

bool stream_connect(struct stream *s, struct loop *loop, const struct address *to,
		    uint64_t silence_ms, const struct stream_user_ops *ops, void *user)
{
	int family = to->u.any.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		s->closed = true;
		return false;
	}
	set_server_options(fd, family, silence_ms);
	if (!open_on(s, loop, fd, ops, user))
		return false;
	s->connecting = true;
	if (connect(fd, &to->u.any, to->len) != 0 && errno != EINPROGRESS) {
		stream_fail(s, end_of_errno(errno), errno);
		return true;
	}
	watch_again(s);
	return true;
}

void stream_set_filter(struct stream *s, struct stream_filter *filter)
{
	assert(s->filter == NULL && !s->closed);
	s->filter = filter;
}

void stream_switch_transport(struct stream *s, const struct stream_transport *transport,
			     void *state)
{
	s->transport = transport;
	s->transport_state = state;
	s->shaking = true;
	s->paused = false;
	shake(s);
}
