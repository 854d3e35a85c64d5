#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
A small DNS server for the tests: answers over UDP from a JSON file, which is read
again whenever it has changed.

    {"ttl": 1,
     "mysql-0.mysql": ["127.0.0.1"],
     "mysql-1.mysql": ["::1", "127.0.0.1"],
     "mysql-2.mysql": "SERVFAIL",
     "mysql-3.mysql": "SILENCE",
     "_mysql._tcp.mysql": [{"target": "mysql-0.mysql", "port": 3306}],
     "*": "NXDOMAIN"}

A name is a list of addresses or SRV records, or the name of an answer: any RCODE of
ANSWERS, or SILENCE.  "*" is for all other names; NXDOMAIN when it is missing.

As a program: dnsserver.py ZONE.json [ADDRESS [PORT]]; it prints the port.  In a
test: with DnsServer(path) as dns: ... dns.port ... dns.zone({...}).
"""

import ipaddress
import json
import os
import socket
import struct
import sys
import tempfile
import threading

ANSWERS = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
A, AAAA, SRV = 1, 28, 33
FLAGS = 0x8580                  # a response, authoritative, recursion there if wanted


def write_name(name):
    labels = [label.encode() for label in name.strip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_name(message, at):
    labels = []
    while message[at] != 0:
        length = message[at]
        labels.append(message[at + 1:at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels).lower(), at + 1


def record_data(entry, kind):
    """The data of a record of type <kind> that <entry> stands for, or None."""
    if isinstance(entry, dict):
        data = struct.pack(">HHH", 0, 0, entry["port"]) + write_name(entry["target"])
        return data if kind == SRV else None
    address = ipaddress.ip_address(entry)
    return address.packed if kind == (A if address.version == 4 else AAAA) else None


def answer(message, zone):
    """The bytes that answer <message>, or None for silence."""
    name, end = read_name(message, 12)
    kind = struct.unpack_from(">H", message, end)[0]
    question = message[12:end + 4]
    found = zone.get(name, zone.get("*", "NXDOMAIN"))
    if found == "SILENCE":
        return None
    rcode, records = (ANSWERS[found], []) if isinstance(found, str) else (0, found)
    data = [each for each in (record_data(entry, kind) for entry in records) if each]
    header = message[:2] + struct.pack(">HHHHH", FLAGS | rcode, 1, len(data), 0, 0)
    return header + question + b"".join(
        struct.pack(">HHHIH", 0xc00c, kind, 1, zone.get("ttl", 1), len(each)) + each
        for each in data)


class DnsServer:
    """Serves the file <path>, or one of its own."""

    def __init__(self, path=None, address="127.0.0.1", port=0):
        self._own = path is None
        if self._own:
            handle, path = tempfile.mkstemp(prefix="zone.", suffix=".json")
            os.write(handle, b"{}")
            os.close(handle)
        self.path = path
        self.asked = []                 # (name, type), in order
        self._read = None
        self._stamp = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self._thread = threading.Thread(target=self.serve, daemon=True)

    @property
    def port(self):
        return self._socket.getsockname()[1]

    @property
    def endpoint(self):
        return "%s:%d" % self._socket.getsockname()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()
        if self._own:
            os.unlink(self.path)

    def zone(self, names):
        """Replace the file's contents in one step."""
        fresh = self.path + ".new"
        with open(fresh, "w") as out:
            json.dump(names, out)
        os.replace(fresh, self.path)

    def _zone_now(self):
        stamp = os.stat(self.path)
        stamp = (stamp.st_ino, stamp.st_mtime_ns, stamp.st_size)
        if stamp != self._stamp:
            with open(self.path) as file:
                names = json.load(file)
            self._read = {name.strip(".").lower(): value for name, value in names.items()}
            self._stamp = stamp
        return self._read

    def serve(self):
        while True:
            try:
                message, client = self._socket.recvfrom(4096)
            except OSError:
                return                  # closed
            try:
                name, end = read_name(message, 12)
                self.asked.append((name, struct.unpack_from(">H", message, end)[0]))
                reply = answer(message, self._zone_now())
            except (IndexError, struct.error, ValueError, KeyError) as why:
                print(f"dnsserver: {why!r}", file=sys.stderr)
                continue
            if reply is not None:
                self._socket.sendto(reply, client)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server = DnsServer(sys.argv[1], address, port)
    print(server.port, flush=True)
    try:
        server.serve()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
