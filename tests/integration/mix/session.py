# SPDX-License-Identifier: GPL-2.0-or-later
"""
One session of the mix: a client, a model of everything that it has set or written, and
the steps that it may take.  Each step ends with a look at the state.

A tag ("s7t12": session 7, its 12th statement) is in nearly every value, name and text,
so that whatever came to the wrong session shows whose it was.
"""

import random
import re
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from wire import (CLIENT_DEPRECATE_EOF, CLIENT_SESSION_TRACK, COM_QUIT,
                  COM_RESET_CONNECTION, Refused)

from .client import Client

TAG = re.compile(r"s(\d+)t\d+")
SHARED = ("mix_shared_a", "mix_shared_b")
LOG = "mix_shared_a.log"            # (id, owner, v): rows of all sessions


class Mixed(AssertionError):
    """An answer that is not this session's, or not right."""


@dataclass(frozen=True)
class Account:
    name: str
    password: str
    schema: str             # its own; others may not enter

    @property
    def schemas(self):
        return (*SHARED, self.schema)


@dataclass(frozen=True)
class Kind:
    default_plugin: str
    isolation: str          # the variable's name
    is_mysql: bool


@dataclass
class World:
    """What all sessions of a run share."""
    kind: Kind
    accounts: list
    defaults: dict          # system variable: value of a new session
    began: float = field(default_factory=time.monotonic)
    holders: dict = field(default_factory=dict)     # lock that all want: who has it
    steps: Counter = field(default_factory=Counter)


@dataclass
class Rows:
    """The tables that only this session changes: key to rows, no key a second time."""
    tables: dict

    def copy(self):
        return {key: list(rows) for key, rows in self.tables.items()}

    def restore(self, saved):
        """As after ROLLBACK, which leaves temporary tables but not what was put in them."""
        self.tables = {key: list(saved.get(key, ())) for key in self.tables}


