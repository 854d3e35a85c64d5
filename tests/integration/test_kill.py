# SPDX-License-Identifier: GPL-2.0-or-later
"""KILL by the ids that readmux's clients were told, wherever the statement runs."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from readmux import at_primary, close, one, rows
from servers import APP, ROOT, kind_named, wait_until
from servers.accounts import SECOND
from wire import COM_STMT_EXECUTE, COM_STMT_PREPARE, Wire

INTERRUPTED, UNKNOWN_THREAD, NOT_OWNER = 1317, 1094, 1095
LOST = (2006, 2013)


@pytest.fixture
def victim(readmux):
    connection = readmux.connect()
    yield connection
    close(connection)


def error_of(call):
    with pytest.raises(pymysql.err.MySQLError) as failure:
        call()
    return failure.value.args[0]


class Running:
    """A long statement in the background; its seconds, and its error number or None."""

    def __init__(self, cluster, connection, sql):
        self._pool = ThreadPoolExecutor(1)
        self._began = time.monotonic()
        self._done = self._pool.submit(self._run, connection, sql)
        wait_until(lambda: self._seen(cluster, sql), f"{sql} runs", 20)

    @staticmethod
    def _seen(cluster, sql):
        return any(server.sql("SELECT 1 FROM information_schema.processlist "
                              f"WHERE info = '{sql}'") for server in cluster.servers)

    def _run(self, connection, sql):
        try:
            rows(connection, sql)
            return None
        except pymysql.err.MySQLError as error:
            return error.args[0]

    def error(self):
        """None when the server gave up BENCHMARK() or SLEEP() without calling that an error."""
        error = self._done.result(timeout=30)
        assert time.monotonic() - self._began < 25, "it was not interrupted"
        self._pool.shutdown()
        return error


def test_the_ids_agree(victim):
    assert one(victim, "SELECT CONNECTION_ID()") == victim.thread_id()
    assert rows(victim, "SELECT 'x', CONNECTION_ID() AS id, NULL") == \
        (("x", victim.thread_id(), None),)
    assert one(victim, "SELECT @@pseudo_thread_id") == victim.thread_id()
    assert one(victim, "SELECT COUNT(*) FROM information_schema.processlist "
                       "WHERE id = CONNECTION_ID()") == 1


@pytest.mark.parametrize("sql", ("DO SLEEP(30)", "SELECT BENCHMARK(4000000000, SHA2(1, 512))"))
def test_kill_query(readmux, cluster, victim, session, sql):
    running = Running(cluster, victim, sql)
    rows(session, f"KILL QUERY {victim.thread_id()}")
    assert running.error() in (INTERRUPTED, None)
    assert one(victim, "SELECT 'alive'") == "alive"


def test_an_interrupted_read_is_not_run_again(readmux, cluster, victim, session):
    """Whether its server is closing was asked before it was told."""
    sql = "SELECT COUNT(*), SUM(SLEEP(2)) FROM information_schema.columns"
    running = Running(cluster, victim, sql)
    rows(session, f"KILL QUERY {victim.thread_id()}")
    assert running.error() == INTERRUPTED
    assert not Running._seen(cluster, sql)
    assert one(victim, "SELECT 'alive'") == "alive"


def test_kill_query_in_a_transaction(readmux, cluster, victim, session, table):
    rows(victim, "BEGIN")
    rows(victim, f"INSERT INTO {table} (v) VALUES ('kept')")
    running = Running(cluster, victim, "SELECT BENCHMARK(4000000000, SHA2(2, 512))")
    rows(session, f"KILL QUERY {victim.thread_id()}")
    assert running.error() in (INTERRUPTED, None)
    assert one(victim, f"SELECT COUNT(*) FROM {table}") == 1
    rows(victim, "COMMIT")
    assert at_primary(session, f"SELECT COUNT(*) FROM {table}") == 1


@pytest.mark.parametrize("sql", ("KILL {id}", "KILL CONNECTION {id}"))
def test_kill_connection(cluster, victim, session, sql):
    running = Running(cluster, victim, "SELECT BENCHMARK(4000000000, SHA2(3, 512))")
    rows(session, sql.format(id=victim.thread_id()))
    assert running.error() in LOST
    wait_until(lambda: not Running._seen(cluster, "SELECT BENCHMARK(4000000000, SHA2(3, 512))"),
               "the server has stopped, too")


def test_kill_idle_connection(victim, session):
    rows(session, f"KILL {victim.thread_id()}")
    assert error_of(lambda: one(victim, "SELECT 1")) in LOST
    assert error_of(lambda: rows(session, f"KILL {victim.thread_id()}")) == UNKNOWN_THREAD


def test_process_kill(cluster, victim, session):
    """COM_PROCESS_KILL, as mysqladmin sends it."""
    running = Running(cluster, victim, "SELECT BENCHMARK(4000000000, SHA2(4, 512))")
    session.kill(victim.thread_id())
    assert running.error() in LOST


def test_kill_oneself(victim, session, kind):
    assert error_of(lambda: rows(victim, "KILL QUERY CONNECTION_ID()")) == INTERRUPTED
    assert one(victim, "SELECT 1") == 1
    killed = 1927 if kind == "mariadb" else INTERRUPTED
    assert error_of(lambda: rows(victim, f"KILL {victim.thread_id()}")) == killed
    assert error_of(lambda: one(victim, "SELECT 1")) in LOST


def test_kill_what_waits(readmux, breakable, victim, session):
    """A write waits for the primary; the kill comes from a session that has one more word."""
    breakable.primary.kill9()
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(error_of, lambda: rows(victim, "DELETE FROM app.nothing WHERE 1 = 0"))
        time.sleep(0.3)
        rows(session, f"KILL QUERY {victim.thread_id()}")
        assert waits.result(timeout=10) == INTERRUPTED
    breakable.primary.start()
    assert one(victim, "SELECT 1") == 1


def test_others(readmux, cluster, victim):
    """Who may kill whom is the server's decision."""
    stranger = readmux.connect(SECOND.name, SECOND.password)
    running = Running(cluster, victim, "SELECT BENCHMARK(4000000000, SHA2(5, 512))")
    assert error_of(lambda: rows(stranger, f"KILL QUERY {victim.thread_id()}")) == NOT_OWNER
    root = readmux.connect(ROOT.name, ROOT.password)
    rows(root, f"KILL QUERY {victim.thread_id()}")
    assert running.error() in (INTERRUPTED, None)
    close(stranger)
    close(root)


