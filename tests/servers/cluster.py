# SPDX-License-Identifier: GPL-2.0-or-later
"""One primary and its replicas, started together and mended after a test's damage."""

import pymysql

from .accounts import REPLICATION
from .mariadb import MariaDB
from .mysql import MySQL, MySQLWithoutGtid
from .ports import take_port
from .server import Server, ServerFailed
from .waiting import TimedOut, wait_until
from .workspace import Workspace

KINDS = {kind.name: kind for kind in (MariaDB(), MySQL(), MySQLWithoutGtid())}


def kind_named(name):
    return KINDS[name]


class Cluster:
    """Servers [0] is the primary.  Use as a context manager, or start() and remove()."""

    def __init__(self, kind_name, replicas=2):
        self.kind = KINDS[kind_name]
        if not self.kind.installed():
            raise ServerFailed(self.kind.not_installed)
        self.workspace = Workspace()
        self.servers = [Server(self.kind, ordinal,
                               self.workspace.directory(f"mysql-{ordinal}"), take_port())
                        for ordinal in range(1 + replicas)]

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.remove()
            raise

    def __exit__(self, *_):
        self.remove()

    @property
    def primary(self):
        return self.servers[0]

    @property
    def replicas(self):
        return self.servers[1:]

    def server_with_id(self, server_id):
        return next(server for server in self.servers if server.server_id == server_id)

    def start(self):
        """Start every server, side by side, and replication; returns when it runs."""
        self.kind.template()            # once, not once per server
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.wait_ready()
        for replica in self.replicas:
            replica.sql(*self.kind.replicate_sql(REPLICATION, self.primary.port))
        self.wait_replicating()
        return self

    def remove(self):
        """Kill every server and forget its data."""
        for server in self.servers:
            server.kill9()
        self.workspace.remove()

    def wait_replicating(self, seconds=20):
        """Until every replica has a running link to the primary and no lag."""
        for replica in self.replicas:
            self._wait_link(replica, seconds)
        self.wait_caught_up(seconds)

    def wait_caught_up(self, seconds=20):
        """Until every living replica has applied what the primary has committed now."""
        with self.primary.connect() as connection, connection.cursor() as cursor:
            position = self.kind.position(cursor)
        for replica in self.replicas:
            if not replica.alive() or replica.frozen:
                continue
            with replica.connect() as connection, connection.cursor() as cursor:
                if not self.kind.reached(cursor, position, seconds):
                    raise TimedOut(f"{replica.name} did not reach {position} in {seconds} s")

    def mend(self):
        """
        Make everything run and replicate again after kill9(), freeze() or stop().
        A cluster whose data no longer agree begins again with the template.
        """
        dead = [server for server in self.servers if not server.alive()]
        for server in self.servers:
            if server.alive() and server.frozen:
                server.thaw()
        for server in dead:
            server.launch()
        for server in dead:
            server.wait_ready()
        try:
            for replica in self.replicas:
                if self._link_problem(replica):
                    replica.sql(*self.kind.reconnect_sql())
            self.wait_replicating(10)
        except (TimedOut, pymysql.err.MySQLError):
            self._begin_again()

    def _begin_again(self):
        for server in self.servers:
            server.kill9()
        for server in self.servers:
            server.fill_data()
        self.start()

    def _link_problem(self, replica):
        with replica.connect() as connection, connection.cursor() as cursor:
            return self.kind.replication_problem(cursor)

    def _wait_link(self, replica, seconds):
        problem = ""

        def runs():
            nonlocal problem
            problem = self._link_problem(replica)
            return not problem

        try:
            wait_until(runs, f"{replica.name} replicates", seconds)
        except TimedOut as late:
            raise TimedOut(f"{late} ({problem})") from None