class Session:
    """log_in() before anything else."""

    def __init__(self, number, world, port, seed):
        self.number = number
        self.world = world
        self.port = port
        self.random = random.Random(f"{seed}/{number}")
        self.history = deque(maxlen=80)
        self.count = 0
        self.tied_steps = 0
        self.rows = Rows({"log": []})
        self.client = None
        self.sees_rows = True       # reads at replicas are as new as the rows

    # ----- saying

    def tag(self):
        self.count += 1
        return f"s{self.number}t{self.count}"

    def note(self, text):
        self.history.append(f"{time.monotonic() - self.world.began:.4f} {text[:300]}")

    def check(self, got, expected, what):
        if got != expected:
            raise Mixed(f"{what}: {got!r} instead of {expected!r}")

    def inspect(self, text):
        """Fails when another session's tag is in the text of an answer."""
        for number in TAG.findall(text):
            if int(number) != self.number:
                raise Mixed(f"what belongs to session {number}: {text!r}")

    def _inspect_results(self, results):
        for result in results:
            for row in result.rows or ():
                for value in row:
                    if value is not None:
                        self.inspect(value)

    def ask(self, what, call):
        """All results of <call>, which <what> describes in the history."""
        self.note(what)
        self.row_count = self.found_rows = self.warnings = self.error = None
        self.warning_tag = None
        try:
            results = call()
        except Refused as refusal:
            text = refusal.payload[9:].decode(self.client.encoding, "replace")
            self.history[-1] += f"  -> error {refusal.number} {text}"
            self.inspect(text)
            self.error = refusal.number
            raise
        if results:
            told = [(r.rows[:3], len(r.rows)) if r.rows is not None else r for r in results]
            self.history[-1] += f"  -> {str(told)[:250]}"
            self._inspect_results(results)
            self.warnings = results[-1].warnings
        return results

    def results(self, sql, what=None):
        return self.ask(what or sql, lambda: self.client.query(sql))

    def result(self, sql, what=None):
        """The only result of a text, after which ROW_COUNT() and FOUND_ROWS() are known."""
        results = self.results(sql, what)
        self.check(len(results), 1, "the number of results")
        self._learn_counts(results[0])
        return results[0]

    def execute(self, statement, values=(), cursor=False):
        return self.ask(f"execute {statement.id} {list(values)!r} cursor={cursor}",
                        lambda: self.client.execute(statement, values, cursor))

    def _learn_counts(self, result):
        if result.rows is None:
            self.row_count = str(result.affected)
        else:
            self.row_count = "-1"
            self.found_rows = str(len(result.rows))

    def refused(self, sql, number):
        """The statement must fail with one of these errors; its text."""
        numbers = number if isinstance(number, tuple) else (number,)
        try:
            self.results(sql)
        except Refused as refusal:
            if refusal.number not in numbers:
                raise
            self.row_count = "-1"
            return refusal.payload[9:].decode(self.client.encoding, "replace")
        raise Mixed(f"no error {number}")

    def one_row(self, sql):
        result = self.result(sql)
        self.check(len(result.rows or ()), 1, "the number of rows")
        return result.rows[0]

    # ----- beginnings

    def log_in(self):
        self.account = self.random.choice(self.world.accounts)
        schema = self.random.choice(self.account.schemas)
        extra = self.random.choice((0, CLIENT_DEPRECATE_EOF, CLIENT_SESSION_TRACK,
                                    CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK))
        tls = self.random.random() < 0.15
        self.note(f"log in as {self.account.name}, {schema}, extra {extra:#x}, tls {tls}")
        self.client = Client(self.port, self.world.kind.default_plugin, self.account,
                             schema, extra, tls)
        self._begin_anew(schema)

    def log_in_beside(self):
        """Another connection of the same account."""
        return Client(self.port, self.world.kind.default_plugin, self.account, "")

    def _begin_anew(self, schema):
        """What a login, COM_CHANGE_USER and COM_RESET_CONNECTION leave."""
        self.client.encoding = "utf-8"
        self.schema = schema
        self.variables = dict.fromkeys("abc")
        self.system = dict(self.world.defaults)
        self.temporary = {}             # (schema, name): key in <rows>
        self.locks = Counter()
        self.statements = {}            # kind of statement: [Prepared]
        self.named = None               # tag in the text of PREPARE
        self.cursor = None
        self.handler = None
        self.computed = False           # values that only the server connection has
        self.transaction = None         # "read write" or "read only", after BEGIN
        self.autocommit = True
        self.saved = None               # rows as of the last commit; None outside
        self.changed = False            # since then
        self.savepoints = {}
        self.insert_id = 0
        self.row_count = self.found_rows = self.warnings = self.error = None
        self.warning_tag = None
        self.rows.tables = {"log": self.rows.tables["log"]}

    def leave(self, politely):
        """The end of the connection; what was not committed is gone."""
        self.sees_rows = False      # until the next one has written
        self.note(f"leave, politely: {politely}")
        self._forget_work()
        if politely:
            self.client.wire.command(COM_QUIT)
        self.end()

    def end(self):
        """Without a word."""
        if self.client is not None:
            self.client.close()

    def _forget_work(self):
        if self.saved is not None:
            self.rows.restore(self.saved)
        for name, holder in list(self.world.holders.items()):
            if holder == self.number:
                del self.world.holders[name]

    def reset(self):
        self._forget_work()
        self.ask("COM_RESET_CONNECTION",
                 lambda: self.client.wire.ask(COM_RESET_CONNECTION) and None)
        self._begin_anew(self.schema)

    def change_user(self):
        self._forget_work()
        self.account = self.random.choice(self.world.accounts)
        schema = self.random.choice((*self.account.schemas, ""))
        self.ask(f"COM_CHANGE_USER {self.account.name} {schema}",
                 lambda: self.client.wire.change_user(
                     self.account.name, self.account.password,
                     self.world.kind.default_plugin, schema) and None)
        self._begin_anew(schema or None)

    # ----- transactions

    @property
    def in_transaction(self):
        return self.transaction is not None or not self.autocommit

    def written(self):
        """A row of the log has been changed."""
        if self.in_transaction:
            self.changed = True
        else:
            self.sees_rows = True

    def begun(self, transaction):
        """BEGIN and its like commit what was open."""
        self.committed()
        self.transaction = transaction
        self.saved = self.rows.copy()
        self.savepoints = {}

    def committed(self):
        self.sees_rows |= self.changed
        self.changed = False
        self.transaction = None
        self.savepoints = {}
        self.saved = None if self.autocommit else self.rows.copy()

    def rolled_back(self):
        self.rows.restore(self.saved)
        self.changed = False
        self.committed()

    @property
    def surely_tied(self):
        return bool(self.temporary or self.locks or self.cursor or self.handler
                    or self.transaction is not None)

    @property
    def tied(self):
        """Its server connection may be of no use to others, and they wait."""
        return bool(self.surely_tied or self.computed or self.named or not self.autocommit)
