# SPDX-License-Identifier: GPL-2.0-or-later
"""
The packets of a response: where it ends, and how a person reads them.

Source: page_protocol_command_phase of the MySQL manual (text and binary result sets,
OK_Packet, EOF_Packet, COM_STMT_PREPARE_OK, the session-track entries).
"""

import re
import struct
from dataclasses import dataclass

from wire import (CLIENT_DEPRECATE_EOF, CLIENT_SESSION_TRACK, COM_FIELD_LIST, COM_QUERY,
                  COM_STATISTICS, COM_STMT_EXECUTE, COM_STMT_FETCH, COM_STMT_PREPARE, EOF,
                  ERR, MARIADB_CLIENT_CACHE_METADATA, OK)

COM_PROCESS_INFO = 0x0a
LOCAL_FILE = 0xfb
SERVER_MORE_RESULTS_EXISTS = 0x0008
SERVER_STATUS_CURSOR_EXISTS = 0x0040
SERVER_PS_OUT_PARAMS = 0x1000
SERVER_SESSION_STATE_CHANGED = 0x4000
TRACK_VARIABLE, TRACK_SCHEMA, TRACK_STATE, TRACK_GTID = 0, 1, 2, 3

# Numbers of a server's own that it reports when asked for every variable: a
# statement's number, and the position of the write in that server's history.
PER_SERVER_VARIABLES = (b"statement_id", b"last_gtid", b"pseudo_thread_id", b"gtid_seq_no")


@dataclass(frozen=True)
class Packet:
    what: str           # ok, end, error, count, column, row, prepared, file, text
    seq: int
    payload: bytes

    def describe(self):
        return f"#{self.seq} {self.what}: {_describe(self)}"


class Reader:
    """
    A value at a time out of a payload; IndexError or struct.error behind its end.
    """

    def __init__(self, payload, at=0):
        self.payload, self.at = payload, at

    def number(self, width):
        value = int.from_bytes(self.payload[self.at:self.at + width], "little")
        self.at += width
        return value

    def lenenc(self):
        lead = self.payload[self.at]
        self.at += 1
        return self.number({0xfc: 2, 0xfd: 3, 0xfe: 8}[lead]) if lead > 0xfb else lead

    def text(self):
        length = self.lenenc()
        self.at += length
        return self.payload[self.at - length:self.at]

    def value(self):
        """A value of a text row: None for NULL."""
        if self.payload[self.at] == 0xfb:
            self.at += 1
            return None
        return self.text()

    def rest(self):
        return self.payload[self.at:]


class Response:
    """
    Reads the response to one command from <wire>.  <files> are what the client gives
    when it is asked for a file: name to bytes.
    """

    def __init__(self, wire, files):
        self.wire = wire
        self.files = files
        self.packets = []
        self.deprecate_eof = bool(wire.extra & CLIENT_DEPRECATE_EOF)
        self.cache_metadata = bool(wire.extra & MARIADB_CLIENT_CACHE_METADATA)

    def read(self, command):
        if command == COM_STMT_PREPARE:
            self._prepared()
        elif command == COM_STATISTICS:
            self._add("text", self.wire.read_packet())
        elif command in (COM_QUERY, COM_STMT_EXECUTE, COM_PROCESS_INFO):
            while self._result():
                pass
        elif command in (COM_STMT_FETCH, COM_FIELD_LIST):
            self._until_end("row" if command == COM_STMT_FETCH else "column")
        else:
            self._one()
        return self.packets

    def _add(self, what, payload):
        self.packets.append(Packet(what, (self.wire.seq - 1) & 0xff, payload))
        return payload

    def _one(self):
        payload = self.wire.read_packet()
        what = {OK: "ok", ERR: "error", EOF: "end"}.get(payload[0], "text")
        return what, self._add(what, payload)

    def _until_end(self, what):
        """Packets of a kind until OK, EOF or ERR; the status flags, or 0 after ERR."""
        while True:
            payload = self.wire.read_packet()
            if payload[0] == ERR:
                self._add("error", payload)
                return 0
            if payload[0] == EOF and len(payload) < (0xffffff if self.deprecate_eof else 9):
                self._add("end", payload)
                return self._status(payload)
            self._add(what, payload)

    def _status(self, payload):
        """Of an OK packet (also one with EOF's header) or an EOF packet."""
        if payload[0] == EOF and not self.deprecate_eof:
            return struct.unpack_from("<H", payload, 3)[0]
        reader = Reader(payload, 1)
        reader.lenenc()
        reader.lenenc()
        return reader.number(2)

    def _definitions(self, count, follow=True):
        """Column definitions and, where it is sent, the EOF behind them: its status."""
        for _ in range(count if follow else 0):
            self._add("column", self.wire.read_good_packet())
        if not count or self.deprecate_eof:
            return 0
        return self._status(self._add("end", self.wire.read_good_packet()))

    def _result(self):
        """One result; true when another one follows."""
        first = self.wire.read_packet()
        if first[0] == ERR:
            self._add("error", first)
            return False
        if first[0] == OK:
            return bool(self._status(self._add("ok", first)) & SERVER_MORE_RESULTS_EXISTS)
        if first[0] == LOCAL_FILE:
            self._add("file", first)
            self._send_file(self.files.get(first[1:].decode(), ()))
            return self._result()
        head = Reader(self._add("count", first))
        count = head.lenenc()
        before = self._definitions(count, not self.cache_metadata or head.number(1))
        if before & SERVER_STATUS_CURSOR_EXISTS:
            return False
        status = self._until_end("row")
        # MySQL says only before the row of OUT parameters that something follows it
        return bool(status & SERVER_MORE_RESULTS_EXISTS or before & SERVER_PS_OUT_PARAMS)

    def _send_file(self, parts):
        for part in parts:
            self.wire.write_packet(part)
        self.wire.write_packet(b"")

    def _prepared(self):
        payload = self.wire.read_packet()
        if payload[0] == ERR:
            self._add("error", payload)
            return
        columns, parameters = struct.unpack_from("<HH", self._add("prepared", payload), 5)
        self._definitions(parameters)
        self._definitions(columns)


