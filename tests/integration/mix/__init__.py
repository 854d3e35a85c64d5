# SPDX-License-Identifier: GPL-2.0-or-later
"""
The mix: many sessions do at random what sessions do, and each compares every answer
with a model of its own state.  client.py speaks, session.py knows, play.py lets them run.
"""
