/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line and start-up. */
#include <readmux/base/common.h>

int main(void)
{
	return 0;
}
