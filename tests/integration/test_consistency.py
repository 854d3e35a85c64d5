# SPDX-License-Identifier: GPL-2.0-or-later
"""What sessions must not miss: their own writes, and what they were shown (section 9)."""

import contextlib
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from conftest import KINDS, skip_mysql
from readmux import close, one, rows
from servers import APP, take_port, wait_until
from servers.accounts import SECOND

SECONDS = 4
REPLICAS = {101, 102}


@pytest.fixture(scope="module", params=(*KINDS, "mysql-without-gtid"))
def kind(request):
    if request.param != "mariadb" and skip_mysql():
        pytest.skip("MySQL could not be installed (READMUX_SKIP_MYSQL)")
    return request.param


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


# ------------------------------------------------------------------- told and asked in SQL

def refused(session, sql):
    with pytest.raises(pymysql.err.MySQLError) as failure:
        rows(session, sql)
    return failure.value.args


@pytest.fixture
def behind(cluster, table):
    """No replica applies anything."""
    lockers = [replica.connect() for replica in cluster.replicas]
    for locker in lockers:
        rows(locker, "FLUSH TABLES WITH READ LOCK")
    yield table
    for locker in lockers:
        locker.close()


COUNT = "SELECT COUNT(*), @@server_id FROM {}"


def test_eventual_reads_do_not_wait(readmux, behind):
    session = readmux.connect()
    rows(session, f"INSERT INTO {behind} (v) VALUES ('new')")
    assert rows(session, COUNT.format(behind)) == ((1, 100),)
    hinted = rows(session, "/* readmux: consistency=eventual */ " + COUNT.format(behind))
    assert hinted[0][0] == 0 and hinted[0][1] in REPLICAS
    rows(session, "SET @readmux_consistency = 'eventual'")
    assert rows(session, "SELECT @@readmux_consistency AS c") == (("eventual",),)
    assert rows(session, COUNT.format(behind))[0][1] in REPLICAS
    rows(session, "SET @readmux_consistency = 'primary'")
    assert rows(session, COUNT.format(behind)) == ((1, 100),)
    rows(session, "SET @readmux_consistency = NULL")
    assert rows(session, "SELECT @@readmux_consistency") == (("session",),)
    close(session)


def known_position(session, kind):
    """Without GTIDs, an account that may not ask where the log ends waits for the next probe."""
    told = None

    def known():
        nonlocal told
        (told,) = rows(session,
                       "SELECT @@readmux_position, @@session.readmux_consistency AS `how`")
        return told[0]

    if kind == "mysql-without-gtid":
        wait_until(known, "the position is known", 5)
    known()
    return told


def test_a_position_is_handed_over(readmux, behind, kind):
    writer, reader = readmux.connect(), readmux.connect()
    assert rows(reader, COUNT.format(behind))[0][0] == 0
    rows(writer, f"INSERT INTO {behind} (v) VALUES ('new')")
    position, consistency = known_position(writer, kind)
    assert position and consistency == "session"
    assert rows(reader, COUNT.format(behind))[0][0] == 0        # where it was
    rows(reader, f"SET @readmux_position = '{position}'")
    assert rows(reader, COUNT.format(behind)) == ((1, 100),)
    close(writer)
    close(reader)


def test_nonsense_is_refused(readmux, session):
    number, text = refused(session, "SET @readmux_consistency = 'sloppy'")
    assert number == 1231 and "'session', 'eventual', 'primary'" in text and "sloppy" in text
    number, text = refused(session, "SET @a = 1, @readmux_position = '0-1-1; DROP'")
    assert number == 1231 and "SELECT @@readmux_position" in text
    assert refused(session, "SET @readmux_position = CONCAT('0-', 1)")[0] == 1231
    assert refused(session, "SELECT @@readmux_nothing")[0] == 1193
    rows(session, "SET @readmux_consistency = 'eventual', @b = 2")
    assert rows(session, "SELECT @@readmux_consistency") == (("eventual",),)
    assert rows(session, "SELECT @b") == ((2,),)


def consistency_of(process, **options):
    connection = process.connect(**options)
    try:
        return rows(connection, "SELECT @@readmux_consistency")[0][0]
    finally:
        close(connection)


