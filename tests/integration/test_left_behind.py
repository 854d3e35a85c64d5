# SPDX-License-Identifier: GPL-2.0-or-later
"""
What statements leave on their connection without saying so in their text: by triggers,
stored routines, functions of views, and texts of PREPARE.  The session keeps it, and no
other session meets it.
"""

import pytest

from mix.client import Client
from mix.session import Account
from servers import APP, wait_until
from wire import CLIENT_DEPRECATE_EOF, Refused

PRIMARY, REPLICAS = "100", {"101", "102"}
READ_ONLY = 1792
STATE_LOST = "lost the connection"
USERS = {"app": Account(APP.name, APP.password, "app"), "root": Account("root", "", "app")}

ROUTINES = (
    "CREATE TABLE left_plain (a INT)",
    "CREATE TABLE left_log (a INT PRIMARY KEY)",
    "CREATE TABLE left_numbers (n INT)",
    "INSERT INTO left_numbers VALUES " + ", ".join(f"({n})" for n in range(200)),
    "CREATE TRIGGER left_sets BEFORE INSERT ON left_log FOR EACH ROW SET @seen = NEW.a",
    "CREATE TRIGGER left_nothing BEFORE INSERT ON left_plain FOR EACH ROW "
    "BEGIN DECLARE x INT; SET x = 1; SET NEW.a = NEW.a + x; END",
    "CREATE FUNCTION left_makes() RETURNS INT NO SQL BEGIN SET @seen = 5; RETURN @@server_id; END",
    "CREATE FUNCTION left_pure() RETURNS INT NO SQL RETURN @@server_id",
    "CREATE VIEW left_view AS SELECT left_makes() AS server",
    "CREATE VIEW left_pure_view AS SELECT left_pure() AS server",
    "CREATE PROCEDURE left_lock() DO GET_LOCK('left behind', 0)",
    "CREATE PROCEDURE left_read_only() SET TRANSACTION READ ONLY",
    "CREATE PROCEDURE left_variable() SET @@group_concat_max_len = 7000",
    "CREATE PROCEDURE left_user_variable() SET @seen = 5",
    "CREATE PROCEDURE left_into() SELECT 5 INTO @seen",
    "CREATE PROCEDURE left_harmless() SELECT 1",
)


@pytest.fixture(scope="module")
def routines(cluster):
    cluster.primary.sql("DROP DATABASE IF EXISTS app_left", "CREATE DATABASE app_left",
                        "USE app_left", *ROUTINES)
    cluster.wait_caught_up()
    yield
    cluster.primary.sql("DROP DATABASE app_left")


@pytest.fixture(params=(0, CLIENT_DEPRECATE_EOF), ids=("eof", "ok"))
def connect(request, kind, cluster, routines, start_readmux):
    """connect(): a client of a readmux whose sessions share two connections per server."""
    yield from _clients(cluster, start_readmux, request.param)


@pytest.fixture
def connect_ok(cluster, routines, start_readmux):
    """The same for clients whose results end with an OK packet, which tells more."""
    yield from _clients(cluster, start_readmux, CLIENT_DEPRECATE_EOF)


@pytest.fixture(params=(0, CLIENT_DEPRECATE_EOF), ids=("eof", "ok"))
def connect_trusting(request, cluster, routines, start_readmux):
    yield from _clients(cluster, start_readmux, request.param, trust_routines=True)


def _clients(cluster, start_readmux, extra, **pool):
    readmux = start_readmux(workers=1, pool={"max_connections": 3, **pool},
                            wait={"read": "20s", "write": "20s"}, debug={"reshuffle": True})
    clients = []

    def connect(user="app"):
        clients.append(Client(readmux.port, cluster.kind.default_plugin, USERS[user],
                              "app_left", extra, seconds=30))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
    readmux.check_alive()


def row(client, sql):
    (result,) = client.query(sql)
    (only,) = result.rows
    return only


