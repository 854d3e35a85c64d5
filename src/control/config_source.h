/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources of settings: the YAML file and the environment.  Each stores what it
 * finds and reports what is wrong.  Private to the config files.
 */
#ifndef READMUX_CONTROL_CONFIG_SOURCE_H
#define READMUX_CONTROL_CONFIG_SOURCE_H

#include "config_report.h"

#include <readmux/model/settings.h>

/* Rows of the settings table, at most. */
#define CONFIG_ROWS_MAX 96u

struct config_loading {
	struct settings *settings;
	struct report    report;
	struct place     given[CONFIG_ROWS_MAX];	/* where the file sets each row */
};

/* Everything that <text> says. */
void config_take_yaml(struct config_loading *loading, struct span text);

/* Everything that the variables READMUX_* say; <environment> may be NULL. */
void config_take_environment(struct config_loading *loading, char *const *environment);

/* What the values must have in common; fills in what depends on other settings. */
void config_finish(struct config_loading *loading);

/* The place in <given> that belongs to <row>. */
struct place *config_place(struct config_loading *loading, const struct setting *row);

/*
 * The row whose secret is in a file when <path> is "<row's path>_file"; NULL when it
 * is not.
 */
const struct setting *config_secret_row(struct span path);

/*
 * The first line of the file at <path>, to be freed with settings_wipe_text().  NULL:
 * words into <words> of REPORT_WORDS_MAX bytes.
 */
char *config_read_secret(const char *path, char *words);

#endif
