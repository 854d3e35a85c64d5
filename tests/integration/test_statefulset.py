# SPDX-License-Identifier: GPL-2.0-or-later
"""
The tutorial "Run a Replicated Stateful Application", step by step, with readmux before the
StatefulSet and without any configuration: pods as network namespaces (tests/pods), for
MariaDB and MySQL, with GTIDs and without.
"""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import KINDS, combinations
from readmux import BINARY, TOP, close, rows

# The readiness probe fails three times, two seconds apart, and takes up to a second; then
# the TTL of five seconds; then a second is looked at; the rest is for a loaded machine.
OUT_OF_DNS_SECONDS = 3 * 2 + 1 + 5 + 1 + 10
BACK_SECONDS = 30


@pytest.fixture(scope="module", params=combinations(
    *[(kind, gtid) for kind in KINDS for gtid in (True, False)]))
def combination(request):
    return request.param


@pytest.fixture
def background():
    """background(function, *arguments): a future."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def as_root(proxy):
    """As the tutorial's clients log in."""
    return proxy.connect("root", "", autocommit=True)


def messages(connection):
    return [row[0] for row in rows(connection,
                                   "SELECT message FROM test.messages ORDER BY message")]


def write_later(connection, background, message):
    """A write that is sent now: a future of the seconds that its answer took."""
    def write():
        begun = time.monotonic()
        rows(connection, "INSERT INTO test.messages VALUES (%s)", message)
        seconds = time.monotonic() - begun
        seen = messages(connection)
        close(connection)
        assert message in seen
        return seconds

    return background(write)


@pytest.mark.timeout(300)
def test_tutorial(pods, proxy, loop, background):
    session = as_root(proxy)

    # "Sending client traffic": write to the primary, read anywhere
    rows(session, "CREATE DATABASE test")
    rows(session, "CREATE TABLE test.messages (message VARCHAR(250) PRIMARY KEY)")
    rows(session, "INSERT INTO test.messages VALUES ('hello')")
    assert messages(session) == ["hello"]
    pods.wait_caught_up()
    assert all(replica.sql("SELECT message FROM test.messages") == (("hello",),)
               for replica in pods.replicas)

    # the loop shows the replicas; the primary is spared while there are any
    loop.wait_only({101, 102}, BACK_SECONDS)

    # "Break the Readiness probe": not ready, although the server answers
    pods.servers[2].unready()
    loop.wait_only({101}, OUT_OF_DNS_SECONDS)
    assert pods.servers[2].sql("SELECT 1") == ((1,),)
    pods.servers[2].unbreak()
    loop.wait_only({101, 102}, BACK_SECONDS)

    # "Delete Pods": made anew, at another address
    was = pods.servers[2].address
    pods.servers[2].delete()
    loop.wait_only({101}, BACK_SECONDS)
    pods.servers[2].wait_pod_ready()
    assert pods.servers[2].address != was
    loop.wait_only({101, 102}, BACK_SECONDS)

    # "Drain a Node": away for long, and back elsewhere
    was = pods.servers[2].address
    pods.servers[2].delete(stay_away=True)
    loop.wait_only({101}, BACK_SECONDS)
    rows(session, "INSERT INTO test.messages VALUES ('while mysql-2 was away')")
    loop.wait_answers(100)
    pods.servers[2].create()
    loop.wait_only({101, 102}, BACK_SECONDS)
    assert pods.servers[2].address != was

    # "Scaling the number of replicas": new ones have the data of before
    pods.scale(5)
    loop.wait_only({101, 102, 103, 104}, BACK_SECONDS)
    for name in ("mysql-3", "mysql-4"):
        seen = rows(session, f"/* readmux: backend={name} */"
                             "SELECT @@hostname, COUNT(*) FROM test.messages")
        assert seen == ((name, 2),)
    pods.scale(3)
    loop.wait_only({101, 102}, OUT_OF_DNS_SECONDS)

    # the primary goes and returns: reads go on, writes wait
    writer = as_root(proxy)
    pods.primary.delete()
    write = write_later(writer, background, "while mysql-0 was away")
    loop.wait_answers(20)
    pods.primary.wait_pod_ready()
    assert write.result(20) > 0.5
    pods.wait_caught_up()               # it was another session's write
    assert messages(session) == ["hello", "while mysql-0 was away",
                                 "while mysql-2 was away"]
    close(session)


def tool(*words):
    return subprocess.run([f"{TOP}/tests/statefulset", "--name", "test", *words],
                          capture_output=True, text=True, timeout=60)


@pytest.mark.timeout(120)
def test_tool(namespaces):
    """tests/statefulset, for people."""
    try:
        begun = tool("up", "--readmux", BINARY)
        assert begun.returncode == 0, begun.stderr
        assert tool("up").returncode == 1
        asked = tool("mysql", "--batch", "--skip-column-names", "-e", "SELECT @@hostname")
        assert asked.stdout.strip() in ("mysql-1", "mysql-2"), asked.stderr
        for event, shown in (("freeze", "frozen"), ("thaw", "ready"), ("cut", "cut off"),
                             ("mend", "ready"), ("unready", "probe broken"),
                             ("ready", "ready"), ("kill", "pending")):
            done = tool(event, "mysql-1")
            assert done.returncode == 0, done.stderr
            assert shown in done.stdout.splitlines()[1]
        assert "mysql-3" in tool("scale", "4").stdout
        assert tool("exec", "mysql-3", "hostname").stdout == "mysql-3\n"
        assert tool("kill", "mysql-9").returncode == 1
    finally:
        ended = tool("down")
    assert ended.returncode == 0, ended.stderr
    assert tool("status").returncode == 1
