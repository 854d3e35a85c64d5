/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Breaking text into lines; see text_wrap.h. */
#include <readmux/control/text_wrap.h>

void text_wrap(FILE *out, const char *text, const char *first, const char *rest,
	       size_t width)
{
	size_t column = strlen(first);
	bool fresh = true;

	(void)fputs(first, out);
	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (!fresh && column + 1 + len > width) {
			(void)fprintf(out, "\n%s", rest);
			column = strlen(rest);
			fresh = true;
		}
		column += (size_t)fprintf(out, "%s%.*s", fresh ? "" : " ", (int)len, text);
		fresh = false;
		text += len;
		text += *text == ' ';
	}
	(void)fputc('\n', out);
}
