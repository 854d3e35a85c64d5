/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server for probes; see fake_mysql.h. */
#include "fake_mysql.h"

#include <readmux/wire/command.h>
#include <readmux/wire/frame.h>
#include <readmux/wire/greeting.h>
#include <readmux/wire/reply.h>

#include <pthread.h>
#include <unistd.h>

#define ROOM 8192u
#define CAPABILITIES (CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | \
		      CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH | CLIENT_TRANSACTIONS)

struct fake_mysql {
	pthread_t                         thread;
	int                               listener;
	struct address                    address;
	_Atomic int                       connection;	/* -1: none */
	_Atomic(const struct fake_script *) script;
	_Atomic int                       mood;
	_Atomic unsigned                  greetings;
	_Atomic unsigned                  logins;
	_Atomic bool                      stopping;
};

/* --- packets --------------------------------------------------------------------- */

/* One packet of the client; false at the end of the connection. */
static bool receive(int fd, uint8_t *room, struct span *payload)
{
	struct frame frame;
	size_t len = 0;

	while (!frame_cut((struct span){ room, len }, &frame, payload)) {
		ssize_t n = recv(fd, room + len, ROOM - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return true;
}

static void send_all(int fd, struct writer *w)
{
	struct span bytes = writer_span(w);

	assert(!w->bad);
	(void)!send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
}

static void end(struct writer *w)
{
	bool fits = writer_end(w);

	assert(fits);
	(void)fits;
}

static void put_error(struct writer *w, uint8_t seq, uint16_t number, const char *text)
{
	writer_begin(w, seq);
	err_packet_write(w, &(struct err_packet){ number, span_of("HY000"),
						  span_of(text) });
	end(w);
}

static void put_ok(struct writer *w, uint8_t seq)
{
	struct ok_packet ok = { .header = PACKET_OK, .status = SERVER_STATUS_AUTOCOMMIT };

	writer_begin(w, seq);
	ok_packet_write(w, CAPABILITIES, &ok);
	end(w);
}

static void put_eof(struct writer *w, uint8_t seq)
{
	writer_begin(w, seq);
	eof_packet_write(w, &(struct eof_packet){ .status = SERVER_STATUS_AUTOCOMMIT });
	end(w);
}

static void put_greeting(struct writer *w, const char *version)
{
	struct greeting g = {
		.version = span_of(version),
		.thread_id = 1,
		.salt = "abcdefghijklmnopqrst",
		.capabilities = CAPABILITIES,
		.collation = 45,
		.status = SERVER_STATUS_AUTOCOMMIT,
		.plugin = span_of("mysql_native_password"),
	};

	writer_begin(w, 0);
	greeting_write(w, &g);
	end(w);
}

/* --- results --------------------------------------------------------------------- */

static void put_column(struct writer *w, uint8_t seq, const char *name)
{
	writer_begin(w, seq);
	writer_lenenc_bytes(w, span_of("def"));
	for (int i = 0; i < 3; i++)		/* schema, table, original table */
		writer_lenenc_bytes(w, SPAN_NONE);
	writer_lenenc_bytes(w, span_of(name));
	writer_lenenc_bytes(w, SPAN_NONE);
	writer_lenenc(w, 12);
	writer_uint(w, 45, 2);			/* collation */
	writer_uint(w, 255, 4);			/* length */
	writer_uint(w, 253, 1);			/* VAR_STRING */
	writer_zeros(w, 5);			/* flags, decimals, filler */
	end(w);
}

static void put_row(struct writer *w, uint8_t seq, const char *const *row, size_t columns)
{
	writer_begin(w, seq);
	for (size_t i = 0; i < columns; i++) {
		if (strcmp(row[i], "NULL") == 0)
			writer_uint(w, 0xfb, 1);
		else
			writer_lenenc_bytes(w, span_of(row[i]));
	}
	end(w);
}

static size_t width(const char *const *row)
{
	size_t n = 0;

	while (row[n] != NULL)
		n++;
	return n;
}

/* <rows> of one width, the first of which may be empty; <names> of the columns. */
static void put_result(struct writer *w, const char *const *names,
		       const char *const (*rows)[FAKE_COLUMNS + 1], size_t n)
{
	size_t columns = width(names);
	uint8_t seq = 1;

	writer_begin(w, seq++);
	writer_lenenc(w, columns);
	end(w);
	for (size_t i = 0; i < columns; i++)
		put_column(w, seq++, names[i]);
	put_eof(w, seq++);
	for (size_t i = 0; i < n && rows[i][0] != NULL; i++)
		put_row(w, seq++, rows[i], columns);
	put_eof(w, seq);
}

/* What the columns are called matters for the replication status only. */
static const char *const numbered[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL };
static const char *const replica_columns[] = {
	"Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source",
	"Last_IO_Errno", "Last_IO_Error", "Last_SQL_Error", "Relay_Source_Log_File",
	"Exec_Source_Log_Pos", "Source_Server_Id", NULL
};
static const char *const slave_columns[] = {
	"Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master", "Last_IO_Errno",
	"Last_IO_Error", "Last_SQL_Error", "Relay_Master_Log_File", "Exec_Master_Log_Pos",
	"Master_Server_Id", NULL
};

static void put_log(struct writer *w, const struct fake_script *script)
{
	static const char *const names[] = { "File", "Position", NULL };
	const char *row[1][FAKE_COLUMNS + 1] = { { script->log[0], script->log[1] } };

	put_result(w, names, row, 1);
}

static void answer(struct fake_mysql *f, struct span sql, struct writer *w)
{
	static const char *const one[][FAKE_COLUMNS + 1] = { { "1" } };
	const struct fake_script *script = f->script;
	const char *const (*rows)[FAKE_COLUMNS + 1] = one;
	size_t n = 1, columns = 1;

	if (span_starts_nocase(sql, "SHOW")) {
		if (f->mood == FAKE_SECRETIVE) {
			put_error(w, 1, 1227, "Access denied; you need REPLICATION CLIENT");
			return;
		}
		if (span_starts_nocase(sql, "SHOW MASTER") ||
		    span_starts_nocase(sql, "SHOW BINARY")) {
			put_log(w, script);
			return;
		}
		put_result(w, span_starts_nocase(sql, "SHOW SLAVE") ? slave_columns :
			   replica_columns, &script->replication, 1);
		return;
	}
	if (span_starts_nocase(sql, "SELECT User")) {
		rows = script->accounts;
		n = FAKE_ROWS;
		columns = 4;
	} else if (span_starts_nocase(sql, "SELECT @@")) {
		rows = &script->identity;
		columns = width(script->identity);
	}
	put_result(w, &numbered[ARRAY_LEN(numbered) - 1 - columns], rows, n);
}

/* --- connections ------------------------------------------------------------------ */

static bool let_in(struct fake_mysql *f, int fd, uint8_t *room)
{
	uint8_t memory[ROOM];
	struct writer w = writer_over(memory, sizeof(memory));
	struct span packet;
	uint8_t seq;

	put_greeting(&w, ((const struct fake_script *)f->script)->version);
	send_all(fd, &w);
	f->greetings++;
	if (!receive(fd, room, &packet))
		return false;		/* it wanted the greeting only */
	seq = (uint8_t)(frame_at(packet.data - PACKET_HEADER_LEN).seq + 1);
	w = writer_over(memory, sizeof(memory));
	if (f->mood == FAKE_DENIES)
		put_error(&w, seq, 1045, "Access denied for user 'root'@'localhost'");
	else
		put_ok(&w, seq);
	send_all(fd, &w);
	f->logins++;
	return f->mood != FAKE_DENIES;
}

static void converse(struct fake_mysql *f, int fd)
{
	uint8_t room[ROOM], memory[ROOM];
	struct span packet;

	if (!let_in(f, fd, room))
		return;
	while (receive(fd, room, &packet) && packet.data[0] == COM_QUERY) {
		struct writer w = writer_over(memory, sizeof(memory));

		if (f->mood == FAKE_MUTE)
			continue;
		answer(f, span_from(packet, 1), &w);
		send_all(fd, &w);
	}
}

static void meet(struct fake_mysql *f, int fd)
{
	uint8_t room[ROOM];
	struct writer w = writer_over(room, sizeof(room));
	struct span ignored;

	switch ((enum fake_mood)f->mood) {
	case FAKE_BLOCKS:
		put_error(&w, 0, 1130, "Host is not allowed to connect");
		send_all(fd, &w);
		return;
	case FAKE_MUTTERS:
		writer_text(&w, "SSH-2.0-OpenSSH_9.2p1\r\n0123456789012345678901234567890");
		send_all(fd, &w);
		return;
	case FAKE_MUTE:
		(void)receive(fd, room, &ignored);
		return;
	case FAKE_ANSWERS:
	case FAKE_DENIES:
	case FAKE_SECRETIVE:
		converse(f, fd);
	}
}

static void *serve(void *arg)
{
	struct fake_mysql *f = arg;
	int fd;

	while (!f->stopping && (fd = accept(f->listener, NULL, NULL)) >= 0) {
		f->connection = fd;
		meet(f, fd);
		f->connection = -1;
		(void)close(fd);
	}
	return NULL;
}

struct fake_mysql *fake_mysql_start(const struct fake_script *script, enum fake_mood mood)
{
	struct fake_mysql *f = calloc(1, sizeof(*f));
	bool ok;

	assert(f != NULL);
	f->connection = -1;
	f->script = script;
	f->mood = mood;
	ok = address_parse(span_of("127.0.0.1:0"), 0, &f->address);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok = ok && bind(f->listener, &f->address.u.any, f->address.len) == 0 &&
	     listen(f->listener, 8) == 0 &&
	     getsockname(f->listener, &f->address.u.any, &f->address.len) == 0 &&
	     pthread_create(&f->thread, NULL, serve, f) == 0;
	assert(ok);
	(void)ok;
	return f;
}

void fake_mysql_address(const struct fake_mysql *f, struct address *address)
{
	*address = f->address;
}

void fake_mysql_become(struct fake_mysql *f, const struct fake_script *script,
		       enum fake_mood mood)
{
	f->script = script;
	f->mood = mood;
}

unsigned fake_mysql_greetings(const struct fake_mysql *f)
{
	return f->greetings;
}

unsigned fake_mysql_logins(const struct fake_mysql *f)
{
	return f->logins;
}

void fake_mysql_hang_up(struct fake_mysql *f)
{
	int fd = f->connection;

	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}

void fake_mysql_stop(struct fake_mysql *f)
{
	f->stopping = true;
	(void)shutdown(f->listener, SHUT_RDWR);
	fake_mysql_hang_up(f);
	(void)pthread_join(f->thread, NULL);
	(void)close(f->listener);
	free(f);
}
