# SPDX-License-Identifier: GPL-2.0-or-later
"""
A directory that lives as long as the process that made it.

Its lock is held while the process lives.  Whoever makes a workspace removes
those whose lock nobody holds, so a crashed run leaves nothing for long.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time

PREFIX = "readmux-run-"


class Workspace:
    def __init__(self):
        Workspace.sweep()
        self.path = tempfile.mkdtemp(prefix=PREFIX)
        self._lock = open(os.path.join(self.path, "lock"), "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def directory(self, name):
        """A new, empty directory inside."""
        path = os.path.join(self.path, name)
        os.makedirs(path)
        return path

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    @staticmethod
    def sweep():
        parent = tempfile.gettempdir()
        for name in os.listdir(parent):
            path = os.path.join(parent, name)
            if name.startswith(PREFIX) and _abandoned(path):
                shutil.rmtree(path, ignore_errors=True)


def _abandoned(path):
    try:
        with open(os.path.join(path, "lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _is_old(lock.name)   # else about to be locked by who made it
    except FileNotFoundError:   # just being made, its removal was cut short, or it is done
        return _is_old(path)
    except OSError:             # held, or not ours
        return False


def _is_old(path):
    with contextlib.suppress(FileNotFoundError):
        return time.time() - os.path.getmtime(path) > 60
    return False
