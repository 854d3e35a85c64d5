# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGTERM: stop accepting, finish what runs, exit 0."""

import json
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from readmux import close, one, rows, yaml_text
from servers import wait_until
from wire import Wire


def accepts(process):
    try:
        process.connect(connect_timeout=2).close()
        return True
    except pymysql.err.MySQLError:
        return False


@pytest.mark.smoke
def test_idle_sessions(start_readmux):
    process = start_readmux()
    connections = [process.connect() for _ in range(5)]
    begin = time.monotonic()
    assert process.terminate() == 0
    assert time.monotonic() - begin < 8
    for connection in connections:
        with pytest.raises(pymysql.err.MySQLError):
            rows(connection, "SELECT 1")
        close(connection)


def test_a_running_statement_ends(start_readmux):
    process = start_readmux()
    connection = process.connect()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(rows, connection, "SELECT SLEEP(2), 'whole'")
        time.sleep(0.5)
        process.process.send_signal(signal.SIGTERM)
        assert running.result(timeout=10) == ((0, "whole"),)
    assert process.wait_end() == 0
    close(connection)


def test_a_transaction_ends(start_readmux, table, cluster):
    process = start_readmux()
    connection = process.connect()
    rows(connection, "BEGIN")
    rows(connection, f"INSERT INTO {table} (v) VALUES ('before')")
    process.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not accepts(process), "new clients are refused")
    rows(connection, f"INSERT INTO {table} (v) VALUES ('after')")
    assert one(connection, f"SELECT COUNT(*) FROM {table}") == 2
    rows(connection, "COMMIT")
    assert process.wait_end() == 0
    assert cluster.primary.sql(f"SELECT COUNT(*) FROM {table}") == ((2,),)
    close(connection)


def test_a_transaction_that_does_not_end(start_readmux, table, cluster):
    process = start_readmux(drain={"timeout": "1s"})
    connection = process.connect()
    rows(connection, "BEGIN")
    rows(connection, f"INSERT INTO {table} (v) VALUES ('never committed')")
    begin = time.monotonic()
    assert process.terminate() == 0
    assert 0.9 < time.monotonic() - begin < 6
    with pytest.raises(pymysql.err.MySQLError):
        rows(connection, "COMMIT")
    close(connection)
    cluster.primary.sql(f"ALTER TABLE {table} ADD COLUMN w INT")        # no lock is left
    assert cluster.primary.sql(f"SELECT COUNT(*) FROM {table}") == ((0,),)


def test_a_large_result_ends(start_readmux):
    process = start_readmux()
    connection = process.connect(cursorclass=pymysql.cursors.SSCursor)
    cursor = connection.cursor()
    cursor.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "
                   "SELECT i, REPEAT('x', 1000000) FROM n")
    cursor.fetchone()
    process.process.send_signal(signal.SIGTERM)
    assert sum(len(text) for _, text in cursor) == 49 * 1000000
    cursor.close()
    assert process.wait_end() == 0
    close(connection)


def test_log_tells_of_the_end(start_readmux):
    process = start_readmux()
    process.stop()
    lines = process.log_text().splitlines()
    assert all(" " in line and "=" in line for line in lines), lines
    assert any("SIGTERM" in line or "drain" in line or "shut" in line for line in lines[-20:]), lines


# ------------------------------------------------------------------------------ lameduck

def test_new_clients_are_served_until_everybody_knows(start_readmux):
    process = start_readmux(drain={"lameduck": "3s", "timeout": "20s"})
    old = process.connect()
    begin = time.monotonic()
    process.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "about to drain" in process.log_text(), "the lameduck time begins")
    new = process.connect()
    assert one(new, "SELECT 1") == 1 and one(old, "SELECT 1") == 1
    assert process.wait_end() == 0
    assert 2.9 < time.monotonic() - begin < 15
    for connection in (old, new):
        with pytest.raises(pymysql.err.MySQLError):
            rows(connection, "SELECT 1")
        close(connection)


