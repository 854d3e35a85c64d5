# SPDX-License-Identifier: GPL-2.0-or-later
"""
Backends found by DNS: pods that come, go, move, and DNS that fails.

Every pod has a name below mysql.shop.svc.test and an SRV record with its port, as
behind a headless Service; all are servers of the one cluster on loopback.
"""

import os
import sys
import time

import pymysql
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))),
                                "dns"))

import readmux as module  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from readmux import Readmux, at_primary, close, one  # noqa: E402
from servers import wait_until  # noqa: E402

SUFFIX = "mysql.shop.svc.test"
NO_BACKEND_YET = 1040


class Discovering(Readmux):
    """A readmux that asks <dns> instead of having a list."""

    def __init__(self, directory, dns):
        super().__init__(directory, [], backends={
            "service": "mysql", "namespace": "shop", "domain": "test"})
        self.dns = dns

    def launch(self):
        environment = module.sanitizer_environment
        module.sanitizer_environment = lambda: {
            **environment(), "READMUX_DNS_SERVERS": self.dns.endpoint}
        try:
            super().launch()
        finally:
            module.sanitizer_environment = environment


def pods(cluster, **changes):
    """
    The zone for the cluster.  A change is mysql_1=server (its name leads there),
    mysql_1="SERVFAIL" and the like, or mysql_1=None (no such name).
    """
    places = {f"mysql-{server.ordinal}": server for server in cluster.servers}
    places.update({name.replace("_", "-"): place for name, place in changes.items()})
    zone = {"ttl": 1, f"_mysql._tcp.{SUFFIX}": []}
    for name, place in places.items():
        if place is None:
            continue
        zone[f"{name}.{SUFFIX}"] = place if isinstance(place, str) else [place.address]
        if not isinstance(place, str):
            zone[f"_mysql._tcp.{SUFFIX}"].append(
                {"target": f"{name}.{SUFFIX}", "port": place.port})
    return zone


@pytest.fixture(scope="module")
def dns(cluster):
    with DnsServer() as server:
        server.zone(pods(cluster))
        yield server


@pytest.fixture(scope="module")
def module_discovering(workspace, cluster, dns):
    process = Discovering(workspace.directory("discovering-" + cluster.kind.name), dns)
    try:
        process.start()
        process.sees_all(cluster)
        yield process
    finally:
        process.stop()


@pytest.fixture
def found(module_discovering, cluster, dns):
    """A readmux that has found the whole cluster, before and after the test."""
    yield module_discovering
    dns.zone(pods(cluster))
    module_discovering.sees_all(cluster)
    module_discovering.check_log()


def readers(process, times=20):
    """The ids of the servers that answer reads now."""
    connection = process.connect()
    try:
        return {one(connection, "SELECT @@server_id") for _ in range(times)}
    finally:
        close(connection)


def settles(process, servers):
    """Wait until exactly <servers> answer reads."""
    want = {server.server_id for server in servers}
    wait_until(lambda: readers(process) == want, f"reads go to {want}", 15, every=0.2)


def stays(process, servers, seconds):
    """Fails unless exactly <servers> answer reads all the time."""
    want = {server.server_id for server in servers}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert readers(process, 40) == want
        time.sleep(0.2)


def test_all_are_found_by_service_record_and_name(found, dns):
    assert (f"_mysql._tcp.{SUFFIX}", 33) in dns.asked
    assert {name for name, _ in dns.asked if "tcp" not in name} <= {
        f"mysql-{ordinal}.{SUFFIX}" for ordinal in range(6)}


def test_a_replica_whose_name_is_gone_takes_no_reads(found, cluster, dns):
    dns.zone(pods(cluster, mysql_1=None))
    settles(found, cluster.replicas[1:])
    dns.zone(pods(cluster))
    settles(found, cluster.replicas)


@pytest.mark.parametrize("failure", ("SERVFAIL", "REFUSED", "SILENCE"))
def test_a_failure_of_dns_changes_nothing(found, cluster, dns, failure):
    asked = len(dns.asked)
    dns.zone({"*": failure})
    stays(found, cluster.replicas, 4)
    assert len(dns.asked) > asked + 2


def test_one_name_that_fails_does_not_hide_the_next(found, cluster, dns):
    dns.zone(pods(cluster, mysql_0="SERVFAIL", mysql_2=None))
    settles(found, cluster.replicas[:1])


def test_no_name_at_all_changes_nothing(found, cluster, dns):
    dns.zone({})
    stays(found, cluster.replicas, 4)


def test_the_primary_serves_on_without_its_name(found, cluster, dns, table):
    connection = found.connect()
    dns.zone(pods(cluster, mysql_0=None))
    time.sleep(4)
    assert at_primary(connection, "SELECT @@server_id") == cluster.primary.server_id
    connection.cursor().execute(f"INSERT INTO {table} (v) VALUES ('still there')")
    close(connection)


def test_a_pod_that_moved_is_followed(found, cluster, dns):
    first, second = cluster.replicas
    dns.zone(pods(cluster, mysql_1=second, mysql_2=None))
    settles(found, [second])
    dns.zone(pods(cluster, mysql_1=second, mysql_2=first))
    settles(found, [first, second])


def test_a_pod_beyond_a_gap_is_found_by_the_service_record(found, cluster, dns):
    first, second = cluster.replicas
    dns.zone(pods(cluster, mysql_2=None))
    settles(found, [first])
    dns.zone(pods(cluster, mysql_2=None, mysql_9=second))
    wait_until(lambda: (f"mysql-9.{SUFFIX}", 1) in dns.asked, "readmux asks for mysql-9", 10)
    settles(found, [first, second])


def test_readmux_may_be_there_before_its_servers(workspace, cluster):
    with DnsServer() as dns:
        dns.zone({"*": "SERVFAIL"})
        process = Discovering(workspace.directory("before-its-servers-" + cluster.kind.name), dns)
        process.launch()
        try:
            wait_until(lambda: "listening" in process.log_text(), "readmux listens", 10)
            with pytest.raises(pymysql.err.OperationalError) as refused:
                process.connect()
            assert refused.value.args[0] == NO_BACKEND_YET
            dns.zone(pods(cluster))
            process.wait_serving()
            process.sees_all(cluster)
        finally:
            process.stop()
