# SPDX-License-Identifier: GPL-2.0-or-later
"""What a session has set holds on whichever server runs the next statement (section 8)."""

import pymysql
import pytest

from readmux import at_primary, close, one, rows, vanish
from servers import wait_until

REPLICAS = {101, 102}


def on_every_server(connection, expression, replicas=True):
    """The values of <expression>, wherever the session's statements run; all servers are seen."""
    seen, values = set(), set()

    def complete():
        ((server_id, value),) = rows(connection, f"SELECT @@server_id, {expression}")
        seen.add(server_id)
        values.add(value)
        return seen >= REPLICAS

    if replicas:
        wait_until(complete, "reads by every replica", every=0.001)
    else:
        complete()
    return values | {at_primary(connection, f"SELECT {expression}")}


@pytest.mark.smoke
@pytest.mark.parametrize("assignment, variable, value", (
    ("sql_mode = 'ANSI_QUOTES'", "@@sql_mode", "ANSI_QUOTES"),
    ("SESSION time_zone = '+05:30'", "@@time_zone", "+05:30"),
    ("@@group_concat_max_len = 2048", "@@group_concat_max_len", 2048),
    ("@@session.sql_select_limit = 77", "@@sql_select_limit", 77),
    ("SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "@@{isolation}", "READ-COMMITTED"),
    ("lc_time_names = 'de_DE'", "DATE_FORMAT('2024-05-01', '%%M')", "Mai"),
    ("time_zone = '+01:00', group_concat_max_len = 99",
     "CONCAT(@@time_zone, @@group_concat_max_len)", "+01:0099"),
))
def test_variables_follow_the_session(session, kind, assignment, variable, value):
    variable = variable.replace("%%", "%").format(
        isolation="tx_isolation" if kind == "mariadb" else "transaction_isolation")
    before = one(session, f"SELECT {variable}")
    assert before != value
    rows(session, f"SET {assignment}")
    assert on_every_server(session, variable) == {value}


def test_default_restores(session):
    default = one(session, "SELECT @@sql_mode")
    rows(session, "SET sql_mode = 'ANSI'")
    rows(session, "SET sql_mode = DEFAULT")
    assert on_every_server(session, "@@sql_mode") == {default}


def test_computed_value(session):
    rows(session, "SET group_concat_max_len = @@group_concat_max_len + 7")
    (value,) = on_every_server(session, "@@group_concat_max_len", replicas=False)
    assert value in (1024 * 1024 + 7, 1024 + 7)


def test_quote_mode_decides_what_is_a_string(session):
    rows(session, "SET sql_mode = 'ANSI_QUOTES'")
    for _ in range(4):
        assert one(session, 'SELECT COUNT(*) FROM "information_schema"."schemata"') > 0
    rows(session, "SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    for _ in range(4):
        assert one(session, r"SELECT 'a\'") == "a\\"


@pytest.mark.smoke
def test_set_names(session):
    rows(session, "SET NAMES latin1")
    assert on_every_server(session, "CONCAT_WS('/', @@character_set_client, "
                           "@@character_set_connection, @@character_set_results)") == \
        {"latin1/latin1/latin1"}
    rows(session, "SET NAMES utf8mb4 COLLATE utf8mb4_bin")
    assert on_every_server(session, "@@collation_connection") == {"utf8mb4_bin"}


def test_character_set_of_the_login(readmux):
    connection = readmux.connect(charset="latin1")
    assert on_every_server(connection, "@@character_set_client") == {"latin1"}
    for _ in range(4):
        assert one(connection, "SELECT 'größer'") == "größer"
    connection.close()


@pytest.mark.smoke
def test_schema(session):
    assert on_every_server(session, "DATABASE()") == {"app"}
    rows(session, "USE app_other")
    assert on_every_server(session, "DATABASE()") == {"app_other"}
    session.select_db("app")
    assert on_every_server(session, "DATABASE()") == {"app"}
    rows(session, "USE `app_other`")
    assert on_every_server(session, "DATABASE()") == {"app_other"}


@pytest.mark.parametrize("change", (lambda c: rows(c, "USE app_missing"),
                                    lambda c: c.select_db("app_missing")),
                         ids=("statement", "command"))
def test_missing_schema(session, change):
    with pytest.raises(pymysql.err.MySQLError) as failure:
        change(session)
    assert failure.value.args[0] == 1049
    assert on_every_server(session, "DATABASE()") == {"app"}


def test_dropped_schema(session, readmux):
    """A schema that goes away takes nothing but itself with it."""
    rows(session, "CREATE DATABASE app_shortlived")
    rows(session, "USE app_shortlived")
    rows(session, "DROP DATABASE app_shortlived")
    assert one(session, "SELECT DATABASE()") is None
    rows(session, "USE app")
    assert on_every_server(session, "DATABASE()") == {"app"}


def test_wrong_assignments_change_nothing(session):
    default = one(session, "SELECT @@sql_mode")
    for sql, number in (("SET no_such_variable = 1", 1193), ("SET sql_mode = 'NONSENSE'", 1231),
                        ("SET SESSION max_connections = 3", 1229)):
        with pytest.raises(pymysql.err.MySQLError) as failure:
            rows(session, sql)
        assert failure.value.args[0] == number
    assert on_every_server(session, "@@sql_mode") == {default}


def test_sessions_do_not_see_each_other(readmux):
    """Many sessions with states of their own, over few server connections, interleaved."""
    sessions = [readmux.connect() for _ in range(12)]
    try:
        for number, connection in enumerate(sessions):
            if number % 3:
                rows(connection, f"SET @mine = {number}, group_concat_max_len = {1000 + number}")
            if number % 2:
                rows(connection, "USE app_other")
        default = one(sessions[0], "SELECT @@group_concat_max_len")
        for _ in range(10):
            for number, connection in enumerate(sessions):
                ((mine, length, schema),) = rows(
                    connection, "SELECT @mine, @@group_concat_max_len, DATABASE()")
                assert mine == (number if number % 3 else None)
                assert length == (1000 + number if number % 3 else default)
                assert schema == ("app_other" if number % 2 else "app")
    finally:
        for connection in sessions:
            close(connection)


def test_a_new_session_begins_clean(readmux):
    first = readmux.connect()
    default = one(first, "SELECT @@sql_mode")
    rows(first, "SET sql_mode = 'ANSI', @left = 'over'")
    rows(first, "CREATE TEMPORARY TABLE left_over (a INT)")
    first.close()
    for _ in range(6):
        second = readmux.connect()
        assert rows(second, "SELECT @@sql_mode, @left") == ((default, None),)
        with pytest.raises(pymysql.err.MySQLError) as failure:
            rows(second, "SELECT * FROM left_over FOR UPDATE")
        assert failure.value.args[0] == 1146
        second.close()


# ------------------------------------------------- state that lives at one server

def test_user_variables(session):
    rows(session, "SET @number = 17, @text = 'it''s', @nothing = NULL")
    for _ in range(20):
        assert rows(session, "SELECT @number, @text, @nothing") == ((17, "it's", None),)
    rows(session, "SET @number := @number + 1")
    for _ in range(20):
        assert one(session, "SELECT @number") == 18
    assert one(session, "SELECT @number := 19") == 19
    for _ in range(20):
        assert one(session, "SELECT @number") == 19


def test_user_variables_mean_what_they_meant(readmux, session):
    """Their texts are read as when they were set, whatever the session has set since."""
    rows(session, "SET @text = 'größe', @escaped = 'a\\nb'")
    rows(session, 'SET @quoted = "it\'s"')
    rows(session, "SET NAMES latin1")
    rows(session, "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
    meant = "CONCAT_WS('/', HEX(@text), HEX(@escaped), @quoted)"
    assert on_every_server(session, meant) == {"6772C3B6C39F65/610A62/it's"}
    rows(session, "SET @text = 'plain', @escaped = '\\'")
    assert on_every_server(session, meant) == {"706C61696E/5C/it's"}


def test_temporary_tables(readmux, session):
    rows(session, "CREATE TEMPORARY TABLE mine (a INT)")
    rows(session, "INSERT INTO mine VALUES (1), (2)")
    for _ in range(20):
        assert one(session, "SELECT SUM(a) FROM mine") == 3
    other = readmux.connect()
    with pytest.raises(pymysql.err.MySQLError):
        rows(other, "SELECT * FROM mine")
    other.close()
    rows(session, "DROP TEMPORARY TABLE mine")
    with pytest.raises(pymysql.err.MySQLError) as failure:
        rows(session, "SELECT * FROM mine")
    assert failure.value.args[0] == 1146


def test_last_insert_id(readmux, session, table):
    other = readmux.connect()
    for number in range(1, 6):
        with session.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} (v) VALUES ('mine')")
            told = cursor.lastrowid
        rows(other, f"INSERT INTO {table} (v) VALUES ('theirs')")
        for _ in range(3):
            assert one(session, "SELECT COUNT(*) FROM information_schema.schemata") > 0
        assert told == 2 * number - 1
        assert one(session, "SELECT LAST_INSERT_ID()") == told
        assert one(session, f"SELECT v FROM {table} WHERE id = LAST_INSERT_ID()") == "mine"
    other.close()


def test_warnings_of_the_statement_before(session):
    for number in range(6):
        rows(session, f"SELECT CAST('{number}x' AS SIGNED), @@server_id")
        ((level, code, text),) = rows(session, "SHOW WARNINGS")
        assert (level, code) == ("Warning", 1292) and f"'{number}x'" in text


def test_found_rows_and_row_count(session, table):
    rows(session, f"INSERT INTO {table} (v) VALUES (1), (2), (3)")
    assert one(session, "SELECT ROW_COUNT()") == 3
    for limit in (1, 2, 3):
        rows(session, f"SELECT id FROM {table} ORDER BY id LIMIT {limit}")
        assert one(session, "SELECT FOUND_ROWS()") == limit


def test_locked_tables(readmux, session, table):
    rows(session, f"LOCK TABLES {table} WRITE")
    rows(session, f"INSERT INTO {table} (v) VALUES ('locked')")
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 1
    rows(session, "UNLOCK TABLES")
    other = readmux.connect()
    rows(other, f"INSERT INTO {table} (v) VALUES ('free')")
    other.close()


def test_what_a_session_leaves_behind_is_undone(readmux, table):
    leaver = readmux.connect()
    rows(leaver, "BEGIN")
    rows(leaver, f"INSERT INTO {table} (v) VALUES ('uncommitted')")
    vanish(leaver)
    other = readmux.connect()
    rows(other, f"ALTER TABLE {table} ADD COLUMN w INT")        # waits for the row locks
    assert one(other, f"SELECT COUNT(*) FROM {table}") == 0
    other.close()


# ------------------------------------------------------------------ tied where it can write

LARGE = "x" * 40000


@pytest.mark.parametrize("sets, shown, value", (
    (["SET timestamp = 100"], "UNIX_TIMESTAMP()", 100),
    (["SET @@timestamp = 100"], "UNIX_TIMESTAMP()", 100),
    (["SET @@session.timestamp = 100, @a = 5"], "UNIX_TIMESTAMP() + @a", 105),
    ([f"SET @large = '{LARGE}'"], "LENGTH(@large)", 40000),
    ([f"SET @large = '{LARGE}', @small = 5, group_concat_max_len = 4321"],
     "CONCAT(@small, @@group_concat_max_len)", "54321"),
    ([f"SET @v{i} = '{LARGE[:4000]}'" for i in range(12)],
     "CONCAT_WS(',', " + ", ".join(f"LENGTH(@v{i})" for i in range(12)) + ")",
     ",".join(["4000"] * 12)),
    (["SET profiling = 1"], "@@profiling", 1),
    (["SET timestamp = DEFAULT", "SET profiling = 0"], "@@profiling", 0),
), ids=("timestamp", "at", "at and more", "large", "large and more", "together", "profiling",
        "default"))
def test_what_cannot_be_carried_ties_to_the_primary(session, table, sets, shown, value):
    """Writes go on, whatever was set before; it holds all the same."""
    one(session, "SELECT 1")
    for sql in sets:
        rows(session, sql)
    for _ in range(4):
        assert one(session, f"SELECT {shown}") == value
    rows(session, f"INSERT INTO {table} (v) VALUES ('written')")
    assert one(session, f"SELECT v FROM {table}") == "written"


def test_several_sets_tie_to_the_primary(readmux, table):
    session = readmux.connect(client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
    one(session, "SELECT 1")
    with session.cursor() as cursor:
        cursor.execute("SET @a = 1; SET @b = 2")
        assert cursor.nextset() and not cursor.nextset()
    rows(session, f"INSERT INTO {table} (v) VALUES (@a + @b)")
    assert one(session, f"SELECT v, @a, @b FROM {table}") == "3"
    close(session)


def test_what_only_the_answer_tells_is_set_at_the_primary(session, table):
    """A short text, but the value that its server reports is more than can be carried."""
    one(session, "SELECT 1")
    for number, length in enumerate([4000] * 7 + [4300]):
        rows(session, f"SET @v{number} = '{LARGE[:length]}'")
    assert one(session, "SELECT @@server_id") in REPLICAS
    rows(session, "SET optimizer_switch = 'index_merge=off'")
    assert one(session, "SELECT @@server_id") == 100
    assert "index_merge=off" in one(session, "SELECT @@optimizer_switch")
    assert one(session, "SELECT LENGTH(@v7)") == 4300
    rows(session, f"INSERT INTO {table} (v) VALUES ('written')")
    assert one(session, f"SELECT v FROM {table}") == "written"


def test_profiles_are_the_sessions_own(session):
    one(session, "SELECT 1")
    rows(session, "SET profiling = 1")
    for number in range(3):
        one(session, f"SELECT {number} + 40")
    listed = [row[2] for row in rows(session, "SHOW PROFILES")]
    assert listed == [f"SELECT {number} + 40" for number in range(3)]


# ------------------------------------------------------------------ tied no longer than needed

@pytest.mark.parametrize("ties, unties", (
    (["CREATE TEMPORARY TABLE tmp_a (a INT)", "CREATE TEMPORARY TABLE IF NOT EXISTS app.tmp_b (a INT)"],
     ["DROP TEMPORARY TABLE tmp_a", "DROP TABLE IF EXISTS tmp_b"]),
    (["SELECT GET_LOCK('mine', 1)", "SELECT GET_LOCK('mine', 1)", "DO GET_LOCK('other', 1)"],
     ["SELECT RELEASE_LOCK('mine')", "DO RELEASE_LOCK('other')", "DO RELEASE_LOCK('mine')"]),
    (["SELECT GET_LOCK(CONCAT('mi', 'ne'), 1)"], ["SELECT RELEASE_ALL_LOCKS()"]),
    (["SET @text = 'SELECT 1'", "PREPARE p FROM @text"], ["DEALLOCATE PREPARE p"]),
    (["XA START 'x'", "XA END 'x'", "XA PREPARE 'x'"], ["XA COMMIT 'x'"]),
    (["SET TRANSACTION ISOLATION LEVEL READ COMMITTED"], ["DO SLEEP(0)"]),
))
def test_ties_end(session, ties, unties):
    """Reads go to replicas again when what tied the session to its connection is gone."""
    for sql in ties:
        rows(session, sql)
    for sql in unties:
        assert {one(session, "SELECT @@server_id") for _ in range(5)} == {100} \
            or "TRANSACTION" in ties[0]
        rows(session, sql)
    wait_until(lambda: one(session, "SELECT @@server_id") in REPLICAS, "reads by replicas", 15)


def test_statements_of_sql_go_along(session, table):
    """PREPARE of a literal is known wherever the session goes, and its reads are reads."""
    rows(session, "SET sql_mode = 'ANSI_QUOTES'")
    rows(session, f"PREPARE Who FROM 'SELECT @@server_id, \"v\" FROM {table} WHERE id = ?'")
    rows(session, f"PREPARE put FROM 'INSERT INTO {table} (id, v) VALUES (?, ''it''''s'')'")
    rows(session, "SET @id = 1")
    rows(session, "EXECUTE put USING @id")
    seen = set()

    def everywhere():
        ((server_id, v),) = rows(session, "EXECUTE who USING @id")
        assert v == "it's"
        seen.add(server_id)
        return seen >= REPLICAS

    wait_until(everywhere, "executions on every replica")
    rows(session, "SET sql_mode = ''")      # it means what it meant
    assert rows(session, "EXECUTE who USING @id")[0][1] == "it's"
    rows(session, "DEALLOCATE PREPARE who")
    for _ in range(4):
        with pytest.raises(pymysql.err.OperationalError, match="1243"):
            rows(session, "EXECUTE who USING @id")


def test_unknown_ties_stay(session):
    rows(session, "SELECT GET_LOCK(CONCAT('mi', 'ne'), 1)")
    rows(session, "DO RELEASE_LOCK('mine')")
    assert {one(session, "SELECT @@server_id") for _ in range(5)} == {100}
    rows(session, "DO RELEASE_ALL_LOCKS()")


def test_a_failed_statement_ties_nothing(session):
    for sql in ("CREATE TEMPORARY TABLE tmp_a (a NOSUCHTYPE)", "LOCK TABLES nowhere WRITE",
                "PREPARE p FROM 'nonsense'", "SELEC nonsense", "EXECUTE nowhere"):
        with pytest.raises(pymysql.err.MySQLError):
            rows(session, sql)
    wait_until(lambda: one(session, "SELECT @@server_id") in REPLICAS, "reads by replicas", 15)
