# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kind of server (MariaDB, MySQL) must answer; the two are one file each."""

import hashlib
import os
import shutil
import subprocess
import tempfile

from .accounts import setup_sql

# Small and quick: nothing here must outlive the machine, only kill -9 of the
# server.  So every commit reaches the kernel, and nothing waits for the disk.
COMMON_OPTIONS = {
    "user": "root",
    "skip-name-resolve": "ON",
    "max-connections": "1000",
    "max-allowed-packet": "128M",
    "innodb-buffer-pool-size": "32M",
    "innodb-log-buffer-size": "4M",
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-use-native-aio": "OFF",
    "sync-binlog": "0",
    "log-bin-trust-function-creators": "ON",
}


def cache_directory():
    """Where templates and the MySQL tree are kept between runs."""
    if os.geteuid() == 0:
        return "/var/cache/readmux"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(home, "readmux")


class Kind:
    name = ""
    family = ""                 # whose accounts it has, when they are another kind's
    not_installed = ""          # what to say when it is missing
    default_plugin = ""         # how APP logs in

    # For a cluster without GTIDs: options that turn them off, the statement that tells
    # the primary's binlog file and position, the function that waits for one.
    without_gtid = {}
    binlog_status = ""
    wait_function = ""

    def installed(self):
        raise NotImplementedError

    def server_command(self):
        """The server program: a list of words."""
        raise NotImplementedError

    def client_command(self, program="mysql"):
        """The stock command-line client, or another one by MySQL's name: a list of words."""
        raise NotImplementedError

    def options(self, is_primary):
        """Option file entries beyond COMMON_OPTIONS."""
        raise NotImplementedError

    def make_data(self, directory, sql):
        """Make the data directory and run the statements in it."""
        raise NotImplementedError

    def replicate_sql(self, account, port, host="127.0.0.1", gtid=True):
        """
        Statements that make a replica with the template's data follow the primary:
        by GTID, else from the beginning of its first binlog.
        """
        raise NotImplementedError

    def reconnect_sql(self):
        """Statements that make a replica call its primary now, not in a second."""
        raise NotImplementedError

    def position(self, cursor):
        """The position of what <cursor>'s server has committed."""
        raise NotImplementedError

    def reached(self, cursor, position, seconds):
        """True when <cursor>'s server has applied <position> within <seconds>."""
        raise NotImplementedError

    def replication_problem(self, cursor):
        """Why the replica at <cursor> does not follow its primary; "" when it does."""
        raise NotImplementedError

    def version(self):
        return subprocess.run(self.server_command() + ["--no-defaults", "--version"],
                              check=True, capture_output=True, text=True).stdout.strip()

    def template(self):
        """A data directory to copy, made once for these options and accounts."""
        sql = list(setup_sql(self.family or self.name))
        recipe = repr((self.version(), sql, self.options(True), COMMON_OPTIONS))
        stamp = hashlib.sha256(recipe.encode()).hexdigest()[:12]
        path = os.path.join(cache_directory(), f"data-{self.name}-{stamp}")
        if os.path.isdir(path):
            return path
        os.makedirs(cache_directory(), exist_ok=True)
        making = tempfile.mkdtemp(prefix=f"data-{self.name}.", dir=cache_directory())
        try:
            self.make_data(os.path.join(making, "data"), sql)
            os.rename(os.path.join(making, "data"), path)
        except OSError:
            if not os.path.isdir(path):         # else another process was first
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return path


def run_quietly(command, **options):
    """Run <command>; its output is shown only when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nexit {done.returncode}\n{done.stdout[-4000:]}")
