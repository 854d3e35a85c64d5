# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands besides COM_QUERY and COM_STMT_*, as a server answers them."""

import struct

import pytest

from servers import APP, wait_until
from wire import (COM_FIELD_LIST, COM_STMT_CLOSE, COM_STMT_EXECUTE, COM_STMT_PREPARE, EOF, Refused,
                  Wire)

COM_SET_OPTION = 0x1b
MULTI_ON, MULTI_OFF = struct.pack("<H", 0), struct.pack("<H", 1)


@pytest.fixture(params=("plain", "shuffled"))
def port(request, readmux, shuffled):
    return (shuffled if request.param == "shuffled" else readmux).port


def log_in(wire, **options):
    return wire.log_in(APP.name, APP.password, "caching_sha2_password", "app", **options)


def two(wire, sql):
    """Run two statements of which the second has no rows."""
    answer = wire.query(sql)
    assert wire.read_good_packet()[0] == 0
    return answer


def is_read_by_replicas(wire):
    return wire.query("SELECT @@server_id") != [[b"100"]]


def test_set_option(port):
    """mysql_set_server_option(), as PHP's mysqli sends it around every multi_query()."""
    with Wire(port) as wire:
        log_in(wire)
        for _ in range(5):
            with pytest.raises(Refused) as failure:
                wire.query("DO 1; DO 2")
            assert failure.value.number == 1064
            assert wire.ask(COM_SET_OPTION, MULTI_ON)[0] == 0xFE
            two(wire, "DO 1; DO 2")
            assert wire.ask(COM_SET_OPTION, MULTI_OFF)[0] == 0xFE
        wait_until(lambda: is_read_by_replicas(wire), "reads by a replica")


def test_set_option_in_a_transaction(port):
    with Wire(port) as wire:
        log_in(wire)
        wire.query("BEGIN")
        assert wire.ask(COM_SET_OPTION, MULTI_ON)[0] == 0xFE
        assert two(wire, "SELECT 1; COMMIT") == [[b"1"]]
        two(wire, "DO 1; DO 2")
        wait_until(lambda: is_read_by_replicas(wire), "reads by a replica")


def test_unknown_option(port):
    with Wire(port) as wire:
        log_in(wire)
        with pytest.raises(Refused) as failure:
            wire.ask(COM_SET_OPTION, struct.pack("<H", 77))
        assert failure.value.number == 1047
        assert wire.query("SELECT 1") == [[b"1"]]


def test_what_a_function_has_set(port, cluster, table):
    """A function changes the session, and its result set has no room to say so."""
    cluster.primary.sql(f"CREATE FUNCTION {table}_f() RETURNS INT DETERMINISTIC "
                        "BEGIN SET @made = 5, SESSION group_concat_max_len = 77; RETURN 1; END")
    try:
        with Wire(port) as wire:
            log_in(wire)
            assert wire.query(f"SELECT {table}_f()") == [[b"1"]]
            for _ in range(10):
                assert wire.query("SELECT @made, @@group_concat_max_len") == [[b"5", b"77"]]
    finally:
        cluster.primary.sql(f"DROP FUNCTION {table}_f")


# ------------------------------------------------------------------ query attributes

CLIENT_QUERY_ATTRIBUTES = 1 << 27


def with_attributes(sql, **attributes):
    """The payload of COM_QUERY behind its first byte, when attributes were agreed."""
    names = b"".join(b"\xfe\0" + bytes([len(name)]) + name.encode() for name in attributes)
    values = b"".join(bytes([len(value)]) + value.encode() for value in attributes.values())
    head = bytes([len(attributes), 1])
    if attributes:
        head += bytes((len(attributes) + 7) // 8) + b"\1" + names + values
    return head + sql.encode()


def execute_with_attribute(wire, hint):
    """The binary row of SELECT @@server_id, prepared and executed with that hint."""
    payload = wire.ask(COM_STMT_PREPARE, b"SELECT @@server_id")
    for _ in range(2):                                          # definition, EOF
        wire.read_good_packet()
    number = struct.unpack_from("<I", payload, 1)[0]
    execution = struct.pack("<IBIBBB", number, 0x08, 1, 1, 0, 1) + b"\xfe\0\x07readmux" + \
        bytes([len(hint)]) + hint.encode()
    assert wire.ask(COM_STMT_EXECUTE, execution)[0] == 1
    packets = [wire.read_good_packet() for _ in range(4)]       # definition, EOF, row, EOF
    wire.command(COM_STMT_CLOSE, struct.pack("<I", number))
    return packets[2]


@pytest.mark.only("mysql")
def test_query_attributes(port):
    """They pass through, do not hide what the text is, and are understood as hints."""
    with Wire(port, extra=CLIENT_QUERY_ATTRIBUTES) as wire:
        log_in(wire)
        which = "SELECT @@server_id"
        wait_until(lambda: wire.query(with_attributes(which, trace="x")) != [[b"100"]],
                   "reads by a replica")
        for _ in range(20):
            assert wire.query(with_attributes(which, readmux="primary")) == [[b"100"]]
            assert wire.query(with_attributes(which, a="b", readmux="backend=mysql-2")) \
                == [[b"102"]]
            assert execute_with_attribute(wire, "primary")[2:3] == b"\x64"
            assert execute_with_attribute(wire, "backend=mysql-2")[2:3] == b"\x66"
        assert wire.query(with_attributes("SET @kept = 7", a="b")) == []
        for _ in range(5):
            assert wire.query(with_attributes("SELECT @kept")) == [[b"7"]]


@pytest.mark.only("mariadb")
def test_field_list(readmux, table, kind):
    """As the command line asks for the columns of a table, to complete their names."""
    with Wire(readmux.port) as wire:
        wire.log_in(APP.name, APP.password, "caching_sha2_password", "app")
        for _ in range(3):
            wire.command(COM_FIELD_LIST, table.partition(".")[2].encode() + b"\0")
            assert b"\x02id" in wire.read_good_packet()
            assert b"\x01v" in wire.read_good_packet()
            assert wire.read_good_packet()[0] == EOF
            assert wire.query("SELECT 'in step'") == [[b"in step"]]
