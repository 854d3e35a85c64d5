# SPDX-License-Identifier: GPL-2.0-or-later
"""
Containers by Debian's buildah, without a registry: what would be debian:bookworm-slim is made
by debootstrap, once, and kept with buildah's own storage in /var/cache/readmux/containers.
`python3 tests/deploy/container.py` tells why that cannot be had here, or nothing.
"""

import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tree import attempt, path, run

sys.path.insert(0, path("tests"))

from servers.kind import cache_directory  # noqa: E402

SUITE = "bookworm"
BASE = f"localhost/{SUITE}-slim:1"
BUILD_BASE = f"localhost/{SUITE}-build:1"


@functools.lru_cache(maxsize=None)
def why_not():
    """Why containers cannot be built on this machine; "" when they can."""
    if os.geteuid() != 0:
        return "not root"
    for program in ("buildah", "debootstrap"):
        if shutil.which(program) is None:
            return f"{program} is missing (.ci/install tests)"
    with tempfile.TemporaryDirectory() as directory:
        store = Store(directory)
        tried = attempt("unshare", "--mount", *store.words("from", "scratch"), seconds=60)
        if tried.returncode == 0:
            attempt(*store.words("rm", "--all"), seconds=60)
        return " ".join(tried.stderr.split())[-200:] if tried.returncode != 0 else ""


def mirror():
    """The first mirror that apt has here for Debian itself."""
    listed = attempt("apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN)").stdout
    found = re.search(r"^(\S+) Debian$", listed, re.M)
    return found[1] if found else "http://deb.debian.org/debian"


class Store:
    """buildah's images and containers in one directory."""

    def __init__(self, directory):
        self.directory = directory
        self.lock = None

    def words(self, *command):
        return ["buildah", "--storage-driver", "overlay",
                "--root", os.path.join(self.directory, "storage"),
                "--runroot", os.path.join(self.directory, "run"), *command]

    def buildah(self, *command, seconds=60):
        """What it prints; fails when it does."""
        return run(*self.words(*command), seconds=seconds).stdout.strip()

    def has(self, image):
        return attempt(*self.words("inspect", "--type", "image", image)).returncode == 0


def open_store():
    """The store that is kept, with BASE and BUILD_BASE in it; nobody else's until exit."""
    directory = os.path.join(cache_directory(), "containers")
    os.makedirs(directory, exist_ok=True)
    store = Store(directory)
    store.lock = open(os.path.join(directory, "lock"), "w")
    fcntl.flock(store.lock, fcntl.LOCK_EX)
    store.buildah("rm", "--all")                # what an interrupted run has left
    store.buildah("rmi", "--prune")
    if not store.has(BASE):
        _make_base(store)
    if not store.has(BUILD_BASE):
        _make_build_base(store)
    return store


def _make_base(store):
    with tempfile.TemporaryDirectory(dir=store.directory) as directory:
        tree = os.path.join(directory, "tree")
        run("debootstrap", "--variant=minbase", SUITE, tree, mirror(), seconds=600)
        shutil.rmtree(os.path.join(tree, "var/cache/apt"))
        container = store.buildah("from", "scratch")
        store.buildah("add", container, tree, "/", seconds=300)
        store.buildah("commit", "--rm", container, BASE, seconds=300)


def _make_build_base(store):
    container = store.buildah("from", BASE)
    for name in ("install", "packages"):
        store.buildah("copy", container, path(".ci", name), f"/src/.ci/{name}")
    store.buildah("run", "--isolation", "chroot", container, "--",
                  "/src/.ci/install", "build", "package", seconds=600)
    store.buildah("commit", "--rm", container, BUILD_BASE, seconds=300)


if __name__ == "__main__":
    print(why_not())
