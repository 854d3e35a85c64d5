# SPDX-License-Identifier: GPL-2.0-or-later
"""readmux in a pod of its own, with no configuration unless it is given one."""

import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "integration"))
from readmux import BINARY, Readmux, yaml_text  # noqa: E402
from servers import APP  # noqa: E402

SPLIT, READ = 3306, 3307


class ProxyPod(Readmux):
    """Its clients call from the StatefulSet's client pod."""

    def __init__(self, statefulset, binary=BINARY, name="readmux", **settings):
        super().__init__(statefulset.workspace.directory(name), [], binary)
        self.settings = settings
        self.statefulset = statefulset
        self.sandbox = statefulset.sandbox(name)
        self.port = SPLIT
        statefulset.name_service(name, self.sandbox.address)

    def command(self):
        words = [*self.sandbox.prefix(), self.binary]
        if not self.settings:
            return words
        with open(self.config, "w") as out:
            out.write(yaml_text(self.settings))
        return [*words, "--config", self.config]

    def connect(self, user=APP.name, password=APP.password, **options):
        options = {"database": "app", "autocommit": None, **options}
        port = options.pop("port", self.port)
        return self.statefulset.client.mysql(self.sandbox.address, port, user=user,
                                             password=password, **options)

    def socket(self):
        return self.statefulset.client.connect(self.sandbox.address, self.port, 10)
