/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables and figures as JSON; see status_json.h.  jansson's home. */
#include <readmux/base/clock.h>
#include <readmux/control/reports.h>
#include <readmux/control/status_json.h>
#include <readmux/relay/report.h>

#include <jansson.h>
#include <math.h>
#include <unistd.h>

#define FORMAT (JSON_COMPACT | JSON_REAL_PRECISION(16))

/* What is not UTF-8 must not spoil the rest. */
static json_t *text_of(struct span text)
{
	json_t *json = json_stringn((const char *)text.data, text.len);
	char clean[512];
	size_t n = 0;

	if (json != NULL)
		return json;
	for (size_t i = 0; i < text.len && n < sizeof(clean); i++)
		clean[n++] = (char)(text.data[i] < 0x80 && text.data[i] >= ' ' ? text.data[i] : '?');
	return json_stringn(clean, n);
}

static json_t *number_of(struct span text)
{
	char copy[40];

	(void)span_copy(text, copy, sizeof(copy));
	if (strchr(copy, '.') != NULL)
		return json_real(strtod(copy, NULL));
	return json_integer((json_int_t)strtoull(copy, NULL, 10));
}

static json_t *cell_of(const struct table *t, size_t row, unsigned column)
{
	struct span text = table_cell(t, row, column);

	if (text.data == NULL)
		return json_null();
	switch (t->columns[column].kind) {
	case TABLE_NUMBER:
		return number_of(text);
	case TABLE_TRUTH:
		return json_boolean(span_is(text, "1"));
	case TABLE_TEXT:
		break;
	}
	return text_of(text);
}

static json_t *row_of(const struct table *t, size_t row)
{
	json_t *object = json_object();

	for (unsigned column = 0; column < t->width; column++)
		(void)json_object_set_new(object, t->columns[column].name,
					  cell_of(t, row, column));
	return object;
}

static json_t *array_of(const struct table *t)
{
	json_t *array = json_array();

	for (size_t row = 0; row < t->rows; row++)
		(void)json_array_append_new(array, row_of(t, row));
	return array;
}

static json_t *report_of(const struct overview *o, enum report report)
{
	struct table t = reports_table(report);
	json_t *array;

	reports_fill(o, report, &t);
	array = array_of(&t);
	table_free(&t);
	return array;
}

/* --- history ---------------------------------------------------------------------- */

static json_t *rate_of(float rate)
{
	return json_real(round((double)rate * 100) / 100);
}

static json_t *us_of(uint32_t us)
{
	return us == UINT32_MAX ? json_null() : json_integer(us);
}

static json_t *history_of(const struct overview *o, unsigned ordinal)
{
	json_t *history = json_object();
	json_t *rates = json_array(), *errors = json_array(), *p50 = json_array();
	json_t *p99 = json_array(), *states = json_array();

	for (size_t back = observer_steps(o->observer); back-- > 0;) {
		const struct observed *step = observer_of(o->observer, ordinal, back);

		if (step == NULL)
			break;
		(void)json_array_append_new(rates, rate_of(step->statements_per_second));
		(void)json_array_append_new(errors, rate_of(step->errors_per_second));
		(void)json_array_append_new(p50, us_of(step->p50_us));
		(void)json_array_append_new(p99, us_of(step->p99_us));
		(void)json_array_append_new(states, !step->known ? json_null() : json_string(
			backend_state_name((enum backend_state)step->state)));
	}
	(void)json_object_set_new(history, "statements_per_second", rates);
	(void)json_object_set_new(history, "errors_per_second", errors);
	(void)json_object_set_new(history, "p50_us", p50);
	(void)json_object_set_new(history, "p99_us", p99);
	(void)json_object_set_new(history, "state", states);
	return history;
}

static json_t *backends_of(const struct overview *o)
{
	json_t *backends = report_of(o, REPORT_BACKENDS);

	for (size_t i = 0; i < json_array_size(backends) && i < o->topology->n; i++)
		(void)json_object_set_new(json_array_get(backends, i), "history",
					  history_of(o, o->topology->backends[i].ordinal));
	return backends;
}

/* --- the whole ---------------------------------------------------------------------- */

static json_t *seconds_of(uint64_t us)
{
	return json_real((double)us / 1e6);
}

static json_t *numbers_of(const struct overview *o)
{
	json_t *numbers = json_object();
	size_t n;
	const struct stat_info *rows = stats_table(&n);

	for (size_t i = 0; i < n; i++)
		(void)json_object_set_new(numbers, rows[i].name, json_integer((json_int_t)
			observer_sum(o->workers, o->worker_count, &rows[i])));
	return numbers;
}

static json_t *sessions_of(const struct overview *o)
{
	json_t *sessions = json_object();
	const char *name;

	for (unsigned phase = 0; (name = relay_phase_name(phase)) != NULL; phase++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < o->worker_count; i++)
			sum += STAT_GET(o->workers[i], phases[phase]);
		if (sum > 0)
			(void)json_object_set_new(sessions, name, json_integer((json_int_t)sum));
	}
	return sessions;
}

/* Those that differ from their defaults. */
static json_t *changed_settings_of(const struct overview *o)
{
	json_t *all = report_of(o, REPORT_SETTINGS), *changed = json_array();

	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *row = json_array_get(all, i);

		if (!json_equal(json_object_get(row, "value"), json_object_get(row, "default")))
			(void)json_array_append(changed, row);
	}
	json_decref(all);
	return changed;
}

static char *text_and_drop(json_t *json)
{
	char *text = json_dumps(json, FORMAT);

	json_decref(json);
	return text;
}

char *status_json(const struct overview *o)
{
	json_t *all = json_object();
	char words[200];

	(void)json_object_set_new(all, "version", json_string(RMX_VERSION));
	(void)json_object_set_new(all, "time", seconds_of(clock_wall_us()));
	(void)json_object_set_new(all, "started", seconds_of(o->started_us));
	(void)json_object_set_new(all, "ready",
				  json_boolean(overview_is_ready(o, words, sizeof(words))));
	(void)json_object_set_new(all, "not_ready_because", json_string(words));
	(void)json_object_set_new(all, "draining", json_boolean(o->draining));
	(void)json_object_set_new(all, "workers", json_integer((json_int_t)o->worker_count));
	(void)json_object_set_new(all, "pid", json_integer(getpid()));
	(void)json_object_set_new(all, "numbers", numbers_of(o));
	(void)json_object_set_new(all, "backends", backends_of(o));
	(void)json_object_set_new(all, "history_step_seconds",
				  json_integer(OBSERVER_STEP_US / 1000000));
	(void)json_object_set_new(all, "routes", report_of(o, REPORT_REASONS));
	(void)json_object_set_new(all, "sessions", sessions_of(o));
	(void)json_object_set_new(all, "pools", report_of(o, REPORT_POOLS));
	(void)json_object_set_new(all, "events", report_of(o, REPORT_EVENTS));
	(void)json_object_set_new(all, "settings", changed_settings_of(o));
	return text_and_drop(all);
}

char *status_json_config(const struct overview *o)
{
	json_t *all = json_object();

	(void)json_object_set_new(all, "settings", report_of(o, REPORT_SETTINGS));
	return text_and_drop(all);
}

char *status_json_table(const struct table *t)
{
	return text_and_drop(array_of(t));
}

char *status_json_outcome(bool done, const char *words)
{
	json_t *all = json_object();

	(void)json_object_set_new(all, "done", json_boolean(done));
	(void)json_object_set_new(all, "words", text_of(span_of(words)));
	return text_and_drop(all);
}
