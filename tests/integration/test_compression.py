# SPDX-License-Identifier: GPL-2.0-or-later
"""
Compression toward clients (zlib, and zstd where the server has it) and toward
servers: real clients, what the numbers of packets do, and broken packets.
"""

import hashlib
import itertools
import os
import signal
import subprocess
from datetime import datetime, timedelta

import pymysql
import pytest

from compressed import CLIENT_COMPRESS, CLIENT_ZSTD, PACK, CompressedWire, Counting, framed
from readmux import TLS, TOP, Readmux, at_primary, close, one, rows, yaml_text
from servers import APP, wait_until
from servers.accounts import SECOND
from servers.cluster import kind_named
from wire import COM_PING, COM_QUERY, Refused, Wire

MiB = 1 << 20
PLUGIN = "caching_sha2_password"

_numbers = itertools.count(1)

# Memory is measured in a build without sanitizers, whatever else runs with them.
PLAIN_BINARY = os.environ.get("READMUX_PLAIN_BIN") or os.path.join(TOP, "build/readmux")


def algorithms_of(kind):
    return ("zlib", "zstd") if kind == "mysql" else ("zlib",)


# ------------------------------------------------------------------------ real clients

TRANSPORTS = {
    "mariadb": {"plain": ["--skip-ssl"], "tls": ["--ssl"]},
    "mysql": {"plain": ["--ssl-mode=DISABLED", "--get-server-public-key"],
              "tls": ["--ssl-mode=REQUIRED"]},
}
CLIENTS = {
    "mariadb-zlib": ("mariadb", ["--compress"]),
    "mysql-zlib": ("mysql", ["--commands", "--compression-algorithms=zlib"]),
    "mysql-zstd": ("mysql", ["--commands", "--compression-algorithms=zstd",
                             "--zstd-compression-level=7"]),
}


def on_mysql_only(*values, when):
    """Parameters, of which those are for MySQL alone that <when> picks."""
    return [pytest.param(value, marks=[pytest.mark.only("mysql")] if when(value) else [])
            for value in values]


@pytest.fixture(params=on_mysql_only(*((client, way) for client in CLIENTS
                                       for way in ("plain", "tls")),
                                     when=lambda value: value[0].startswith("mysql")),
                ids="-".join)
