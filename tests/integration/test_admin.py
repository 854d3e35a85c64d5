# SPDX-License-Identifier: GPL-2.0-or-later
"""
The admin address: health, metrics, status, orders, bad requests; with real servers behind,
of which one is killed.
"""

import json
import re
import resource
import socket
import subprocess
import threading

import pymysql
import pytest

from readmux import close, rows
from servers import wait_until

TOKEN = "a-token"


@pytest.fixture
def ordered(start_readmux):
    """A readmux that takes orders."""
    return start_readmux(admin={"token": TOKEN})


def backend(process, name):
    return next(each for each in process.status()["backends"] if each["name"] == name)


def metric(process, name, **labels):
    """The value of one line of /metrics."""
    text = process.http("/metrics")[2]
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    for line in text.splitlines():
        if re.match(re.escape(name) + r"[ {]", line) and all(each in line for each in wanted):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no {name} {labels} in:\n{text}")


def test_health(readmux):
    for path in ("/healthz", "/readyz"):
        assert readmux.http(path)[::2] == (200, "ok\n")


def test_status(cluster, readmux):
    session = readmux.connect()
    rows(session, "SELECT 1")
    # workers count a moment later than the client reads
    wait_until(lambda: readmux.status()["sessions"].get("ready", 0) >= 1, "a session at rest", 10)
    status = readmux.status()
    assert status["ready"] and not status["draining"] and status["workers"] == 2
    assert status["pid"] == readmux.pid
    assert [each["name"] for each in status["backends"]] == ["mysql-0", "mysql-1", "mysql-2"]
    assert [each["role"] for each in status["backends"]] == ["primary", "replica", "replica"]
    assert [each["server_id"] for each in status["backends"]] == [100, 101, 102]
    assert all(each["state"] == "in" and each["usable"] for each in status["backends"])
    assert status["backends"][0]["writable"] and not status["backends"][1]["writable"]
    assert status["numbers"]["sessions"] >= 1 and status["sessions"]["ready"] >= 1
    assert any(each["event"] == "backend in" for each in status["events"])
    assert {each["name"] for each in status["settings"]} >= {"listen", "backends.servers"}
    wait_until(lambda: readmux.status()["backends"][1]["history"]["state"][-1:] == ["in"],
               "a second of history", 10)
    history = readmux.status()["backends"][1]["history"]
    assert len({len(each) for each in history.values()}) == 1
    close(session)


def test_config_hides_secrets(start_readmux):
    process = start_readmux(users=[{"name": "nobody", "password": "not-to-be-seen"}],
                            admin={"token": "nor-this"})
    text = process.http("/config.json")[2] + process.http("/status.json")[2]
    assert "not-to-be-seen" not in text and "nor-this" not in text
    settings = {each["name"]: each for each in json.loads(process.http("/config.json")[2])["settings"]}
    assert settings["admin.token"]["value"] == "***"
    assert settings["wait.read"]["value"] == settings["wait.read"]["default"] == "5s"
    assert settings["wait.read"]["reloadable"] and not settings["workers"]["reloadable"]


