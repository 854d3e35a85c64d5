# SPDX-License-Identifier: GPL-2.0-or-later
"""
Client libraries and ORMs as Debian and npm have them, unchanged, through readmux: the
programs of tests/clients, whose README says what each of them does.
"""

import os
import subprocess
from collections import Counter

import pytest

from readmux import TOP, Readmux
from servers.kind import run_quietly

PROGRAMS = os.path.join(TOP, "tests/clients")
CONNECTOR_J = "/usr/share/java/mariadb-java-client.jar"
BOTH = {"text", "prepared"}

# What a program prints of its reads: those as text, or prepared at the server too.
READS = {
    "pymysql": {"text"},
    "mysqlclient": {"text"},
    "django": {"text"},
    "dbd-mysql": BOTH,
    "dbd-mariadb": BOTH,
    "mysqli": BOTH,
    "pdo": BOTH,
    "ruby-mysql2": BOTH,
    "go": BOTH,
    "java": BOTH,
    "node-mysql2": BOTH,
    "node-mariadb": BOTH,
    "knex": {"text"},
    "sequelize": {"text"},
}
NPM = {"node-mysql2", "node-mariadb", "knex", "sequelize"}


@pytest.fixture(scope="session")
def built(workspace):
    """Where the Go and Java programs are, compiled."""
    directory = workspace.directory("clients")
    go = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
          "GOCACHE": os.path.join(directory, "go-cache")}
    run_quietly(["go", "build", "-o", os.path.join(directory, "go"), "main.go"],
                cwd=os.path.join(PROGRAMS, "go"), env=go)
    run_quietly(["javac", "-d", directory, os.path.join(PROGRAMS, "java/Client.java")])
    return directory


@pytest.fixture(scope="session")
def node_modules():
    if os.environ.get("READMUX_SKIP_NPM"):
        pytest.skip("the packages could not be had from npm's registry (READMUX_SKIP_NPM)")
    done = subprocess.run([os.path.join(PROGRAMS, "node/install")],
                          capture_output=True, text=True, timeout=320)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def certificate(workspace):
    """The certificate of 127.0.0.1, its own authority, and its key: clients verify it."""
    directory = workspace.directory("certificate")
    run_quietly(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                 "-subj", "/CN=127.0.0.1",
                 "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                 "-keyout", "key.pem", "-out", "cert.pem"], cwd=directory)
    return os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")


@pytest.fixture(scope="module")
def tls_readmux(workspace, cluster, certificate):
    """A readmux that takes only clients with TLS."""
    cert, key = certificate
    process = Readmux(workspace.directory(f"tls-{cluster.kind.name}"),
                      [server.endpoint for server in cluster.servers],
                      client={"ssl": {"ca": cert}},
                      tls={"mode": "required", "certificate": cert, "key": key})
    try:
        process.start()
        process.sees_all(cluster)
        yield process
    except BaseException:
        process.kill()
        raise
    process.stop()


def command_of(client, request):
    """The program and its last arguments; what it needs is made when it is first wanted."""
    def program(path):
        return os.path.join(PROGRAMS, path)

    if client in NPM:
        return ["node", program(f"node/{client.removeprefix('node-')}.js")], []
    if client in ("go", "java"):
        directory = request.getfixturevalue("built")
        return {"go": [os.path.join(directory, "go")],
                "java": ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                         "-cp", f"{CONNECTOR_J}:{directory}", "Client"]}[client], []
    return {
        "pymysql": (["/usr/bin/python3", program("python/dbapi.py")], ["pymysql"]),
        "mysqlclient": (["/usr/bin/python3", program("python/dbapi.py")], ["MySQLdb"]),
        "django": (["/usr/bin/python3", program("python/django_app.py")], []),
        "dbd-mysql": (["perl", program("perl/dbi.pl")], ["mysql"]),
        "dbd-mariadb": (["perl", program("perl/dbi.pl")], ["MariaDB"]),
        "mysqli": (["php", program("php/mysqli.php")], []),
        "pdo": (["php", program("php/pdo.php")], []),
        "ruby-mysql2": (["ruby", program("ruby/mysql2.rb")], []),
    }[client]


def check_reads_by_replicas(cluster, printed, kinds):
    """Every read that the program tells of was a replica's, and it tells of all <kinds>."""
    reads = Counter(tuple(line.split()) for line in printed)
    assert {kind for kind, _ in reads} == kinds
    assert {int(server) for _, server in reads} <= \
        {replica.server_id for replica in cluster.replicas}, f"reads: {dict(reads)}"


@pytest.mark.parametrize("client", READS)
def test_client(client, request, cluster, readmux, tls_readmux, certificate):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if client in NPM:
        environment["NODE_PATH"] = request.getfixturevalue("node_modules")
    command, last = command_of(client, request)
    name = f"c{os.getpid()}_{client.replace('-', '_')}"
    done = subprocess.run(
        [*command, str(readmux.port), str(tls_readmux.port), certificate[0], name,
         cluster.kind.name, *last],
        capture_output=True, text=True, errors="replace", timeout=80, env=environment)
    tls_readmux.check_alive()
    assert done.returncode == 0, done.stderr[-4000:]
    *printed, end = done.stdout.splitlines()
    assert end == "done", done.stdout[-1000:]
    check_reads_by_replicas(cluster, printed, READS[client])
