# SPDX-License-Identifier: GPL-2.0-or-later
"""Statements and rows of any size, and a client that does not read."""

import hashlib
import os
import random
import time

import pymysql
import pytest

from readmux import TLS, TOP, Readmux, close, one, rows, vanish
from wire import COM_QUERY

MiB = 1 << 20
SIZES = {"3MB": 3 * 10**6, "16MiB-1": 16 * MiB - 1, "16MiB": 16 * MiB, "17MiB": 17 * MiB,
         "40MB": 40 * 10**6}

# Memory is measured in a build without sanitizers, whatever else runs with them.
PLAIN_BINARY = os.environ.get("READMUX_PLAIN_BIN") or os.path.join(TOP, "build/readmux")


@pytest.fixture(scope="module")
def module_settings(both_ways):
    return both_ways


@pytest.fixture(params=SIZES)
def size(request):
    return SIZES[request.param]


def sha2(text):
    return hashlib.sha256(text.encode()).hexdigest()


def text_of(length):
    """No part of it looks like another, so that a lost or doubled piece shows."""
    block = "".join(f"{number:08x}" for number in range(length // 8 + 1))
    return block[:length]


def test_statement_of_exactly_this_size(session, size):
    """The payload, command byte and all, has <size> bytes."""
    head, tail = "SELECT SHA2('", "', 256)"
    text = text_of(size - 1 - len(head) - len(tail))
    assert one(session, head + text + tail) == sha2(text)
    assert one(session, "SELECT 1") == 1


def test_statement_that_is_kept_up_to_the_limit(start_readmux, size):
    """With sessions.max_statement at its maximum, as long as one packet."""
    keeper = start_readmux(sessions={"max_statement": "16M"})
    session = keeper.connect()
    head, tail = "SELECT @@server_id <> 100, SHA2('", "', 256)"
    text = text_of(size - 1 - len(head) - len(tail))
    for _ in range(2):
        ((on_replica, digest),) = rows(session, head + text + tail)
        assert digest == sha2(text) and on_replica == (size < 16 * MiB - 1)
    session.close()


def test_row_of_exactly_this_size(session, size):
    """The payload, the text's length and all, has <size> bytes."""
    length = size - (4 if size < 16 * MiB else 5 if size - 4 < 16 * MiB else 9)
    block = "0123456789abcdef"
    text = one(session, f"SELECT LEFT(REPEAT('{block}', {length // 16 + 1}), {length})")
    assert len(text) == length and text == (block * (length // 16 + 1))[:length]
    assert one(session, "SELECT 1") == 1


@pytest.fixture(scope="module")
def roomy(cluster):
    """InnoDB in MySQL refuses values larger than a tenth of its redo log."""
    if cluster.kind.name == "mysql":
        for server in cluster.servers:
            server.sql("SET GLOBAL innodb_redo_log_capacity = 1024 * 1024 * 1024")
    yield
    if cluster.kind.name == "mysql":
        for server in cluster.servers:
            server.sql("SET GLOBAL innodb_redo_log_capacity = 64 * 1024 * 1024")


def test_stored_and_read_back(session, cluster, roomy, size):
    rows(session, "CREATE TABLE large (id INT PRIMARY KEY, v LONGTEXT)")
    try:
        text = text_of(size)
        rows(session, f"INSERT INTO large VALUES (1, '{text}')")
        assert one(session, "SELECT v FROM large WHERE id = 1") == text
        cluster.wait_caught_up(60)
        for _ in range(4):
            assert one(session, "SELECT SHA2(v, 256) FROM large WHERE id = 1") == sha2(text)
    finally:
        rows(session, "DROP TABLE large")


# ------------------------------------------------------------ many rows, every byte

LENGTHS = (20000, 33000, 70000, 100000, 300000, 1000000, 1100000)
ROWS_EACH = 6


def content(number, length):
    """Of row <number>; no part of it looks like another, or like one of another row."""
    return random.Random(number).randbytes(length // 2).hex()


@pytest.fixture(scope="module")
def many_rows(cluster, roomy):
    """A table of long rows; the contents by number."""
    lengths = [length for length in LENGTHS for _ in range(ROWS_EACH)]
    expected = {number: content(number, length) for number, length in enumerate(lengths)}
    with cluster.primary.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE app.many_rows (id INT PRIMARY KEY, v LONGTEXT)")
        for row in expected.items():
            cursor.execute("INSERT INTO app.many_rows VALUES (%s, %s)", row)
    cluster.wait_caught_up(60)
    yield expected
    cluster.primary.sql("DROP TABLE app.many_rows")


@pytest.mark.parametrize("options", ({}, TLS), ids=("plain", "tls"))
def test_every_byte_of_long_rows(readmux, many_rows, options):
    """Rows that do not fit into one read, one after the other."""
    connection = readmux.connect(**options)
    for length in (*LENGTHS, 0):
        wanted = {number: text for number, text in many_rows.items() if length in (0, len(text))}
        got = rows(connection, "SELECT id, v FROM many_rows WHERE id IN "
                   f"({', '.join(map(str, wanted))}) ORDER BY SHA2(id, 256)")
        assert len(got) == len(wanted)
        assert [number for number, text in got if text != wanted[number]] == [], length
    connection.close()


def test_large_over_tls(readmux):
    connection = readmux.connect(**TLS)
    text = text_of(17 * MiB)
    assert one(connection, f"SELECT '{text}'") == text
    connection.close()


def test_too_large_for_the_server(readmux, session):
    """Beyond max_allowed_packet the server's error or a lost connection, and nothing worse."""
    with pytest.raises(pymysql.err.MySQLError):
        one(session, f"SELECT LENGTH('{'x' * (130 * MiB)}')")
    other = readmux.connect()
    assert one(other, "SELECT 1") == 1
    other.close()


# ------------------------------------------------------ a client that stops reading

LONG_RESULT = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
    SELECT i, REPEAT('x', 1000000) FROM n
"""
MEMORY_LIMIT = 32 * MiB


def highest_rss(process, seconds):
    highest, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        highest = max(highest, process.rss_bytes())
        time.sleep(0.05)
    return highest


@pytest.fixture
def plain_readmux(workspace, cluster, request):
    directory = workspace.directory(f"plain-{request.node.name}")
    process = Readmux(directory, [server.endpoint for server in cluster.servers],
                      binary=PLAIN_BINARY).start()
    process.sees_all(cluster)
    yield process
    process.stop()


@pytest.mark.parametrize("options", ({}, TLS), ids=("plain", "tls"))
def test_a_client_that_stops_reading(plain_readmux, options):
    reader = plain_readmux.connect(cursorclass=pymysql.cursors.SSCursor, **options)
    other = plain_readmux.connect()
    cursor = reader.cursor()
    cursor.execute(LONG_RESULT)
    assert highest_rss(plain_readmux, 3) < MEMORY_LIMIT
    assert one(other, "SELECT 1") == 1          # others go on
    total = 0
    for number, text in cursor:
        total += 1
        assert number == total and len(text) == 1000000
        if total % 50 == 0:
            assert plain_readmux.rss_bytes() < MEMORY_LIMIT
    assert total == 200
    cursor.close()
    assert one(reader, "SELECT 1") == 1
    reader.close()
    other.close()


def test_a_client_that_leaves_in_the_middle(readmux):
    before = readmux.open_files()
    for _ in range(4):
        reader = readmux.connect(cursorclass=pymysql.cursors.SSCursor)
        cursor = reader.cursor()
        cursor.execute(LONG_RESULT.replace("200", "40"))
        cursor.fetchone()
        vanish(reader)
    connection = readmux.connect()
    assert one(connection, "SELECT 1") == 1
    connection.close()
    assert readmux.open_files() < before + 8       # two for each that were left


def test_a_statement_that_arrives_slowly(readmux):
    """A long statement in small pieces, with pauses; other sessions are not held up."""
    from servers import APP
    from wire import Wire
    other = readmux.connect()
    with Wire(readmux.port) as wire:
        wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
        sql = b"SELECT LENGTH('" + b"y" * 2000000 + b"')"
        packet = (len(sql) + 1).to_bytes(3, "little") + b"\0" + bytes([COM_QUERY]) + sql
        for at in range(0, len(packet), 400000):
            wire.write_raw(packet[at:at + 400000])
            assert one(other, "SELECT 1") == 1
            time.sleep(0.05)
        first = wire.read_good_packet()
        assert first == b"\x01"
        for _ in range(2):
            wire.read_good_packet()
        assert wire.read_good_packet() == b"\x072000000"
    close(other)
