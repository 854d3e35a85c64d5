# SPDX-License-Identifier: GPL-2.0-or-later
"""
Broken packets at every phase: the connection that sends them dies alone (or is
told what is wrong), a bystander goes on, readmux stays up.
"""

import random
import struct

import pytest

from readmux import close, one
from servers import APP
from wire import (CAPABILITIES, CLIENT_SSL, COM_CHANGE_USER, COM_FIELD_LIST, COM_INIT_DB, COM_PING,
                  COM_QUERY, COM_STATISTICS, COM_STMT_CLOSE, COM_STMT_EXECUTE, COM_STMT_FETCH,
                  COM_STMT_RESET, COM_STMT_SEND_LONG_DATA, MAX_PACKET, EOF, ERR, UTF8MB4, Ended,
                  Refused, Wire, answer_to)

PLUGIN = "caching_sha2_password"
NOISE = random.Random(11).randbytes(300)


@pytest.fixture(scope="module")
def bystander_connection(module_readmux):
    connection = module_readmux.connect()
    yield connection
    close(connection)


@pytest.fixture
def bystander(readmux, bystander_connection):
    """A session that was there before and must work afterwards, as must new ones."""
    yield
    assert one(bystander_connection, "SELECT 'still here'") == "still here"
    newcomer = readmux.connect()
    assert one(newcomer, "SELECT 'welcome'") == "welcome"
    newcomer.close()


def packet(payload, seq=0):
    return len(payload).to_bytes(3, "little") + bytes([seq]) + payload


def ends(wire):
    """The other side closes, perhaps after an ERR packet or a question; never an OK packet."""
    said = wire.read_to_end()
    assert said == b"" or said[4] in (ERR, EOF), said


# ---------------------------------------------------------------------- before login

BEFORE_LOGIN = {
    "noise": packet(NOISE, 1),
    "noise without a header": NOISE,
    "http": b"GET / HTTP/1.1\r\nHost: readmux\r\n\r\n" + b" " * 200,
    "empty packet": packet(b"", 1),
    "one byte": packet(b"\x85", 1),
    "zeros": packet(bytes(64), 1),
    "wrong sequence number": packet(struct.pack("<IIB23x", CAPABILITIES, MAX_PACKET, UTF8MB4)
                                    + b"app\0\0caching_sha2_password\0", 9),
    "far too long": (0xffffff).to_bytes(3, "little") + b"\x01" + b"u" * 100000,
    "protocol of the last century": packet(struct.pack("<HBBB", 0, 0, 0, 0) + b"root\0", 1),
    "user name without end": packet(struct.pack("<IIB23x", CAPABILITIES, MAX_PACKET, UTF8MB4)
                                    + b"u" * 2000, 1),
    "password longer than the packet": packet(
        struct.pack("<IIB23x", CAPABILITIES, MAX_PACKET, UTF8MB4) + b"app\0\xfa" + b"p" * 20, 1),
    "password of 2^64 bytes": packet(
        struct.pack("<IIB23x", CAPABILITIES, MAX_PACKET, UTF8MB4)
        + b"app\0\xfe" + b"\xff" * 8 + b"p" * 20, 1),
}


@pytest.mark.smoke
@pytest.mark.parametrize("name", BEFORE_LOGIN)
def test_instead_of_a_login(readmux, bystander, name):
    with Wire(readmux.port) as wire:
        wire.read_greeting()
        wire.write_raw(BEFORE_LOGIN[name])
        wire.end_writing()
        ends(wire)


def test_every_cut_of_a_login_packet(readmux, bystander):
    for cut in range(0, 80, 2):
        with Wire(readmux.port) as wire:
            greeting = wire.read_greeting()
            whole = wire.login_packet(APP.name, PLUGIN,
                                      answer_to(PLUGIN, APP.password, greeting.salt), "app")
            wire.write_packet(whole[:min(cut, len(whole) - 25)])
            wire.end_writing()
            ends(wire)


def test_leaving_during_the_login(readmux, bystander):
    before = readmux.open_files()
    for cut in range(0, 60, 7):
        with Wire(readmux.port) as wire:
            greeting = wire.read_greeting()
            whole = wire.login_packet(APP.name, PLUGIN,
                                      answer_to(PLUGIN, APP.password, greeting.salt), "app")
            wire.write_raw(packet(whole, 1)[:cut])
    assert readmux.open_files() < before + 20


@pytest.mark.parametrize("answer", (NOISE, b"", b"\x02", b"\0" * 256, b"x" * 20),
                         ids=("noise", "empty", "key request", "256 zeros", "20 bytes"))
def test_instead_of_an_answer(readmux, bystander, answer):
    """After an AuthSwitchRequest or a question for the password."""
    with Wire(readmux.port) as wire:
        wire.read_greeting()
        wire.write_packet(wire.login_packet(APP.name, "no_such_plugin", b"z" * 20, "app"))
        with pytest.raises((Ended, Refused)):
            for _ in range(10):
                payload = wire.read_good_packet()
                assert payload[0] != 0, "a login without a password"
                wire.write_packet(answer)
        ends(wire)


@pytest.mark.parametrize("name, data", (
    ("noise", NOISE),
    ("plain login", packet(struct.pack("<IIB23x", CAPABILITIES | CLIENT_SSL, MAX_PACKET, UTF8MB4)
                           + b"app\0\0", 2)),
    ("record that is too long", b"\x16\x03\x01\xff\xff" + NOISE),
    ("nothing", b""),
), ids=lambda value: value if isinstance(value, str) else "")
def test_instead_of_a_tls_handshake(readmux, bystander, name, data):
    with Wire(readmux.port) as wire:
        wire.read_greeting()
        wire.tls = True
        wire.write_packet(struct.pack("<IIB23x", CAPABILITIES | CLIENT_SSL, MAX_PACKET, UTF8MB4))
        wire.write_raw(data)
        wire.end_writing()
        wire.read_to_end()              # a TLS alert, or nothing


