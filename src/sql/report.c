/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHOW READMUX; see report.h. */
#include <readmux/sql/report.h>

static const struct {
	const char *word, *about;
} reports[] = {
#define X(name, word, about) { word, about },
	REPORTS(X)
#undef X
};

const char *report_word(enum report report)
{
	return reports[report].word;
}

const char *report_about(enum report report)
{
	return reports[report].about;
}

bool report_named(struct span word, enum report *report)
{
	for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
		if (!span_is_nocase(word, reports[i].word))
			continue;
		*report = (enum report)i;
		return true;
	}
	return false;
}

/* LIKE 'pattern' and LIMIT n, up to the end. */
static bool take_rest(struct span sql, struct lexer *lexer, struct token *t,
		      struct sql_show_readmux *show)
{
	if (token_is(t, "like")) {
		lexer_next(lexer, t);
		if (t->kind != TOKEN_STRING)
			return false;
		show->like = span_head(span_from(sql, t->at), t->text.len + 2);
		lexer_next(lexer, t);
	}
	if (token_is(t, "limit")) {
		lexer_next(lexer, t);
		if (t->kind != TOKEN_NUMBER || !span_to_u64(t->text, &show->limit))
			return false;
		lexer_next(lexer, t);
	}
	return lexer_at_end(lexer, t);
}

bool sql_show_readmux_of(struct span sql, const struct sql_mode *mode,
			 struct sql_show_readmux *show)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t;

	*show = (struct sql_show_readmux){ .limit = UINT64_MAX };
	lexer_next(&lexer, &t);
	if (!token_is(&t, "show"))
		return false;
	lexer_next(&lexer, &t);
	if (token_is(&t, "full"))
		lexer_next(&lexer, &t);
	if (!token_is(&t, "readmux"))
		return false;
	lexer_next(&lexer, &t);
	show->word = t.kind == TOKEN_WORD ? t.text : SPAN_NONE;
	lexer_next(&lexer, &t);
	if (!take_rest(sql, &lexer, &t, show))
		show->word = SPAN_NONE;
	return true;
}
