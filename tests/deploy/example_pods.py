# SPDX-License-Identifier: GPL-2.0-or-later
"""
The pods of deploy/kubernetes/mysql, with the scripts, commands, environment and mounts that
the manifests give to their containers: each container a chroot into the tree that
tests/servers/install-mysql makes (MySQL, but not the image's start script, for which
ENTRYPOINT below stands).  All pods share one network namespace, each with an address of its
own on its loopback interface.
"""

import base64
import os
import shutil
import subprocess
import sys

import pymysql

from kustomize import build
from tree import path

sys.path.insert(0, path("tests"))

from pods import Sandbox  # noqa: E402
from servers import wait_until  # noqa: E402
from servers.kind import cache_directory  # noqa: E402
from servers.server import launch  # noqa: E402

TREE = os.path.join(cache_directory(), "mysql-sid")

# What the image mysql:8.4 does before it becomes the server: data when there are none, the
# password of root, and the scripts of a directory.
ENTRYPOINT = r"""
set -eu
if [ ! -d /var/lib/mysql/mysql ]; then
    mysqld --initialize-insecure
    mysqld --skip-networking --socket=/tmp/first.sock &
    export MYSQL_PWD=
    until mysql --socket=/tmp/first.sock -u root -e 'DO 0' 2> /dev/null; do
        kill -0 $!
        sleep 0.2
    done
    mysql --socket=/tmp/first.sock -u root -e "
        CREATE USER root@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
        GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
        ALTER USER root@localhost IDENTIFIED BY '$MYSQL_ROOT_PASSWORD'"
    MYSQL_PWD=$MYSQL_ROOT_PASSWORD
    docker_process_sql() { mysql --socket=/tmp/first.sock -u root "$@"; }
    for script in /docker-entrypoint-initdb.d/*.sh; do . "$script"; done
    mysqladmin --socket=/tmp/first.sock -u root shutdown
    wait
fi
exec mysqld
"""

# $1 the container's directory, $2 its user, $3 the tree, pairs "source=target" up to "--", the
# command.  It ends with its parent and takes all processes of its namespace along; one that
# changes its user would not be told of its parent's end.
CONTAINER = r"""
set -e
here=$1 user=$2 tree=$3
shift 3
mount -t overlay overlay \
    -o "lowerdir=$tree,upperdir=$here/upper,workdir=$here/work" "$here/root"
mount -t proc proc "$here/root/proc"
mount --bind /dev "$here/root/dev"
while [ "$1" != -- ]; do
    mount --bind "${1%%=*}" "$here/root${1#*=}"
    shift
done
shift
chroot --userspec="$user:$user" "$here/root" "$@"
exit            # not by way of exec: this process, first of its namespace, must stay root
"""


