# SPDX-License-Identifier: GPL-2.0-or-later
"""
The steps of a session in the mix: which there are, and those besides plain statements:
prepared statements, several at once, interruptions, ends and beginnings.
"""

from dataclasses import dataclass

from wire import COM_PING, Refused

from .client import Statement
from .looks import STATE, is_text
from .session import LOG, Mixed
from .work import COMMON_LOCKS, Worker

LONGEST_TIE = 15            # steps; then the connection is wanted by others
INTERRUPTED = 1317

# What is prepared, in the binary protocol.
TEXTS = {
    "state": f"SELECT ?, {STATE}",
    "echo": "SELECT ?, ? + 1",
    "who": "SELECT ?, name FROM who",
    "insert": f"INSERT INTO {LOG} (owner, v) VALUES (?, ?)",
    "rows": f"SELECT id, v FROM {LOG} WHERE owner = ? ORDER BY id",
    "mine": "SELECT id, v FROM mine ORDER BY id",
    "numbers": "SELECT n, ? FROM mix_shared_a.numbers ORDER BY n LIMIT 9",
}

STEPS = (
    (8, "user_variables"), (1, "computed_variable"), (8, "system_variable"),
    (2, "default_variable"), (2, "isolation"), (2, "names"), (6, "schema"),
    (1, "forbidden_schema"), (2, "create_temporary"), (4, "write_temporary"),
    (1, "drop_temporary"), (1, "duplicate"), (2, "own_lock"), (2, "common_lock"),
    (3, "begin"), (4, "end"), (2, "savepoint"), (1, "autocommit"),
    (10, "insert"), (4, "update"), (4, "delete"), (6, "warn"), (5, "fail"),
    (4, "calc_found_rows"), (8, "prepare"), (16, "execute"), (3, "close_statement"),
    (2, "open_cursor"), (4, "fetch"), (2, "sql_prepare"), (3, "sql_execute"),
    (6, "several"), (2, "several_fail"), (1, "call"), (2, "function"), (5, "ahead"),
    (1, "large"), (1, "kill_query"), (1, "kill_itself"), (2, "reset"), (3, "change_user"),
    (2, "reconnect"), (1, "abandon"), (1, "lock_tables"), (1, "open_handler"),
    (2, "read_handler"), (2, "ping"), (2, "trigger"), (2, "view"), (2, "routine_lock"),
    (2, "sql_lock"), (3, "sql_variable"),
)

# Not in a read-only transaction, which would tie the session to a replica (README, limits).
TIES = ("computed_variable", "own_lock", "common_lock", "call", "function", "several_fail",
        "open_cursor", "trigger", "view", "routine_lock", "sql_lock")


@dataclass
class Prepared:
    statement: Statement
    schema: str             # the one that its names mean
    numbers: tuple          # user variables that were no texts: on MySQL they never will be


