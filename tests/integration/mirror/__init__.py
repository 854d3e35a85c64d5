# SPDX-License-Identifier: GPL-2.0-or-later
"""
The mirror: a script of statements is played at a server and through readmux, and the
packets of both are compared.  A line of scripts/*.sql is a statement, and so a case.
"""
