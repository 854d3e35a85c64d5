# SPDX-License-Identifier: GPL-2.0-or-later
"""
Plays a script at one address and keeps what was answered.

A line is SQL text (COM_QUERY) or, after a dot, one of Player's command methods.
"""

import re
import socket
import struct
from dataclasses import dataclass, replace

import wire as protocol
from servers import ACCOUNTS, APP, TimedOut
from wire import Ended, Refused, Wire

from . import parameters
from .response import Packet, Response, masked

SCHEMA = "app_mirror"
SECONDS = 5                 # for one answer
ALWAYS = (protocol.CLIENT_LOCAL_FILES | protocol.CLIENT_MULTI_STATEMENTS
          | protocol.CLIENT_PS_MULTI_RESULTS)

COM_REFRESH, COM_PROCESS_INFO, COM_PROCESS_KILL, COM_DEBUG = 0x07, 0x0a, 0x0c, 0x0d
COM_SET_OPTION = 0x1b
CURSOR_TYPE_READ_ONLY = 1
NO_STATEMENT = 0x7fffffff   # the id of a statement whose prepare has failed
ANSWERED_BY_NOTHING = (protocol.COM_STMT_CLOSE, protocol.COM_STMT_SEND_LONG_DATA)

# What a client gives for LOAD DATA LOCAL INFILE: the packets of a file.
FILES = {
    "rows.csv": (b"1,one\n2,two\n3,three\n",),
    "parts.csv": (b"11,ele", b"ven\n12,", b"twelve\n"),
    "warnings.csv": (b"21\n22,a,b\nx,y\n",),
    "twice.csv": (b"1,again\n31,new\n",),
    "large.csv": tuple(b"".join(b"%d,%s\n" % (n, b"v" * 90) for n in range(low, low + 500))
                       for low in range(1000, 6000, 500)),
    "empty.csv": (),
}


@dataclass
class Answer:
    case: object
    packets: list


@dataclass(frozen=True)
class Client:
    """How the sessions of a script log in."""
    plugin: str
    capabilities: int
    collation: int          # utf8mb4_general_ci, or what the server's own client would say


class Session:
    def __init__(self, port, client, account=APP, schema=SCHEMA):
        self.wire = Wire(port, extra=client.capabilities | ALWAYS,
                         collation=client.collation)
        self.wire.log_in(account.name, account.password, client.plugin, schema)
        self.wire.socket.settimeout(SECONDS)
        self.statements = {}
        self.pending = None     # the command whose answer has not been read

    def id_of(self, name):
        return self.statements.get(name, NO_STATEMENT)


