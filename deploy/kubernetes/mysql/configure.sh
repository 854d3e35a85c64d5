#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Init container: the option files of this pod, by its ordinal.
set -euo pipefail
ordinal=${POD_NAME##*-}

role=replica
[ "$ordinal" != 0 ] || role=primary
cp "/scripts/$role.cnf" /etc/mysql/conf.d/role.cnf

# 0 would mean "none".
printf '[mysqld]\nserver-id = %d\n' $((100 + ordinal)) > /etc/mysql/conf.d/server-id.cnf