def client(request, kind):
    """client(port, sql, ...): the output of a command-line client that compresses."""
    name, way = request.param
    program, options = CLIENTS[name]

    def run(port, sql, *more):
        command = [*kind_named(program).client_command(), "--host=127.0.0.1", f"--port={port}",
                   f"--user={APP.name}", f"--password={APP.password}", "--batch",
                   "--skip-column-names", "--max-allowed-packet=64M",
                   *TRANSPORTS[program][way], *options, *more, "app"]
        done = subprocess.run(command, input=sql, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.tls = way == "tls"
    return run


def text_of(length):
    """No part of it looks like another, so that a lost or doubled piece shows."""
    return "".join(f"{number:08x}" for number in range(length // 8 + 1))[:length]


@pytest.mark.smoke
def test_client_compresses(readmux, client):
    assert "\tCompressed" in client(readmux.port, "\\s\n").replace(" ", "\t")


@pytest.mark.timeout(240)
def test_large_result(readmux, client):
    with Counting(readmux.port) as count:
        answer = client(count.port, "SELECT REPEAT('0123456789abcdef', 1100000);\n")
        assert answer == "0123456789abcdef" * 1100000 + "\n"
        assert count.down < 2 * MiB


def test_large_statement(readmux, client):
    text = text_of(17 * MiB)
    with Counting(readmux.port) as count:
        answer = client(count.port, f"SELECT SHA2('{text}', 256);\n")
        assert answer == hashlib.sha256(text.encode()).hexdigest() + "\n"
        assert count.up < 12 * MiB


def test_many_small_statements(readmux, client):
    sql = "".join(f"SELECT {number}, '{'x' * (number % 200)}';\n" for number in range(2000))
    assert client(readmux.port, sql).splitlines() == \
        [f"{number}\t{'x' * (number % 200)}" for number in range(2000)]


@pytest.fixture
def server_takes_files(cluster):
    cluster.primary.sql("SET GLOBAL local_infile = ON")
    yield
    cluster.primary.sql(f"SET GLOBAL local_infile = "
                        f"{'ON' if cluster.kind.name == 'mariadb' else 'OFF'}")


@pytest.fixture
def file_of_lines(tmp_path):
    path = tmp_path / "lines"
    path.write_text("".join(f"{number}\tline {number} {'y' * (number % 90)}\n"
                            for number in range(1, 100001)))
    return path


LOADED = "SELECT COUNT(*), SUM(id), SUM(LENGTH(v)) FROM {table}"


def expected_of(path):
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return (len(lines), sum(int(line[0]) for line in lines), sum(len(line[1]) for line in lines))


def test_local_file(readmux, client, table, server_takes_files, file_of_lines):
    """Its packets are counted on from the server's request, more than 256 of them."""
    answer = client(readmux.port, f"LOAD DATA LOCAL INFILE '{file_of_lines}' INTO TABLE {table};\n"
                                  f"BEGIN; {LOADED.format(table=table)}; COMMIT; SELECT 'on';\n",
                    "--local-infile=1")
    assert answer.split() == [*map(str, expected_of(file_of_lines)), "on"]


def test_is_not_offered_by_mistake(readmux, kind):
    """zlib always; zstd as the mirrored server does, of which MariaDB's clients know nothing."""
    with Wire(readmux.port) as wire:
        offered = wire.read_greeting().capabilities
    assert offered & CLIENT_COMPRESS
    assert bool(offered & CLIENT_ZSTD) == (kind == "mysql")


# ---------------------------------------------------------------------- packet by packet

@pytest.fixture(params=on_mysql_only("zlib", "zstd", when=lambda value: value == "zstd"))
def algorithm(request, kind):
    return request.param


@pytest.fixture
def wire(readmux, algorithm):
    with CompressedWire(readmux.port, algorithm) as wire:
        yield wire.log_in(APP.name, APP.password, PLUGIN, "app", tls=True)


def query_packet(sql):
    return (len(sql) + 1).to_bytes(3, "little") + b"\0" + bytes([COM_QUERY]) + sql.encode()


def read_rows(wire):
    """The one value of a result with one row."""
    assert wire.read_good_packet() == b"\x01"
    for _ in range(2):
        wire.read_good_packet()
    row = wire.read_good_packet()
    wire.read_good_packet()
    return row[1:].decode()


@pytest.mark.smoke
def test_query(wire):
    assert wire.query("SELECT 1") == [[b"1"]]
    assert wire.query(f"SELECT '{'long ' * 1000}'") == [[b"long " * 1000]]
    assert wire.query("SELECT 2") == [[b"2"]]


def test_pieces_of_any_size(wire):
    """A packet across compressed packets, stored and packed, and empty ones in between."""
    packet = query_packet("SELECT '" + "pieces " * 20 + "'")
    for size in (1, 3, 4, 5, 60, 100):
        wire.number = 0
        for at in range(0, len(packet), size):
            wire.send(b"", stored=True)
            wire.send(packet[at:at + size], stored=at // size % 2 == 0)
        assert read_rows(wire) == "pieces " * 20


def test_bytes_of_any_size(wire):
    """Compressed packets that arrive in small pieces."""
    packet = query_packet(f"SELECT SHA2('{text_of(3000)}', 256)")
    body = PACK[wire.algorithm](packet)
    coded = framed(body, 0, len(packet))
    for size in (1, 6, 8, 500):
        wire.number = 1
        for at in range(0, len(coded), size):
            wire.write_raw(coded[at:at + size])
        assert read_rows(wire) == hashlib.sha256(text_of(3000).encode()).hexdigest()


def test_commands_ahead(wire):
    """Commands sent before their answers are read: each answer goes on behind its command."""
    for number in range(5):
        wire.send(query_packet(f"SELECT REPEAT('{number}', 200000)"), number=0)
    wire.send(b"\1\0\0\0" + bytes([COM_PING]), number=0, stored=True)
    for number in range(5):
        wire.number = 1
        assert wire.read_good_packet() == b"\x01"
        for _ in range(2):
            wire.read_good_packet()
        assert wire.read_good_packet()[4:] == str(number).encode() * 200000
        wire.read_good_packet()
    wire.number = 1
    assert wire.read_good_packet()[0] == 0


def test_change_user(wire):
    """It goes on compressed, numbers running through the whole exchange."""
    wire.change_user(SECOND.name, SECOND.password, PLUGIN, "app")
    assert wire.query("SELECT CURRENT_USER()") == [[b"second@%"]]
    with pytest.raises(Refused):
        wire.change_user(SECOND.name, "wrong", PLUGIN, "app")


def test_error_in_the_middle(wire):
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            wire.query("SELECT * FROM no_such_table_with_a_rather_long_name_of_no_use")
        assert refused.value.number in (1146, 1142)
        assert wire.query("SELECT 3") == [[b"3"]]


@pytest.mark.only("mysql")
@pytest.mark.parametrize("level", (None, 0, 1, 22, 23, 255))
@pytest.mark.parametrize("both", (False, True), ids=("zstd", "both"))
def test_levels_as_at_the_server(readmux, cluster, level, both):
    """The same clients are refused with the same words; with both flags it is zlib."""
    def outcome(port):
        asked = CLIENT_ZSTD | (CLIENT_COMPRESS if both else 0)
        with CompressedWire(port, "zlib" if both else "zstd", asked, level) as wire:
            try:
                wire.log_in(APP.name, APP.password, PLUGIN, "app", tls=True)
            except Refused as why:
                return str(why)
            return wire.query("SELECT REPEAT('level', 100)")

    assert outcome(readmux.port) == outcome(cluster.primary.port)


# ------------------------------------------------------------------------ broken packets

PING = b"\1\0\0\0" + bytes([COM_PING])
LONG = query_packet("SELECT '" + "a" * 300 + "'")
BOMB = b"\xfb\xff\xff\0" + bytes([COM_QUERY]) + b"SELECT '" + b"a" * 0xfffff2

BROKEN = {
    "out of order": lambda pack: framed(PING, 1),
    "out of order later": lambda pack: framed(PING[:2], 0) + framed(PING[2:], 2),
    "not packed": lambda pack: framed(b"hello, this is no packet", 0, 100),
    "empty but long": lambda pack: framed(b"", 0, 16),
    "longer than it says": lambda pack: framed(pack(LONG), 0, len(LONG) - 1),
    "much longer than it says": lambda pack: framed(pack(LONG), 0, 1),
    "shorter than it says": lambda pack: framed(pack(LONG), 0, len(LONG) + 1),
    "16 MiB, it says": lambda pack: framed(pack(LONG), 0, 0xffffff),
    "cut": lambda pack: framed(pack(LONG)[:-1], 0, len(LONG)),
    "with a tail": lambda pack: framed(pack(LONG) + b"tail", 0, len(LONG)),
    "damaged": lambda pack: framed(pack(LONG)[:7] + b"\xff\xff\xff" + pack(LONG)[10:], 0,
                                   len(LONG)),
    "a bomb behind 1 byte": lambda pack: framed(pack(BOMB), 0, 1),
    "a bomb behind half of it": lambda pack: framed(pack(BOMB), 0, 0x7fffff),
}


def told_just_now(readmux):
    """Lines of the last two seconds; of too many in one the log leaves some out."""
    since = datetime.utcnow() - timedelta(seconds=2)
    return sum(line[3:26] > since.isoformat(timespec="milliseconds")
               for line in readmux.log_text().splitlines() if "broken compression" in line)


@pytest.mark.smoke
@pytest.mark.parametrize("name", BROKEN)
def test_broken_packet(readmux, session, wire, name):
    wait_until(lambda: told_just_now(readmux) < 5, "the log may tell again", 10)
    before = readmux.log_text().count("broken compression")
    assert wire.query("SELECT 1") == [[b"1"]]
    wire.write_raw(BROKEN[name](PACK[wire.algorithm]))
    assert wire.closed()
    wait_until(lambda: readmux.log_text().count("broken compression") == before + 1,
               "the log tells why", 5)
    line = [line for line in readmux.log_text().splitlines() if "broken compression" in line][-1]
    assert "problem=" in line and "from=client" in line and f"user={APP.name}" in line
    assert one(session, "SELECT 'still here'") == "still here"


def test_half_a_packet_then_gone(readmux, algorithm):
    coded = framed(PACK[algorithm](LONG), 0, len(LONG))
    for size in (1, 6, 7, 8, len(coded) - 1):
        with CompressedWire(readmux.port, algorithm) as wire:
            wire.log_in(APP.name, APP.password, PLUGIN, "app", tls=True)
            wire.write_raw(coded[:size])
    readmux.check_alive()


# ------------------------------------------------------------------------------- memory

MEMORY_LIMIT = 32 * MiB
LONG_RESULT = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
    SELECT i, REPEAT('x', 1000000) FROM n
"""


@pytest.fixture
def start_plain(workspace, cluster):
    """start_plain(**settings): a readmux of the build in which memory is measured."""
    started = []

    def start(**settings):
        directory = workspace.directory(f"compression-{next(_numbers)}")
        process = Readmux(directory, [server.endpoint for server in cluster.servers],
                          binary=PLAIN_BINARY, **settings).start()
        started.append(process)
        process.sees_all(cluster)
        return process

    yield start
    for process in started:
        process.stop()


def backends(cluster, algorithm):
    return {"servers": [server.endpoint for server in cluster.servers],
            "compression": algorithm}


@pytest.mark.parametrize("options", ({}, TLS), ids=("plain", "tls"))
def test_a_client_that_stops_reading(start_plain, cluster, algorithm, options):
    """200 MB arrive as 200 KB from the server: they are unpacked as the client takes them."""
    readmux = start_plain(backends=backends(cluster, algorithm))
    reader = readmux.connect(cursorclass=pymysql.cursors.SSCursor, **options)
    other = readmux.connect()
    cursor = reader.cursor()
    cursor.execute(LONG_RESULT)
    for _ in range(20):
        assert one(other, "SELECT SLEEP(0.05)") == 0
        assert readmux.rss_bytes() < MEMORY_LIMIT
    total = 0
    for number, text in cursor:
        total += 1
        assert number == total and len(text) == 1000000
        if total % 50 == 0:
            assert readmux.rss_bytes() < MEMORY_LIMIT
    assert total == 200
    cursor.close()
    reader.close()
    other.close()


def test_small_packets_that_unpack_to_much(start_plain, cluster, algorithm):
    """Statements of 15 MB in 15 KB, by ten clients at once: they stream through."""
    readmux = start_plain()
    sql = "SELECT LENGTH('" + "a" * (15 * MiB) + "')"
    packet = query_packet(sql)
    coded = framed(PACK[algorithm](packet), 0, len(packet))
    assert len(coded) < 64 * 1024
    wires = [CompressedWire(readmux.port, algorithm) for _ in range(10)]
    for wire in wires:
        wire.log_in(APP.name, APP.password, PLUGIN, "app", tls=True)
        wire.write_raw(coded)
    for wire in wires:
        wire.number = 1
        assert read_rows(wire) == str(15 * MiB)
        wire.socket.close()
    # zstd keeps what it has unpacked as its window, as long as the packet lasts
    assert readmux.rss_bytes() < MEMORY_LIMIT * (1 if algorithm == "zlib" else 4)


def test_idle_clients_own_little(start_plain, kind):
    readmux = start_plain()
    algorithm = algorithms_of(kind)[-1]
    first = CompressedWire(readmux.port, algorithm)
    first.log_in(APP.name, APP.password, PLUGIN, "app")
    first.query("SELECT REPEAT('warm', 10000)")
    wires = []

    def rss_of(count):
        while len(wires) < count:
            wires.append(CompressedWire(readmux.port, algorithm))
            wires[-1].log_in(APP.name, APP.password, PLUGIN, "app")
            wires[-1].query(f"SELECT REPEAT('{len(wires)}', 1000)")
        return readmux.rss_bytes()

    few, many = rss_of(50), rss_of(450)
    assert (many - few) / 400 < 6 * 1024
    for wire in [first, *wires]:
        wire.socket.close()


# ------------------------------------------------------------------------ toward servers

def server_status(connection):
    return dict(rows(connection, "SHOW SESSION STATUS LIKE 'Compression%'"))


@pytest.fixture(params=("zlib", "zstd"))
def compressing(request, start_readmux, cluster):
    """A readmux that asks for this, whether the server has it or not."""
    process = start_readmux(backends=backends(cluster, request.param))
    process.algorithm = request.param
    return process


@pytest.mark.smoke
def test_server_compresses(compressing, kind):
    connection = compressing.connect()
    status = server_status(connection)
    agreed = compressing.algorithm in algorithms_of(kind)
    assert status["Compression"] == ("ON" if agreed else "OFF")
    if kind == "mysql":
        assert status["Compression_algorithm"] == compressing.algorithm
        assert status["Compression_level"] == ("3" if compressing.algorithm == "zstd" else "6")
    close(connection)


def test_off_is_the_default(session):
    assert server_status(session)["Compression"] == "OFF"


def test_everything_through_compressing_servers(compressing, table, server_takes_files,
                                                file_of_lines):
    connection = compressing.connect(local_infile=True)
    text = text_of(17 * MiB)
    assert one(connection, f"SELECT SHA2('{text}', 256)") == hashlib.sha256(text.encode()) \
        .hexdigest()
    assert one(connection, "SELECT REPEAT('0123456789abcdef', 2500000)") == \
        "0123456789abcdef" * 2500000
    rows(connection, f"LOAD DATA LOCAL INFILE '{file_of_lines}' INTO TABLE {table}")
    (loaded,) = rows(connection, LOADED.format(table=table))
    assert tuple(map(int, loaded)) == expected_of(file_of_lines)
    for number in range(300):
        rows(connection, "SET @v = %s, time_zone = '+03:00'", number)
        assert one(connection, "SELECT @v") == number
        rows(connection, "USE app_other" if number % 2 else "USE app")
        assert at_primary(connection, "SELECT DATABASE()") == \
            ("app_other" if number % 2 else "app")
    close(connection)


def test_both_sides(compressing, kind):
    for algorithm in algorithms_of(kind):
        with CompressedWire(compressing.port, algorithm) as wire:
            wire.log_in(APP.name, APP.password, PLUGIN, "app", tls=True)
            for size in (1, 60, 100000, 3000000):
                assert wire.query(f"SELECT REPEAT('b', {size})") == [[b"b" * size]]


def test_reload_changes_new_connections(start_readmux, cluster):
    readmux = start_readmux(pool={"idle_timeout": "1s"})
    connection = readmux.connect()
    assert server_status(connection)["Compression"] == "OFF"
    readmux.settings["backends"] = backends(cluster, "zlib")
    with open(readmux.config, "w") as out:
        out.write(yaml_text(readmux.settings))
    readmux.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server_status(connection)["Compression"] == "ON", "a new connection", 15,
               every=1.5)
    close(connection)


def test_broken_answer_of_a_server(start_readmux, cluster):
    """The connection to the server is given up, the session goes on with another."""
    with Counting(cluster.primary.port) as forwarder:
        servers = [f"127.0.0.1:{forwarder.port}",
                   *(replica.endpoint for replica in cluster.replicas)]
        readmux = start_readmux(backends={"servers": servers, "compression": "zlib",
                                          "tls": "off"})
        connection = readmux.connect()
        rows(connection, "DO 1")
        forwarder.damage = True
        with pytest.raises(pymysql.err.MySQLError) as lost:
            rows(connection, "SELECT REPEAT('w', 10000) FROM DUAL FOR UPDATE")
        assert "readmux" in str(lost.value)
        assert not forwarder.damage
        assert "broken compression" in readmux.log_text()
        assert "from=server" in readmux.log_text()
        assert at_primary(connection, "SELECT 'on'") == "on"
        close(connection)
        readmux.stop()
