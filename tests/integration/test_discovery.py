# SPDX-License-Identifier: GPL-2.0-or-later
"""
Backends found by DNS: pods that come, go, move, and DNS that fails.

Every pod has a name below mysql.shop.svc.test and an SRV record with its port, as
behind a headless Service; all are servers of the one cluster on loopback, where need be
at other addresses by way of a Door.
"""

import itertools
import os
import re
import socket
import sys
import threading
import time

import pymysql
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))),
                                "dns"))

from dnsserver import A, AAAA, SRV, DnsServer  # noqa: E402
from readmux import Readmux, at_primary, close, one  # noqa: E402
from servers import take_port, wait_until  # noqa: E402

SUFFIX = "mysql.shop.svc.test"
RECORD = f"_mysql._tcp.{SUFFIX}"
NO_BACKEND_YET = 1040

# What is about DNS alone needs no second kind of server.
one_kind = pytest.mark.only("mariadb")


class Discovering(Readmux):
    """
    A readmux that asks the <nameservers> instead of having a list.  Its sessions go from
    server to server with every read: none stays where it has just read.
    """

    def __init__(self, directory, *nameservers, search="", backends=None, **settings):
        super().__init__(directory, [], consistency="eventual", backends=backends or {
            "service": "mysql", "namespace": "shop", "domain": "test"}, **settings)
        self.resolv_conf = os.path.join(directory, "resolv.conf")
        self.search = search
        self.resolve_by(*nameservers)

    def resolve_by(self, *nameservers):
        """Write resolv.conf, in one step."""
        fresh = self.resolv_conf + ".new"
        with open(fresh, "w") as out:
            out.write(f"search {self.search}\noptions ndots:5\n" if self.search else "")
            out.writelines(f"nameserver {each.endpoint}\n" for each in nameservers)
        os.replace(fresh, self.resolv_conf)

    def environment(self):
        return {**super().environment(), "READMUX_RESOLV_CONF": self.resolv_conf}