class Player:
    """<until_blocked>: a function that waits until a statement waits for a lock."""

    def __init__(self, port, client, until_blocked):
        self.port = port
        self.client = client
        self.until_blocked = until_blocked
        self.sessions = {}

    def play(self, cases):
        """An Answer for each case."""
        try:
            return [Answer(case, self._answer(case)) for case in cases]
        finally:
            for session in self.sessions.values():
                session.wire.socket.close()

    def _session(self, name):
        if name not in self.sessions:
            self.sessions[name] = Session(self.port, self.client)
        return self.sessions[name]

    def _answer(self, case):
        try:
            session = self._session(case.session)
            if case.when != "?":
                packets = self._send(session, case)
                if packets is not None:
                    return self._comparable(case, packets)
            if case.when == "&":
                return []
            packets = Response(session.wire, FILES).read(session.pending)
            return self._comparable(case, packets)
        except Ended:
            return [Packet("ended", 0, b"")]        # whether by FIN or RST is no matter
        except socket.timeout:
            # a late answer must not be taken for the next one's
            self.sessions.pop(case.session).wire.socket.close()
            return [Packet("hangs", 0, f"no answer in {SECONDS} s".encode())]
        except Refused as error:
            return [Packet("error", 0, error.payload)]

    def _comparable(self, case, packets):
        packets = [masked(packet, self.client.capabilities) for packet in packets]
        if case.shape_only:
            packets = [packet for packet in packets if packet.what not in ("row", "text")]
            packets = [Packet(p.what, 0 if p.what == "end" else p.seq, p.payload)
                       for p in packets]
        return packets

    # ----- sending

    def _send(self, session, case):
        """Send; packets when the answer is known already, None when it is to be read."""
        body = self._expanded(session, case.body)
        if not body.startswith("."):
            return self._command(session, protocol.COM_QUERY, body.encode())
        word, _, rest = body[1:].partition(" ")
        return getattr(self, f"do_{word}")(session, rest)

    def _command(self, session, code, payload=b""):
        session.pending = code
        session.wire.command(code, payload)
        return [] if code in ANSWERED_BY_NOTHING else None

    def _expanded(self, session, text):
        """{{id}}, {{id_b}} (another session's), {{x*100}}."""
        def value(match):
            word, times, other = match.group(1, 2, 3)
            if word:
                return word * int(times)
            session_asked = self._session(other) if other else session
            return str(session_asked.wire.greeting.thread_id)

        return re.sub(r"\{\{(?:(.+?)\*(\d+)|id(?:_(\w))?)\}\}", value, text)

    # ----- commands

    def do_query(self, session, rest):
        """The text as Python bytes: for what is not UTF-8."""
        return self._command(session, protocol.COM_QUERY, _bytes(rest))

    def do_prepare(self, session, rest):
        name, _, sql = rest.partition(" ")
        self._command(session, protocol.COM_STMT_PREPARE, sql.encode())
        packets = Response(session.wire, FILES).read(session.pending)
        session.statements[name] = NO_STATEMENT
        if packets[0].what == "prepared":
            (session.statements[name],) = struct.unpack_from("<I", packets[0].payload, 1)
        return packets

    def do_execute(self, session, rest, cursor=0, types=True):
        name, _, values = rest.partition(" ")
        return self._command(session, protocol.COM_STMT_EXECUTE, parameters.execution(
            session.id_of(name), parameters.parse(values), cursor, types))

    def do_again(self, session, rest):
        """Execute without types."""
        return self.do_execute(session, rest, types=False)

    def do_cursor(self, session, rest):
        return self.do_execute(session, rest, cursor=CURSOR_TYPE_READ_ONLY)

    def do_fetch(self, session, rest):
        name, count = rest.split()
        return self._statement(session, protocol.COM_STMT_FETCH, name,
                               struct.pack("<I", int(count)))

    def do_long(self, session, rest):
        """NAME PARAMETER PART: a part of a parameter's bytes."""
        name, number, data = (rest + " ").split(" ", 2)
        return self._statement(session, protocol.COM_STMT_SEND_LONG_DATA, name,
                               struct.pack("<H", int(number)) + data[:-1].encode())

    def do_reset(self, session, rest):
        return self._statement(session, protocol.COM_STMT_RESET, rest)

    def do_close(self, session, rest):
        return self._statement(session, protocol.COM_STMT_CLOSE, rest)

    def _statement(self, session, code, name, payload=b""):
        statement = struct.pack("<I", session.id_of(name))
        return self._command(session, code, statement + payload)

    def do_init_db(self, session, rest):
        return self._command(session, protocol.COM_INIT_DB, rest.encode())

    def do_field_list(self, session, rest):
        table, _, pattern = rest.partition(" ")
        return self._command(session, protocol.COM_FIELD_LIST,
                             table.encode() + b"\0" + pattern.encode())

    def do_set_option(self, session, rest):
        return self._command(session, COM_SET_OPTION, struct.pack("<H", int(rest)))

    def do_kill(self, session, rest):
        return self._command(session, COM_PROCESS_KILL, struct.pack("<I", int(rest)))

    def do_refresh(self, session, rest):
        return self._command(session, COM_REFRESH, bytes([int(rest)]))

    def do_ping(self, session, _):
        return self._command(session, protocol.COM_PING)

    def do_statistics(self, session, _):
        return self._command(session, protocol.COM_STATISTICS)

    def do_process_info(self, session, _):
        return self._command(session, COM_PROCESS_INFO)

    def do_debug(self, session, _):
        return self._command(session, COM_DEBUG)

    def do_reset_connection(self, session, _):
        return self._command(session, protocol.COM_RESET_CONNECTION)

    def do_change_user(self, session, rest):
        name, _, schema = rest.partition(" ")
        account = next(account for account in ACCOUNTS if account.name == name)
        return [Packet("ok", 0, session.wire.change_user(
            account.name, account.password, self.client.plugin, schema))]

    def do_raw(self, session, rest):
        """A command by its bytes (hexadecimal), answered with one packet."""
        data = bytes.fromhex(rest)
        return self._command(session, data[0], data[1:])

    def do_greeting(self, session, _):
        """What the login has shown, but for capabilities, which readmux may lack."""
        greeting = session.wire.greeting
        return [Packet("text", 0, f"{greeting.version} {greeting.plugin}".encode()),
                Packet("ok", 0, session.wire.accepted)]

    def do_login(self, session, rest):
        """Leave, and log in again with another collation."""
        session.wire.command(protocol.COM_QUIT)
        session.wire.socket.close()
        session.__init__(self.port, replace(self.client, collation=int(rest)))
        return self.do_greeting(session, "")

    def do_until_blocked(self, _session, _):
        try:
            self.until_blocked()
            return []
        except TimedOut as late:
            return [Packet("hangs", 0, str(late).encode())]


def _bytes(literal):
    return eval(literal, {"__builtins__": {}})
