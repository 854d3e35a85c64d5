# SPDX-License-Identifier: GPL-2.0-or-later
"""One server process: its directory, its port, its life and death."""

import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pymysql

from .accounts import ROOT
from .kind import COMMON_OPTIONS
from .waiting import wait_until

START_SECONDS = 60
STOP_SECONDS = 30


class ServerFailed(Exception):
    """A server did not start, or ended by itself; the text has the end of its log."""


# PR_SET_PDEATHSIG fires when the *thread* that forked ends, so one thread that
# lives as long as this process starts every server.
_launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")


def launch(command, **options):
    """Start <command> so that it is killed when this process ends, however it ends."""
    options = {"stdin": subprocess.DEVNULL, "start_new_session": True, **options}
    return _launcher.submit(subprocess.Popen,
                            ["setpriv", "--pdeathsig", "KILL", "--", *command],
                            **options).result()


class Server:
    """
    Server <ordinal> of a cluster: ordinal 0 is the primary.  It keeps its port
    and its data through kill9() and start().
    """

    def __init__(self, kind, ordinal, directory, port, address="127.0.0.1"):
        self.kind = kind
        self.ordinal = ordinal
        self.name = f"mysql-{ordinal}"
        self.server_id = 100 + ordinal
        self.is_primary = ordinal == 0
        self.address = address
        self.port = port
        self.directory = directory
        self.data = os.path.join(directory, "data")
        self.log = os.path.join(directory, "error.log")
        self.process = None
        self.frozen = False

    @property
    def pid(self):
        return self.process.pid

    @property
    def endpoint(self):
        return f"{self.address}:{self.port}"

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def fill_data(self):
        """Begin (again) with the template's data."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self.kind.template(), self.data)

    def prefix(self):
        """Words before the server program's, for one that runs somewhere else."""
        return []

    def launch(self):
        """Start the process; wait_ready() waits for it."""
        if self.alive():
            raise AssertionError(f"{self.name} already runs")
        if not os.path.isdir(self.data):
            self.fill_data()
        self._write_options()
        command = [*self.prefix(), *self.kind.server_command(),
                   f"--defaults-file={self.directory}/my.cnf"]
        with open(self.log, "ab") as log:
            self.process = launch(command, stdout=log, stderr=log)
        self.frozen = False

    def wait_ready(self, seconds=START_SECONDS):
        wait_until(self._answers, f"{self.name} answers (log: {self.log})", seconds)

    def start(self):
        self.launch()
        self.wait_ready()

    def stop(self):
        """An orderly shutdown."""
        self._end(signal.SIGTERM)

    def kill9(self):
        """Death without a word, like a pod's node that burns."""
        self._end(signal.SIGKILL)

    def freeze(self):
        """Stop answering while connections stay open (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(self._every_thread_stopped, f"{self.name} stopped", every=0.001)
        self.frozen = True

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)
        self.frozen = False

    def connect(self, user=ROOT.name, password=ROOT.password, **options):
        """A PyMySQL connection straight to this server, autocommit on."""
        options = {"autocommit": True, "connect_timeout": 5, "read_timeout": 60, **options}
        return pymysql.connect(host=self.address, port=self.port, user=user,
                               password=password, **options)

    def sql(self, *statements):
        """Run statements as root; the rows of the last one."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def _every_thread_stopped(self):
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] != "T":
                    return False
        return True

    def _answers(self):
        if not self.alive():
            raise ServerFailed(f"{self.name} ended with {self.process.returncode}; "
                               f"its log ends:\n{self._log_end()}")
        try:
            self.connect(connect_timeout=2).close()
            return True
        except pymysql.err.MySQLError:
            return False

    def _log_end(self):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-15:])

    def _end(self, with_signal):
        if not self.alive():
            return
        if self.frozen and with_signal != signal.SIGKILL:
            self.thaw()
        self.process.send_signal(with_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.frozen = False

    def options(self):
        """The server's option file."""
        return {
            **COMMON_OPTIONS,
            **self.kind.options(self.is_primary),
            "datadir": self.data,
            "socket": f"{self.directory}/socket",
            "pid-file": f"{self.directory}/pid",
            "bind-address": self.address,
            "port": self.port,
            "server-id": self.server_id,
            "report-host": self.name,
        }

    def _write_options(self):
        with open(f"{self.directory}/my.cnf", "w") as out:
            print("[mysqld]", file=out)
            for name, value in self.options().items():
                print(f"{name} = {str(value).format(data=self.data)}", file=out)
