# SPDX-License-Identifier: Apache-2.0
"""A real node_exporter with its textfile collector alone."""

import subprocess
import tempfile

from support import web
from support.exporter import Log
from support.exposition import Exposition
from support.polling import wait_until
from support.server import DIES_WITH_US

# The namespace belongs to the test alone, so a fixed port is free.
_PORT = 9100


class NodeExporter:
    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_node_exporter_")
        self._process = subprocess.Popen(
            [*DIES_WITH_US, "prometheus-node-exporter", *self._flags()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.log = Log(self._process.stderr)

    def _flags(self):
        return [
            f"--web.listen-address=127.0.0.1:{_PORT}",
            "--collector.disable-defaults",
            "--collector.textfile",
            f"--collector.textfile.directory={self._directory.name}",
        ]

    def write(self, name, text):
        with open(f"{self._directory.name}/{name}", "wb") as file:
            file.write(text)

    def scrape(self):
        return Exposition(wait_until(self._try_to_scrape, "node_exporter answers"))

    def _try_to_scrape(self):
        try:
            return web.request(_PORT).text
        except OSError:
            return None

    def dispose(self):
        self._process.kill()
        self._process.wait()
        self.log.finish()
        self._directory.cleanup()
