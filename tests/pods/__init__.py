# SPDX-License-Identifier: GPL-2.0-or-later
"""
A StatefulSet without Kubernetes: the pods of the tutorial "Run a Replicated Stateful
Application" as network namespaces with real servers, a real DNS server that publishes only
ready pods, and readmux in a pod of its own.

    with StatefulSet("mariadb", gtid=False) as pods:        # or "mysql"
        readmux = ProxyPod(pods).start()
        pods.servers[1].kill()
        pods.scale(5)

tests/statefulset is the same as a tool for people.  What differs from Kubernetes: a new
pod's data come from the template and the primary's binlogs, not from a clone; there is no
liveness probe; a pod begins again one second after its end.

Needs root, and iproute2 and knot of Debian.  All of it lives in namespaces, and dies with
the process that made it.
"""

from .proxy import READ, SPLIT, ProxyPod
from .sandbox import Sandbox, why_not
from .statefulset import StatefulSet

__all__ = ["READ", "SPLIT", "ProxyPod", "Sandbox", "StatefulSet", "why_not"]
