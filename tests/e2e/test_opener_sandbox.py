# SPDX-License-Identifier: Apache-2.0
"""sockdiag_opener under the restrictions of its unit that can be had without systemd."""

import os
import tempfile
import unittest

from support.network import enter_fresh_network_namespace
from support.opener import ActivatedOpener, Container
from support.sandbox import OPENER_UNIT, Sandbox


class UnderTheUnitsRestrictions(unittest.TestCase):
    def setUp(self):
        enter_fresh_network_namespace()
    def test_it_passes_sockets(self):
        sandbox = Sandbox(OPENER_UNIT)
        self.addCleanup(sandbox.remove)
        opener = ActivatedOpener(prefix=["unshare", "--net", *sandbox.command()])
        self.addCleanup(lambda: self.assertEqual(opener.dispose(), 0, opener.log.text_lines()))
        container = Container()
        self.addCleanup(container.end)
        connection = opener.connect()
        self.addCleanup(connection.close)
        for _ in range(3):
            error, descriptor = connection.ask(container.pid)
            self.assertEqual(error, 0, opener.log.text_lines())
            os.close(descriptor)
        with open(f"/proc/{opener.process.pid}/status", encoding="ascii") as file:
            self.assertIn("Seccomp:\t2\n", file.read())

    def test_without_the_right_to_enter_namespaces_it_ends(self):
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as unit:
            with open(OPENER_UNIT, encoding="ascii") as file:
                unit.write(file.read().replace("RestrictNamespaces=net", "RestrictNamespaces=yes"))
            unit.flush()
            sandbox = Sandbox(unit.name)
        self.addCleanup(sandbox.remove)
        opener = ActivatedOpener(prefix=sandbox.command())
        self.addCleanup(opener.dispose)
        opener.log.wait_for("entering a network namespace: Operation not permitted")
        self.assertEqual(opener.process.wait(), 1)


if __name__ == "__main__":
    unittest.main()
