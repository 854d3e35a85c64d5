# SPDX-License-Identifier: GPL-2.0-or-later
"""Prepared statements: as SQL, and as a driver's binary protocol."""

import contextlib
import struct
import subprocess

import pytest

from readmux import one, rows
from servers import APP, wait_until
from wire import (COM_RESET_CONNECTION, COM_STMT_CLOSE, COM_STMT_EXECUTE, COM_STMT_FETCH,
                  COM_STMT_PREPARE, COM_STMT_RESET, COM_STMT_SEND_LONG_DATA, EOF, Refused, Wire)


def test_sql_level(session):
    rows(session, "PREPARE twice FROM 'SELECT ? * 2'")
    for number in range(10):
        rows(session, f"SET @number = {number}")
        assert float(one(session, "EXECUTE twice USING @number")) == 2 * number
        assert one(session, "SELECT 1") == 1
    rows(session, "DEALLOCATE PREPARE twice")
    with pytest.raises(Exception) as failure:
        rows(session, "EXECUTE twice USING @number")
    assert failure.value.args[0] == 1243


PERL = r"""
use strict; use warnings; use DBI;
my ($port, $table) = @ARGV;
my $db = DBI->connect("DBI:mysql:database=app;host=127.0.0.1;port=$port;mysql_server_prepare=1",
    "app", "app secret", { RaiseError => 1, PrintError => 0 });
my $insert = $db->prepare("INSERT INTO $table (v) VALUES (?)");
my $select = $db->prepare("SELECT id, v FROM $table WHERE id = ?");
my $where = $db->prepare('SELECT @@server_id, ?');
for my $n (1 .. 20) {
    my $text = $n % 5 ? "row $n \xe2\x82\xac'\\" : undef;
    $insert->execute($text);
    my $id = $db->last_insert_id(undef, undef, undef, undef);
    $select->execute($id);
    my @row = $select->fetchrow_array;
    die "row $n: @{[map { $_ // 'NULL' } @row]}" unless $row[0] == $id
        && (defined $text ? defined $row[1] && $row[1] eq $text : !defined $row[1]);
    $where->execute($n);
    my ($server, $back) = $where->fetchrow_array;
    die "server $server, $back for $n" unless $server =~ /^10[012]$/ && $back == $n;
    $select->finish; $where->finish;
}
eval { $db->prepare("SELECT nonsense FROM nowhere")->execute; 1 } and die "no error";
die "error " . $db->err unless $db->err == 1146;
$db->begin_work;
$insert->execute("rolled back");
$db->rollback;
my ($count) = $db->selectrow_array("SELECT COUNT(*) FROM $table");
die "$count rows" unless $count == 20;
print "done\n";
"""