def test_a_person_does_not_wait(start_readmux):
    process = start_readmux(drain={"lameduck": "30s", "timeout": "40s"})
    begin = time.monotonic()
    process.process.send_signal(signal.SIGINT)
    assert process.wait_end() == 0
    assert time.monotonic() - begin < 15


# -------------------------------------------------------------------------------- reload

def reload(process, **settings):
    """SIGHUP with other settings; what the log says of it."""
    process.settings.update(settings)
    before = len(process.log_text())
    with open(process.config, "w") as out:
        out.write(yaml_text(process.settings))
    process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reload" in process.log_text()[before:], "the answer to SIGHUP")
    return process.log_text()[before:]


def test_a_reload_tells_what_it_changed(start_readmux):
    process = start_readmux()
    text = reload(process, wait={"read": "7s"}, workers=3,
                  users=[{"name": "app", "password": "hidden-secret"}])
    assert 'event="setting changed" setting=wait.read was=5s is=7s' in text
    assert "setting=users" in text and "hidden-secret" not in text
    assert "only a restart brings it into force" in text and "setting=workers was=2 is=3" in text
    assert 'outcome="changed: users, wait.read; changed, but only a restart brings it into' in text
    settings = {each["name"]: each for each in
                json.loads(process.http("/v1/reports/settings")[2])}
    assert (settings["workers"]["value"], settings["workers"]["pending"]) == ("2", "3")
    assert (settings["wait.read"]["value"], settings["wait.read"]["pending"]) == ("7s", None)
    text = reload(process)
    assert "setting=workers was=2 is=3" in text and "nothing has changed" not in text
    text = reload(process, workers=2)
    assert 'outcome="nothing has changed"' in text
    text = reload(process, wait={"read": "never"})
    assert "reload refused; nothing was changed" in text and "wait.read" in text


def certificate(directory, name):
    """A self-signed pair; the settings that name it."""
    stem = os.path.join(directory, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-keyout", stem + ".key", "-out", stem + ".pem"],
                   check=True, stderr=subprocess.DEVNULL)
    return {"certificate": stem + ".pem", "key": stem + ".key"}


def shown_certificate(process):
    """The subject of the certificate that a client is shown."""
    with Wire(process.port) as wire:
        wire.read_greeting()
        wire.start_tls()
        shown = wire.socket.getpeercert(binary_form=True)
    return subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject"],
                          input=shown, capture_output=True, check=True).stdout.decode()


def test_a_new_certificate_is_shown_after_a_reload(start_readmux):
    process = start_readmux()
    session = process.connect()
    first = certificate(process.directory, "first.example")
    reload(process, tls=first)
    wait_until(lambda: "first.example" in shown_certificate(process), "the new certificate")
    text = reload(process, tls={**first, "key": "/nowhere"})
    assert "reload refused" in text and "/nowhere" in text
    assert "first.example" in shown_certificate(process)
    assert one(session, "SELECT 1") == 1
    close(session)


# ------------------------------------------------------------------------ service manager

def test_a_service_manager_is_told(start_readmux, monkeypatch, tmp_path):
    """sd_notify: ready, alive, reloading, stopping."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(20)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    process = start_readmux()

    def hears(*words):
        """A message with these variables comes, perhaps after others."""
        until, message = time.monotonic() + 20, ""
        while not all(f"\n{word}" in message for word in words):
            assert time.monotonic() < until, words
            message = "\n" + manager.recv(4096).decode()

    hears(f"MAINPID={process.pid}", "READY=1")
    hears("WATCHDOG=1")
    hears("WATCHDOG=1")
    process.process.send_signal(signal.SIGHUP)
    hears("RELOADING=1", "MONOTONIC_USEC=")
    hears("READY=1")
    process.process.send_signal(signal.SIGTERM)
    hears("STOPPING=1")
    assert process.wait_end() == 0
    manager.close()
