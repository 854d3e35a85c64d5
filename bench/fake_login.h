/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake server's side of the login: mysql_native_password only.  Anybody
 * with an empty password gets in, except the one user who has a password.
 */
#ifndef READMUX_BENCH_FAKE_LOGIN_H
#define READMUX_BENCH_FAKE_LOGIN_H

#include "fake_session.h"

void fake_login_greet(struct fake_session *s);

/* The client's packets before it is logged in; false when it has to leave. */
RMX_MUST_CHECK
bool fake_login_response(struct fake_session *s, struct span payload);
RMX_MUST_CHECK
bool fake_login_switched(struct fake_session *s, struct span payload);

/* COM_CHANGE_USER */
RMX_MUST_CHECK
bool fake_login_change_user(struct fake_session *s, struct span payload);

#endif
