/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See options.h. */
#include "options.h"

#include <readmux/base/span.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>

static volatile sig_atomic_t stopped;

void bench_die(int error, const char *format, ...)
{
	va_list ap;

	(void)fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	if (error != 0)
		(void)fprintf(stderr, ": %s", strerror(error));
	(void)fputc('\n', stderr);
	exit(1);
}

uint64_t option_number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!span_to_u64(span_of(text), &value) || value < min || value > max)
		bench_die(0, "--%s wants a number from %llu to %llu, not '%s'", name,
			  (unsigned long long)min, (unsigned long long)max, text);
	return value;
}

double option_decimal(const char *name, const char *text, double min, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= min && value <= max))
		bench_die(0, "--%s wants a number from %g to %g, not '%s'", name, min, max,
			  text);
	return value;
}

struct sockaddr_in option_address(const char *host, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		bench_die(0, "'%s' is not an IPv4 address", host);
	return address;
}

void bench_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		(void)fprintf(stderr, "%s: the limit of open files stays as it was\n",
			      program_invocation_short_name);
}

static void note_signal(int number RMX_UNUSED)
{
	stopped = 1;
}

bool bench_stopped(void)
{
	return stopped != 0;
}

void bench_catch_signals(void)
{
	struct sigaction action = { .sa_handler = note_signal };

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

uint64_t bench_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
