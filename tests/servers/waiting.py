# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for a condition, with a limit that says what was waited for."""

import time


class TimedOut(AssertionError):
    """What was waited for did not happen in time."""


def wait_until(condition, what, seconds=10.0, every=0.02):
    """
    The first true value of condition(); TimedOut says <what> did not happen: words, or a
    function that finds them then.
    """
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            words = what() if callable(what) else what
            raise TimedOut(f"not within {seconds:g} s: {words}")
        time.sleep(every)