# ------------------------------------------------------- what cannot be equal

def masked(packet, capabilities):
    """<packet> without what two connections are never told alike."""
    payload = packet.payload
    if packet.what in ("ok", "end"):
        payload = _mask_tracks(payload, capabilities)
    elif packet.what == "prepared":
        # ids mean nothing: MariaDB's threads count on from client to client, and MySQL
        # takes a number whenever it prepares a statement again
        payload = b"\0" * 5 + payload[5:]
    elif packet.what == "error":
        payload = re.sub(rb"(statement(?: handler)?) \(\d+\)", rb"\1 (id)", payload)
    return Packet(packet.what, packet.seq, payload)


def _mask_tracks(payload, capabilities):
    head = 1 if payload[0] == OK or capabilities & CLIENT_DEPRECATE_EOF else None
    if head is None or not capabilities & CLIENT_SESSION_TRACK:
        return payload
    reader = Reader(payload, head)
    reader.lenenc()
    reader.lenenc()
    if not reader.number(2) & SERVER_SESSION_STATE_CHANGED:
        return payload
    reader.number(2)
    reader.text()
    before = payload[:reader.at]
    # MariaDB goes through a hash of addresses: a set, not a list
    entries = sorted(_mask_entry(*entry) for entry in _entries(reader.text()))
    return before + b"".join(entries)


def _entries(block):
    """(kind, data) of each session-track entry."""
    reader = Reader(block)
    while reader.at < len(block):
        yield reader.number(1), reader.text()


def _mask_entry(kind, data):
    if kind == TRACK_GTID:
        data = b"(a position)"
    elif kind == TRACK_VARIABLE:
        reader = Reader(data)
        name = reader.text()
        if name in PER_SERVER_VARIABLES:
            data = name + b" = (the server's own)"
    return bytes([kind]) + len(data).to_bytes(4, "little") + data


# ---------------------------------------------------------- for the failure text

def _describe(packet):
    try:
        return _DESCRIBERS.get(packet.what, _describe_bytes)(packet.payload)
    except (IndexError, KeyError, struct.error):
        return _describe_bytes(packet.payload)


def _describe_bytes(payload):
    more = f" ... {len(payload)} bytes" if len(payload) > 300 else ""
    return repr(payload[:300]) + more


def _describe_ok(payload):
    if payload[0] == EOF and len(payload) == 5:
        return "EOF warnings=%d status=%#06x" % struct.unpack_from("<HH", payload, 1)
    reader = Reader(payload, 1)
    told = (f"affected={reader.lenenc()} insert_id={reader.lenenc()} "
            f"status={reader.number(2):#06x} warnings={reader.number(2)}")
    return told + (f" + {reader.rest()!r}" if reader.rest() else "")


def _describe_column(payload):
    reader = Reader(payload)
    names = [reader.text().decode("utf-8", "replace") for _ in range(6)]
    reader.lenenc()
    return (f"{'|'.join(names)} charset={reader.number(2)} length={reader.number(4)} "
            f"type={reader.number(1):#04x} flags={reader.number(2):#06x} "
            f"decimals={reader.number(1)} rest={reader.rest()!r}")


def _describe_error(payload):
    (number,) = struct.unpack_from("<H", payload, 1)
    return f"{number} {payload[3:].decode('utf-8', 'replace')}"


def _describe_prepared(payload):
    return ("id=%d columns=%d parameters=%d" % struct.unpack_from("<IHH", payload, 1)
            + f" rest={payload[9:]!r}")


_DESCRIBERS = {"ok": _describe_ok, "end": _describe_ok, "column": _describe_column,
               "error": _describe_error, "prepared": _describe_prepared}
