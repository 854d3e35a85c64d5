# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGUSR2: a new process takes over the sockets, and no client is refused."""

import os
import re
import signal
import threading
import time

import pymysql
import pytest

from readmux import close, rows
from servers import wait_until


class Knocking:
    """New connections all the time, from several threads; what any of them has to say against it."""

    def __init__(self, process, threads=4):
        self.process, self.failures, self.answers, self.over = process, [], 0, False
        self.threads = [threading.Thread(target=self.knock) for _ in range(threads)]

    def knock(self):
        while not self.over:
            try:
                connection = self.process.connect()
                assert rows(connection, "SELECT 1") == ((1,),)
                connection.close()
                self.answers += 1
            except Exception as error:      # pylint: disable=broad-except
                self.failures.append(error)

    def __enter__(self):
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for each in self.threads:
            each.join()

    def more(self, number=50):
        wanted = self.answers + number
        wait_until(lambda: self.answers >= wanted or self.failures, "more answers", 30)
        assert not self.failures


def successor_of(process):
    """The process id of the new one, once it serves."""
    wait_until(lambda: "event=\"handed over\"" in process.log_text(), "the hand-over", 60)
    return int(re.findall(r'event="handed over" successor=(\d+)', process.log_text())[-1])


def is_alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.fixture
def proxy(start_readmux):
    """One whose successors end with the test."""
    process = start_readmux(admin={"token": "t"})
    yield process
    for pid in re.findall(r'event="handed over" successor=(\d+)', process.log_text()):
        if is_alive(int(pid)):
            os.kill(int(pid), signal.SIGTERM)
            wait_until(lambda pid=pid: not is_alive(int(pid)), "the successor is gone", 40)


def test_nobody_is_refused(proxy):
    session = proxy.connect()
    rows(session, "SET @mine = 5")
    busy = proxy.connect()
    rows(busy, "BEGIN")
    with Knocking(proxy) as knocking:
        knocking.more()
        os.kill(proxy.pid, signal.SIGUSR2)
        first = successor_of(proxy)
        knocking.more()
        os.kill(first, signal.SIGUSR2)      # and once more
        wait_until(lambda: proxy.log_text().count('event="handed over"') == 2, "the second", 60)
        knocking.more()
    assert not knocking.failures
    assert proxy.status()["pid"] == successor_of(proxy) != first
    # sessions of the old process go on
    assert rows(session, "SELECT @mine") == ((5,),)
    rows(busy, "COMMIT")
    assert is_alive(proxy.pid)
    close(session)
    close(busy)
    assert proxy.process.wait(30) == 0
    wait_until(lambda: not is_alive(first), "the first successor has no session left", 30)
    close(proxy.connect())


def test_the_old_sessions_have_their_time(start_readmux):
    process = start_readmux(drain={"handover": "1s", "timeout": "10s"})
    idle = process.connect()
    rows(idle, "SELECT 1")
    os.kill(process.pid, signal.SIGUSR2)
    successor = successor_of(process)
    assert process.process.wait(30) == 0
    with pytest.raises(pymysql.err.MySQLError):
        rows(idle, "SELECT 1")
    os.kill(successor, signal.SIGTERM)
    wait_until(lambda: not is_alive(successor), "the successor is gone", 40)


def test_a_successor_that_fails_changes_nothing(proxy):
    with open(proxy.config) as config:
        good = config.read()
    with open(proxy.config, "w") as config:
        config.write("listen: nonsense\n")
    with Knocking(proxy, 2) as knocking:
        knocking.more(10)
        os.kill(proxy.pid, signal.SIGUSR2)
        wait_until(lambda: "hand-over failed" in proxy.log_text(), "the refusal", 30)
        knocking.more(10)
    assert "ended with status 1" in proxy.log_text() and proxy.alive()
    assert proxy.status()["pid"] == proxy.pid
    assert any(each["event"] == "hand-over failed" for each in proxy.status()["events"])
    with open(proxy.config, "w") as config:
        config.write(good)
    os.kill(proxy.pid, signal.SIGUSR2)
    successor = successor_of(proxy)
    assert proxy.process.wait(30) == 0
    close(proxy.connect())
    assert proxy.status()["pid"] == successor


def test_a_setting_that_needs_a_restart(proxy):
    assert proxy.status()["workers"] == 2
    proxy.settings["workers"] = 1
    proxy.command()
    os.kill(proxy.pid, signal.SIGUSR2)
    successor_of(proxy)
    assert proxy.process.wait(30) == 0
    assert proxy.status()["workers"] == 1


def test_only_one_at_a_time(proxy):
    """A second signal while the new process starts is answered with words."""
    os.kill(proxy.pid, signal.SIGUSR2)
    time.sleep(0)
    wait_until(lambda: 'event="handing over"' in proxy.log_text(), "the start", 10)
    os.kill(proxy.pid, signal.SIGUSR2)
    successor_of(proxy)
    assert proxy.process.wait(30) == 0
    assert proxy.log_text().count('event="handing over"') == 1
