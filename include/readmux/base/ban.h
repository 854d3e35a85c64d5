/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forced on every file with -include: after this point the compiler refuses
 * the functions that cannot be used safely.
 */
#ifndef READMUX_BASE_BAN_H
#define READMUX_BASE_BAN_H
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#if defined(__GNUC__) && !defined(__clang__)
/*
 * A warning, and so an error in CI: poison would also hit macros of libraries'
 * headers.  gcc alone, because glibc makes some of these macros for clang.
 */
#define RMX_BANNED __attribute__((deprecated("banned by base/ban.h")))

char *strcpy(char *to, const char *from) RMX_BANNED;
char *strcat(char *to, const char *from) RMX_BANNED;
char *strncpy(char *to, const char *from, size_t n) RMX_BANNED;
char *strncat(char *to, const char *from, size_t n) RMX_BANNED;
char *strtok(char *text, const char *delimiters) RMX_BANNED;
int sprintf(char *to, const char *format, ...) RMX_BANNED;
int atoi(const char *text) RMX_BANNED;
long atol(const char *text) RMX_BANNED;
struct tm *localtime(const time_t *t) RMX_BANNED;
struct tm *gmtime(const time_t *t) RMX_BANNED;
char *asctime(const struct tm *tm) RMX_BANNED;
char *ctime(const time_t *t) RMX_BANNED;
#endif
#endif
