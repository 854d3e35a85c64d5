# SPDX-License-Identifier: GPL-2.0-or-later
"""
deploy/container/Containerfile is built, the Debian package installed on the way, and readmux
started in it as Kubernetes would: as a user without a name, its settings in the environment.
"""

import json
import os
import signal
import sys

import pymysql
import pytest

from container import BASE, BUILD_BASE, open_store, why_not
from tree import path

sys.path.insert(0, path("tests"))

from servers import APP, Cluster, take_port, wait_until  # noqa: E402
from servers.server import launch  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(why_not() != "", reason=f"no containers: {why_not()}"),
]

IMAGE = "localhost/readmux:test"
USER = 65532


@pytest.fixture(scope="module")
def store():
    return open_store()


@pytest.fixture(scope="module")
def image(store):
    """Its configuration."""
    store.buildah("build", "--isolation", "chroot", "--no-cache", "--quiet",
                  "--file", path("deploy/container/Containerfile"),
                  "--build-arg", f"BASE={BASE}", "--build-arg", f"BUILD_BASE={BUILD_BASE}",
                  "--tag", IMAGE, path(), seconds=900)
    yield json.loads(store.buildah("inspect", "--type", "image", IMAGE))["OCIv1"]["config"]
    store.buildah("rmi", "--force", IMAGE)


@pytest.fixture
def container(store, image):
    made = store.buildah("from", IMAGE)
    yield made
    store.buildah("rm", made)


def inside(store, container, *command):
    """What a command prints in the container."""
    return store.buildah("run", "--isolation", "chroot", "--user", "0", container, "--", *command)


def test_image_says_how_it_is_run(image):
    assert image["Entrypoint"] == ["/usr/bin/readmux"]
    assert image["User"] == f"{USER}:{USER}"
    assert set(image["ExposedPorts"]) == {"3306", "3307"} or \
        set(image["ExposedPorts"]) == {"3306/tcp", "3307/tcp"}


def test_package_was_installed(store, container):
    assert inside(store, container, "dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "readmux") == "ii"
    assert inside(store, container, "dpkg", "--verify", "readmux") == ""
    assert inside(store, container, "stat", "-c", "%U:%G %a", "/etc/readmux") == "root:readmux 750"
    owner = inside(store, container, "getent", "passwd", "readmux")
    assert owner.endswith(":/nonexistent:/usr/sbin/nologin")


def test_image_holds_no_compiler(store, container):
    absent = inside(store, container, "sh", "-c", "ls /package /src /build /usr/bin/gcc 2> /dev/null "
                                                  "|| true")
    assert absent == ""


def test_package_goes_again(store, container):
    """Removed: the configuration stays; purged: it goes too."""
    inside(store, container, "dpkg", "--remove", "readmux")
    assert inside(store, container, "sh", "-c", "ls /usr/bin/readmux || ls /etc/readmux") == \
        "readmux.yaml"
    inside(store, container, "dpkg", "--purge", "readmux")
    assert inside(store, container, "sh", "-c", "ls -d /etc/readmux || echo gone") == "gone"


def test_it_serves(store, container, image, tmp_path):
    port = take_port()
    with Cluster("mariadb") as cluster, open(tmp_path / "log", "wb") as log:
        variables = {"READMUX_LISTEN": f"127.0.0.1:{port} split",
                     "READMUX_BACKENDS_SERVERS": ",".join(s.endpoint for s in cluster.servers)}
        settings = [word for name, value in variables.items()
                    for word in ("--env", f"{name}={value}")]
        # in a namespace that takes all of its processes along when the test ends
        process = launch(["unshare", "--mount-proc", "--pid", "--fork", "--kill-child",
                          *store.words("run", "--isolation", "chroot", *settings,
                                       "--user", image["User"], container, "--",
                                       *image["Entrypoint"])], stdout=log, stderr=log)
        try:
            wait_until(lambda: reader(port) in (101, 102),
                       lambda: (tmp_path / "log").read_text()[-3000:], 60, every=0.2)
            pid = readmux_below(process.pid)
            assert os.stat(f"/proc/{pid}").st_uid == USER
            os.kill(pid, signal.SIGTERM)
            assert process.wait(30) == 0, (tmp_path / "log").read_text()[-3000:]
        finally:
            process.kill()
            process.wait()


def reader(port):
    """Who answers a read through readmux; None when it does not serve."""
    try:
        connection = pymysql.connect(host="127.0.0.1", port=port, user=APP.name,
                                     password=APP.password, autocommit=True, connect_timeout=5)
    except pymysql.err.MySQLError:
        return None
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@server_id")
        return cursor.fetchone()[0]


def readmux_below(pid):
    """The process id of readmux among <pid>'s descendants; None: there is none."""
    with open(f"/proc/{pid}/comm") as name:
        if name.read() == "readmux\n":
            return pid
    below = []
    for thread in os.listdir(f"/proc/{pid}/task"):      # any of them may be the parent
        with open(f"/proc/{pid}/task/{thread}/children") as children:
            below += [int(child) for child in children.read().split()]
    return next((found for child in below if (found := readmux_below(child))), None)
