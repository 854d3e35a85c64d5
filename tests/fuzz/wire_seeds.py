#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Writes the seeds of the wire layer's fuzz targets into tests/fuzz/corpus/.  Run it
again after a change of an input's form; crashes that were kept stay.
"""

import os
import zlib

CORPUS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "corpus")

SALT_1, SALT_2 = b"abcdefgh", b"ijklmnopqrst"
QUERY, FIELDS, STATS, CHANGE_USER, DUMP = 0x03, 0x04, 0x09, 0x11, 0x12
PREPARE, EXECUTE, SET_OPTION, FETCH, PING = 0x16, 0x17, 0x1b, 0x1c, 0x0e
DEP, OPTIONAL, CACHE = 1, 2, 4


def seed(target, name, data):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as out:
        out.write(data)


def greeting(version, low, high, extended, plugin):
    return (b"\0\x0a" + version + b"\0\7\0\0\0" + SALT_1 + b"\0" + low + b"\x2d\2\0" + high
            + b"\x15" + bytes(6) + extended + SALT_2 + b"\0" + plugin)


def response(capabilities, rest, extended=bytes(4)):
    return b"\1" + capabilities + b"\0\0\0\1\x2d" + bytes(19) + extended + rest


def login_seeds():
    seed("fuzz_greeting", "mysql", greeting(b"9.7.0", b"\xff\xff", b"\xff\xdf", bytes(4),
                                            b"caching_sha2_password\0"))
    seed("fuzz_greeting", "mariadb", greeting(b"5.5.5-10.11.19-MariaDB", b"\xfe\xff",
                                              b"\xff\x81", b"\x1d\0\0\0",
                                              b"mysql_native_password\0"))
    seed("fuzz_greeting", "no_plugin", greeting(b"5.1", b"\xff\xf7", b"\0\0", bytes(4),
                                                b""))
    seed("fuzz_greeting", "response_all", response(
        b"\x09\x82\x38\x05", b"me\0\3pwdapp\0plug\0\4\1k\1v\3"))
    seed("fuzz_greeting", "response_ssl", response(b"\1\x8a\x08\0", b""))
    seed("fuzz_greeting", "response_short", response(b"\1\x82\0\0", b"me\0\0"))
    seed("fuzz_greeting", "response_mariadb", response(b"\0\x82\0\0", b"me\0\0",
                                                       b"\x10\0\0\0"))
    seed("fuzz_greeting", "change_user",
         b"\x0e\x11me\0\3pwdapp\0\xff\0plug\0\4\1k\1v")
    seed("fuzz_greeting", "change_user_short", b"\2\x11me\0\0")
    seed("fuzz_greeting", "switch",
         b"\3\xfemysql_native_password\0" + SALT_1 + SALT_2 + b"\0")
    seed("fuzz_greeting", "switch_no_data", b"\3\xfemysql_clear_password\0")


def reply_seeds():
    ok = b"\0\0\0\2\x40\0\0\0"
    seed("fuzz_reply", "ok", b"\1\0\0\0\2\0\0\0")
    seed("fuzz_reply", "ok_as_eof", b"\1\xfe\0\0\x62\0\3\0")
    seed("fuzz_reply", "ok_numbers", b"\0\0\xfc\xe8\3\xfd\1\0\1\3\0\5\0")
    seed("fuzz_reply", "ok_text", b"\0\0\2\0\x22\0\0\0\x10Rows matched: 2.")
    seed("fuzz_reply", "ok_bare_text", b"\0\0\2\0\x22\0\0\0hello")
    seed("fuzz_reply", "mariadb_track", b"\1" + ok + b"\x1f\0\x0a\x08sql_mode\0"
         b"\0\x0e\x0aautocommit\2ON\2\x011")
    seed("fuzz_reply", "mysql_track", b"\1" + ok + b"\x1d\0\x10\x0cstatement_id\x0214"
         b"\1\6\5mysql\2\x011")
    seed("fuzz_reply", "two_pairs", b"\0\0\x08\1a\x011\1b\x012")
    seed("fuzz_reply", "other_entries", b"\0\3\x0a\0\x08uuid:1-5\4\5\4SQL;"
         b"\5\x09\x08T_______\x2a\3\xff\xff\xff")
    seed("fuzz_reply", "err", b"\0\xff\x1e\4#42S22Unknown column")
    seed("fuzz_reply", "err_before_login", b"\0\xff\x10\4Too many connections")
    seed("fuzz_reply", "eof", b"\0\xfe\1\2\x62\0")


def packets(words):
    """A response in fuzz_result's short form."""
    forms = {
        "d": b"\6\3defxx", "r": b"\2\1a", "n": b"\1\xfb", "b": b"\4\0\0\1\0",
        "o": b"\7\0\0\0\2\0\0\0", "oa": b"\7\0\0\0\x0a\0\0\0",
        "t": b"\7\xfe\0\0\2\0\0\0", "ta": b"\7\xfe\0\0\x0a\0\0\0",
        "t42": b"\7\xfe\0\0\x42\0\0\0", "e": b"\5\xfe\0\0\2\0", "ea": b"\5\xfe\0\0\x0a\0",
        "e42": b"\5\xfe\0\0\x42\0", "e100a": b"\5\xfe\0\0\x0a\x10",
        "E": b"\x0b\xff\x1e\4#42S22no", "P": b"\x0a\xff\xff\xff\1\1\2\0\0\0",
        "L": b"\7\xfb/tmp/x", "T": b"\x09Uptime: 1", "S": b"\5\xfeplug", "M": b"\2\1\4",
        "R": b"\xf0\1", "X": b"\xf1\xfe", "G": b"\xf3\1", "c": b"\3\xff\xff\xff",
        "z": b"\0",
        "h1": b"\1\1", "h2": b"\1\2", "h10": b"\2\1\0", "h11": b"\2\1\1",
        "p12": b"\x0c\0\1\0\0\0\2\0\1\0\0\0\0", "p120": b"\x0d\0\1\0\0\0\2\0\1\0\0\0\0\0",
        "p01": b"\x0c\0\1\0\0\0\1\0\0\0\0\0\0",
    }
    return b"".join(forms[word] for word in words.split())


