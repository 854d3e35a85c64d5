# SPDX-License-Identifier: GPL-2.0-or-later
"""
The commands for operators and developers, against a running readmux and real servers:
status, top, check, dev, reload, drain, resume, log-level, completion.
"""

import json
import os
import pty
import re
import select
import signal
import subprocess

import pymysql
import pytest

from readmux import BINARY, close, rows, sanitizer_environment
from servers import take_port, wait_until
from servers.server import launch

TOKEN = "operators-token"
SERVERS = ("mysql-0", "mysql-1", "mysql-2")


def readmux_command(*words, status=0, **environment):
    """What it prints; it ends with <status> (None: whatever that is)."""
    done = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60,
                          env={**sanitizer_environment(), **environment})
    assert status in (None, done.returncode), done.stdout + done.stderr
    return done.stdout if status in (None, 0) else done.stdout + done.stderr


@pytest.fixture
def operated(start_readmux):
    return start_readmux(admin={"token": TOKEN})


# ------------------------------------------------------------------------ status

def test_status(readmux):
    session = readmux.connect()
    rows(session, "SELECT 1")
    text = readmux_command("status", "--config", readmux.config)
    assert re.search(rf"^readmux \S+ at 127\.0\.0\.1:{readmux.admin_port}, pid {readmux.pid}, "
                     r"up .*, ready$", text, re.M)
    for name, role in zip(SERVERS, ("primary", "replica", "replica")):
        assert re.search(rf"^{name} +{role} +in ", text, re.M), text
    assert re.search(r"^plain-read +replica +\d+", text, re.M), text
    assert "backend in" in text
    close(session)


def test_status_of_a_report(readmux):
    session = readmux.connect()
    rows(session, "SELECT 'found in a report'")
    at = ("--admin", f"127.0.0.1:{readmux.admin_port}")
    shown = json.loads(readmux_command("status", "backends", "--json", *at))
    assert [each["name"] for each in shown] == list(SERVERS)
    for report in ("status", "backends", "sessions", "pools", "reasons", "statements",
                   "settings", "events"):
        text = readmux_command("status", report, *at)
        assert len(text.splitlines()) > 1, report
    assert "wait.read" in readmux_command("status", "settings", *at)
    assert "there is no report 'nothing'" in readmux_command("status", "nothing", *at, status=1)
    close(session)


def test_nobody_to_ask():
    port = take_port()
    text = readmux_command("status", "--admin", f"127.0.0.1:{port}", status=1)
    assert f"no readmux answers at 127.0.0.1:{port}" in text and "--admin" in text
    assert "is no address" in readmux_command("top", "--admin", "nowhere", status=1)
    assert "admin.address is empty" in readmux_command("status", status=1,
                                                       READMUX_ADMIN_ADDRESS="")


def test_a_server_that_speaks_no_http(cluster):
    text = readmux_command("status", "--admin", f"127.0.0.1:{cluster.primary.port}", status=1)
    assert "no readmux answers" in text


# ------------------------------------------------------------------------ top

def test_top_in_a_log(readmux):
    text = readmux_command("top", "-n", "2", "-i", "0.2", "--config", readmux.config)
    lines = text.splitlines()
    assert len(lines) == 6 and "\033" not in text
    assert all(re.match(r"\d\d:\d\d:\d\d mysql-\d in: lag ", line) for line in lines)


def test_top_on_a_terminal(readmux):
    """The whole screen, until q; the screen of before comes back."""
    master, slave = pty.openpty()
    top = launch([BINARY, "top", "--interval", "0.2", "--config", readmux.config],
                 stdin=slave, stdout=slave, stderr=slave, env=sanitizer_environment())
    os.close(slave)
    seen = b""
    while seen.count(b"BACKEND  ROLE") < 2:
        assert select.select([master], [], [], 20)[0], seen
        seen += os.read(master, 65536)
    os.write(master, b"q")
    assert top.wait(20) == 0
    try:
        while select.select([master], [], [], 1)[0]:
            seen += os.read(master, 65536)
    except OSError:         # the other end is closed
        pass
    os.close(master)
    assert seen.startswith(b"\033[?1049h") and seen.rstrip().endswith(b"\033[?1049l")
    lines = seen.decode().replace("\033[K", "").split("\r\n")
    assert max(len(line) for line in lines if "\033" not in line) <= 80


@pytest.mark.parametrize("words", (("--interval", "0"), ("--interval", "1x"), ("--count", "0"),
                                   ("--count", "-1")))
