/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of commands; see command.h. */
#include <readmux/wire/command.h>

static const struct command_info unknown = { "unknown command", RESPONSE_REFUSED };

static const struct command_info commands[256] = {
#define X(name, code, shape) [code] = { #name, RESPONSE_##shape },
	WIRE_COMMANDS(X)
#undef X
};

const struct command_info *command_info(uint8_t code)
{
	return commands[code].name != NULL ? &commands[code] : &unknown;
}
