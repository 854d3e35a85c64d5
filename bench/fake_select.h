/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SELECTs whose values matter to somebody: `SELECT 1`, `SELECT @@a, @@b AS x`,
 * `SELECT VERSION()` and the like.  All others get the configured result.
 */
#ifndef READMUX_BENCH_FAKE_SELECT_H
#define READMUX_BENCH_FAKE_SELECT_H

#include "fake_session.h"

/* Answer SELECT; <list> stands behind the word SELECT. */
void fake_select(struct fake_session *s, struct span list);

/* The position in the binary log that @@gtid_binlog_pos shows, as "0-100-7". */
struct span fake_gtid(const struct fake_session *s, char *out, size_t room);

#endif