def test_top_refuses(words):
    assert f"not '{words[1]}'" in readmux_command("top", *words, status=1)


# ------------------------------------------------------------------------ orders

def test_orders(operated):
    def told(*words, status=0):
        return readmux_command(*words, "--config", operated.config, status=status)

    def state_of(name):
        return next(each["state"] for each in operated.status()["backends"]
                    if each["name"] == name)

    assert "mysql-1" in told("drain", "mysql-1")
    wait_until(lambda: state_of("mysql-1") != "in", "mysql-1 is out")
    assert "refused" in told("drain", "mysql-1", status=1)
    assert "mysql-7" in told("drain", "mysql-7", status=1)
    assert "mysql-1" in told("resume", "mysql-1")
    wait_until(lambda: state_of("mysql-1") == "in", "mysql-1 is back")
    told("log-level", "debug")
    assert "refused" in told("log-level", "loud", status=1)
    operated.settings["wait"] = {"read": "7s"}
    operated.settings["workers"] = 3
    operated.command()
    text = told("reload")
    assert "wait.read" in text and "workers" in text and "restart" in text
    with open(operated.config, "a") as config:
        config.write("nonsense: 1\n")
    bad = subprocess.run([BINARY, "reload", "--admin", f"127.0.0.1:{operated.admin_port}"],
                         capture_output=True, text=True, timeout=30,
                         env={**sanitizer_environment(), "READMUX_ADMIN_TOKEN": TOKEN})
    assert bad.returncode == 1 and "unknown setting 'nonsense'" in bad.stderr
    operated.command()
    told("drain")
    assert operated.wait_end() == 0


def test_orders_need_the_token(operated, readmux):
    at = ("--admin", f"127.0.0.1:{operated.admin_port}")
    assert "admin.token" in readmux_command("reload", *at, status=1)
    assert "admin.token" in readmux_command("reload", *at, status=1, READMUX_ADMIN_TOKEN="no")
    at = ("--admin", f"127.0.0.1:{readmux.admin_port}")
    assert "none is configured" in readmux_command("drain", *at, status=1)
    assert readmux.alive()
    assert len(re.findall(r'event="order refused" order=/v1/reload peer=127\.0\.0\.1 ',
                          operated.log_text())) == 2


def test_orders_are_in_the_log(operated):
    """With the caller's address, whatever the level is."""
    for level in ("error", "info"):
        readmux_command("log-level", level, "--config", operated.config)
        assert re.search(rf'level=info event=order order=/v1/log-level/{level} '
                         r'peer=127\.0\.0\.1 port=\d+', operated.log_text())


# ------------------------------------------------------------------------ check

def found(*servers, status, **environment):
    """{check: [(severity, server, words)]} of readmux check."""
    text = readmux_command("check", "--json", *servers, status=status, **environment)
    report = json.loads(text)
    assert status is None or report["good"] == (status == 0)
    checks = {}
    for each in report["findings"]:
        assert each["remedy"]
        checks.setdefault(each["check"], []).append(
            (each["severity"], each.get("server"), each["words"]))
    return checks


def without(checks, *names):
    return {name: each for name, each in checks.items() if name not in names}


@pytest.fixture
def endpoints(cluster):
    return [server.endpoint for server in cluster.servers]


@pytest.fixture
def well_status(kind):
    """Of check: MariaDB's accounts of the tests have one that readmux cannot serve."""
    return 1 if kind == "mariadb" else 0


def test_check_of_a_good_cluster(cluster, endpoints, well_status):
    checks = found(*endpoints, status=well_status)
    # the test's servers are quick rather than safe, and have accounts of every kind
    assert without(checks, "positions", "accounts") == {}
    assert [each[0] for each in checks.get("positions", [])] in ([], ["note"])
    text = readmux_command("check", *endpoints, status=well_status)
    for server in cluster.servers:
        assert server.endpoint in text and f"server_id {server.server_id}" in text


def test_check_of_servers_in_the_wrong_order(endpoints):
    primary, *replicas = endpoints
    checks = found(replicas[0], primary, replicas[1], status=1)
    assert [each[:2] for each in checks["role"]] == [("bad", "mysql-0"), ("bad", "mysql-1")]
    assert checks["replication"][0][:2] == ("bad", "mysql-1")


