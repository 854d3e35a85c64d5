# SPDX-License-Identifier: GPL-2.0-or-later
"""The StatefulSet "mysql" of the namespace "default", with its network and its DNS."""

import os
import threading

from servers import ServerFailed, Workspace, kind_named
from servers.cluster import Cluster
from servers.waiting import TimedOut

from .dns import Dns
from .network import DNS, Network
from .pod import Pod
from .sandbox import Sandbox, why_not


class StatefulSet(Cluster):
    """
    servers[N] is the pod mysql-N; servers[0] is the primary.  <client> is one more pod,
    without a server, from which clients call.  Use as a context manager.
    """

    def __init__(self, kind_name, replicas=3, gtid=True, **dns_options):
        self.kind = kind_named(kind_name)
        if not self.kind.installed():
            raise ServerFailed(self.kind.not_installed)
        if why_not():
            raise ServerFailed(f"no namespaces: {why_not()}")
        self.gtid = gtid
        self.servers = []
        self.others = {}                # name of a Service: address
        self._size = replicas
        self._pods = []                 # also those that were scaled away
        self._sandboxes = []
        self._publishing = threading.Lock()
        self.workspace = Workspace()
        self.network = Network()
        self.dns = Dns(self.workspace.directory("dns"), self.network.node, DNS,
                       **dns_options)
        self.client = self.sandbox("client")

    def start(self):
        """All pods side by side; returns when they are ready and replicate."""
        self.kind.template()            # once, not once per pod
        self.dns.start()
        self.servers = [self._pod(ordinal) for ordinal in range(self._size)]
        for pod in self.servers:
            pod.create()
        for pod in self.servers:
            pod.wait_pod_ready()
        self.wait_replicating(60)
        return self

    def remove(self):
        for pod in self._pods:
            pod.remove()
        self.dns.stop()
        for sandbox in self._sandboxes:
            sandbox.remove()
        self.network.remove()
        self.workspace.remove()

    def sandbox(self, name):
        """A pod without server, in the network and with the cluster's resolv.conf."""
        sandbox = Sandbox(name, self.dns.resolv_conf)
        self._sandboxes.append(sandbox)
        sandbox.address = self.network.new_address()
        self.network.attach(sandbox, sandbox.address)
        return sandbox

    def scale(self, size):
        """As kubectl scale: one after the other, upward in order, downward from the end."""
        while len(self.servers) > size:
            self.servers.pop().delete(stay_away=True)
        for ordinal in range(len(self.servers), size):
            pod = self._pod(ordinal)
            pod.create()
            self.servers.append(pod)
            pod.wait_pod_ready()

    def name_service(self, name, address):
        """Publish another Service."""
        self.others[name] = address
        self._publish()

    def heal(self, seconds=60):
        """Until every pod is ready and replicates again, whatever was done to it."""
        self.dns.start()
        for pod in self.servers:
            pod.heal()
        for pod in self.servers:
            pod.wait_pod_ready(seconds)
        self.wait_replicating(seconds)

    def wait_caught_up(self, seconds=20):
        """By file and position, so that it does without GTIDs."""
        with self.primary.connect() as connection, connection.cursor() as cursor:
            cursor.execute(self.kind.binlog_status)
            file, position = cursor.fetchone()[:2]
        for replica in self.replicas:
            if replica.sandbox is None or not replica.alive() or replica.frozen:
                continue
            ((events,),) = replica.sql(
                f"SELECT {self.kind.wait_function}('{file}', {position}, {seconds})")
            if events is None or events < 0:
                raise TimedOut(f"{replica.name} is not at {file}:{position} in {seconds} s")

    def mend(self):
        self.heal()

    def _pod(self, ordinal):
        if ordinal < len(self._pods):
            return self._pods[ordinal]          # its volume has been kept
        directory = self.workspace.directory(f"mysql-{ordinal}")
        pod = Pod(self.kind, ordinal, directory, self.gtid, self.network,
                  self.dns.resolv_conf, self._publish)
        self._pods.append(pod)
        return pod

    def _publish(self):
        with self._publishing:
            self.dns.publish({pod.name: pod.address for pod in self._pods if pod.ready},
                             self.others)
