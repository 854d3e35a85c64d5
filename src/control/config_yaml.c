/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings from YAML text.
 *
 * libyaml turns the text into a tree of nodes that know their place; the tree is
 * walked along the settings table, never deeper than the table goes, so that an
 * alias that contains itself does no harm.
 */
#include "config_yaml.h"

#define SETTING_PATH_MAX 128u

bool node_is_null(const yaml_node_t *node)
{
	struct span text = node_text(node);

	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (text.len == 0 || span_is(text, "~") || span_is_nocase(text, "null"));
}

struct span node_value(const yaml_node_t *node)
{
	return node_is_null(node) ? SPAN_NONE : node_text(node);
}

const char *node_kind(const yaml_node_t *node)
{
	if (node->type == YAML_SEQUENCE_NODE)
		return "a list";
	return node->type == YAML_MAPPING_NODE ? "a mapping" : "a single value";
}

/* True the first time that <at> is claimed; else reports. */
static bool claim(const struct walk *walk, const char *path, struct place *at,
		  const yaml_node_t *key)
{
	if (at->line > 0) {
		report_at(walk_report(walk), node_place(key),
			  "'%s' is given twice; the first is on line %zu", path, at->line);
		return false;
	}
	*at = node_place(key);
	return true;
}

static void take_scalar(const struct walk *walk, const struct setting *row,
			const yaml_node_t *value)
{
	char words[REPORT_WORDS_MAX];

	if (value->type != YAML_SCALAR_NODE)
		report_at(walk_report(walk), node_place(value),
			  "%s expects a single value, got %s", row->path, node_kind(value));
	else if (!setting_store(walk->loading->settings, row, node_value(value), words,
				sizeof(words)))
		report_at(walk_report(walk), node_place(value), "%s %s", row->path, words);
}

static bool is_list(const struct setting *row)
{
	return row->kind == SETTING_LISTEN_LIST || row->kind == SETTING_ADDRESS_LIST ||
	       row->kind == SETTING_USER_LIST;
}

static void take_setting(const struct walk *walk, const struct setting *row,
			 const yaml_node_t *key, const yaml_node_t *value)
{
	if (!claim(walk, row->path, config_place(walk->loading, row), key))
		return;
	if (is_list(row))
		walk_list(walk, row, value);
	else
		take_scalar(walk, row, value);
}

/* "probe.password_file: PATH" */
static void take_secret_file(const struct walk *walk, const struct setting *row,
			     const yaml_node_t *key, const yaml_node_t *value)
{
	char path[4096], words[REPORT_WORDS_MAX];
	char *secret;

	if (!claim(walk, row->path, config_place(walk->loading, row), key))
		return;
	if (value->type != YAML_SCALAR_NODE ||
	    !span_copy(node_text(value), path, sizeof(path))) {
		report_at(walk_report(walk), node_place(value), "%s_file expects a path",
			  row->path);
		return;
	}
	secret = config_read_secret(path, words);
	if (secret == NULL ||
	    !setting_store(walk->loading->settings, row, span_of(secret), words,
			   sizeof(words)))
		report_at(walk_report(walk), node_place(value), "%s_file %s", row->path,
			  words);
	settings_wipe_text(secret);
}

/* <prefix> and <key> joined by a dot; false when the key is no usable name. */
static bool join(const char *prefix, const yaml_node_t *key, char out[SETTING_PATH_MAX])
{
	char name[REPORT_CLEAN_MAX] = "?";

	if (key->type == YAML_SCALAR_NODE)
		(void)report_clean(node_text(key), name);
	(void)snprintf(out, SETTING_PATH_MAX, "%.40s%s%s", prefix,
		       *prefix != '\0' ? "." : "", name);
	return key->type == YAML_SCALAR_NODE;
}

static void report_unknown(const struct walk *walk, const char *path,
			   const yaml_node_t *key)
{
	report_at(walk_report(walk), node_place(key),
		  "unknown setting '%s'; did you mean '%s'?", path,
		  setting_nearest(span_of(path)));
}

/* An unknown mapping at the top is most likely a misspelt section: name what is in it. */
static void take_unknown(const struct walk *walk, const char *path, const yaml_node_t *key,
			 const yaml_node_t *value)
{
	const yaml_node_pair_t *pair;
	char inner[SETTING_PATH_MAX];

	if (value->type != YAML_MAPPING_NODE || strchr(path, '.') != NULL ||
	    value->data.mapping.pairs.start == value->data.mapping.pairs.top) {
		report_unknown(walk, path, key);
		return;
	}
	for (pair = value->data.mapping.pairs.start; pair < value->data.mapping.pairs.top;
	     pair++) {
		const yaml_node_t *name = walk_node(walk, pair->key);

		(void)join(path, name, inner);
		report_unknown(walk, inner, name);
	}
}

/* A key with a full path: a setting, the file of a secret, or nothing known. */
static void take_path(const struct walk *walk, const char *path,
		      const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = walk_node(walk, pair->key);
	const yaml_node_t *value = walk_node(walk, pair->value);
	const struct setting *row = setting_find(span_of(path));
	const struct setting *secret = config_secret_row(span_of(path));

	if (row != NULL)
		take_setting(walk, row, key, value);
	else if (secret != NULL)
		take_secret_file(walk, secret, key, value);
	else
		take_unknown(walk, path, key, value);
}