def test_metrics_are_well_formed(readmux):
    session = readmux.connect()
    rows(session, "SELECT 1")
    with pytest.raises(pymysql.err.MySQLError):
        rows(session, "SELECT * FROM nowhere")
    close(session)
    status, headers, text = readmux.http("/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                             capture_output=True, timeout=60)
    assert checked.returncode == 0 and checked.stdout + checked.stderr == ""


def test_metrics_count(readmux):
    names = ("readmux_backend_statements_total", "readmux_backend_statement_seconds_count")
    before = [sum(metric(readmux, name, backend=f"mysql-{i}") for i in range(3)) for name in names]
    errors = metric(readmux, "readmux_errors_total")
    session = readmux.connect()
    for _ in range(10):
        rows(session, "SELECT 1")
    after = [sum(metric(readmux, name, backend=f"mysql-{i}") for i in range(3)) for name in names]
    assert [b - a >= 10 for a, b in zip(before, after)] == [True, True]
    with pytest.raises(pymysql.err.ProgrammingError):
        rows(session, "SELECT * FROM nowhere")
    close(session)
    assert metric(readmux, "readmux_server_errors_total", number="1146") >= 1
    assert metric(readmux, "readmux_errors_total") == errors
    assert metric(readmux, "readmux_user_statements_total", user="app", role="replica") >= 10
    assert metric(readmux, "readmux_probes_total", backend="mysql-1", result="good") >= 1
    assert metric(readmux, "readmux_backend_up", backend="mysql-0") == 1
    assert metric(readmux, "process_resident_memory_bytes") > 1 << 20


def test_counters_begin_at_zero(start_readmux):
    """What has never happened is there, so that rate() sees the first time."""
    text = start_readmux().http("/metrics")[2]
    assert re.search(r'^readmux_own_errors_total{error="\w+",number="1047"} 0$', text, re.M)
    assert re.search(r'^readmux_backend_routed_total{backend="mysql-1",role="replica",'
                     r'reason="[a-z-]+"} 0$', text, re.M)
    assert re.search(r"^readmux_backend_statement_seconds_sum{.*} \d+\.\d{6}$", text, re.M)


def test_users_of_any_name(cluster, readmux):
    """Each its own series, in UTF-8, whatever the others are called."""
    names = ["(others)", "other", "größe", "grüße", "a\\b", 'a"b', "日本"]
    for name in names:
        quoted = name.replace("\\", "\\\\")
        cluster.primary.sql(f"CREATE USER '{quoted}'@'%%' IDENTIFIED BY 'a'"
                            .replace("%%", "%"))
    cluster.wait_caught_up()
    try:
        for name in names:
            close(readmux.connect(user=name, password="a", database=None,
                                  charset="utf8mb4"))
        text = readmux.http("/metrics")[2]
        series = [line.rsplit(" ", 1)[0] for line in text.splitlines() if line[0] != "#"]
        assert len(series) == len(set(series))
        told = re.findall(r'^readmux_user_sessions{user="(.*?)"(,overflow="true")?} ', text, re.M)
        assert {(name.replace("\\", "\\\\").replace('"', '\\"'), "") for name in names} | \
            {("(others)", ',overflow="true"')} <= set(told)
    finally:
        for name in names:
            quoted = name.replace("\\", "\\\\")
            cluster.primary.sql(f"DROP USER '{quoted}'")


def test_logins_by_result(start_readmux):
    process = start_readmux()

    def logins():
        return {result: metric(process, "readmux_login_results_total", result=result)
                for result in ("accepted", "denied", "refused", "no-server", "timeout")}

    before = logins()
    close(process.connect())
    for options in ({"password": "wrong"}, {"user": "nobody", "password": "x"},
                    {"database": "app_nowhere"}):
        with pytest.raises(pymysql.err.MySQLError):
            process.connect(**options)
    new = {"accepted": 1, "denied": 2, "refused": 1, "no-server": 0, "timeout": 0}
    wait_until(lambda: logins() == {each: before[each] + new[each] for each in new},
               "each login is counted by its result", 5)


def test_a_replica_dies_and_returns(cluster, readmux):
    victim = cluster.replicas[0]
    victim.kill9()
    wait_until(lambda: not backend(readmux, "mysql-1")["usable"], "mysql-1 is out", 20)
    gone = backend(readmux, "mysql-1")
    assert gone["state"] == "down" and gone["cause"] != ""
    assert metric(readmux, "readmux_backend_state", backend="mysql-1", state="down") == 1
    assert readmux.http("/readyz")[0] == 200
    victim.start()
    wait_until(lambda: backend(readmux, "mysql-1")["usable"], "mysql-1 is back", 60)
    events = [(each["event"], each["backend"]) for each in readmux.status()["events"]]
    assert ("backend out", "mysql-1") in events and ("backend in", "mysql-1") in events
    cluster.wait_caught_up()


# ------------------------------------------------------------------- orders

def order(process, path, token=TOKEN):
    status, _, text = process.http(path, "POST", token)
    return status, json.loads(text) if text.startswith("{") else text


def test_an_operator_drains_a_replica(ordered):
    session = ordered.connect()
    assert order(ordered, "/v1/backends/mysql-1/drain") == \
        (200, {"done": True, "words": "mysql-1 is drained"})
    assert backend(ordered, "mysql-1")["state"] == "drained"
    assert order(ordered, "/v1/backends/mysql-1/drain")[0] == 409
    wait_until(lambda: {rows(session, "SELECT @@server_id") for _ in range(10)} == {((102,),)},
               "only mysql-2 reads", 10)
    status, answer = order(ordered, "/v1/backends/mysql-7/drain")
    assert status == 409 and "mysql-1 is drained" in answer["words"]
    assert order(ordered, "/v1/backends/mysql-1/resume")[0] == 200
    wait_until(lambda: {rows(session, "SELECT @@server_id") for _ in range(10)} ==
               {((101,),), ((102,),)}, "both read again", 10)
    close(session)


def test_an_operator_reloads(ordered):
    assert order(ordered, "/v1/reload") == (200, {"done": True, "words": "nothing has changed"})
    ordered.settings["wait"] = {"read": "9s"}
    ordered.settings["workers"] = 3
    ordered.command()
    status, answer = order(ordered, "/v1/reload")
    assert status == 200 and answer["words"] == \
        "changed: wait.read; changed, but only a restart brings it into force: workers"
    ordered.settings["wait"] = {"read": "never"}
    ordered.command()
    status, answer = order(ordered, "/v1/reload")
    assert status == 409 and not answer["done"] and "wait.read" in answer["words"]
    assert metric(ordered, "readmux_reloads_total", result="refused") == 1


def test_the_log_level_changes_at_run_time(ordered):
    assert order(ordered, "/v1/log-level/debug")[1]["done"]
    close(ordered.connect())
    wait_until(lambda: "level=debug" in ordered.log_text(), "a debug line", 10)
    status, answer = order(ordered, "/v1/log-level/loud")
    assert status == 409 and "error, warn, info, debug" in answer["words"]


def test_an_operator_ends_it(start_readmux):
    process = start_readmux(admin={"token": TOKEN}, drain={"lameduck": "2s", "timeout": "20s"})
    session = process.connect()
    rows(session, "BEGIN")
    assert order(process, "/v1/drain")[0] == 200
    status, _, text = process.http("/readyz")
    assert status == 503 and "draining" in text
    assert process.http("/healthz")[0] == 200
    assert order(process, "/v1/drain")[0] == 409
    rows(session, "COMMIT")
    assert process.process.wait(30) == 0


def test_orders_need_the_token(ordered, readmux):
    for path in ("/v1/reload", "/v1/drain", "/v1/backends/mysql-1/drain", "/v1/log-level/debug"):
        for token in (None, "", "wrong", TOKEN + "x", TOKEN[:-1]):
            assert order(ordered, path, token)[0] == 401, (path, token)
        status, text = order(readmux, path)
        assert status == 403 and "admin.token" in text
        assert ordered.http(path, "GET", TOKEN)[0] == 405


# ------------------------------------------------------------------- requests

NOTHING = "no answer at all"
REFUSED = re.compile(rb"HTTP/1\.[01] (400|413) |$")

def speak(process, data):
    """What comes back for these bytes, up to the end."""
    with socket.create_connection(("127.0.0.1", process.admin_port), timeout=20) as peer:
        peer.sendall(data)
        answer = b""
        try:
            while True:
                more = peer.recv(65536)
                if not more:
                    return answer
                answer += more
        except ConnectionResetError:
            return answer


@pytest.mark.parametrize("data, wanted", [
    (b"GET /nothing HTTP/1.0\r\n\r\n", b"404"),
    (b"GET /../../etc/passwd HTTP/1.0\r\n\r\n", b"404"),
    (b"GET /v1/reports/nonsense HTTP/1.0\r\n\r\n", b"404"),
    (b"GET /v1/reports/ HTTP/1.0\r\n\r\n", b"404"),
    (b"POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n", b"405"),
    (b"DELETE /metrics HTTP/1.0\r\n\r\n", b"501"),
    (b"GET /metrics?x=%ff%00 HTTP/1.0\r\n\r\n", b"200"),
    (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"200"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    (b"GET /metrics HTTP/1.0\r\nX: " + b"y" * 20000 + b"\r\n\r\n", REFUSED),
    (b"POST /v1/reload HTTP/1.0\r\nContent-Length: 1000000\r\n\r\n" + b"z" * 100000, REFUSED),
    (b"POST /v1/reload HTTP/1.0\r\nContent-Length: -5\r\n\r\n", b"400"),
    (b"GET /metrics HTTP/1.1\r\n", NOTHING),
    (b"", NOTHING),
])
def test_bad_requests(readmux, data, wanted):
    answer = speak(readmux, data)
    if wanted is NOTHING:
        assert answer == b""
    else:
        # what is refused while it is still being sent may be lost to a reset
        assert re.match(wanted if isinstance(wanted, re.Pattern) else
                        rb"HTTP/1\.[01] " + wanted + b" ", answer)
    assert readmux.http("/healthz")[0] == 200


def test_head_has_no_body(readmux):
    for path in ("/metrics", "/", "/healthz", "/status.json", "/v1/reports/pools", "/nothing"):
        answer = speak(readmux, f"HEAD {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        assert re.match(rb"HTTP/1.1 (200|404) ", head) and body == b""
        assert int(re.search(rb"Content-Length: (\d+)", head).group(1)) > 0


def test_a_page_in_two_requests(readmux):
    """One connection may ask again."""
    with socket.create_connection(("127.0.0.1", readmux.admin_port), timeout=20) as peer:
        for _ in range(3):
            peer.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert peer.recv(65536).startswith(b"HTTP/1.1 200")


class Trickle:
    """Connections that send a byte of their request now and then."""

    def __init__(self, process, n):
        self.open = []
        for _ in range(n):
            try:
                self.open.append(socket.create_connection(("127.0.0.1", process.admin_port),
                                                          timeout=5))
            except OSError:
                break
        for each in self.open:
            each.settimeout(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.open:
            each.close()

    def living(self):
        """How many are left, after one byte more from each."""
        left = []
        for each in self.open:
            try:
                each.sendall(b"G")
                if each.recv(100) == b"":
                    each.close()
                    continue
            except BlockingIOError:
                pass
            except OSError:
                each.close()
                continue
            left.append(each)
        self.open = left
        return len(left)


def test_trickling_requests_keep_nobody_out(readmux):
    """They are not many at once, give way to others, and end within ten seconds."""
    before = readmux.open_files()
    with Trickle(readmux, 300) as trickle:
        for _ in range(5):
            assert readmux.http("/healthz", timeout=5)[0] == 200
        wait_until(lambda: trickle.living() <= 60, "most are sent away", 10)
        assert readmux.open_files() - before <= 130
        close(readmux.connect())
        wait_until(lambda: trickle.living() == 0, "all have had their time", 60, every=0.5)
    assert readmux.http("/healthz")[0] == 200


def test_without_descriptors(start_readmux):
    """Both doors pause, and say so in a few lines."""
    process = start_readmux()
    limit = process.open_files() + 10
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    with Trickle(process, 200):
        wait_until(lambda: "cannot accept a connection to the admin address" in
                   process.log_text(), "it says so", 10)
    process.wait_serving()
    assert process.http("/healthz")[0] == 200
    assert len(process.log_text()) < 100000 and "[warn]" not in process.log_text()


def test_a_busy_admin_address(start_readmux):
    """Said in words, and readmux does not start."""
    process = start_readmux()
    process.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", process.admin_port))
        taken.listen(1)
        process.launch()
        assert process.process.wait(20) != 0
    assert "Address already in use; set admin.address" in process.log_text()
    process.start()


def test_without_an_admin_address(start_readmux):
    process = start_readmux(admin={"address": ""})
    with pytest.raises(ConnectionRefusedError):
        process.http("/healthz")
    close(process.connect())


def test_scrapes_under_load(readmux):
    """They neither fail nor stop the traffic."""
    failures = []

    def traffic():
        try:
            session = readmux.connect()
            for _ in range(300):
                rows(session, "SELECT 1")
            close(session)
        except Exception as error:      # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=traffic) for _ in range(4)]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        for path in ("/metrics", "/status.json", "/v1/reports/sessions", "/v1/reports/statements"):
            assert readmux.http(path)[0] == 200
    for each in threads:
        each.join()
    assert not failures
