/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both bench programs do with their command line and their sockets. */
#ifndef READMUX_BENCH_OPTIONS_H
#define READMUX_BENCH_OPTIONS_H

#include <readmux/base/common.h>

#include <netinet/in.h>

/* Print the message, with errno's text when <error> is not 0, and exit(1). */
__attribute__((noreturn, format(printf, 2, 3)))
void bench_die(int error, const char *format, ...);

/* Value of option --<name>; exits with a message unless min <= value <= max. */
uint64_t option_number(const char *name, const char *text, uint64_t min, uint64_t max);

/* The same for a number with a fraction. */
double option_decimal(const char *name, const char *text, double min, double max);

/* IPv4 <host> and <port> as a socket address; exits when <host> is not one. */
struct sockaddr_in option_address(const char *host, uint16_t port);

/* Allow as many open files as the system lets this process have. */
void bench_raise_files(void);

/* Set by SIGINT and SIGTERM once bench_catch_signals() was called. */
bool bench_stopped(void);
void bench_catch_signals(void);

/* Monotonic nanoseconds. */
uint64_t bench_now_ns(void);

#endif
