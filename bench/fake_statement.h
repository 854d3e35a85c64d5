/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake server's statements: text in, answer on the session's output. */
#ifndef READMUX_BENCH_FAKE_STATEMENT_H
#define READMUX_BENCH_FAKE_STATEMENT_H

#include "fake_session.h"

/* COM_QUERY */
void fake_statement(struct fake_session *s, struct span sql);

/* COM_STMT_PREPARE, and COM_STMT_EXECUTE of what it answered. */
void fake_statement_prepare(struct fake_session *s, struct span sql);
void fake_statement_execute(struct fake_session *s, struct span payload);

/* USE and COM_INIT_DB */
void fake_statement_use(struct fake_session *s, struct span schema);

#endif
