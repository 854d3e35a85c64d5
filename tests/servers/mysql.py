# SPDX-License-Identifier: GPL-2.0-or-later
"""
Oracle's MySQL from Debian unstable, run out of the directory tree that
tests/servers/install-mysql makes, by the tree's own dynamic loader.
"""

import os

from .kind import COMMON_OPTIONS, Kind, cache_directory, run_quietly


class MySQL(Kind):
    name = "mysql"
    not_installed = "MySQL is missing: run tests/servers/install-mysql"
    default_plugin = "caching_sha2_password"
    without_gtid = {"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF"}
    binlog_status = "SHOW BINARY LOG STATUS"
    wait_function = "SOURCE_POS_WAIT"

    def __init__(self):
        self.root = os.path.join(cache_directory(), "mysql-sid")

    def installed(self):
        return os.path.exists(os.path.join(self.root, "readmux-stamp"))

    def _inside(self, program):
        libraries = [f"{self.root}/usr/lib/{folder}" for folder in
                     ("x86_64-linux-gnu", "aarch64-linux-gnu", "mysql/private")]
        loader = next(path for path in (f"{self.root}/lib64/ld-linux-x86-64.so.2",
                                        f"{self.root}/lib/ld-linux-aarch64.so.1")
                      if os.path.exists(path))
        return [loader, "--library-path", ":".join(libraries), f"{self.root}/usr/{program}"]

    def server_command(self):
        return self._inside("sbin/mysqld")

    def client_command(self, program="mysql"):
        return [*self._inside(f"bin/{program}"), "--no-defaults",
                f"--plugin-dir={self.root}/usr/lib/mysql/plugin"]

    def options(self, is_primary):
        options = {
            "basedir": f"{self.root}/usr",
            "lc-messages-dir": f"{self.root}/usr/share/mysql",
            "plugin-dir": f"{self.root}/usr/lib/mysql/plugin",
            "innodb-redo-log-capacity": "64M",
            "gtid-mode": "ON",
            "enforce-gtid-consistency": "ON",
            "replica-net-timeout": "4",
            "secure-file-priv": "",
            "mysqlx": "OFF",
            "performance-schema": "OFF",        # half of the time of a start
            "innodb-flush-method": "fsync",     # reads come from the page cache
            "log-bin": "binlog",
        }
        if not is_primary:
            options["super-read-only"] = "ON"
        return options

    def make_data(self, directory, sql):
        script = directory + ".sql"
        with open(script, "w") as out:
            for statement in sql:
                print(statement + ";", file=out)
        options = {**COMMON_OPTIONS, **self.options(True), "gtid-mode": "OFF",
                   "innodb-redo-log-capacity": "8M",
                   "datadir": directory, "init-file": script}
        run_quietly([*self.server_command(), "--no-defaults", "--initialize-insecure",
                     *[f"--{name}={value}" for name, value in options.items()
                       if name != "log-bin"], "--disable-log-bin"])
        os.unlink(os.path.join(directory, "auto.cnf"))          # each copy gets its own UUID

    def replicate_sql(self, account, port, host="127.0.0.1", gtid=True):
        where = "SOURCE_AUTO_POSITION=1" if gtid else \
            "SOURCE_LOG_FILE='binlog.000001', SOURCE_LOG_POS=4"
        return [f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='{host}', SOURCE_PORT={port},"
                f" SOURCE_USER='{account.name}', SOURCE_PASSWORD='{account.password}',"
                " SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=100000, SOURCE_SSL=1,"
                f" {where}",
                "START REPLICA"]

    def reconnect_sql(self):
        return ["STOP REPLICA", "START REPLICA"]

    def position(self, cursor):
        cursor.execute("SELECT @@GLOBAL.gtid_executed")
        return cursor.fetchone()[0]

    def reached(self, cursor, position, seconds):
        cursor.execute("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", (position, seconds))
        return cursor.fetchone()[0] == 0

    def replication_problem(self, cursor):
        cursor.execute("SHOW REPLICA STATUS")
        row = cursor.fetchone()
        if row is None:
            return "no replication is set up"
        status = dict(zip([column[0] for column in cursor.description], row))
        if status["Replica_IO_Running"] == "Yes" and status["Replica_SQL_Running"] == "Yes":
            return ""
        return (f"IO {status['Replica_IO_Running']}, SQL {status['Replica_SQL_Running']}: "
                f"{status['Last_IO_Error'] or status['Last_SQL_Error']}")


class MySQLWithoutGtid(MySQL):
    """As it is without configuration: no GTIDs, and a dead link is noticed after a minute."""

    name = "mysql-without-gtid"
    family = "mysql"

    def options(self, is_primary):
        return {**super().options(is_primary), **self.without_gtid, "replica-net-timeout": "60"}

    def replicate_sql(self, account, port, host="127.0.0.1", gtid=False):
        return super().replicate_sql(account, port, host, gtid)

    def position(self, cursor):
        cursor.execute(self.binlog_status)
        return cursor.fetchone()[:2]

    def reached(self, cursor, position, seconds):
        cursor.execute(f"SELECT {self.wait_function}(%s, %s, %s)", (*position, seconds))
        events = cursor.fetchone()[0]
        return events is not None and events >= 0
