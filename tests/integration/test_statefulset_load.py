# SPDX-License-Identifier: GPL-2.0-or-later
"""
Load on a StatefulSet whose pods are killed, frozen, cut off or restarted every few seconds,
with checkers that keep their own books (tests/pods/books.py) and sysbench beside them.

READMUX_LOAD_SECONDS=600 makes each test take that long, READMUX_LOAD_SEED another course of
events than the usual.
"""

import os
import random
import re
import subprocess
import time

import pytest

from conftest import KINDS, combinations
from pods.books import Books
from servers import APP
from servers.server import launch

SECONDS = int(os.environ.get("READMUX_LOAD_SECONDS", "10"))
SEED = int(os.environ.get("READMUX_LOAD_SEED", "1"))
SESSIONS = 16
EVENTS = ("kill", "crash", "restart", "delete", "freeze", "cut")
LASTING = ("freeze", "cut")             # until they are healed
HEALED_AFTER_SECONDS = 3
# One with GTIDs and one without of each kind is what ./check has time for.
COMBINATIONS = [("mariadb", True), ("mysql", False)] if SECONDS < 60 else \
    [(kind, gtid) for kind in KINDS for gtid in (True, False)]


@pytest.fixture(scope="module", params=combinations(*COMBINATIONS))
def combination(request):
    return request.param


class Sysbench:
    """Reads outside transactions, in the client's pod; any error ends it."""

    def __init__(self, pods, proxy, mode, seconds):
        self.command = [*pods.client.prefix(), "sysbench", "--db-driver=mysql",
                        f"--mysql-host={proxy.sandbox.address}", "--mysql-port=3306",
                        f"--mysql-user={APP.name}", f"--mysql-password={APP.password}",
                        "--mysql-db=app", "--tables=1", "--table-size=1000", "--threads=8",
                        "--skip-trx=on", "--rate=200", f"--time={seconds}",
                        f"--db-ps-mode={mode}", "oltp_read_only"]

    def prepare(self):
        subprocess.run([*self.command, "cleanup"], capture_output=True, timeout=60)
        subprocess.run([*self.command, "prepare"], check=True, capture_output=True,
                       timeout=60)

    def begin(self):
        self.process = launch([*self.command, "run"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    def end(self, seconds=90):
        """Its complaints."""
        printed, _ = self.process.communicate(timeout=seconds)
        if self.process.returncode == 0 and re.search(r"reconnects: +0 ", printed):
            return []
        return [("sysbench", printed[-1500:])]


def trouble(pods, pick, deadline):
    """One event after the other, each healed before the next; yields what was done."""
    while time.monotonic() < deadline:
        pod, event = pick.choice(pods.servers), pick.choice(EVENTS)
        yield f"{time.strftime('%H:%M:%S')} {event} {pod.name}"
        getattr(pod, event)()
        if event in LASTING:
            time.sleep(HEALED_AFTER_SECONDS)
        pods.heal()
        time.sleep(pick.uniform(0.2, 1.5))


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("mode", ["auto", "disable"], ids=["prepared", "text"])
def test_load(pods, proxy, mode):
    Books.prepare(pods.primary)
    sysbench = Sysbench(pods, proxy, mode, SECONDS)
    sysbench.prepare()
    pods.wait_caught_up()
    books = Books(lambda: proxy.connect(autocommit=True), SESSIONS)
    books.begin()
    sysbench.begin()
    events = []
    try:
        for event in trouble(pods, random.Random(f"{SEED} {mode}"),
                             time.monotonic() + SECONDS):
            events.append(event)
    finally:
        books.end()
        complaints = sysbench.end()
    pods.heal()
    for pod in pods.servers:
        books.check(pod)
    print(f"events {len(events)}; {books.report()}")
    proxy.check_alive()
    problems = books.problems() + complaints
    assert not problems, "\n".join(
        [f"{kind}: {words}" for kind, words in problems[:20]] + events + [books.report()])
    assert books.counts()["reads"] > 0 and books.counts()["writes"] > 0
