# SPDX-License-Identifier: GPL-2.0-or-later
"""
Scripts: a case in each line.

    # a comment
    SELECT 1                    COM_QUERY
    .execute s 1, "a", None     another command: see player.py
    b: SELECT 1                 by a second session (c: by a third, ...)
    b& UPDATE ...               sent, but its answer is waited for
    b?                          here
    mysql: ...                  for one kind of server only
    ~ SHOW STATUS               values differ by nature: rows and times are not compared
    SELECT {{id}}, '{{x*9}}'    the session's connection id; xxxxxxxxx

What may stand before the statement stands in this order: kind, ~, session.
"""

import os
import re
from collections import Counter
from dataclasses import dataclass

DIRECTORY = os.path.join(os.path.dirname(os.path.realpath(__file__)), "scripts")
LINE = re.compile(r"(?:(mariadb|mysql): )?(~ )?(?:([a-z])([:&?]) ?)?(.*)")


@dataclass(frozen=True)
class Case:
    line: int
    text: str               # the whole line, as the failure shows it
    nth: int                # of the lines with this text, from 1
    kind: str               # "" = both
    shape_only: bool
    session: str
    when: str               # ":" now, "&" send only, "?" receive only
    body: str


def names():
    return sorted(name[:-4] for name in os.listdir(DIRECTORY) if name.endswith(".sql"))


def load(name, kind):
    """The cases of a script for one kind of server."""
    with open(os.path.join(DIRECTORY, f"{name}.sql"), encoding="utf-8") as script:
        return parse(script.read(), kind)


def parse(text, kind):
    cases = []
    seen = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        seen[line] += 1
        only, shape, session, when, body = LINE.fullmatch(line).groups()
        if only in (None, kind):
            cases.append(Case(number, line, seen[line], only or "", bool(shape), session or "a",
                              when or ":", body))
    return cases
