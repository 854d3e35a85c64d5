# SPDX-License-Identifier: GPL-2.0-or-later
"""
The tutorial's loop: SELECT @@server_id, again and again, in one session that stays and in a
new connection each time.  Neither may ever see an error.
"""

import threading
import time

import pymysql

from servers import wait_until

PAUSE_SECONDS = 0.02
PRIMARY = 100


class Loop:
    """
    Context manager.  <connect>() makes a connection; the first error ends a thread.
    Without <logins> there is the one session only.
    """

    def __init__(self, connect, logins=True):
        self._connect = connect
        works = {"one session": self._one_session}
        if logins:
            works["new connections"] = self._new_connections
        self._answers = {name: [] for name in works}        # (time, server id)
        self.errors = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=work)
                         for work in works.items()]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def check(self):
        assert not self.errors, self.errors

    def servers(self, since):
        """The server ids that each thread has got since then: a list of sets."""
        return [{server for when, server in answers if when >= since}
                for answers in self._answers.values()]

    def wait_only(self, expected, seconds):
        """
        Until only the <expected> servers answer, for a second, and each of them does to new
        connections.  The one session may have reasons to stay with one of them or, once it
        has read there, with the primary.
        """
        begun = time.monotonic()

        def settled():
            self.check()
            last_second = time.monotonic() - 1
            return last_second >= begun and \
                all(seen <= expected | {PRIMARY} for seen in self.servers(last_second)) and \
                self.servers(last_second)[-1] == expected

        wait_until(settled, lambda: f"reads by {expected}; last {self.servers(begun)}",
                   seconds)
        return time.monotonic() - begun - 1

    def wait_answers(self, count, seconds=10):
        """Until each thread has had <count> more answers."""
        before = [len(answers) for answers in self._answers.values()]

        def had():
            self.check()
            return all(len(answers) >= was + count
                       for was, answers in zip(before, self._answers.values()))

        wait_until(had, f"{count} more answers", seconds)

    def _run(self, name, work):
        try:
            work(self._answers[name])
        except (pymysql.err.MySQLError, OSError) as why:
            self.errors.append((name, time.strftime("%H:%M:%S"), why))

    def _one_session(self, answers):
        connection = self._connect()
        while not self._ended.wait(PAUSE_SECONDS):
            self._ask(connection, answers)
        connection.close()

    def _new_connections(self, answers):
        while not self._ended.wait(PAUSE_SECONDS):
            connection = self._connect()
            self._ask(connection, answers)
            connection.close()

    @staticmethod
    def _ask(connection, answers):
        begun = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@server_id, NOW()")
            answers.append((begun, cursor.fetchone()[0]))
