# SPDX-License-Identifier: GPL-2.0-or-later
"""
Lets the sessions run at the same time, and tells what went wrong: the first failure with
what its session did before, which is the same again for the same seed.
"""

import threading
import time
import traceback

from .session import LOG
from .looks import SYSTEM
from .steps import Player
from .work import NUMBERS

SCHEMAS = ("mix_shared_a", "mix_shared_b")


def set_up_sql(accounts):
    for schema in (*SCHEMAS, *(account.schema for account in accounts)):
        yield f"DROP DATABASE IF EXISTS {schema}"
        yield f"CREATE DATABASE {schema} CHARACTER SET utf8mb4"
        yield f"CREATE TABLE {schema}.who (name VARCHAR(40))"
        yield f"INSERT INTO {schema}.who VALUES ('{schema}')"
    yield (f"CREATE TABLE {LOG} (id BIGINT AUTO_INCREMENT PRIMARY KEY, owner INT NOT NULL, "
           "v VARCHAR(80), KEY (owner))")
    yield "CREATE TABLE mix_shared_a.numbers (n INT PRIMARY KEY)"
    yield ("INSERT INTO mix_shared_a.numbers VALUES "
           + ", ".join(f"({n})" for n in range(NUMBERS)))
    yield ("CREATE PROCEDURE mix_shared_a.remember(tag VARCHAR(80)) "
           "BEGIN SELECT tag, DATABASE(); SET @b = tag; END")
    yield ("CREATE FUNCTION mix_shared_a.remembers(tag VARCHAR(80)) RETURNS VARCHAR(80) "
           "DETERMINISTIC BEGIN SET @c = tag; RETURN tag; END")
    yield "CREATE TABLE mix_shared_a.noted (v VARCHAR(80))"
    yield ("CREATE TRIGGER mix_shared_a.notes BEFORE INSERT ON mix_shared_a.noted "
           "FOR EACH ROW SET @c = NEW.v")
    yield ("CREATE FUNCTION mix_shared_a.peeks() RETURNS INT DETERMINISTIC "
           "BEGIN SET @b = 'seen by a view'; RETURN 1; END")
    yield "CREATE VIEW mix_shared_a.peeked AS SELECT mix_shared_a.peeks() AS one"
    yield "CREATE PROCEDURE mix_shared_a.takes(name VARCHAR(80)) SELECT GET_LOCK(name, 0)"
    for account in accounts:
        yield f"DROP USER IF EXISTS {account.name}"
        yield f"CREATE USER '{account.name}'@'%' IDENTIFIED BY '{account.password}'"
        yield f"GRANT ALL ON `mix\\_shared%`.* TO '{account.name}'@'%'"
        yield f"GRANT ALL ON `{account.schema}`.* TO '{account.name}'@'%'"


def clean_up_sql(accounts):
    for account in accounts:
        yield f"DROP USER IF EXISTS '{account.name}'@'%'"
    for schema in (*SCHEMAS, *(account.schema for account in accounts)):
        yield f"DROP DATABASE IF EXISTS {schema}"


def defaults_of(connection, isolation):
    """What a new session has, as text."""
    names = [*SYSTEM, isolation]
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"@@{name}" for name in names))
        return dict(zip(names, map(str, cursor.fetchone())))


class Mix:
    """
    <count> sessions for <seconds>.  <failures> are texts, the first one first; <rows> are
    what each session has committed, by its number.
    """

    def __init__(self, world, port, count, seconds, seed):
        self.world, self.port, self.seed = world, port, seed
        self.until = time.monotonic() + seconds
        self.over = threading.Event()
        self.failures = []
        self.rows = {}
        self.players = {}
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True)
                        for number in range(count)]

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        return self

    def write_histories(self, path):
        """What every session did last, for who looks for the cause of a failure."""
        with open(path, "w") as out:
            for number, player in sorted(self.players.items()):
                print(f"--- session {number}", *player.history, sep="\n", file=out)

    def _run(self, number):
        player = self.players[number] = Player(number, self.world, self.port, self.seed)
        try:
            player.log_in()
            while time.monotonic() < self.until and not self.over.is_set():
                player.step()
            player.leave(politely=True)
            self.rows[number] = player.rows.tables["log"]
        except BaseException as why:    # of whatever kind: all sessions end
            late = " (after another had failed)" if self.over.is_set() else ""
            self.over.set()
            where = traceback.format_tb(why.__traceback__)[-1].strip()
            self.failures.append(
                "\n  ".join([f"session {number}{late}: {type(why).__name__}: {why}", where,
                             "before, the oldest first:", *player.history]))
            player.end()
