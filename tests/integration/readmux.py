# SPDX-License-Identifier: GPL-2.0-or-later
"""One readmux process under test: its configuration, its life, and what it left on stderr."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess

import pymysql

from servers import APP, take_port, wait_until
from servers.server import launch

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BINARY = os.path.abspath(os.environ.get("READMUX_BIN") or os.path.join(TOP, "build/readmux"))

# PyMySQL takes TLS without verification when this is given.
TLS = {"ssl": {"without_verification": True}}

SANITIZER_REPORT = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:).*")

# Probes are quicker than the defaults so that tests need not wait for seconds, and
# tests fail to log in more often than a person may.
SETTINGS = {
    "probe": {"user": "root", "password": "", "interval": "200ms", "slow_start": "0s"},
    "login": {"failures": 100000},
    "workers": 2,
    "drain": {"lameduck": "0s"},
}


def yaml_text(settings):
    """Top-level keys in block style, what is below them as flow (JSON is YAML)."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())


class Readmux:
    """
    readmux before <servers> (a list of "address:port"; the first is the primary).
    Keyword arguments are top-level settings; a mapping is merged into the defaults.
    <client> are options of every client connection.
    """

    def __init__(self, directory, servers, binary=BINARY, client=None, **settings):
        self.directory = directory
        self.client = client or {}
        self.binary = binary
        self.port, self.admin_port = take_port(), take_port()
        self.config = os.path.join(directory, "readmux.yaml")
        self.log = os.path.join(directory, "readmux.log")
        self.process = None
        self.settings = {
            "listen": [{"address": f"127.0.0.1:{self.port}", "route": "split"}],
            # p2c leaves a server out for a while that a loaded machine has made slow
            "backends": {"servers": list(servers), "balance": "round-robin"},
            "admin": {"address": f"127.0.0.1:{self.admin_port}"},
            **SETTINGS,
        }
        for key, value in settings.items():
            if isinstance(value, dict):
                value = {**self.settings.get(key, {}), **value}
            self.settings[key] = value

    def command(self):
        """The words that start it; writes what they need."""
        with open(self.config, "w") as out:
            out.write(yaml_text(self.settings))
        return [self.binary, "--config", self.config]

    def environment(self):
        return sanitizer_environment()

    def launch(self):
        """Start the process, without waiting until it serves."""
        command = self.command()
        with open(self.log, "ab") as log:
            self.process = launch(command,
                                  stdout=log, stderr=log, env=self.environment())

    def start(self):
        self.launch()
        self.wait_serving()
        return self

    def wait_serving(self, seconds=20):
        """Until a client can log in."""
        wait_until(self._serves, f"readmux serves (its log: {self.log})", seconds)

    def _serves(self):
        self.check_alive()
        try:
            self.connect().close()
            return True
        except pymysql.err.MySQLError:
            return False

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check_alive(self):
        self.check_log()
        assert self.alive(), \
            f"readmux ended with {self.process.returncode}:\n{self.log_text()[-6000:]}"

    @property
    def pid(self):
        return self.process.pid

    def connect(self, user=APP.name, password=APP.password, **options):
        """A PyMySQL connection through readmux; schema app, autocommit as the server has it."""
        options = {"database": "app", "autocommit": None, "connect_timeout": 10,
                   "read_timeout": 60, **self.client, **options}
        return pymysql.connect(host="127.0.0.1", port=options.pop("port", self.port),
                               user=user, password=password, **options)

    def http(self, path, method="GET", token=None, timeout=10):
        """(status, headers, text) of the admin address."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=timeout)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {token}"}
                               if token else {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def status(self):
        """/status.json"""
        return json.loads(self.http("/status.json")[2])

    def socket(self):
        """A plain TCP connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/status") as status:
            kilobytes = re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.M).group(1)
        return int(kilobytes) * 1024

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def log_text(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def sees_all(self, cluster, seconds=20):
        """Wait until reads are answered by every replica and writes by the primary."""
        want = {replica.server_id for replica in cluster.replicas}

        def ask(question, *arguments):
            connection = self.connect()
            try:
                return question(connection, *arguments)
            finally:
                close(connection)

        def seen():
            self.check_alive()
            used = set()
            try:
                # without GTIDs a session may stay with the first server that it reads from
                for _ in range(8):
                    used |= ask(servers_of, 8)
                    if used == want:
                        break
                return used == want and cluster.primary.server_id == \
                    ask(at_primary, "SELECT @@server_id")
            except pymysql.err.MySQLError:
                return False

        wait_until(seen, "readmux uses every server", seconds, every=0.1)

    def terminate(self, seconds=10):
        """SIGTERM; the exit status.  Fails when it does not end in time."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_end(seconds)

    def wait_end(self, seconds=10):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"readmux did not end within {seconds} s; its log ends:\n"
                                 f"{self.log_text()[-3000:]}") from None

    def kill(self):
        """For a test that has failed already."""
        if self.alive():
            self.process.kill()
            self.process.wait()

    def check_log(self):
        """Fails when a sanitizer has reported something."""
        report = SANITIZER_REPORT.search(self.log_text())
        assert report is None, f"sanitizer report:\n{self.log_text()[report.start():][:6000]}"

    def stop(self):
        """The orderly end that every test's readmux must come to."""
        status = self.terminate() if self.alive() else self.process.returncode
        self.check_log()
        assert status == 0, f"readmux ended with {status}; its log ends:\n{self.log_text()[-3000:]}"


def sanitizer_environment():
    # the tests' own READMUX_BIN and the like would be refused as unknown settings
    outer = {name: value for name, value in os.environ.items() if not name.startswith("READMUX_")}
    return {**outer,
            # libmariadb reads every certificate of the system anew for each connection
            "SSL_CERT_FILE": os.devnull,
            "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "TSAN_OPTIONS": "halt_on_error=0"}


def rows(connection, sql, *arguments):
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return cursor.fetchall()


def one(connection, sql, *arguments):
    """The first column of the only row."""
    (row,) = rows(connection, sql, *arguments)
    return row[0]


def at_primary(connection, sql):
    """As one(), in a transaction and so on the primary; later reads are free to go anywhere."""
    rows(connection, "BEGIN")
    value = one(connection, sql)
    rows(connection, "COMMIT")
    return value


def servers_of(connection, times=30):
    """The server ids that answer plain reads of this session."""
    return {one(connection, "SELECT @@server_id") for _ in range(times)}


def wait_servers_of(connection, expected, seconds=10):
    """
    Until exactly the <expected> servers have answered plain reads of this session.
    The balancer may prefer one for a while (lower latency), and a session may have to
    stay on the primary for a moment after a write, so this takes what time it takes.
    """
    seen = set()

    def complete():
        seen.add(one(connection, "SELECT @@server_id"))
        return seen >= expected

    wait_until(complete, f"reads by servers {expected}", seconds, every=0.001)
    assert servers_of(connection) <= expected


def vanish(connection):
    """The client's end without a word: no COM_QUIT, the socket just closes."""
    if connection._result is not None:
        connection._result.unbuffered_active = False        # else PyMySQL would read it all
    connection._force_close()


def close(connection):
    """Close, whatever state the connection is in."""
    try:
        connection.close()
    except pymysql.err.MySQLError:
        pass
