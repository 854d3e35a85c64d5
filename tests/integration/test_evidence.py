# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to one client's connection says nothing of the server to all others."""

import re
import threading
import time

import pymysql

from readmux import close, one, rows
from servers import wait_until

MINE = "SELECT id FROM information_schema.processlist WHERE user = 'app'" \
    " AND info LIKE '%SLEEP(0.9)%' AND info NOT LIKE '%processlist%'"


def outs(process, name):
    return len(re.findall(rf'"?backend out"? backend={name} ', process.log_text()))


def test_a_client_that_is_killed_again_and_again(start_readmux, cluster, table):
    process = start_readmux()
    victim, writer = process.connect(), process.connect()
    over = threading.Event()
    kills = []

    def kill():
        with cluster.primary.connect() as root, root.cursor() as cursor:
            while not over.is_set():
                cursor.execute(MINE)
                for (number,) in cursor.fetchall():
                    try:
                        cursor.execute(f"KILL {number}")
                        kills.append(number)
                    except pymysql.err.MySQLError:
                        pass            # it has ended by itself
                time.sleep(0.01)

    def be_killed():
        while not over.is_set():
            try:
                rows(victim, f"INSERT INTO {table} (v) SELECT SLEEP(0.9)")
            except pymysql.err.MySQLError:
                pass

    before = outs(process, "mysql-0")
    threads = [threading.Thread(target=each) for each in (kill, be_killed)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(kills) > 20, "connections are killed", 60)
        for _ in range(20):
            rows(writer, f"INSERT INTO {table} (v) VALUES ('goes on')")
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
    assert outs(process, "mysql-0") == before, process.log_text()[-3000:]
    assert one(writer, f"SELECT COUNT(*) FROM {table} WHERE v = 'goes on'") == 20
    close(victim)
    close(writer)


def test_a_server_that_dies_is_out_at_once(start_readmux, breakable):
    """Probes come too late here: the refused connection tells."""
    process = start_readmux(probe={"interval": "30s"})
    session = process.connect()
    for _ in range(4):
        one(session, "SELECT 1")
    breakable.replicas[0].kill9()
    begin = time.monotonic()
    for _ in range(20):
        assert one(session, "SELECT @@server_id") in (100, 102)
    assert time.monotonic() - begin < 5
    close(session)
