# SPDX-License-Identifier: GPL-2.0-or-later
"""
Statements about the statement before, right after every kind of statement, while other
sessions of the same user keep every server connection busy: the answers are those of a
session that is alone on one server.
"""

import contextlib
import threading
import time

import pymysql
import pytest

from mirror.player import Client, Session
from mirror.response import Response
from readmux import close, one, rows
from servers import APP
from wire import COM_QUERY, MARIADB_CLIENT_CACHE_METADATA, UTF8MB4

BEFORE = (
    "SELECT v FROM {t}",
    "SELECT v FROM {t} LIMIT 2",
    "SELECT 1",
    "SELECT v FROM {t} WHERE id = 99",
    "SELECT SQL_CALC_FOUND_ROWS v FROM {t} LIMIT 1",
    "INSERT INTO {t} (v) VALUES ('more')",
    "INSERT INTO {t} (v) VALUES ('more'), ('and more')",
    "INSERT INTO {t} (id, v) VALUES (4711, 'given')",
    "INSERT INTO {t} (id, v) VALUES (1, 'twice')",
    "INSERT IGNORE INTO {t} (id, v) VALUES (1, 'twice')",
    "REPLACE INTO {t} (id, v) VALUES (1, 'other')",
    "UPDATE {t} SET v = CONCAT(v, 'x')",
    "DELETE FROM {t} WHERE id = 99",
    "DELETE FROM {t} LIMIT 2",
    "SET @a = 1",
    "SET sql_mode = ''",
    "SHOW TABLES LIKE 'nothing'",
    "DESCRIBE {t}",
    "BEGIN",
    "COMMIT",
    "CREATE TABLE IF NOT EXISTS {t} (a INT)",
    "SELECT 1/0",
    "SELECT CAST('a' AS SIGNED), CAST('b' AS SIGNED)",
    "SELECT * FROM nowhere",
    "nonsense",
)
ABOUT = (
    "SELECT ROW_COUNT()",
    "SELECT ROW_COUNT() AS n, FOUND_ROWS(), LAST_INSERT_ID()",
    "SELECT FOUND_ROWS()",
    "SELECT LAST_INSERT_ID()",
    "SELECT LAST_INSERT_ID() + 0",
    "SELECT @@identity, @@last_insert_id",
    "SELECT @@warning_count",
    "SELECT @@error_count",
    "SHOW WARNINGS",
    "SHOW ERRORS",
    "SHOW COUNT(*) WARNINGS",
)
# FOUND_ROWS() behind a statement without a result set differs from version to version.
UNDEFINED = {"SELECT FOUND_ROWS()", "SELECT ROW_COUNT() AS n, FOUND_ROWS(), LAST_INSERT_ID()"}


