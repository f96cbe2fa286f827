# SPDX-License-Identifier: Apache-2.0
"""A daemon that samples sockets, stopped but for its turn."""

import contextlib

from benchmark import processes


class Daemon:
    pid = None

    @contextlib.contextmanager
    def turn(self):
        processes.resume(self.pid)
        yield
        processes.pause(self.pid)

    def peak_bytes(self):
        return processes.peak_memory_bytes(self.pid)
