# SPDX-License-Identifier: GPL-2.0-or-later
"""Which server runs what (DESIGN.md section 7): seen by @@server_id and by effects."""

import pymysql
import pytest
from pymysql.constants import CLIENT

from readmux import close, one, rows, servers_of, wait_servers_of
from servers import take_port, wait_until

PRIMARY = 100
REPLICAS = {101, 102}


@pytest.mark.smoke
def test_reads_are_spread_within_a_session(session):
    assert servers_of(session) <= REPLICAS
    wait_servers_of(session, REPLICAS)


def test_reads_are_spread_over_sessions(readmux):
    seen = set()

    def complete():
        connection = readmux.connect()
        seen.add(one(connection, "SELECT @@server_id"))
        connection.close()
        return len(seen) > 1

    wait_until(complete, "reads of new sessions by several servers")
    assert seen == REPLICAS


@pytest.mark.smoke
def test_writes_go_to_the_primary(session, table, cluster):
    for _ in range(5):
        rows(session, f"INSERT INTO {table} (v) SELECT @@server_id")
    rows(session, f"UPDATE {table} SET v = CONCAT(v, '/', @@server_id) WHERE id > 2")
    rows(session, f"DELETE FROM {table} WHERE id = 1 AND @@server_id = {PRIMARY}")
    assert [row[0] for row in rows(session, f"SELECT v FROM {table} ORDER BY id")] == \
        ["100", "100/100", "100/100", "100/100"]
    assert cluster.primary.sql(f"SELECT COUNT(*) FROM {table}") == ((4,),)


def test_definitions_go_to_the_primary(session, cluster):
    rows(session, "CREATE TABLE defined (a INT)")
    rows(session, "ALTER TABLE defined ADD b INT")
    rows(session, "DROP TABLE defined")
    cluster.wait_caught_up()
    assert cluster.replicas[0].sql("SHOW TABLES IN app LIKE 'defined'") == ()


@pytest.mark.parametrize("suffix", ("FOR UPDATE", "LOCK IN SHARE MODE", "for /* x */ update"))
def test_locking_reads(session, suffix):
    assert {one(session, f"SELECT @@server_id {suffix}") for _ in range(5)} == {PRIMARY}


@pytest.mark.parametrize("begin, end", (
    ("BEGIN", "COMMIT"),
    ("START TRANSACTION", "ROLLBACK"),
    ("/* a comment */ begin work", "commit work"),
    ("SET autocommit = 0", "SET autocommit = 1"),
))
def test_transactions_stay_on_the_primary(session, begin, end):
    rows(session, begin)
    assert servers_of(session, 10) == {PRIMARY}
    rows(session, end)
    wait_servers_of(session, REPLICAS)


def test_every_transaction_with_autocommit_off(session, table):
    rows(session, "SET autocommit = 0")
    rows(session, f"INSERT INTO {table} (v) VALUES ('kept')")
    rows(session, "COMMIT")
    assert servers_of(session, 10) == {PRIMARY}
    rows(session, f"INSERT INTO {table} (v) VALUES ('lost')")
    rows(session, "ROLLBACK")
    assert servers_of(session, 10) == {PRIMARY}
    rows(session, "COMMIT")
    rows(session, "SET autocommit = 1")
    assert [row[0] for row in rows(session, f"SELECT v FROM {table}")] == ["kept"]


def test_a_transaction_is_one_server_connection(session, table):
    connection_id = None
    rows(session, "BEGIN")
    for number in range(5):
        rows(session, f"INSERT INTO {table} (v) VALUES (%s)", number)
        now = one(session, "SELECT CONNECTION_ID() FOR UPDATE")
        assert connection_id in (None, now)
        connection_id = now
    rows(session, "ROLLBACK")
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 0


def test_chained_transaction(session, table):
    rows(session, "BEGIN")
    rows(session, f"INSERT INTO {table} (v) VALUES ('first')")
    rows(session, "COMMIT AND CHAIN")
    assert servers_of(session, 5) == {PRIMARY}
    rows(session, f"INSERT INTO {table} (v) VALUES ('second')")
    rows(session, "ROLLBACK")
    wait_servers_of(session, REPLICAS)
    assert [row[0] for row in rows(session, f"SELECT v FROM {table}")] == ["first"]


def test_implicit_commit_ends_the_transaction(session, table):
    rows(session, "BEGIN")
    rows(session, f"INSERT INTO {table} (v) VALUES ('kept')")
    rows(session, "CREATE TABLE implicit (a INT)")
    rows(session, "DROP TABLE implicit")
    rows(session, "ROLLBACK")
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 1
    wait_servers_of(session, REPLICAS)


