# SPDX-License-Identifier: GPL-2.0-or-later
"""MariaDB 10.11 as Debian 12 has it."""

import os
import shutil

from .kind import COMMON_OPTIONS, Kind, run_quietly

SERVER = "/usr/sbin/mariadbd"


class MariaDB(Kind):
    name = "mariadb"
    not_installed = "MariaDB is missing: apt-get install mariadb-server mariadb-client"
    default_plugin = "mysql_native_password"
    # What a killed replica without GTID has applied last it may apply once more: its
    # position is in a file.
    without_gtid = {"slave-exec-mode": "IDEMPOTENT"}
    binlog_status = "SHOW MASTER STATUS"
    wait_function = "MASTER_POS_WAIT"

    def installed(self):
        return os.access(SERVER, os.X_OK)

    def server_command(self):
        return [SERVER]

    def client_command(self, program="mysql"):
        what = program.removeprefix("mysql")
        name = f"mariadb-{what}" if what else "mariadb"
        return [shutil.which(name) or name, "--no-defaults"]

    def options(self, is_primary):
        options = {
            "innodb-log-file-size": "64M",
            "binlog-format": "ROW",
            "gtid-strict-mode": "ON",
            "slave-net-timeout": "4",
            "plugin-load-add": "auth_ed25519",
            # A replica killed behind DROP USER does it again: the account tables are no InnoDB.
            "slave-skip-errors": "1396",
            "ssl-ca": "{data}/ca.pem",
            "ssl-cert": "{data}/server-cert.pem",
            "ssl-key": "{data}/server-key.pem",
        }
        options.update({"log-bin": "binlog"} if is_primary else {"read-only": "ON"})
        return options

    def make_data(self, directory, sql):
        os.makedirs(directory)
        script = directory + ".sql"
        with open(script, "w") as out:
            for statement in ["FLUSH PRIVILEGES", *sql]:
                print(statement + ";", file=out)
        log_size = self.options(True)["innodb-log-file-size"]
        run_quietly(["mariadb-install-db", "--no-defaults", "--user=root", "--skip-test-db",
                     "--auth-root-authentication-method=normal", f"--datadir={directory}",
                     "--plugin-load-add=auth_ed25519", f"--innodb-log-file-size={log_size}",
                     f"--innodb-buffer-pool-size={COMMON_OPTIONS['innodb-buffer-pool-size']}",
                     f"--extra-file={script}"])
        make_certificates(directory)

    def replicate_sql(self, account, port, host="127.0.0.1", gtid=True):
        where = "slave_pos" if gtid else \
            "no, MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4"
        return [f"CHANGE MASTER TO MASTER_HOST='{host}', MASTER_PORT={port},"
                f" MASTER_USER='{account.name}', MASTER_PASSWORD='{account.password}',"
                f" MASTER_CONNECT_RETRY=1, MASTER_USE_GTID={where}",
                "START SLAVE"]

    def reconnect_sql(self):
        return ["STOP SLAVE", "START SLAVE"]

    def position(self, cursor):
        cursor.execute("SELECT @@gtid_binlog_pos")
        return cursor.fetchone()[0]

    def reached(self, cursor, position, seconds):
        cursor.execute("SELECT MASTER_GTID_WAIT(%s, %s)", (position, seconds))
        return cursor.fetchone()[0] == 0

    def replication_problem(self, cursor):
        cursor.execute("SHOW SLAVE STATUS")
        row = cursor.fetchone()
        if row is None:
            return "no replication is set up"
        status = dict(zip([column[0] for column in cursor.description], row))
        if status["Slave_IO_Running"] == "Yes" and status["Slave_SQL_Running"] == "Yes":
            return ""
        return (f"IO {status['Slave_IO_Running']}, SQL {status['Slave_SQL_Running']}: "
                f"{status['Last_IO_Error'] or status['Last_SQL_Error']}")


def make_certificates(directory):
    """ca.pem, server-cert.pem and server-key.pem, like those MySQL makes itself."""
    def openssl(*words):
        run_quietly(["openssl", *words], cwd=directory)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
            "-subj", "/CN=readmux test CA", "-keyout", "ca-key.pem", "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=readmux test server",
            "-keyout", "server-key.pem", "-out", "server.csr")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
            "-CAcreateserial", "-days", "3650", "-out", "server-cert.pem")