def test_consistency_of_an_address_and_of_a_user(start_readmux):
    process, port = start_readmux(), take_port()
    process.stop()
    process.settings["listen"].append(
        {"address": f"127.0.0.1:{port}", "route": "split", "consistency": "primary"})
    process.settings["users"] = [{"name": SECOND.name, "consistency": "eventual"}]
    process.start()
    second = {"user": SECOND.name, "password": SECOND.password}
    assert consistency_of(process) == "session"
    assert consistency_of(process, port=port) == "primary"
    assert consistency_of(process, **second) == "eventual"
    assert consistency_of(process, port=port, **second) == "eventual"
    connection = process.connect(port=port)
    assert {rows(connection, "SELECT @@server_id") for _ in range(5)} == {((100,),)}
    close(connection)


@pytest.fixture
def privileged(cluster):
    """Who may ask where the log ends need not wait for a probe."""
    cluster.primary.sql(f"GRANT REPLICATION CLIENT ON *.* TO '{SECOND.name}'@'%'")
    cluster.wait_caught_up()
    yield {"user": SECOND.name, "password": SECOND.password}
    cluster.primary.sql(f"REVOKE REPLICATION CLIENT ON *.* FROM '{SECOND.name}'@'%'")


@pytest.mark.parametrize("kind", ["mysql-without-gtid"], indirect=True, scope="module")
def test_a_log_position_is_told_at_once(start_readmux, table, privileged):
    process = start_readmux(probe={"interval": "30s"})
    session = process.connect(**privileged)
    for _ in range(5):
        rows(session, f"INSERT INTO {table} (v) VALUES ('new')")
        count = rows(session, f"SELECT COUNT(*) FROM {table}")      # the question follows it
    wait_until(lambda: rows(session, "SELECT @@readmux_position")[0][0], "it is told", 5)
    position = rows(session, "SELECT @@readmux_position")[0][0]
    assert position.startswith("binlog.0")

    def read_by_a_replica():
        number, server = rows(session, f"SELECT COUNT(*), @@server_id FROM {table}")[0]
        assert number == count[0][0]
        return server in REPLICAS

    wait_until(read_by_a_replica, "a replica reads", 10)
    close(session)


@pytest.fixture
def late_report(cluster):
    """mysql-1 does not say what its appliers have done."""
    replica = cluster.replicas[0]
    before = replica.sql("SELECT @@GLOBAL.replica_checkpoint_period")[0][0]

    def report_every(milliseconds):
        replica.sql("STOP REPLICA SQL_THREAD",
                    f"SET GLOBAL replica_checkpoint_period = {milliseconds}",
                    "START REPLICA SQL_THREAD")

    report_every(600000)
    yield replica
    report_every(before)
    cluster.wait_replicating()


@pytest.mark.parametrize("kind", ["mysql-without-gtid"], indirect=True, scope="module")
def test_a_replica_shows_more_than_it_reports(cluster, table, late_report, start_readmux):
    process = start_readmux()
    with cluster.replicas[1].connect() as locker:
        rows(locker, "FLUSH TABLES WITH READ LOCK")
        cluster.primary.sql(f"INSERT INTO {table} (v) VALUES ('new')")
        count = f"SELECT COUNT(*) FROM {table}"
        wait_until(lambda: late_report.sql(count) == ((1,),), "mysql-1 has applied it", 10)
        session = process.connect()
        assert one(session, f"/* readmux: backend=mysql-1 */ {count}") == 1
        end = time.monotonic() + 3          # probes of every server meanwhile
        while time.monotonic() < end:
            assert one(session, count) == 1
            time.sleep(0.05)
        close(session)