def test_check_finds_what_hurts(cluster, endpoints, kind):
    replica = cluster.replicas[0]
    replica.sql("STOP REPLICA" if kind == "mysql" else "STOP SLAVE")
    replica.sql("SET GLOBAL sql_mode = 'ANSI_QUOTES'")
    try:
        checks = found(*endpoints, status=1, READMUX_POOL_MAX_CONNECTIONS="99999")
    finally:
        replica.sql("SET GLOBAL sql_mode = DEFAULT")
        cluster.mend()
    assert checks["replication"][0][:2] == ("bad", "mysql-1")
    assert "does not run" in checks["replication"][0][2]
    assert any("sql_mode is ANSI_QUOTES here" in each[2] for each in checks["equality"])
    assert len(checks["connections"]) == 3 and checks["connections"][0][0] == "bad"


def test_check_finds_replicas_that_take_writes(cluster, endpoints, kind):
    replica = cluster.replicas[0]
    replica.sql("SET GLOBAL read_only = OFF")
    try:
        checks = found(*endpoints, status=1)
    finally:
        replica.sql(*(["SET GLOBAL super_read_only = ON"] if kind == "mysql" else
                      ["SET GLOBAL read_only = ON"]))
    assert checks["role"] == [("bad", "mysql-1", checks["role"][0][2])]
    assert "takes writes" in checks["role"][0][2]


# As doc/OPERATING.md has them.
GRANTS = {
    "mariadb": ("REPLICA MONITOR ON *.*", "SELECT ON mysql.global_priv", "SELECT ON mysql.user"),
    "mysql": ("REPLICATION CLIENT ON *.*", "SELECT ON mysql.user"),
}


def test_check_finds_missing_grants(cluster, endpoints, kind, well_status):
    account = {"READMUX_PROBE_USER": "bare", "READMUX_PROBE_PASSWORD": "bare secret"}
    cluster.primary.sql("CREATE USER 'bare'@'%' IDENTIFIED BY 'bare secret'")
    cluster.wait_caught_up()
    try:
        checks = found(*endpoints, status=0, **account)
        cluster.primary.sql(*(f"GRANT {grant} TO 'bare'@'%'" for grant in GRANTS[kind]))
        cluster.wait_caught_up()
        assert "grants" not in found(*endpoints, status=well_status, **account)
    finally:
        cluster.primary.sql("DROP USER 'bare'@'%'")
    assert sorted(each[:2] for each in checks["grants"]) == \
        [("note", "mysql-0"), ("poor", "mysql-1"), ("poor", "mysql-2")]
    assert "may not read the account table" in str(checks["grants"])


def test_check_finds_lag(cluster, endpoints, table):
    replica = cluster.replicas[0]
    with replica.connect() as holder, holder.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {table} READ")
        cluster.primary.sql(f"INSERT INTO {table} (v) VALUES ('late')")
        wait_until(lambda: "replication" in
                   found(*endpoints, status=None, READMUX_PROBE_MAX_LAG="500ms"),
                   "it is late", 20)
        checks = found(*endpoints, status=1, READMUX_PROBE_MAX_LAG="500ms")
        cursor.execute("UNLOCK TABLES")
    cluster.wait_caught_up()
    assert checks["replication"][0][:2] == ("bad", "mysql-1")
    assert "more than probe.max_lag" in checks["replication"][0][2]


@pytest.mark.only("mysql")
def test_check_finds_replicas_without_gtids(cluster, endpoints):
    replica = cluster.replicas[0]
    replica.sql("SET GLOBAL gtid_mode = ON_PERMISSIVE")
    try:
        checks = found(*endpoints, status=0)
    finally:
        replica.sql("SET GLOBAL gtid_mode = ON")
    assert [each[:2] for each in checks["positions"] if each[0] != "note"] == \
        [("poor", "mysql-1")]
    assert "gtid_mode is ON_PERMISSIVE" in str(checks["positions"])


def test_check_finds_servers_that_want_tls(cluster, endpoints):
    cluster.primary.sql("SET GLOBAL require_secure_transport = ON")
    try:
        checks = found(*endpoints, status=1, READMUX_BACKENDS_TLS="off")
    finally:
        with cluster.primary.connect(ssl={"verify_mode": "none"}) as admin, \
                admin.cursor() as cursor:
            cursor.execute("SET GLOBAL require_secure_transport = OFF")
    assert checks["reach"][0][:2] == ("bad", "mysql-0")


