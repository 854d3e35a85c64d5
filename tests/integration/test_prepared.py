# SPDX-License-Identifier: GPL-2.0-or-later
"""Prepared statements: as SQL, and as a driver's binary protocol."""

import struct
import subprocess

import pytest

from readmux import one, rows
from servers import APP
from wire import (COM_STMT_CLOSE, COM_STMT_EXECUTE, COM_STMT_FETCH, COM_STMT_PREPARE,
                  COM_STMT_RESET, COM_STMT_SEND_LONG_DATA, EOF, Refused, Wire)


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

@pytest.fixture
def wire(readmux):
    with Wire(readmux.port) as wire:
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
