/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How commands ask a running readmux.  Private to this layer. */
#ifndef READMUX_COMMAND_ADMIN_CALL_H
#define READMUX_COMMAND_ADMIN_CALL_H

#include <readmux/command/options.h>
#include <readmux/control/admin_client.h>
#include <readmux/model/settings.h>

#include <jansson.h>

/* Where it is: --admin, else admin.address.  False: said on stderr what is wrong. */
RMX_MUST_CHECK
bool admin_call_address(const struct options *options, const struct settings *settings,
			struct address *at);

/* What it answered; NULL: no good answer, and <problem> says who did not give it, and why. */
json_t *admin_call(const struct address *at, enum admin_method method, const char *path,
		   const char *token, char *problem, size_t room);

#endif
