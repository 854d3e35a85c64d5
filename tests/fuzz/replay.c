/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over its stored corpus, so that every past crash stays a
 * test of `make check` with any compiler.  Each file is handed over in a heap
 * block of exactly its size: reading past the end is seen by ASan.
 */
#include <readmux/base/common.h>

#include <dirent.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	bool whole;

	if (f == NULL)
		return false;
	if (fstat(fileno(f), &st) != 0) {
		(void)fclose(f);
		return false;
	}
	data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
	whole = data != NULL &&
		fread(data, 1, (size_t)st.st_size, f) == (size_t)st.st_size;
	(void)fclose(f);
	if (whole)
		(void)LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	free(data);
	return whole;
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	const char *name = strrchr(argv[0], '/');
	char folder[4096], path[8192];
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir;

	name = name != NULL ? name + 1 : argv[0];
	if (argc > 1)
		(void)snprintf(folder, sizeof(folder), "%s", argv[1]);
	else
		(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
			       top != NULL ? top : ".", name);
	dir = opendir(folder);
	if (dir == NULL) {
		(void)fprintf(stderr, "%s: no corpus at %s\n", name, folder);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (!replay(path)) {
			(void)fprintf(stderr, "%s: cannot read %s\n", name, path);
			(void)closedir(dir);
			return 1;
		}
		count++;
	}
	(void)closedir(dir);
	(void)printf("%s: %u inputs replayed\n", name, count);
	return count > 0 ? 0 : 1;
}