def server_of(client):
    return row(client, "SELECT @@server_id")[0]


def is_free(client):
    wait_until(lambda: server_of(client) in REPLICAS, "reads by a replica", 15, every=0.01)


def is_tied(client):
    assert {server_of(client) for _ in range(6)} == {PRIMARY}


def keeps(connect, looks, kept, *statements):
    """After <statements> a session sees <kept>; other sessions see what a new one does."""
    session, other = connect(), connect()
    (clean,) = row(other, f"SELECT {looks}")
    for sql in statements:
        session.query(sql)
    for hint in ("", "/* readmux: primary */") * 4:
        assert row(session, f"SELECT {hint} {looks}") == (kept,)
        assert row(other, f"SELECT {hint} {looks}") == (clean,)
    return session, other


# ------------------------------------------------------------------ triggers and views

@pytest.mark.smoke
def test_what_a_trigger_sets(connect, cluster):
    cluster.primary.sql("DELETE FROM app_left.left_log")
    keeps(connect, "@seen", "17", "INSERT INTO left_log VALUES (17)")


def test_a_trigger_that_sets_nothing_does_not_tie(connect):
    session = connect()
    session.query("INSERT INTO left_plain VALUES (1)")
    is_free(session)


def test_what_a_function_of_a_view_sets(connect_ok, cluster):
    """A replica has run it, and the session could not write any more if it were tied to that."""
    cluster.primary.sql("DELETE FROM app_left.left_log")
    session, _ = keeps(connect_ok, "@seen", "5", "SELECT * FROM left_view")
    session.query("INSERT INTO left_plain VALUES (1)")
    again = connect_ok()
    assert {row(again, "SELECT server FROM left_view")[0] for _ in range(4)} == {PRIMARY}


def test_a_view_whose_function_sets_nothing(connect_ok):
    session = connect_ok()
    wait_until(lambda: row(session, "SELECT * FROM left_pure_view")[0] in REPLICAS,
               "the view is read at a replica", every=0.01)
    is_free(session)


def test_what_a_long_answer_of_a_view_left_is_told(connect_ok):
    """Rows are with the client when the replica tells that something has changed."""
    session, other = connect_ok(), connect_ok()
    sql = "SELECT REPEAT('x', 20000), server FROM left_numbers, left_view"
    (result,) = session.query(sql)
    assert len(result.rows) == 200
    if result.rows[0][1] != PRIMARY:
        with pytest.raises(Refused) as refusal:
            session.query("SELECT @seen")
        assert STATE_LOST in refusal.value.text
        session.query(sql)              # by now its shape is known
    for _ in range(4):
        assert row(session, "SELECT @seen") == ("5",)
        assert row(other, "SELECT @seen") == (None,)
    session.query("INSERT INTO left_plain VALUES (1)")


def test_on_a_read_only_transaction_s_replica(connect_ok):
    session, other = connect_ok(), connect_ok()
    session.query("START TRANSACTION READ ONLY")
    session.query("SELECT * FROM left_view")
    session.query("COMMIT")
    for _ in range(4):
        assert row(session, "SELECT @seen") == ("5",)
        assert row(other, "SELECT @seen") == (None,)


# ------------------------------------------------------------------ routines

@pytest.mark.smoke
def test_locks_of_a_procedure(connect):
    holder, other = connect(), connect()
    holder.query("CALL left_lock()")
    for _ in range(4):
        assert row(other, "SELECT GET_LOCK('left behind', 0)") == ("0",)
    assert row(holder, "SELECT RELEASE_LOCK('left behind')") == ("1",)


def test_a_procedure_that_sets_the_next_transaction(connect, cluster):
    session, others = connect(), [connect() for _ in range(2)]
    session.query("CALL left_read_only()")
    for other in others:
        other.query("INSERT INTO left_plain VALUES (1)")
    with pytest.raises(Refused) as refusal:
        session.query("INSERT INTO left_plain VALUES (1)")
    assert refusal.value.number == READ_ONLY


