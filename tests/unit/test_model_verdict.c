/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is used for what: a row per situation of a primary and up to three replicas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/model/verdict.h>

#define MAX_LAG_MS 10000u

/*
 * A backend is written as letters: P primary or R replica; u up, d down, s suspect,
 * ? unknown; then any of r read-only, l late, n lag unknown, b lag unknown for long
 * although the primary answers, s lag secret, x replication stopped, g name gone, h held
 * by an operator.  The wanted verdict: U usable, W usable and writable, - not usable, D draining.
 */
static const struct {
	const char *backends[4];
	const char *want;
	const char *because;
} rows[] = {
	{ { "Pu", "Ru", "Ru" },       "WUU", "all is well" },
	{ { "P?", "R?", "R?" },       "---", "nobody was probed yet" },
	{ { "Pd", "Ru", "Ru" },       "-UU", "the primary's death is not the replicas'" },
	{ { "Pur", "Ru" },            "UU",  "a read-only primary serves reads" },
	{ { "Ps", "Ru" },             "-U",  "suspect: no new statements" },
	{ { "Pu", "Rs", "Ru" },       "W-U", "a suspect replica neither" },
	{ { "Pu", "Rul", "Ru" },      "W-U", "a late replica is dropped" },
	{ { "Pu", "Rul" },            "WU",  "but not the last one" },
	{ { "Pu", "Rul", "Rul" },     "WUU", "nor all of them" },
	{ { "Pu", "Rul", "Rd" },      "WU-", "a dead one is nobody to rely on" },
	{ { "Pu", "Rul", "Rux" },     "WU-", "nor is one that does not replicate" },
	{ { "Pu", "Rul", "Rug" },     "WUU", "nor one whose name is gone" },
	{ { "Pd", "Run", "Run" },     "-UU", "lag unknown drops nobody" },
	{ { "Pu", "Run", "Rul" },     "WU-", "lag unknown is better than late" },
	{ { "Pu", "Rub", "Ru" },      "W-U", "but not for long while that is up" },
	{ { "Pu", "Rub" },            "WU",  "unless nobody else is left" },
	{ { "Pu", "Rub", "Rub" },     "WUU", "or all are alike" },
	{ { "Pu", "Rus", "Ru" },      "WUU", "lag that may not be asked drops nobody" },
	{ { "Pu", "Rux", "Ru" },      "W-U", "no replication: out" },
	{ { "Pu", "Rux" },            "W-",  "even the last: the primary serves reads" },
	{ { "Pu", "Rug", "Ru" },      "WDU", "a name that is gone drains" },
	{ { "Pu", "Rug" },            "WU",  "but not the last one that answers" },
	{ { "Pu", "Rug", "Rug" },     "WUU", "nor all of them" },
	{ { "Pu", "Rdg", "Ru" },      "WDU", "draining and down" },
	{ { "Pug", "Ru" },            "WU",  "a primary does not drain" },
	{ { "Pdg", "Ru" },            "-U",  "its health decides" },
	{ { "Pug", "Rug", "Rug" },    "WUU", "DNS lost everything: nothing changes" },
	{ { "Pu", "Ruh", "Ru" },      "WDU", "who is drained gets nothing" },
	{ { "Pu", "Ruh" },            "WD",  "even the last one" },
	{ { "Puh", "Ru" },            "DU",  "and the primary" },
	{ { "Pu", "Ruh", "Rul" },     "WDU", "nor is it one to rely on" },
};

struct setting_of_row {
	struct backend_view views[4];
	struct verdict_case cases[4];
	size_t n;
};