def answer(connection, sql):
    """Rows and warnings, or the error."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(sql)
            return cursor.fetchall(), cursor.description and [c[0] for c in cursor.description]
        except pymysql.err.MySQLError as error:
            return error.args


def play(connection, table):
    """All answers, by (statement before, statement about it)."""
    answers = {}
    rows(connection, f"DROP TABLE IF EXISTS {table}")
    rows(connection, f"CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)")
    for before in BEFORE:
        for about in ABOUT:
            rows(connection, f"INSERT INTO {table} (v) VALUES ('for its id')")
            rows(connection, f"DELETE FROM {table}")
            rows(connection, f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
            first = answer(connection, before.format(t=table))
            answers[before, about] = (first, answer(connection, about))
            rows(connection, "ROLLBACK")
    return answers


@pytest.fixture
def bustle(readmux, shuffled):
    """Sessions of the same user that use every connection that is free."""
    over = threading.Event()

    def hurry(port, number):
        connection = readmux.connect(port=port)
        while not over.is_set():
            rows(connection, f"SELECT {number}, 1/0 UNION SELECT 2, 3")
            rows(connection, "DO 1")
        close(connection)

    threads = [threading.Thread(target=hurry, args=(port, n))
               for n in range(2) for port in (readmux.port, shuffled.port)]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", ("plain", "shuffled"))
def test_answers_are_those_of_one_server(readmux, shuffled, cluster, bustle, table, how):
    with cluster.primary.connect(user=APP.name, password=APP.password, database="app",
                                 autocommit=True) as direct:
        expected = play(direct, table)
    port = (shuffled if how == "shuffled" else readmux).port
    connection = readmux.connect(port=port, autocommit=True)
    seen = play(connection, table)
    close(connection)
    wrong = {key: (seen[key], expected[key]) for key in expected if seen[key] != expected[key]
             and not (key[1] in UNDEFINED and expected[key][0][1] is None)}
    assert not wrong, "\n".join(f"{before} -> {about}: {got} instead of {want}"
                                for (before, about), (got, want) in wrong.items())


@pytest.mark.only("mariadb")
def test_warnings_for_a_client_that_keeps_definitions(start_readmux):
    """What was kept of them came from a connection whose server was not asked for that."""
    readmux = start_readmux(workers=1, pool={"max_connections": 1})
    client = Client("mysql_native_password", MARIADB_CLIENT_CACHE_METADATA, UTF8MB4)
    session = Session(readmux.port, client, schema="app")
    other = Session(readmux.port, client, schema="app")

    def ask(session, text):
        session.wire.command(COM_QUERY, text)
        return Response(session.wire, {}).read(COM_QUERY)

    ask(session, b"SELECT 1/0")
    for server in (b"mysql-1", b"mysql-2"):     # on the one connection of each
        ask(other, b"SELECT /* readmux: backend=" + server + b" */ 1")
    warnings = ask(session, b"SHOW WARNINGS")
    assert [packet.what for packet in warnings] == \
        ["count", "column", "column", "column", "end", "row", "end"]
    assert warnings[0].payload == b"\x03\x01"
    for used in (session, other):
        used.wire.socket.close()


def test_found_rows_outlive_a_doubt_about_the_insert_id(readmux, table):
    """The id of an INSERT that ran on the same server connection is asked for before, not after."""
    connection = readmux.connect(autocommit=True)
    rows(connection, f"DROP TABLE {table}")
    rows(connection, f"CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY)")
    rows(connection, f"INSERT INTO {table} VALUES (NULL), (NULL), (NULL)")
    rows(connection, f"INSERT INTO {table} VALUES (17)")
    rows(connection, f"SELECT /* readmux: primary */ SQL_CALC_FOUND_ROWS id FROM {table} LIMIT 1")
    assert rows(connection, "SELECT FOUND_ROWS(), LAST_INSERT_ID()") == ((4, 1),)
    close(connection)


def test_what_a_function_leaves_is_not_disturbed(readmux, cluster, table):
    """readmux asks the server what a function has set, but not with a statement."""
    cluster.primary.sql(f"CREATE FUNCTION {table}_f() RETURNS INT DETERMINISTIC RETURN 1")
    connection = readmux.connect()
    try:
        rows(connection, f"SELECT {table}_f(), CAST('1x' AS SIGNED)")
        ((_, number, _),) = rows(connection, "SHOW WARNINGS")
        assert number == 1292
        rows(connection, f"SELECT {table}_f() FROM (SELECT 1 UNION SELECT 2) t")
        assert one(connection, "SELECT FOUND_ROWS()") == 2
    finally:
        close(connection)
        cluster.primary.sql(f"DROP FUNCTION {table}_f")


def test_an_answer_that_comes_late_is_not_the_last_word(shuffled, table):
    """What SIGNAL has left of LAST_INSERT_ID() is told by another connection, after the INSERT's."""
    with contextlib.closing(shuffled.connect()) as session:
        for number in range(1, 41):
            with pytest.raises(pymysql.err.MySQLError):
                rows(session, "SIGNAL SQLSTATE '45000'")
            rows(session, f"INSERT INTO {table} (v) VALUES ('{number}')")
            assert one(session, "SELECT LAST_INSERT_ID()") == number


