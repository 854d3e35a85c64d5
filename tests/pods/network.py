# SPDX-License-Identifier: GPL-2.0-or-later
"""
The pods' network: a node that routes between them, as most of Kubernetes' networks do.

Each pod has one link to the node and a /32 address.  What has no pod behind it is dropped
without a word, also the address of a pod that has been cut off or has gone: the senders
get neither RST nor ICMP.
"""

import itertools

from .sandbox import Sandbox

PODS = "10.244.0.0/16"
FIRST_POD = (10, 244, 0, 10)
NODE = "169.254.1.1"            # every pod's router
DNS = "10.96.0.10"              # where a cluster's DNS server is by custom


class Network:
    def __init__(self):
        self._links = itertools.count(1)
        self._places = {}               # sandbox: (link, address)
        self._numbers = itertools.count()
        self.node = Sandbox("node")
        self.node.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.node.ip("link set lo up", f"address add {DNS}/32 dev lo",
                     f"address add {NODE}/32 dev lo", f"route add blackhole {PODS}")

    def new_address(self):
        """One that no pod has had before."""
        number = next(self._numbers)
        a, b, c, d = FIRST_POD
        return f"{a}.{b}.{c + (d + number) // 250}.{(d + number) % 250 + 1}"

    def attach(self, sandbox, address):
        link = f"pod{next(self._links)}"
        self.node.ip(f"link add {link} type veth peer name eth0 netns {sandbox.pid}")
        sandbox.ip("link set lo up", "link set eth0 up",
                   f"address add {address}/32 dev eth0",
                   f"route add default via {NODE} dev eth0 onlink")
        self._places[sandbox] = link, address
        self.mend(sandbox)

    def cut(self, sandbox):
        """Nothing reaches the pod or leaves it any more: its route goes with the link."""
        link, _ = self._places[sandbox]
        self.node.ip(f"link set {link} down")

    def mend(self, sandbox):
        link, address = self._places[sandbox]
        self.node.ip(f"link set {link} up", f"route replace {address}/32 dev {link}")

    def detach(self, sandbox):
        link, _ = self._places.pop(sandbox)
        self.node.ip(f"link delete {link}")

    def remove(self):
        self.node.remove()
