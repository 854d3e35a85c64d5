# SPDX-License-Identifier: GPL-2.0-or-later
"""
What sessions of the mix do in SQL, one statement after the other: variables, schemas,
temporary tables, locks, transactions, rows, errors.  The methods do_... are steps; one
that is not possible now gives False.
"""

from wire import COM_INIT_DB

from .looks import SYSTEM, Looker
from .session import LOG, SHARED

COMMON_LOCKS = ("mix common 1", "mix common 2")
ISOLATION = ("READ COMMITTED", "REPEATABLE READ", "READ UNCOMMITTED")
MOST_ROWS = 12
NUMBERS = 500               # rows of mix_shared_a.numbers


class Worker(Looker):
    @property
    def writable(self):
        return self.transaction != "read only"

    # ----- variables

    def _value(self):
        """(SQL text, what the server shows)"""
        kind = self.random.randrange(4)
        if kind == 0:
            return "NULL", None
        if kind == 1:
            number = str(self.random.randrange(-5, 1 << 40))
            return number, number
        text = self.tag() + "é" * self.random.randrange(3)
        return f"'{text}'", text

    def do_user_variables(self):
        names = self.random.sample("abc", self.random.randint(1, 3))
        values = {name: self._value() for name in names}
        self.result("SET " + ", ".join(f"@{name} = {sql}"
                                       for name, (sql, _) in values.items()))
        self.variables.update((name, shown) for name, (_, shown) in values.items())

    def do_computed_variable(self):
        tag = self.tag()
        sql = self.random.choice(("SET @b = CONCAT('{}', 'x')", "SELECT '{}x' INTO @b",
                                  "SELECT @b := '{}x'"))
        self.computed = True
        self.results(sql.format(tag))
        self.variables["b"] = tag + "x"

    def _quoted(self, name, value):
        return value if value.lstrip("-").isdigit() else f"'{value}'"

    def do_system_variable(self):
        names = self.random.sample(list(SYSTEM), self.random.randint(1, 2))
        values = {name: self.random.choice(SYSTEM[name]) for name in names}
        form = self.random.choice(("{} = {}", "SESSION {} = {}", "@@{} = {}",
                                   "@@session.{} = {}", "{} := {}"))
        self.result("SET " + ", ".join(form.format(name, self._quoted(name, value))
                                       for name, value in values.items()))
        self.system.update(values)

    def do_default_variable(self):
        name = self.random.choice([name for name in SYSTEM if not name.endswith("_checks")])
        self.result(f"SET {name} = DEFAULT")        # MySQL's of those is 0
        self.system[name] = self.world.defaults[name]

    def do_isolation(self):
        level = self.random.choice(ISOLATION)
        self.result(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        self.system[self.world.kind.isolation] = level.replace(" ", "-")

    def do_names(self):
        if self.cursor is not None:     # MySQL goes on with its rows as they were
            return False
        name, encoding = self.random.choice((("utf8mb4", "utf-8"), ("latin1", "latin-1")))
        self.result(f"SET NAMES {name}")
        self.client.encoding = encoding

    # ----- schemas

    def do_schema(self):
        schema = self.random.choice(self.account.schemas)
        if self.random.random() < 0.5:
            self.result(f"USE {schema}")
        else:
            self.ask(f"COM_INIT_DB {schema}",
                     lambda: self.client.wire.ask(COM_INIT_DB, schema.encode()) and None)
        self.schema = schema

    def do_forbidden_schema(self):
        other = self.random.choice([account for account in self.world.accounts
                                    if account != self.account])
        self.refused(self.random.choice((f"USE {other.schema}",
                                         f"SELECT name FROM {other.schema}.who")),
                     (1044, 1142))

    # ----- temporary tables

    def temporary_rows(self):
        return self.rows.tables[self.temporary[self.schema, "mine"]]

    def do_create_temporary(self):
        if self.schema is None or not self.writable:
            return False
        sql = "CREATE TEMPORARY TABLE mine (id INT PRIMARY KEY, v VARCHAR(80))"
        if (self.schema, "mine") in self.temporary:
            self.refused(sql, 1050)
            return True
        self.result(sql)
        key = f"mine {self.count}"
        self.temporary[self.schema, "mine"] = key
        self.rows.tables[key] = []
        return True

    def do_write_temporary(self):
        if (self.schema, "mine") not in self.temporary or not self.writable:
            return False
        rows = self.temporary_rows()
        if len(rows) >= MOST_ROWS:
            self.result("DELETE FROM mine")
            rows.clear()
            return True
        number = int(rows[-1][0]) + 1 if rows else 1
        text = self.tag() + "é"
        self.result(f"INSERT INTO mine VALUES ({number}, '{text}')")
        rows.append((str(number), text))
        return True

    def do_duplicate(self):
        if (self.schema, "mine") not in self.temporary or not self.writable:
            return False
        rows = self.temporary_rows()
        if not rows:
            return False
        self.refused(f"INSERT INTO mine VALUES ({rows[0][0]}, 'twice')", 1062)
        return True

    def do_drop_temporary(self):
        if (self.schema, "mine") not in self.temporary or not self.writable:
            return False
        self._drop_temporary(self.schema)
        return True

    def _drop_temporary(self, schema):
        self.result(f"DROP TEMPORARY TABLE {schema}.mine")
        del self.rows.tables[self.temporary.pop((schema, "mine"))]

    # ----- locks

    def do_own_lock(self):
        name = f"mix of {self.number}"
        if self.locks[name] and self.random.random() < 0.5:
            self._release(name)
        else:
            self._take(name)
            self.check(self.locks[name] > 0, True, name)

    def do_common_lock(self):
        name = self.random.choice(COMMON_LOCKS)
        if self.locks[name]:
            self._release(name)
        else:
            self._take(name)

    def _take(self, name, run=None):
        result = (run or self.result)(f"SELECT GET_LOCK('{name}', 0)")
        self.check(len(result.rows or ()), 1, "the number of rows")
        self._took(name, result.rows[0][0])

    def _took(self, name, got):
        if got != "1":
            self.check(got, "0", name)
            return
        holder = self.world.holders.get(name, self.number)
        self.check(holder, self.number, f"the holder of {name}")
        self.world.holders[name] = self.number
        self.locks[name] += 1

    def _release(self, name):
        self.locks[name] -= 1
        if not self.locks[name]:
            del self.locks[name]
            del self.world.holders[name]
        self.check(self.one_row(f"SELECT RELEASE_LOCK('{name}')"), ("1",), name)

    def do_lock_tables(self):
        """What was locked is all that may be used."""
        if self.in_transaction or self.handler:
            return False
        self.result("LOCK TABLES mix_shared_a.who READ")
        self.check(self.one_row("SELECT name FROM mix_shared_a.who"), ("mix_shared_a",),
                   "the table that was locked")
        self.refused("SELECT name FROM mix_shared_b.who", 1100)
        self.result("UNLOCK TABLES")
        return True

    def do_open_handler(self):
        if self.handler or self.in_transaction:
            return False
        schema = self.random.choice(SHARED)
        self.result(f"HANDLER {schema}.who OPEN AS reader")
        self.handler = schema
        return True

    def do_read_handler(self):
        if not self.handler:
            return False
        if self.random.random() < 0.4:
            self._close_handler()
        else:
            self.check(self.one_row("HANDLER reader READ FIRST"), (self.handler,), "row")
        return True

    def _close_handler(self):
        self.result("HANDLER reader CLOSE")
        self.handler = None

    # ----- transactions

    def do_begin(self):
        if self.handler:
            return False
        sql = self.random.choice(("BEGIN", "START TRANSACTION",
                                  "START TRANSACTION READ WRITE",
                                  "START TRANSACTION READ ONLY"))
        self.result(sql)
        if sql.endswith("ONLY") or (self.transaction == "read only" and
                                    not sql.endswith("WRITE") and self.world.kind.is_mysql):
            self.begun("read only")
        else:
            self.begun("read write")
        return True

    def do_end(self):
        if not self.in_transaction:
            return False
        self._end(self.random.choice((True, False)))
        return True

    def _end(self, commit):
        self.result("COMMIT" if commit else "ROLLBACK")
        if commit:
            self.committed()
        else:
            self.rolled_back()

    def do_savepoint(self):
        if self.transaction != "read write":
            return False
        if self.savepoints and self.random.random() < 0.5:
            name = self.random.choice(list(self.savepoints))
            self.result(f"ROLLBACK TO {name}")
            self.rows.restore(self.savepoints[name])
            later = list(self.savepoints)[list(self.savepoints).index(name) + 1:]
            for gone in later:
                del self.savepoints[gone]
            return True
        name = f"p{len(self.savepoints)}"
        self.result(f"SAVEPOINT {name}")
        self.savepoints[name] = self.rows.copy()
        return True

    def do_autocommit(self):
        if self.transaction is not None or self.handler:
            return False
        self._set_autocommit(not self.autocommit)
        return True

    def _set_autocommit(self, on):
        self.result(f"SET autocommit = {int(on)}")
        if on and not self.autocommit:
            self.autocommit = True
            self.committed()
        elif not on and self.autocommit:
            self.autocommit = False
            self.saved = self.rows.copy()

    # ----- rows

    def do_insert(self):
        values = [self.tag() + "é" for _ in range(self.random.randint(1, 3))]
        sql = f"INSERT INTO {LOG} (owner, v) VALUES " + \
            ", ".join(f"({self.number}, '{value}')" for value in values)
        if not self.writable:
            self.refused(sql, 1792)
            self.error = None           # a replica shows its own reason, 1290
            return
        self._inserted(self.result(sql), values)

    def _inserted(self, result, values):
        self.check(result.affected, len(values), "the number of new rows")
        self.written()
        self.insert_id = result.insert_id
        self.rows.tables["log"] += [(str(self.insert_id + i), value)
                                    for i, value in enumerate(values)]

    def do_update(self):
        rows = self.rows.tables["log"]
        if not rows or not self.writable:
            return False
        at = self.random.randrange(len(rows))
        text = self.tag() + "é"
        result = self.result(f"UPDATE {LOG} SET v = '{text}' WHERE id = {rows[at][0]}")
        self.check(result.affected, 1, "the number of changed rows")
        self.written()
        rows[at] = rows[at][0], text
        return True

    def do_delete(self):
        rows = self.rows.tables["log"]
        if not rows or not self.writable:
            return False
        count = 1 if len(rows) < MOST_ROWS else len(rows) // 2
        gone = [rows.pop(self.random.randrange(len(rows)))[0] for _ in range(count)]
        result = self.result(f"DELETE FROM {LOG} WHERE id IN ({', '.join(gone)})")
        self.check(result.affected, count, "the number of deleted rows")
        self.written()
        return True

    # ----- warnings and errors

    def do_warn(self):
        mark, tag = self.tag() + "é", self.tag()
        row = self.one_row(f"SELECT '{mark}', CAST('{tag}x' AS SIGNED)")
        self.check(row, (mark, "0"), "the row with a warning")
        self.warning_tag = tag

    def do_fail(self):
        tag = self.tag()
        sql, number = self.random.choice((
            (f"SELECT * FROM mix_shared_b.no_{tag}", 1146),
            (f"DELETE FROM mix_shared_b.no_{tag}", 1146),
            (f"SELEC '{tag}'", 1064),
            (f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{tag}'", 1644),
            (f"SELECT {tag}", 1054)))
        if sql.startswith("DELETE") and not self.writable:
            return False
        self.check(tag in self.refused(sql, number), True, "the tag in the error")
        return True

    def do_calc_found_rows(self):
        found = self.random.randint(2, NUMBERS)
        result = self.result("SELECT SQL_CALC_FOUND_ROWS n FROM mix_shared_a.numbers "
                             f"WHERE n < {found} LIMIT 2")
        self.check(len(result.rows), 2, "LIMIT 2")
        # others may use the connection that knows the number
        self.found_rows = str(found) if self.surely_tied else None
