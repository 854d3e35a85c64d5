# SPDX-License-Identifier: GPL-2.0-or-later
"""
TLS with certificates that are verified: of servers (backends.tls_ca, backends.tls_verify_name),
in what is routed and in probes, and of clients (tls.client_ca).
"""

import os
import shutil
import subprocess

import pymysql
import pytest

import test_discovery
from readmux import Readmux, close, one, rows
from servers import wait_until

FILES = ("server-cert.pem", "server-key.pem", "ca.pem")
RELOAD = {"mariadb": "FLUSH LOCAL SSL", "mysql": "ALTER INSTANCE RELOAD TLS"}


class Authority:
    """Signs certificates in a directory."""

    def __init__(self, directory, name):
        self.directory = directory
        self.ca = os.path.join(directory, f"{name}.pem")
        self._key = os.path.join(directory, f"{name}-key.pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                  "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout", self._key,
                  "-out", self.ca)

    def _run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.directory, check=True,
                       capture_output=True, timeout=60)

    def sign(self, name, alternatives):
        """Paths of (certificate, key) for what <alternatives> ("IP:127.0.0.1") names."""
        cert, key, request, extra = (os.path.join(self.directory, f"{name}{end}") for end in
                                     ("-cert.pem", "-key.pem", ".csr", ".ext"))
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        with open(extra, "w") as out:
            print(f"subjectAltName = {alternatives}", file=out)
        self._run("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key,
                  "-CAcreateserial", "-days", "30", "-extfile", extra, "-out", cert)
        return cert, key


@pytest.fixture(scope="module")
def authority(workspace, kind):
    return Authority(workspace.directory(f"authority-{kind}"), "authority")


@pytest.fixture(scope="module")
def other_authority(workspace, kind):
    return Authority(workspace.directory(f"other-authority-{kind}"), "other")


@pytest.fixture(scope="module")
def present(cluster, authority):
    """present(alternatives): every server's certificate names these from now on."""
    def use(server, files):
        for name, source in zip(FILES, files):
            target = os.path.join(server.data, name)
            shutil.copyfile(source, target)
            stat = os.stat(server.data)
            os.chown(target, stat.st_uid, stat.st_gid)
        server.sql(RELOAD[cluster.kind.name])

    def present_all(alternatives):
        cert, key = authority.sign("server", alternatives)
        for server in cluster.servers:
            use(server, (cert, key, authority.ca))

    before = [[os.path.join(server.directory, name) for name in FILES]
              for server in cluster.servers]
    for server, kept in zip(cluster.servers, before):
        for name, copy in zip(FILES, kept):
            shutil.copyfile(os.path.join(server.data, name), copy)
    yield present_all
    for server, kept in zip(cluster.servers, before):
        use(server, kept)


@pytest.fixture
def before(workspace, cluster):
    """before(tls_ca=..., ...): a readmux with these settings of backends.*, not waited for."""
    started = []

    def start(interval="200ms", **backends):
        process = Readmux(workspace.directory(f"tls-{cluster.kind.name}-{len(started)}"),
                          [server.endpoint for server in cluster.servers])
        process.settings["backends"].update(tls="required", **backends)
        process.settings["probe"] = {**process.settings["probe"], "interval": interval}
        started.append(process)
        process.launch()
        return process

    yield start
    for process in started:
        process.stop()
        shutil.rmtree(process.directory)


def causes(process):
    """What every backend says of itself, once all were probed."""
    def seen():
        try:
            states = [(each["state"], each["cause"]) for each in process.status()["backends"]]
        except OSError:
            return None
        return states if all(state == "down" for state, _ in states) else None

    wait_until(seen, "every backend is down", 20)
    return [cause for _, cause in seen()]


def serves(process, cluster):
    process.wait_serving()
    process.sees_all(cluster)
    session = process.connect()
    assert one(session, "SHOW STATUS LIKE 'Ssl_cipher'")[1] != ""
    close(session)


def test_a_certificate_of_the_authority(cluster, present, authority, before):
    """Its name does not matter unless that is to be verified."""
    present("DNS:elsewhere.example")
    serves(before(tls_ca=authority.ca), cluster)


def test_a_certificate_of_another_authority(present, other_authority, before):
    present("IP:127.0.0.1")
    process = before(tls_ca=other_authority.ca)
    for cause in causes(process):
        assert "certificate" in cause or "TLS" in cause or "SSL" in cause, cause


def test_the_right_address(cluster, present, authority, before):
    present("IP:127.0.0.1")
    serves(before(tls_ca=authority.ca, tls_verify_name=True), cluster)


def test_a_name_that_is_not_verified_for_an_address(present, authority, before):
    present("DNS:elsewhere.example, DNS:127.0.0.1, IP:127.0.0.2")
    process = before(tls_ca=authority.ca, tls_verify_name=True)
    for cause in causes(process):
        assert "IP address mismatch" in cause, cause


def test_a_client_is_not_led_to_a_wrong_name(cluster, present, authority, before):
    """Not by what is routed either: the probe sees it a moment later only."""
    present("IP:127.0.0.1")
    process = before(interval="60s", tls_ca=authority.ca, tls_verify_name=True)
    serves(process, cluster)
    present("DNS:elsewhere.example")
    with pytest.raises(pymysql.err.MySQLError):
        process.connect(user="second", password="second secret")
    wait_until(lambda: 'certificate="IP address mismatch"' in process.log_text(),
               "the log says why", 10)


def test_pods_are_verified_by_name(workspace, cluster, present, authority):
    """mysql-N.mysql.NAMESPACE.svc.DOMAIN, whatever their addresses."""
    suffix = test_discovery.SUFFIX
    with test_discovery.DnsServer() as dns:
        dns.zone(test_discovery.pods(cluster))
        present(f"DNS:*.{suffix}")
        process = test_discovery.Discovering(
            workspace.directory("tls-pods-" + cluster.kind.name), dns,
            backends={"service": "mysql", "namespace": "shop", "domain": "test",
                      "tls": "required", "tls_ca": authority.ca, "tls_verify_name": True})
        try:
            process.launch()
            serves(process, cluster)
            present(f"DNS:mysql-0.{suffix}")
            process.stop()
            process.start()
            wait_until(lambda: [each["state"] for each in process.status()["backends"]] ==
                       ["in", "down", "down"], "only mysql-0 has its name", 20)
            assert "hostname mismatch" in process.status()["backends"][1]["cause"]
            done = subprocess.run([process.binary, "check", "--config", process.config],
                                  env=process.environment(), capture_output=True, text=True,
                                  timeout=60)
            assert done.returncode == 1 and "hostname mismatch" in done.stdout, done.stdout
        finally:
            process.stop()


# ---------------------------------------------------------------------------- clients

def test_client_certificates(start_readmux, authority, other_authority):
    cert, key = authority.sign("readmux", "IP:127.0.0.1")
    good, wrong = authority.sign("client", "DNS:client"), other_authority.sign("c", "DNS:c")
    process = start_readmux(
        client={"ssl": {"ca": authority.ca, "cert": good[0], "key": good[1]}},
        tls={"mode": "required", "certificate": cert, "key": key, "client_ca": authority.ca})
    session = process.connect()
    assert rows(session, "SELECT 1") == ((1,),)
    close(session)
    for pair in ({"cert": wrong[0], "key": wrong[1]}, {}):
        with pytest.raises((pymysql.err.MySQLError, OSError)):
            process.connect(ssl={"ca": authority.ca, **pair})
