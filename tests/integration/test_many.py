# SPDX-License-Identifier: GPL-2.0-or-later
"""Many connections: in a row, and at once."""

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
