# SPDX-License-Identifier: GPL-2.0-or-later
"""Configuration errors, --check-config, --print-config, --explain: without any server."""

import os
import re
import subprocess

import pytest

from readmux import BINARY, sanitizer_environment
from servers import take_port


def run(*arguments, environment=None, text=None):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20,
                          input=text, env={**sanitizer_environment(), **(environment or {})})


@pytest.fixture
def config(tmp_path):
    """config(text): the path of a file with it."""
    def write(text):
        path = tmp_path / "readmux.yaml"
        path.write_text(text)
        return str(path)
    return write


GOOD = """\
listen:
  - {address: "127.0.0.1:3306", route: split}
backends:
  servers: ["127.0.0.1:3310", "127.0.0.1:3311"]
probe: {user: root, password: "", interval: 1s}
"""

BAD = (
    ("prob: {user: root}\n", 1, 8, ("prob", "probe")),
    ("probe:\n  user: root\n  intervall: 1s\n", 3, 3, ("intervall", "interval")),
    ("probe:\n  interval: soon\n", 2, 13, ("probe.interval", "soon")),
    ("probe:\n  interval: 1ms\n", 2, 13, ("probe.interval", "100")),
    ("consistency: strong\n", 1, 14, ("consistency", "strong", "session")),
    ("workers: -1\n", 1, 10, ("workers", "-1")),
    ("listen:\n  - {address: \"127.0.0.1:3306\", rout: split}\n", 2, 33, ("rout", "route")),
    ("listen:\n  - {address: \"127.0.0.1:99999\"}\n", 2, 15, ("99999",)),
    ("probe: [1, 2\n", None, None, ()),
    ("probe: 5\n", 1, 8, ("probe",)),
)


@pytest.mark.smoke
@pytest.mark.parametrize("text, line, column, words", BAD, ids=lambda v: None)
@pytest.mark.parametrize("option", ("--check-config", None))
def test_errors_tell_the_place(config, text, line, column, words, option):
    path = config(text)
    done = run(*[option] if option else [], "--config", path)
    assert done.returncode not in (0, -6, -11), done
    first = done.stderr.splitlines()[0]
    place = re.match(re.escape(path) + r":(\d+):(\d+): ", first)
    assert place, done.stderr
    if line:
        assert (int(place[1]), int(place[2])) == (line, column), done.stderr
    for word in words:
        assert word in done.stderr


def test_missing_file():
    done = run("--check-config", "--config", "/nowhere/readmux.yaml")
    assert done.returncode not in (0, -6, -11)
    assert "/nowhere/readmux.yaml" in done.stderr and "No such file" in done.stderr


def test_good_file(config):
    done = run("--check-config", "--config", config(GOOD))
    assert (done.returncode, done.stderr) == (0, "")


def test_print_config(config, tmp_path):
    path = config(GOOD + "users: [{name: app, password: very-secret}]\n")
    done = run("--print-config", "--config", path)
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:3310" in done.stdout and "very-secret" not in done.stdout
    again = tmp_path / "printed.yaml"
    again.write_text(run("--print-config", "--config", config(GOOD)).stdout)
    assert run("--check-config", "--config", str(again)).returncode == 0


def test_default_config_is_a_good_file(tmp_path):
    path = tmp_path / "default.yaml"
    path.write_text(run("--print-default-config").stdout)
    assert len(path.read_text().splitlines()) > 50
    assert run("--check-config", "--config", str(path)).returncode == 0


def test_environment_overrides(config):
    done = run("--print-config", "--config", config(GOOD),
               environment={"READMUX_PROBE_INTERVAL": "3s"})
    assert re.search(r"interval: *3s", done.stdout), done.stdout + done.stderr
    done = run("--check-config", "--config", config(GOOD),
               environment={"READMUX_PROBE_INTERVAL": "soon"})
    assert done.returncode != 0 and "READMUX_PROBE_INTERVAL" in done.stderr


def test_unknown_option():
    done = run("--no-such-option")
    assert done.returncode == 2 and "no-such-option" in done.stderr


def test_address_in_use(config):
    import socket
    port = take_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = run("--config", config(GOOD.replace("3306", str(port))))
    assert done.returncode not in (0, -6, -11)
    assert str(port) in done.stderr and "in use" in done.stderr


EXPLAINED = (
    ("SELECT 1", "read", "replica", "plain-read"),
    ("INSERT INTO t VALUES (1)", "write", "primary", "modifies"),
    ("SELECT * FROM t FOR UPDATE", "write", "primary", "locking-read"),
    ("/*!50000 DROP */ TABLE t", "write", "primary", "defines"),
    ("SELECT 'FOR UPDATE'", "read", "replica", "plain-read"),
    ("SELECT my_function()", "write", "primary", "unknown-function"),
    ("SELECT @a := 1", "write", "primary", "assigns-variable"),
    ("SHOW TABLES", "read", "replica", "show"),
    ("USE app", "session", None, "use-schema"),
)


@pytest.mark.parametrize("sql, kind_of_statement, target, reason", EXPLAINED,
                         ids=[row[0] for row in EXPLAINED])
def test_explain(sql, kind_of_statement, target, reason):
    done = run("--explain", sql)
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert words[0] == kind_of_statement and words[2] == reason + ":"
    assert target is None or words[1] == target


def test_explain_from_standard_input():
    done = run("--explain", "-", text="\n".join(row[0] for row in EXPLAINED) + "\n")
    assert [line.split()[2] for line in done.stdout.splitlines()] == \
        [row[3] + ":" for row in EXPLAINED]


def test_version():
    done = run("--version")
    assert re.fullmatch(r"readmux \d+\.\d+\.\d+\n", done.stdout) and done.returncode == 0
    assert os.path.basename(BINARY) in run("--help").stdout
