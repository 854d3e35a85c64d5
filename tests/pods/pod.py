# SPDX-License-Identifier: GPL-2.0-or-later
"""
One pod of the StatefulSet: a server in a sandbox, and the part of Kubernetes that looks
after it (a kubelet, as a thread): it probes, starts a server that has ended again, and
makes a pod that was deleted anew, at another address and with the same data.
"""

import subprocess
import threading
import time

import pymysql

from servers import wait_until
from servers.accounts import ROOT
from servers.server import Server

from .sandbox import Sandbox

PORT = 3306
PRIMARY = "mysql-0.mysql"       # found by way of the search list, as in the tutorial

# The tutorial's readiness probe; before the first success it runs more often, as a
# startupProbe would.
PROBE_SECONDS = 2
PROBE_TIMEOUT = 1
PROBE_FAILURES = 3
STARTUP_PROBE_SECONDS = 0.2

RESCHEDULE_SECONDS = 1          # between a pod's end and its successor's beginning
BACKOFF_SECONDS = 1             # between two starts of a server in one pod
NODE_GRACE_SECONDS = 40         # until a node that is not heard of counts as lost
TICK_SECONDS = 0.1


class Pod(Server):
    """
    <ready_changed>() is called, by any thread, when <ready> has changed.  Between two
    sandboxes, and for good after delete(stay_away=True), there is none.
    """

    def __init__(self, kind, ordinal, directory, gtid, network, resolv_conf, ready_changed):
        super().__init__(kind, ordinal, directory, PORT, address="")
        self.gtid = gtid
        self.network = network
        self.resolv_conf = resolv_conf
        self.ready_changed = ready_changed
        self.sandbox = None
        self.ready = False
        self.probe_broken = False
        self.is_cut = False
        self._cut_at = 0
        self._lock = threading.RLock()
        self._attached = self.is_primary
        self._create_at = None          # when, if it is to be made (again)
        self._next_address = None
        self._launched_at = 0
        self._probed_at = 0
        self._failures = 0
        self._ended = threading.Event()
        self._kubelet = threading.Thread(target=self._look_after, daemon=True)
        self._kubelet.start()

    # ------------------------------------------------------------- what happens to it

    def create(self, address=None, after=0):
        """A new pod with the data of the one before, at <address> or a fresh one."""
        with self._lock:
            if self.sandbox is not None:
                raise AssertionError(f"{self.name} has a pod")
            self._next_address = address
            self._create_at = time.monotonic() + after

    def stop(self):
        """As a kubelet does: what has not ended after its grace period is killed."""
        try:
            super().stop()
        except subprocess.TimeoutExpired:
            self.frozen = False

    def kill(self, address=None):
        """The server dies without a word and the pod is made anew elsewhere."""
        with self._lock:
            self.kill9()
            self._discard()
            self.create(address, RESCHEDULE_SECONDS)

    def delete(self, address=None, stay_away=False):
        """As kubectl delete pod: out of DNS and asked to stop; then made anew if it may."""
        with self._lock:
            self._create_at = None
            self._set_ready(False)
            self.stop()
            self._discard()
            if not stay_away:
                self.create(address, RESCHEDULE_SECONDS)

    def crash(self):
        """The server dies; it is started again in the same pod."""
        with self._lock:
            self.kill9()
            self._set_ready(False)

    def restart(self):
        """The server stops in good order; it is started again in the same pod."""
        with self._lock:
            self.stop()
            self._set_ready(False)

    def freeze(self):
        with self._lock:
            super().freeze()

    def thaw(self):
        with self._lock:
            super().thaw()

    def cut(self):
        """Packets from and to the pod vanish.  Its node tells nobody: it stays in DNS."""
        with self._lock:
            self.network.cut(self.sandbox)
            self.is_cut = True
            self._cut_at = time.monotonic()

    def mend(self):
        with self._lock:
            self.network.mend(self.sandbox)
            self.is_cut = False

    def unready(self):
        """The probe fails from now on; the server answers as before."""
        self.probe_broken = True

    def unbreak(self):
        self.probe_broken = False

    def heal(self):
        """Undo whatever was done to it that Kubernetes would not undo."""
        with self._lock:
            self.probe_broken = False
            if self.sandbox is None:
                if self._create_at is None:
                    self.create()
                return
            if self.alive() and self.frozen:
                self.thaw()
            if self.is_cut:
                self.mend()

    def remove(self):
        """The pod and its kubelet end."""
        self._ended.set()
        self._kubelet.join()
        self.kill9()
        self._discard()

    # ------------------------------------------------------------------- for its users

    def connect(self, user=ROOT.name, password=ROOT.password, **options):
        """A connection from inside the pod: it needs neither network nor readiness."""
        return self.sandbox.mysql("127.0.0.1", PORT, user=user, password=password,
                                  **{"autocommit": True, "connect_timeout": 5, **options})

    def wait_pod_ready(self, seconds=60):
        wait_until(lambda: self.ready, f"{self.name} is ready (log: {self.log})", seconds)

    def state(self):
        """In words, for people."""
        if self.sandbox is None:
            return "away" if self._create_at is None else "pending"
        words = ["ready" if self.ready else "not ready"]
        words += [word for word, true in (("frozen", self.frozen), ("cut off", self.is_cut),
                                          ("probe broken", self.probe_broken)) if true]
        return ", ".join(words)

    # ---------------------------------------------------------------------- of Server

    def prefix(self):
        return self.sandbox.prefix()

    def options(self):
        options = {**super().options(), "bind-address": "0.0.0.0"}
        if not self.gtid:
            options.update(self.kind.without_gtid)
        if not self.is_primary:
            options["relay-log-recovery"] = "ON"
        return options

    def fill_data(self):
        super().fill_data()
        self._attached = self.is_primary

    # ------------------------------------------------------------------------ kubelet

    def _look_after(self):
        while not self._ended.wait(TICK_SECONDS):
            with self._lock:
                self._create_when_due()
                sandbox = self.sandbox
                if sandbox is None:
                    continue
                if self.is_cut:
                    if time.monotonic() > self._cut_at + NODE_GRACE_SECONDS:
                        self._set_ready(False)
                    continue
                self._keep_running()
                if not self._probe_is_due():
                    continue
            answered = self._probe()
            with self._lock:
                if self.sandbox is sandbox and self.alive():
                    self._take_probe(answered)

    def _create_when_due(self):
        if self._create_at is None or time.monotonic() < self._create_at:
            return
        self._create_at = None
        self.address = self._next_address or self.network.new_address()
        self.sandbox = Sandbox(self.name, self.resolv_conf)
        self.network.attach(self.sandbox, self.address)
        self.is_cut = False
        self._launched_at = 0

    def _keep_running(self):
        if self.alive():
            return
        self._set_ready(False)
        if time.monotonic() > self._launched_at + BACKOFF_SECONDS:
            self._launched_at = time.monotonic()
            self.launch()

    def _discard(self):
        self._set_ready(False)
        if self.sandbox is not None:
            self.network.detach(self.sandbox)
            self.sandbox.remove()
            self.sandbox = None

    def _probe_is_due(self):
        every = PROBE_SECONDS if self.ready else STARTUP_PROBE_SECONDS
        return time.monotonic() > self._probed_at + every

    def _probe(self):
        self._probed_at = time.monotonic()
        if self.probe_broken:
            return False
        try:
            connection = self.connect(connect_timeout=PROBE_TIMEOUT,
                                      read_timeout=PROBE_TIMEOUT)
        except pymysql.err.MySQLError:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            if not self._attached:
                self.sql(*self.kind.replicate_sql(ROOT, PORT, PRIMARY, self.gtid))
                self._attached = True
            return True
        except pymysql.err.MySQLError:
            return False
        finally:
            connection._force_close()

    def _take_probe(self, answered):
        self._failures = 0 if answered else self._failures + 1
        if answered:
            self._set_ready(True)
        elif self._failures >= PROBE_FAILURES:
            self._set_ready(False)

    def _set_ready(self, ready):
        if self.ready != ready:
            self.ready = ready
            self._failures = 0
            self.ready_changed()
