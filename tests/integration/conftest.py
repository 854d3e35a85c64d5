# SPDX-License-Identifier: GPL-2.0-or-later
"""
Fixtures: one cluster per kind (started when first used, mended when a test
has damaged it, removed at the end) and readmux before it.

Every test that uses <kind>, directly or by way of another fixture, runs against
MariaDB and against MySQL.  Where MySQL could not be installed, ./check sets
READMUX_SKIP_MYSQL, and the summary says that nothing was tested against it.
"""

import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from pods import ProxyPod, StatefulSet, why_not  # noqa: E402
from pods.loop import Loop  # noqa: E402
from readmux import BINARY, Readmux, close  # noqa: E402
from servers import Cluster, Workspace  # noqa: E402

KINDS = ("mariadb", "mysql")
_numbers = itertools.count(1)
_failed = {}                    # names, in order; only where tests run side by side


def skip_mysql():
    return bool(os.environ.get("READMUX_SKIP_MYSQL"))


def pytest_collection_modifyitems(config, items):
    """Take out the tests that are marked as the other kind's only."""
    def is_other_kind(item):
        marker = item.get_closest_marker("only")
        return marker is not None and item.callspec.params["kind"] not in marker.args

    others = [item for item in items if is_other_kind(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def pytest_runtest_logreport(report):
    """Where tests run side by side: what failed is told at once, for a run that is cut short."""
    if report.failed and hasattr(report, "node"):
        _failed[report.nodeid] = True
        print(f"\n{report.nodeid} failed in its {report.when}:\n{report.longreprtext[-2000:]}",
              flush=True)


def pytest_sessionfinish():
    """For .ci/integration-all, which runs a few of them again, alone."""
    if _failed and os.environ.get("READMUX_FAILED"):
        with open(os.environ["READMUX_FAILED"], "w", encoding="utf-8") as out:
            out.writelines(f"{name}\n" for name in _failed)


def pytest_terminal_summary(terminalreporter):
    if skip_mysql():
        terminalreporter.section("NOTHING WAS TESTED AGAINST MYSQL", red=True, bold=True)
        terminalreporter.line("Debian unstable, from which it comes, could not be had.")
    if why_not():
        terminalreporter.section("NO STATEFULSET WAS TESTED", red=True, bold=True)
        terminalreporter.line(f"Its pods could not be had: {why_not()}")
    if os.environ.get("READMUX_SKIP_NPM"):
        terminalreporter.section("NO CLIENT OF NPM WAS TESTED", red=True, bold=True)
        terminalreporter.line("The packages of tests/clients/node could not be had.")


def pytest_sessionstart():
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"{BINARY} is missing: build it first (./check does)", returncode=3)


class Clusters:
    """The clusters of this run, by kind."""

    def __init__(self):
        self._running = {}

    def get(self, kind):
        if kind not in self._running:
            self._running[kind] = Cluster(kind).__enter__()
        return self._running[kind]

    def remove(self):
        for cluster in self._running.values():
            cluster.remove()


@pytest.fixture(scope="session")
def clusters():
    clusters = Clusters()
    yield clusters
    clusters.remove()


@pytest.fixture(scope="session")
def workspace():
    workspace = Workspace()
    yield workspace
    workspace.remove()


@pytest.fixture(scope="session")
def namespaces():
    """For tests with pods."""
    if why_not():
        pytest.skip(f"no pods: {why_not()}")


def combinations(*pairs):
    """Parameters (kind, gtid) of StatefulSets, with names for people."""
    return [pytest.param(pair, id=f"{pair[0]}-{'gtid' if pair[1] else 'without-gtid'}")
            for pair in pairs]


# Modules that test more of them have a fixture of this name of their own.
@pytest.fixture(scope="module", params=combinations(("mariadb", True), ("mysql", False)))
def combination(request):
    return request.param


@pytest.fixture(scope="module")
def pods(combination, namespaces):
    """A StatefulSet."""
    kind, gtid = combination
    if kind == "mysql" and skip_mysql():
        pytest.skip("MySQL could not be installed (READMUX_SKIP_MYSQL)")
    with StatefulSet(kind, gtid=gtid) as pods:
        yield pods


@pytest.fixture(scope="module")
def module_proxy(pods):
    """readmux before it, without configuration."""
    proxy = ProxyPod(pods)
    try:
        proxy.start()
        yield proxy
    except BaseException:
        proxy.kill()
        raise
    proxy.stop()


@pytest.fixture
def proxy(pods, module_proxy):
    """That readmux; the pods and it are well before each test."""
    pods.heal()
    module_proxy.sees_all(pods, 30)
    yield module_proxy
    module_proxy.check_alive()


@pytest.fixture
def loop(proxy):
    """The tutorial's loop of reads, which never sees an error."""
    with Loop(proxy.connect) as loop:
        yield loop
        loop.check()


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    if request.param == "mysql" and skip_mysql():
        pytest.skip("MySQL could not be installed (READMUX_SKIP_MYSQL)")
    return request.param


@pytest.fixture(scope="module")
def cluster(clusters, kind):
    """Undamaged at the start of the module."""
    cluster = clusters.get(kind)
    cluster.mend()
    return cluster


def _directory(workspace):
    return workspace.directory(f"readmux-{next(_numbers)}")


def _start(workspace, cluster, **settings):
    endpoints = [server.endpoint for server in cluster.servers]
    process = Readmux(_directory(workspace), endpoints, **settings)
    try:
        process.start()
        process.sees_all(cluster)
        return process
    except BaseException:
        process.kill()
        raise


@pytest.fixture(scope="module")
def module_settings():
    """Of the module's readmux; a module with others overrides it."""
    return {}


# How bytes come from a server decides where they are cut: TLS gives records of 16 KB, TCP
# what there is.  Modules whose readmux is to meet both return this as module_settings.
@pytest.fixture(scope="module", params=("preferred", "off"), ids=lambda tls: f"tls-{tls}")
def both_ways(request):
    return {"backends": {"tls": request.param}}


@pytest.fixture(scope="module")
def module_readmux(workspace, cluster, module_settings):
    process = _start(workspace, cluster, **module_settings)
    yield process
    if process.alive():                     # else its last test has told
        process.stop()


@pytest.fixture(scope="module")
def shuffled(workspace, cluster):
    """A readmux that moves its sessions to other server connections at every chance."""
    process = _start(workspace, cluster, debug={"reshuffle": True}, backends={"balance": "p2c"})
    yield process
    process.stop()


@pytest.fixture
def readmux(module_readmux):
    """The module's readmux, which must be alive and well after each test."""
    if not module_readmux.alive():          # an earlier test has failed by that
        os.unlink(module_readmux.log)
        module_readmux.start()
    yield module_readmux
    module_readmux.check_alive()


@pytest.fixture
def start_readmux(workspace, cluster):
    """start_readmux(**settings): a readmux of the test's own, before the same cluster."""
    started = []

    def start(**settings):
        started.append(_start(workspace, cluster, **settings))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def breakable(cluster, readmux):
    """The cluster, for a test that kills servers: mended afterwards, as readmux sees it too."""
    yield cluster
    cluster.mend()
    readmux.sees_all(cluster)


@pytest.fixture
def session(readmux):
    """A logged-in client."""
    connection = readmux.connect()
    yield connection
    close(connection)


@pytest.fixture
def table(cluster):
    """The name of a new table (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100)) on all servers."""
    name = f"app.t{os.getpid()}_{next(_numbers)}"
    cluster.primary.sql(
        f"CREATE TABLE {name} (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))")
    cluster.wait_caught_up()
    yield name
    if cluster.primary.alive():
        # a test that failed may have left a transaction that holds it
        cluster.primary.sql("SET lock_wait_timeout = 5", f"DROP TABLE IF EXISTS {name}")
