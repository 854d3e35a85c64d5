/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SET, with the session-track entries that MariaDB 10.11 answers it with. */
#ifndef READMUX_BENCH_FAKE_SET_H
#define READMUX_BENCH_FAKE_SET_H

#include "fake_session.h"

/* <rest> stands behind the word SET. */
void fake_set(struct fake_session *s, struct span rest);

#endif
