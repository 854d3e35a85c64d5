# SPDX-License-Identifier: GPL-2.0-or-later
"""Few server connections for sessions of several users."""

import pytest

from readmux import close, one, rows, vanish
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
