/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a StatefulSet's names are in DNS; see discovery.h. */
#include <readmux/control/discovery.h>

#define DEFAULT_DOMAIN "cluster.local"

struct place {
	char namespace[64];
	char domain[254];
};

/* The one word in the file <path>, when there is such a file. */
static void from_file(const char *path, char *namespace, size_t room)
{
	FILE *f = fopen(path, "re");
	char line[256] = "";

	if (f == NULL)
		return;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	(void)fclose(f);
	line[strcspn(line, " \t\r\n")] = '\0';
	if (line[0] != '\0')
		(void)snprintf(namespace, room, "%s", line);
}

/* "shop.svc.cluster.local": a namespace and a cluster's domain. */
static bool split_domain(struct span name, struct place *place)
{
	static const struct span marker = SPAN_LITERAL(".svc.");
	const uint8_t *at = memmem(name.data, name.len, marker.data, marker.len);
	struct span namespace, domain;

	if (at == NULL)
		return false;
	namespace = (struct span){ name.data, (size_t)(at - name.data) };
	domain = span_from(name, namespace.len + marker.len);
	if (domain.len > 0 && domain.data[domain.len - 1] == '.')
		domain.len--;
	if (namespace.len == 0 || namespace.len >= sizeof(place->namespace) ||
	    memchr(namespace.data, '.', namespace.len) != NULL ||
	    domain.len == 0 || domain.len >= sizeof(place->domain))
		return false;
	(void)span_copy(namespace, place->namespace, sizeof(place->namespace));
	(void)span_copy(domain, place->domain, sizeof(place->domain));
	return true;
}

/* The first such name in the line "search NAME ..."; true when there is one. */
static bool split_search(const char *line, struct place *place)
{
	static const char blank[] = " \t\r\n";

	if (strncmp(line, "search", 6) != 0 || (line[6] != ' ' && line[6] != '\t'))
		return false;
	for (line += 6; *line != '\0'; line += strspn(line, blank)) {
		struct span name = { (const uint8_t *)line, strcspn(line, blank) };

		if (split_domain(name, place))
			return true;
		line += name.len;
	}
	return false;
}

/* What a pod's resolv.conf says of its own place. */
static bool from_search_list(const char *path, struct place *place)
{
	FILE *f = fopen(path, "re");
	char line[2048];
	bool found = false;

	if (f == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL)
		found |= split_search(line, place);
	(void)fclose(f);
	return found;
}

void discovery_suffix(const struct settings *s, const char *namespace_file,
		      const char *resolv_conf, char *out, size_t room)
{
	struct place place = { .domain = DEFAULT_DOMAIN };
	struct span domain;

	(void)from_search_list(resolv_conf, &place);
	from_file(namespace_file, place.namespace, sizeof(place.namespace));
	if (s->namespace[0] != '\0')
		(void)snprintf(place.namespace, sizeof(place.namespace), "%s",
			       s->namespace);
	domain = span_of(s->domain[0] != '\0' ? s->domain : place.domain);
	if (domain.data[domain.len - 1] == '.')
		domain.len--;
	if (place.namespace[0] != '\0')
		(void)snprintf(out, room, ".%s.%s.svc.%.*s.", s->service, place.namespace,
			       (int)domain.len, (const char *)domain.data);
	else	/* no cluster in sight: names that somebody has put into DNS as they are */
		(void)snprintf(out, room, ".%s.", s->service);
}
