# SPDX-License-Identifier: GPL-2.0-or-later
"""
Two sessions never mix: many sessions of several users share few server connections, do
at random what sessions do (mix/steps.py), and compare every answer with what they know
of themselves.

READMUX_SEED repeats a run (as far as the order of sessions allows), READMUX_MIX_SECONDS
makes it longer, READMUX_MIX_HISTORY names a file for what every session has done.
"""

import os
import random

import pytest

from mix.play import Mix, clean_up_sql, defaults_of, set_up_sql
from mix.session import LOG, Account, Kind, World
from servers import wait_until

SESSIONS = 24
CONNECTIONS = 4             # to each server, for all sessions of all users
SECONDS = float(os.environ.get("READMUX_MIX_SECONDS", 10))
HISTORY = os.environ.get("READMUX_MIX_HISTORY")
ACCOUNTS = [Account(f"mix{n}", f"mix{n} secret", f"mix_own_{n}") for n in range(3)]


@pytest.fixture(scope="module")
def stage(cluster):
    cluster.primary.sql(*set_up_sql(ACCOUNTS))
    cluster.wait_caught_up()
    yield
    cluster.primary.sql(*clean_up_sql(ACCOUNTS))
    cluster.wait_caught_up()


def seed():
    return os.environ.get("READMUX_SEED") or str(random.SystemRandom().randrange(1 << 32))


def committed(cluster):
    """The rows of the log by session, when those who left are rolled back."""
    def alone():
        return not cluster.primary.sql("SELECT 1 FROM information_schema.innodb_trx "
                                       "WHERE trx_rows_modified > 0")

    wait_until(alone, "no transaction is open", every=0.11)
    found = {}
    for number, identity, text in cluster.primary.sql(
            f"SELECT owner, id, v FROM {LOG} ORDER BY id"):
        found.setdefault(number, []).append((str(identity), text))
    return found


@pytest.fixture
def world(cluster, kind, stage):
    """An empty log, and what the sessions have to know."""
    cluster.primary.sql(f"DELETE FROM {LOG}")
    cluster.wait_caught_up()
    isolation = "tx_isolation" if kind == "mariadb" else "transaction_isolation"
    with cluster.primary.connect(autocommit=None) as connection:
        return World(Kind(cluster.kind.default_plugin, isolation, kind == "mysql"),
                     ACCOUNTS, defaults_of(connection, isolation))


@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("how", ("plain", "shuffled"))
def test_sessions_never_mix(cluster, kind, world, start_readmux, how):
    readmux = start_readmux(pool={"max_connections": CONNECTIONS},
                            wait={"read": "60s", "write": "60s"},
                            debug={"reshuffle": how == "shuffled"})
    chosen = seed()
    mix = Mix(world, readmux.port, SESSIONS, SECONDS, chosen).run()
    print(f"READMUX_SEED={chosen}: {sum(world.steps.values())} steps: {dict(world.steps)}")
    if HISTORY:
        mix.write_histories(HISTORY)
    if mix.failures:
        head = f"READMUX_SEED={chosen} {kind}, {how}"
        pytest.fail("\n\n".join([head, *mix.failures[:2]]), pytrace=False)
    readmux.check_alive()
    kept = {number: rows for number, rows in mix.rows.items() if rows}
    assert committed(cluster) == kept, f"READMUX_SEED={chosen}"
