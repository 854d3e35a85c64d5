/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a statement.  The first byte chooses how the session reads text.
 *
 * Beyond not crashing: tokens lie in the text and go forward, all spans that
 * are given out lie in it, no text is a read with "; DROP TABLE t" after it, a
 * shape holds no digit that was not part of a name, places for the session's values lie
 * in the text, in order, and a text with values in them goes where it went without.
 */
#include <readmux/sql/classify.h>
#include <readmux/sql/digest.h>
#include <readmux/sql/effects.h>
#include <readmux/sql/values.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static bool inside(struct span part, struct span whole)
{
	if (part.len == 0)
		return true;
	return part.data >= whole.data && part.len <= whole.len &&
		(size_t)(part.data - whole.data) <= whole.len - part.len;
}

static struct sql_mode mode_of(uint8_t bits)
{
	static const uint32_t versions[] = { 0, 50744, 101119, 90704 };

	return (struct sql_mode){
		.ansi_quotes = (bits & 1) != 0,
		.no_backslash_escapes = (bits & 2) != 0,
		.ambiguous_charset = (bits & 4) != 0,
		.mariadb = (bits & 8) != 0,
		.server_version = versions[bits >> 4 & 3],
	};
}

static bool is_literal(const struct token *t)
{
	return t->kind == TOKEN_NUMBER || t->kind == TOKEN_STRING || t->kind == TOKEN_HEX;
}

/* Walk the tokens; returns true when a token that is no literal holds a digit. */
static bool check_tokens(struct span sql, const struct sql_mode *mode, bool comments)
{
	struct lexer lexer = lexer_over(sql, mode);
	struct token t;
	size_t end = 0, tokens = 0;
	bool digits = false;

	lexer.want_comments = comments;
	do {
		lexer_next(&lexer, &t);
		must(t.at >= end && lexer.at <= sql.len && inside(t.text, sql));
		must(t.kind == TOKEN_END || t.kind == TOKEN_BROKEN || lexer.at > t.at);
		must(t.kind != TOKEN_BROKEN || lexer.at == sql.len);
		must(++tokens <= sql.len + 2);
		end = lexer.at;
		for (size_t i = 0; i < t.text.len && !is_literal(&t); i++)
			digits |= t.text.data[i] >= '0' && t.text.data[i] <= '9';
	} while (t.kind != TOKEN_END);
	return digits;
}

static void check_verdict(struct span sql, const struct sql_mode *mode)
{
	static const char drop[] = "\n; DROP TABLE t";
	struct sql_verdict v;
	uint8_t *more;

	sql_classify(sql, mode, &v);
	must(v.reason < REASON_COUNT && inside(v.what, sql) && inside(v.hint_backend, sql));
	if (v.class == SQL_WRITE)
		return;
	more = malloc(sql.len + sizeof(drop));
	must(more != NULL);
	memcpy(more, sql.data, sql.len);
	memcpy(more + sql.len, drop, sizeof(drop) - 1);
	sql_classify((struct span){ more, sql.len + sizeof(drop) - 1 }, mode, &v);
	must(v.class == SQL_WRITE);
	free(more);
}

static void check_assignments(struct span sql, const struct sql_mode *mode)
{
	struct sql_assignments walk = sql_assignments_of(sql, mode);
	struct sql_assignment a;
	size_t count = 0;

	while (sql_assignments_next(&walk, &a)) {
		must(inside(a.name, sql) && inside(a.value, sql) && a.value.len > 0);
		must(++count <= sql.len);
	}
}

static void check_shape(struct span sql, const struct sql_mode *mode, bool may_have_digits)
{
	char shape[512];

	sql_digest_text(sql, mode, shape, sizeof(shape));
	must(strlen(shape) < sizeof(shape));
	if (!may_have_digits)
		must(strpbrk(shape, "0123456789") == NULL);
	must(sql_digest(sql, mode) == sql_digest(sql, mode));
}

static void check_same_route(struct span sql, struct span rewritten, const struct sql_mode *mode)
{
	struct sql_verdict before, after;

	sql_classify(sql, mode, &before);
	sql_classify(rewritten, mode, &after);
	must(before.class == after.class && before.pins == after.pins);
}

static void check_values(struct span sql, const struct sql_mode *mode)
{
	static const struct sql_values values = { .known = UINT32_MAX };
	struct sql_places places;
	size_t room = sql.len * (2 + SQL_PLACES_MAX) + 64 * SQL_PLACES_MAX, end = 0, len;
	uint8_t *out;

	sql_places_of(sql, mode, &places);
	must(places.n <= SQL_PLACES_MAX);
	for (unsigned i = 0; i < places.n; i++) {
		must(places.place[i].at < places.place[i].end && places.place[i].end <= sql.len);
		must(places.place[i].end >= end);
		end = places.place[i].end;
	}
	if (places.n == 0)
		return;
	out = malloc(room);
	must(out != NULL);
	len = sql_write_values(sql, &places, &values, out, room);
	must(len > sql.len);
	check_same_route(sql, (struct span){ out, len }, mode);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sql_mode mode = mode_of(len > 0 ? data[0] : 0);
	struct span sql = len > 0 ? (struct span){ data + 1, len - 1 } : SPAN_NONE;
	bool digits = check_tokens(sql, &mode, false);

	(void)check_tokens(sql, &mode, true);
	check_verdict(sql, &mode);
	check_assignments(sql, &mode);
	check_shape(sql, &mode, digits);
	check_values(sql, &mode);
	return 0;
}
