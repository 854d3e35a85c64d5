# SPDX-License-Identifier: GPL-2.0-or-later
"""
Wire with compression, and a forwarder that counts what travels.  Source:
page_protocol_basic_compression_packet.
"""

import ctypes
import ctypes.util
import socket
import threading
import zlib

from wire import Ended, Wire

CLIENT_COMPRESS = 1 << 5
CLIENT_ZSTD = 1 << 26
FLAGS = {"zlib": CLIENT_COMPRESS, "zstd": CLIENT_ZSTD}

_zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
for _function in ("ZSTD_compressBound", "ZSTD_compress", "ZSTD_decompress"):
    getattr(_zstd, _function).restype = ctypes.c_size_t


def pack_zstd(data, level=3):
    room = ctypes.create_string_buffer(_zstd.ZSTD_compressBound(ctypes.c_size_t(len(data))))
    size = _zstd.ZSTD_compress(room, ctypes.c_size_t(len(room)), data,
                               ctypes.c_size_t(len(data)), level)
    return room.raw[:size]


def unpack_zstd(data, size):
    room = ctypes.create_string_buffer(size)
    got = _zstd.ZSTD_decompress(room, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)))
    assert got == size, (got, size)
    return room.raw


PACK = {"zlib": zlib.compress, "zstd": pack_zstd}
UNPACK = {"zlib": lambda data, size: zlib.decompress(data), "zstd": unpack_zstd}


def framed(body, number, size=0):
    """A compressed packet that says that <body> has <size> bytes before compression."""
    return len(body).to_bytes(3, "little") + bytes([number & 0xff]) + size.to_bytes(3, "little") \
        + body


class CompressedWire(Wire):
    """
    After log_in(), every packet travels in compressed packets; their numbers are checked
    as clients check them.  <asked> are the capability flags, <level> zstd's.
    """

    def __init__(self, port, algorithm, asked=None, level=3):
        super().__init__(port, extra=FLAGS[algorithm] if asked is None else asked)
        self.algorithm = algorithm
        self.level = level
        self.on = False
        self.number = 0
        self.unread = b""

    def login_packet(self, *arguments):
        level = b"" if self.level is None else bytes([self.level])
        return super().login_packet(*arguments) + level

    def log_in(self, *arguments, **options):
        super().log_in(*arguments, **options)
        self.on = True
        return self

    def send(self, data, number=None, stored=False):
        """One compressed packet."""
        if number is not None:
            self.number = number
        body, size = (data, 0) if stored else (PACK[self.algorithm](data), len(data))
        super().write_raw(framed(body, self.number, size))
        self.number = self.number + 1 & 0xff

    def write_packet(self, payload, seq=None):
        seq = self.seq if seq is None else seq
        if not self.on:
            super().write_packet(payload, seq)
            return
        if seq == 0:
            self.number = 0
        packet = len(payload).to_bytes(3, "little") + bytes([seq & 0xff]) + payload
        self.send(packet, stored=len(packet) < 50)
        self.seq = seq + 1 & 0xff

    def _receive(self, count):
        if not self.on:
            return super()._receive(count)
        while len(self.unread) < count:
            header = super()._receive(7)
            assert header[3] == self.number & 0xff, f"number {header[3]}, not {self.number}"
            self.number = header[3] + 1
            body = super()._receive(int.from_bytes(header[:3], "little"))
            size = int.from_bytes(header[4:], "little")
            self.unread += UNPACK[self.algorithm](body, size) if size else body
        answer, self.unread = self.unread[:count], self.unread[count:]
        return answer

    def read_to_end(self):
        """Whatever comes until the other side closes."""
        self.on = False
        return super().read_to_end()

    def closed(self):
        """The other side closes without another word."""
        try:
            return self.read_to_end() == b""
        except Ended:
            return True


class Counting:
    """
    A TCP forwarder on a port of its own before <port>; counts the bytes of both ways.
    <damage> once: what comes back next is damaged behind its first 12 bytes.
    """

    def __init__(self, port):
        self.target = port
        self.up = self.down = 0
        self.damage = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, way in ((client, server, "up"), (server, client, "down")):
                thread = threading.Thread(target=self._pump, args=(source, sink, way), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _pump(self, source, sink, way):
        try:
            while part := source.recv(1 << 16):
                setattr(self, way, getattr(self, way) + len(part))
                if self.damage and way == "down" and len(part) > 12:
                    self.damage = False
                    part = part[:12] + bytes(byte ^ 0x5a for byte in part[12:])
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
