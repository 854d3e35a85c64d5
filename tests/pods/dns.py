# SPDX-License-Identifier: GPL-2.0-or-later
"""
The cluster's DNS server: Knot DNS with the zone cluster.local, as CoreDNS would answer
for the Services of the StatefulSet.

https://github.com/kubernetes/dns/blob/master/docs/specification.md says which records a
headless Service has.  A ready pod has an A record of its own, one at the Service's name,
and an SRV record for the port "mysql".  A pod that is not ready has none: its name does not
exist.  The Service exists always, so without any pod its names answer with no data.
"""

import os
import subprocess

from servers import wait_until
from servers.server import launch

DOMAIN = "cluster.local"
NAMESPACE = f"default.svc.{DOMAIN}"
SERVICE = f"mysql.{NAMESPACE}"

CONFIG = """
server:
    rundir: "{directory}"
    listen: "{address}@53"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{directory}"
log:
  - target: stderr
    any: warning
zone:
  - domain: {domain}
    file: "{directory}/zone"
    journal-content: none
"""

RESOLV_CONF = """\
search {namespace} svc.{domain} {domain}
nameserver {address}
options ndots:5
"""


class Dns:
    """
    At <address> inside <sandbox>.  TTLs are in seconds: CoreDNS' plugin "kubernetes" has 5
    by default; what is said not to exist may be kept for <negative_ttl>.
    """

    def __init__(self, directory, sandbox, address, ttl=5, negative_ttl=5):
        self.directory = directory
        self.sandbox = sandbox
        self.address = address
        self.ttl = ttl
        self.negative_ttl = negative_ttl
        self.resolv_conf = os.path.join(directory, "resolv.conf")
        self.log = os.path.join(directory, "knotd.log")
        self.process = None
        self._serial = 0
        self._write("resolv.conf", RESOLV_CONF.format(namespace=NAMESPACE, domain=DOMAIN,
                                                      address=address))
        self._write("knot.conf", CONFIG.format(directory=directory, address=address,
                                               domain=DOMAIN))
        self._write_zone({}, {})

    def _write(self, name, text):
        # in place: pods have resolv.conf mounted
        with open(os.path.join(self.directory, name), "w") as out:
            out.write(text)

    def start(self):
        if self._runs():
            return
        with open(self.log, "ab") as log:
            self.process = launch([*self.sandbox.prefix(), "knotd", "--config",
                                   os.path.join(self.directory, "knot.conf")],
                                  stdout=log, stderr=log)
        wait_until(lambda: self._control("zone-status", DOMAIN),
                   f"knotd runs (log: {self.log})")

    def stop(self):
        """No answer to anything until start()."""
        if self._runs():
            self.process.kill()
            self.process.wait()

    def publish(self, pods, others=None):
        """
        From now on these <pods> are ready, {name: address}; <others> are names of other
        Services, with or without an address.
        """
        self._write_zone(pods, others or {})
        if self._runs():
            self._control("--blocking", "zone-reload", DOMAIN)

    def _runs(self):
        return self.process is not None and self.process.poll() is None

    def _control(self, *words):
        socket = os.path.join(self.directory, "knot.sock")
        return subprocess.run(["knotc", "--socket", socket, *words],
                              capture_output=True).returncode == 0

    def _write_zone(self, pods, others):
        self._serial += 1
        lines = [f"$ORIGIN {DOMAIN}.", f"$TTL {self.ttl}",
                 f"@ SOA ns.dns hostmaster {self._serial} 7200 1800 86400"
                 f" {self.negative_ttl}",
                 "@ NS ns.dns", f"ns.dns A {self.address}",
                 f"{SERVICE}. TXT service", f"_mysql._tcp.{SERVICE}. TXT service"]
        for name, address in pods.items():
            pod = f"{name}.{SERVICE}."
            lines += [f"{pod} A {address}", f"{SERVICE}. A {address}",
                      f"_mysql._tcp.{SERVICE}. SRV 0 {100 // len(pods)} 3306 {pod}"]
        lines += [f"{name}.{NAMESPACE}. A {address}" for name, address in others.items()]
        self._write("zone", "\n".join(lines) + "\n")
