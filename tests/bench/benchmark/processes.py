# SPDX-License-Identifier: Apache-2.0
"""Other processes: started so that they end with this one, stopped, and their cost read."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from typing import NamedTuple

from support.polling import wait_until

_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_END_DEADLINE_SECONDS = 120  # closing a million sockets takes its time


def tool(name):
    """The path of one of tools/, as built."""
    return os.path.join(os.environ["SOCKDIAG_BENCH_TOOLS"], name)


def start(command, **options):
    """A child that the kernel ends with us."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **options}
    return subprocess.Popen([*_DIES_WITH_US, *command], **options)


def end(process):
    """SIGTERM, also where it is stopped; then SIGKILL."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
    try:
        process.wait(_END_DEADLINE_SECONDS)
    finally:
        process.kill()
        process.wait()


class MemoryFile:
    """A file that has a path for other processes and vanishes with this one, however that ends."""

    def __init__(self, content=""):
        self._fd = os.memfd_create("benchmark")
        os.write(self._fd, content.encode())
        self.path = f"/proc/{os.getpid()}/fd/{self._fd}"

    def read(self):
        return pathlib.Path(self.path).read_text(encoding="utf-8", errors="replace")

    def close(self):
        os.close(self._fd)


class Cpu(NamedTuple):
    """Seconds since the process began. The total is exact, its parts are ticks of the kernel's."""

    total: float
    user: float
    system: float

    def since(self, before):
        return Cpu(*(now - then for now, then in zip(self, before)))


def cpu_seconds(pid):
    """The process' CPU clock, which needs no ptrace: see clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system = (int(ticks) / _TICKS_PER_SECOND for ticks in fields[11:13])
    return Cpu(cpu_seconds(pid), user, system)


def peak_memory_bytes(pid):
    """The most that was resident since the process began."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def pause(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _is_stopped(pid), f"process {pid} is stopped")


def _is_stopped(pid):
    # Every thread of it: one in the middle of a dump stops at its end.
    return all(state == "T" for state in _thread_states(pid))


def _thread_states(pid):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def resume(pid):
    os.kill(pid, signal.SIGCONT)