@pytest.mark.smoke
def test_driver_with_server_side_prepare(readmux, table):
    done = subprocess.run(["perl", "-e", PERL, str(readmux.port), table],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


# ----------------------------------------------------------------- packet by packet

@pytest.fixture(params=("plain", "shuffled"))
def wire(request, readmux, shuffled):
    port = (shuffled if request.param == "shuffled" else readmux).port
    with Wire(port) as wire:
        yield wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")


def prepare(wire, sql):
    """(id, columns, parameters) of a new statement."""
    payload = wire.ask(COM_STMT_PREPARE, sql.encode())
    number, columns, parameters = struct.unpack_from("<IHH", payload, 1)
    for count in (parameters, columns):
        for _ in range(count + (1 if count else 0)):            # definitions, EOF
            wire.read_good_packet()
    return number, columns, parameters


def execute(wire, statement, values, cursor=0, types=True):
    """Execute with text parameters; the packets of the binary rows ([] when there are none)."""
    payload = struct.pack("<IBI", statement, cursor, 1)
    if values:
        nulls = sum(1 << i for i, value in enumerate(values) if value is None)
        payload += nulls.to_bytes((len(values) + 7) // 8, "little")
        payload += b"\1" + b"\xfd\0" * len(values) if types else b"\0"
        payload += b"".join(bytes([len(value)]) + value for value in values if value)
    first = wire.ask(COM_STMT_EXECUTE, payload)
    if first[0] == 0:
        return []
    for _ in range(first[0] + 1):
        wire.read_good_packet()
    return [] if cursor else binary_rows(wire)


def binary_rows(wire):
    packets = []
    while True:
        packet = wire.read_good_packet()
        if packet[0] == EOF and len(packet) < 9:
            return packets
        packets.append(packet)


def test_execute_again_without_types(wire):
    statement, columns, parameters = prepare(wire, "SELECT CONCAT(?, '-', ?)")
    assert (columns, parameters) == (1, 2)
    (packet,) = execute(wire, statement, [b"a", b"b"])
    assert packet.endswith(b"\x03a-b")
    (packet,) = execute(wire, statement, [b"c", b"d"], types=False)
    assert packet.endswith(b"\x03c-d")


def test_many_statements_at_once(wire):
    statements = [prepare(wire, f"SELECT CONCAT('{n}:', ?)")[0] for n in range(100)]
    assert len(set(statements)) == 100
    for n, statement in reversed(list(enumerate(statements))):
        (packet,) = execute(wire, statement, [b"x"])
        assert packet.endswith(f"{n}:x".encode())
    for statement in statements[::2]:
        wire.command(COM_STMT_CLOSE, struct.pack("<I", statement))      # has no answer
    with pytest.raises(Refused) as failure:
        execute(wire, statements[0], [b"x"])
    assert failure.value.number == 1243
    (packet,) = execute(wire, statements[1], [b"y"])
    assert packet.endswith(b"1:y")


def test_long_data(wire):
    statement, _, _ = prepare(wire, "SELECT LENGTH(?)")
    for _ in range(3):
        wire.command(COM_STMT_SEND_LONG_DATA, struct.pack("<IH", statement, 0) + b"z" * 1000000)
    payload = struct.pack("<IBI", statement, 0, 1) + b"\0\1\xfb\0"
    first = wire.ask(COM_STMT_EXECUTE, payload)
    for _ in range(first[0] + 1):
        wire.read_good_packet()
    (packet,) = binary_rows(wire)
    assert int.from_bytes(packet[2:], "little") == 3000000
    assert wire.ask(COM_STMT_RESET, struct.pack("<I", statement))[0] == 0


def test_cursor(wire, table, cluster):
    cluster.primary.sql(f"INSERT INTO {table} (v) VALUES ('1'), ('2'), ('3'), ('4'), ('5')")
    cluster.wait_caught_up()
    statement, _, _ = prepare(wire, f"SELECT v FROM {table} ORDER BY id")
    assert execute(wire, statement, [], cursor=1) == []
    fetched = []
    for expected in (2, 2, 1):
        wire.command(COM_STMT_FETCH, struct.pack("<II", statement, 2))
        packets = binary_rows(wire)
        assert len(packets) == expected
        fetched += [packet[-1:] for packet in packets]
    assert fetched == [b"1", b"2", b"3", b"4", b"5"]


def test_unknown_statement(wire):
    for code, payload in ((COM_STMT_EXECUTE, struct.pack("<IBI", 12345, 0, 1)),
                          (COM_STMT_RESET, struct.pack("<I", 12345))):
        with pytest.raises(Refused) as failure:
            wire.ask(code, payload)
        assert failure.value.number == 1243
    assert wire.query("SELECT 1") == [[b"1"]]


def test_error_at_prepare(wire):
    with pytest.raises(Refused) as failure:
        prepare(wire, "SELECT * FROM nowhere")
    assert (failure.value.number, failure.value.sqlstate) == (1146, "42S02")
    assert wire.query("SELECT 1") == [[b"1"]]


def test_writes_and_reads_mixed_with_text(wire, table):
    insert, _, _ = prepare(wire, f"INSERT INTO {table} (v) VALUES (?)")
    for number in range(10):
        assert execute(wire, insert, [str(number).encode()]) == []
        assert wire.query(f"SELECT COUNT(*) FROM {table}") == [[str(number + 1).encode()]]


# ------------------------------------------------------------------ on several servers

def text_of(packet):
    """The only column of a binary row, a short string."""
    return packet[3:3 + packet[2]].decode()


def servers_that_execute(wire, statement, times=200):
    return {text_of(execute(wire, statement, [])[0]) for _ in range(times)}


def test_reads_are_spread(wire):
    statement, _, _ = prepare(wire, "SELECT CAST(@@server_id AS CHAR)")
    seen = set()
    wait_until(lambda: seen.update(servers_that_execute(wire, statement, 1)) or
               seen >= {"101", "102"}, "prepared reads by both replicas", every=0.001)
    assert seen == {"101", "102"}


def test_reads_of_a_transaction_stay(wire):
    statement, _, _ = prepare(wire, "SELECT CAST(@@server_id AS CHAR)")
    wire.query("BEGIN")
    assert servers_that_execute(wire, statement) == {"100"}
    wire.query("COMMIT")


def test_types_are_supplied_again(wire):
    """Types were given once; every later execution lands where the server may not know them."""
    statement, _, _ = prepare(wire, "SELECT CONCAT(?, '-', ?, '@', @@server_id)")
    execute(wire, statement, [b"a", b"b"])
    seen = set()

    def both():
        (packet,) = execute(wire, statement, [b"c", b"d"], types=False)
        text = text_of(packet)
        assert text.startswith("c-d@")
        seen.add(text[-3:])
        return seen >= {"101", "102"}

    wait_until(both, "executions on both replicas", every=0.001)


def test_equal_texts_with_other_types(readmux):
    """Two sessions share what the server has prepared, but not its types."""
    with Wire(readmux.port) as one, Wire(readmux.port) as two:
        wires = [wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
                 for wire in (one, two)]
        statements = [prepare(wire, "SELECT HEX(?)")[0] for wire in wires]
        numbers = struct.pack("<I", 255)
        as_number = b"\0\1" + b"\x03\0" + numbers              # MYSQL_TYPE_LONG
        as_text = b"\0\1" + b"\xfd\0" + b"\x03abc"
        again_number, again_text = b"\0\0" + numbers, b"\0\0" + b"\x03abc"
        for round_ in range(40):
            for wire, statement, first, again, expected in (
                    (wires[0], statements[0], as_number, again_number, "FF"),
                    (wires[1], statements[1], as_text, again_text, "616263")):
                payload = struct.pack("<IBI", statement, 0, 1)
                head = wire.ask(COM_STMT_EXECUTE, payload + (again if round_ else first))
                for _ in range(head[0] + 1):
                    wire.read_good_packet()
                assert text_of(binary_rows(wire)[0]) == expected


def test_equal_texts_with_variables_of_other_types(readmux):
    """MySQL fixes the types of user variables when it prepares."""
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(readmux.port)) for _ in range(6)]
        for number, wire in enumerate(wires):
            wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
            wire.query("SET @a = 5" if number % 4 < 2 else "SET @a = 'text'")
        statements = [prepare(wire, "SELECT @a")[0] for wire in wires]
        for _ in range(4):
            packets = [execute(wire, statement, [])[0]
                       for wire, statement in zip(wires, statements)]
            assert [text_of(packet) for packet in packets[2:4]] == ["text", "text"]


