/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walking a YAML document: what the walk over sections and the lists in it share.
 * Private to the config files.
 */
#ifndef READMUX_CONTROL_CONFIG_YAML_H
#define READMUX_CONTROL_CONFIG_YAML_H

#include "config_source.h"

#include <yaml.h>

struct walk {
	struct config_loading *loading;
	yaml_document_t       *document;
	struct place           sections[CONFIG_ROWS_MAX]; /* by a section's first row */
};

/* The place where <node> begins. */
static inline struct place node_place(const yaml_node_t *node)
{
	return (struct place){ node->start_mark.line + 1, node->start_mark.column + 1 };
}

/* The text of a scalar. */
static inline struct span node_text(const yaml_node_t *node)
{
	return (struct span){ node->data.scalar.value, node->data.scalar.length };
}

static inline yaml_node_t *walk_node(const struct walk *walk, int index)
{
	return yaml_document_get_node(walk->document, index);
}

static inline struct report *walk_report(const struct walk *walk)
{
	return &walk->loading->report;
}

/* A scalar that stands for nothing: empty, ~ or null, without quotes. */
bool node_is_null(const yaml_node_t *node);

/* The text of a scalar; empty for one that stands for nothing. */
struct span node_value(const yaml_node_t *node);

/* "a list", "a mapping", "a single value" */
const char *node_kind(const yaml_node_t *node);

/* Fill the list <row> of the settings from the sequence <node>. */
void walk_list(const struct walk *walk, const struct setting *row, const yaml_node_t *node);

#endif