def test_ids_of_servers(readmux, cluster):
    """An id from SHOW PROCESSLIST is the primary's own."""
    with cluster.primary.connect() as direct:
        thread = one(direct, "SELECT CONNECTION_ID()")
        root = readmux.connect(ROOT.name, ROOT.password)
        rows(root, f"KILL {thread}")
        assert error_of(lambda: one(direct, "SELECT 1")) in LOST
        close(root)


def test_only_that_statement_is_hit(victim, session, table):
    """Who was told that it is done may go on: the KILL does not hit what comes next."""
    rows(victim, "BEGIN")
    with ThreadPoolExecutor(1) as pool:
        for number in range(40):
            running = pool.submit(rows, victim, "SELECT SLEEP(0.003)")
            rows(session, f"KILL QUERY {victim.thread_id()}")
            if running.exception() is not None:
                assert running.exception().args[0] == INTERRUPTED
            rows(victim, f"INSERT INTO {table} (v) VALUES ('{number}')")
    rows(victim, "COMMIT")
    assert at_primary(session, f"SELECT COUNT(*) FROM {table}") == 40


def test_prepared_kill(readmux, cluster, victim):
    running = Running(cluster, victim, "SELECT BENCHMARK(4000000000, SHA2(7, 512))")
    with Wire(readmux.port) as killer:
        killer.log_in(APP.name, APP.password, "caching_sha2_password", "app")
        prepared = killer.ask(COM_STMT_PREPARE, f"KILL QUERY {victim.thread_id()}".encode())
        (number,) = struct.unpack_from("<I", prepared, 1)
        assert killer.ask(COM_STMT_EXECUTE, struct.pack("<IBI", number, 0, 1))[0] == 0
    assert running.error() in (INTERRUPTED, None)


def test_ctrl_c_in_the_command_line_client(readmux, cluster, kind):
    sql = "SELECT BENCHMARK(4000000000, SHA2(8, 512))"
    keyboard, screen = pty.openpty()
    client = subprocess.Popen(
        [*kind_named(kind).client_command(), "--host=127.0.0.1", f"--port={readmux.port}",
         f"--user={APP.name}", f"--password={APP.password}", "app"],
        stdin=screen, stdout=screen, stderr=screen, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(screen)
    try:
        os.write(keyboard, sql.encode() + b";\n")
        wait_until(lambda: Running._seen(cluster, sql), "it runs", 20)
        os.write(keyboard, b"\x03")
        wait_until(lambda: not Running._seen(cluster, sql), "it was interrupted", 20)
        os.write(keyboard, b"SELECT CONCAT('al', 'ive');\nexit\n")
        shown = read_all(keyboard)
        assert b"alive" in shown, shown
        assert client.wait(10) == 0
    finally:
        client.kill()
        client.wait()
        os.close(keyboard)


def read_all(terminal):
    """All that comes until the other side is closed."""
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 65536):
            shown += piece
    return shown
