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
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets atoi atol strtok
#pragma GCC poison localtime gmtime asctime ctime
#endif