class Door:
    """A server at another address: what comes to <address>:<port> is passed on to it."""

    def __init__(self, server, address, port):
        self.server = server
        self.address = address
        self.port = port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, port))
        self._listener.listen(64)
        self._open = set()
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self.server.address, self.server.port))
            except OSError:
                client.close()
                continue
            with self._lock:
                if self._closed:
                    client.close()
                    server.close()
                    return
                self._open |= {client, server}
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    @staticmethod
    def _pass_on(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        """As if its server had died."""
        with self._lock:
            self._closed = True
            for each in (self._listener, *self._open):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self._listener.close()


def record(*places):
    """An SRV record of (ordinal, port)."""
    return [{"target": f"mysql-{ordinal}.{SUFFIX}", "port": port}
            for ordinal, port in places]


def zone_of(places, with_record=True, **options):
    """The zone for {ordinal: what has address and port, or an answer of DnsServer's}."""
    zone = {"ttl": 1, **options}
    for ordinal, place in places.items():
        is_answer = isinstance(place, str)
        zone[f"mysql-{ordinal}.{SUFFIX}"] = place if is_answer else [place.address]
    if with_record:
        zone[RECORD] = record(*((ordinal, place.port) for ordinal, place in places.items()
                                if not isinstance(place, str)))
    return zone


def pods(cluster, **changes):
    """
    The zone for the cluster.  A change is mysql_1=server (its name leads there),
    mysql_1="SERVFAIL" and the like, or mysql_1=None (no such name).
    """
    places = {server.ordinal: server for server in cluster.servers}
    for name, place in changes.items():
        places[int(name.removeprefix("mysql_"))] = place
    return zone_of({ordinal: place for ordinal, place in places.items() if place})


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


_numbers = itertools.count(1)


@pytest.fixture
def discover(workspace):
    """discover(nameserver...): a readmux of the test's own, not waited for."""
    started = []

    def start(*nameservers, **options):
        directory = workspace.directory(f"discovering-{next(_numbers)}")
        started.append(Discovering(directory, *nameservers, **options))
        started[-1].launch()
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def nameservers():
    """Two of the test's own."""
    with DnsServer() as first, DnsServer() as second:
        yield first, second


@pytest.fixture
def nameserver(nameservers):
    return nameservers[0]


@pytest.fixture
def doors(cluster):
    """doors(server, address): a Door; all of one test have one port."""
    port = take_port()
    opened = []

    def open_door(server, address):
        opened.append(Door(server, address, port))
        return opened[-1]

    yield open_door
    for door in opened:
        door.close()


def readers(process, times=20):
    """The ids of the servers that answer reads now; none while nobody can be reached."""
    connection = None
    try:
        connection = process.connect()
        return {one(connection, "SELECT @@server_id") for _ in range(times)}
    except pymysql.err.OperationalError:
        return set()
    finally:
        if connection is not None:
            close(connection)


def settles(process, servers, seconds=15):
    """Wait until exactly <servers> answer reads."""
    want = {server.server_id for server in servers}
    wait_until(lambda: readers(process) == want,
               lambda: f"reads go to {want}; its log ends:\n{process.log_text()[-3000:]}",
               seconds, every=0.2)


def stays(process, servers, seconds):
    """Fails unless exactly <servers> answer reads all the time."""
    want = {server.server_id for server in servers}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert readers(process, 40) == want, process.log_text()[-3000:]
        time.sleep(0.2)


def times_asked(dns, name, kind=SRV):
    return dns.asked.count((name, kind))


def wait_asked(dns, times, name=RECORD, kind=SRV):
    """Until <name> has been asked for so many times more."""
    enough = times_asked(dns, name, kind) + times
    wait_until(lambda: times_asked(dns, name, kind) >= enough, f"{name} is asked for", 20)


def insert(connection, table, text):
    connection.cursor().execute(f"INSERT INTO {table} (v) VALUES (%s)", (text,))


def write(process, table, text):
    connection = process.connect()
    try:
        insert(connection, table, text)
    finally:
        close(connection)


# ------------------------------------------------------------------- pods come and go

def test_all_are_found_by_service_record(found, dns, cluster):
    asked = {name for name, kind in dns.asked if kind != SRV}
    names = {f"mysql-{server.ordinal}.{SUFFIX}" for server in cluster.servers}
    assert times_asked(dns, RECORD) > 0
    assert names <= asked
    for name in names:
        assert {(name, A), (name, AAAA)} <= set(dns.asked)


def test_a_replica_whose_name_is_gone_takes_no_reads(found, cluster, dns):
    dns.zone(pods(cluster, mysql_1=None))
    settles(found, cluster.replicas[1:])
    dns.zone(pods(cluster))
    settles(found, cluster.replicas)


def test_a_running_read_of_a_replica_whose_name_goes_is_finished(found, cluster, dns):
    busy = found.connect()
    try:
        sleeper = threading.Thread(target=lambda: answers.append(
            one(busy, "SELECT SLEEP(6) + @@server_id")))
        answers = []
        sleeper.start()
        by_sleep = {}

        def sleeps():
            for server in cluster.replicas:
                listed = server.sql("SELECT COUNT(*) FROM information_schema.processlist "
                                    "WHERE info LIKE 'SELECT SLEEP(6)%'")
                by_sleep[server] = listed[0][0]
            return any(by_sleep.values())

        wait_until(sleeps, "the read runs", 5)
        server = max(by_sleep, key=by_sleep.get)
        dns.zone(pods(cluster, **{f"mysql_{server.ordinal}": None}))
        settles(found, [each for each in cluster.replicas if each is not server])
        sleeper.join(20)
        assert answers == [server.server_id]
    finally:
        close(busy)


@one_kind
@pytest.mark.parametrize("failure", ("SERVFAIL", "REFUSED", "SILENCE"))
def test_a_failure_of_dns_changes_nothing(found, cluster, dns, failure):
    asked = len(dns.asked)
    dns.zone({"*": failure})
    stays(found, cluster.replicas, 3)
    wait_until(lambda: len(dns.asked) > asked + 4, "readmux asks on", 15)
    stays(found, cluster.replicas, 0.1)


@one_kind
def test_one_name_that_fails_does_not_hide_the_next(found, cluster, dns):
    dns.zone(pods(cluster, mysql_0="SERVFAIL", mysql_2=None))
    settles(found, cluster.replicas[:1])


@one_kind
def test_no_name_at_all_changes_nothing(found, cluster, dns):
    dns.zone({})
    stays(found, cluster.replicas, 3)


def test_the_primary_serves_on_without_its_name(found, cluster, dns, table):
    connection = found.connect()
    dns.zone(pods(cluster, mysql_0=None))
    wait_asked(dns, 4)
    assert at_primary(connection, "SELECT @@server_id") == cluster.primary.server_id
    insert(connection, table, "still there")
    close(connection)


def test_a_pod_that_moved_is_followed(found, cluster, dns):
    first, second = cluster.replicas
    dns.zone(pods(cluster, mysql_1=second, mysql_2=None))
    settles(found, [second])
    dns.zone(pods(cluster, mysql_1=second, mysql_2=first))
    settles(found, [first, second])


@one_kind
def test_a_pod_beyond_a_gap_is_found_by_the_service_record(found, cluster, dns):
    first, second = cluster.replicas
    dns.zone(pods(cluster, mysql_2=None))
    settles(found, [first])
    dns.zone(pods(cluster, mysql_2=None, mysql_9=second))
    wait_asked(dns, 1, f"mysql-9.{SUFFIX}", A)
    settles(found, [first, second])


@one_kind
def test_a_primary_alone(nameserver, discover, cluster, table):
    nameserver.zone(zone_of({0: cluster.primary}))
    process = discover(nameserver)
    process.wait_serving()
    settles(process, [cluster.primary])
    write(process, table, "alone")
    nameserver.zone(pods(cluster))
    process.sees_all(cluster)


@one_kind
def test_without_service_record_names_are_counted_up(nameserver, discover, doors, cluster):
    first, second = cluster.replicas
    places = {0: doors(cluster.primary, "127.0.1.10"), 2: doors(first, "127.0.1.12")}
    nameserver.zone(zone_of(places, with_record=False))
    process = discover(nameserver, backends={"service": "mysql", "namespace": "shop",
                                             "domain": "test", "port": places[0].port})
    process.wait_serving()
    settles(process, [first])
    wait_asked(nameserver, 1, f"mysql-5.{SUFFIX}", A)
    assert times_asked(nameserver, f"mysql-6.{SUFFIX}", A) == 0
    places[5] = doors(second, "127.0.1.15")
    nameserver.zone(zone_of(places, with_record=False))
    settles(process, [first, second])
    del places[2]
    nameserver.zone(zone_of(places, with_record=False))
    settles(process, [second])


@one_kind
def test_scaled_to_nothing_and_back(nameserver, discover, doors, cluster, table):
    def scale(block):
        """All pods, at addresses of their own."""
        places = {server.ordinal: doors(server, f"127.0.{block}.{server.ordinal + 1}")
                  for server in cluster.servers}
        nameserver.zone(zone_of(places))
        return places

    before = scale(2)
    process = discover(nameserver)
    process.wait_serving()
    process.sees_all(cluster)
    connection = process.connect()
    try:
        nameserver.zone(zone_of({}))
        for door in before.values():
            door.close()
        wait_until(lambda: process.log_text().count('event="backend gone"') == 2,
                   "both replicas are forgotten", 20)
        waiting = threading.Thread(target=insert, args=(connection, table, "waits"))
        waiting.start()
        scale(3)
        waiting.join(25)
        assert not waiting.is_alive()
        process.sees_all(cluster)
        assert cluster.primary.sql(f"SELECT v FROM {table}") == (("waits",),)
    finally:
        close(connection)


@one_kind
def test_fifty_pods(nameserver, discover, cluster):
    """Their record does not fit into a UDP packet."""
    places = {0: cluster.primary,
              **{ordinal: cluster.replicas[ordinal % 2] for ordinal in range(1, 50)}}

    def probes(server):
        return server.sql("SELECT COUNT(*) FROM information_schema.processlist "
                          "WHERE user = 'root'")[0][0]

    def drained():
        return set(re.findall(r'event="backend out" backend=mysql-(\d+) .*state=draining',
                              process.log_text()))

    before = [probes(server) for server in cluster.replicas]
    nameserver.zone(zone_of(places))
    # fifty TLS handshakes at a time may be too much for a loaded machine
    process = discover(nameserver, probe={"interval": "2s", "timeout": "10s"}, backends={
        "service": "mysql", "namespace": "shop", "domain": "test", "tls": "off"})
    process.wait_serving()
    wait_until(lambda: [probes(server) for server in cluster.replicas] ==
               [before[0] + 24, before[1] + 25], "all of them are probed", 30)
    settles(process, cluster.replicas)
    assert (RECORD, SRV) in nameserver.asked_by_tcp
    nameserver.zone(zone_of(dict(list(places.items())[:40])))
    wait_until(lambda: drained() == {str(ordinal) for ordinal in range(40, 50)},
               "those without name are out", 20)
    settles(process, cluster.replicas)


@one_kind
def test_pods_with_ipv6_only(nameserver, discover, cluster, table):
    doors = [Door(server, "::1", take_port()) for server in cluster.servers]
    try:
        nameserver.zone(zone_of(dict(enumerate(doors))))
        process = discover(nameserver)
        process.wait_serving()
        process.sees_all(cluster)
        write(process, table, "by IPv6")
        assert "[::1]:" in process.log_text()
    finally:
        for door in doors:
            door.close()


@one_kind
def test_of_two_addresses_the_one_that_answers(nameserver, discover, cluster):
    """Nobody listens at 127.0.9.9; of two families, that is what is tried first."""
    door = Door(cluster.replicas[0], "::1", take_port())
    try:
        zone = zone_of({0: cluster.primary, 1: door})
        zone[f"mysql-1.{SUFFIX}"] = ["::1", "127.0.9.9"]
        nameserver.zone(zone)
        process = discover(nameserver)
        process.wait_serving()
        settles(process, cluster.replicas[:1], seconds=25)
        wait_asked(nameserver, 3)
        assert process.log_text().count('event="backend found" backend=mysql-1') == 2
    finally:
        door.close()


# -------------------------------------------------------------------- DNS is difficult

@one_kind
def test_names_are_absolute(nameserver, discover, cluster):
    """The namespace comes from the search list, which is used for nothing else."""
    nameserver.zone({**pods(cluster), "*.example.org": ["127.0.9.9"],
                     "*.svc.test.example.org": record((4, 3306))})
    process = discover(nameserver, search="shop.svc.test svc.test test example.org",
                       backends={"service": "mysql"})
    process.wait_serving()
    process.sees_all(cluster)
    assert {name for name, _ in nameserver.asked if not name.endswith(SUFFIX)} == set()


@one_kind
@pytest.mark.parametrize("first", (0, 1))
def test_a_nameserver_that_knows_nothing(nameservers, discover, cluster, first):
    """It denies every name, at once; the other one knows them."""
    nameservers[first].zone({})
    nameservers[1 - first].zone(pods(cluster))
    process = discover(*nameservers)
    process.wait_serving()
    process.sees_all(cluster)
    asked = times_asked(nameservers[first], RECORD)
    stays(process, cluster.replicas, 3)
    assert times_asked(nameservers[first], RECORD) > asked
    assert "its DNS name is gone" not in process.log_text()


@one_kind
def test_nameservers_that_disagree_about_an_address(nameservers, discover, doors, cluster):
    """One of them is behind.  No flapping: a pod that answers keeps its address."""
    places = {server.ordinal: doors(server, f"127.0.4.{server.ordinal + 1}")
              for server in cluster.servers}
    moved = {**places, 1: doors(cluster.replicas[0], "127.0.5.2")}
    nameservers[0].zone(zone_of(places))
    nameservers[1].zone(zone_of(moved))
    process = discover(*nameservers)
    process.wait_serving()
    process.sees_all(cluster)
    stays(process, cluster.replicas, 3)
    assert process.log_text().count('event="backend found"') == 3
    places[1].close()           # the other address is the right one
    settles(process, cluster.replicas[1:])
    settles(process, cluster.replicas, seconds=25)


@one_kind
def test_a_silent_nameserver_leaves_names_in_doubt(nameservers, discover, cluster):
    silent, speaking = nameservers
    silent.zone({"*": "SILENCE"})
    speaking.zone(pods(cluster))
    process = discover(*nameservers)
    process.wait_serving()
    process.sees_all(cluster)
    speaking.zone(pods(cluster, mysql_2=None))
    wait_asked(speaking, 3)
    stays(process, cluster.replicas, 1)
    silent.zone(pods(cluster, mysql_2=None))
    settles(process, cluster.replicas[:1])


@one_kind
def test_a_name_that_is_denied_now_and_then(nameserver, discover, cluster):
    """Never twice in a row: not confirmed."""
    zone = pods(cluster)
    whole = zone[RECORD]
    nameserver.zone({**zone, RECORD: {"turns": [whole, whole[:2], whole, "NXDOMAIN"]}})
    process = discover(nameserver)
    process.wait_serving()
    process.sees_all(cluster)
    wait_asked(nameserver, 5)
    assert "its DNS name is gone" not in process.log_text()


@one_kind
def test_a_cache_that_keeps_what_is_missing(nameserver, discover, cluster):
    """
    It says for 30 s that there is no such name once it was asked in vain.  A pod that
    comes back, and a new one, are found sooner.
    """
    first, second = cluster.replicas
    zone = zone_of({0: cluster.primary, 1: first, 2: second}, negative_ttl=30)
    nameserver.zone(zone)
    process = discover(nameserver)
    process.wait_serving()
    process.sees_all(cluster)
    nameserver.zone(zone_of({0: cluster.primary, 1: first}, negative_ttl=30))
    settles(process, [first])
    nameserver.zone(zone_of({0: cluster.primary, 1: first, 3: second}, negative_ttl=30))
    settles(process, [first, second])
    nameserver.zone(zone)
    wait_until(lambda: process.log_text().count('event="backend in" backend=mysql-2') == 2,
               "mysql-2 is back", 15)


@one_kind
def test_resolv_conf_is_followed(nameservers, discover, cluster):
    first, second = nameservers
    first.zone(pods(cluster))
    second.zone(pods(cluster, mysql_2=None))
    process = discover(first)
    process.wait_serving()
    process.sees_all(cluster)
    process.resolve_by(second)
    settles(process, cluster.replicas[:1])
    asked = len(first.asked)
    wait_asked(second, 2)
    assert len(first.asked) == asked
    with open(process.resolv_conf, "w"):
        pass                                    # it is being written: the old ones stay
    wait_asked(second, 2)
    process.resolve_by(first)
    process.sees_all(cluster)


@one_kind
def test_readmux_may_be_there_before_its_servers(discover, nameserver, cluster):
    nameserver.zone({"*": "SERVFAIL"})
    process = discover(nameserver)
    wait_until(lambda: "listening" in process.log_text(), "readmux listens", 10)
    with pytest.raises(pymysql.err.OperationalError) as refused:
        process.connect()
    assert refused.value.args[0] == NO_BACKEND_YET
    nameserver.zone(pods(cluster))
    process.wait_serving()
    process.sees_all(cluster)
