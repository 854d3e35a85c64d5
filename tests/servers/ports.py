# SPDX-License-Identifier: GPL-2.0-or-later
"""
Loopback ports that stay ours.

A server that was killed must get its port back, so ports come from below the
range that the kernel gives to outgoing connections, and each is held by a lock
file until this process ends, also while nothing listens on it.
"""

import fcntl
import os
import random
import socket
import tempfile

FIRST, LAST = 20000, 32000      # net.ipv4.ip_local_port_range starts at 32768

_locks = []                     # open files: closing one gives its port away


def _lock(port):
    directory = os.path.join(tempfile.gettempdir(), "readmux-ports")
    os.makedirs(directory, mode=0o1777, exist_ok=True)
    lock = open(os.path.join(directory, str(port)), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def take_port():
    """A port on 127.0.0.1 that nobody else gets while this process lives."""
    start = random.randrange(FIRST, LAST)
    for step in range(LAST - FIRST):
        port = FIRST + (start - FIRST + step) % (LAST - FIRST)
        lock = _lock(port)
        if lock is None:
            continue
        if _is_free(port):
            _locks.append(lock)
            return port
        lock.close()
    raise RuntimeError(f"no free port between {FIRST} and {LAST}")
