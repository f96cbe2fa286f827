# SPDX-License-Identifier: Apache-2.0
"""Programs that are run for one sample."""

import contextlib
import json
import resource
import shutil
import subprocess
import time

from benchmark import sample, trace
from benchmark.command import Failure
from benchmark.processes import Cpu, tool
from benchmark.sample import Cost, Traffic

_SECONDS_PER_NANOSECOND = 1e-9


class Program:
    """One run of it is one sample, its start included."""

    def __init__(self, name, *command):
        self.name = name
        self._command = command

    def missing(self):
        return None if shutil.which(self._command[0]) else f"no {self._command[0]}"

    @contextlib.contextmanager
    def running(self, _):
        yield self

    def measure(self):
        begin, before = time.monotonic(), _children_cpu()
        # Not made to end with us, which would cost a program more; it ends by itself.
        subprocess.run(self._command, stdout=subprocess.DEVNULL, check=True)
        return {self.name: Cost(_children_cpu().since(before), time.monotonic() - begin)}

    def traffic(self):
        return trace.traffic_of(self._command) if trace.is_possible() else Traffic()


def _children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cpu(usage.ru_utime + usage.ru_stime, usage.ru_utime, usage.ru_stime)


class Drain(Program):
    """tools/socket_drain, which measures itself: its start is not in it."""

    def __init__(self, name, *flags):
        super().__init__(name, tool("socket_drain"), *flags)

    def drain(self):
        done = subprocess.run(self._command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(done.stderr.strip())
        return json.loads(done.stdout)

    def count(self):
        return self.drain()["sockets"], sample.sockets_by_sockstat()

    def measure(self):
        found = self.drain()
        cpu, user, system, wall = (
            found[f"{name}_ns"] * _SECONDS_PER_NANOSECOND
            for name in ("cpu", "user", "system", "wall")
        )
        return {self.name: Cost(Cpu(cpu, user, system), wall)}

    def traffic(self):
        found = self.drain()
        return Traffic(found["bytes"], found["peak_bytes"])


def programs():
    return [
        Program("ss", "ss", "-tan"),
        Program("proc", "cat", "/proc/net/tcp", "/proc/net/tcp6"),
        Drain("drain"),
        Drain("walk", "--match-nothing"),
    ]