@pytest.mark.only("mariadb")
def test_check_finds_accounts_that_cannot_log_in(endpoints):
    checks = found(*endpoints, status=1)
    assert [each[:2] for each in checks["accounts"]] == [("bad", "mysql-0")]
    assert "'ed25519'" in checks["accounts"][0][2]


def test_check_of_a_server_that_is_not_there(endpoints):
    port = take_port()
    checks = found(endpoints[0], f"127.0.0.1:{port}", status=1)
    assert checks["reach"][0][:2] == ("bad", "mysql-1")
    checks = found(*endpoints, status=1, READMUX_PROBE_PASSWORD="wrong")
    assert len(checks["reach"]) == 3 and "Access denied" in checks["reach"][0][2]
    same = endpoints[0]
    checks = found(same, same, status=1)
    assert checks["identity"][0][:2] == ("bad", "mysql-1")


def test_check_without_servers():
    text = readmux_command("check", status=1, READMUX_BACKENDS_DOMAIN="nowhere.invalid",
                           READMUX_RESOLV_CONF="/dev/null")
    assert "DNS knows no pod of the Service 'mysql'" in text and "backends.servers" in text
    assert "is no server" in readmux_command("check", "mysql-0.mysql", status=1)


# ------------------------------------------------------------------------ dev

@pytest.mark.timeout(90)
def test_dev(endpoints, tmp_path):
    """Servers in any order: the writable one becomes the primary."""
    primary, *replicas = endpoints
    out, log = tmp_path / "out", tmp_path / "log"
    with open(out, "wb") as to_out, open(log, "wb") as to_log:
        dev = launch([BINARY, "dev", *replicas, primary], stdout=to_out, stderr=to_log,
                     env=sanitizer_environment())
    try:
        wait_until(lambda: "Ctrl-C ends it" in out.read_text(), "dev says where it is", 20)
        assert f"primary {primary}\n" in out.read_text()
        port = int(re.search(r"--port=(\d+)", out.read_text()).group(1))

        def connects():
            try:
                return pymysql.connect(host="127.0.0.1", port=port, user="root",
                                       autocommit=True)
            except pymysql.err.MySQLError:
                return None

        session = wait_until(connects, "dev serves", 20)
        wait_until(lambda: rows(session, "SELECT @@server_id")[0][0] in (101, 102),
                   "a replica answers", 20)
        rows(session, "SELECT 'a literal' FOR UPDATE")
        wait_until(lambda: "'a literal'" in log.read_text(), "the statement is printed")
        line = next(line for line in log.read_text().splitlines() if "'a literal'" in line)
        assert "backend=mysql-0" in line and "reason=locking-read" in line
        close(session)
        dev.send_signal(signal.SIGINT)
        assert dev.wait(20) == 0
        assert "ERROR: " not in log.read_text()
    finally:
        if dev.poll() is None:
            dev.kill()
            dev.wait()


def test_dev_without_a_right_to_ask(endpoints):
    text = readmux_command("dev", endpoints[0], status=1, READMUX_PROBE_PASSWORD="wrong")
    assert "Access denied" in text and "READMUX_PROBE_USER" in text
    assert "is no server" in readmux_command("dev", "host.example", status=1)


# ------------------------------------------------------------------------ completion

def completed(*words):
    """What bash offers for the last of <words>."""
    script = readmux_command("completion", "bash")
    asked = f"""{script}
    COMP_WORDS=({' '.join(f"'{word}'" for word in ('readmux', *words))}); COMP_CWORD={len(words)}
    _readmux; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-u", "-c", asked], capture_output=True, text=True, timeout=20,
                          check=True)
    return set(done.stdout.split())


def test_completion():
    assert {"status", "top", "check", "dev", "reload", "drain", "resume"} <= completed("")
    assert completed("sta") == {"status"}
    assert completed("--print-def") == {"--print-default-config"}
    assert completed("status", "p") == {"pools"}
    assert completed("--config", "x", "status", "b") == {"backends"}
    assert completed("--admin", "") == set()
    assert completed("log-level", "") == {"error", "warn", "info", "debug"}
    assert completed("completion", "") == {"bash", "zsh", "fish"}
    assert "bashcompinit" in readmux_command("completion", "zsh")
    fish = readmux_command("completion", "fish")
    assert "-a status" in fish and "-l config -s c -r -F" in fish
    assert "there is no completion for 'csh'" in readmux_command("completion", "csh", status=2)


def test_documents_are_listed():
    assert "METRICS.md" in readmux_command("--print-document", "", status=2)
