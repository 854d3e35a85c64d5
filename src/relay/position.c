/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing GTIDs; see position.h. */
#include <readmux/relay/position.h>

/* One GTID, or a place in a log: what it is counted in, and its number there. */
struct gtid {
	struct span source;	/* MySQL: server_uuid; MariaDB: domain; a log's name */
	uint64_t    number;
};

#define UUID_LEN        36u
#define LOG_OFFSET_BITS 40u	/* a log file has at most 1 GiB and its last transaction */

/* "mysql-bin.000003", "1542": files count first, then offsets. */
static bool log_parse(struct span file, struct span offset, struct gtid *g)
{
	size_t dot = file.len;
	uint64_t number, at;

	while (dot > 0 && file.data[dot - 1] != '.')
		dot--;
	if (dot < 2 || !span_to_u64(span_from(file, dot), &number) ||
	    !span_to_u64(offset, &at) || at >> LOG_OFFSET_BITS != 0 ||
	    number >> (64 - LOG_OFFSET_BITS) != 0)
		return false;
	g->source = span_head(file, dot);
	g->number = number << LOG_OFFSET_BITS | at;
	return true;
}

static bool has_dot(struct span text)
{
	return memchr(text.data, '.', text.len) != NULL;
}

/* Splits at the last '-' (MariaDB) or ':' (MySQL); intervals are not split. */
static bool gtid_parse(struct span text, struct gtid *g)
{
	const uint8_t *colon = memchr(text.data, ':', text.len);
	size_t at = text.len, domain = 0;

	if (colon != NULL && has_dot(text)) {
		at = (size_t)(colon - text.data);
		return log_parse(span_head(text, at), span_from(text, at + 1), g);
	}
	if (colon != NULL) {
		at = (size_t)(colon - text.data);
		domain = at;
	} else {
		while (at > 0 && text.data[at - 1] != '-')
			at--;
		if (at == 0)
			return false;
		at--;
		while (domain < at && text.data[domain] != '-')
			domain++;
	}
	g->source = span_head(text, domain);
	return at < text.len && domain > 0 && span_to_u64(span_from(text, at + 1), &g->number);
}

/* Where <c> stands in <text>, else its end. */
static size_t up_to(struct span text, uint8_t c)
{
	const uint8_t *at = text.len > 0 ? memchr(text.data, c, text.len) : NULL;

	return at != NULL ? (size_t)(at - text.data) : text.len;
}

/* The first of a comma-separated list, which moves on behind it. */
static struct span next_item(struct span *list)
{
	size_t len = up_to(*list, ',');
	struct span item = span_head(*list, len);

	*list = span_from(*list, len < list->len ? len + 1 : len);
	while (item.len > 0 && item.data[0] <= ' ')
		item = span_from(item, 1);
	while (item.len > 0 && item.data[item.len - 1] <= ' ')
		item = span_head(item, item.len - 1);
	return item;
}

static bool list_has(struct span list, const struct gtid *wanted)
{
	struct gtid have;

	while (list.len > 0) {
		if (gtid_parse(next_item(&list), &have) &&
		    span_equal(have.source, wanted->source) && have.number >= wanted->number)
			return true;
	}
	return false;
}

bool position_reached(const char *reached, const char *wanted)
{
	struct span list = span_of(wanted);
	struct gtid each;

	if (strcmp(reached, wanted) == 0)
		return true;
	while (list.len > 0) {
		if (!gtid_parse(next_item(&list), &each) || !list_has(span_of(reached), &each))
			return false;
	}
	return true;
}

static bool append(char *out, size_t *len, struct span item)
{
	if (*len + (*len > 0) + item.len >= POSITION_MAX)
		return false;
	if (*len > 0)
		out[(*len)++] = ',';
	memcpy(out + *len, item.data, item.len);
	*len += item.len;
	out[*len] = '\0';
	return true;
}

/* Those items of <list> that <other> has not, nor anything later of their source. */
static bool append_missing(char *out, size_t *len, struct span list, struct span other)
{
	struct gtid each;

	while (list.len > 0) {
		struct span item = next_item(&list);

		if (!gtid_parse(item, &each))
			return false;
		if (!list_has(other, &each) && !append(out, len, item))
			return false;
	}
	return true;
}

