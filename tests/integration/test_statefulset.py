# SPDX-License-Identifier: GPL-2.0-or-later
"""
The tutorial "Run a Replicated Stateful Application", step by step, with readmux before the
StatefulSet and without any configuration: pods as network namespaces (tests/pods), for
MariaDB and MySQL, with GTIDs and without.
"""

import itertools
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from pods import READ, ProxyPod, StatefulSet
from pods.loop import Loop
from readmux import BINARY, TOP, at_primary, close, one, rows
from servers import wait_until

# The readiness probe fails three times, two seconds apart, and takes up to a second; then
# the TTL of five seconds; then a second is looked at; the rest is for a loaded machine.
OUT_OF_DNS_SECONDS = 3 * 2 + 1 + 5 + 1 + 10
BACK_SECONDS = 30
SLOW_START_SECONDS = 10
READ_ONLY = 1290
NOT_USABLE = 1105

_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=[True, False], ids=["gtid", "without-gtid"])
def gtid(request):
    return request.param


@pytest.fixture(scope="module")
def pods(kind, gtid, namespaces):
    with StatefulSet(kind, gtid=gtid) as pods:
        yield pods


@pytest.fixture(scope="module")
def module_proxy(pods):
    """readmux as it is without configuration."""
    proxy = ProxyPod(pods)
    try:
        proxy.start()
        proxy.sees_all(pods)
        yield proxy
    except BaseException:
        proxy.kill()
        raise
    proxy.stop()


@pytest.fixture
def proxy(pods, module_proxy):
    """The pods and readmux are well before each test."""
    pods.heal()
    module_proxy.sees_all(pods, BACK_SECONDS)
    yield module_proxy
    module_proxy.check_alive()


@pytest.fixture
def loop(proxy):
    with Loop(proxy.connect) as loop:
        yield loop
        loop.check()


@pytest.fixture
def table(pods, proxy):
    """The name of a new table (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))."""
    name = f"app.t{next(_numbers)}"
    pods.primary.sql(
        f"CREATE TABLE {name} (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))")
    pods.wait_caught_up()
    return name


@pytest.fixture
def background():
    """background(function, *arguments): a future."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def as_root(proxy):
    """As the tutorial's clients log in."""
    return proxy.connect("root", "", autocommit=True)


def messages(connection):
    return [row[0] for row in rows(connection, "SELECT message FROM test.messages ORDER BY 1")]


def write_while_away(proxy, background, message):
    """A write that is sent now, on a session that was there before."""
    connection = as_root(proxy)

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
    pods.primary.delete()
    write = write_while_away(proxy, background, "while mysql-0 was away")
    loop.wait_answers(20)
    pods.primary.wait_pod_ready()
    assert write.result(20) > 0.5
    assert messages(session) == ["hello", "while mysql-0 was away", "while mysql-2 was away"]
    close(session)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("event", ["kill", "crash", "restart", "delete", "freeze", "cut"])
def test_a_replica_fails(pods, proxy, loop, event):
    """Reads go on without it, at once, and with it once it is back."""
    loop.wait_only({101, 102}, BACK_SECONDS)
    replica = pods.servers[1]
    getattr(replica, event)()
    loop.wait_answers(20)
    if event in ("freeze", "cut"):
        loop.wait_only({102}, BACK_SECONDS)
        replica.heal()
    pods.heal()
    loop.wait_only({101, 102}, BACK_SECONDS)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("event", ["kill", "crash", "restart", "freeze", "cut"])
def test_the_primary_fails(pods, proxy, table, background, event):
    """Reads go on, a write waits, sessions stay."""
    session = proxy.connect(autocommit=True)
    rows(session, f"INSERT INTO {table} (v) VALUES ('before')")
    with Loop(proxy.connect, logins=event not in ("freeze", "cut")) as loop:
        getattr(pods.primary, event)()
        loop.wait_answers(20)
        if event in ("freeze", "cut"):
            loop.wait_answers(150)      # so long that it is noticed
        write = background(rows, session, f"INSERT INTO {table} (v) VALUES ('while away')")
        loop.wait_answers(20)
        pods.primary.heal()
        write.result(40)
        loop.check()
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 2
    close(session)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("event", ["freeze", "cut"])
@pytest.mark.xfail(strict=True, reason="a login that waits for the silent primary does so"
                                       " until login.timeout; its error's number is wrong")
def test_logins_while_the_primary_is_silent(pods, proxy, event):
    with Loop(proxy.connect) as loop:
        loop.wait_answers(20)
        getattr(pods.primary, event)()
        loop.wait_answers(20)


@pytest.mark.timeout(120)
@pytest.mark.xfail(strict=True, reason="a new server connection's identity is not checked")
def test_addresses_are_swapped(pods, proxy, loop):
    """
    Two pods come back at each other's address while DNS does not answer, so that readmux
    cannot know: neither is taken for the other.
    """
    first, second = pods.servers[1:3]
    session = proxy.connect()
    pods.dns.stop()
    first_address, second_address = first.address, second.address
    first.delete(stay_away=True)
    second.kill(address=first_address)
    first.create(address=second_address)

    def answers_to(name):
        """Who answers when <name> is asked for; None when it is not usable now."""
        try:
            return one(session, f"/* readmux: backend={name} */ SELECT @@hostname")
        except pymysql.err.OperationalError as why:
            assert why.args[0] == NOT_USABLE
            return None

    end = time.monotonic() + 4
    while time.monotonic() < end:
        for pod in (first, second):
            assert answers_to(pod.name) in (pod.name, None)
        time.sleep(0.01)
    pods.dns.start()
    for pod in (first, second):
        wait_until(lambda pod=pod: answers_to(pod.name) == pod.name,
                   f"{pod.name} under its name", BACK_SECONDS)
    loop.wait_only({101, 102}, BACK_SECONDS)
    close(session)


@pytest.mark.timeout(120)
def test_scaled_to_nothing_and_back(pods, proxy):
    """Sessions stay; a write waits for the primary's return."""
    session = proxy.connect(autocommit=True)
    assert one(session, "SELECT 1") == 1
    pods.scale(0)
    with pytest.raises(pymysql.err.MySQLError) as refused:
        one(session, "SELECT 2")        # a read waits for five seconds
    assert "mysql-0" in str(refused.value)
    pods.scale(3)
    assert at_primary(session, "SELECT @@server_id") == 100
    proxy.sees_all(pods, BACK_SECONDS)
    close(session)


@pytest.mark.xfail(strict=True, reason="a write on the read port waits for a primary there")
def test_read_port(pods, proxy, table):
    """As mysql-read: replicas only, and a server's own refusal of writes."""
    session = proxy.connect(port=READ, read_timeout=5)
    assert one(session, "SELECT @@server_id") in (101, 102)
    with pytest.raises(pymysql.err.MySQLError) as refused:
        rows(session, f"INSERT INTO {table} (v) VALUES ('no')")
    assert refused.value.args[0] == READ_ONLY
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
                             ("mend", "ready"), ("unready", "probe broken"), ("ready", "ready"),
                             ("kill", "pending")):
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
