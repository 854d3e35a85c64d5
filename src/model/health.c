/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health machine; see health.h. */
#include <readmux/model/health.h>

void health_init(struct health_state *h)
{
	*h = (struct health_state){ .now = HEALTH_UNKNOWN };
}

/* The one gate. */
static bool become(struct health_state *h, enum health to, enum evidence cause)
{
	h->streak = 0;
	h->doubted = false;
	if (h->now == to)
		return false;
	h->now = to;
	h->cause = cause;
	return true;
}

static bool probe_ok(struct health_state *h, const struct health_rule *rule)
{
	if (h->now == HEALTH_UP)
		return become(h, HEALTH_UP, EVIDENCE_PROBE_OK);
	if (h->now == HEALTH_DOWN && ++h->streak < rule->rise)
		return false;
	return become(h, HEALTH_UP, EVIDENCE_PROBE_OK);
}

static bool probe_failed(struct health_state *h, const struct health_rule *rule,
			 enum evidence evidence)
{
	if (h->now == HEALTH_DOWN) {
		h->streak = 0;
		return false;
	}
	if (h->now == HEALTH_UP && ++h->streak < rule->fall)
		return h->doubted && become(h, HEALTH_SUSPECT, evidence);
	return become(h, HEALTH_DOWN, evidence);
}

static bool link_broke(struct health_state *h)
{
	if (h->now != HEALTH_UP)
		return false;
	h->doubted = true;
	return h->streak > 0 && become(h, HEALTH_SUSPECT, EVIDENCE_LINK_BROKE);
}

bool health_observe(struct health_state *h, const struct health_rule *rule,
		    enum evidence evidence)
{
	switch (evidence) {
	case EVIDENCE_PROBE_OK:
		return probe_ok(h, rule);
	case EVIDENCE_PROBE_FAILED:
		return probe_failed(h, rule, evidence);
	case EVIDENCE_CONNECT_FAILED:
	case EVIDENCE_MISCONFIGURED:
	case EVIDENCE_WRONG_SERVER:
		return become(h, HEALTH_DOWN, evidence);
	case EVIDENCE_LINK_BROKE:
		return link_broke(h);
	case EVIDENCE_STRANGER:
		return h->now == HEALTH_UP && become(h, HEALTH_SUSPECT, evidence);
	case EVIDENCE_READ_ONLY:
		return false;
	}
	return false;
}