def test_names_mean_what_they_meant(wire, table):
    """A statement keeps the schema in which it was prepared, on every server connection."""
    wire.query(f"INSERT INTO {table} (v) VALUES ('app')")
    statement, _, _ = prepare(wire, f"SELECT v FROM {table}")
    wire.query("USE information_schema")
    for _ in range(20):
        (packet,) = execute(wire, statement, [])
        assert text_of(packet) == "app"
        assert wire.query("SELECT DATABASE()") == [[b"information_schema"]]
    wire.query("USE app")


def test_sql_mode_of_the_preparation(wire):
    wire.query("SET sql_mode = 'ANSI_QUOTES'")
    statement, _, _ = prepare(wire, 'SELECT "a" FROM (SELECT \'x\' AS "a") t')
    wire.query("SET sql_mode = ''")
    for _ in range(20):
        (packet,) = execute(wire, statement, [])
        assert text_of(packet) == "x"
        assert wire.query("SELECT @@sql_mode") == [[b""]]
        assert wire.query('SELECT "a"') == [[b"a"]]


def test_in_a_transaction_with_another_sql_mode(wire):
    """The connection of a transaction makes a detour to the state of the preparation."""
    wire.query("SET sql_mode = 'ANSI_QUOTES'")
    statement, _, _ = prepare(wire, 'SELECT "a" FROM (SELECT \'x\' AS "a") t')
    wire.query("SET sql_mode = ''")
    wire.query("BEGIN")
    (packet,) = execute(wire, statement, [])
    assert text_of(packet) == "x"
    assert wire.query('SELECT "a", @@sql_mode') == [[b"a", b""]]
    wire.query("COMMIT")
    assert wire.query('SELECT "a", @@sql_mode') == [[b"a", b""]]


