/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health machine: a row per story, evidence in, verdicts out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <readmux/model/health.h>

static const struct health_rule rule = { .rise = 2, .fall = 2 };

/*
 * + good probe, - failed probe, c connect failed, l link broke, m misconfigured,
 * w wrong server, s stranger, r read-only.
 */
static enum evidence evidence_of(char letter)
{
	static const struct { char letter; enum evidence evidence; } table[] = {
		{ '+', EVIDENCE_PROBE_OK },
		{ '-', EVIDENCE_PROBE_FAILED },
		{ 'c', EVIDENCE_CONNECT_FAILED },
		{ 'l', EVIDENCE_LINK_BROKE },
		{ 'm', EVIDENCE_MISCONFIGURED },
		{ 'w', EVIDENCE_WRONG_SERVER },
		{ 's', EVIDENCE_STRANGER },
		{ 'r', EVIDENCE_READ_ONLY },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].letter == letter)
			return table[i].evidence;
	}
	fail_msg("no such evidence: %c", letter);
	return EVIDENCE_PROBE_OK;
}

/* Verdicts: ? unknown, U up, S suspect, D down. */
static char letter_of(enum health health)
{
	static const char letters[] = {
		[HEALTH_UNKNOWN] = '?', [HEALTH_UP] = 'U',
		[HEALTH_SUSPECT] = 'S', [HEALTH_DOWN] = 'D',
	};

	return letters[health];
}

static const struct {
	const char *evidence;
	const char *verdicts;	/* after each piece */
	const char *because;
} stories[] = {
	{ "+",      "U",      "the first probe decides alone" },
	{ "-",      "D",      "the first probe decides alone, also against it" },
	{ "m",      "D",      "alive but not usable by us is out" },
	{ "+-",     "UU",     "one miss is forgiven" },
	{ "+--",    "UUD",    "two misses in a row are not" },
	{ "+-+-",   "UUUU",   "misses that are not in a row do not add up" },
	{ "-+",     "DD",     "one hit does not bring it back" },
	{ "-++",    "DDU",    "two in a row do" },
	{ "-+-+",   "DDDD",   "a miss in between starts the count again" },
	{ "-+-++",  "DDDDU",  "and then two in a row count" },
	{ "+c",     "UD",     "a failed connect takes it out at once" },
	{ "+c+",    "UDD",    "and it comes back like any other" },
	{ "+c+c+",  "UDDDD",  "a failed connect starts the count again" },
	{ "+c++",   "UDDU",   "two good probes bring it back" },
	{ "c",      "D",      "a failed connect counts before any probe" },
	{ "+l",     "UU",     "a broken link is no verdict" },
	{ "+lll",   "UUUU",   "nor are many: a client may have been killed again and again" },
	{ "+l-",    "UUS",    "with a miss it makes it suspect" },
	{ "+-l",    "UUS",    "in either order" },
	{ "+l--",   "UUSD",   "the next miss confirms it" },
	{ "+l-+",   "UUSU",   "one good probe clears it" },
	{ "+l-l",   "UUSS",   "more broken links say nothing new" },
	{ "+l+-",   "UUUU",   "a good probe takes the doubt away" },
	{ "+l-+-",  "UUSUU",  "and suspicion leaves neither doubt nor miss behind" },
	{ "+lm",    "UUD",    "a refused login needs no doubt" },
	{ "+lc",    "UUD",    "nor does a failed connect" },
	{ "+s",     "US",     "a stranger makes it suspect" },
	{ "+s+",    "USU",    "one good probe clears it" },
	{ "+s-",    "USD",    "one bad probe confirms it" },
	{ "+sc",    "USD",    "and so does a failed connect" },
	{ "-s",     "DD",     "a stranger where nobody is used says nothing new" },
	{ "-l",     "DD",     "a link that broke while it is out says nothing new" },
	{ "l",      "?",      "nor does one before the first probe" },
	{ "+m",     "UD",     "a refused login needs no second opinion" },
	{ "+w",     "UD",     "nor does another server at its address" },
	{ "+w++",   "UDDU",   "the right one has to show itself twice" },
	{ "+r",     "UU",     "a write that was refused is no illness" },
	{ "+-r-",   "UUUD",   "nor a cure" },
	{ "+-l+-",  "UUSUU",  "clearing suspicion clears earlier misses" },
};

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
		struct health_state h;
		char last = '?';

		health_init(&h);
		for (size_t k = 0; stories[i].evidence[k] != '\0'; k++) {
			enum evidence evidence = evidence_of(stories[i].evidence[k]);
			bool changed = health_observe(&h, &rule, evidence);
			char now = letter_of(h.now);

			if (now != stories[i].verdicts[k] || changed != (now != last))
				fail_msg("%s: after piece %zu of \"%s\": %c",
					 stories[i].because, k + 1, stories[i].evidence,
					 now);
			if (changed)
				assert_int_equal(h.cause, evidence);
			last = now;
		}
	}
}

static void test_rule_is_followed(void **state)
{
	static const struct health_rule slow = { .rise = 3, .fall = 4 };
	struct health_state h;
	unsigned n;

	(void)state;
	health_init(&h);
	assert_true(health_observe(&h, &slow, EVIDENCE_PROBE_OK));
	for (n = 1; !health_observe(&h, &slow, EVIDENCE_PROBE_FAILED); n++)
		assert_true(n < slow.fall);
	assert_int_equal(n, slow.fall);
	for (n = 1; !health_observe(&h, &slow, EVIDENCE_PROBE_OK); n++)
		assert_true(n < slow.rise);
	assert_int_equal(n, slow.rise);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_rule_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
