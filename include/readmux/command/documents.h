/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents that come from the program's tables, each of which is in the source tree too
 * (make documents writes them anew).
 */
#ifndef READMUX_COMMAND_DOCUMENTS_H
#define READMUX_COMMAND_DOCUMENTS_H

#include <readmux/base/common.h>

struct document {
	const char *name;	/* for --print-document */
	const char *path;	/* in the source tree */
	void      (*print)(FILE *out);
};

const struct document *documents(size_t *n);

/* The one with that name, or NULL. */
const struct document *document_named(const char *name);

#endif
