/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a statement would go, for a person; see explain.h. */
#include <readmux/command/explain.h>

#include <readmux/model/route.h>

/* The word that decided comes from the statement, which may come from anywhere. */
static void put_clean(FILE *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		(void)fputc(text.data[i] < ' ' || text.data[i] == 0x7f ? '?' : text.data[i],
			    out);
}

void explain_statement(FILE *out, struct span sql)
{
	static const struct sql_mode mode;
	static const struct route_situation fresh = { .replica_usable = true };
	struct sql_verdict verdict;
	struct route route;

	sql_classify(sql, &mode, &verdict);
	route_decide(&verdict, &fresh, &route);
	(void)fprintf(out, "%-7s  %-8s  %s: %s", sql_class_name(verdict.class),
		      route_target_name(route.target), reason_word(route.reason),
		      reason_text(route.reason));
	if (verdict.what.len > 0 && route.reason == verdict.reason) {
		(void)fputs(" (", out);
		put_clean(out, verdict.what);
		(void)fputs(")", out);
	}
	(void)fputc('\n', out);
}

bool explain_lines(FILE *out, FILE *in)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, in)) != -1) {
		if (len > 0 && line[len - 1] == '\n')
			len--;
		if (len > 0)
			explain_statement(out, (struct span){ (const uint8_t *)line,
							      (size_t)len });
	}
	free(line);
	return ferror(in) == 0;
}
