# SPDX-License-Identifier: GPL-2.0-or-later
"""
Command-line programs through readmux: the clients, dump, import, load and administration
programs of MariaDB and of MySQL, each against both kinds of servers, and sysbench with all
its scripts.
"""

import os
import re
import subprocess

import pytest

from conftest import KINDS, skip_mysql
from readmux import TOP
from servers import APP, kind_named
from servers.accounts import ROOT
from servers.server import launch

STATEMENTS = os.path.join(TOP, "tests/clients/statements.sql")
SECONDS = 60


@pytest.fixture(scope="module", params=KINDS)
def maker(request):
    """Whose programs are run: their kind."""
    if request.param == "mysql" and skip_mysql():
        pytest.skip("MySQL could not be installed (READMUX_SKIP_MYSQL)")
    return kind_named(request.param)


def run(maker, program, port, *arguments, account=APP, feed=os.devnull):
    """What the program prints, errors too; fails when it does not end well."""
    if maker.name == "mysql":
        arguments = ("--get-server-public-key", *arguments)
    with open(feed) as given:
        done = subprocess.run(
            [*maker.client_command(program), "--host=127.0.0.1", f"--port={port}",
             f"--user={account.name}", *arguments],
            stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=SECONDS, env={**os.environ, "MYSQL_PWD": account.password})
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def test_statements(cluster, readmux, maker):
    """The client prints the same through readmux and at the primary, times left out."""
    own = ["--commands"] if maker.name == "mysql" else []
    through, directly = (
        re.sub(r" \(\d+\.\d+ sec\)", "", run(
            maker, "mysql", port, "--default-character-set=utf8mb4", "--force", "--table",
            "-vvv", *own, "app", feed=STATEMENTS))
        for port in (readmux.port, cluster.primary.port))
    assert through == directly
    for text in ("žluť 🐬!", "ERROR 1146", "ERROR 1062", "ERROR 1064", "3 rows affected",
                 "Rows matched: 2  Changed: 1", "Truncated incorrect INTEGER"):
        assert text in through


# ------------------------------------------------------------------- dump and restore

@pytest.fixture
def shop(cluster):
    """A schema with a bit of everything, and an empty one to restore it in."""
    primary, name = cluster.primary, f"app_shop_{os.getpid()}"
    primary.sql(
        f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        f"CREATE DATABASE {name}_again CHARACTER SET utf8mb4",
        f"USE {name}",
        "CREATE TABLE digits (d INT PRIMARY KEY)",
        "INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
        "CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100),"
        " n DECIMAL(20, 5), t DATETIME(6), b BLOB, f DOUBLE, KEY (v))",
        "INSERT INTO items (v, n, t, b, f) SELECT IF(a.d = 7, NULL,"
        " CONCAT('žluť 🐬 \\' \\\\', b.d)), a.d * b.d / 7, '2024-02-29 23:59:59.123456',"
        " UNHEX(SHA2(a.d * 100 + b.d * 10 + c.d, 256)), a.d / 3"
        " FROM digits a, digits b, digits c",
        "CREATE TABLE large (id INT PRIMARY KEY, data LONGBLOB)",
        "INSERT INTO large VALUES (1, REPEAT(x'00ff275c', 700000)), (2, ''), (3, NULL)",
        "CREATE VIEW seen AS SELECT id, v FROM items WHERE id < 10",
        "CREATE TRIGGER before_digit BEFORE INSERT ON digits FOR EACH ROW"
        " SET NEW.d = NEW.d + 100",
        "CREATE PROCEDURE two() BEGIN SELECT 1; SELECT 2; END",
        "CREATE FUNCTION twice(a INT) RETURNS INT DETERMINISTIC RETURN a * 2",
        "CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR DO SET @x = 1")
    cluster.wait_caught_up()
    yield name
    primary.sql(f"DROP DATABASE {name}", f"DROP DATABASE {name}_again")


def contents(server, schema):
    sums = server.sql(f"CHECKSUM TABLE {schema}.digits, {schema}.items, {schema}.large")
    return ([checksum for _, checksum in sums],
            server.sql(f"SELECT * FROM {schema}.seen ORDER BY id"),
            *(server.sql(f"SELECT {what}_NAME FROM information_schema.{what}S"
                         f" WHERE {what}_SCHEMA = '{schema}' ORDER BY 1")
              for what in ("TRIGGER", "ROUTINE", "EVENT")))


def test_dump_and_restore(cluster, readmux, maker, shop, tmp_path):
    """The dump is the same as the primary's own, and makes the same again."""
    own = {"mariadb": [], "mysql": ["--set-gtid-purged=OFF", "--skip-column-statistics"]}
    through, directly = (
        run(maker, "mysqldump", port, "--single-transaction", "--routines", "--triggers",
            "--events", "--hex-blob", "--skip-comments", *own[maker.name], shop,
            account=ROOT)
        for port in (readmux.port, cluster.primary.port))
    assert through == directly
    dump = tmp_path / "dump.sql"
    dump.write_text(through)
    run(maker, "mysql", readmux.port, "--default-character-set=utf8mb4", f"{shop}_again",
        account=ROOT, feed=dump)
    assert contents(cluster.primary, f"{shop}_again") == contents(cluster.primary, shop)
    cluster.wait_caught_up()
    assert contents(cluster.replicas[0], f"{shop}_again") == contents(cluster.primary, shop)


