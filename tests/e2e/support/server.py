# SPDX-License-Identifier: Apache-2.0
"""Servers of Prometheus's family, each with a directory of its own."""

import pathlib
import subprocess
import tempfile

from support import web
from support.polling import wait_until

# The kernel ends the child with us, so that a killed test run leaves nothing behind.
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"]


class Server:
    """Runs PROGRAM on PORT, which is free since the namespace belongs to the test alone."""

    PROGRAM = None
    PORT = None

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix=f"sockdiag_e2e_{self.PROGRAM}_")
        self._process = subprocess.Popen(
            [*DIES_WITH_US, self.PROGRAM, *self._flags(pathlib.Path(self._directory.name))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _flags(self, directory):
        """Writes the files that the program needs and returns its flags."""
        raise NotImplementedError

    def wait_until_ready(self):
        wait_until(self._is_ready, f"{self.PROGRAM} is ready")
        return self

    def _is_ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"{self.PROGRAM} ended with {self._process.returncode}")
        try:
            return web.request(self.PORT, "/-/ready").status == 200
        except ConnectionError:
            return False

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._directory.cleanup()
