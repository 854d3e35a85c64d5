# SPDX-License-Identifier: GPL-2.0-or-later
"""
Each failure of each pod of a StatefulSet (tests/pods), alone, with readmux before it and
without any configuration: what a client may see of it.
"""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from pods import READ
from pods.loop import Loop
from readmux import at_primary, close, one, rows
from servers import wait_until

BACK_SECONDS = 30
LOST = 2013
READ_ONLY = 1290
NOT_USABLE = 1105

_numbers = itertools.count(1)


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
        loop.wait_answers(5)            # logged in
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
@pytest.mark.parametrize("moves", [False, True], ids=("stays", "moves"))
def test_a_write_in_flight_while_the_primary_is_cut_off(pods, proxy, table, background, moves):
    """Its end is told within seconds, also when the pod is somewhere else by then."""
    session = proxy.connect(autocommit=True)
    write = background(rows, session, f"INSERT INTO {table} (v) SELECT SLEEP(60)")
    time.sleep(1)
    pods.primary.cut()
    if moves:
        pods.primary.kill()
    begin = time.monotonic()
    with pytest.raises(pymysql.err.MySQLError) as lost:
        write.result(40)
    assert lost.value.args[0] == LOST and "may or may not" in lost.value.args[1]
    assert time.monotonic() - begin < 12
    pods.primary.heal()
    rows(session, f"INSERT INTO {table} (v) VALUES ('goes on')")
    close(session)


@pytest.mark.timeout(120)
def test_a_write_in_flight_while_the_primary_is_frozen(pods, proxy, table, background):
    """Its machine answers, so it may go on: what runs there is waited for."""
    session = proxy.connect(autocommit=True)
    write = background(rows, session, f"INSERT INTO {table} (v) SELECT SLEEP(3)")
    time.sleep(1)
    pods.primary.freeze()
    time.sleep(12)
    assert not write.done()
    pods.primary.thaw()
    write.result(40)
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 1
    close(session)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("event", ["freeze", "cut"])
def test_logins_while_the_primary_is_silent(pods, proxy, event):
    with Loop(proxy.connect) as loop:
        loop.wait_answers(20)
        getattr(pods.primary, event)()
        loop.wait_answers(20)


@pytest.mark.timeout(120)
def test_a_writer_reads_while_the_primary_is_away(pods, proxy, table):
    """What it wrote is on the replicas, and they can tell."""
    session = proxy.connect(autocommit=True)
    rows(session, f"INSERT INTO {table} (v) VALUES ('kept')")
    assert one(session, f"SELECT v FROM {table}") == "kept"
    pods.wait_caught_up()
    pods.primary.delete(stay_away=True)
    for _ in range(5):
        assert one(session, f"SELECT v FROM {table}") == "kept"
    close(session)


@pytest.mark.timeout(120)
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


def test_read_port(pods, proxy, table):
    """As mysql-read: replicas only, and a server's own refusal of writes."""
    session = proxy.connect(port=READ, read_timeout=5)
    assert one(session, "SELECT @@server_id") in (101, 102)
    with pytest.raises(pymysql.err.MySQLError) as refused:
        rows(session, f"INSERT INTO {table} (v) VALUES ('no')")
    assert refused.value.args[0] == READ_ONLY
    close(session)
