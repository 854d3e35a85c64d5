/* SPDX-License-Identifier: GPL-2.0-or-later */
/* logfmt lines with peers' bytes made harmless; see log.h. */
#include <readmux/base/clock.h>
#include <readmux/base/log.h>
#include <readmux/base/utf8.h>

#include <inttypes.h>
#include <unistd.h>

#define LINE_ROOM 2048
#define CTX_FIELDS 8

/* Kept for what closes a line, whatever its form. */
#define CLOSING 8

struct line {
	char   text[LINE_ROOM];
	size_t len;
	bool   json;
};

static void sink_stderr(const char *line, size_t len)
{
	ssize_t put = write(STDERR_FILENO, line, len);

	(void)put;		/* there is nobody left to tell */
}

_Atomic int log_threshold = LOG_LEVEL_INFO;
_Atomic bool log_json;
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

/* Whole or not at all: half an escape would spoil the line. */
static void put_piece(struct line *l, const char *piece, size_t len)
{
	if (l->len + len > LINE_ROOM - CLOSING)
		return;
	memcpy(l->text + l->len, piece, len);
	l->len += len;
}

static void put_text(struct line *l, const char *text)
{
	put_piece(l, text, strlen(text));
}

/* In the room that was kept. */
static void put_closing(struct line *l, const char *closing)
{
	while (*closing != '\0')
		l->text[l->len++] = *closing++;
}

static bool is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

static void put_escaped(struct line *l, uint8_t c)
{
	char piece[8];

	if (c == '"' || c == '\\')
		(void)snprintf(piece, sizeof(piece), "\\%c", c);
	else if (c == '\n')
		(void)snprintf(piece, sizeof(piece), "\\n");
	else if (c < ' ' || c >= 0x7f)
		(void)snprintf(piece, sizeof(piece), l->json ? "\\u%04x" : "\\x%02x", c);
	else
		(void)snprintf(piece, sizeof(piece), "%c", c);
	put_text(l, piece);
}

/*
 * The character at the start of <value>; its length.  JSON is UTF-8, so there what is
 * UTF-8 stays as it is; other bytes are taken for Latin 1.
 */
static size_t put_character(struct line *l, struct span value)
{
	size_t len = l->json ? utf8_character(value) : 1;

	if (len > 1)
		put_piece(l, (const char *)value.data, len);
	else
		put_escaped(l, value.data[0]);
	return size_max(len, 1);
}

static void put_value(struct line *l, struct span value)
{
	bool quoted = l->json || value.len == 0;

	for (size_t i = 0; !quoted && i < value.len; i++)
		quoted = !is_plain(value.data[i]);
	if (quoted && l->len + 1 > LINE_ROOM - CLOSING)
		return;
	if (quoted)
		put_text(l, "\"");
	while (value.len > 0)
		value = span_from(value, put_character(l, value));
	if (quoted && l->len < LINE_ROOM - CLOSING + 1)
		l->text[l->len++] = '"';
}

static void put_key(struct line *l, const char *key)
{
	if (!l->json) {
		put_text(l, l->len > 0 ? " " : "");
		put_text(l, key);
		put_text(l, "=");
		return;
	}
	put_text(l, l->len > 0 ? ",\"" : "{\"");
	put_text(l, key);
	put_text(l, "\":");
}

static void put_field(struct line *l, const struct log_field *f)
{
	char number[32];

	if (l->len + strlen(f->key) + sizeof(number) > LINE_ROOM - CLOSING)
		return;		/* a key without value is no help */
	put_key(l, f->key);
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

/* Every site that has ever left lines out; they live as long as the program. */
static struct log_site *_Atomic leavers;

static void join_leavers(struct log_site *site, const char *event)
{
	const char *nobody = NULL;

	if (!atomic_compare_exchange_strong(&site->event, &nobody, event))
		return;		/* it is there already */
	atomic_store(&site->next, atomic_load(&leavers));
	for (;;) {
		struct log_site *first = atomic_load(&site->next);

		if (atomic_compare_exchange_weak(&leavers, &first, site))
			return;
		atomic_store(&site->next, first);
	}
}

/* True when this site may write now; <dropped> is what it kept back before. */
static bool site_admits(struct log_site *site, const char *event, uint32_t *dropped)
{
	uint64_t second = clock_now_us() / 1000000;

	if (atomic_exchange(&site->second, second) != second)
		atomic_store(&site->lines, 0);
	if (atomic_fetch_add(&site->lines, 1) >= LOG_SITE_LINES) {
		atomic_fetch_add(&site->dropped, 1);
		join_leavers(site, event);
		return false;
	}
	*dropped = atomic_exchange(&site->dropped, 0);
	return true;
}

void log_write(struct log_site *site, enum log_level level, const struct log_ctx *ctx,
	       const char *event, const struct log_field *fields, size_t n)
{
	struct log_field who[CTX_FIELDS];
	struct line l = { .json = atomic_load_explicit(&log_json, memory_order_relaxed) };
	char stamp[40];
	uint32_t dropped = 0;
	size_t known;

	if (site != NULL && !site_admits(site, event, &dropped))
		return;
	clock_format_utc(stamp, sizeof(stamp));
	put_field(&l, &(struct log_field)LOG_TEXT("ts", stamp));
	put_field(&l, &(struct log_field)LOG_TEXT("level", level_names[level]));
	put_field(&l, &(struct log_field)LOG_TEXT("event", event));
	known = ctx != NULL ? ctx->describe(ctx, who, CTX_FIELDS) : 0;
	for (size_t i = 0; i < known; i++)
		put_field(&l, &who[i]);
	for (size_t i = 0; i < n; i++)
		put_field(&l, &fields[i]);
	if (dropped > 0)
		put_field(&l, &(struct log_field)LOG_UINT("left_out", dropped));
	put_closing(&l, l.json ? "}\n" : "\n");
	l.text[l.len] = '\0';
	log_sink(l.text, l.len);
}

void log_tell_left_out(void)
{
	uint64_t second = clock_now_us() / 1000000;

	for (struct log_site *site = atomic_load(&leavers); site != NULL;
	     site = atomic_load(&site->next)) {
		uint32_t dropped;

		if (atomic_load(&site->second) == second)
			continue;	/* a line may still follow */
		dropped = atomic_exchange(&site->dropped, 0);
		if (dropped > 0)
			log_every(LOG_LEVEL_WARN, NULL, "lines left out",
				  LOG_TEXT("of", atomic_load(&site->event)),
				  LOG_UINT("left_out", dropped));
	}
}