/* Where the section <name> was first seen; NULL when there is no such section. */
static struct place *find_section(struct walk *walk, const char *name)
{
	size_t n, len = strlen(name);
	const struct setting *rows = settings_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(rows[i].path, name, len) == 0 && rows[i].path[len] == '.')
			return &walk->sections[i];
	}
	return NULL;
}

/* A section without anything in it is fine: all of it may be commented out. */
static void take_section(const struct walk *walk, const char *name,
			 const yaml_node_t *value)
{
	const yaml_node_pair_t *pair;
	char path[SETTING_PATH_MAX];

	if (value->type == YAML_SCALAR_NODE && node_is_null(value))
		return;
	if (value->type != YAML_MAPPING_NODE) {
		report_at(walk_report(walk), node_place(value),
			  "%s is a section and expects settings in it, got %s", name,
			  node_kind(value));
		return;
	}
	for (pair = value->data.mapping.pairs.start; pair < value->data.mapping.pairs.top;
	     pair++) {
		(void)join(name, walk_node(walk, pair->key), path);
		take_path(walk, path, pair);
	}
}

static void take_top(struct walk *walk, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = walk_node(walk, pair->key);
	char name[SETTING_PATH_MAX];
	struct place *section;

	if (!join("", key, name)) {
		report_at(walk_report(walk), node_place(key),
			  "expects the name of a setting");
		return;
	}
	section = find_section(walk, name);
	if (section == NULL)
		take_path(walk, name, pair);
	else if (claim(walk, name, section, key))
		take_section(walk, name, walk_node(walk, pair->value));
}

static void take_root(struct walk *walk, const yaml_node_t *root)
{
	const yaml_node_pair_t *pair, *end;

	if (root == NULL || (root->type == YAML_SCALAR_NODE && node_is_null(root)))
		return;
	if (root->type != YAML_MAPPING_NODE) {
		report_at(walk_report(walk), node_place(root),
			  "expects settings such as 'workers: 4', got %s", node_kind(root));
		return;
	}
	end = root->data.mapping.pairs.top;
	for (pair = root->data.mapping.pairs.start; pair < end; pair++)
		take_top(walk, pair);
}

/* The place of byte <offset>: an undecodable byte has no mark. */
static struct place place_of_byte(struct span text, size_t offset)
{
	struct place at = { 1, 1 };

	for (size_t i = 0; i < size_min(offset, text.len); i++) {
		at.column++;
		if (text.data[i] == '\n')
			at = (struct place){ at.line + 1, 1 };
	}
	return at;
}

/* True when the white space at the start of line <line>, counted from 1, has a tab. */
static bool has_leading_tab(struct span text, size_t line)
{
	size_t i = 0;

	while (line > 1 && i < text.len)
		line -= text.data[i++] == '\n';
	while (i < text.len && text.data[i] == ' ')
		i++;
	return i < text.len && text.data[i] == '\t';
}

static void report_syntax(struct report *report, const yaml_parser_t *parser,
			  struct span text)
{
	const yaml_mark_t *mark = &parser->problem_mark;
	struct place at = { mark->line + 1, mark->column + 1 };

	if (parser->error == YAML_MEMORY_ERROR || parser->problem == NULL) {
		report_add(report, "out of memory");
		return;
	}
	if (parser->error == YAML_READER_ERROR)
		at = place_of_byte(text, parser->problem_offset);
	if (has_leading_tab(text, at.line))
		report_at(report, at, "YAML does not allow tabs at the start of a line");
	else if (parser->context != NULL)
		report_at(report, at, "%s (%s from line %zu)", parser->problem,
			  parser->context, parser->context_mark.line + 1);
	else
		report_at(report, at, "%s", parser->problem);
}

/* What follows the document has to be nothing. */
static void expect_end(struct config_loading *loading, yaml_parser_t *parser,
		       struct span text)
{
	yaml_document_t more;
	const yaml_node_t *root;

	if (!yaml_parser_load(parser, &more)) {
		report_syntax(&loading->report, parser, text);
		return;
	}
	root = yaml_document_get_root_node(&more);
	if (root != NULL)
		report_at(&loading->report, node_place(root),
			  "a second YAML document begins here; there must be one only");
	yaml_document_delete(&more);
}

void config_take_yaml(struct config_loading *loading, struct span text)
{
	static const uint8_t nothing;
	struct walk walk = { .loading = loading };
	yaml_document_t document;
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser)) {
		report_add(&loading->report, "out of memory");
		return;
	}
	yaml_parser_set_input_string(&parser, text.len > 0 ? text.data : &nothing,
				     text.len);
	if (yaml_parser_load(&parser, &document)) {
		bool empty = yaml_document_get_root_node(&document) == NULL;

		walk.document = &document;
		take_root(&walk, yaml_document_get_root_node(&document));
		yaml_document_delete(&document);
		if (!empty)
			expect_end(loading, &parser, text);
	} else {
		report_syntax(&loading->report, &parser, text);
	}
	yaml_parser_delete(&parser);
}
