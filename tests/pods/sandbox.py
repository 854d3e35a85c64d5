# SPDX-License-Identifier: GPL-2.0-or-later
"""
The namespaces of one pod: network, host name and mounts of its own.

They are held by a process that does nothing, as Kubernetes' pause container does.  It
dies with the process that made it, and the namespaces with it: nothing has to be cleaned
up, and instances side by side cannot meet.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess

import pymysql

from servers.server import launch

CLONE_NEWNET = 0x40000000               # <sched.h>
CANNOT_CONNECT = 2003

# $1 host name, $2 resolv.conf or "".  The Kubernetes namespace is where a service account
# has it; /run is hidden, so that nothing is written outside.
PAUSE = """
set -e
hostname "$1"
mount -t tmpfs pod /run
account=/run/secrets/kubernetes.io/serviceaccount
mkdir -p $account && printf default > $account/namespace
if [ -n "$2" ]; then
    target=$(readlink -m /etc/resolv.conf)
    mkdir -p "$(dirname "$target")"
    [ -e "$target" ] || : > "$target"
    mount --bind "$2" "$target"
fi
echo ready
exec sleep infinity
"""

_libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why pods cannot be had on this machine; "" when they can."""
    for program in ("ip", "nsenter", "unshare", "knotd"):
        if shutil.which(program) is None:
            return f"{program} is missing (.ci/install tests)"
    tried = subprocess.run(["unshare", "--net", "--uts", "--mount", "mount", "-t", "tmpfs",
                            "pod", "/run"], capture_output=True, text=True)
    return tried.stderr.strip()


def _join(namespace):
    if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Sandbox:
    def __init__(self, hostname, resolv_conf=""):
        self.hostname = hostname
        self._pause = launch(["unshare", "--net", "--uts", "--mount", "sh", "-c", PAUSE,
                              "pause", hostname, resolv_conf],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = self._pause.stdout.readline().strip()
        if said != "ready":
            self.remove()
            raise RuntimeError(f"no namespaces for {hostname}: {said}")

    @property
    def pid(self):
        return self._pause.pid

    def prefix(self):
        """Words before a command that is to run inside."""
        return ["nsenter", "--target", str(self.pid), "--net", "--uts", "--mount", "--"]

    def ip(self, *commands):
        """Run commands of ip(8) inside."""
        done = subprocess.run([*self.prefix(), "ip", "-batch", "-"], text=True,
                              input="\n".join(commands), capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"{self.hostname}: {done.stderr.strip()}: {commands}")

    def run(self, *command):
        subprocess.run([*self.prefix(), *command], check=True)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread, and only it, is inside: its new sockets belong there."""
        with open("/proc/thread-self/ns/net") as home, \
                open(f"/proc/{self.pid}/ns/net") as inside:
            _join(inside)
            try:
                yield
            finally:
                _join(home)

    def connect(self, address, port, timeout=None):
        """A TCP connection from inside to <address>."""
        with self.entered():
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect((address, port))
            return connection
        except BaseException:
            connection.close()
            raise

    def mysql(self, address, port, **options):
        """A PyMySQL connection from inside; fails as PyMySQL's own do."""
        options = {"connect_timeout": 10, "read_timeout": 60, **options}
        connection = pymysql.connect(defer_connect=True, **options)
        try:
            connection.connect(self.connect(address, port, options["connect_timeout"]))
        except OSError as why:
            raise pymysql.err.OperationalError(CANNOT_CONNECT, str(why)) from why
        return connection

    def remove(self):
        """The namespaces go when the last process inside has ended too."""
        self._pause.kill()
        self._pause.wait()
        self._pause.stdout.close()
