# SPDX-License-Identifier: GPL-2.0-or-later
"""
Throw-away replicated servers on free loopback ports, for the tests and ./demo.

    with Cluster("mariadb") as cluster:         # or "mysql"
        cluster.replicas[0].kill9()
        cluster.primary.connect("app", "app secret", database="app")

A cluster is one primary and two replicas (server_id 100, 101, 102; GTID
replication; replicas read-only), like the pods of the MySQL StatefulSet.  Its
servers are real ones: Debian's MariaDB 10.11, and Oracle's MySQL 9.7 from the
tree that tests/servers/install-mysql builds.

Nothing is left behind: each server dies with the process that started it
(PR_SET_PDEATHSIG), and directories of dead processes go at the next start.
"""

from .accounts import ACCOUNTS, APP, ROOT, Account
from .cluster import Cluster, kind_named
from .ports import take_port
from .server import Server, ServerFailed
from .waiting import TimedOut, wait_until
from .workspace import Workspace

__all__ = ["ACCOUNTS", "APP", "ROOT", "Account", "Cluster", "Server", "ServerFailed",
           "TimedOut", "Workspace", "kind_named", "take_port", "wait_until"]
