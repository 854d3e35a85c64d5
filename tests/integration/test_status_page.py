# SPDX-License-Identifier: GPL-2.0-or-later
"""The status page in Chromium: what it shows, live, on a phone, in the dark, by keyboard."""

import http.server
import json
import os
import subprocess
import threading

import pytest

from readmux import TOP, close, rows
from test_clients import node_modules  # noqa: F401  pylint: disable=unused-import

PROGRAM = os.path.join(TOP, "tests/page/status.js")
PICTURES = os.path.join(os.environ.get("READMUX_BUILD", os.path.join(TOP, "build")), "screenshots")
SECONDS = 150


class Browser:
    """The program that looks at the page; what it prints, line by line."""

    def __init__(self, modules, url, *steps):
        os.makedirs(PICTURES, exist_ok=True)
        self.process = subprocess.Popen(
            ["node", PROGRAM, url, PICTURES, *steps], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": modules})
        self.timer = threading.Timer(SECONDS, self.process.kill)
        self.timer.start()

    def wait(self, word):
        line = self.process.stdout.readline().strip()
        assert line == word, f"{line!r}, not {word}: {self.process.stderr.read()}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def look(node_modules, readmux):  # noqa: F811  pylint: disable=redefined-outer-name
    """look(*steps, url): a Browser at the page."""
    def at(*steps, url=f"http://127.0.0.1:{readmux.admin_port}/"):
        return Browser(node_modules, url, *steps)
    return at


def test_page(look, readmux):
    session = readmux.connect()
    for number in range(50):
        rows(session, f"SELECT {number}")
    close(session)
    with look("well", "keyboard", "calm") as browser:
        browser.wait("well")
        browser.wait("keyboard")
        browser.wait("calm")
    for name in ("light", "dark", "phone"):
        assert os.path.getsize(os.path.join(PICTURES, f"status-{name}.png")) > 10000


def test_a_replica_dies(look, cluster):
    victim = cluster.replicas[0]
    with look("death") as browser:
        browser.wait("watching")
        victim.kill9()
        browser.wait("down")
        victim.start()
        browser.wait("death")
    cluster.wait_caught_up()


def test_readmux_goes_away(look, start_readmux):
    process = start_readmux()
    with look("silence", url=f"http://127.0.0.1:{process.admin_port}/") as browser:
        browser.wait("watching")
        process.stop()
        browser.wait("silence")
    process.start()


def test_hostile_texts(look, readmux):
    evil = "<img src=x onerror='window.broken=1'><script>window.broken=1</script>"
    status = readmux.status()
    for each in status["backends"]:
        each.update(name=evil, cause=evil, server_version=evil, address=evil)
    for each in status["events"]:
        each.update(event=evil, words=evil)
    page = readmux.http("/")

    class Answer(http.server.BaseHTTPRequestHandler):
        """The real page over other data."""

        def do_GET(self):  # pylint: disable=invalid-name
            status_too = self.path == "/status.json"
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if status_too else "text/html")
            self.send_header("Content-Security-Policy", page[1]["Content-Security-Policy"])
            self.end_headers()
            self.wfile.write((json.dumps(status) if status_too else page[2]).encode())

        def log_message(self, *_):
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with look("hostile", url=f"http://127.0.0.1:{server.server_port}/") as browser:
            browser.wait("hostile")
        server.shutdown()
