#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
A small DNS server for the tests: answers over UDP and TCP from a JSON file, which is read
again whenever it has changed.

    {"ttl": 1,
     "mysql-0.mysql": ["127.0.0.1"],
     "mysql-1.mysql": ["::1", "127.0.0.1"],
     "mysql-2.mysql": "SERVFAIL",
     "mysql-3.mysql": "SILENCE",
     "_mysql._tcp.mysql": [{"target": "mysql-0.mysql", "port": 3306}],
     "mysql-4.mysql": {"turns": [["127.0.0.1"], "NXDOMAIN"]},
     "*.example.org": ["192.0.2.1"],
     "*": "NXDOMAIN"}

A name is a list of addresses or SRV records, or the name of an answer: any RCODE of
ANSWERS, or SILENCE; or several of them, by turns.  "*.domain" is for all other names
below it, "*" for all other names; NXDOMAIN when it is missing.  Of what does not fit
into 512 bytes, UDP says only that it was cut.  "negative_ttl": N makes it a cache that
keeps "no such name" for N seconds.

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
import time

ANSWERS = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
A, AAAA, SRV = 1, 28, 33
FLAGS = 0x8580                  # a response, authoritative, recursion there if wanted
TRUNCATED = 0x0200
UDP_ROOM = 512                  # without EDNS


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


def read_question(message):
    """The name that is asked for, the type, and where the question ends."""
    name, end = read_name(message, 12)
    return name, struct.unpack_from(">H", message, end)[0], end + 4


def record_data(entry, kind):
    """The data of a record of type <kind> that <entry> stands for, or None."""
    if isinstance(entry, dict):
        data = struct.pack(">HHH", 0, 0, entry["port"]) + write_name(entry["target"])
        return data if kind == SRV else None
    address = ipaddress.ip_address(entry)
    return address.packed if kind == (A if address.version == 4 else AAAA) else None


def look_up(zone, name):
    """What the zone has for <name>."""
    if name in zone:
        return zone[name]
    while "." in name:
        name = name.split(".", 1)[1]
        if "*." + name in zone:
            return zone["*." + name]
    return zone.get("*", "NXDOMAIN")


def answer(message, found, ttl):
    """The bytes that say <found>, or None for silence."""
    _, kind, end = read_question(message)
    if found == "SILENCE":
        return None
    rcode, records = (ANSWERS[found], []) if isinstance(found, str) else (0, found)
    data = [each for each in (record_data(entry, kind) for entry in records) if each]
    header = message[:2] + struct.pack(">HHHHH", FLAGS | rcode, 1, len(data), 0, 0)
    return header + message[12:end] + b"".join(
        struct.pack(">HHHIH", 0xc00c, kind, 1, ttl, len(each)) + each for each in data)


def cut(message, reply):
    """The reply to <message> that says that <reply> is too long for UDP."""
    flags = struct.unpack_from(">H", reply, 2)[0] | TRUNCATED
    end = read_question(message)[2]
    return reply[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + message[12:end]


def receive_exactly(connection, length):
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            return None
        data += more
    return data


def bind_both(address, port):
    """A UDP and a TCP socket at one port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    while True:
        tcp = socket.socket(family, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((address, port))
        tcp.listen()
        udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            udp.bind((address, tcp.getsockname()[1]))
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()
            if port != 0:
                raise


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
        self.asked_by_tcp = []          # those of them that came so
        self._denied = {}               # name: until when that is kept
        self._turns = {}                # (name, type): how often it was asked by turns
        self._read = None
        self._stamp = None
        self._lock = threading.Lock()
        self._udp, self._tcp = bind_both(address, port)

    @property
    def port(self):
        return self._udp.getsockname()[1]

    @property
    def endpoint(self):
        return "[%s]:%d" % self._udp.getsockname()[:2]

    def __enter__(self):
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for each in (self._udp, self._tcp):
            try:
                each.shutdown(socket.SHUT_RDWR)         # wakes its thread
            except OSError:
                pass
            each.close()
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

    def _found(self, name, kind):
        zone = self._zone_now()
        found = look_up(zone, name)
        if isinstance(found, dict):
            turn = self._turns[name, kind] = self._turns.get((name, kind), -1) + 1
            found = found["turns"][turn % len(found["turns"])]
        if time.monotonic() < self._denied.get(name, 0):
            return "NXDOMAIN"
        if found == "NXDOMAIN":
            self._denied[name] = time.monotonic() + zone.get("negative_ttl", 0)
        return found

    def reply(self, message, by_tcp):
        """What to send for <message>, or None."""
        try:
            name, kind, _ = read_question(message)
            with self._lock:
                self.asked.append((name, kind))
                if by_tcp:
                    self.asked_by_tcp.append((name, kind))
                reply = answer(message, self._found(name, kind),
                               self._zone_now().get("ttl", 1))
        except (IndexError, struct.error, ValueError, KeyError) as why:
            print(f"dnsserver: {why!r}", file=sys.stderr)
            return None
        if reply is not None and not by_tcp and len(reply) > UDP_ROOM:
            return cut(message, reply)
        return reply

    def serve_udp(self):
        while True:
            try:
                message, client = self._udp.recvfrom(4096)
            except OSError:
                return                  # closed
            if not message:
                continue
            reply = self.reply(message, False)
            if reply is not None:
                self._udp.sendto(reply, client)

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return                  # closed
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                while (length := receive_exactly(connection, 2)) is not None:
                    message = receive_exactly(connection, struct.unpack(">H", length)[0])
                    reply = self.reply(message, True) if message else None
                    if reply is not None:
                        connection.sendall(struct.pack(">H", len(reply)) + reply)
            except OSError:
                return


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server = DnsServer(sys.argv[1], address, port)
    print(server.port, flush=True)
    threading.Thread(target=server.serve_tcp, daemon=True).start()
    try:
        server.serve_udp()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
