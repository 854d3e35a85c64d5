# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGTERM: stop accepting, finish what runs, exit 0."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from readmux import close, one, rows
from servers import wait_until


def accepts(process):
    try:
        process.connect(connect_timeout=2).close()
        return True
    except pymysql.err.MySQLError:
        return False


@pytest.mark.smoke
def test_idle_sessions(start_readmux):
    process = start_readmux()
    connections = [process.connect() for _ in range(5)]
    begin = time.monotonic()
    assert process.terminate() == 0
    assert time.monotonic() - begin < 8
    for connection in connections:
        with pytest.raises(pymysql.err.MySQLError):
            rows(connection, "SELECT 1")
        close(connection)


def test_a_running_statement_ends(start_readmux):
    process = start_readmux()
    connection = process.connect()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(rows, connection, "SELECT SLEEP(2), 'whole'")
        time.sleep(0.5)
        process.process.send_signal(signal.SIGTERM)
        assert running.result(timeout=10) == ((0, "whole"),)
    assert process.wait_end() == 0
    close(connection)


def test_a_transaction_ends(start_readmux, table, cluster):
    process = start_readmux()
    connection = process.connect()
    rows(connection, "BEGIN")
    rows(connection, f"INSERT INTO {table} (v) VALUES ('before')")
    process.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not accepts(process), "new clients are refused")
    rows(connection, f"INSERT INTO {table} (v) VALUES ('after')")
    assert one(connection, f"SELECT COUNT(*) FROM {table}") == 2
    rows(connection, "COMMIT")
    assert process.wait_end() == 0
    assert cluster.primary.sql(f"SELECT COUNT(*) FROM {table}") == ((2,),)
    close(connection)


def test_a_transaction_that_does_not_end(start_readmux, table, cluster):
    process = start_readmux(drain={"timeout": "1s"})
    connection = process.connect()
    rows(connection, "BEGIN")
    rows(connection, f"INSERT INTO {table} (v) VALUES ('never committed')")
    begin = time.monotonic()
    assert process.terminate() == 0
    assert 0.9 < time.monotonic() - begin < 6
    with pytest.raises(pymysql.err.MySQLError):
        rows(connection, "COMMIT")
    close(connection)
    cluster.primary.sql(f"ALTER TABLE {table} ADD COLUMN w INT")        # no lock is left
    assert cluster.primary.sql(f"SELECT COUNT(*) FROM {table}") == ((0,),)


def test_a_large_result_ends(start_readmux):
    process = start_readmux()
    connection = process.connect(cursorclass=pymysql.cursors.SSCursor)
    cursor = connection.cursor()
    cursor.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "
                   "SELECT i, REPEAT('x', 1000000) FROM n")
    cursor.fetchone()
    process.process.send_signal(signal.SIGTERM)
    assert sum(len(text) for _, text in cursor) == 49 * 1000000
    cursor.close()
    assert process.wait_end() == 0
    close(connection)


def test_log_tells_of_the_end(start_readmux):
    process = start_readmux()
    process.stop()
    lines = process.log_text().splitlines()
    assert all(" " in line and "=" in line for line in lines), lines
    assert any("SIGTERM" in line or "drain" in line or "shut" in line for line in lines[-20:]), lines
