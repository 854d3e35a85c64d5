/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status page, as the build has put it into the program.
 */
#ifndef READMUX_SRC_CONTROL_PAGE_H
#define READMUX_SRC_CONTROL_PAGE_H

#include <readmux/base/span.h>

/* src/control/page/status.html */
extern const unsigned char page_status_html[];
extern const size_t page_status_html_len;

#endif