RESULTS = (
    ("query", QUERY, 0, "h2 d d e r n r e o E"),
    ("query_dep", QUERY, DEP, "h2 d d r r t o E"),
    ("multi", QUERY, 0, "h1 d ea r ea oa h1 d e r e"),
    ("multi_dep", QUERY, DEP, "h1 d r ta oa h1 d r ta E"),
    ("call", EXECUTE, 0, "h1 d ea b ea h1 d e100a b e o"),
    ("cursor", EXECUTE, 0, "h1 d e42 h1 d e b e"),
    ("cursor_dep", EXECUTE, DEP, "h1 d t42 h1 d b t"),
    ("fetch", FETCH, 0, "b b e42 E"),
    ("prepare", PREPARE, 0, "p12 d e d d e p01 d e E"),
    ("prepare_dep", PREPARE, DEP, "p12 d d d p01 d"),
    ("prepare_none", PREPARE, OPTIONAL, "p120 e e"),
    ("optional", QUERY, OPTIONAL, "h10 e r e h11 d e r e"),
    ("optional_dep", QUERY, OPTIONAL | DEP, "h10 r t h11 d r t"),
    ("cache", EXECUTE, CACHE, "h10 e b e h11 d e b e"),
    ("infile", QUERY, 0, "L o L E"),
    ("progress", QUERY, 0, "P P o h1 d e r P r e"),
    ("fields", FIELDS, 0, "d d e d e"),
    ("statistics", STATS, 0, "T T E"),
    ("set_option", SET_OPTION, DEP, "t t"),
    ("ping", PING, 0, "o o E"),
    ("change_user", CHANGE_USER, 0, "S M o S E"),
    ("stream", DUMP, 0, "o o b e"),
    ("continued", QUERY, 0, "h1 d e R c r R z e"),
    ("continued_dep", QUERY, DEP, "h1 d X c r X R c t"),
    ("large", QUERY, DEP, "h1 G G t"),
)