static void build(struct setting_of_row *s, const char *const *backends)
{
	static const char healths[] = {
		[HEALTH_UNKNOWN] = '?', [HEALTH_UP] = 'u',
		[HEALTH_SUSPECT] = 's', [HEALTH_DOWN] = 'd',
	};

	*s = (struct setting_of_row){ .n = 0 };
	for (; s->n < 4 && backends[s->n] != NULL; s->n++) {
		const char *text = backends[s->n];
		struct backend_view *v = &s->views[s->n];
		const char *at = memchr(healths, text[1], sizeof(healths));

		assert_non_null(at);
		v->role = text[0] == 'P' ? BACKEND_PRIMARY : BACKEND_REPLICA;
		v->health = (enum health)(at - healths);
		v->facts.read_only = strchr(text + 2, 'r') != NULL;
		v->lag_state = strchr(text + 2, 'x') != NULL ? LAG_STOPPED :
			       strchr(text + 2, 's') != NULL ? LAG_SECRET :
			       strpbrk(text + 2, "nb") != NULL ? LAG_UNKNOWN : LAG_KNOWN;
		v->lag_ms = strchr(text + 2, 'l') != NULL ? MAX_LAG_MS + 1 : MAX_LAG_MS;
		s->cases[s->n] = (struct verdict_case){
			.view = v, .weight = 40, .trouble = "probe: Connection refused",
			.replication = "its replication applier does not run",
			.name_gone = strchr(text + 2, 'g') != NULL,
			.held = strchr(text + 2, 'h') != NULL,
			.blind_ms = strpbrk(text + 2, "bs") != NULL ? MAX_LAG_MS + 1 :
				    MAX_LAG_MS,
		};
	}
}

static char letter_of(const struct backend_view *v)
{
	if (v->draining)
		return 'D';
	if (!v->usable)
		return '-';
	return v->writable ? 'W' : 'U';
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct setting_of_row s;
		char got[5] = "";

		build(&s, rows[i].backends);
		verdict_compute(s.cases, s.n, MAX_LAG_MS);
		for (size_t k = 0; k < s.n; k++) {
			const struct backend_view *v = &s.views[k];

			got[k] = letter_of(v);
			assert_int_equal(v->weight, v->usable ? 40 : 0);
			assert_true(v->usable || v->cause[0] != '\0');
		}
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s, not %s", rows[i].because, got, rows[i].want);
	}
}

/* The state of the second backend, and why. */
static void test_causes(void **state)
{
	static const struct {
		const char        *backends[4];
		enum backend_state state;
		const char        *cause;
	} causes[] = {
		{ { "Pu", "R?" }, BACKEND_IS_NEW, "probe: Connection refused" },
		{ { "Pu", "Ru" }, BACKEND_IS_IN, "" },
		{ { "Pu", "Rs" }, BACKEND_IS_SUSPECT, "probe: Connection refused" },
		{ { "Pu", "Rd" }, BACKEND_IS_DOWN, "probe: Connection refused" },
		{ { "Pu", "Rux" }, BACKEND_IS_NOT_REPLICATING,
		  "its replication applier does not run" },
		{ { "Pu", "Rul", "Ru" }, BACKEND_IS_LAGGING,
		  "lags further behind than probe.max_lag" },
		{ { "Pu", "Rub", "Ru" }, BACKEND_IS_LAGGING,
		  "has not found the primary for longer than probe.max_lag" },
		{ { "Pu", "Rul" }, BACKEND_IS_IN, "lags, but no other replica is better" },
		{ { "Pu", "Rug", "Ru" }, BACKEND_IS_DRAINING,
		  "its DNS name is gone: not ready" },
		{ { "Pu", "Rdg", "Ru" }, BACKEND_IS_DOWN, "probe: Connection refused" },
		{ { "Pu", "Rug" }, BACKEND_IS_IN,
		  "its DNS name is gone, but no other replica is better" },
		{ { "Ru", "Pug" }, BACKEND_IS_IN, "its DNS name is gone, but it answers" },
		{ { "Ru", "Pur" }, BACKEND_IS_READ_ONLY, "the primary is read-only" },
		{ { "Pu", "Ruh" }, BACKEND_IS_HELD, "an operator has drained it" },
		{ { "Pu", "Rdh" }, BACKEND_IS_DOWN, "probe: Connection refused" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		struct setting_of_row s;

		build(&s, causes[i].backends);
		verdict_compute(s.cases, s.n, MAX_LAG_MS);
		assert_int_equal(s.views[1].state, causes[i].state);
		assert_string_equal(s.views[1].cause, causes[i].cause);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_causes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