def make_mount_point(source, target):
    """<source> is made too, as kubelet does with a subPath; a file is there already."""
    if os.path.isfile(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()
    else:
        os.makedirs(source, exist_ok=True)
        os.makedirs(target, exist_ok=True)


class ExamplePods:
    """Pods mysql-0, mysql-1, ... made by start_pod(); all end with remove()."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.objects = build(path("deploy/kubernetes/with-mysql"))
        self.pod = self.objects["StatefulSet", "mysql"]["spec"]["template"]["spec"]
        self.user = str(self.pod["securityContext"]["runAsUser"])
        self.sandbox = Sandbox("example")
        self.servers = []
        self.sandbox.ip("link set lo up")
        self._write_file("hosts", "127.0.0.1 localhost\n" + "".join(
            f"{self.address(i)} mysql-{i}.mysql\n" for i in range(5)))
        # the image has the same, and the directory
        self._write_file("my.cnf", "[mysqld]\nsecure-file-priv=NULL\n"
                                   "!includedir /etc/mysql/conf.d/\n")

    @staticmethod
    def address(ordinal):
        return f"127.0.1.{ordinal + 1}"

    def secret(self, name, key):
        return base64.b64decode(self.objects["Secret", name]["data"][key]).decode()

    def start_pod(self):
        """The next pod: its init containers one after the other, then the server."""
        ordinal = len(self.servers)
        for container in self.pod["initContainers"]:
            self.run_init(ordinal, container["name"])
        if ordinal > 0:                         # else made by ENTRYPOINT, as kubelet's subPath
            assert os.path.isdir(self._path(ordinal, "data/mysql/mysql"))
        (container,) = self.pod["containers"]
        self.servers.append(self._launch(ordinal, container, ["bash", "-c", ENTRYPOINT]))
        wait_until(lambda: self._answers(ordinal),
                   lambda: f"mysql-{ordinal} answers: {self.log(ordinal)}", 60)

    def run_init(self, ordinal, name):
        """Run one init container to its end; what it has printed."""
        (container,) = [c for c in self.pod["initContainers"] if c["name"] == name]
        process = self._launch(ordinal, container, container["command"])
        assert process.wait(120) == 0, f"{name} of mysql-{ordinal}: {self.log(ordinal)}"
        return self.log(ordinal)

    def connect(self, ordinal, user="root", password=None, **options):
        if password is None:
            password = self.secret("mysql", "root-password")
        return self.sandbox.mysql(self.address(ordinal), 3306, user=user, password=password,
                                  autocommit=True, **options)

    def log(self, ordinal):
        """What the pod's containers have printed, or the end of it."""
        with open(os.path.join(self.directory, f"mysql-{ordinal}.log"), errors="replace") as log:
            return log.read()[-4000:]

    def remove(self):
        for server in self.servers:
            server.kill()
            server.wait()
        self.sandbox.remove()

    # ---------------------------------------------------------------------------- inside

    def _answers(self, ordinal):
        assert self.servers[ordinal].poll() is None, self.log(ordinal)
        try:
            self.connect(ordinal).close()
            return True
        except pymysql.err.MySQLError:          # not yet
            return False

    def _write_file(self, name, text):
        file = os.path.join(self.directory, name)
        with open(file, "w") as out:
            out.write(text)
        return file

    def _path(self, ordinal, name=""):
        return os.path.join(self.directory, f"mysql-{ordinal}", name)

    def _sources(self, ordinal):
        """Each volume's directory, filled as Kubernetes would."""
        sources = {"data": self._path(ordinal, "data"), "conf": self._path(ordinal, "conf"),
                   "scripts": os.path.join(self.directory, "scripts")}
        for directory in sources.values():
            os.makedirs(directory, exist_ok=True)
        for name, text in self.objects["ConfigMap", "mysql"]["data"].items():
            self._write_file(f"scripts/{name}", text)
        with open(os.path.join(sources["conf"], "test.cnf"), "w") as out:
            out.write(f"[mysqld]\nbind-address={self.address(ordinal)}\nmysqlx=OFF\n"
                      "innodb-buffer-pool-size=32M\nskip-name-resolve\nsync-binlog=0\n"
                      "innodb-flush-method=nosync\ninnodb-doublewrite=OFF\n"
                      "socket=/tmp/mysql.sock\npid-file=/tmp/mysql.pid\n")
        return sources

    def _variables(self, ordinal, container):
        variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        for variable in container.get("env", ()):
            source = variable["valueFrom"]
            if "fieldRef" in source:
                assert source["fieldRef"]["fieldPath"] == "metadata.name"
                variables[variable["name"]] = f"mysql-{ordinal}"
            else:
                reference = source["secretKeyRef"]
                variables[variable["name"]] = self.secret(reference["name"], reference["key"])
        return variables

    def _launch(self, ordinal, container, command):
        here = self._path(ordinal, container["name"])
        shutil.rmtree(here, ignore_errors=True)
        sources = self._sources(ordinal)
        mounts = [(os.path.join(self.directory, "hosts"), "/etc/hosts"),
                  (os.path.join(self.directory, "my.cnf"), "/etc/my.cnf")]
        mounts += [(os.path.join(sources[mount["name"]], mount.get("subPath", "")),
                    mount["mountPath"]) for mount in container["volumeMounts"]]
        for part in ("upper", "work", "root"):
            os.makedirs(os.path.join(here, part))
        for source, target in mounts:
            make_mount_point(source, os.path.join(here, "upper") + target)
        for owned in ("data", "conf"):
            subprocess.run(["chown", "-R", f"{self.user}:{self.user}",
                            self._path(ordinal, owned)], check=True)
        with open(os.path.join(self.directory, f"mysql-{ordinal}.log"), "ab") as log:
            return launch([*self.sandbox.prefix(), "unshare", "--mount", "--pid", "--fork",
                           "--kill-child", "bash", "-c", CONTAINER, container["name"], here,
                           self.user, TREE, *("=".join(mount) for mount in mounts), "--",
                           *command],
                          stdout=log, stderr=log, env=self._variables(ordinal, container))
