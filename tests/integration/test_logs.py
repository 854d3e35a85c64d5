# SPDX-License-Identifier: GPL-2.0-or-later
"""What readmux writes: as logfmt or JSON, slow statements with their time, failed logins."""

import json
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from readmux import close, rows, vanish
from servers import wait_until


def lines(process, event):
    whole = process.log_text().rpartition("\n")[0]
    return [each for each in map(json.loads, whole.splitlines()) if each["event"] == event]


def wait_line(process, event):
    wait_until(lambda: lines(process, event), event, 10)
    return lines(process, event)[-1]


@pytest.fixture
def json_log(start_readmux):
    def start(**log):
        return start_readmux(log={"format": "json", **log})
    return start


def test_a_slow_statement(json_log):
    process = json_log(slow_statement="200ms")
    session = process.connect()
    rows(session, "SELECT 'secret', SLEEP(0.4)")
    rows(session, "SELECT 'quick'")
    line = wait_line(process, "slow statement")
    assert line["level"] == "warn" and line["user"] == "app"
    assert line["session"] == session.thread_id() and line["server_thread"] > 0
    assert line["backend"].startswith("mysql-") and line["role"] in ("primary", "replica")
    assert line["took_us"] >= 400000
    # MariaDB sends the head of the result at once, MySQL when there is a row
    assert max(line["server_us"], line["send_us"]) >= 399000
    parts = [line[each] for each in ("queue_us", "restore_us", "server_us", "send_us")]
    assert sum(parts) == line["took_us"] and line["rows"] == 1
    assert line["statement"] == "select ?, sleep(?)"
    assert "secret" not in process.log_text() and "quick" not in process.log_text()
    close(session)


def test_every_statement(json_log):
    process = json_log(statements=True, literals=True)
    session = process.connect()
    rows(session, "SELECT 'seen'")
    with pytest.raises(pymysql.err.ProgrammingError):
        rows(session, "SELECT 1 FROM nowhere")
    def told_of():
        return {each["statement"]: each for each in lines(process, "statement")}

    wait_until(lambda: {"SELECT 'seen'", "SELECT 1 FROM nowhere"} <= set(told_of()),
               "both statements", 10)
    told = told_of()
    assert told["SELECT 'seen'"]["reason"] == "plain-read"
    assert told["SELECT 1 FROM nowhere"]["error"] == 1146
    close(session)


def test_a_failed_login(json_log):
    process = json_log()
    with pytest.raises(pymysql.err.OperationalError):
        process.connect(password="wrong\n\"word")
    line = wait_line(process, "login failed")
    assert line["level"] == "warn" and line["login"] == "app" and line["error"] == 1045
    assert line["peer"].startswith("127.0.0.1:")
    assert "wrong" not in process.log_text()


def test_why_sessions_end(json_log):
    """Told unless it is the ordinary end; one line each."""
    process = json_log()

    def reasons(session):
        return [each["reason"] for each in lines(process, "session closed")
                if each["session"] == session]

    left, vanished, released = (process.connect() for _ in range(3))
    ordinary = [session.thread_id() for session in (left, vanished, released)]
    left.close()                                    # COM_QUIT
    vanish(vanished)                                # between statements
    rows(released, "COMMIT RELEASE")
    close(released)
    with pytest.raises(pymysql.err.OperationalError):
        process.connect(password="wrong")           # has a line of its own
    open_transaction = process.connect()
    number = open_transaction.thread_id()
    rows(open_transaction, "BEGIN")
    vanish(open_transaction)
    wait_until(lambda: reasons(number) == ["closed by peer"], "the transaction's end is told", 10)
    victim, killer = process.connect(), process.connect()
    rows(killer, f"KILL {victim.thread_id()}")
    wait_until(lambda: reasons(victim.thread_id()) == ["killed"], "the kill is told", 10)
    line = lines(process, "session closed")[-1]
    assert line["level"] == "info" and line["user"] == "app" and line["phase"] == "ready"
    assert line["session"] == victim.thread_id() and line["peer"].startswith("127.0.0.1:")
    assert [reasons(each) for each in ordinary] == [[], [], []]
    close(killer)
    close(victim)


def test_names_in_utf8(json_log):
    process = json_log()
    with pytest.raises(pymysql.err.OperationalError):
        process.connect(user="müa€", password="wrong")
    assert wait_line(process, "login failed")["login"] == "müa€"


def test_no_failed_login_is_unaccounted_for(json_log):
    """A place that logs is limited to 20 lines a second; what it leaves out is told."""
    process = json_log()

    def fail(_):
        with pytest.raises(pymysql.err.OperationalError):
            process.connect(password="wrong")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(fail, range(200)))

    def told():
        return len(lines(process, "login failed")) + sum(
            each.get("left_out", 0) for each in map(json.loads, process.log_text().splitlines())
            if "login failed" in (each["event"], each.get("of")))

    wait_until(lambda: told() == 200, "every failed login is counted", 10)


def test_logfmt_is_the_default(readmux):
    assert all(each.startswith("ts=") for each in readmux.log_text().splitlines())
