# SPDX-License-Identifier: GPL-2.0-or-later
"""SHOW READMUX and statements that are explained, as an ordinary client sees them."""

import contextlib
import struct
import subprocess

import pymysql
import pytest

from readmux import close, rows
from servers import APP, wait_until
from servers.accounts import SECOND
from wire import (CLIENT_DEPRECATE_EOF, COM_STMT_EXECUTE, COM_STMT_PREPARE, COM_STMT_RESET, Refused,
                  Wire)


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
    assert int(before["took_us"]) > 0 and before["retried"] == 0
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
    assert int(of_its_own["count"]) == 5 and of_its_own["replica"] == 5
    assert int(of_its_own["max_us"]) >= int(of_its_own["mean_us"]) > 0
    assert shown["select ? from nowhere_at_all"]["errors"] == 1


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


@pytest.fixture
def explained(session):
    rows(session, "CREATE TABLE IF NOT EXISTS explained (a INT)")
    rows(session, "INSERT INTO explained VALUES (1)")
    yield
    assert rows(session, "/* readmux: primary */ SELECT COUNT(*) FROM explained") == ((1,),)
    rows(session, "DROP TABLE explained")


def test_explain_without_a_comment(session, explained):
    """As a client that strips comments can say it."""
    for sql in ("EXPLAIN READMUX DELETE FROM explained", "explain readmux delete from explained;",
                "EXPLAIN READMUX DELETE FROM explained; DELETE FROM explained",
                "/* readmux: primary */ /* readmux: explain */ DELETE FROM explained"):
        write, = table(session, sql)
        assert (write["backend"], write["class"], write["reason"]) == \
            ("mysql-0", "write", "modifies"), sql
    read, = table(session, "/* readmux: primary */ EXPLAIN READMUX SELECT 1")
    assert (read["backend"], read["class"]) == ("mysql-0", "read")
    assert table(session, "EXPLAIN READMUX (SELECT 1)")[0]["class"] == "read"
    assert table(session, "EXPLAIN READMUX COMMIT")[0]["reason"] == "ends-transaction"


def test_explain_of_a_table_named_so(session):
    rows(session, "CREATE TABLE readmux (a INT)")
    try:
        for sql in ("EXPLAIN readmux", "EXPLAIN readmux a", "DESCRIBE readmux"):
            assert table(session, sql)[0]["Field"] == "a"
    finally:
        rows(session, "DROP TABLE readmux")


@pytest.mark.parametrize("hint", ("/* readmux: explain */", "EXPLAIN READMUX"))
def test_explain_of_a_long_statement(session, explained, hint):
    with pytest.raises(pymysql.err.MySQLError) as caught:
        rows(session, f"{hint} INSERT INTO explained SELECT LENGTH('{'x' * 3000000}')")
    assert caught.value.args[0] == 1105 and "not run" in caught.value.args[1]
    assert rows(session, "SELECT 1") == ((1,),)


def test_explain_inside_prepare(session, explained):
    for sql in ("PREPARE it FROM '/* readmux: explain */ DELETE FROM explained'",
                "EXECUTE IMMEDIATE '/* readmux: explain */ DELETE FROM explained'"):
        with pytest.raises(pymysql.err.MySQLError) as caught:
            rows(session, sql)
        assert caught.value.args[0] == 1105 and "not run" in caught.value.args[1]


def test_explain_knows_what_replicas_refuse(session, cluster):
    """A read by its text that was repaired once: it goes to the primary now."""
    rows(session, "CREATE TABLE IF NOT EXISTS written (a INT)")
    rows(session, "DROP FUNCTION IF EXISTS writes")
    rows(session, "CREATE FUNCTION writes() RETURNS INT DETERMINISTIC MODIFIES SQL DATA "
                  "BEGIN INSERT INTO written VALUES (1); RETURN 1; END")
    rows(session, "CREATE OR REPLACE VIEW refused_view AS SELECT writes() AS a")
    cluster.wait_caught_up()
    try:
        before, = table(session, "/* readmux: explain */ SELECT a FROM refused_view")
        assert before["reason"] == "plain-read"

        def refused():      # each worker learns for itself; this session's has
            rows(session, "SELECT a FROM refused_view")
            newest = table(session, "SHOW READMUX ROUTE")[0]
            return newest["retried"] or newest["reason"] == "repaired"

        wait_until(refused, "a replica refuses it", 10)
        after, = table(session, "EXPLAIN READMUX SELECT a FROM refused_view")
        assert (after["class"], after["backend"]) == ("write", "mysql-0")
        assert after["reason"] in ("repaired", "pinned")    # the function ties its session
    finally:
        rows(session, "DROP VIEW refused_view")
        rows(session, "DROP FUNCTION writes")
        rows(session, "DROP TABLE written")


