/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balancing policies; see balance.h.
 *
 * Weights below the heaviest come from slow start.  in_flight is one worker's
 * count and mostly 0 to 2, so dividing by the weight would give a returning server
 * nothing for most of its slow start and all at once at its end.  Instead a lighter
 * server takes part in a choice as often as its weight says, and is then compared
 * as an equal: its share grows evenly.
 */
#include <readmux/model/balance.h>

/* Differences below this are noise of the network, not of the server. */
#define LATENCY_FLOOR_US 500u

/*
 * One choice in so many is made blindly.  A latency is measured by using the
 * server: without this, one that was slow for a moment would never be asked again.
 */
#define EXPLORE_ONE_IN 64u

/* splitmix64: any state will do, also 0. */
static uint32_t random_next(struct balance_state *state)
{
	uint64_t z = state->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 32);
}

/* Even over 0 .. <limit> - 1; <limit> is far below 2^32. */
static size_t random_below(struct balance_state *state, uint64_t limit)
{
	return (size_t)(random_next(state) * limit >> 32);
}

/* Number of candidates that take new work. */
static size_t count_eligible(const struct candidate *c, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += c[i].weight > 0;
	return count;
}

/* Index of the eligible candidate number <k>, counted from 0; there are more than <k>. */
static size_t nth_eligible(const struct candidate *c, size_t k)
{
	size_t i = 0;

	while (c[i].weight == 0 || k-- > 0)
		i++;
	return i;
}

/* True as often as <weight> is of <heaviest>. */
static bool takes_part(struct balance_state *state, uint32_t weight, uint32_t heaviest)
{
	return weight >= heaviest || random_below(state, heaviest) < weight;
}

/* Expected wait: the statements ahead and this one, each as long as they took of late. */
static uint64_t cost_of(const struct candidate *c)
{
	uint64_t latency = c->latency_us;

	if (latency < LATENCY_FLOOR_US)
		latency = LATENCY_FLOOR_US;
	return ((uint64_t)c->in_flight + 1) * latency;
}

/* <a>'s turn has come, so a tie goes to it. */
static bool first_is_better(const struct candidate *a, const struct candidate *b,
			    struct balance_state *state)
{
	if (!takes_part(state, a->weight, b->weight))
		return false;
	if (!takes_part(state, b->weight, a->weight))
		return true;
	if (random_below(state, EXPLORE_ONE_IN) == 0)
		return true;
	/* half as much again is still a tie: equal servers shall share equally */
	return 2 * cost_of(a) <= 3 * cost_of(b);
}

static size_t pick_p2c(const struct candidate *c, size_t n, struct balance_state *state)
{
	size_t eligible = count_eligible(c, n);
	size_t first, second;

	if (eligible == 0)
		return BALANCE_NONE;
	if (eligible == 1)
		return nth_eligible(c, 0);
	/* taken in turn, so that ties of a quiet system are spread evenly */
	first = (size_t)(state->turn++ % eligible);
	second = random_below(state, eligible - 1);
	second += second >= first;
	first = nth_eligible(c, first);
	second = nth_eligible(c, second);
	return first_is_better(&c[first], &c[second], state) ? first : second;
}

static uint32_t heaviest_of(const struct candidate *c, size_t n)
{
	uint32_t heaviest = 0;

	for (size_t i = 0; i < n; i++) {
		if (c[i].weight > heaviest)
			heaviest = c[i].weight;
	}
	return heaviest;
}

static size_t pick_round_robin(const struct candidate *c, size_t n,
			       struct balance_state *state)
{
	size_t eligible = count_eligible(c, n);
	uint32_t heaviest = heaviest_of(c, n);

	if (eligible == 0)
		return BALANCE_NONE;
	for (;;) {
		size_t i = nth_eligible(c, (size_t)(state->turn++ % eligible));

		if (takes_part(state, c[i].weight, heaviest))
			return i;
	}
}

static size_t pick_least_connections(const struct candidate *c, size_t n,
				     struct balance_state *state)
{
	size_t start = n > 0 ? (size_t)(state->turn++ % n) : 0;
	size_t best = BALANCE_NONE;

	for (size_t k = 0; k < n; k++) {
		size_t i = (start + k) % n;	/* ties rotate */

		if (c[i].weight == 0)
			continue;
		/* (connections + 1) / weight < best's, without dividing */
		if (best == BALANCE_NONE ||
		    ((uint64_t)c[i].connections + 1) * c[best].weight <
		    ((uint64_t)c[best].connections + 1) * c[i].weight)
			best = i;
	}
	return best;
}

static size_t pick_random(const struct candidate *c, size_t n, struct balance_state *state)
{
	size_t eligible = count_eligible(c, n);
	uint32_t heaviest = heaviest_of(c, n);

	if (eligible == 0)
		return BALANCE_NONE;
	for (;;) {
		size_t i = nth_eligible(c, random_below(state, eligible));

		if (takes_part(state, c[i].weight, heaviest))
			return i;
	}
}

static const struct balance_policy policies[] = {
	{ "p2c", pick_p2c,
	  "of two servers drawn at random the one with less work and lower latency" },
	{ "round-robin", pick_round_robin, "each server in turn" },
	{ "least-connections", pick_least_connections,
	  "the server with the fewest connections lent" },
	{ "random", pick_random, "any server" },
};

const struct balance_policy *balance_policy_by_name(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		if (span_is(name, policies[i].name))
			return &policies[i];
	}
	return NULL;
}

const struct balance_policy *balance_policies(size_t *n)
{
	*n = ARRAY_LEN(policies);
	return policies;
}