def test_read_only_transaction_is_one_server(session):
    rows(session, "START TRANSACTION READ ONLY")
    assert len(servers_of(session, 10)) == 1
    rows(session, "COMMIT")
    wait_servers_of(session, REPLICAS)


@pytest.mark.parametrize("begin, writes_on", (
    ("BEGIN", ("mariadb",)), ("START TRANSACTION READ WRITE", ("mariadb", "mysql")),
    ("COMMIT AND CHAIN", ())))
def test_a_transaction_after_a_read_only_one(session, table, kind, begin, writes_on):
    """As on each server: whether it may write, and then on the primary."""
    rows(session, "START TRANSACTION READ ONLY")
    assert one(session, "SELECT @@server_id") in REPLICAS
    rows(session, begin)
    insert = f"INSERT INTO {table} (v) VALUES ('new')"
    if kind in writes_on:
        rows(session, insert)
    else:
        with pytest.raises(pymysql.err.MySQLError) as failure:
            rows(session, insert)
        assert failure.value.args[0] == 1792
    rows(session, "COMMIT")
    assert one(session, f"SELECT COUNT(*) FROM {table}") == (kind in writes_on)


# ------------------------------------------------------------- several in one text

def results_of(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        answers = [cursor.fetchall()]
        while cursor.nextset():
            answers.append(cursor.fetchall())
        return answers


@pytest.fixture
def multi(readmux):
    connection = readmux.connect(client_flag=CLIENT.MULTI_STATEMENTS)
    yield connection
    close(connection)


def test_several_reads_in_one_text(multi):
    for _ in range(10):
        (((first,),), ((second,),)) = results_of(multi, "SELECT @@server_id; SELECT @@server_id")
        assert first == second and first in REPLICAS


def test_a_write_takes_the_whole_text_to_the_primary(multi, table):
    for _ in range(5):
        answers = results_of(multi, f"SELECT @@server_id; INSERT INTO {table} (v) VALUES (1); "
                                    "SELECT @@server_id")
        assert answers == [((PRIMARY,),), (), ((PRIMARY,),)]
    assert one(multi, f"SELECT COUNT(*) FROM {table}") == 5


def test_an_error_ends_a_text_of_several(multi, table):
    with pytest.raises(pymysql.err.MySQLError):
        results_of(multi, f"INSERT INTO {table} (v) VALUES ('before'); SELECT * FROM missing; "
                          f"INSERT INTO {table} (v) VALUES ('after')")
    assert [row[0] for row in rows(multi, f"SELECT v FROM {table}")] == ["before"]


def test_several_in_one_text_must_be_asked_for(session):
    with pytest.raises(pymysql.err.MySQLError) as failure:
        rows(session, "SELECT 1; SELECT 2")
    assert failure.value.args[0] == 1064


# --------------------------------------------------------- what looks like a read

def test_into_a_user_variable(session):
    rows(session, "SELECT @@server_id INTO @where_it_ran")
    assert one(session, "SELECT @where_it_ran") == PRIMARY


def test_user_lock(readmux):
    holder, other = readmux.connect(), readmux.connect()
    try:
        assert one(holder, "SELECT GET_LOCK('readmux test', 0)") == 1
        assert one(other, "SELECT GET_LOCK('readmux test', 0)") == 0
        holder.close()
        assert one(other, "SELECT GET_LOCK('readmux test', 10)") == 1
    finally:
        close(holder)
        close(other)


@pytest.fixture
def writing_view(cluster, table):
    """A view that looks like a table and writes when it is read."""
    cluster.primary.sql(
        "CREATE FUNCTION app.writes() RETURNS INT MODIFIES SQL DATA "
        f"BEGIN INSERT INTO {table} (v) VALUES (@@server_id); RETURN @@server_id; END",
        "CREATE VIEW app.harmless AS SELECT app.writes() AS server")
    cluster.wait_caught_up()
    yield "harmless"
    cluster.primary.sql("DROP VIEW app.harmless", "DROP FUNCTION app.writes")


def test_own_function_goes_to_the_primary(session, writing_view, table):
    assert one(session, "SELECT app.writes()") == PRIMARY
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 1


def test_what_a_replica_refuses_runs_on_the_primary(session, writing_view, table):
    for times in (1, 2, 3):
        assert one(session, f"SELECT * FROM {writing_view}") == PRIMARY
        assert one(session, f"SELECT COUNT(*) FROM {table}") == times


# --------------------------------------------------------------------- asked for

def test_what_differs_by_server_is_the_primarys(readmux, cluster):
    session = readmux.connect(user="root", password="")
    cluster.primary.sql("DROP EVENT IF EXISTS app.rare",
                        "CREATE EVENT app.rare ON SCHEDULE EVERY 1 YEAR DO SET @x = 1",
                        "DROP FUNCTION IF EXISTS app.fq",
                        "CREATE FUNCTION app.fq(a INT) RETURNS INT NO SQL RETURN a")
    cluster.wait_caught_up()
    before = one(session, "SELECT @@global.max_connect_errors")
    rows(session, "SET GLOBAL max_connect_errors = 4711")
    for _ in range(4):
        assert one(session, "SELECT @@global.max_connect_errors") == 4711
        assert one(session, "SELECT status FROM information_schema.events "
                            "WHERE event_name = 'rare'") == "ENABLED"
        assert "ENABLED" in rows(session, "SHOW EVENTS")[0]
        assert "DISABLE ON" not in str(rows(session, "SHOW CREATE EVENT rare"))
    rows(session, f"SET GLOBAL max_connect_errors = {before}")
    rows(session, "SET sql_mode = 'ANSI_QUOTES'")
    assert rows(session, 'SELECT "fq"(3), @@server_id') == ((3, 100),)
    rows(session, "SET sql_mode = DEFAULT")
    rows(session, "USE information_schema")
    assert one(session, "SELECT @@server_id FROM processlist LIMIT 1") == 100
    rows(session, "USE app")
    cluster.primary.sql("DROP EVENT app.rare", "DROP FUNCTION app.fq")
    close(session)


def test_hints(session):
    assert {one(session, "/* readmux: primary */ SELECT @@server_id")
            for _ in range(5)} == {PRIMARY}
    assert {one(session, "SELECT /* readmux: backend=mysql-2 */ @@server_id")
            for _ in range(5)} == {102}
    rows(session, "BEGIN")
    assert one(session, "/* readmux: replica */ SELECT @@server_id") == PRIMARY
    rows(session, "COMMIT")


def test_read_only_address(start_readmux, table):
    read_port = take_port()
    process = start_readmux()
    process.stop()
    process.settings["listen"].append({"address": f"127.0.0.1:{read_port}", "route": "read"})
    process.start()
    connection = process.connect(port=read_port)
    wait_servers_of(connection, REPLICAS)
    with pytest.raises(pymysql.err.MySQLError):
        rows(connection, f"INSERT INTO {table} (v) VALUES (1)")
    connection.close()
    connection = process.connect()
    assert one(connection, f"SELECT COUNT(*) FROM {table}") == 0
    connection.close()


def test_reads_at_the_primary_when_configured(workspace, cluster):
    from readmux import Readmux
    process = Readmux(workspace.directory("consistency-primary-" + cluster.kind.name),
                      [server.endpoint for server in cluster.servers],
                      consistency="primary").start()
    connection = process.connect()
    try:
        assert servers_of(connection) == {PRIMARY}
    finally:
        close(connection)
        process.stop()


# ---------------------------------------------------------------------- own writes

STOP_APPLYING = {"mariadb": "STOP SLAVE SQL_THREAD", "mysql": "STOP REPLICA SQL_THREAD"}
START_APPLYING = {"mariadb": "START SLAVE SQL_THREAD", "mysql": "START REPLICA SQL_THREAD"}


def test_a_session_sees_its_own_writes(session, table):
    for number in range(100):
        rows(session, f"INSERT INTO {table} (v) VALUES (%s)", number)
        assert one(session, f"SELECT COUNT(*) FROM {table}") == number + 1


@pytest.mark.parametrize("behind", (1, 2))
def test_own_writes_while_replicas_are_behind(readmux, breakable, table, kind, behind):
    connection = readmux.connect()
    try:
        for replica in breakable.replicas[:behind]:
            replica.sql(STOP_APPLYING[kind])
        for number in range(10):
            rows(connection, f"INSERT INTO {table} (v) VALUES (%s)", number)
            for _ in range(3):
                assert one(connection, f"SELECT COUNT(*) FROM {table}") == number + 1
    finally:
        for replica in breakable.replicas[:behind]:
            replica.sql(START_APPLYING[kind])
        close(connection)