def test_import(cluster, readmux, maker, table, tmp_path):
    """LOAD DATA LOCAL INFILE of a client's file."""
    cluster.primary.sql("SET GLOBAL local_infile = ON")
    file = tmp_path / (table.partition(".")[2] + ".txt")
    file.write_text("".join(f"{n}\trow {n} žluť\n" for n in range(1, 20001)))
    printed = run(maker, "mysqlimport", readmux.port, "--local",
                  "--default-character-set=utf8mb4", "app", str(file), account=ROOT)
    assert "Records: 20000" in printed
    assert cluster.primary.sql(f"SELECT COUNT(*), SUM(id), MAX(id) FROM {table}") == \
        ((20000, 200010000, 20000),)


def test_administration(readmux, maker):
    """mysqladmin and mysqlcheck."""
    for what, expected in (("ping", "is alive"), ("status", "Uptime"),
                           ("processlist", "Query"), ("version", "127.0.0.1"),
                           ("extended-status", "Threads_connected")):
        assert expected in run(maker, "mysqladmin", readmux.port, what)
    run(maker, "mysqlcheck", readmux.port, "--databases", "app", account=ROOT)


# ----------------------------------------------------------------- load programs

def test_slap(cluster, readmux, maker, table):
    cluster.primary.sql(f"INSERT INTO {table} (v) VALUES ('a'), ('b'), ('c')")
    cluster.wait_caught_up()
    for load in (["--auto-generate-sql", "--auto-generate-sql-load-type=write",
                  "--create-schema=app_slap"],
                 [f"--query=SELECT * FROM {table}; SELECT COUNT(*) FROM {table}",
                  "--delimiter=;", "--create-schema=app", "--no-drop"]):
        printed = run(maker, "mysqlslap", readmux.port, *load, "--concurrency=8",
                      "--number-of-queries=400")
        assert "Average number of seconds" in printed
        assert "Cannot" not in printed and "Error" not in printed   # exit 0 all the same


SCRIPTS = ("oltp_delete", "oltp_insert", "oltp_point_select", "oltp_read_only",
           "oltp_read_write", "oltp_update_index", "oltp_update_non_index",
           "oltp_write_only", "select_random_points", "select_random_ranges")
MODES = {"prepared": "auto", "text": "disable"}


def sysbench_command(port, script, step, *options):
    return ["sysbench", "--db-driver=mysql", "--mysql-host=127.0.0.1",
            f"--mysql-port={port}", f"--mysql-user={APP.name}",
            f"--mysql-password={APP.password}", "--mysql-db=app", "--tables=1",
            "--table-size=2000", "--threads=4", *options, script, step]


def sysbench(*arguments):
    done = subprocess.run(sysbench_command(*arguments), capture_output=True, text=True,
                          timeout=SECONDS)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def counted(printed, what):
    return int(re.search(rf"{what}: +(\d+)", printed).group(1))


@pytest.fixture(scope="module")
def prepared_tables(cluster, module_readmux):
    """sysbench's table, made through readmux and on all servers."""
    sysbench(module_readmux.port, "oltp_common", "cleanup")
    sysbench(module_readmux.port, "oltp_read_write", "prepare")
    cluster.wait_caught_up()
    yield
    sysbench(module_readmux.port, "oltp_read_write", "cleanup")


def deadlocks(cluster):
    ((count,),) = cluster.primary.sql(
        "SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'")
    return count


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("script", SCRIPTS)
def test_sysbench(cluster, readmux, prepared_tables, script, mode):
    before = deadlocks(cluster)
    printed = sysbench(readmux.port, script, "run", f"--db-ps-mode={MODES[mode]}",
                       "--events=100", "--time=30")
    assert counted(printed, "total number of events") >= 100
    assert counted(printed, "reconnects") == 0
    # sysbench counts and ignores deadlocks, which no proxy prevents: here InnoDB's own only
    assert counted(printed, "ignored errors") <= deadlocks(cluster) - before


def test_sysbench_bulk_insert(readmux):
    elsewhere = "--mysql-db=app_other"              # its tables have the others' names
    sysbench(readmux.port, "bulk_insert", "prepare", elsewhere)
    printed = sysbench(readmux.port, "bulk_insert", "run", elsewhere, "--events=20000")
    assert counted(printed, "ignored errors") == counted(printed, "reconnects") == 0
    sysbench(readmux.port, "bulk_insert", "cleanup", elsewhere)


@pytest.mark.parametrize("mode", MODES)
def test_sysbench_while_a_replica_dies(breakable, readmux, prepared_tables, mode):
    command = sysbench_command(readmux.port, "oltp_point_select", "run", "--time=3",
                               f"--db-ps-mode={MODES[mode]}", "--report-interval=1")
    process = launch(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line = ""
    try:
        for line in process.stdout:
            if line.startswith("[ 1s ]"):
                breakable.replicas[0].kill9()
                break
        printed = line + process.communicate(timeout=30)[0]
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 0, printed[-2000:]
    assert counted(printed, "ignored errors") == 0 and counted(printed, "reconnects") == 0
    assert float(re.search(r"\[ 2s \].* tps: ([\d.]+)", printed).group(1)) > 0
