# SPDX-License-Identifier: GPL-2.0-or-later
"""Many connections: in a row, and at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from readmux import close, one
from servers import APP, kind_named, wait_until
from wire import COM_QUIT, Ended, Wire

THREADS = 4


def short_connections(readmux, plugin, count):
    """Log in, ask, leave; how many times the answer was right."""
    good = 0
    for number in range(count):
        with Wire(readmux.port) as wire:
            wire.log_in(APP.name, APP.password, plugin, "app")
            good += wire.query(f"SELECT {number}") == [[str(number).encode()]]
            wire.command(COM_QUIT)
            with pytest.raises(Ended):
                wire.read_packet()
    return good


@pytest.mark.timeout(300)
def test_ten_thousand_short_connections(readmux, kind):
    plugin = kind_named(kind).default_plugin
    assert short_connections(readmux, plugin, 20) == 20
    before = readmux.open_files()
    with ThreadPoolExecutor(THREADS) as pool:
        parts = [pool.submit(short_connections, readmux, plugin, 10000 // THREADS)
                 for _ in range(THREADS)]
        assert sum(part.result() for part in parts) == 10000
    wait_until(lambda: readmux.open_files() <= before + 40, "the sockets of clients that left close")


def test_many_sessions_at_once(readmux):
    """More sessions than server connections are ever needed, each with its own answer."""
    sessions = [readmux.connect() for _ in range(300)]
    try:
        for number, connection in enumerate(sessions):
            assert one(connection, f"SELECT {number}") == number
    finally:
        for connection in sessions:
            close(connection)


def test_connections_that_say_nothing(readmux):
    silent = [readmux.socket() for _ in range(200)]
    connection = readmux.connect()
    assert one(connection, "SELECT 1") == 1
    connection.close()
    before = readmux.open_files()
    for sock in silent:
        sock.close()
    wait_until(lambda: readmux.open_files() <= before - 200, "their sockets are closed")


def test_workers_hold_equal_numbers(start_readmux):
    """An id tells its worker: it counts up by the number of workers.  Whoever leaves makes room."""
    process = start_readmux(workers=3)
    sessions = [process.connect() for _ in range(12)]

    def counts():
        return Counter(session.thread_id() % 3 for session in sessions)

    assert sorted(counts().values()) == [4, 4, 4]
    crowded = sessions[0].thread_id() % 3
    for session in [s for s in sessions if s.thread_id() % 3 == crowded]:
        close(session)
        sessions.remove(session)
    wait_until(lambda: process.status()["numbers"]["sessions"] == 8, "four have left", 10)
    sessions += [process.connect() for _ in range(4)]
    assert sorted(counts().values()) == [4, 4, 4]
    for session in sessions:
        close(session)
