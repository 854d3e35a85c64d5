# SPDX-License-Identifier: GPL-2.0-or-later
"""
kill -9 of each server at each phase, with the results that DESIGN.md section 10
promises: reads move on, writes wait, what may have run is never run again, and
the session survives all of it.
"""

import contextlib
import hashlib
import os
import re
import signal
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from readmux import Readmux, close, one, rows, servers_of, wait_servers_of
from servers import take_port, wait_until
from servers.accounts import APP, SECOND
from wire import (CLIENT_LOCAL_FILES, COM_PING, COM_QUERY, COM_RESET_CONNECTION, COM_STATISTICS,
                  COM_STMT_EXECUTE, COM_STMT_PREPARE, COM_STMT_SEND_LONG_DATA, Refused, Wire)

ROLLED_BACK, LOST, NO_SERVER = 1213, 2013, 1053
# More than all socket buffers hold, in rows of <length> bytes, each with its own.
LONG_RESULT = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
    SELECT @@server_id, CONCAT(a.i, '-', b.i), REPEAT(SHA2(CONCAT(a.i, '-', b.i), 256), {length} / 64)
    FROM n a, n b WHERE b.i * {length} < 600000
"""


def check_long_row(row):
    _, name, text = row
    assert text == hashlib.sha256(name.encode()).hexdigest() * (len(text) // 64)


@pytest.fixture
def background():
    """background(function, *arguments): a future."""
    with ThreadPoolExecutor(4) as pool:
        yield pool.submit


def error_of(call):
    with pytest.raises(pymysql.err.MySQLError) as failure:
        call()
    return failure.value.args


def running_at(cluster, text):
    """The server that runs a statement with <text> in it, when there is one."""
    for server in cluster.servers:
        if server.alive() and not server.frozen and server.sql(
                "SELECT id FROM information_schema.processlist "
                f"WHERE info LIKE '%{text}%' AND info NOT LIKE '%processlist%'"):
            return server
    return None


def goes_on(connection, table):
    """The session is as good as new, for reads and writes."""
    assert one(connection, "SELECT 'alive'") == "alive"
    rows(connection, f"INSERT INTO {table} (v) VALUES ('goes on')")
    assert one(connection, f"SELECT COUNT(*) FROM {table} WHERE v = 'goes on'") == 1


# ------------------------------------------------------------------------------ idle

@pytest.mark.parametrize("ordinal", (1, 2))
def test_idle_replica(session, breakable, table, ordinal):
    one(session, "SELECT 1")
    victim = breakable.servers[ordinal]
    victim.kill9()
    # what it was shown may be known to the victim and the primary alone
    assert one(session, "SELECT @@server_id") != victim.server_id
    wait_servers_of(session, {203 - victim.server_id})
    goes_on(session, table)


def test_statistics_without_the_primary(readmux, breakable):
    breakable.primary.kill9()
    with Wire(readmux.port) as wire:
        wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
        assert wire.ask(COM_STATISTICS).startswith(b"Uptime: ")


def test_both_replicas(session, breakable, table):
    for replica in breakable.replicas:
        replica.kill9()
    for _ in range(20):
        assert one(session, "SELECT @@server_id") == 100
    goes_on(session, table)


def test_reads_without_the_primary(readmux, session, breakable):
    breakable.primary.kill9()
    for _ in range(50):
        assert one(session, "SELECT @@server_id") in (101, 102)
    newcomer = readmux.connect()
    assert one(newcomer, "SELECT @@server_id") in (101, 102)
    newcomer.close()


def test_writes_wait_for_the_primary(session, breakable, table, background):
    breakable.primary.kill9()
    write = background(rows, session, f"INSERT INTO {table} (v) VALUES ('waited')")
    time.sleep(1)
    assert not write.done(), "a write without a primary did not wait"
    breakable.primary.start()
    assert write.result(timeout=20) == ()
    assert breakable.primary.sql(f"SELECT COUNT(*) FROM {table}") == ((1,),)


def test_a_replica_comes_back(readmux, session, breakable):
    victim = breakable.replicas[0]
    victim.kill9()
    assert one(session, "SELECT @@server_id") == 102
    victim.start()
    readmux.sees_all(breakable)


# ------------------------------------------------------------------------- mid-result

def test_replica_before_the_first_row(session, breakable, background):
    read = background(rows, session, "SELECT @@server_id, SLEEP(1.5)")
    victim = wait_until(lambda: running_at(breakable, "SLEEP(1.5)"), "the read runs")
    assert not victim.is_primary
    victim.kill9()
    ((server_id, slept),) = read.result(timeout=20)
    assert server_id != victim.server_id and slept == 0
    assert one(session, "SELECT 1") == 1


@contextlib.contextmanager
def locked(server, table):
    """Reads of <table> wait at <server>, a replica."""
    holder = server.connect(database="app")
    if server.kind.name != "mariadb":
        rows(holder, "SET GLOBAL super_read_only = 0")      # or nobody may lock
    try:
        rows(holder, f"LOCK TABLES {table} WRITE")
        yield
    finally:
        if server.alive():
            rows(holder, "UNLOCK TABLES")
            if server.kind.name != "mariadb":
                rows(holder, "SET GLOBAL super_read_only = 1")
        close(holder)


def test_a_read_that_waits_on_a_replica_that_stops(readmux, breakable, table, background):
    """MySQL interrupts it as if somebody had killed it (1317), and closes the connection then."""
    breakable.wait_caught_up()
    connection, sql = readmux.connect(), f"SELECT @@server_id, COUNT(*) FROM {table}"
    with contextlib.ExitStack() as others, contextlib.ExitStack() as locks:
        for replica in breakable.replicas:
            (others if replica is breakable.replicas[1] else locks).enter_context(
                locked(replica, table))
        read = background(rows, connection, sql)
        victim = wait_until(lambda: running_at(breakable, sql), "the read waits")
        (locks if victim is breakable.replicas[1] else others).close()
        victim.stop()
        ((server_id, count),) = read.result(timeout=20)
    assert server_id != victim.server_id and count == 0
    goes_on(connection, table)
    connection.close()


def test_a_read_that_ends_servers(readmux, breakable, table, background):
    """After two of them in the middle of it, it is not run by a third."""
    connection, killed = readmux.connect(), []
    read = background(error_of, lambda: rows(connection, "SELECT @@server_id, SLEEP(3)"))
    for _ in range(2):
        killed.append(wait_until(lambda: running_at(breakable, "SLEEP(3)"), "the read runs"))
        killed[-1].kill9()
    number, text = read.result(timeout=20)
    assert number == LOST and all(victim.name in text for victim in killed)
    assert not running_at(breakable, "SLEEP(3)")
    breakable.mend()
    goes_on(connection, table)
    connection.close()


def test_replicas_that_die_together(readmux, breakable, background):
    """The second one had not begun the read, so that it does not count."""
    connection = readmux.connect()
    servers_of(connection)              # there are connections to all
    read = background(one, connection, "SELECT @@server_id + SLEEP(2)")
    wait_until(lambda: running_at(breakable, "SLEEP(2)"), "the read runs")
    for replica in breakable.replicas:
        os.kill(replica.pid, signal.SIGKILL)
    assert read.result(timeout=20) == 100
    for replica in breakable.replicas:
        replica.process.wait()
    connection.close()


def read_to_the_end(cursor):
    while row := cursor.fetchone():
        check_long_row(row)


@pytest.fixture
def either(readmux, start_readmux, both_ways):
    """readmux with servers that it reaches with TLS, and without."""
    return readmux if both_ways["backends"]["tls"] == "preferred" else start_readmux(**both_ways)


def test_replica_after_the_first_row(either, breakable, table):
    connection = either.connect(cursorclass=pymysql.cursors.SSCursor)
    cursor = connection.cursor()
    cursor.execute(LONG_RESULT.format(length=5000))
    victim = breakable.server_with_id(cursor.fetchone()[0])
    assert not victim.is_primary
    victim.kill9()
    number, text = error_of(lambda: read_to_the_end(cursor))
    assert number == LOST and victim.name in text
    connection.cursorclass = pymysql.cursors.Cursor
    goes_on(connection, table)
    connection.close()


def test_replica_inside_a_very_large_row(either, breakable):
    """An ERR packet cannot begin inside a row: the client is disconnected, and may come again."""
    connection = either.connect(cursorclass=pymysql.cursors.SSCursor)
    cursor = connection.cursor()
    cursor.execute(LONG_RESULT.format(length=500000))
    breakable.server_with_id(cursor.fetchone()[0]).kill9()
    assert error_of(lambda: read_to_the_end(cursor))[0] == LOST
    close(connection)
    connection = either.connect()
    assert one(connection, "SELECT 'alive'") == "alive"
    connection.close()


def test_primary_after_the_first_row(either, breakable, table):
    connection = either.connect(cursorclass=pymysql.cursors.SSCursor)
    cursor = connection.cursor()
    cursor.execute("/* readmux: primary */" + LONG_RESULT.format(length=5000))
    assert cursor.fetchone()[0] == 100
    breakable.primary.kill9()
    number, text = error_of(lambda: read_to_the_end(cursor))
    assert number == LOST and "mysql-0" in text
    connection.cursorclass = pymysql.cursors.Cursor
    assert one(connection, "SELECT 'alive'") == "alive"
    breakable.primary.start()
    goes_on(connection, table)
    connection.close()


@pytest.mark.smoke
def test_a_loop_of_reads_has_no_error(readmux, breakable):
    """Sessions that stay and sessions that come and go, while replicas die and return."""
    stop, errors, counts = threading.Event(), [], []

    def loop(stays):
        connection, count = readmux.connect(), 0
        try:
            while not stop.is_set():
                if not stays:
                    connection.close()
                    connection = readmux.connect()
                assert one(connection, "SELECT @@server_id") in (100, 101, 102)
                count += 1
        except Exception as why:        # whatever it is, it must not happen
            errors.append(repr(why))
        counts.append(count)
        close(connection)

    threads = [threading.Thread(target=loop, args=(stays,)) for stays in (True, True, False)]
    for thread in threads:
        thread.start()
    try:
        for victim in breakable.replicas * 2:
            victim.kill9()
            time.sleep(0.5)
            victim.start()
            time.sleep(1)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert errors == []
    assert len(counts) == 3 and min(counts) > 50


# -------------------------------------------------------------------------- mid-login

@pytest.mark.parametrize("ordinal", (0, 1, 2))
def test_while_logging_in(start_readmux, breakable, background, ordinal):
    """The login needs a server (nothing is known of the user yet), which dies over it."""
    fresh = start_readmux()
    victim = breakable.servers[ordinal]
    if not victim.is_primary:           # which is asked first
        breakable.primary.kill9()
        breakable.servers[3 - ordinal].kill9()
        wait_until(lambda: [each["usable"] for each in fresh.status()["backends"]].count(True) == 1,
                   "only the victim is in")
    victim.freeze()
    login = background(fresh.connect, SECOND.name, SECOND.password)
    time.sleep(0.3)
    victim.kill9()
    if not victim.is_primary:
        breakable.servers[3 - ordinal].launch()
    connection = login.result(timeout=20)
    assert one(connection, "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)") == SECOND.name
    connection.close()


# -------------------------------------------------------------------- mid-transaction

def test_primary_between_statements_of_a_transaction(session, breakable, table):
    rows(session, "BEGIN")
    rows(session, f"INSERT INTO {table} (v) VALUES ('rolled back')")
    breakable.primary.kill9()
    number, text = error_of(lambda: rows(session, f"INSERT INTO {table} (v) VALUES ('no')"))
    assert number == ROLLED_BACK and "mysql-0" in text
    assert one(session, "SELECT @@server_id") in (101, 102)     # outside of a transaction
    breakable.primary.start()
    goes_on(session, table)
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 1


def test_a_new_beginning_forgets_what_was_lost(readmux, breakable, table):
    """COM_RESET_CONNECTION and COM_CHANGE_USER are asked for what has happened anyway."""
    wires = [Wire(readmux.port).log_in(APP.name, APP.password, "caching_sha2_password", "app")
             for _ in range(2)]
    for wire in wires:
        wire.query("BEGIN")
        wire.query(f"INSERT INTO {table} (v) VALUES ('rolled back')")
    breakable.primary.kill9()
    breakable.primary.start()
    assert wires[0].ask(COM_RESET_CONNECTION)[0] == 0
    wires[1].change_user(APP.name, APP.password, "caching_sha2_password", "app")
    for wire in wires:
        assert wire.query(f"SELECT COUNT(*) FROM {table}") == [[b"0"]]
        wire.socket.close()


@pytest.mark.parametrize("statement", ("SELECT COUNT(*) FROM {}", "INSERT INTO {} (v) VALUES (2)"),
                         ids=("read", "write"))
def test_primary_during_a_statement_of_a_transaction(session, breakable, table, background,
                                                     statement):
    rows(session, "BEGIN")
    rows(session, f"INSERT INTO {table} (v) VALUES ('rolled back')")
    breakable.primary.freeze()
    running = background(error_of, lambda: rows(session, statement.format(table)))
    time.sleep(0.4)
    breakable.primary.kill9()
    assert running.result(timeout=20)[0] == ROLLED_BACK
    breakable.primary.start()
    goes_on(session, table)
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 1


def test_primary_while_autocommit_is_off(session, breakable, table):
    rows(session, "SET autocommit = 0")
    rows(session, f"INSERT INTO {table} (v) VALUES ('rolled back')")
    breakable.primary.kill9()
    assert error_of(lambda: rows(session, "COMMIT"))[0] == ROLLED_BACK
    breakable.primary.start()
    assert one(session, "SELECT @@autocommit") == 0             # that outlives the server
    rows(session, "SET autocommit = 1")
    goes_on(session, table)


def test_primary_during_commit(session, breakable, table, background):
    rows(session, "BEGIN")
    rows(session, f"INSERT INTO {table} (v) VALUES ('who knows')")
    breakable.primary.freeze()
    commit = background(error_of, lambda: rows(session, "COMMIT"))
    time.sleep(0.4)
    breakable.primary.kill9()
    number, text = commit.result(timeout=20)
    assert number == LOST and "may or may not" in text
    breakable.primary.start()
    goes_on(session, table)
    assert one(session, f"SELECT COUNT(*) FROM {table} WHERE v = 'who knows'") in (0, 1)


def test_primary_during_an_autocommit_write(session, breakable, table, background):
    breakable.primary.freeze()
    write = background(error_of, lambda: rows(session, f"INSERT INTO {table} (v) VALUES ('once')"))
    time.sleep(0.4)
    breakable.primary.kill9()
    number, text = write.result(timeout=20)
    assert number == LOST and "may or may not" in text
    breakable.primary.start()
    goes_on(session, table)
    assert one(session, f"SELECT COUNT(*) FROM {table} WHERE v = 'once'") in (0, 1)


COMMITTING = {
    "set autocommit": ("SET autocommit = 0", "SET autocommit = 1"),
    "set computed autocommit": ("SET autocommit = 0", "SET autocommit = (SELECT 1)"),
    "begin": ("BEGIN", "BEGIN"),
    "start": ("BEGIN", "START TRANSACTION"),
    "start read only": ("BEGIN", "START TRANSACTION READ ONLY"),
    "execute": ("PREPARE ends FROM 'COMMIT'", "BEGIN", "EXECUTE ends"),
    "call": ("BEGIN", "CALL app.does_nothing()"),
    "definition": ("BEGIN", "CREATE TABLE app.never (a INT)"),
    "several": ("BEGIN", "SELECT 1; COMMIT"),
    "not understood": ("BEGIN", "FROB"),
    "long": ("BEGIN", "SELECT 1 /* {} */".format("x" * 1100000)),
    "xa prepare": ("XA START 'rmx'", "XA PREPARE 'rmx'"),
}
KEEPING = {
    "call that was not sent": ("BEGIN", "CALL app.does_nothing()"),
    "savepoint": ("BEGIN", "SAVEPOINT a"),
    "set": ("BEGIN", "SET @a = 1"),
    "use": ("BEGIN", "USE app_other"),
    "function": ("BEGIN", "SELECT SLEEP(0) FOR UPDATE"),
    "several keeping": ("BEGIN", "SELECT 1; SELECT 2"),
    "execute a read": ("PREPARE looks FROM 'SELECT 1'", "BEGIN", "EXECUTE looks"),
}


def test_primary_during_what_may_commit(readmux, breakable, table, background):
    """Only of what surely did not commit the client is told to run it again."""
    flag = pymysql.constants.CLIENT.MULTI_STATEMENTS
    cases, running = {**COMMITTING, **KEEPING}, {}
    breakable.primary.sql("CREATE OR REPLACE PROCEDURE app.does_nothing() DO 1"
                          if breakable.kind.name == "mariadb" else
                          "CREATE PROCEDURE IF NOT EXISTS app.does_nothing() DO 1")
    sessions = {name: readmux.connect(client_flag=flag) for name in cases}
    for name, (*before, _) in cases.items():
        for sql in before:
            rows(sessions[name], sql)
        if name != "call":      # it would ask for its insert id first
            rows(sessions[name], f"INSERT INTO {table} (v) VALUES ('{name}')")
        if name == "xa prepare":
            rows(sessions[name], "XA END 'rmx'")
    breakable.primary.freeze()
    with ThreadPoolExecutor(len(cases)) as pool:
        for name, (*_, sql) in cases.items():
            running[name] = pool.submit(error_of, lambda s=sessions[name], sql=sql: rows(s, sql))
        wait_until(lambda: readmux.status()["sessions"].get("ready", 0) == 0,
                   "every statement is on its way", 20)
        time.sleep(0.3)
        breakable.primary.kill9()
        told = {name: each.result(timeout=20)[0] for name, each in running.items()}
    assert told == {name: LOST if name in COMMITTING else ROLLED_BACK for name in cases}
    breakable.primary.start()
    for session in sessions.values():
        close(session)


def test_primary_during_a_prepared_commit(readmux, breakable, table):
    """COM_STMT_EXECUTE of COMMIT, and of an INSERT."""
    wires, told = [], []
    for sql in ("COMMIT", f"INSERT INTO {table} (v) VALUES (1)"):
        wire = Wire(readmux.port).log_in(APP.name, APP.password, "caching_sha2_password", "app")
        statement = wire.ask(COM_STMT_PREPARE, sql.encode())[1:5]
        wire.query("BEGIN")
        wire.query(f"INSERT INTO {table} (v) VALUES (2)")
        wires.append((wire, statement))
    breakable.primary.freeze()
    for wire, statement in wires:
        wire.command(COM_STMT_EXECUTE, statement + b"\0\1\0\0\0")
    time.sleep(0.5)
    breakable.primary.kill9()
    for wire, _ in wires:
        with wire, pytest.raises(Refused) as refusal:
            wire.read_good_packet()
        told.append(refusal.value.number)
    assert told == [LOST, ROLLED_BACK]
    breakable.primary.start()


def test_a_prepared_xa_transaction_outlives_its_server(readmux, breakable, table, background):
    """It is not said to be rolled back, neither when it is to be nor when its session idles."""
    session, idle = readmux.connect(), readmux.connect()
    for connection, xid in ((session, "'rmx2'"), (idle, "'rmx3'")):
        for sql in ("XA START {}", f"INSERT INTO {table} (v) VALUES (1)", "XA END {}",
                    "XA PREPARE {}"):
            rows(connection, sql.format(xid))
    breakable.primary.freeze()
    running = background(error_of, lambda: rows(session, "XA ROLLBACK 'rmx2'"))
    time.sleep(0.5)
    breakable.primary.kill9()
    assert running.result(timeout=20)[0] == LOST
    assert error_of(lambda: rows(idle, "SELECT 1"))[0] == LOST
    breakable.primary.start()
    breakable.primary.sql("XA ROLLBACK 'rmx2'", "XA COMMIT 'rmx3'")
    assert breakable.primary.sql(f"SELECT COUNT(*) FROM {table}") == ((1,),)
    close(session)
    close(idle)


def test_replicas_during_a_transaction(session, breakable, table):
    rows(session, "BEGIN")
    rows(session, f"INSERT INTO {table} (v) VALUES ('kept')")
    for replica in breakable.replicas:
        replica.kill9()
    assert one(session, f"SELECT COUNT(*) FROM {table}") == 1
    rows(session, "COMMIT")
    assert one(session, f"SELECT v FROM {table}") == "kept"


def test_server_of_a_read_only_transaction(session, breakable, table):
    rows(session, "START TRANSACTION READ ONLY")
    victim = breakable.server_with_id(one(session, "SELECT @@server_id"))
    victim.kill9()
    assert error_of(lambda: rows(session, "SELECT 1"))[0] == ROLLED_BACK
    if victim.is_primary:
        victim.start()
    goes_on(session, table)


def test_primary_with_a_temporary_table(session, breakable, table):
    """State that only the server had is lost, and the client is told so once."""
    rows(session, "CREATE TEMPORARY TABLE mine (a INT)")
    breakable.primary.kill9()
    breakable.primary.start()
    number, text = error_of(lambda: rows(session, "SELECT * FROM mine"))
    assert number == LOST and "mysql-0" in text
    assert error_of(lambda: rows(session, "SELECT * FROM mine"))[0] == 1146
    goes_on(session, table)


# ---------------------------------------------------------------------- slow, or gone

def test_a_frozen_replica_is_left(readmux, breakable):
    breakable.replicas[0].freeze()
    connection = readmux.connect(read_timeout=15)
    for _ in range(20):
        assert one(connection, "SELECT @@server_id") == 102
    breakable.replicas[0].thaw()
    connection.close()


def test_nothing_usable(start_readmux, breakable, table):
    impatient = start_readmux(wait={"read": "1s", "write": "1500ms"})
    connection = impatient.connect()
    rows(connection, "SET group_concat_max_len = 4321")
    for server in breakable.servers:
        server.kill9()
    for sql, limit in (("SELECT 1", 1.0), (f"INSERT INTO {table} (v) VALUES ('no')", 1.5)):
        begin = time.monotonic()
        number, text = error_of(lambda: rows(connection, sql))
        waited = time.monotonic() - begin
        assert number == NO_SERVER and "mysql-0" in text
        assert limit - 0.1 <= waited < limit + 3
    breakable.mend()
    impatient.sees_all(breakable)
    goes_on(connection, table)
    assert one(connection, "SELECT @@group_concat_max_len") == 4321
    assert one(connection, f"SELECT COUNT(*) FROM {table} WHERE v = 'no'") == 0
    connection.close()


def test_reads_wait_for_any_server(start_readmux, breakable, background):
    session = start_readmux(wait={"read": "30s"}).connect()     # a server may be slow to start
    for server in breakable.servers:
        server.kill9()
    read = background(one, session, "SELECT @@server_id")
    time.sleep(0.5)
    assert not read.done()
    breakable.replicas[1].start()
    assert read.result(timeout=40) == 102
    session.close()


def test_logins_wait_for_a_server(start_readmux, breakable, background):
    process = start_readmux(login={"timeout": "40s"})
    hasty = start_readmux(login={"timeout": "1s"})
    for server in breakable.servers:
        server.kill9()
    wait_until(lambda: not any(each["usable"] for each in hasty.status()["backends"]),
               "all are out", 20)
    number, text = error_of(lambda: hasty.connect(connect_timeout=20))
    assert number == 1040 and "mysql-0 is down" in text
    logins = [background(process.connect, connect_timeout=60) for _ in range(3)]
    time.sleep(0.5)
    assert not any(each.done() for each in logins)
    breakable.mend()
    for each in logins:
        connection = each.result(timeout=60)
        assert one(connection, "SELECT 1") == 1
        connection.close()


def test_no_server_was_ever_there(workspace):
    lonely = Readmux(workspace.directory("lonely"),
                     [f"127.0.0.1:{take_port()}" for _ in range(2)])
    lonely.launch()
    wait_until(lambda: _listens(lonely), "readmux listens")
    number, text = error_of(lonely.connect)
    assert number == 1040 and "mysql-0" in text
    lonely.stop()


def _listens(process):
    assert process.alive(), process.log_text()
    try:
        process.socket().close()
        return True
    except OSError:
        return False


def test_servers_that_come_up_later(workspace, cluster):
    """readmux may start before its servers."""
    ports = {server: server.port for server in cluster.servers}
    for server in cluster.servers:
        server.kill9()
    early = Readmux(workspace.directory(f"early-{cluster.kind.name}"),
                    [f"127.0.0.1:{port}" for port in ports.values()])
    early.launch()
    cluster.mend()
    early.wait_serving()
    early.sees_all(cluster)
    early.stop()


# ------------------------------------------ statements that no server ever answers

LONG = 3_000_000        # longer than what is kept, so it is passed on while it arrives


@pytest.fixture
def impatient(start_readmux, breakable):
    return start_readmux(wait={"read": "1s", "write": "1s"})


@pytest.mark.parametrize("length", (100, LONG), ids=("short", "long"))
def test_a_write_of_any_length_that_waits_in_vain(impatient, breakable, table, length):
    breakable.primary.kill9()
    connection = impatient.connect()
    insert = f"INSERT INTO {table} (v) VALUES (LENGTH('{'x' * length}'))"
    for _ in range(2):
        assert error_of(lambda: rows(connection, insert))[0] == NO_SERVER
        assert one(connection, "SELECT @@server_id") in (101, 102)
    breakable.mend()
    impatient.sees_all(breakable)
    rows(connection, insert)
    assert one(connection, f"SELECT v FROM {table}") == str(length)
    connection.close()


def test_a_long_write_is_interrupted_while_it_waits(start_readmux, breakable, table, background):
    process = start_readmux()
    breakable.primary.kill9()
    connection, other = process.connect(), process.connect()
    insert = f"INSERT INTO {table} (v) VALUES (LENGTH('{'x' * LONG}'))"
    write = background(error_of, lambda: rows(connection, insert))
    time.sleep(1)
    rows(other, f"KILL QUERY {connection.thread_id()}")
    assert write.result(timeout=20)[0] == 1317
    assert one(connection, "SELECT 1") == 1
    close(connection)
    close(other)


# ----------------------------------------------------- prepared, with data sent ahead

def prepare_long(port, sql):
    """(wire, statement) of <sql>, which has one parameter."""
    wire = Wire(port).log_in(APP.name, APP.password, "caching_sha2_password", "app")
    payload = wire.ask(COM_STMT_PREPARE, sql.encode())
    statement, columns, parameters = struct.unpack_from("<IHH", payload, 1)
    for _ in range(sum(count + 1 for count in (columns, parameters) if count)):
        wire.read_good_packet()
    return wire, statement


def send_ahead(wire, statement, data):
    wire.command(COM_STMT_SEND_LONG_DATA, struct.pack("<IH", statement, 0) + data)


def execute_sent(wire, statement):
    return wire.ask(COM_STMT_EXECUTE, struct.pack("<IBI", statement, 0, 1) + b"\0\1\xfb\0")


@pytest.mark.parametrize("length", (100, LONG), ids=("short", "long"))
def test_data_sent_ahead_waits_in_vain(impatient, breakable, table, length):
    """It is answered with the execution that it is for, and with nothing else."""
    wire, statement = prepare_long(impatient.port, f"INSERT INTO {table} (v) VALUES (LENGTH(?))")
    with wire:
        breakable.primary.kill9()
        send_ahead(wire, statement, b"x" * length)
        send_ahead(wire, statement, b"y" * 50)      # too late as well
        assert wire.query("SELECT 'in step'") == [[b"in step"]]
        with pytest.raises(Refused) as failure:
            execute_sent(wire, statement)
        assert failure.value.number == NO_SERVER
        assert wire.query("SELECT 'in step'") == [[b"in step"]]
        breakable.mend()
        impatient.sees_all(breakable)
        send_ahead(wire, statement, b"z" * length)
        assert execute_sent(wire, statement)[0] == 0
        assert wire.query(f"SELECT v FROM {table}") == [[str(length).encode()]]


@pytest.mark.parametrize("length", (100, LONG), ids=("short", "long"))
@pytest.mark.parametrize("look", (True, False), ids=("noticed", "unnoticed"))
def test_data_sent_ahead_is_lost(impatient, breakable, table, length, look):
    """What was sent to a server that died is not executed without it, nor with half of it."""
    wire, statement = prepare_long(impatient.port, f"INSERT INTO {table} (v) VALUES (LENGTH(?))")
    with wire:
        send_ahead(wire, statement, b"x" * length)
        if look:
            assert wire.ask(COM_PING)[0] == 0       # by its server, so it has arrived
        breakable.primary.kill9()
        breakable.mend()
        impatient.sees_all(breakable)
        send_ahead(wire, statement, b"y" * 50)
        if look:
            with pytest.raises(Refused) as failure:
                wire.query("SELECT 1")
            assert failure.value.number == LOST
        with pytest.raises(Refused) as failure:
            execute_sent(wire, statement)
        # unnoticed, it may also have come when the server was dead, and waited in vain
        assert failure.value.number == LOST or (not look and failure.value.number == NO_SERVER)
        send_ahead(wire, statement, b"z" * length)
        assert execute_sent(wire, statement)[0] == 0
        assert wire.query(f"SELECT v FROM {table}") == [[str(length).encode()]]


@pytest.mark.parametrize("statement", ("SELECT SLEEP(2), LENGTH(?)",
                                       "INSERT INTO {} (v) VALUES (SLEEP(2) + LENGTH(?))"),
                         ids=("read", "write"))
def test_a_long_execution_whose_server_dies(readmux, breakable, table, background, statement):
    """It was passed on while it came and cannot be run again; the session goes on."""
    wire, number = prepare_long(readmux.port, statement.format(table))
    with wire:
        wire.command(COM_STMT_EXECUTE, struct.pack("<IBI", number, 0, 1) + b"\0\1\xfb\0"
                     + b"\xfd" + LONG.to_bytes(3, "little") + b"w" * LONG)
        victim = wait_until(lambda: running_at(breakable, "SLEEP(2)"), "it runs")
        victim.kill9()
        with pytest.raises(Refused) as failure:
            wire.read_good_packet()
        assert failure.value.number == LOST
        assert wire.query("SELECT 'in step'") == [[b"in step"]]


def test_a_long_execution_whose_server_takes_its_leave(readmux, breakable, background):
    wire, number = prepare_long(readmux.port, "SELECT SLEEP(5), LENGTH(?)")
    with wire:
        wire.command(COM_STMT_EXECUTE, struct.pack("<IBI", number, 0, 1) + b"\0\1\xfb\0"
                     + b"\xfd" + LONG.to_bytes(3, "little") + b"w" * LONG)
        victim = wait_until(lambda: running_at(breakable, "SLEEP(5)"), "it runs")
        victim.stop()
        with contextlib.suppress(Refused):      # or SLEEP() was given up, and all went well
            for _ in range(6):                  # number of columns, two of them, EOF, row, EOF
                wire.read_good_packet()
        assert wire.query("SELECT 'in step'") == [[b"in step"]]


# --------------------------------------------------------------------- local files

@pytest.fixture
def local_files(breakable):
    """Servers that take files of clients."""
    for server in breakable.servers:
        server.sql("SET GLOBAL local_infile = 1")


def begin_file(port, table):
    """A wire with a LOAD DATA that has had two rows of its file."""
    wire = Wire(port, extra=CLIENT_LOCAL_FILES)
    wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
    assert wire.ask(COM_QUERY, f"LOAD DATA LOCAL INFILE 'f' INTO TABLE {table}".encode()) == b"\xfbf"
    wire.write_packet(b"1\tone\n2\ttwo\n")
    return wire


@pytest.mark.parametrize("transaction", (False, True), ids=("autocommit", "transaction"))
@pytest.mark.parametrize("ended", (False, True), ids=("in-the-file", "behind-it"))
def test_the_server_of_a_local_file_dies(readmux, breakable, table, local_files, ended, transaction):
    wire = Wire(readmux.port, extra=CLIENT_LOCAL_FILES)
    with wire:
        wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
        if transaction:
            wire.query("BEGIN")
        assert wire.ask(COM_QUERY, f"LOAD DATA LOCAL INFILE 'f' INTO TABLE {table}".encode()) \
            == b"\xfbf"
        wire.write_packet(b"1\tone\n2\ttwo\n")
        if ended:
            breakable.primary.freeze()
            wire.write_packet(b"")
            time.sleep(0.3)
        breakable.primary.kill9()
        if not ended:
            time.sleep(0.3)
            wire.write_packet(b"3\tthree\n" * 100000)
            wire.write_packet(b"")
        with pytest.raises(Refused) as failure:
            wire.read_good_packet()
        assert failure.value.number == (ROLLED_BACK if transaction else LOST)
        assert transaction or "may or may not" in failure.value.text
        assert wire.query("SELECT 'in step'") == [[b"in step"]]
        breakable.mend()
        assert int(wire.query(f"SELECT COUNT(*) FROM {table}")[0][0]) == 0 or ended


def test_the_client_of_a_local_file_goes_away(readmux, breakable, table, local_files):
    """Nothing of the file stays, and the connection is not given to anybody else."""
    for _ in range(3):
        with begin_file(readmux.port, table):
            pass
    connection = readmux.connect()
    rows(connection, f"INSERT INTO {table} (v) VALUES ('after')")
    wait_until(lambda: not running_at(breakable, "LOAD DATA"), "no LOAD DATA runs")
    assert breakable.primary.sql(f"SELECT v FROM {table}") == (("after",),)
    connection.close()


# ------------------------------------------------------------------- another server

def test_another_server_behind_an_address(start_readmux, breakable, table):
    """A fresh connection asks who it has reached; nothing that writes runs before it knows."""
    process = start_readmux(probe={"interval": "3s"})       # hardly a probe is in time
    process.sees_all(breakable)
    primary = breakable.primary
    primary.sql("SET GLOBAL server_id = 4711")
    try:
        session = process.connect(user=SECOND.name, password=SECOND.password)
        rows(session, f"INSERT INTO {table} (v) VALUES ('who')")
        assert re.search("another server has taken (its|the) address", process.log_text())
        assert primary.sql(f"SELECT COUNT(*) FROM {table}") == ((1,),)
        session.close()
    finally:
        primary.sql("SET GLOBAL server_id = 100")
