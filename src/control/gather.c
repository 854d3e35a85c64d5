/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables from all workers; see gather.h. */
#include <readmux/control/gather.h>
#include <readmux/relay/report.h>

struct gather {
	struct table t;
	enum report  report;
	size_t       missing;	/* workers that have not answered */
	gather_fn   *done;
	void        *arg;
};

static void finish(struct gather *g)
{
	relay_report_finish(g->report, &g->t);
	g->done(g->arg, &g->t);
	free(g);
}

void gather_start(const struct overview *o, struct worker *const *workers, enum report report,
		  gather_fn *done, void *arg)
{
	struct table t = reports_table(report);
	struct gather *g;

	if (reports_is_of_control(report)) {
		reports_fill(o, report, &t);
		done(arg, &t);
		return;
	}
	g = calloc(1, sizeof(*g));
	if (g == NULL) {
		t.broken = true;
		done(arg, &t);
		return;
	}
	*g = (struct gather){
		.t = t, .report = report, .missing = o->worker_count, .done = done, .arg = arg,
	};
	for (size_t i = 0; i < o->worker_count; i++)
		worker_ask_report(workers[i], report, g);
	if (g->missing == 0)
		finish(g);
}

void gather_add(struct worker_report *part)
{
	struct gather *g = part->tag;

	table_append(&g->t, &part->table);
	table_free(&part->table);
	free(part);
	if (--g->missing == 0)
		finish(g);
}
