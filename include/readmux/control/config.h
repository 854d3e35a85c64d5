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
 * (READMUX_PROBE_MAX_LAG for probe.max_lag; lists as comma-separated text;
 * READMUX_PROBE_PASSWORD_FILE names a file; NULL: none).  What Kubernetes puts into
 * the environment for a Service named readmux is left alone.
 *
 * NULL on error: <problem> has one line per error,
 * "FILE:LINE:COLUMN: unknown setting 'prob.user'; did you mean 'probe.user'?".
 */
struct settings *config_load(const char *path, char *const *environment, char *problem,
			     size_t room);

/* The same with the file's <text> in memory; <name> is what messages call it. */
struct settings *config_load_text(const char *name, struct span text,
				  char *const *environment, char *problem, size_t room);

/* The whole configuration as YAML, values as loaded (--print-config); secrets masked. */
void config_print(FILE *out, const struct settings *s);

/* conf/readmux.yaml: every setting at its default, commented (--print-default-config). */
void config_print_template(FILE *out);

/* doc/SETTINGS.md: the reference of all settings. */
void config_print_reference(FILE *out);

/* doc/readmux.yaml.5: the manual page of the settings. */
void config_print_manual(FILE *out);

/* The settings part of --help. */
void config_print_help(FILE *out);

#endif
