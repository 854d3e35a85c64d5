# SPDX-License-Identifier: GPL-2.0-or-later
"""
What readmux answers differently today and should not: script, line, kinds, why.

Nothing else is forgiven, and an entry that is right again fails the test.
"""

KNOWN = (
)
