# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things are, and how commands are run, for the tests of what is delivered."""

import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BINARY = os.path.abspath(os.environ.get("READMUX_BIN") or os.path.join(TOP, "build/readmux"))
BUILD = os.path.dirname(BINARY)


def path(*parts):
    return os.path.join(TOP, *parts)


def environment(**more):
    """This one's, without what readmux would take for misspelt settings."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("READMUX_")}
    return {**outer, "LC_ALL": "C.UTF-8", **more}


def run(*command, seconds=30, **options):
    """The finished process; fails, with all that it has printed, where it did."""
    done = attempt(*command, seconds=seconds, **options)
    assert done.returncode == 0, \
        f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done


def attempt(*command, seconds=30, **options):
    """The finished process, however it ended."""
    options = {"env": environment(), **options}
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, **options)
