/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_session.h. */
#include "fake_session.h"

#include "fake_answer.h"
#include "fake_login.h"
#include "fake_statement.h"

#include <readmux/wire/command.h>

void fake_session_greet(struct fake_session *s)
{
	s->phase = FAKE_LOGIN;
	s->next_statement = 1;
	fake_session_reset(s);
	fake_login_greet(s);
}

void fake_session_reset(struct fake_session *s)
{
	s->status = SERVER_STATUS_AUTOCOMMIT;
	s->track_variables = FAKE_TRACK_DEFAULT;
	s->track_schema = true;
	s->track_state = false;
	s->track_transaction = false;
	s->wrote = false;
}

typedef bool command_fn(struct fake_session *s, struct span payload);

static bool command_quit(struct fake_session *s RMX_UNUSED, struct span payload RMX_UNUSED)
{
	return false;
}

static bool command_ok(struct fake_session *s, struct span payload RMX_UNUSED)
{
	fake_answer_ok(s, 0);
	return true;
}

static bool command_silent(struct fake_session *s RMX_UNUSED,
			   struct span payload RMX_UNUSED)
{
	return true;
}

static bool command_init_db(struct fake_session *s, struct span payload)
{
	fake_statement_use(s, span_from(payload, 1));
	return true;
}

static bool command_reset(struct fake_session *s, struct span payload RMX_UNUSED)
{
	fake_session_reset(s);
	fake_answer_ok(s, 0);
	return true;
}

static bool command_query(struct fake_session *s, struct span payload)
{
	fake_statement(s, span_from(payload, 1));
	return true;
}

static bool command_prepare(struct fake_session *s, struct span payload)
{
	fake_statement_prepare(s, span_from(payload, 1));
	return true;
}

static bool command_execute(struct fake_session *s, struct span payload)
{
	fake_statement_execute(s, payload);
	return true;
}

static bool command_eof(struct fake_session *s, struct span payload RMX_UNUSED)
{
	fake_answer_eof(s);
	return true;
}

static bool command_statistics(struct fake_session *s, struct span payload RMX_UNUSED)
{
	fake_answer_text(s, "Uptime: 1  Threads: 1  Questions: 1  Slow queries: 0");
	return true;
}

static const struct {
	enum command code;
	command_fn  *run;
} commands[] = {
	{ COM_QUERY, command_query },
	{ COM_STMT_EXECUTE, command_execute },
	{ COM_STMT_PREPARE, command_prepare },
	{ COM_PING, command_ok },
	{ COM_INIT_DB, command_init_db },
	{ COM_RESET_CONNECTION, command_reset },
	{ COM_QUIT, command_quit },
	{ COM_STMT_CLOSE, command_silent },
	{ COM_STMT_SEND_LONG_DATA, command_silent },
	{ COM_STMT_RESET, command_ok },
	{ COM_CHANGE_USER, fake_login_change_user },
	{ COM_STATISTICS, command_statistics },
	{ COM_SET_OPTION, command_eof },
	{ COM_FIELD_LIST, command_eof },
	{ COM_REFRESH, command_ok },
	{ COM_PROCESS_KILL, command_ok },
};

static bool run_command(struct fake_session *s, struct span payload)
{
	uint8_t code = payload.len > 0 ? payload.data[0] : COM_SLEEP;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].code == (enum command)code)
			return commands[i].run(s, payload);
	fake_answer_error(s, 1047, "08S01", "Unknown command");
	return true;
}

bool fake_session_packet(struct fake_session *s, struct frame frame, struct span payload)
{
	s->seq = (uint8_t)(frame.seq + 1);
	switch (s->phase) {
	case FAKE_LOGIN:
		return fake_login_response(s, payload);
	case FAKE_LOGIN_SWITCHED:
		return fake_login_switched(s, payload);
	case FAKE_READY:
		return run_command(s, payload);
	}
	return false;
}
