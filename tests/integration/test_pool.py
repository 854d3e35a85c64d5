# SPDX-License-Identifier: GPL-2.0-or-later
"""Few server connections for sessions of several users."""

import contextlib
import time

import pymysql
import pytest

from readmux import close, one, rows, vanish, wait_servers_of
from servers import APP
from servers.accounts import SECOND
from wire import COM_QUERY

AT_PRIMARY = "SELECT /* readmux: primary */ 1"


@pytest.fixture
def few(start_readmux):
    """few(n): a readmux with n connections to each server."""
    return lambda n: start_readmux(workers=1, pool={"max_connections": n})


def test_a_place_that_became_free(few):
    """Nothing but the end of a connection happens while somebody waits for one."""
    readmux = few(1)
    holder, waiting, other = (readmux.connect() for _ in range(3))
    rows(holder, "BEGIN")
    assert one(holder, "SELECT 1") == 1
    waiting._execute_command(COM_QUERY, AT_PRIMARY)
    assert one(other, "SELECT 2") == 2              # so readmux has seen it
    vanish(holder)
    waiting._read_query_result()
    close(waiting)
    close(other)


def test_the_last_connection_of_another_user(few):
    """It is closed to make room, while the users' connections are gone through."""
    readmux = few(2)
    holder, other, waiting = (readmux.connect(), readmux.connect(SECOND.name, SECOND.password),
                              readmux.connect())
    rows(holder, "BEGIN")
    assert one(holder, "SELECT 1") == 1
    for _ in range(5):
        assert one(other, AT_PRIMARY) > 0
        assert one(waiting, AT_PRIMARY) > 0
    for connection in (holder, other, waiting):
        close(connection)


# ------------------------------------------------------------- who is not let in everywhere

@pytest.fixture
def newcomer(cluster):
    """A user whom the primary has and the replicas do not, until their lockers let go."""
    with contextlib.ExitStack() as stack:
        lockers = [stack.enter_context(replica.connect()) for replica in cluster.replicas]
        for locker in lockers:
            rows(locker, "FLUSH TABLES WITH READ LOCK")
        cluster.primary.sql("CREATE USER newcomer@'%' IDENTIFIED BY 'new secret'",
                            "GRANT ALL ON `app%`.* TO newcomer@'%'")
        yield lockers
    cluster.primary.sql("DROP USER newcomer@'%'")
    cluster.wait_caught_up()


def refused_logins(process):
    return process.log_text().count("server connection failed")


def test_a_user_whom_the_replicas_do_not_have_yet(start_readmux, newcomer):
    process = start_readmux()
    session = process.connect("newcomer", "new secret")
    before = refused_logins(process)
    assert {one(session, "SELECT @@server_id") for _ in range(50)} == {100}
    again = process.connect("newcomer", "new secret")       # its password is still known
    assert one(again, "SELECT 1") == 1
    assert refused_logins(process) - before <= 4            # two replicas, two workers
    for locker in newcomer:
        rows(locker, "UNLOCK TABLES")
    wait_servers_of(session, {101, 102}, 15)
    close(session)
    close(again)


def test_the_primary_has_the_last_word(start_readmux, cluster):
    """A session whose user is gone is told so."""
    cluster.primary.sql("CREATE USER leaver@'%' IDENTIFIED BY 'old secret'",
                        "GRANT ALL ON `app%`.* TO leaver@'%'")
    cluster.wait_caught_up()
    process = start_readmux(pool={"share": False})
    session = process.connect("leaver", "old secret")
    cluster.primary.sql("DROP USER leaver@'%'")
    cluster.wait_caught_up()
    for server in cluster.servers:
        for (number,) in server.sql("SELECT id FROM information_schema.processlist"
                                    " WHERE user = 'leaver'"):
            server.sql(f"KILL {number}")
    with pytest.raises(pymysql.err.MySQLError) as failure:
        for _ in range(3):
            one(session, "SELECT 1")
    assert failure.value.args[0] == 1045
    close(session)


@pytest.fixture
def full(cluster):
    """full(): the primary lets nobody in any more."""
    before = cluster.primary.sql("SELECT @@GLOBAL.max_connections")[0][0]
    guests = []

    def fill():
        guests.append(cluster.primary.connect())        # root has a place that others have not
        rows(guests[0], "SET GLOBAL max_connections = 20")
        last = time.monotonic()
        while time.monotonic() < last + 0.5:            # some are only just leaving
            try:
                guests.append(cluster.primary.connect(user=APP.name, password=APP.password))
                last = time.monotonic()
            except pymysql.err.OperationalError as refused:
                assert refused.args[0] == 1040
                time.sleep(0.02)

    yield fill
    rows(guests[0], f"SET GLOBAL max_connections = {before}")
    for guest in guests:
        guest.close()


def test_idle_connections_make_room_at_a_full_server(start_readmux, full):
    """What is idle cannot serve the session (here because it has used it), but has a place."""
    process = start_readmux(workers=1, debug={"reshuffle": True}, wait={"read": "5s"})
    session = process.connect()
    full()
    for _ in range(5):
        assert one(session, AT_PRIMARY) == 1
    close(session)
