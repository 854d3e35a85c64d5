# SPDX-License-Identifier: GPL-2.0-or-later
"""
What readmux answers differently today and should not.

Nothing else is forgiven, and an entry that is right again fails the test.
"""

import re
from dataclasses import dataclass

MARIADB, MYSQL = ("mariadb",), ("mysql",)
BOTH = MARIADB + MYSQL
ALWAYS, SOMETIMES = False, True     # SOMETIMES: depends on the server connection it meets


@dataclass(frozen=True)
class Known:
    why: str
    kinds: tuple
    where: str              # in the names of the variants that differ: "" = any
    script: str
    sometimes: bool
    nth: int                # which of the lines with this text
    text: str               # the whole line


# why, kinds, where, script, whether always, lines
TABLE = (
    ("MySQL goes to the server's collation at COM_RESET_CONNECTION, not to the login's",
     MYSQL, "", "logins", ALWAYS,
     """
         4,6| SELECT 'a', @@collation_connection
     """),
    ("MySQL keeps parameter types in a statement that sessions share",
     MYSQL, "", "types_change", SOMETIMES,
     """
         .execute s decimal("123.456")
         .execute s newdecimal("-0.00000000000000000001")
         .execute s time(0, 0, 12, 34, 56)
         .execute s time(1, 34, 22, 59, 59)
         .execute s time(0, 0, 0, 0, 0, 1)
         .execute s time()
         .execute s varchar("varchar")
         .execute s var_string("größe")
         .execute s string("string")
         .execute s tiny(1)
         .again s tiny(2)
         .execute s 5
         .again s 6
         .execute s "now a text"
         .again s "again"
         .execute s None
         .again s None
     """),
    ("MySQL reports the transaction's state",
     MYSQL, "track", "transactions", ALWAYS,
     """
         3| BEGIN
         1,2| COMMIT AND CHAIN
         ROLLBACK AND CHAIN
         17| COMMIT
         9| ROLLBACK
     """),
    ("MySQL reports the transaction's state",
     MYSQL, "track", "zz_read_only_once", ALWAYS,
     """
         BEGIN; INSERT INTO t (v) VALUES (6); COMMIT
         BEGIN; INSERT INTO t (v) VALUES (7); COMMIT
     """),
    ("MySQL's EOF of COM_SET_OPTION has the warnings of the statement before",
     MYSQL, "", "commands", ALWAYS,
     """
         .set_option 0
         .set_option 1
     """),
    ("definitions that are the same are left out although the table was changed",
     MARIADB, "track", "metadata", ALWAYS,
     """
         18| .execute all
     """),
    ("definitions that are the same are left out although the text means something else",
     MARIADB, "track", "temporary", ALWAYS,
     """
         2| .execute s
     """),
    ("a schema's changed character set is not seen on other connections",
     MYSQL, "", "schemas", ALWAYS,
     """
         1,2| SELECT @@character_set_database, @@collation_database
     """),
    ("the error of an execution while its table was gone is kept when the table is back",
     BOTH, "", "prepared", ALWAYS,
     """
         .execute s 1, 1
     """),
    ("the error of an execution while its table is gone is that of preparing it",
     BOTH, "", "prepared", ALWAYS,
     """
         5| .execute all
     """),
    ("sql_auto_is_null does not find what was inserted before it was set",
     BOTH, "", "variables", ALWAYS,
     """
         SELECT * FROM t WHERE id IS NULL
     """),
    ("what SET STATEMENT sets for one statement is taken for the session's",
     MARIADB, "", "variables", SOMETIMES,
     """
         mariadb: SELECT @@group_concat_max_len
         mariadb: SET ROLE NONE
         mariadb: SELECT CURRENT_ROLE()
     """),
    ("system_versioning_asof = DEFAULT cannot be set again on another connection",
     MARIADB, "", "variables", SOMETIMES,
     """
         mariadb: SET skip_replication = 1
     """),
    ("a wrong COM_STMT_SEND_LONG_DATA spoils the statement until it is reset",
     BOTH, "", "zz_long_data", ALWAYS,
     """
         .execute l "and again"
         SELECT v FROM t
     """),
    ("affected rows behind OUT parameters",
     MYSQL, "", "routines", ALWAYS,
     """
         .execute p 5, 0, "x"
     """),
    ("commands are judged before the server sees them",
     MARIADB, "", "commands", ALWAYS,
     """
         .raw 0c
     """),
    ("commands are judged before the server sees them",
     BOTH, "", "commands", ALWAYS,
     """
         .raw 17
         .raw 1701000000
         .raw 170100000000
     """),
    ("commands are judged before the server sees them",
     MYSQL, "", "commands", ALWAYS,
     """
         .raw 20
         .raw 1a
         .raw 1c
     """),
    ("commands are judged before the server sees them",
     MYSQL, "", "killed", ALWAYS,
     """
         .kill {{id_c}}
         c: SELECT 7
     """),
    ("prepared for another schema: the tracker's bit of the EOF packet",
     MARIADB, "old", "mixed", ALWAYS,
     """
         9| .execute s
     """),
    ("prepared for another schema: the tracker's bit of the EOF packet",
     MARIADB, "", "prepared", ALWAYS,
     """
         2| .execute g
     """),
    ("prepared for another schema: the tracker's bit of the EOF packet",
     MARIADB, "", "sql_prepare", ALWAYS,
     """
         2| EXECUTE q
     """),
    ("a SET of the session trackers is reported by the trackers of readmux",
     BOTH, "track", "tracking", ALWAYS,
     """
         SET session_track_system_variables = '*'
     """),
    ("a SET of the session trackers is reported by the trackers of readmux",
     MARIADB, "track", "tracking", ALWAYS,
     """
         SET session_track_state_change = 1
     """),
    ("a SET of the session trackers is reported by the trackers of readmux",
     MYSQL, "track", "tracking", ALWAYS,
     """
         SET session_track_system_variables = ''
         SET session_track_transaction_info = 'STATE'
     """),
    ("behind a SET of the session trackers readmux asks for their values",
     MYSQL, "", "tracking", ALWAYS,
     """
         SHOW WARNINGS
     """),
    ("the EOF packet of a client without trackers does not say that something changed",
     MARIADB, "old", "tracking", ALWAYS,
     """
         1,2| SELECT COUNT(*) FROM t
     """),
    ("the diagnostics of the statement before where MariaDB keeps them although another one ran",
     MARIADB, "", "diagnostics", ALWAYS,
     """
         6,7,9| SHOW WARNINGS
     """),
    ("FOUND_ROWS() behind an UPDATE",
     MYSQL, "", "diagnostics", ALWAYS,
     """
         SELECT ROW_COUNT(), FOUND_ROWS()
         SELECT v, ROW_COUNT() AS n, FOUND_ROWS() m, CONNECTION_ID() = {{id}} AS told FROM t ORDER BY id
     """),
    ("MySQL's answer to a ping has the warnings of the statement before",
     MYSQL, "", "diagnostics", ALWAYS,
     """
         .ping
     """),
    ("the told id only where CONNECTION_ID() stands in a text statement",
     BOTH, "", "locks", ALWAYS,
     """
         SELECT IS_FREE_LOCK('mirror'), IS_USED_LOCK('mirror') = {{id}} AS mine
     """),
    ("the told id only where CONNECTION_ID() stands in a text statement",
     BOTH, "", "prepared", ALWAYS,
     """
         .execute now
     """),
    ("the told id only where CONNECTION_ID() stands in a text statement",
     BOTH, "", "show", ALWAYS,
     """
         ~ EXPLAIN FOR CONNECTION {{id}}
         SELECT id = {{id}} AS told, user, db, command FROM information_schema.processlist WHERE id = CONNECTION_ID()
     """),
)

def _lines(text):
    """(which, line) for each line "2,5| SHOW WARNINGS"; without numbers it is the first."""
    for line in filter(None, map(str.strip, text.splitlines())):
        numbers, line = re.fullmatch(r"(?:(\d+(?:,\d+)*)\| )?(.*)", line).groups()
        yield from ((int(number), line) for number in (numbers or "1").split(","))


KNOWN = [Known(*entry, nth, line) for *entry, lines in TABLE for nth, line in _lines(lines)]


def known_of(script, kind):
    return [known for known in KNOWN if known.script == script and kind in known.kinds]
