/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain words into mdoc; see manual_text.h and mdoc(7). */
#include <readmux/control/manual_text.h>

/* mandoc -Tlint asks for less than 80. */
#define WIDTH 78u

/* What changed in a page is told by CHANGES.md; a date that moves would make it stale. */
#define DATE "November 23, 2026"

/* The escape for <c>; NULL: it stands for itself. */
static const char *escape(char c)
{
	switch (c) {
	case '\\':
		return "\\e";
	case '\'':	/* a quotation mark otherwise, and a command at the start of a line */
		return "\\(aq";
	default:
		return NULL;
	}
}

/* The <n> bytes of <word> as mdoc takes them; their length there. */
static size_t escape_word(const char *word, size_t n, char *out, size_t room)
{
	size_t len = 0;

	out[0] = '\0';
	if (word[0] == '.')	/* a command otherwise */
		len += (size_t)snprintf(out, room, "\\&");
	for (size_t i = 0; i < n && len < room; i++) {
		const char plain[] = { word[i], '\0' };
		const char *escaped = escape(word[i]);

		len += (size_t)snprintf(out + len, room - len, "%s",
					escaped != NULL ? escaped : plain);
	}
	return len;
}

/* "... and" goes on; "it is. And" does not. */
static bool ends_sentence(const char *word, size_t len)
{
	const char *next = word + len + 1;

	return word[len] == ' ' && word[len - 1] == '.' && *next >= 'A' && *next <= 'Z';
}

void manual_text(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		char word[512];
		size_t width = escape_word(text, len, word, sizeof(word));
		const char *gap = column == 0 ? "" : column + 1 + width > WIDTH ? "\n" : " ";

		column = (*gap == ' ' ? column + 1 : 0) + width;
		(void)fprintf(out, "%s%s", gap, word);
		if (len > 0 && ends_sentence(text, len)) {
			(void)fputc('\n', out);
			column = 0;
		}
		text += len;
		text += *text == ' ';
	}
	(void)fputc('\n', out);
}

void manual_head(FILE *out, const char *title, unsigned section, const char *name,
		 const char *about)
{
	(void)fprintf(out,
		      ".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
		      ".\\\" Printed by readmux --print-document; do not edit by hand.\n"
		      ".Dd " DATE "\n"
		      ".Dt %s %u\n"
		      ".Os\n"
		      ".Sh NAME\n"
		      ".Nm %s\n"
		      ".Nd %s\n", title, section, name, about);
}
