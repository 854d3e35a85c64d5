/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings from a YAML file, from READMUX_* environment variables, and back to
 * text.  libyaml's home.
 */
#ifndef READMUX_CONTROL_CONFIG_H
#define READMUX_CONTROL_CONFIG_H

#include <readmux/model/settings.h>

/*
 * Load <path> (NULL: defaults only), then apply the environment
 * (READMUX_PROBE_MAX_LAG for probe.max_lag; lists as comma-separated text).
 * NULL on error: <problem> has one line per error,
 * "FILE:LINE:COLUMN: unknown setting 'prob.user'; did you mean 'probe.user'?".
 */
struct settings *config_load(const char *path, char *const *environment, char *problem,
			     size_t room);

/* The whole configuration as YAML with values as loaded (--print-config); secrets masked. */
void config_print(FILE *out, const struct settings *s);

/* conf/readmux.yaml: every setting at its default, commented (--print-default-config). */
void config_print_template(FILE *out);

#endif