@pytest.mark.parametrize("call, looks, kept", (
    ("CALL left_variable()", "@@group_concat_max_len", "7000"),
    ("CALL left_user_variable()", "@seen", "5"),
    ("CALL left_into()", "@seen", "5"),
    ("DO left_makes()", "@seen", "5"),
    ("SELECT left_makes()", "@seen", "5"),
))
def test_what_routines_set(connect, call, looks, kept):
    keeps(connect, looks, kept, call)


def test_routines_tie_unless_they_are_trusted(connect):
    session = connect()
    session.query("CALL left_harmless()")
    is_tied(session)


def test_trusted_routines(connect_trusting, kind):
    session = connect_trusting()
    session.query("CALL left_harmless()")
    is_free(session)
    if kind == "mysql" or session.deprecate_eof:    # else MariaDB cannot tell
        session.query("SELECT left_pure()")
        is_free(session)
    session.query("CALL left_user_variable()")      # the trackers speak of this one
    is_tied(session)
    assert row(session, "SELECT @seen") == ("5",)


# ------------------------------------------------------------------ texts of PREPARE

def prepared(kind, text, immediate):
    literal = "'" + text.replace("'", "''") + "'"
    if immediate:
        return [f"EXECUTE IMMEDIATE {literal}"]
    return [f"PREPARE p FROM {literal}", "EXECUTE p"]


@pytest.fixture(params=("execute", "immediate", "binary"))
def run(request, kind):
    """run(client, text): by one of the ways to prepare it."""
    if request.param == "immediate" and kind == "mysql":
        pytest.skip("MySQL has no EXECUTE IMMEDIATE")

    def run(client, text):
        if request.param == "binary":
            return client.execute(client.prepare(text))
        for sql in prepared(kind, text, request.param == "immediate"):
            results = client.query(sql)
        return results

    run.way = request.param
    return run


@pytest.mark.parametrize("text, looks, kept", (
    ("SET @seen = 'it''s'", "@seen", "it's"),
    ("SET @seen = CONCAT('a', 'b')", "@seen", "ab"),
    ("SET @@group_concat_max_len = 7000", "@@group_concat_max_len", "7000"),
    ("SET SESSION group_concat_max_len = 7000", "@@group_concat_max_len", "7000"),
    ("SELECT 'x' INTO @seen", "@seen", "x"),
    ("CALL left_user_variable()", "@seen", "5"),
))
def test_what_prepared_texts_set(connect_ok, run, text, looks, kept):
    session, other = connect_ok(), connect_ok()
    clean = row(other, f"SELECT {looks}")
    run(session, text)
    for hint in ("", "/* readmux: primary */") * 4:
        assert row(session, f"SELECT {hint} {looks}") == (kept,)
        assert row(other, f"SELECT {hint} {looks}") == clean


def test_plain_values_of_prepared_texts_go_along(connect_ok, kind, run):
    session = connect_ok()
    if kind == "mysql" and run.way == "binary":
        pytest.skip("user variables bind prepared statements on MySQL")
    run(session, "SET @seen = 5")
    is_free(session)
    for _ in range(4):
        assert row(session, "SELECT @seen") == ("5",)


def test_prepared_locks(connect_ok, run):
    session, other = connect_ok(), connect_ok()
    run(session, "DO GET_LOCK('left prepared', 0)")
    for _ in range(4):
        assert row(other, "SELECT GET_LOCK('left prepared', 0)") == ("0",)
    is_tied(session)
    assert row(session, "SELECT RELEASE_LOCK('left prepared')") == ("1",)
    is_free(session)


