# SPDX-License-Identifier: GPL-2.0-or-later
"""
A session through readmux is answered as one at a server: the same packets.

Each script of mirror/scripts is played at the primary and through readmux, as
clients of every sort (with and without CLIENT_DEPRECATE_EOF, CLIENT_SESSION_TRACK and
MARIADB_CLIENT_CACHE_METADATA),
through a readmux that moves the session to another server connection whenever
it can, and through an ordinary one.
"""

import re
from collections import Counter

import pytest

from mirror import script
from mirror.compare import Differences
from mirror.known import KNOWN, known_of
from mirror.player import SCHEMA, Client, Player
from servers import wait_until
from wire import CLIENT_DEPRECATE_EOF, CLIENT_SESSION_TRACK, MARIADB_CLIENT_CACHE_METADATA

CLIENTS = {
    "old": 0,
    "old, track": CLIENT_SESSION_TRACK,
    "new": CLIENT_DEPRECATE_EOF,
    "new, track": CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK,
}
# The capabilities that only a server of this kind has, for clients that track.
OWN_CAPABILITIES = {"mariadb": MARIADB_CLIENT_CACHE_METADATA, "mysql": 0}
# What the kind's own client says at login (see logins.sql for others).
COLLATIONS = {"mariadb": 45, "mysql": 255}
# Two clients show each capability on and off; four all that they do to each other, which
# is of interest where session state changes.
PAIR = ("old", "new, track")
ALL_CLIENTS = ("basics", "metadata", "multi", "schemas", "tracking")


# Of the statements of a script through the shuffled readmux, the share that could have run on
# another server connection: what ties its session in its first line tests little of it.
FREE = 0.5
# Less than that in scripts about what ties, and in those that have yet to be cut by resets.
TIES = {
    "charsets": 0.11,
    "cursors": 0.13,
    "diagnostics": 0.33,
    "functions": 0.16,
    "insert_ids": 0.31,
    "locks": 0.2,
    "mixed": 0.06,
    "multi": 0.1,
    "prepared": 0.28,
    "rollbacks": 0.25,
    "routines": 0.02,
    "sql_mode": 0.24,
    "sql_prepare": 0.22,
    "temporary": 0.04,
    "transactions": 0.25,
    "user_variables": 0.1,
    "xa": 0.26,
    "zz_read_only_once": 0.17,
}


def routed(readmux):
    """Statements so far by the reason why they went where they went."""
    counts = Counter()
    for reason, count in re.findall(r'^readmux_backend_routed_total\{.*reason="([^"]+)"\} (\d+)$',
                                    readmux.http("/metrics")[2], re.M):
        counts[reason] += int(count)
    return counts


def free_share(before, after):
    new = after - before
    return 1 - (new["pinned"] + new["in-transaction"]) / max(1, sum(new.values()))


class Stage:
    """Where scripts are played: an empty schema on all servers."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.connection = cluster.primary.connect()

    def play(self, port, cases, client):
        self._sql(f"DROP DATABASE IF EXISTS {SCHEMA}")
        self._sql(f"CREATE DATABASE {SCHEMA}")
        self.cluster.wait_caught_up()
        kind = self.cluster.kind
        capabilities = CLIENTS[client]
        if capabilities & CLIENT_SESSION_TRACK:
            capabilities |= OWN_CAPABILITIES[kind.name]
        client = Client(kind.default_plugin, capabilities, COLLATIONS[kind.name])
        return Player(port, client, self._wait_blocked).play(cases)

    def _sql(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def _wait_blocked(self):
        # the table is filled anew only when nobody has read it for 0.1 s
        wait_until(lambda: self._sql("SELECT 1 FROM information_schema.innodb_trx "
                                     "WHERE trx_state = 'LOCK WAIT'"),
                   "a statement waits for a lock", every=0.11)


@pytest.fixture(scope="module")
def stage(cluster):
    before = cluster.primary.sql("SELECT @@GLOBAL.local_infile")[0][0]
    cluster.primary.sql("SET GLOBAL local_infile = 1")
    stage = Stage(cluster)
    yield stage
    stage.connection.close()
    cluster.primary.sql(f"SET GLOBAL local_infile = {before}")


@pytest.mark.parametrize("name", script.names())
def test_same_answers(name, kind, stage, readmux, shuffled):
    cases = script.load(name, kind)
    differences = Differences()
    before = routed(shuffled)
    for client in CLIENTS if name in ALL_CLIENTS else PAIR:
        expected = stage.play(stage.cluster.primary.port, cases, client)
        differences.add(f"shuffled: {client}", expected,
                        stage.play(shuffled.port, cases, client))
        if client in PAIR:
            differences.add(f"ordinary: {client}", expected,
                            stage.play(readmux.port, cases, client))
    gone = [f"#{known.nth} {known.text}\n    is known to differ and does not: {known.why}"
            for known in known_of(name, kind)
            if not differences.forgive(known) and not known.sometimes]
    new = [str(difference) for difference in differences]
    free = free_share(before, routed(shuffled))
    if free < TIES.get(name, FREE):
        new.append(f"only {free:.0%} of its statements could have run on any server connection")
    if new + gone:
        pytest.fail("\n".join([f"{name}.sql at {kind}:", *new, *gone]), pytrace=False)


def test_a_difference_is_told(kind, stage):
    """The comparison itself: one server, two scripts."""
    port = stage.cluster.primary.port
    text = "SELECT 1\nSELECT 1, {0}\nDO {0}\nSELECT 1 AS a\n"
    one, other = (script.parse(text.format(value), kind) for value in (2, 3))
    differences = Differences()
    differences.add("changed", *(stage.play(port, cases, "new") for cases in (one, other)))
    (difference,) = differences
    assert difference.case.line == 2
    assert "- #4 row: b'\\x011\\x012'" in str(difference), difference
    assert "+ #4 row: b'\\x011\\x013'" in str(difference), difference


def test_known_differences_are_cases():
    """An entry that names no line is no excuse for anything."""
    for known in KNOWN:
        for kind in known.kinds:
            cases = {(case.text, case.nth) for case in script.load(known.script, kind)}
            assert (known.text, known.nth) in cases, known
