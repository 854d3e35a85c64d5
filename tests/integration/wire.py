# SPDX-License-Identifier: GPL-2.0-or-later
"""
A client that shows the packets: for logins by a chosen method, and for packets
that no good client sends.  Source: the protocol pages of the MySQL manual
(page_protocol_connection_phase, page_caching_sha2_authentication_exchanges).
"""

import socket
import ssl
import struct
from dataclasses import dataclass, field

from pymysql import _auth

CLIENT_CONNECT_WITH_DB = 1 << 3
CLIENT_LOCAL_FILES = 1 << 7
CLIENT_SSL = 1 << 11
CLIENT_MULTI_STATEMENTS = 1 << 16
CLIENT_PS_MULTI_RESULTS = 1 << 18
CLIENT_SESSION_TRACK = 1 << 23
CLIENT_DEPRECATE_EOF = 1 << 24
MARIADB_CLIENT_CACHE_METADATA = 1 << 36
CLIENT_LONG_PASSWORD = 1
CAPABILITIES = (CLIENT_LONG_PASSWORD
                | 1 << 9    # PROTOCOL_41
                | 1 << 13   # TRANSACTIONS
                | 1 << 15   # SECURE_CONNECTION
                | 1 << 17   # MULTI_RESULTS
                | 1 << 19   # PLUGIN_AUTH
                | 1 << 21)  # PLUGIN_AUTH_LENENC_CLIENT_DATA
MAX_PACKET = 1 << 30
UTF8MB4 = 45

OK, EOF, ERR, MORE = 0x00, 0xfe, 0xff, 0x01
FAST_OK, FULL_NEEDED, WANT_KEY = b"\x03", b"\x04", b"\x02"

COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST = 0x01, 0x02, 0x03, 0x04
COM_STATISTICS, COM_PING, COM_CHANGE_USER = 0x09, 0x0e, 0x11
COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA = 0x16, 0x17, 0x18
COM_STMT_CLOSE, COM_STMT_RESET, COM_STMT_FETCH = 0x19, 0x1a, 0x1c
COM_RESET_CONNECTION = 0x1f


class Ended(Exception):
    """The other side has closed the connection."""


class Refused(Exception):
    """An ERR packet."""

    def __init__(self, payload):
        self.payload = payload
        self.number = struct.unpack_from("<H", payload, 1)[0]
        self.sqlstate = payload[4:9].decode() if payload[3:4] == b"#" else ""
        self.text = payload[9 if self.sqlstate else 3:].decode("utf-8", "replace")
        super().__init__(f"{self.number} ({self.sqlstate}): {self.text}")


@dataclass
class Greeting:
    version: str
    thread_id: int
    salt: bytes
    capabilities: int
    plugin: str