def result_seeds():
    for name, command, capabilities, words in RESULTS:
        seed("fuzz_result", name, bytes([command, capabilities, 2]) + packets(words))


ZSTD, AS_CLIENT = 1, 2
# 100 letters 'a' as zstd packs them
ZSTD_A = bytes.fromhex("28b52ffd206445000010616101003f012c")


def framed(body, number, size=0):
    return (len(body).to_bytes(3, "little") + bytes([number]) + size.to_bytes(3, "little")
            + body)


def compression_seeds():
    query = b"\x65\0\0\0\3" + b"a" * 100
    ping = b"\1\0\0\0\x0e"
    for name, how, body in (
            ("zlib", 0, framed(zlib.compress(query), 0, len(query))),
            ("zlib_pieces", 8, framed(zlib.compress(query), 0, len(query))),
            ("zstd", ZSTD, framed(ZSTD_A, 0, 100)),
            ("zstd_pieces", ZSTD | 4, framed(ZSTD_A, 0, 100)),
            ("stored", 0, framed(ping, 0) + framed(ping, 0)),
            ("halves", 0, framed(query[:50], 0)
             + framed(zlib.compress(query[50:]), 1, len(query) - 50)),
            ("empty", 0, framed(b"", 0) + framed(ping, 1)),
            ("client", AS_CLIENT, framed(zlib.compress(query), 1, len(query))
             + framed(ping, 1)),
            ("longer", 0, framed(zlib.compress(query), 0, 50)),
            ("shorter", ZSTD, framed(ZSTD_A, 0, 101)),
            ("out_of_order", 0, framed(ping, 3)),
            ("bomb", 0, framed(zlib.compress(bytes(1 << 20), 9), 0, 1 << 20)),
            ("commands", AS_CLIENT, ping + query + ping),
            ("file", AS_CLIENT, ping + b"".join(b"\1\0\0" + bytes([n & 255]) + b"x"
                                                for n in range(2, 300)) + b"\0\0\0\x2c" + ping)):
        seed("fuzz_compression", name, bytes([how]) + body)


def stmt_seeds():
    head, bulk, once = b"\x17\1\0\0\0", b"\xfa\1\0\0\0", b"\1\0\0\0"
    for name, parameters, attributes, body in (
            ("plain", 0, 0, head + b"\0" + once),
            ("cursor", 0, 0, head + b"\1" + once),
            ("types", 1, 0, head + b"\0" + once + b"\0\1\3\0\2\0\0\0"),
            ("no_types", 1, 0, head + b"\0" + once + b"\0\0\2\0\0\0"),
            ("nine", 9, 0, head + b"\0" + once + b"\0\1\1" + b"\3\0" * 9 + bytes(36)),
            ("attributes", 1, 1, head + b"\x08" + once
             + b"\2\0\1\3\0\0\xfe\0\4name\1\0\0\0\1x"),
            ("attributes_none", 1, 1, head + b"\0" + once + b"\0\1\3\0\0\2\0\0\0"),
            ("attributes_many", 0, 1, head + b"\x08" + once + b"\xfd\0\0\1"),
            ("bulk", 2, 0, bulk + b"\x80\0\3\0\xfe\0\0\2\0\0\0\0\1x"),
            ("bulk_no_types", 2, 0, bulk + b"\0\0\0\2\0\0\0\0\1x"),
            ("cut", 2, 0, head + b"\0" + once + b"\0\1\3"),
            ("prepared", 0, 0, b"\0\1\0\0\0\2\0\1\0\0\0\0")):
        seed("fuzz_stmt", name, (parameters << 1 | attributes).to_bytes(2, "little") + body)


login_seeds()
reply_seeds()
compression_seeds()
result_seeds()
stmt_seeds()