SLOW_DISK = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait(void)
{
	if (access(getenv("SLOW_DISK"), F_OK) == 0)
		usleep(3000000);
}
int fsync(int fd) { wait(); return (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { wait(); return (int)syscall(SYS_fdatasync, fd); }
"""


@pytest.fixture
def slow_disk(cluster, tmp_path, monkeypatch):
    """slow_disk(): mysql-1 commits on a disk that takes three seconds from now on."""
    replica, flag = cluster.replicas[0], tmp_path / "slow"
    (tmp_path / "slow.c").write_text(SLOW_DISK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "slow.so", tmp_path / "slow.c"],
                   check=True)
    options = {**replica.options(), "innodb-flush-log-at-trx-commit": "1"}
    if options.pop("log-bin", None):        # with a log of its own it flushes before it commits
        options["skip-log-bin"] = "1"
    monkeypatch.setattr(replica, "options", lambda: options)
    monkeypatch.setattr(replica, "prefix", lambda: [
        "env", f"LD_PRELOAD={tmp_path}/slow.so", f"SLOW_DISK={flag}"])
    replica.stop()
    replica.start()
    cluster.wait_replicating()
    yield flag.touch
    flag.unlink(missing_ok=True)
    monkeypatch.undo()
    replica.stop()
    replica.start()
    cluster.wait_replicating()


@pytest.mark.parametrize("kind", KINDS, indirect=True, scope="module")
def test_a_replica_shows_what_it_has_not_reported(cluster, table, slow_disk, start_readmux, kind):
    """A transaction is visible before the log is flushed, and counted after it."""
    process = start_readmux()
    position = f"SELECT @@GLOBAL.gtid_{'slave_pos' if kind == 'mariadb' else 'executed'}"
    replica = cluster.replicas[0]
    before = replica.sql(position)
    with cluster.replicas[1].connect() as locker:
        rows(locker, "FLUSH TABLES WITH READ LOCK")
        slow_disk()
        cluster.primary.sql(f"INSERT INTO {table} (v) VALUES ('new')")
        count = f"SELECT COUNT(*) FROM {table}"
        wait_until(lambda: replica.sql(count) == ((1,),), "mysql-1 shows it", 10, every=0.01)
        session = process.connect()
        assert one(session, f"/* readmux: backend=mysql-1 */ {count}") == 1
        assert replica.sql(position) == before
        end = time.monotonic() + 2
        while time.monotonic() < end:
            assert one(session, count) == 1
            time.sleep(0.02)
        close(session)


@pytest.mark.parametrize("kind", ["mysql-without-gtid"], indirect=True, scope="module")
def test_a_session_leaves_its_replica_for_one_that_has_the_same(table, start_readmux):
    session, seen = start_readmux().connect(), set()

    def both():
        seen.add(one(session, f"SELECT @@server_id FROM (SELECT COUNT(*) FROM {table}) AS n"))
        return seen == REPLICAS

    wait_until(both, "both replicas answer", 15)
    close(session)


def test_what_was_shown_at_two_replicas(cluster, table, start_readmux):
    """By a hint and without consistency; the older answer does not make the session forget the newer one."""
    process = start_readmux()
    with cluster.replicas[1].connect() as locker:
        rows(locker, "FLUSH TABLES WITH READ LOCK")
        cluster.primary.sql(f"INSERT INTO {table} (v) VALUES ('new')")
        count = f"SELECT COUNT(*) FROM {table}"
        wait_until(lambda: cluster.replicas[0].sql(count) == ((1,),), "mysql-1 has it", 10)
        session = process.connect()
        assert one(session, f"/* readmux: backend=mysql-1 */ {count}") == 1
        rows(session, "SET @readmux_consistency = 'eventual'")
        assert one(session, f"/* readmux: backend=mysql-2 */ {count}") == 0
        rows(session, "SET @readmux_consistency = NULL")
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert one(session, count) == 1
            time.sleep(0.02)
        close(session)


def test_a_transaction_goes_on_at_a_replica_that_is_taken_out(cluster, table, start_readmux):
    """It waits for nothing: the replica is behind, and the transaction's snapshot older still."""
    process = start_readmux(admin={"token": "a token"})
    session = process.connect()
    rows(session, "START TRANSACTION READ ONLY")
    server = cluster.server_with_id(one(session, "SELECT @@server_id"))
    assert server in cluster.replicas
    with server.connect() as locker:
        rows(locker, "FLUSH TABLES WITH READ LOCK")
        for _ in range(2):
            assert one(session, f"SELECT COUNT(*) FROM {table}") == 0
            cluster.primary.sql(f"INSERT INTO {table} (v) VALUES ('new')")
        path = f"/v1/backends/{server.name}/drain"
        assert process.http(path, "POST", "a token")[0] == 200
        end = time.monotonic() + 2.5            # probes of the primary meanwhile
        while time.monotonic() < end:
            assert one(session, f"SELECT COUNT(*) FROM {table}") == 0
            time.sleep(0.05)
    rows(session, "COMMIT")
    close(session)