# --- inside expressions, and while others use the connections ----------------------------

@pytest.fixture
def three(cluster, table):
    """A table with three rows, on every server."""
    cluster.primary.sql(f"DROP TABLE IF EXISTS {table}")
    cluster.primary.sql(f"CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    cluster.primary.sql(f"INSERT INTO {table} (v) VALUES (1), (2), (3)")
    cluster.wait_caught_up()
    return table


def test_numbers_in_expressions(readmux, three):
    connection = readmux.connect(autocommit=True)
    read = f"SELECT /* readmux: replica */ * FROM {three}"
    rows(connection, read)
    rows(connection, "SET @n = FOUND_ROWS()")
    rows(connection, read)
    rows(connection, "SELECT FOUND_ROWS() INTO @m")
    assert rows(connection, "SELECT @n, @m") == ((3, 3),)
    close(connection)
    connection = readmux.connect(autocommit=True)
    rows(connection, read)
    rows(connection, f"INSERT INTO {three} (v) SELECT FOUND_ROWS() + 10")
    rows(connection, read)
    rows(connection, f"INSERT INTO {three} (v) VALUES (FOUND_ROWS() + 20)")
    rows(connection, f"UPDATE {three} SET v = -1 WHERE id < 3")
    assert one(connection, "SELECT IF(ROW_COUNT() > 0, CONCAT('yes', ROW_COUNT()), 'no')") == "yes2"
    assert rows(connection, f"SELECT v FROM {three} WHERE v > 3 ORDER BY v") == ((13,), (24,))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, CONNECTION_ID() + 0 , ROW_COUNT() n, FOUND_ROWS()+1 FROM {three} LIMIT 1")
        assert [column[0] for column in cursor.description] == \
            ["id", "CONNECTION_ID() + 0", "n", "FOUND_ROWS()+1"]
        assert cursor.fetchall()[0][1:] == (connection.thread_id(), -1, 3)
    rows(connection, f"INSERT INTO {three} (v) VALUES (CONNECTION_ID() % 1000000)")
    assert one(connection, f"SELECT v FROM {three} ORDER BY id DESC LIMIT 1") == \
        connection.thread_id() % 1000000
    close(connection)


class Hurry:
    """Other sessions of the user, which use every connection that readmux may have."""

    def __init__(self, readmux):
        # one that has read at the primary stays there until a replica has what it has seen,
        # and with three at the replicas none of them always meets the same
        self.others = {where: [readmux.connect(autocommit=True) for _ in range(3)]
                       for where in ("replica", "primary")}
        threads = [threading.Thread(target=rows, args=(
                       other, f"SELECT /* readmux: {where} */ SLEEP(0.3)"))
                   for where, others in self.others.items() for other in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def __call__(self):
        for where, others in self.others.items():
            for other in others * 3:
                rows(other, f"SELECT /* readmux: {where} */ 1, CAST('their' AS SIGNED)")

    def end(self):
        for others in self.others.values():
            for other in others:
                close(other)


@pytest.mark.timeout(180)
def test_others_use_the_connection(start_readmux, three):
    """Two connections to each server."""
    readmux = start_readmux(workers=1, pool={"max_connections": 2})
    hurry = Hurry(readmux)
    connection = readmux.connect(autocommit=True)
    found = f"SELECT /* readmux: replica */ SQL_CALC_FOUND_ROWS * FROM {three} LIMIT 1"
    bad = f"SELECT CAST('1x' AS SIGNED), CAST('2y' AS SIGNED) FROM {three} LIMIT 1"
    for between in (hurry, lambda: None) * 3:
        rows(connection, found)
        between()
        assert one(connection, "SELECT FOUND_ROWS()") == 3
        rows(connection, found)
        between()
        assert one(connection, "SELECT FOUND_ROWS() + 1") == 4
        rows(connection, found)
        between()
        rows(connection, f"UPDATE {three} SET v = FOUND_ROWS() * 7 WHERE id = 1")
        between()
        assert one(connection, "SELECT IF(ROW_COUNT() > 0, ROW_COUNT(), 'none')") in (1, "1", 0, "none")
        assert one(connection, f"SELECT v FROM {three} WHERE id = 1") == 21
        rows(connection, bad)
        between()
        assert one(connection, "SHOW COUNT(*) WARNINGS") == 2
        warnings = rows(connection, "SHOW WARNINGS")
        assert [(row[1], row[2][-4:]) for row in warnings] == [(1292, "'1x'"), (1292, "'2y'")]
        assert rows(connection, "SHOW WARNINGS LIMIT 1, 1") == warnings[1:]
        assert rows(connection, "SHOW WARNINGS LIMIT 1") == warnings[:1]
        assert rows(connection, "SHOW ERRORS") == ()
        with pytest.raises(pymysql.err.MySQLError):
            rows(connection, "SELECT nothing")
        between()
        assert rows(connection, "SHOW ERRORS")[0][1] == 1054
        assert one(connection, "SHOW COUNT(*) ERRORS") == 1
        assert one(connection, "SELECT @@warning_count + 0") == 1
        rows(connection, found)
        rows(connection, "DO 1")
    rows(connection, bad)
    hurry()
    try:
        rows(connection, "GET DIAGNOSTICS @n = NUMBER")
    except pymysql.err.MySQLError as gone:
        assert "are gone" in str(gone)
    else:                                       # they have not used that connection
        assert one(connection, "SELECT @n") == 2
    close(connection)
    hurry.end()
    readmux.stop()


def test_what_an_idle_connection_knew(start_readmux, three):
    """It is closed for being idle, and says it before."""
    readmux = start_readmux(workers=1, pool={"idle_timeout": "1s"})
    connection = readmux.connect(autocommit=True)
    rows(connection, f"SELECT /* readmux: replica */ SQL_CALC_FOUND_ROWS * FROM {three} LIMIT 1")
    time.sleep(3)
    assert one(connection, "SELECT FOUND_ROWS()") == 3
    rows(connection, f"SELECT CAST('1x' AS SIGNED) FROM {three} LIMIT 1")
    time.sleep(3)
    assert rows(connection, "SHOW WARNINGS")[0][1] == 1292
    close(connection)
    readmux.stop()


def test_insert_ids_that_no_packet_tells(readmux, kind, three):
    connection = readmux.connect(autocommit=True)
    for sql, told in (("DO LAST_INSERT_ID(78)", 78),
                      (f"UPDATE {three} SET v = LAST_INSERT_ID(99) WHERE id = 1", 99),
                      (f"UPDATE {three} SET v = LAST_INSERT_ID(0) WHERE id = 1", 0),
                      (f"INSERT INTO {three} (id, v) VALUES (40, 4)", 0),
                      (f"INSERT INTO {three} (v) VALUES (5)", 41),
                      ("SET @x = LAST_INSERT_ID(79)", 79)):
        rows(connection, sql)
        assert one(connection, "SELECT LAST_INSERT_ID()") == told, sql
    close(connection)
    connection = readmux.connect(autocommit=True)
    if kind == "mariadb":
        rows(connection, f"INSERT INTO {three} (v) VALUES (6) RETURNING id")
        assert one(connection, "SELECT LAST_INSERT_ID()") == 42
    rows(connection, "SET sql_auto_is_null = 1")
    rows(connection, f"INSERT INTO {three} (v) VALUES (7)")
    assert rows(connection, f"SELECT v FROM {three} WHERE id IS NULL") == ((7,),)
    rows(connection, "SET sql_auto_is_null = 0")
    assert rows(connection, f"SELECT v FROM {three} WHERE id IS NULL") == ()
    close(connection)
