# SPDX-License-Identifier: GPL-2.0-or-later
"""
Sessions that read and write through readmux and keep books of their own about it, so that
at the end nothing has to be believed.

A session appends numbers 1, 2, 3, ... to a table without any unique key of them, one by
one or several in a transaction, and reads in between.  What may happen to a write:
    kept      it was acknowledged: exactly one row
    unknown   an error said that its outcome is unknown: one row or none
    refused   an error said that it was not done: no row
A read outside transactions may not fail, and shows at least what was kept, and no less than
the session has seen before.
"""

import random
import threading
import time
from collections import Counter

import pymysql

TABLE = "app.books"
ROLLED_BACK, NO_SERVER = 1213, 1053


class Session(threading.Thread):
    """One session; <number> is its own in the table."""

    def __init__(self, number, connect, ended):
        super().__init__(daemon=True)
        self.number = number
        self.connect = connect
        self.ended = ended
        self.random = random.Random(number)
        self.connection = None
        self.last = 0                   # the last number that was written or tried
        self.kept = set()
        self.unknown = set()
        self.refused = set()
        self.seen = 0                   # the most rows that a read has shown
        self.counts = Counter()
        self.longest = Counter()        # seconds
        self.problems = []              # what must not happen: (kind, words)

    def run(self):
        try:
            self.connection = self.connect()
            while not self.ended.is_set():
                work = self.random.choices((self.read, self.read_once, self.write,
                                            self.transact), (60, 15, 15, 10))[0]
                begun = time.monotonic()
                work()
                name = work.__name__
                self.longest[name] = max(self.longest[name], time.monotonic() - begun)
            self.connection.close()
        except Exception as why:        # whatever it is, it ends the session
            self.problem("session lost", why)

    def problem(self, kind, words):
        self.problems.append((kind, f"{time.strftime('%H:%M:%S')} session {self.number}: "
                                    f"{words}"))

    def execute(self, sql, *arguments):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return cursor.fetchall()

    # ------------------------------------------------------------------------- reads

    def read(self):
        """All rows of the session's own."""
        try:
            ((rows, distinct, most),) = self.execute(
                f"SELECT COUNT(*), COUNT(DISTINCT n), MAX(n) FROM {TABLE}"
                " WHERE session = %s", self.number)
        except pymysql.err.MySQLError as why:
            self.problem("read failed", why)
            self.check_alive()
            return
        self.counts["reads"] += 1
        if rows != distinct:
            self.problem("duplicate seen", f"{rows} rows, {distinct} distinct")
        if rows < len(self.kept):
            self.problem("own write missing", f"{rows} rows of {len(self.kept)} kept")
        if rows < self.seen:
            self.problem("went back in time", f"{rows} rows after {self.seen}")
        if (most or 0) > self.last:
            self.problem("row from nowhere", f"{most} after {self.last}")
        self.seen = max(self.seen, rows)

    def read_once(self):
        """Something that any server knows."""
        try:
            self.execute("SELECT @@server_id, NOW()")
            self.counts["reads"] += 1
        except pymysql.err.MySQLError as why:
            self.problem("read failed", why)
            self.check_alive()

    # ------------------------------------------------------------------------ writes

    def insert(self):
        self.last += 1
        self.execute(f"INSERT INTO {TABLE} (session, n) VALUES (%s, %s)", self.number,
                     self.last)

    def write(self):
        try:
            self.insert()
            self.keep({self.last})
        except pymysql.err.MySQLError as why:
            self.take_error(why, {self.last}, may_have_run=True)

    def transact(self):
        begun = self.last
        committing = False
        try:
            self.execute("BEGIN")
            for _ in range(self.random.randint(1, 4)):
                self.insert()
            own = set(range(begun + 1, self.last + 1))
            committing = True
            self.execute("COMMIT")
            self.keep(own)
            self.counts["transactions"] += 1
        except pymysql.err.MySQLError as why:
            self.take_error(why, set(range(begun + 1, self.last + 1)), committing)

    def keep(self, numbers):
        self.kept |= numbers
        self.counts["writes"] += 1

    def take_error(self, why, numbers, may_have_run):
        number = why.args[0]
        self.counts[f"write errors {number}"] += 1
        if number in (ROLLED_BACK, NO_SERVER):
            self.refused |= numbers     # certainly not done
        elif may_have_run:
            self.unknown |= numbers
        else:
            self.problem("odd error in a transaction", why)
            self.unknown |= numbers
        self.check_alive()

    def check_alive(self):
        """
        After an error the session must go on, outside any transaction: as applications do,
        it rolls back, which may meet the same failure again.
        """
        try:
            self.execute("ROLLBACK")
        except pymysql.err.MySQLError as why:
            self.counts[f"rollback errors {why.args[0]}"] += 1
        self.execute("SELECT 1")


class Books:
    """<sessions> sessions at once.  begin(), then end(); check() compares with a server."""

    def __init__(self, connect, sessions):
        self._ended = threading.Event()
        self.sessions = [Session(number, connect, self._ended)
                         for number in range(1, sessions + 1)]

    @staticmethod
    def prepare(server):
        server.sql(f"DROP TABLE IF EXISTS {TABLE}",
                   f"CREATE TABLE {TABLE} (id BIGINT AUTO_INCREMENT PRIMARY KEY,"
                   " session INT NOT NULL, n INT NOT NULL, KEY (session, n))")

    def begin(self):
        for session in self.sessions:
            session.start()

    def end(self):
        self._ended.set()
        for session in self.sessions:
            session.join(90)
            if session.is_alive():
                session.problem("session hangs", "no end within 90 s")

    def counts(self):
        total = Counter()
        for session in self.sessions:
            total.update(session.counts)
        return total

    def longest(self):
        """The longest that each kind of work took, in seconds."""
        longest = Counter()
        for session in self.sessions:
            longest |= session.longest
        return {work: round(seconds, 1) for work, seconds in longest.items()}

    def problems(self):
        return [problem for session in self.sessions for problem in session.problems]

    def check(self, server):
        """What a server has after all, compared with the books; problems are added."""
        there = {}
        for number, n, rows in server.sql(
                f"SELECT session, n, COUNT(*) FROM {TABLE} GROUP BY session, n"):
            there.setdefault(number, {})[n] = rows
        for session in self.sessions:
            self._compare(session, there.get(session.number, {}), server.name)

    @staticmethod
    def _compare(session, there, where):
        def problems(kind, numbers):
            if numbers:
                session.problem(kind, f"on {where}: {sorted(numbers)}")

        problems("lost write", session.kept - there.keys())
        problems("duplicated write", {n for n, rows in there.items() if rows > 1})
        problems("refused write is there", session.refused & there.keys())
        problems("row from nowhere", there.keys() - session.kept - session.unknown -
                 session.refused)

    def report(self):
        """For people: what was done, what went wrong, how long things took."""
        problems = Counter(kind for kind, _ in self.problems())
        return f"{dict(self.counts())}; longest {self.longest()}; problems {dict(problems)}"