# ------------------------------------------------------------------ the binary protocol

@pytest.fixture(params=(0, CLIENT_DEPRECATE_EOF), ids=("eof", "no-eof"))
def wire(request, proxy):
    with Wire(proxy.port, extra=request.param) as wire:
        yield wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")


def prepare(wire, sql):
    """(id, number of parameters) of a new statement without known columns."""
    payload = wire.ask(COM_STMT_PREPARE, sql.encode())
    number, columns, parameters = struct.unpack_from("<IHH", payload, 1)
    assert columns == 0
    for _ in range(parameters + (1 if parameters and not wire.extra else 0)):
        wire.read_good_packet()
    return number, parameters


def take(payload, at):
    """A short text, and where it ends."""
    end = at + 1 + payload[at]
    return payload[at + 1:end].decode(), end


def execute(wire, statement, parameters=b""):
    """Binary rows as mappings."""
    count = wire.ask(COM_STMT_EXECUTE, struct.pack("<IBI", statement, 0, 1) + parameters)[0]
    columns = []
    for _ in range(count):
        payload = wire.read_good_packet()
        name, end = take(payload, 4 + 3)
        columns.append((name, payload[end + 1 + 1 + 2 + 4]))
    if not wire.extra:
        wire.read_good_packet()
    answer = []
    while (payload := wire.read_good_packet())[0] == 0:
        nulls = int.from_bytes(payload[1:1 + (count + 9) // 8], "little") >> 2
        at, row = 1 + (count + 9) // 8, {}
        for number, (name, kind) in enumerate(columns):
            if nulls >> number & 1:
                row[name] = None
            elif kind == 8:
                row[name], at = int.from_bytes(payload[at:at + 8], "little"), at + 8
            else:
                row[name], at = take(payload, at)
        assert at == len(payload)
        answer.append(row)
    assert payload[0] == 0xfe
    return answer


def test_prepared_show(wire):
    statement, parameters = prepare(wire, "SHOW READMUX BACKENDS LIKE 'mysql-%'")
    assert parameters == 0
    for _ in range(2):
        shown = execute(wire, statement)
        assert [each["name"] for each in shown] == ["mysql-0", "mysql-1", "mysql-2"]
        assert [each["ordinal"] for each in shown] == [0, 1, 2]
    assert wire.ask(COM_STMT_RESET, struct.pack("<I", statement))[0] == 0
    statement, _ = prepare(wire, "SHOW READMUX ROUTE")
    assert execute(wire, statement) == []
    statement, _ = prepare(wire, "SHOW READMUX NONSENSE")
    with pytest.raises(Refused) as caught:
        execute(wire, statement)
    assert caught.value.number == 1064 and "backends" in caught.value.text
    statement, _ = prepare(wire, "SELECT @@readmux_consistency")
    assert execute(wire, statement) == [{"@@readmux_consistency": "session"}]


def test_prepared_explain(wire, explained):
    for sql in ("/* readmux: explain */ DELETE FROM explained WHERE a < ?",
                "EXPLAIN READMUX DELETE FROM explained WHERE a < ?"):
        statement, parameters = prepare(wire, sql)
        assert parameters == 1
        row, = execute(wire, statement, b"\0\1\x08\0" + struct.pack("<q", 9))
        assert (row["backend"], row["class"], row["reason"]) == ("mysql-0", "write", "modifies")
    with pytest.raises(Refused) as caught:
        wire.ask(COM_STMT_PREPARE, b"/* readmux: explain */ DELETE FROM explained WHERE a < '"
                 + b"x" * 3000000 + b"'")
    assert caught.value.number == 1105


def test_prepared_by_a_driver(proxy):
    """A client library that asks for the columns at the execution only."""
    script = """
use strict; use DBI;
my $db = DBI->connect("DBI:mysql:host=127.0.0.1;port=$ARGV[0];mysql_server_prepare=1",
    "app", "app secret", { RaiseError => 1, PrintError => 0 });
for my $sql ("SHOW READMUX BACKENDS", "EXPLAIN READMUX SELECT 1") {
    my $show = $db->prepare($sql);
    for (1 .. 2) { $show->execute; print join(" ", map { $_->[0] } @{$show->fetchall_arrayref}), "\n"; }
}
my ($one) = $db->selectrow_array("SELECT 1");
print "$one\n";
"""
    done = subprocess.run(["perl", "-e", script, str(proxy.port)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["mysql-0 mysql-1 mysql-2"] * 2 and lines[4:] == ["1"]
    assert all(line.startswith("mysql-") for line in lines[2:4])


def test_numbers_are_numbers(session):
    with contextlib.closing(session.cursor(pymysql.cursors.DictCursor)) as cursor:
        cursor.execute("SHOW READMUX BACKENDS")
        assert [each["ordinal"] for each in cursor.fetchall()] == [0, 1, 2]


# ------------------------------------------------------------------ what no server answered

def test_a_write_that_waits_in_vain(start_readmux, breakable):
    """It is where all others are: in ROUTE, in STATEMENTS, in the log, in the counters."""
    proxy = start_readmux(admin={"users": "app"}, wait={"write": "1500ms"},
                          log={"slow_statement": "500ms"})
    session = proxy.connect()

    def waits():
        return {each["name"]: int(each["value"])
                for each in table(session, "SHOW READMUX STATUS LIKE 'waits_total'")}["waits_total"]

    rows(session, "CREATE TABLE IF NOT EXISTS waited (a INT)")
    before = waits()
    breakable.primary.freeze()
    try:
        wait_until(lambda: table(session, "SHOW READMUX BACKENDS LIKE 'mysql-0'")[0]["state"]
                   == "down", "the primary is down", 20)
        with pytest.raises(pymysql.err.MySQLError) as caught:
            rows(session, "INSERT INTO waited VALUES (1)")
        assert caught.value.args[0] == 1053
        newest = table(session, "SHOW READMUX ROUTE")[0]
        assert newest["statement"] == "insert into waited values (?)"
        assert (newest["backend"], newest["role"], newest["reason"]) == (None, None, "modifies")
        assert newest["failed"] == "1" and newest["waited_us"] > 900000
        shape, = [each for each in table(session, "SHOW READMUX STATEMENTS")
                  if each["text"] == "insert into waited values (?)"]
        assert shape["errors"] == 1 and shape["max_us"] > 900000
        assert waits() == before + 1
        assert 'event="slow statement"' in proxy.log_text()
    finally:
        breakable.primary.thaw()
    wait_until(lambda: table(session, "SHOW READMUX BACKENDS LIKE 'mysql-0'")[0]["state"] == "in",
               "the primary is back", 20)
    rows(session, "DROP TABLE waited")
    close(session)


# ------------------------------------------------------------------ when it is needed most

def test_without_any_server(start_readmux, breakable):
    """Who was allowed before is still; anybody else learns what helps."""
    proxy = start_readmux(wait={"read": "2s"})
    root, app = proxy.connect(user="root", password=""), proxy.connect()
    assert len(table(root, "SHOW READMUX BACKENDS")) == 3
    for server in breakable.servers:
        server.kill9()
    wait_until(lambda: {each["state"] for each in table(root, "SHOW READMUX BACKENDS")} ==
               {"down"}, "all are down", 20)
    with pytest.raises(pymysql.err.MySQLError) as caught:
        rows(app, "SHOW READMUX BACKENDS")
    assert caught.value.args[0] == 1227 and "admin.users" in caught.value.args[1]
    for session in (root, app):
        close(session)


def test_many_sessions(proxy, session):
    """More than one slice of every worker's."""
    others = [proxy.connect() for _ in range(250)]
    shown = table(session, "SHOW READMUX SESSIONS")
    assert {each.thread_id() for each in [*others, session]} <= {each["id"] for each in shown}
    assert len({each["id"] for each in shown}) == len(shown)
    assert len(table(session, "SHOW READMUX SESSIONS LIMIT 7")) == 7
    for each in others:
        close(each)


def test_like_with_an_escape(session):
    assert [each["name"] for each in table(session, r"SHOW READMUX STATUS LIKE 'logins\_total'")] == \
        ["logins_total"]