def test_prepared_temporary_tables(connect_ok, run):
    session, other = connect_ok(), connect_ok()
    run(session, "CREATE TEMPORARY TABLE left_temporary (a INT)")
    for _ in range(4):
        assert session.query("SELECT * FROM left_temporary")[0].rows == []
        with pytest.raises(Refused):
            other.query("SELECT /* readmux: primary */ * FROM left_temporary")
    run(session, "DROP TEMPORARY TABLE left_temporary")
    is_free(session)


def test_prepared_table_locks(connect_ok, run):
    """Nobody else gets the connection that keeps all writes out."""
    session, other = connect_ok("root"), connect_ok("root")
    run(session, "FLUSH TABLES WITH READ LOCK")
    is_tied(session)
    other.query("SET lock_wait_timeout = 1")
    with pytest.raises(Refused):
        other.query("INSERT INTO left_plain VALUES (1)")
    session.query("UNLOCK TABLES")
    other.query("INSERT INTO left_plain VALUES (1)")
    is_free(session)


def test_prepared_reads_are_reads(connect_ok, run):
    session = connect_ok()
    wait_until(lambda: run(session, "SELECT @@server_id")[0].rows[0][0] in REPLICAS,
               "a read at a replica", every=0.01)


def test_roles_of_prepared_texts(connect_ok, cluster, run):
    cluster.primary.sql("CREATE ROLE IF NOT EXISTS left_role",
                        f"GRANT left_role TO '{APP.name}'@'%'")
    try:
        session, other = connect_ok(), connect_ok()
        run(session, "SET ROLE left_role")
        for _ in range(4):
            assert "left_role" in (row(session, "SELECT CURRENT_ROLE()")[0] or "")
            assert "left_role" not in (row(other, "SELECT /* readmux: primary */ CURRENT_ROLE()")[0]
                                       or "")
    finally:
        cluster.primary.sql("DROP ROLE left_role")


def test_a_statement_that_a_routine_prepared(connect_ok, cluster):
    cluster.primary.sql("USE app_left", "DROP PROCEDURE IF EXISTS left_prepares",
                        "CREATE PROCEDURE left_prepares() PREPARE p FROM 'DO GET_LOCK(\"r\", 0)'")
    session, other = connect_ok(), connect_ok()
    session.query("PREPARE p FROM 'SELECT 1'")
    session.query("CALL left_prepares()")
    session.query("EXECUTE p")
    for _ in range(4):
        assert row(other, "SELECT GET_LOCK('r', 0)") == ("0",)
    assert row(session, "SELECT RELEASE_LOCK('r')") == ("1",)


# ------------------------------------------------------------------ locks that were not given

@pytest.mark.parametrize("binary", (False, True))
def test_a_lock_that_was_not_given_does_not_tie(connect_ok, binary):
    holder, session = connect_ok(), connect_ok()
    assert row(holder, "SELECT GET_LOCK('left taken', 0)") == ("1",)
    if binary:
        (result,) = session.execute(session.prepare("SELECT GET_LOCK('left taken', 0)"))
        assert result.rows == [("0",)]
    else:
        assert row(session, "SELECT GET_LOCK('left taken', 0)") == ("0",)
    is_free(session)
    assert row(holder, "SELECT RELEASE_LOCK('left taken')") == ("1",)


# ------------------------------------------------------------------ what is no change

def test_prepared_reads_of_another_schema_tie_nothing(connect):
    """Servers report the way there and back as a change; MySQL with the next answer, if need be."""
    session = connect()
    statement = session.prepare("SELECT n FROM left_numbers WHERE n = 7")
    session.query("PREPARE p FROM 'SELECT n FROM left_numbers WHERE n = 7'")
    session.query("USE app")
    session.query("START TRANSACTION READ ONLY")
    assert session.execute(statement)[0].rows == [("7",)]
    assert row(session, "EXECUTE p") == ("7",)
    session.query("COMMIT")
    session.query("INSERT INTO app_left.left_numbers VALUES (1000)")
    is_free(session)
    for _ in range(4):
        assert session.execute(statement)[0].rows == [("7",)]
    is_free(session)
