# SPDX-License-Identifier: GPL-2.0-or-later
"""
The example StatefulSet's scripts with a real MySQL: replicas get their data by cloning, also
from another replica, and follow the primary; readmux serves them with the probe account.
"""

import os
import sys

import pymysql
import pytest

from example_pods import TREE, ExamplePods
from tree import BINARY, environment, path

sys.path.insert(0, path("tests"))

from pods import why_not  # noqa: E402
from servers import wait_until  # noqa: E402
from servers.server import launch  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not os.path.isdir(TREE), reason=f"there is no MySQL in {TREE}"),
    pytest.mark.skipif(why_not() != "", reason=f"no namespaces: {why_not()}"),
]

PORT = 45306


@pytest.fixture(scope="module")
def pods(tmp_path_factory):
    """Three of them; the primary has a row from before the others came."""
    pods = ExamplePods(tmp_path_factory.mktemp("example"))
    try:
        pods.start_pod()
        rows(pods.connect(0), "CREATE SCHEMA app", "CREATE TABLE app.t (id INT PRIMARY KEY)",
             "INSERT INTO app.t VALUES (1)")
        pods.start_pod()
        pods.start_pod()
        yield pods
    finally:
        pods.remove()


def rows(connection, *statements):
    """The rows of the last statement; closes the connection."""
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()


def test_pods_are_told_apart(pods):
    seen = [rows(pods.connect(i), "SELECT @@server_id, @@super_read_only")[0] for i in range(3)]
    assert seen == [(100, 0), (101, 1), (102, 1)]
    assert len({rows(pods.connect(i), "SELECT @@server_uuid") for i in range(3)}) == 3


@pytest.mark.parametrize("ordinal", (1, 2))
def test_replicas_have_the_data_and_follow(pods, ordinal):
    (present,) = rows(pods.connect(ordinal), "SELECT MIN(id) FROM app.t")
    assert present == (1,)
    new = 10 + ordinal
    rows(pods.connect(0), f"INSERT INTO app.t VALUES ({new})")
    wait_until(lambda: rows(pods.connect(ordinal), f"SELECT * FROM app.t WHERE id = {new}"),
               lambda: rows(pods.connect(ordinal), "SHOW REPLICA STATUS"), 30, every=0.2)


def test_data_that_is_there_is_left_alone(pods):
    assert pods.run_init(2, "clone").rstrip().endswith("clone: nothing to do")
    assert rows(pods.connect(2), "SELECT COUNT(*) > 0 FROM app.t") == ((1,),)


def test_probe_account_serves_readmux(pods, tmp_path):
    """With TLS as MySQL's client has it by default, root logs in and reads go to replicas."""
    secret = tmp_path / "password"
    secret.write_text(pods.secret("readmux-probe", "password"))
    variables = {
        "READMUX_LISTEN": f"127.0.0.1:{PORT} split",
        "READMUX_BACKENDS_SERVERS": ",".join(f"{pods.address(i)}:3306" for i in range(3)),
        "READMUX_PROBE_USER": pods.secret("readmux-probe", "user"),
        "READMUX_PROBE_PASSWORD_FILE": str(secret),
    }
    log = tmp_path / "log"
    with open(log, "wb") as out:
        process = launch([*pods.sandbox.prefix(), BINARY], stdout=out, stderr=out,
                         env=environment(**variables))
    try:
        wait_until(lambda: readers(pods) == {101, 102}, log.read_text, 30, every=0.2)
    finally:
        process.terminate()
        assert process.wait(20) == 0


def readers(pods):
    """Who answers reads through readmux; empty when it does not serve yet."""
    try:
        connection = pods.sandbox.mysql(
            "127.0.0.1", PORT, user="root", password=pods.secret("mysql", "root-password"),
            autocommit=True, ssl={"without_verification": True})
    except pymysql.err.MySQLError:
        return set()
    with connection, connection.cursor() as cursor:
        return {answer for _ in range(20) for answer in ask(cursor, "SELECT @@server_id")}


def ask(cursor, statement):
    cursor.execute(statement)
    return cursor.fetchone()
