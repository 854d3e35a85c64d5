/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status as text in columns; see view.h.
 *
 * What is printed may come from anywhere (a host name, an error of a server), and must not
 * steer the terminal.
 */
#include "view.h"

#include <math.h>
#include <time.h>

#define CELL_MAX     160u
#define COLUMNS_MAX  32u

typedef char cell[CELL_MAX];

/* --- values -------------------------------------------------------------------------- */

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* Control characters, also those that UTF-8 has beyond ASCII, become question marks. */
static void copy_clean(cell out, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < CELL_MAX; text++) {
		unsigned char c = (unsigned char)*text;
		bool high = c == 0xc2 && (unsigned char)text[1] >= 0x80 &&
			    (unsigned char)text[1] < 0xa0;

		if (high)
			text++;
		out[n++] = c < ' ' || c == 0x7f || high ? '?' : (char)c;
	}
	out[n] = '\0';
}

/* How wide a terminal shows it, as far as one can say without tables. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void put_plain(cell out, const json_t *value)
{
	if (json_is_string(value))
		copy_clean(out, json_string_value(value));
	else if (json_is_boolean(value))
		(void)snprintf(out, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
	else if (json_is_integer(value))
		(void)snprintf(out, CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		(void)snprintf(out, CELL_MAX, "%.2f", json_real_value(value));
	else
		(void)snprintf(out, CELL_MAX, "-");
}

static void put_ms(cell out, const json_t *us)
{
	if (json_is_number(us))
		(void)snprintf(out, CELL_MAX, "%.2f ms", json_number_value(us) / 1e3);
	else
		(void)snprintf(out, CELL_MAX, "-");
}

static void put_lag(cell out, const json_t *ms)
{
	if (json_is_number(ms))
		(void)snprintf(out, CELL_MAX, "%.0f s", json_number_value(ms) / 1e3);
	else
		(void)snprintf(out, CELL_MAX, "-");
}

static void put_span(cell out, double seconds)
{
	static const struct { double length; const char *unit; } units[] = {
		{ 86400, "d" }, { 3600, "h" }, { 60, "min" },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (seconds >= 2 * units[i].length) {
			(void)snprintf(out, CELL_MAX, "%.0f %s",
				       floor(seconds / units[i].length), units[i].unit);
			return;
		}
	}
	(void)snprintf(out, CELL_MAX, "%.0f s", seconds > 0 ? floor(seconds) : 0);
}

static void put_age(cell out, const json_t *then)
{
	if (json_is_number(then))
		put_span(out, (double)time(NULL) - json_number_value(then));
	else
		(void)snprintf(out, CELL_MAX, "-");
}

static void put_clock(cell out, const json_t *then)
{
	time_t seconds = (time_t)json_number_value(then);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL || strftime(out, CELL_MAX, "%H:%M:%S", &tm) == 0)
		out[0] = '\0';
}

/* --- tables --------------------------------------------------------------------------- */

struct column {
	const char *title;
	const char *key;
	void      (*put)(cell out, const json_t *value);
	bool        right;
};

/* The last column is not padded: it may be long. */
static void put_row(FILE *out, const struct column *columns, size_t n, const size_t *widths,
		    cell *cells)
{
	for (size_t i = 0; i < n; i++) {
		int pad = (int)(widths[i] - width_of(cells[i]));

		if (columns[i].right)
			(void)fprintf(out, "%*s%s", pad, "", cells[i]);
		else if (i + 1 < n)
			(void)fprintf(out, "%s%*s", cells[i], pad, "");
		else
			(void)fputs(cells[i], out);
		(void)fputs(i + 1 < n ? "  " : "\n", out);
	}
}

/* The first <most> rows. */
static void put_table(FILE *out, const struct column *columns, size_t n, const json_t *rows,
		      size_t most)
{
	size_t count = size_min(json_array_size(rows), most), widths[COLUMNS_MAX];
	cell *cells = calloc((count + 1) * n, sizeof(*cells));

	if (cells == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		copy_clean(cells[i], columns[i].title);
		widths[i] = width_of(cells[i]);
	}
	for (size_t row = 0; row < count; row++) {
		for (size_t i = 0; i < n; i++) {
			char *at = cells[(row + 1) * n + i];

			columns[i].put(at, json_object_get(json_array_get(rows, row),
							   columns[i].key));
			widths[i] = size_max(widths[i], width_of(at));
		}
	}
	for (size_t row = 0; row <= count; row++)
		put_row(out, columns, n, widths, cells + row * n);
	free(cells);
}

