# SPDX-License-Identifier: GPL-2.0-or-later
"""
A client that is quick enough for thousands of statements a second, and that can do what
no driver offers in one connection: text and binary protocol, several results, cursors,
COM_CHANGE_USER, commands sent ahead.  Values are str or None, whatever their type.

Source: page_protocol_binary_resultset and page_protocol_com_query_response of the
MySQL manual.
"""

import struct
from dataclasses import dataclass

from mirror import parameters
from mirror.response import SERVER_MORE_RESULTS_EXISTS, SERVER_STATUS_CURSOR_EXISTS, Reader
from wire import (CLIENT_DEPRECATE_EOF, CLIENT_MULTI_STATEMENTS, CLIENT_PS_MULTI_RESULTS,
                  COM_QUERY, COM_STMT_CLOSE, COM_STMT_EXECUTE, COM_STMT_FETCH,
                  COM_STMT_PREPARE, EOF, ERR, OK, Ended, Refused, Wire, split_row)

# enum_field_types: widths of the binary values that are integers; all others are text
INTEGERS = {1: 1, 2: 2, 13: 2, 3: 4, 9: 4, 8: 8}
DOUBLE, UNSIGNED = 5, 0x20


@dataclass
class Result:
    """One result; <rows> is None when it has no columns."""
    rows: list = None
    affected: int = 0
    insert_id: int = 0
    status: int = 0
    warnings: int = 0


@dataclass
class Statement:
    id: int
    parameters: int
    types: list = None          # the column types of its open cursor
    typed: tuple = None         # the parameter types that the server was told


class Buffered(Wire):
    """Reads what has arrived, not a header at a time."""

    def __post_init__(self):
        self._arrived = b""
        super().__post_init__()

    def _receive(self, count):
        while len(self._arrived) < count:
            try:
                part = self.socket.recv(1 << 18)
            except ConnectionError as why:
                raise Ended(str(why)) from None
            if not part:
                raise Ended("end of file")
            self._arrived += part
        taken, self._arrived = self._arrived[:count], self._arrived[count:]
        return taken


class Client:
    """A logged-in connection."""

    def __init__(self, port, plugin, account, schema, extra=0, tls=False, seconds=60):
        self.plugin = plugin
        self.encoding = "utf-8"
        self.wire = Buffered(port, extra=extra | CLIENT_MULTI_STATEMENTS
                             | CLIENT_PS_MULTI_RESULTS)
        self.deprecate_eof = bool(extra & CLIENT_DEPRECATE_EOF)
        self.wire.socket.settimeout(seconds)
        try:
            self.wire.log_in(account.name, account.password, plugin, schema, tls)
        except BaseException:
            self.close()
            raise

    @property
    def id(self):
        return self.wire.greeting.thread_id

    def close(self):
        """Without a word."""
        self.wire.socket.close()

    # ----- commands

    def send(self, *texts):
        """Statements, all in one write."""
        data = b""
        for text in texts:
            payload = bytes([COM_QUERY]) + text.encode(self.encoding)
            data += len(payload).to_bytes(3, "little") + b"\0" + payload
        self.wire.write_raw(data)

    def query(self, sql):
        """All results of a text; Refused for the one that failed."""
        self.send(sql)
        return self.results()

    def prepare(self, sql):
        payload = self.wire.ask(COM_STMT_PREPARE, sql.encode(self.encoding))
        number, columns, count = struct.unpack_from("<IHH", payload, 1)
        self._columns(count)
        self._columns(columns)
        return Statement(number, count)

    def execute(self, statement, values=(), cursor=False):
        """All results; none when <cursor> has been opened."""
        values = [self._parameter(value) for value in values]
        types = tuple(value.type for value in values)
        payload = parameters.execution(statement.id, values, int(cursor),
                                       types != statement.typed)
        statement.typed = types
        self.wire.command(COM_STMT_EXECUTE, payload)
        return self.results(True, statement)

    def _parameter(self, value):
        if isinstance(value, int):
            return parameters.longlong(value)
        return parameters.var_string(value.encode(self.encoding))

    def fetch(self, statement, count):
        """Rows, and whether the cursor has more."""
        self.wire.command(COM_STMT_FETCH, struct.pack("<II", statement.id, count))
        rows, end = self._rows(lambda payload: self._binary_row(payload, statement.types))
        return rows, bool(end.status & SERVER_STATUS_CURSOR_EXISTS)

    def close_statement(self, statement):
        self.wire.command(COM_STMT_CLOSE, struct.pack("<I", statement.id))

    # ----- results

    def results(self, binary=False, statement=None):
        answer = []
        while True:
            result, more = self._result(binary, statement)
            if result is not None:
                answer.append(result)
            if not more:
                return answer

    def _result(self, binary, statement):
        first = self.wire.read_good_packet()
        if first[0] == OK:
            result = self._end(first)
            return result, result.status & SERVER_MORE_RESULTS_EXISTS
        types, status = self._columns(Reader(first).lenenc())
        if status & SERVER_STATUS_CURSOR_EXISTS:
            statement.types = types
            return None, False
        if binary:
            rows, end = self._rows(lambda payload: self._binary_row(payload, types))
        else:
            rows, end = self._rows(lambda payload: self._text_row(payload, len(types)))
        if end.status & SERVER_STATUS_CURSOR_EXISTS and statement is not None:
            statement.types = types
            return None, False
        end.rows = rows
        return end, end.status & SERVER_MORE_RESULTS_EXISTS

    def _columns(self, count):
        """Types of the columns, and the status of the EOF packet behind them."""
        types = [_column_type(self.wire.read_good_packet()) for _ in range(count)]
        if self.deprecate_eof or not count:
            return types, 0
        return types, self._end(self.wire.read_good_packet()).status

    def _end(self, payload):
        """An OK packet (also one with EOF's header) or an EOF packet."""
        if payload[0] == EOF and not self.deprecate_eof:
            warnings, status = struct.unpack_from("<HH", payload, 1)
            return Result(status=status, warnings=warnings)
        reader = Reader(payload, 1)
        return Result(None, reader.lenenc(), reader.lenenc(), reader.number(2),
                      reader.number(2))

    def _rows(self, parse):
        rows = []
        shortest = 0xffffff if self.deprecate_eof else 9
        while True:
            payload = self.wire.read_packet()
            if payload[0] == ERR:
                raise Refused(payload)
            if payload[0] == EOF and len(payload) < shortest:
                return rows, self._end(payload)
            rows.append(parse(payload))

    def _text_row(self, payload, columns):
        return tuple(None if value is None else value.decode(self.encoding)
                     for value in split_row(payload, columns))

    def _binary_row(self, payload, types):
        nulls = int.from_bytes(payload[1:1 + (len(types) + 9) // 8], "little") >> 2
        reader = Reader(payload, 1 + (len(types) + 9) // 8)
        return tuple(None if nulls >> i & 1 else self._binary_value(reader, *types[i])
                     for i in range(len(types)))

    def _binary_value(self, reader, kind, unsigned):
        if kind in INTEGERS:
            width = INTEGERS[kind]
            value = reader.number(width)
            if not unsigned and value >> 8 * width - 1:
                value -= 1 << 8 * width
            return str(value)
        if kind == DOUBLE:
            return repr(struct.unpack("<d", reader.number(8).to_bytes(8, "little"))[0])
        return reader.text().decode(self.encoding)


def _column_type(payload):
    """(type, whether unsigned) of a column or parameter definition."""
    reader = Reader(payload)
    for _ in range(6):
        reader.text()
    reader.at += 7
    return reader.number(1), bool(reader.number(2) & UNSIGNED)
