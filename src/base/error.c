/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of readmux's own errors; see error.h. */
#include <readmux/base/error.h>

static const struct rmx_error_info errors[] = {
	[RMX_OK] = { "OK", 0, "00000", "", "" },
#define X(name, number, sqlstate, text, remedy) \
	[RMX_##name] = { #name, number, sqlstate, text, remedy },
	RMX_ERRORS(X)
#undef X
};

const struct rmx_error_info *rmx_error_info(enum rmx_error error)
{
	assert((size_t)error < ARRAY_LEN(errors));
	return &errors[error];
}