void view_report(FILE *out, const json_t *rows)
{
	struct column columns[COLUMNS_MAX];
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach(json_array_get(rows, 0), key, value) {
		if (n < COLUMNS_MAX)
			columns[n++] = (struct column){ key, key, put_plain,
							json_is_number(value) };
	}
	if (n > 0)
		put_table(out, columns, n, rows, SIZE_MAX);
	else
		(void)fputs("nothing\n", out);
}

/* --- the parts -------------------------------------------------------------------------- */

void view_head(FILE *out, const json_t *status, const char *where)
{
	bool ready = json_is_true(json_object_get(status, "ready"));
	cell age, why;

	put_age(age, json_object_get(status, "started"));
	copy_clean(why, text_of(status, "not_ready_because"));
	(void)fprintf(out, "readmux %s at %s, pid %.0f, up %s, %s%s\n",
		      text_of(status, "version"), where, number_of(status, "pid"), age,
		      ready ? "ready" : "not ready: ", ready ? "" : why);
}

static double sum_of(const json_t *status, const char *key)
{
	const json_t *backends = json_object_get(status, "backends");
	double sum = 0;

	for (size_t i = 0; i < json_array_size(backends); i++)
		sum += number_of(json_array_get(backends, i), key);
	return sum;
}

void view_figures(FILE *out, const json_t *status)
{
	const json_t *numbers = json_object_get(status, "numbers");

	(void)fprintf(out, "%.0f sessions, %.0f statements/s, %.0f errors/s, "
		      "%.0f server connections, %.0f in flight, %.0f waiting\n",
		      number_of(numbers, "sessions"), sum_of(status, "statements_per_second"),
		      sum_of(status, "errors_per_second"), sum_of(status, "connections"),
		      sum_of(status, "in_flight"), sum_of(status, "waiting"));
}

void view_backends(FILE *out, const json_t *status)
{
	static const struct column columns[] = {
		{ "BACKEND", "name", put_plain, false },
		{ "ROLE", "role", put_plain, false },
		{ "STATE", "state", put_plain, false },
		{ "LAG", "lag_ms", put_lag, true },
		{ "CONNS", "connections", put_plain, true },
		{ "ACTIVE", "in_flight", put_plain, true },
		{ "STMT/S", "statements_per_second", put_plain, true },
		{ "P50", "p50_us", put_ms, true },
		{ "P99", "p99_us", put_ms, true },
		{ "ERR/S", "errors_per_second", put_plain, true },
		{ "SINCE", "since", put_age, true },
		{ "ADDRESS", "address", put_plain, false },
		{ "CAUSE", "cause", put_plain, false },
	};

	put_table(out, columns, ARRAY_LEN(columns), json_object_get(status, "backends"),
		  SIZE_MAX);
}

void view_routes(FILE *out, const json_t *status, size_t most)
{
	static const struct column columns[] = {
		{ "ROUTE", "reason", put_plain, false },
		{ "TO", "role", put_plain, false },
		{ "TOTAL", "total", put_plain, true },
		{ "/S", "per_second", put_plain, true },
		{ "BECAUSE", "about", put_plain, false },
	};

	put_table(out, columns, ARRAY_LEN(columns), json_object_get(status, "routes"), most);
}

void view_events(FILE *out, const json_t *status, size_t most)
{
	static const struct column columns[] = {
		{ "TIME", "time", put_clock, false },
		{ "EVENT", "event", put_plain, false },
		{ "BACKEND", "backend", put_plain, false },
		{ "HOW", "words", put_plain, false },
	};

	put_table(out, columns, ARRAY_LEN(columns), json_object_get(status, "events"), most);
}

void view_lines(FILE *out, const json_t *status)
{
	const json_t *backends = json_object_get(status, "backends");
	cell now, name, state, lag, p50, p99;

	put_clock(now, json_object_get(status, "time"));
	for (size_t i = 0; i < json_array_size(backends); i++) {
		const json_t *b = json_array_get(backends, i);

		copy_clean(name, text_of(b, "name"));
		copy_clean(state, text_of(b, "state"));
		put_lag(lag, json_object_get(b, "lag_ms"));
		put_ms(p50, json_object_get(b, "p50_us"));
		put_ms(p99, json_object_get(b, "p99_us"));
		(void)fprintf(out, "%s %s %s: lag %s, %.0f in flight, %.2f statements/s, p50 %s, "
			      "p99 %s, %.2f errors/s\n", now, name, state, lag,
			      number_of(b, "in_flight"), number_of(b, "statements_per_second"),
			      p50, p99, number_of(b, "errors_per_second"));
	}
}