bool position_advance(char position[POSITION_MAX], const char *other)
{
	char merged[POSITION_MAX] = "";
	size_t len = 0;

	if (position_reached(position, other))
		return true;
	if (!append_missing(merged, &len, span_of(position), span_of(other)) ||
	    !append_missing(merged, &len, span_of(other), span_of(merged)))
		return false;
	memcpy(position, merged, len + 1);
	return true;
}

/* --- MySQL's sets ---------------------------------------------------------------------- */

/* first[-last]; what follows it stays in <rest>. */
static bool take_interval(struct span *rest, uint64_t *first, uint64_t *last)
{
	size_t len = up_to(*rest, ':');
	struct span item = span_head(*rest, len);
	size_t split = up_to(item, '-');

	*rest = span_from(*rest, len < rest->len ? len + 1 : len);
	if (!span_to_u64(span_head(item, split), first))
		return false;		/* a tag */
	*last = *first;
	return split == item.len || span_to_u64(span_from(item, split + 1), last);
}

/* What stands behind "source:" in <item>; empty when it is of another source. */
static struct span of_source(struct span item, const char *source)
{
	size_t len = strlen(source);

	if (len == 0 || !span_starts_nocase(item, source) || item.len <= len ||
	    item.data[len] != ':')
		return SPAN_NONE;
	return span_from(item, len + 1);
}

static void write_gtid(char out[POSITION_MAX], const char *source, uint64_t number)
{
	out[0] = '\0';
	if (number > 0)
		(void)snprintf(out, POSITION_MAX, "%.64s:%llu", source, (unsigned long long)number);
}

void position_of_source(struct span executed, const char *source, char low[POSITION_MAX],
			char high[POSITION_MAX])
{
	uint64_t first, last, whole = 0, most = 0;

	while (executed.len > 0) {
		struct span item = of_source(next_item(&executed), source);

		while (item.len > 0 && take_interval(&item, &first, &last)) {
			if (first <= whole + 1 && last > whole)
				whole = last;
			if (last > most)
				most = last;
		}
	}
	write_gtid(low, source, whole);
	write_gtid(high, source, most);
}

/* "6#12", and what may stand behind it at once: the next source. */
static bool owned_number(struct span field, uint64_t *number)
{
	size_t hash = up_to(field, '#');

	return hash < field.len && span_to_u64(span_head(field, hash), number);
}

/* Servers put nothing between one source's GTIDs and the next source (seen on 9.7). */
static struct span next_source(struct span field)
{
	while (field.len > 0 && (field.data[field.len - 1] <= ' ' || field.data[field.len - 1] == ','))
		field = span_head(field, field.len - 1);
	if (field.len < UUID_LEN || up_to(field, '-') == field.len)
		return SPAN_NONE;
	return span_from(field, field.len - UUID_LEN);
}

bool position_add_owned(struct span owned, const char *source, char high[POSITION_MAX])
{
	struct gtid last;
	uint64_t most = gtid_parse(span_of(high), &last) ? last.number : 0, number;
	bool any = false, its = false;

	while (owned.len > 0) {
		struct span field = span_head(owned, up_to(owned, ':')), next = next_source(field);

		owned = span_from(owned, size_min(field.len + 1, owned.len));
		if (its && owned_number(field, &number)) {
			any = true;
			most = number > most ? number : most;
		} else if (next.len == 0) {
			its = false;		/* a tag: others count what follows */
		}
		if (next.len > 0)
			its = span_is_nocase(next, source);
	}
	write_gtid(high, source, most);
	return any;
}

bool position_is_in_log(const char *position)
{
	return has_dot(span_of(position));
}

void position_in_log(const char *position, struct span *file, struct span *offset)
{
	size_t colon = strcspn(position, ":");

	*file = span_head(span_of(position), colon);
	*offset = span_from(span_of(position), colon + 1);
}

bool position_is_wellformed(struct span text)
{
	struct gtid each;

	if (text.len >= POSITION_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (!(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
		    c != '-' && c != '_' && c != '.' && c != ':' && c != ',')
			return false;
	}
	while (text.len > 0) {
		if (!gtid_parse(next_item(&text), &each))
			return false;
	}
	return true;
}
