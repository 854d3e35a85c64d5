# SPDX-License-Identifier: GPL-2.0-or-later
"""What a session of the mix looks at after each step, to compare it with the model."""

from wire import Refused

from .session import LOG, Session

DIAGNOSTICS_LOST = "readmux: warnings and errors of the statement before are gone"

# Values as the servers show them.
SYSTEM = {
    "group_concat_max_len": ("64", "1000", "77777"),
    "sql_mode": ("", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "STRICT_TRANS_TABLES"),
    "time_zone": ("+05:30", "-03:00", "+00:00"),
    "lc_time_names": ("de_DE", "fr_FR", "ja_JP"),
    "div_precision_increment": ("0", "2", "9"),
    "default_week_format": ("1", "5"),
    "max_sort_length": ("64", "2000"),
    "foreign_key_checks": ("0", "1"),
    "unique_checks": ("0", "1"),
}
STATE = ", ".join(["CURRENT_USER()", "DATABASE()", "@a", "@b", "@c"]
                  + [f"@@{name}" for name in SYSTEM])


def is_text(value):
    return value is not None and value[0] == "s"


class Looker(Session):
    def look_at_state(self):
        self._look_at_session()
        look = self.random.choice((self._look_at_rows, self._look_at_schema,
                                   self._look_at_temporary, self._look_at_locks,
                                   self._look_at_id))
        look()

    def state(self, schema, numbers=()):
        variables = ("0" if name in numbers and is_text(value) else value
                     for name, value in self.variables.items())
        return (f"{self.account.name}@%", schema, *variables,
                *(self.system[name] for name in SYSTEM))

    def _look_at_session(self):
        mark = self.tag() + "é"
        if "state" in self.statements and self.random.random() < 0.4:
            self._execute_state(self.random.choice(self.statements["state"]), mark[:-1])
            return
        isolation = self.world.kind.isolation
        result = self.result(f"SELECT '{mark}', @@{isolation}, {STATE}",
                             f"SELECT '{mark}', @@{isolation}, ...")
        self.check(result.rows, [(mark, self.system[isolation], *self.state(self.schema))],
                   "the state")
        self.check(bool(result.status & 2), self.autocommit, "the flag of autocommit")
        if self.transaction is not None or not self.in_transaction:
            self.check(bool(result.status & 1), self.in_transaction, "its flag")

    def _execute_state(self, prepared, mark):
        (result,) = self.execute(prepared.statement, [mark])
        numbers = prepared.numbers if self.world.kind.is_mysql else ()
        self.check(result.rows, [(mark, *self.state(prepared.schema, numbers))],
                   "the state, prepared")

    def _look_at_rows(self):
        hint = "/* readmux: primary */ "
        if self.sees_rows:
            hint = self.random.choice(("", "", hint))
        result = self.result(f"SELECT {hint}id, v FROM {LOG} WHERE owner = {self.number} "
                             "ORDER BY id")
        self.check(result.rows, self.rows.tables["log"], "the rows of the log")

    def _look_at_schema(self):
        mark = self.tag() + "é"
        sql = f"SELECT '{mark}', name FROM who"
        if self.schema is None:
            self.refused(sql, 1046)
        else:
            self.check(self.result(sql).rows, [(mark, self.schema)], "the schema's name")

    def _look_at_temporary(self):
        sql = "SELECT id, v FROM mine ORDER BY id"
        if self.schema is None:
            return
        if (self.schema, "mine") in self.temporary:
            self.check(self.result(sql).rows, self.temporary_rows(), "the temporary table")
        else:
            self.refused(sql, 1146)

    def _look_at_id(self):
        mark = self.tag() + "é"
        self.check(self.one_row(f"SELECT '{mark}', CONNECTION_ID()"),
                   (mark, str(self.client.id)), "CONNECTION_ID()")

    def _look_at_locks(self):
        for name in self.locks:
            self.check(self.one_row(f"SELECT IS_USED_LOCK('{name}') = CONNECTION_ID()"),
                       ("1",), name)

    def look_at_the_statement_before(self):
        looks = [self._look_at_insert_id]
        looks += [self._look_at_row_count] * 3 * (self.row_count is not None)
        looks += [self._look_at_found_rows] * 3 * (self.found_rows is not None)
        looks += [self._look_at_warnings] * 3 * (self.warnings is not None
                                                 or self.error is not None)
        self.random.choice(looks)()

    def about_before(self, sql):
        """The rows, or None when readmux says honestly that they are lost."""
        try:
            return self.result(sql).rows
        except Refused as refusal:
            if self.surely_tied or not refusal.text.startswith(DIAGNOSTICS_LOST):
                raise
            self.world.steps["diagnostics lost"] += 1
            return None

    def _look_at_insert_id(self):
        mark, told = self.tag() + "é", str(self.insert_id)
        column = self.random.choice(("LAST_INSERT_ID()", "@@last_insert_id", "@@identity",
                                     "LAST_INSERT_ID() + 0"))
        self.check(self.one_row(f"SELECT '{mark}', {column}"), (mark, told), column)

    def _look_at_row_count(self):
        expected = self.row_count
        rows = self.about_before("SELECT ROW_COUNT()")
        if rows is not None:
            self.check(rows, [(expected,)], "ROW_COUNT()")

    def _look_at_found_rows(self):
        expected = self.found_rows
        rows = self.about_before("SELECT FOUND_ROWS()")
        if rows is not None:
            self.check(rows, [(expected,)], "FOUND_ROWS()")

    def _look_at_warnings(self):
        count, error, tag = self.warnings, self.error, self.warning_tag
        rows = self.about_before(self.random.choice(("SHOW WARNINGS", "SHOW WARNINGS",
                                                     "SHOW ERRORS")))
        self.warnings = None
        if rows is None:
            return
        if error is not None:
            shown = [row[1] for row in rows]
            self.check(str(error) in shown, True, f"error {error} in {shown}")
        elif count == 0 and self.world.kind.is_mysql:  # MariaDB's may be older
            self.check(rows, [], "warnings")
        elif tag is not None and rows:
            self.check(tag in rows[-1][2], True, f"the warning about {tag} in {rows}")
