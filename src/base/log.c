/* SPDX-License-Identifier: GPL-2.0-or-later */
/* logfmt lines with peers' bytes made harmless; see log.h. */
#include <readmux/base/clock.h>
#include <readmux/base/log.h>

#include <inttypes.h>
#include <unistd.h>

#define LINE_ROOM 2048
#define CTX_FIELDS 8

struct line {
	char   text[LINE_ROOM];
	size_t len;
};

static void sink_stderr(const char *line, size_t len)
{
	ssize_t put = write(STDERR_FILENO, line, len);

	(void)put;		/* there is nobody left to tell */
}

_Atomic int log_threshold = LOG_LEVEL_INFO;
static void (*log_sink)(const char *line, size_t len) = sink_stderr;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_set_sink(void (*sink)(const char *line, size_t len))
{
	log_sink = sink != NULL ? sink : sink_stderr;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

bool log_level_from(struct span name, enum log_level *level)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (!span_is(name, level_names[i]))
			continue;
		*level = (enum log_level)i;
		return true;
	}
	return false;
}

/* Room is kept for the closing quote and the newline. */
static void put_char(struct line *l, char c)
{
	if (l->len < LINE_ROOM - 3)
		l->text[l->len++] = c;
}

static void put_text(struct line *l, const char *text)
{
	while (*text != '\0')
		put_char(l, *text++);
}

static bool is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

static void put_escaped(struct line *l, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";

	if (c == '"' || c == '\\') {
		put_char(l, '\\');
		put_char(l, (char)c);
	} else if (c == '\n') {
		put_text(l, "\\n");
	} else if (c < ' ' || c >= 0x7f) {
		put_text(l, "\\x");
		put_char(l, hex[c >> 4]);
		put_char(l, hex[c & 15]);
	} else {
		put_char(l, (char)c);
	}
}

static void put_value(struct line *l, struct span value)
{
	bool plain = value.len > 0;

	for (size_t i = 0; plain && i < value.len; i++)
		plain = is_plain(value.data[i]);
	if (!plain)
		put_char(l, '"');
	for (size_t i = 0; i < value.len; i++)
		put_escaped(l, value.data[i]);
	if (!plain && l->len < LINE_ROOM - 2)
		l->text[l->len++] = '"';
}

static void put_field(struct line *l, const struct log_field *f)
{
	char number[32];

	put_char(l, ' ');
	put_text(l, f->key);
	put_char(l, '=');
	switch (f->kind) {
	case LOG_FIELD_TEXT:
		put_value(l, span_of(f->as.text));
		break;
	case LOG_FIELD_SPAN:
		put_value(l, f->as.span);
		break;
	case LOG_FIELD_INT:
		(void)snprintf(number, sizeof(number), "%" PRId64, f->as.i);
		put_text(l, number);
		break;
	case LOG_FIELD_UINT:
		(void)snprintf(number, sizeof(number), "%" PRIu64, f->as.u);
		put_text(l, number);
		break;
	}
}

/* True when this site may write now; <dropped> is what it kept back before. */
static bool site_admits(struct log_site *site, uint32_t *dropped)
{
	uint64_t second = clock_now_us() / 1000000;

	if (atomic_exchange(&site->second, second) != second)
		atomic_store(&site->lines, 0);
	if (atomic_fetch_add(&site->lines, 1) >= LOG_SITE_LINES) {
		atomic_fetch_add(&site->dropped, 1);
		return false;
	}
	*dropped = atomic_exchange(&site->dropped, 0);
	return true;
}

void log_write(struct log_site *site, enum log_level level, const struct log_ctx *ctx,
	       const char *event, const struct log_field *fields, size_t n)
{
	struct log_field who[CTX_FIELDS];
	struct line l = { .len = 0 };
	char stamp[40];
	uint32_t dropped = 0;
	size_t known;

	if (!site_admits(site, &dropped))
		return;
	clock_format_utc(stamp, sizeof(stamp));
	put_text(&l, "ts=");
	put_text(&l, stamp);
	put_text(&l, " level=");
	put_text(&l, level_names[level]);
	put_text(&l, " event=");
	put_value(&l, span_of(event));
	known = ctx != NULL ? ctx->describe(ctx, who, CTX_FIELDS) : 0;
	for (size_t i = 0; i < known; i++)
		put_field(&l, &who[i]);
	for (size_t i = 0; i < n; i++)
		put_field(&l, &fields[i]);
	if (dropped > 0)
		put_field(&l, &(struct log_field)LOG_UINT("left_out", dropped));
	l.text[l.len++] = '\n';
	l.text[l.len] = '\0';
	log_sink(l.text, l.len);
}