@dataclass
class Wire:
    """
    A connection; <trace> says how the login went.  <extra> are capabilities to ask for
    beyond CAPABILITIES.  query() and its like know responses without any of them.
    """
    port: int
    address: str = "127.0.0.1"
    extra: int = 0
    collation: int = UTF8MB4
    seq: int = 0
    trace: list = field(default_factory=list)

    def __post_init__(self):
        self.socket = socket.create_connection((self.address, self.port), timeout=20)
        self.tls = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ----- packets

    def _receive(self, count):
        received = b""
        while len(received) < count:
            try:
                part = self.socket.recv(count - len(received))
            except (ConnectionError, ssl.SSLError) as why:
                raise Ended(str(why)) from None
            if not part:
                raise Ended("end of file")
            received += part
        return received

    def read_packet(self):
        header = self._receive(4)
        self.seq = (header[3] + 1) & 0xff
        return self._receive(int.from_bytes(header[:3], "little"))

    def read_good_packet(self):
        payload = self.read_packet()
        if payload[:1] == b"\xff":
            raise Refused(payload)
        return payload

    def write_raw(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError as why:
            raise Ended(str(why)) from None

    def write_packet(self, payload, seq=None):
        seq = self.seq if seq is None else seq
        self.write_raw(len(payload).to_bytes(3, "little") + bytes([seq & 0xff]) + payload)
        self.seq = (seq + 1) & 0xff

    def end_writing(self):
        """Half-close; no matter if the other side has closed already."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def read_to_end(self):
        """Everything until the other side closes; fails by time-out if it does not."""
        received = b""
        try:
            while True:
                received += self._receive(1)
        except Ended:
            return received

    # ----- login

    def read_greeting(self):
        payload = self.read_good_packet()
        end = payload.index(b"\0")
        at = end + 1
        thread_id, salt, low = struct.unpack_from("<I8sxH", payload, at)
        high, salt_length = struct.unpack_from("<HB", payload, at + 18)
        salt += payload[at + 31:at + 31 + max(13, salt_length - 8)][:12]
        plugin = payload[at + 31 + max(13, salt_length - 8):].split(b"\0")[0].decode()
        return Greeting(payload[1:end].decode(), thread_id, salt, low | high << 16, plugin)

    def start_tls(self, schema=""):
        """SSLRequest and TLS handshake; <schema> as in the login packet that follows."""
        self.tls = True
        self.write_packet(self._login_head(schema))
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def _login_head(self, schema):
        capabilities = CAPABILITIES | self.extra | (CLIENT_CONNECT_WITH_DB if schema else 0) \
            | (CLIENT_SSL if self.tls else 0)
        extended = capabilities >> 32
        if extended:        # MariaDB's own, where MySQL has filler: told by a bit that is clear
            capabilities &= 0xffffffff & ~CLIENT_LONG_PASSWORD
        return struct.pack("<IIB19xI", capabilities, MAX_PACKET, self.collation, extended)

    def login_packet(self, user, plugin, answer, schema=""):
        assert len(answer) < 251
        return (self._login_head(schema) + user.encode() + b"\0" + bytes([len(answer)]) + answer
                + (schema.encode() + b"\0" if schema else b"") + plugin.encode() + b"\0")

    def log_in(self, user, password, plugin, schema="", tls=False):
        """Log in, beginning with <plugin>; Refused when the server says so."""
        greeting = self.greeting = self.read_greeting()
        if tls:
            self.start_tls(schema)
        self.write_packet(self.login_packet(user, plugin,
                                            answer_to(plugin, password, greeting.salt), schema))
        self.accepted = self._finish_login(password, plugin, greeting.salt)
        return self

    def change_user(self, user, password, plugin, schema=""):
        """COM_CHANGE_USER after log_in(); the OK packet that ends it, or Refused."""
        answer = answer_to(plugin, password, self.greeting.salt)
        self.command(COM_CHANGE_USER, user.encode() + b"\0" + bytes([len(answer)]) + answer
                     + schema.encode() + b"\0" + struct.pack("<H", self.collation)
                     + plugin.encode() + b"\0")
        return self._finish_login(password, plugin, self.greeting.salt)

    def _finish_login(self, password, plugin, salt):
        """Whatever the server asks; the OK packet that ends it."""
        while True:
            payload = self.read_good_packet()
            if payload[0] == OK:
                self.trace.append("ok")
                return payload
            if payload[0] == EOF:
                name, _, data = payload[1:].partition(b"\0")
                plugin, salt = name.decode(), data[:20]
                self.trace.append(f"switch to {plugin}")
                self.write_packet(answer_to(plugin, password, salt))
            elif payload == b"\x01" + FAST_OK:
                self.trace.append("fast")
            elif payload == b"\x01" + FULL_NEEDED:
                self.trace.append("full over TLS" if self.tls else "full over RSA")
                self._send_password(password, salt)
            else:
                raise AssertionError(f"unexpected login packet {payload!r}")

    def _send_password(self, password, salt):
        if self.tls:
            self.write_packet(password.encode() + b"\0")
            return
        self.write_packet(WANT_KEY)
        payload = self.read_good_packet()
        assert payload[0] == MORE, payload
        self.write_packet(_auth.sha2_rsa_encrypt(password.encode(), salt, payload[1:]))

    # ----- commands

    def command(self, code, payload=b""):
        self.write_packet(bytes([code]) + payload, seq=0)

    def ask(self, code, payload=b""):
        """A command that is answered with one packet."""
        self.command(code, payload)
        return self.read_good_packet()

    def query(self, sql):
        """The rows of a statement, each a list of bytes or None; [] when it has none."""
        first = self.ask(COM_QUERY, sql.encode() if isinstance(sql, str) else sql)
        if first[0] == OK:
            return []
        columns = first[0]
        for _ in range(columns + 1):            # definitions, EOF
            self.read_good_packet()
        answer = []
        while True:
            payload = self.read_good_packet()
            if payload[0] == EOF and len(payload) < 9:
                return answer
            answer.append(split_row(payload, columns))


def answer_to(plugin, password, salt):
    password = password.encode()
    if plugin == "mysql_native_password":
        return _auth.scramble_native_password(password, salt)
    if plugin == "caching_sha2_password":
        return _auth.scramble_caching_sha2(password, salt)
    if plugin == "mysql_clear_password":
        return password + b"\0"
    raise AssertionError(f"unexpected plugin {plugin}")


def split_row(payload, columns):
    values, at = [], 0
    for _ in range(columns):
        lead = payload[at]
        at += 1
        if lead == 0xfb:
            values.append(None)
            continue
        width = {0xfc: 2, 0xfd: 3, 0xfe: 8}.get(lead, 0)
        length = int.from_bytes(payload[at:at + width], "little") if width else lead
        at += width
        values.append(payload[at:at + length])
        at += length
    assert at == len(payload)
    return values
