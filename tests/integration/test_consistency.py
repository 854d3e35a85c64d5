# SPDX-License-Identifier: GPL-2.0-or-later
"""What sessions must not miss: their own writes, and what they were shown (section 9)."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from readmux import close, rows
from servers import APP

SECONDS = 4
REPLICAS = {101, 102}


@contextlib.contextmanager
def again_and_again(step):
    """Runs <step> in a thread until the block is left; its error is raised there."""
    over = threading.Event()

    def run():
        while not over.is_set():
            step()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            yield
        finally:
            over.set()
            running.result()


def direct(server):
    return contextlib.closing(server.connect(user=APP.name, password=APP.password,
                                             database="app"))


@pytest.fixture
def history(cluster, table):
    """A table whose only value grows all the time, while one replica lags now and then."""
    cluster.primary.sql(f"INSERT INTO {table} VALUES (1, '0')")
    cluster.wait_caught_up()
    with direct(cluster.primary) as writer, cluster.replicas[1].connect() as locker:
        def write():
            rows(writer, f"UPDATE {table} SET v = v + 1")

        def lag():
            rows(locker, "FLUSH TABLES WITH READ LOCK")
            time.sleep(0.3)
            rows(locker, "UNLOCK TABLES")
            time.sleep(0.1)

        with again_and_again(write), again_and_again(lag):
            yield table


def follow(session, sql):
    """Reads for a while; what a session was shown never goes back.  The servers that answered."""
    end, servers, last = time.monotonic() + SECONDS, set(), -1
    while time.monotonic() < end:
        server_id, value = rows(session, sql)[0][:2]
        assert int(value) >= last, f"{value} at {server_id} after {last}"
        servers.add(server_id)
        last = int(value)
    return servers


@pytest.mark.parametrize("pause", (0, 0.02))
def test_a_session_never_goes_back(readmux, history, pause):
    sql = f"SELECT @@server_id, v, SLEEP({pause}) FROM {history}"
    sessions = [readmux.connect() for _ in range(4)]
    with ThreadPoolExecutor(len(sessions)) as pool:
        servers = list(pool.map(lambda session: follow(session, sql), sessions))
    assert set().union(*servers) >= REPLICAS, f"reads: {servers}"
    for session in sessions:
        close(session)
