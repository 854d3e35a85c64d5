# SPDX-License-Identifier: GPL-2.0-or-later
"""Statements that have to wait for a server: how long, for which, in which order, how many."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from readmux import close, one, rows
from servers import APP, wait_until
from servers.accounts import SECOND
from test_admin import metric
from test_prepared import execute, prepare
from wire import COM_QUERY, Wire

LOST, NO_SERVER, NO_CONNECTION = 2013, 1053, 1040
PLUGIN = "caching_sha2_password"


@pytest.fixture
def background():
    """background(function, *arguments): a future."""
    with ThreadPoolExecutor(16) as pool:
        yield pool.submit


def error_of(call):
    with pytest.raises(pymysql.err.MySQLError) as failure:
        call()
    return failure.value.args


def seconds_of(call):
    begin = time.monotonic()
    result = call()
    return time.monotonic() - begin, result


# --------------------------------------------------------------------- for a position

def test_a_missed_position_is_forgiven(start_readmux, breakable, table, background):
    """The replicas are late once; without the primary they serve as soon as they are not."""
    process = start_readmux()
    session = process.connect()
    lockers = [replica.connect() for replica in breakable.replicas]
    for locker in lockers:
        rows(locker, "FLUSH TABLES WITH READ LOCK")
    rows(session, f"INSERT INTO {table} (v) VALUES ('seen')")
    time.sleep(0.5)                     # the replicas have received it, and cannot apply it
    breakable.primary.kill9()
    read = background(seconds_of, lambda: one(session, f"SELECT COUNT(*) FROM {table}"))
    time.sleep(1)
    assert not read.done()
    for locker in lockers:
        rows(locker, "UNLOCK TABLES")
        locker.close()
    seconds, count = read.result(timeout=40)
    assert count == 1 and seconds < 5
    close(session)


# ------------------------------------------------------------------------- how long

def test_running_is_not_waiting(start_readmux, breakable, background):
    """The time that a read has run is not taken from the time that it may wait."""
    process = start_readmux(wait={"read": "3s", "write": "3s"})
    session = process.connect(SECOND.name, SECOND.password)     # its first: it has to dial
    read = background(error_of, lambda: rows(session, "SELECT @@server_id, SLEEP(20)"))
    time.sleep(3.5)
    assert not read.done()
    for server in breakable.servers:        # together: one after the other it is lost twice
        os.kill(server.pid, signal.SIGKILL)
    for server in breakable.servers:
        server.kill9()
    seconds, (number, _) = seconds_of(lambda: read.result(timeout=30))
    assert number == NO_SERVER
    assert 2.5 < seconds < 8
    close(session)


def test_a_read_waits_as_long_as_reads_do(start_readmux, cluster, background):
    """Also in the line for a connection, where a replica is usable."""
    process = start_readmux(workers=1, pool={"max_connections": 1},
                            wait={"read": "1s", "write": "20s"})
    sessions = [process.connect() for _ in range(3)]
    # one for each replica
    sleeps = [background(rows, session, "SELECT SLEEP(4)") for session in sessions[:2]]
    time.sleep(0.5)
    seconds, (number, _) = seconds_of(
        lambda: error_of(lambda: rows(sessions[2], "SELECT 1")))
    assert number == NO_CONNECTION
    assert 0.9 < seconds < 3
    for sleep in sleeps:
        sleep.result()
    for session in sessions:
        close(session)


# ------------------------------------------------- for what stands before a statement

@pytest.fixture
def frozen(breakable):
    """A replica that hangs."""
    victim = breakable.replicas[0]
    yield victim
    if victim.frozen:
        victim.thaw()


def log_in(process):
    return Wire(process.port).log_in(APP.name, APP.password, PLUGIN, "app")


def test_a_frozen_replica_that_has_to_prepare_first(start_readmux, breakable, frozen, background):
    process = start_readmux(pool={"share": False})
    wires = [log_in(process) for _ in range(4)]

    def run(wire):
        statement, _, _ = prepare(wire, "SELECT @@server_id, ?")
        for _ in range(3):
            execute(wire, statement, [b"1"])

    for wire in wires:
        assert wire.query("SELECT 1")
    frozen.freeze()
    for future in [background(run, wire) for wire in wires]:
        future.result(timeout=15)
    for wire in wires:
        wire.socket.close()


def test_a_frozen_replica_that_has_to_be_restored_first(start_readmux, breakable, frozen,
                                                        background):
    process = start_readmux()
    sessions = [process.connect(read_timeout=20) for _ in range(4)]

    def begin(session):
        rows(session, "START TRANSACTION READ ONLY")
        answer = one(session, "SELECT @@server_id + SLEEP(0.3)")
        rows(session, "COMMIT")
        return answer

    for _ in range(2):                  # so that there are connections
        for future in [background(begin, session) for session in sessions]:
            future.result()
    for number, session in enumerate(sessions):
        rows(session, f"SET group_concat_max_len = {5000 + number}")
    frozen.freeze()
    for future in [background(begin, session) for session in sessions]:
        assert future.result(timeout=15) in (100, 102)
    for session in sessions:
        close(session)


def test_a_frozen_primary_that_has_to_be_restored_first(start_readmux, breakable, table,
                                                        background):
    """Nothing of the write was sent: it waits like others, and no longer."""
    process = start_readmux(wait={"write": "4s"})
    session = process.connect(read_timeout=30)
    rows(session, f"INSERT INTO {table} (v) VALUES ('before')")
    breakable.primary.freeze()
    rows(session, "SET group_concat_max_len = 5432")
    write = background(
        seconds_of, lambda: error_of(lambda: rows(session,
                                                  f"INSERT INTO {table} (v) VALUES ('no')")))
    seconds, (number, _) = write.result(timeout=25)
    assert number == NO_SERVER and seconds < 8
    breakable.primary.thaw()
    process.sees_all(breakable)
    assert one(session, f"SELECT COUNT(*) FROM {table} WHERE v = 'no'") == 0
    close(session)


# ------------------------------------------------------------- in which order, how many

def send(session, sql):
    """Without waiting for the answer, which session._read_query_result() takes."""
    session._execute_command(COM_QUERY, sql)


def waiting(process):
    return metric(process, "readmux_statements_waiting")


def answer_to(session):
    session._read_query_result()


def test_waiting_writes_run_in_order_of_arrival(start_readmux, breakable, table):
    """One connection to the primary: what ran first has the lower number."""
    process = start_readmux(workers=1, pool={"max_connections": 1}, wait={"write": "80s"})
    sessions = [process.connect() for _ in range(12)]
    breakable.primary.kill9()
    wait_until(lambda: not process.status()["backends"][0]["usable"], "it is noticed")
    for number, session in enumerate(sessions):
        send(session, f"INSERT INTO {table} (v) VALUES ('{number}')")
        wait_until(lambda n=number: waiting(process) == n + 1, "it waits")
    breakable.primary.start()
    for session in sessions:
        answer_to(session)
    assert [int(v) for (v,) in breakable.primary.sql(f"SELECT v FROM {table} ORDER BY id")] == \
        list(range(12))
    for session in sessions:
        close(session)


@pytest.mark.parametrize("bound", ({"max_statements": 3}, {"max_bytes": "4000"}),
                         ids=("statements", "bytes"))
def test_so_many_wait_for_the_primary(start_readmux, breakable, table, bound):
    process = start_readmux(workers=1, wait={"write": "60s", **bound})
    sessions = [process.connect() for _ in range(4)]
    breakable.primary.kill9()
    wait_until(lambda: not process.status()["backends"][0]["usable"], "it is noticed")
    text = "x" * 1100
    for number, session in enumerate(sessions[:3]):
        send(session, f"INSERT /* {text} */ INTO {table} (v) VALUES ('waits')")
        wait_until(lambda n=number: waiting(process) == n + 1, "it waits")
    number, words = error_of(lambda: rows(
        sessions[3], f"INSERT /* {text} */ INTO {table} (v) VALUES ('too many')"))
    assert number == NO_SERVER and "too many statements" in words
    assert one(sessions[3], "SELECT @@server_id") in (101, 102)
    breakable.primary.start()
    for session in sessions[:3]:
        answer_to(session)
    rows(sessions[3], f"INSERT INTO {table} (v) VALUES ('waits')")      # there is room again
    assert breakable.primary.sql(f"SELECT COUNT(*) FROM {table} WHERE v = 'waits'") == ((4,),)
    for session in sessions:
        close(session)


def test_so_many_stand_in_line_for_a_connection(start_readmux, cluster):
    process = start_readmux(workers=1, pool={"max_connections": 1}, wait={"max_statements": 2})
    sessions = [process.connect() for _ in range(4)]
    rows(sessions[0], "BEGIN")
    one(sessions[0], "SELECT 1")
    for session in sessions[1:3]:
        send(session, "SELECT /* readmux: primary */ 1")
    assert one(sessions[0], "SELECT 2") == 2            # so they have been seen
    number, words = error_of(lambda: one(sessions[3], "SELECT /* readmux: primary */ 1"))
    assert number == NO_SERVER and "too many statements" in words
    rows(sessions[0], "COMMIT")
    for session in sessions[1:3]:
        answer_to(session)
    assert one(sessions[3], "SELECT /* readmux: primary */ 1") == 1
    for session in sessions:
        close(session)
