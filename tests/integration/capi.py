# SPDX-License-Identifier: GPL-2.0-or-later
"""
The client library's own calls that no Python driver offers (libmariadb through
ctypes): mysql_change_user, mysql_reset_connection and their like.
"""

import ctypes

_lib = ctypes.CDLL("libmariadb.so.3")
_pointer = ctypes.c_void_p
_text = ctypes.c_char_p

for _name, _result, _arguments in (
        ("mysql_init", _pointer, (_pointer,)),
        ("mysql_real_connect", _pointer, (_pointer, _text, _text, _text, _text, ctypes.c_uint,
                                          _text, ctypes.c_ulong)),
        ("mysql_change_user", ctypes.c_char, (_pointer, _text, _text, _text)),
        ("mysql_reset_connection", ctypes.c_int, (_pointer,)),
        ("mysql_ping", ctypes.c_int, (_pointer,)),
        ("mysql_stat", _text, (_pointer,)),
        ("mysql_set_server_option", ctypes.c_int, (_pointer, ctypes.c_int)),
        ("mysql_real_query", ctypes.c_int, (_pointer, _text, ctypes.c_ulong)),
        ("mysql_store_result", _pointer, (_pointer,)),
        ("mysql_fetch_row", ctypes.POINTER(_text), (_pointer,)),
        ("mysql_num_fields", ctypes.c_uint, (_pointer,)),
        ("mysql_free_result", None, (_pointer,)),
        ("mysql_errno", ctypes.c_uint, (_pointer,)),
        ("mysql_error", _text, (_pointer,)),
        ("mysql_close", None, (_pointer,))):
    _function = getattr(_lib, _name)
    _function.restype = _result
    _function.argtypes = _arguments


class CError(Exception):
    def __init__(self, handle):
        self.number = _lib.mysql_errno(handle)
        super().__init__(f"{self.number}: {_lib.mysql_error(handle).decode()}")


class CClient:
    def __init__(self, port, user, password, schema):
        self._handle = _lib.mysql_init(None)
        if not _lib.mysql_real_connect(self._handle, b"127.0.0.1", user.encode(),
                                       password.encode(), schema.encode(), port, None, 0):
            error = CError(self._handle)
            self.close()
            raise error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        _lib.mysql_close(self._handle)

    def _check(self, failed):
        if failed:
            raise CError(self._handle)

    def change_user(self, user, password, schema):
        failed = _lib.mysql_change_user(self._handle, user.encode(), password.encode(),
                                        schema.encode())
        self._check(failed != b"\0")

    def reset(self):
        self._check(_lib.mysql_reset_connection(self._handle))

    def ping(self):
        self._check(_lib.mysql_ping(self._handle))

    def statistics(self):
        return _lib.mysql_stat(self._handle).decode()

    def multi_statements(self, on):
        self._check(_lib.mysql_set_server_option(self._handle, 0 if on else 1))

    def rows(self, sql):
        text = sql.encode()
        self._check(_lib.mysql_real_query(self._handle, text, len(text)))
        result = _lib.mysql_store_result(self._handle)
        if not result:
            self._check(_lib.mysql_errno(self._handle))
            return []
        width = _lib.mysql_num_fields(result)
        answer = []
        while row := _lib.mysql_fetch_row(result):
            answer.append([None if row[i] is None else row[i].decode() for i in range(width)])
        _lib.mysql_free_result(result)
        return answer

    def one(self, sql):
        ((value,),) = self.rows(sql)
        return value