def test_bytes_smuggled_behind_the_tls_request(readmux, bystander):
    """What follows an SSLRequest in the clear must not be taken for part of the session."""
    request = packet(struct.pack("<IIB23x", CAPABILITIES | CLIENT_SSL, MAX_PACKET, UTF8MB4), 1)
    login = packet(struct.pack("<IIB23x", CAPABILITIES | CLIENT_SSL, MAX_PACKET, UTF8MB4)
                   + b"empty\0\0caching_sha2_password\0", 2)
    with Wire(readmux.port) as wire:
        wire.read_greeting()
        wire.write_raw(request + login + packet(b"\x03SELECT 1"))
        wire.end_writing()
        assert b"SELECT" not in wire.read_to_end()


# ------------------------------------------------------------------------ after login

@pytest.fixture
def wire(readmux):
    with Wire(readmux.port) as wire:
        yield wire.log_in(APP.name, APP.password, PLUGIN, "app")


FATAL = {
    "wrong sequence number": packet(b"\x03SELECT 1", 7),
    "cut header": b"\x05\0",
    "cut packet": (100).to_bytes(3, "little") + b"\0\x03SELECT",
    "cut long packet": (0xffffff).to_bytes(3, "little") + b"\0\x03SELECT '" + b"x" * 100000,
}


@pytest.mark.parametrize("name", FATAL)
def test_after_login_fatal(wire, bystander, name):
    wire.write_raw(FATAL[name])
    wire.end_writing()
    ends(wire)


ODD = {
    "empty packet": b"",
    "unknown command": b"\xee",
    "unknown command with noise": b"\x7f" + NOISE,
    "COM_SLEEP": b"\0",
    "COM_CONNECT": b"\x0b",
    "empty query": bytes([COM_QUERY]),
    "noise as a query": bytes([COM_QUERY]) + NOISE,
    "query of NULs": bytes([COM_QUERY]) + bytes(50),
    "unclosed string": bytes([COM_QUERY]) + b"SELECT 'abc",
    "unclosed comment": bytes([COM_QUERY]) + b"SELECT 1 /* abc",
    "empty schema": bytes([COM_INIT_DB]),
    "long schema": bytes([COM_INIT_DB]) + b"s" * 5000,
    "field list without end": bytes([COM_FIELD_LIST]) + b"table",
    "cut change user": bytes([COM_CHANGE_USER]) + b"app\0\x20abc",
    "empty change user": bytes([COM_CHANGE_USER]),
    "execute without an id": bytes([COM_STMT_EXECUTE]),
    "execute cut": bytes([COM_STMT_EXECUTE]) + b"\1\0\0\0",
    "execute with noise": bytes([COM_STMT_EXECUTE]) + b"\1\0\0\0" + NOISE,
    "reset cut": bytes([COM_STMT_RESET]) + b"\1",
    "fetch cut": bytes([COM_STMT_FETCH]) + b"\1\0\0\0",
    "option cut": b"\x1b\0",
    "binlog dump": b"\x12" + bytes(10),
    "register replica": b"\x15" + NOISE,
}


@pytest.mark.parametrize("name", ODD)
def test_after_login_odd(wire, bystander, name):
    """Told what is wrong (and then the session lives), or disconnected: within seconds."""
    wire.write_packet(ODD[name], seq=0)
    try:
        wire.read_good_packet()
        return                          # the server takes it (a NUL query is an empty one)
    except Refused:
        pass
    except Ended:
        return
    try:
        assert wire.query("SELECT 1") == [[b"1"]]
    except (Ended, Refused) as why:
        assert isinstance(why, Ended), f"a session that lives but does not work: {why}"


def test_unknown_command_is_refused_and_the_session_lives(wire):
    with pytest.raises(Refused) as failure:
        wire.ask(0xee)
    assert failure.value.number == 1047
    assert wire.query("SELECT 1") == [[b"1"]]


@pytest.mark.parametrize("payload", (
    bytes([COM_STMT_CLOSE]),
    bytes([COM_STMT_CLOSE]) + b"\xff\xff\xff\xff",
    bytes([COM_STMT_SEND_LONG_DATA]) + b"\1",
    bytes([COM_STMT_SEND_LONG_DATA]) + b"\1\0\0\0\xff\xff" + NOISE,
), ids=("close cut", "close unknown", "long data cut", "long data for nothing"))
def test_odd_commands_without_an_answer(wire, bystander, payload):
    wire.write_packet(payload, seq=0)
    try:
        wire.command(COM_PING)
        assert wire.read_packet()[0] in (0, 0xff)
    except Ended:
        pass


def test_commands_one_after_another_without_waiting(wire):
    """Legal, if unusual: answers come in order."""
    asked = b"".join(packet(b"\x03SELECT %d" % number) for number in range(50))
    wire.write_raw(asked + packet(bytes([COM_PING])) + packet(bytes([COM_STATISTICS])))
    for number in range(50):
        assert wire.read_good_packet() == b"\x01"
        for _ in range(2):
            wire.read_good_packet()
        text = str(number).encode()
        assert wire.read_good_packet() == bytes([len(text)]) + text
        wire.read_good_packet()
    assert wire.read_good_packet()[0] == 0
    assert b"Uptime" in wire.read_good_packet()


def test_a_command_byte_by_byte(wire):
    for byte in packet(b"\x03SELECT 'slowly'"):
        wire.write_raw(bytes([byte]))
    assert wire.read_good_packet() == b"\x01"
    for _ in range(2):
        wire.read_good_packet()
    assert wire.read_good_packet() == b"\x06slowly"
    wire.read_good_packet()