class Player(Worker):
    def step(self):
        """One random step; then everything is looked at."""
        if self.tied_steps > LONGEST_TIE:
            self.untie()
        else:
            self.take_a_step()
        if self.random.random() < 0.6:
            self.look_at_the_statement_before()
        self.look_at_state()
        self.tied_steps = self.tied_steps + 1 if self.tied else 0

    def take_a_step(self):
        weights, names = zip(*STEPS)
        while True:
            (name,) = self.random.choices(names, weights)
            if name in TIES and not self.writable:
                continue
            if getattr(self, f"do_{name}")() is not False:
                self.world.steps[name] += 1
                return

    # ----- prepared statements

    def do_prepare(self):
        kind = self.random.choice(list(TEXTS))
        if len(self.statements.get(kind, ())) >= 3 or not self._can_prepare(kind):
            return False
        made = []
        self.ask(f"prepare {kind}",
                 lambda: made.append(self.client.prepare(TEXTS[kind])))
        self.note(f"it is {made[0].id}")
        numbers = tuple(name for name in "abc" if not is_text(self.variables[name]))
        self.statements.setdefault(kind, []).append(Prepared(made[0], self.schema, numbers))
        return True

    def _can_prepare(self, kind):
        if kind in ("who", "state") and self.schema is None:
            return False
        if kind == "mine":
            return (self.schema, "mine") in self.temporary
        if kind == "state" and self.world.kind.is_mysql and None in self.variables.values():
            return False                # the type of NULL is that of some value before it
        return kind not in ("insert", "state") or self.writable

    def _prepared(self, *kinds):
        """(kind, one of the statements), or two times None."""
        known = [(kind, prepared)
                 for kind in kinds for prepared in self.statements.get(kind, ())]
        return self.random.choice(known) if known else (None, None)

    def _has_cursor(self, prepared):
        return self.cursor is not None and self.cursor[0] is prepared.statement

    def do_execute(self):
        kind, prepared = self._prepared(*TEXTS)
        if kind is None or self._has_cursor(prepared) or \
                (kind == "rows" and not self.sees_rows):
            return False
        mark = self.tag()       # in ASCII: the character set is that of the preparation
        if kind == "state":
            self._execute_state(prepared, mark)
        elif kind == "echo":
            number = self.random.randrange(-9, 1 << 40)
            self._executed(prepared, [mark, number], [(mark, str(number + 1))])
        elif kind == "who":
            self._executed(prepared, [mark], [(mark, prepared.schema)])
        elif kind == "rows":
            self._executed(prepared, [self.number], self.rows.tables["log"])
        elif kind == "numbers":
            self._executed(prepared, [mark], [(str(n), mark) for n in range(9)])
        elif kind == "insert":
            return self._execute_insert(prepared, mark)
        elif kind == "mine":
            return self._execute_mine(prepared)
        return True

    def _executed(self, prepared, values, expected):
        (result,) = self.execute(prepared.statement, values)
        self._learn_counts(result)
        self.check(result.rows, expected, "the rows of the execution")

    def _execute_insert(self, prepared, value):
        if not self.writable:
            return False
        (result,) = self.execute(prepared.statement, [self.number, value])
        self._learn_counts(result)
        self._inserted(result, [value])
        return True

    def _execute_mine(self, prepared):
        key = self.temporary.get((prepared.schema, "mine"))
        if key is None:
            return False
        self._executed(prepared, [], self.rows.tables[key])
        return True

    def do_close_statement(self):
        kind, prepared = self._prepared(*TEXTS)
        if kind is None:
            return False
        self._close_statement(kind, prepared)
        return True

    def _close_statement(self, kind, prepared):
        had_cursor = self._has_cursor(prepared)
        self.note(f"close statement {prepared.statement.id}")
        self.client.close_statement(prepared.statement)
        self.statements[kind].remove(prepared)
        if not self.statements[kind]:
            del self.statements[kind]
        if had_cursor:
            self.cursor = None

    def do_open_cursor(self):
        kind, prepared = self._prepared("rows", "numbers")
        if kind is None or self.cursor is not None:
            return False
        value, expected = self.number, list(self.rows.tables["log"])
        if kind == "numbers":
            value = self.tag()
            expected = [(str(n), value) for n in range(9)]
        results = self.execute(prepared.statement, [value], cursor=True)
        if results:                     # no cursor for so few rows
            self.check(results[0].rows, expected, "the rows instead of a cursor")
        else:
            self.cursor = prepared.statement, expected
        return True

    def _close_cursor(self):
        for kind, several in list(self.statements.items()):
            for prepared in [one for one in several if self._has_cursor(one)]:
                self._close_statement(kind, prepared)

    def do_fetch(self):
        if self.cursor is None:
            return False
        statement, expected = self.cursor
        count = self.random.randint(1, 6)
        fetched = []
        self.ask(f"fetch {count} of {statement.id}",
                 lambda: fetched.append(self.client.fetch(statement, count)))
        rows, more = fetched[0]
        self.check(rows, expected[:count], "the rows that were fetched")
        del expected[:count]
        if not more:
            self.check(expected, [], "the rows not fetched")
            self.cursor = None
        return True

    def do_sql_prepare(self):
        tag = self.tag()
        variable = "" if self.world.kind.is_mysql else ", @a"       # of whatever type then
        self.result(f"PREPARE named FROM 'SELECT ''{tag}'', ?{variable}'")
        self.named = tag
        self.row_count = None

    def do_sql_execute(self):
        if self.named is None:
            self.refused("EXECUTE named USING @c", 1243)
            return
        if self.random.random() < 0.3:
            self._deallocate()
            return
        self.variables["c"] = self.tag()
        self.result(f"SET @c = '{self.variables['c']}'")
        shown = [self.named, self.variables["c"]]
        if not self.world.kind.is_mysql:
            shown.append(self.variables["a"])
        self.check(self.one_row("EXECUTE named USING @c"), tuple(shown), "EXECUTE")

    def _deallocate(self):
        self.result("DEALLOCATE PREPARE named")
        self.named = None
        self.row_count = None

    # ----- several statements at once

    def do_several(self):
        if not self.writable:
            return False
        mark, value = self.tag() + "é", self.tag()
        results = self.results(
            f"SELECT '{mark}', @a; SET @a = '{value}'; "
            f"INSERT INTO {LOG} (owner, v) VALUES ({self.number}, '{mark}'); "
            "SELECT LAST_INSERT_ID(), @a")
        self.computed = True
        self.check(len(results), 4, "the number of results")
        self.check(results[0].rows, [(mark, self.variables["a"])], "the first of several")
        self.variables["a"] = value
        self._inserted(results[2], [mark])
        self.check(results[3].rows, [(str(self.insert_id), value)], "the last of several")
        return True

    def do_several_fail(self):
        mark, value, tag = self.tag() + "é", self.tag(), self.tag()
        text = self.refused(f"SELECT '{mark}'; SET @c = '{value}'; "
                            f"SELECT * FROM mix_shared_a.no_{tag}; SET @c = 'never'", 1146)
        self.computed = True
        self.check(tag in text, True, "the tag in the error")
        self.variables["c"] = value
        self.row_count = None

    def do_call(self):
        tag = self.tag()
        results = self.results(f"CALL mix_shared_a.remember('{tag}')")
        self.computed = True
        self.check(results[0].rows, [(tag, "mix_shared_a")], "CALL")
        self.variables["b"] = tag

    def do_function(self):
        tag = self.tag()
        row = self.one_row(f"SELECT mix_shared_a.remembers('{tag}')")
        self.computed = True
        self.check(row, (tag,), "the function")
        self.variables["c"] = tag
        self.row_count = self.found_rows = None

    # ----- what leaves something behind that its text does not show

    def do_trigger(self):
        tag = self.tag()
        result = self.result(f"INSERT INTO mix_shared_a.noted VALUES ('{tag}')")
        self.computed = True
        self.check(result.affected, 1, "the number of new rows")
        self.variables["c"] = tag

    def do_view(self):
        if not self.client.deprecate_eof:       # nobody is told (README, limits)
            return False
        self.check(self.one_row("SELECT * FROM mix_shared_a.peeked"), ("1",), "the view")
        self.computed = True
        self.variables["b"] = "seen by a view"
        return True

    def do_routine_lock(self):
        name = self.random.choice(COMMON_LOCKS)
        if self.locks[name]:
            self._release(name)
        else:
            self.computed = True
            results = self.results(f"CALL mix_shared_a.takes('{name}')")
            self._took(name, results[0].rows[0][0])

    def do_sql_lock(self):
        name = self.random.choice(COMMON_LOCKS)
        if self.locks[name]:
            self._release(name)
        else:
            self._take(name, self._execute_text)

    def do_sql_variable(self):
        tag = self.tag()
        self._execute_text(f"SET @a = '{tag}'")
        self.variables["a"] = tag

    def _execute_text(self, text):
        """Its only result, by SQL's own ways to prepare it."""
        literal = "'" + text.replace("'", "''") + "'"
        if not self.world.kind.is_mysql and self.random.random() < 0.3:
            return self.result(f"EXECUTE IMMEDIATE {literal}")
        self.result(f"PREPARE once FROM {literal}")
        result = self.result("EXECUTE once")
        if self.random.random() < 0.7:
            self.result("DEALLOCATE PREPARE once")
        self.row_count = self.found_rows = None
        return result

    def do_ahead(self):
        """Commands that do not wait for the answers before them."""
        marks = [self.tag() + "é" for _ in range(3)]
        value = self.tag()
        texts = [f"SELECT '{marks[0]}', @c", f"SET @c = '{value}'",
                 f"SELECT '{marks[1]}', @c", f"SELECT * FROM mix_shared_a.no_{value}",
                 f"SELECT '{marks[2]}', @c"]
        self.note(f"ahead: {texts}")
        self.client.send(*texts)
        before, self.variables["c"] = self.variables["c"], value
        for text, mark, shown in ((texts[0], marks[0], before), (texts[1], None, None),
                                  (texts[2], marks[1], value), (texts[3], "error", None),
                                  (texts[4], marks[2], value)):
            self._read_ahead(text, mark, shown)

    def _read_ahead(self, text, mark, shown):
        try:
            (result,) = self.ask(f"answer to {text}", self.client.results)
        except Refused as refusal:
            if mark != "error" or refusal.number != 1146:
                raise
            return
        self.check(result.rows, None if mark is None else [(mark, shown)], "sent ahead")

    def do_large(self):
        mark = self.tag() + "é"
        times = self.random.choice((100, 1000, 5000))
        result = self.result(f"SELECT n, REPEAT('{mark}', {times}) "
                             "FROM mix_shared_a.numbers ORDER BY n LIMIT 60")
        self.check([row[0] for row in result.rows], [str(n) for n in range(60)], "numbers")
        self.check({row[1] for row in result.rows}, {mark * times}, "the long text")

    # ----- interruptions

    def do_kill_query(self):
        mark = self.tag() + "é"
        beside = self.log_in_beside()
        try:
            self.note(f"send SELECT '{mark}', SLEEP(2), and kill it")
            self.client.send(f"SELECT '{mark}', SLEEP(2)")
            beside.query(f"KILL QUERY {self.client.id}")
            (result,) = self.ask("answer", self.client.results)
            slept = result.rows[0][1] == "0"
            self.check(result.rows[0][0], mark, "SLEEP()")
        except Refused as refusal:
            if refusal.number != INTERRUPTED:
                raise
            slept = False
        finally:
            beside.close()
        self.error = None               # it may be readmux's own: no server has it
        if slept:                       # and so the next one may be hit
            self.do_reconnect()

    def do_kill_itself(self):
        self.refused("KILL QUERY CONNECTION_ID()", INTERRUPTED)
        self.row_count = self.warnings = self.error = None

    # ----- ends and beginnings

    def do_reset(self):
        self.reset()

    def do_change_user(self):
        self.change_user()

    def do_reconnect(self):
        self.leave(politely=self.random.random() < 0.5)
        self.log_in()

    def do_abandon(self):
        """Leave while an answer is on its way."""
        mark = self.tag()
        self.client.send(f"SELECT REPEAT('{mark}', 1000) FROM mix_shared_a.numbers")
        self.leave(politely=False)
        self.log_in()

    def do_ping(self):
        self.ask("COM_PING", lambda: self.client.wire.ask(COM_PING) and None)

    def untie(self):
        """Make the connection free for others."""
        if not self.computed and self.random.random() < 0.5:
            self._untie_gently()
        else:
            self.random.choice((self.reset, self.change_user, self.do_reconnect))()
        if self.tied:
            raise Mixed("still tied")       # the model's own mistake

    def _untie_gently(self):
        if self.in_transaction:
            self._end(self.random.choice((True, False)))
        if not self.autocommit:
            self._set_autocommit(True)
        self._close_cursor()
        if self.handler:
            self._close_handler()
        if self.named is not None:
            self._deallocate()
        for name in list(self.locks):
            for _ in range(self.locks[name]):
                self._release(name)
        for schema, _ in list(self.temporary):
            self._drop_temporary(schema)
