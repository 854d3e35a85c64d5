/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements in the log: slow ones, or all of them. */
#include <readmux/relay/session_parts.h>
#include <readmux/sql/digest.h>

#define SHAPE_MAX 600u

/* Its shape; with log.literals as it came. */
static struct span words_of(const struct session *s, char shape[SHAPE_MAX])
{
	struct span text = session_statement_text(s);
	struct sql_mode mode;

	if (text.len == 0)
		return span_of(command_info(s->st.command)->name);
	if (s->env->settings->log_literals)
		return span_head(text, SHAPE_MAX);
	mode = session_sql_mode(s);
	sql_digest_text(text, &mode, shape, SHAPE_MAX);
	return span_of(shape);
}

/* What is told of it, whether it was slow or not. */
#define TOLD									\
	LOG_TEXT("backend", view != NULL ? view->name : ""),			\
	LOG_TEXT("role", st->replica ? "replica" : "primary"),			\
	LOG_TEXT("reason", reason_word(st->route.reason)),			\
	LOG_UINT("server_thread", conn != NULL ? conn->thread_id : 0),		\
	LOG_UINT("took_us", times->took_us),					\
	LOG_UINT("queue_us", times->queue_us),					\
	LOG_UINT("restore_us", times->restore_us),				\
	LOG_UINT("server_us", times->server_us),				\
	LOG_UINT("send_us", times->send_us),					\
	LOG_UINT("rows", conn != NULL ? conn->result.rows : 0),			\
	LOG_UINT("retried", st->retries),					\
	LOG_UINT("error", st->error),						\
	LOG_SPAN("statement", words_of(s, shape))

void statement_report(const struct session *s, const struct server_conn *conn,
		      const struct statement_times *times)
{
	const struct settings *settings = s->env->settings;
	const struct statement *st = &s->st;
	bool slow = settings->log_slow_ms > 0 && times->took_us >= settings->log_slow_ms * 1000;
	const struct backend_view *view;
	char shape[SHAPE_MAX];

	if (!slow && !settings->log_statements)
		return;
	view = topology_by_id(s->env->topology, st->backend_id);
	if (slow)
		log_warn(&s->log, "slow statement", TOLD);
	else
		log_every(LOG_LEVEL_INFO, &s->log, "statement", TOLD);
}
