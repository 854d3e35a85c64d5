/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LAST_INSERT_ID() of sessions; see insert_id.h. */
#include <readmux/relay/insert_id.h>
#include <readmux/relay/server_conn.h>

/* Ids of one doubt that are remembered; older ones are taken for given. */
#define IDS_MAX 4u

struct insert_doubt {
	LIST_ENTRY(insert_doubt) link;
	struct insert_id  *owner;	/* NULL: nobody wants to know any more */
	struct server_conn *conn;	/* NULL: closed */
	bool               asked;
	bool               answered;
	bool               any;		/* whatever it says is right */
	unsigned           n;
	struct {
		uint64_t value, seq;
	} ids[IDS_MAX];			/* as the OK packets told them, oldest first */
};

void insert_id_init(struct insert_id *id, void (*settled)(struct insert_id *id))
{
	*id = (struct insert_id){ .settled = settled };
	LIST_INIT(&id->doubts);
}

/* From its owner and its connection; the memory stays while an answer is on its way. */
static void detach(struct insert_doubt *d)
{
	if (d->owner != NULL)
		LIST_REMOVE(d, link);
	d->owner = NULL;
	if (d->conn != NULL)
		d->conn->doubt = NULL;
	d->conn = NULL;
}

static void drop(struct insert_doubt *d)
{
	detach(d);
	if (!d->asked)
		free(d);
}

void insert_id_reset(struct insert_id *id)
{
	struct insert_doubt *d;

	while ((d = LIST_FIRST(&id->doubts)) != NULL)
		drop(d);
	id->value = 0;
}

void insert_id_set(struct insert_id *id, uint64_t value)
{
	id->value = value;
	id->value_seq = ++id->seq;
}

static void remember(struct insert_doubt *d, uint64_t value, uint64_t seq)
{
	if (d->n == IDS_MAX)
		memmove(&d->ids[0], &d->ids[1], (IDS_MAX - 1) * sizeof(d->ids[0]));
	else
		d->n++;
	d->ids[d->n - 1].value = value;
	d->ids[d->n - 1].seq = seq;
}

/* The doubt about <id> on <conn>, made when it is new.  NULL: no memory. */
static struct insert_doubt *doubt_on(struct insert_id *id, struct server_conn *conn)
{
	struct insert_doubt *d = conn->doubt;

	conn->insert_id_known = false;
	id->seq++;
	if (d != NULL && d->owner == id && !d->asked)
		return d;
	if (d != NULL)
		detach(d);
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->owner = id;
	d->conn = conn;
	conn->doubt = d;
	LIST_INSERT_HEAD(&id->doubts, d, link);
	return d;
}

void insert_id_told(struct insert_id *id, struct server_conn *conn, uint64_t value)
{
	struct insert_doubt *d = doubt_on(id, conn);

	if (d != NULL)
		remember(d, value, id->seq);
	else
		insert_id_set(id, value);	/* most likely */
}

void insert_id_unclear(struct insert_id *id, struct server_conn *conn)
{
	struct insert_doubt *d = doubt_on(id, conn);

	if (d == NULL)
		return;
	remember(d, id->value, id->seq);
	d->any = true;
}

/* <value> is that of the statement <seq>, unless a later one has given another. */
static void take(struct insert_id *id, uint64_t value, uint64_t seq)
{
	if (seq < id->value_seq)
		return;
	id->value = value;
	id->value_seq = seq;
}

/*
 * LAST_INSERT_ID() there is <value>; only if it is one of the ids, it is the session's.  Answers
 * of several connections come in any order.
 */
static void settle(struct insert_doubt *d, uint64_t value)
{
	struct insert_id *id = d->owner;

	for (unsigned i = 0; id != NULL && i < d->n; i++) {
		if (d->any ? i == d->n - 1 : d->ids[i].value == value)
			take(id, value, d->ids[i].seq);
	}
}

static void settle_unasked(struct insert_doubt *d)
{
	settle(d, d->ids[d->n - 1].value);
}

/* It is settled one way or the other. */
static void close_doubt(struct insert_doubt *d)
{
	struct insert_id *id = d->owner;

	detach(d);
	if (id != NULL && LIST_EMPTY(&id->doubts))
		id->settled(id);
}

static void answer_pass(void *arg, struct server_conn *conn, struct span bytes, bool row)
{
	struct insert_doubt *d = arg;
	struct span number = span_from(frame_last(bytes), PACKET_HEADER_LEN + 1);
	uint64_t value;

	(void)conn;		/* where the id may have been set anew behind the question */
	if (!row || !span_to_u64(number, &value))
		return;
	d->answered = true;
	settle(d, value);
}

static void answer_end(void *arg, struct server_conn *conn)
{
	struct insert_doubt *d = arg;

	(void)conn;
	if (!d->answered && d->owner != NULL)
		settle_unasked(d);
	close_doubt(d);
	free(d);
}

static const struct sink_ops answer_sink = {
	.pass = answer_pass,
	.packet = server_conn_drop_packet,
	.batch_end = server_conn_drop_news,
	.end = answer_end,
	.lost = answer_end,
};

static void ask(struct insert_doubt *d)
{
	uint8_t memory[64];
	struct writer w = writer_over(memory, sizeof(memory));

	if (d->asked || d->conn == NULL)
		return;
	d->asked = server_conn_ask(d->conn, "SELECT LAST_INSERT_ID()", &answer_sink, d, &w);
	if (d->asked)
		stream_write(&d->conn->stream, writer_span(&w));
}

void insert_id_ask(struct insert_id *id)
{
	struct insert_doubt *d, *next;

	for (d = LIST_FIRST(&id->doubts); d != NULL; d = next) {
		next = LIST_NEXT(d, link);
		ask(d);
	}
}

void insert_id_save(struct server_conn *conn, const struct insert_id *next, bool forgets)
{
	struct insert_doubt *d = conn->doubt;

	if (d != NULL && (d->owner != next || forgets))
		ask(d);
	if (forgets)
		conn->insert_id_known = false;
}

void insert_id_settle(struct server_conn *conn)
{
	if (conn->doubt != NULL)
		ask(conn->doubt);
}

void insert_doubt_conn_closed(struct server_conn *conn)
{
	struct insert_doubt *d = conn->doubt;

	if (d == NULL || d->asked)
		return;		/* or lost() follows */
	settle_unasked(d);
	close_doubt(d);
	free(d);
}
