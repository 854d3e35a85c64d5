# SPDX-License-Identifier: GPL-2.0-or-later
"""SHOW READMUX and statements that are explained, as an ordinary client sees them."""

import pymysql
import pytest

from readmux import close, rows
from servers import wait_until
from servers.accounts import SECOND


def table(session, sql):
    """Rows as mappings, and nothing to say against them."""
    with session.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


@pytest.fixture
def proxy(start_readmux):
    return start_readmux(admin={"users": "somebody, app"})


@pytest.fixture
def session(proxy):
    connection = proxy.connect()
    yield connection
    close(connection)


def test_backends(session):
    shown = table(session, "SHOW READMUX BACKENDS")
    assert [(each["name"], each["role"], each["state"]) for each in shown] == \
        [("mysql-0", "primary", "in"), ("mysql-1", "replica", "in"), ("mysql-2", "replica", "in")]
    assert [each["name"] for each in table(session, "SHOW READMUX BACKENDS LIKE 'MYSQL-_'")] == \
        ["mysql-0", "mysql-1", "mysql-2"]
    assert [each["name"] for each in table(session, "SHOW READMUX BACKENDS LIKE '%-1'")] == \
        ["mysql-1"]
    assert len(table(session, "SHOW READMUX BACKENDS LIMIT 2")) == 2
    assert table(session, "SHOW READMUX BACKENDS LIKE 'nothing'") == []


def test_status_and_settings(session):
    status = {each["name"]: each["value"] for each in table(session, "SHOW READMUX STATUS")}
    assert int(status["sessions"]) >= 1 and status["ready"] == "yes"
    assert {each["name"] for each in table(session, "SHOW READMUX STATUS LIKE 'logins%'")} == \
        {"logins_total"}
    settings = {each["name"]: each for each in table(session, "SHOW READMUX SETTINGS")}
    assert settings["admin.users"]["value"] == "somebody, app"


def test_sessions(proxy, session):
    other = proxy.connect(user=SECOND.name, password=SECOND.password)
    rows(other, "BEGIN")
    rows(other, "SELECT 1")
    shown = {each["user"]: each for each in table(session, "SHOW READMUX SESSIONS")}
    assert shown[SECOND.name]["in_transaction"] == "1"
    assert shown[SECOND.name]["backend"] == "mysql-0" and shown[SECOND.name]["phase"] == "ready"
    assert shown["app"]["statement"].lower() == "show readmux sessions"
    assert int(shown["app"]["id"]) == session.thread_id()
    close(other)


def test_route(session):
    rows(session, "SELECT 'secret', 1 FROM DUAL")
    rows(session, "/* readmux: primary */ SELECT 2")
    newest, before = table(session, "SHOW READMUX ROUTE")[:2]
    assert newest["backend"] == "mysql-0" and newest["reason"] == "hint-primary"
    assert before["backend"] in ("mysql-1", "mysql-2") and before["reason"] == "plain-read"
    assert "secret" not in before["statement"] and "?" in before["statement"]
    assert int(before["took_us"]) > 0 and before["retried"] == "0"
    for number in range(40):
        rows(session, f"SELECT {number}")
    assert len(table(session, "SHOW READMUX ROUTE")) == 16


def test_statements(session):
    for number in range(5):
        rows(session, f"SELECT {number} AS shape_of_its_own")
    with pytest.raises(pymysql.err.ProgrammingError):
        rows(session, "SELECT 1 FROM nowhere_at_all")
    shown = {each["text"]: each for each in table(session, "SHOW READMUX STATEMENTS")}
    of_its_own = shown["select ? as shape_of_its_own"]
    assert int(of_its_own["count"]) == 5 and of_its_own["replica"] == "5"
    assert int(of_its_own["max_us"]) >= int(of_its_own["mean_us"]) > 0
    assert shown["select ? from nowhere_at_all"]["errors"] == "1"


def test_reasons_pools_events(session):
    rows(session, "SELECT 1")
    wait_until(lambda: any(each["reason"] == "plain-read" and each["role"] == "replica"
                           for each in table(session, "SHOW READMUX REASONS")), "a reason", 5)
    wait_until(lambda: any(int(each["open"]) > 0 for each in table(session, "SHOW READMUX POOLS")),
               "an open connection", 10)
    assert {each["event"] for each in table(session, "SHOW READMUX EVENTS")} >= \
        {"backend found", "backend in"}


def test_what_follows_show(session):
    """The result is the session's last statement as any other's is."""
    shown = table(session, "SHOW READMUX BACKENDS")
    assert rows(session, "SELECT FOUND_ROWS()") == ((len(shown),),)
    assert rows(session, "SELECT ROW_COUNT()") == ((-1,),)
    assert rows(session, "SHOW WARNINGS") == ()


@pytest.mark.parametrize("sql", ["SHOW READMUX", "SHOW READMUX NONSENSE",
                                 "SHOW READMUX STATUS WHERE name = 'x'"])
def test_nonsense(session, sql):
    with pytest.raises(pymysql.err.ProgrammingError) as caught:
        rows(session, sql)
    assert caught.value.args[0] == 1064 and "backends" in caught.value.args[1]
    assert rows(session, "SELECT 1") == ((1,),)


def test_rights(proxy, readmux):
    """admin.users alone counts; without it the servers' rights."""
    for process, user, password, allowed in (
            (proxy, "app", None, True), (proxy, SECOND.name, SECOND.password, False),
            (readmux, "app", None, False), (readmux, "root", "", True)):
        options = {"user": user} if password is None else {"user": user, "password": password}
        connection = process.connect(**options)
        for _ in range(2):
            if allowed:
                assert table(connection, "SHOW READMUX BACKENDS")
                continue
            with pytest.raises(pymysql.err.MySQLError) as caught:
                rows(connection, "SHOW READMUX BACKENDS")
            assert caught.value.args[0] == 1227
        assert rows(connection, "SELECT 1") == ((1,),)
        close(connection)


def test_explain(session):
    rows(session, "CREATE TABLE IF NOT EXISTS explained (a INT)")
    read, = table(session, "/* readmux: explain */ SELECT 1")
    assert read["role"] in ("replica", "primary") and read["class"] == "read"
    write, = table(session, "/* readmux: explain */ INSERT INTO explained VALUES (1)")
    assert (write["backend"], write["class"], write["reason"]) == ("mysql-0", "write", "modifies")
    rows(session, "BEGIN")
    rows(session, "SELECT COUNT(*) FROM explained")
    inside, = table(session, "/* readmux: explain */ SELECT 1")
    assert inside["reason"] == "in-transaction" and inside["backend"] == "mysql-0"
    rows(session, "COMMIT")
    assert rows(session, "/* readmux: primary */ SELECT COUNT(*) FROM explained") == ((0,),)
    rows(session, "DROP TABLE explained")
