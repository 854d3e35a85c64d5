# SPDX-License-Identifier: GPL-2.0-or-later
"""
Parameters of COM_STMT_EXECUTE, by functions named after their types.

Source: page_protocol_binary_resultset, "Binary Protocol Value"; enum_field_types.
"""

import struct
from dataclasses import dataclass

UNSIGNED = 0x80
TYPE_NULL = 6


@dataclass(frozen=True)
class Parameter:
    type: int
    data: bytes             # as the binary protocol has it; None = NULL
    flags: int = 0
    long: bool = False      # its bytes come by COM_STMT_SEND_LONG_DATA


NULL = Parameter(TYPE_NULL, None)


def null(of):
    """NULL with the type of another parameter."""
    return Parameter(of.type, None, of.flags)


def long(of):
    """A parameter with <of>'s type that was sent before."""
    return Parameter(of.type, b"", of.flags, True)


def _number(type_, code, flags=0):
    return lambda value: Parameter(type_, struct.pack(code, value), flags)


tiny, utiny = _number(1, "<b"), _number(1, "<B", UNSIGNED)
short, ushort, year = _number(2, "<h"), _number(2, "<H", UNSIGNED), _number(13, "<H")
int24, long_, ulong = _number(9, "<i"), _number(3, "<i"), _number(3, "<I", UNSIGNED)
longlong, ulonglong = _number(8, "<q"), _number(8, "<Q", UNSIGNED)
float_, double = _number(4, "<f"), _number(5, "<d")


def _text(type_):
    def parameter(value):
        value = value.encode() if isinstance(value, str) else value
        if len(value) < 251:
            return Parameter(type_, bytes([len(value)]) + value)
        return Parameter(type_, b"\xfd" + len(value).to_bytes(3, "little") + value)
    return parameter


decimal, varchar, bit, json = _text(0), _text(15), _text(16), _text(0xf5)
newdecimal, enum, set_ = _text(0xf6), _text(0xf7), _text(0xf8)
tiny_blob, medium_blob, long_blob, blob = _text(0xf9), _text(0xfa), _text(0xfb), _text(0xfc)
var_string, string, geometry = _text(0xfd), _text(0xfe), _text(0xff)


def _moment(type_):
    def parameter(*parts):
        """year, month, day[, hour, minute, second[, microsecond]]; nothing is zero"""
        data = b""
        if parts:
            data = struct.pack("<HBB", *parts[:3]) + bytes(parts[3:6])
            data += struct.pack("<I", *parts[6:]) if len(parts) == 7 else b""
        return Parameter(type_, bytes([len(data)]) + data)
    return parameter


date, datetime, timestamp = _moment(10), _moment(12), _moment(7)


def time(*parts):
    """negative, days, hours, minutes, seconds[, microsecond]"""
    data = b""
    if parts:
        data = struct.pack("<BIBBB", *parts[:5])
        data += struct.pack("<I", *parts[5:]) if len(parts) == 6 else b""
    return Parameter(11, bytes([len(data)]) + data)


def parse(text):
    """A line's parameters: calls of the above; bare Python values have obvious types."""
    values = eval(f"[{text}]", {**globals(), "__builtins__": {}})
    return [_typed(value) for value in values]


def _typed(value):
    if value is None:
        return NULL
    if isinstance(value, int):
        return longlong(value)
    if isinstance(value, float):
        return double(value)
    return value if isinstance(value, Parameter) else var_string(value)


def execution(statement, parameters, cursor=0, types=True):
    """The payload of COM_STMT_EXECUTE."""
    payload = struct.pack("<IBI", statement, cursor, 1)
    if not parameters:
        return payload
    nulls = sum(1 << i for i, p in enumerate(parameters) if p.data is None)
    payload += nulls.to_bytes((len(parameters) + 7) // 8, "little") + bytes([types])
    if types:
        payload += b"".join(bytes([p.type, p.flags]) for p in parameters)
    return payload + b"".join(p.data for p in parameters if p.data is not None)