@pytest.mark.only("mariadb")
def test_the_statement_prepared_last(wire):
    prepare(wire, "SELECT 'first'")
    last, _, _ = prepare(wire, "SELECT 'last'")
    (packet,) = execute(wire, 0xFFFFFFFF, [])
    assert text_of(packet) == "last"
    wire.command(COM_STMT_CLOSE, struct.pack("<I", last))
    with pytest.raises(Refused) as failure:
        execute(wire, 0xFFFFFFFF, [])
    assert failure.value.number == 1243


def test_reset_connection_closes_statements(wire):
    statement, _, _ = prepare(wire, "SELECT 1")
    assert wire.ask(COM_RESET_CONNECTION)[0] == 0
    with pytest.raises(Refused) as failure:
        execute(wire, statement, [])
    assert failure.value.number == 1243


def test_two_cursors_and_reads_between(wire, table):
    for value in "12345":
        wire.query(f"INSERT INTO {table} (v) VALUES ('{value}')")
    statements = [prepare(wire, f"SELECT v FROM {table} ORDER BY id")[0] for _ in range(2)]
    for statement in statements:
        execute(wire, statement, [], cursor=1)
    fetched = {statement: [] for statement in statements}
    for _ in range(3):
        for statement in statements:
            wire.command(COM_STMT_FETCH, struct.pack("<II", statement, 2))
            fetched[statement] += [text_of(packet) for packet in binary_rows(wire)]
        assert wire.query("SELECT 1") == [[b"1"]]
    assert list(fetched.values()) == [list("12345")] * 2
    with pytest.raises(Refused) as failure:
        wire.ask(COM_STMT_FETCH, struct.pack("<II", statements[0], 2))
    assert failure.value.number in (1421, 1243)
    wait_until(lambda: wire.query("SELECT @@server_id") != [[b"100"]], "reads leave the primary")


def test_a_replica_dies(readmux, breakable, table):
    """The client goes on executing; it never prepares again."""
    with Wire(readmux.port) as wire:
        wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
        statement, _, _ = prepare(wire, "SELECT CAST(@@server_id AS CHAR)")
        insert, _, _ = prepare(wire, f"INSERT INTO {table} (v) VALUES (?)")
        execute(wire, insert, [b"before"])
        breakable.replicas[0].kill9()
        for _ in range(200):
            assert servers_that_execute(wire, statement, 1) <= {"100", "101", "102"}
        execute(wire, insert, [b"after"])
        assert wire.query(f"SELECT COUNT(*) FROM {table}") == [[b"2"]]


def test_the_servers_take_few_statements(wire, cluster):
    """max_prepared_stmt_count is reached by statements that are idle: they make room."""
    ((before,),) = cluster.primary.sql("SELECT @@global.max_prepared_stmt_count")
    for server in cluster.servers:
        ((_, open_now),) = server.sql("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
        server.sql(f"SET GLOBAL max_prepared_stmt_count = {int(open_now) + 20}")
    try:
        statements = [prepare(wire, f"SELECT '{n}'")[0] for n in range(100)]
        for n, statement in enumerate(statements):
            (packet,) = execute(wire, statement, [])
            assert text_of(packet) == str(n)
    finally:
        for server in cluster.servers:
            server.sql(f"SET GLOBAL max_prepared_stmt_count = {before}")


def test_a_connection_that_has_to_be_reset(readmux):
    """Another session's variables are still set where the statement is known already."""
    for _ in range(20):
        for setting in ("SET group_concat_max_len = 99", "DO 1"):
            with Wire(readmux.port) as wire:
                wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
                wire.query(setting)
                statement, _, _ = prepare(wire, "SELECT CAST(@@group_concat_max_len AS CHAR)")
                (packet,) = execute(wire, statement, [])
                assert (text_of(packet) == "99") == ("99" in setting)
