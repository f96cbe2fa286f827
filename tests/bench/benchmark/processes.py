# SPDX-License-Identifier: Apache-2.0
"""Other processes: started so that they end with this one, stopped, and their cost read."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time
from typing import NamedTuple

from support.polling import wait_until
from support.server import DIES_WITH_US

from benchmark.command import Failure

NOWHERE = subprocess.DEVNULL

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_IDLE_SECONDS = 0.1
_IDLE_CPU_SECONDS = 0.0005
_WATCH_SECONDS = 0.002
_MOVED_CPU_SECONDS = 0.0001
_LONGEST_TICK_SECONDS = 0.02
# Closing a million sockets takes its time, as do answers to hundreds who have gone.
_END_DEADLINE_SECONDS = 120


def tool(name):
    """The path of one of tools/, as built."""
    return os.path.join(os.environ["SOCKDIAG_BENCH_TOOLS"], name)


def start(command, **options):
    """A child that the kernel ends with us."""
    options = {"stdin": NOWHERE, "stdout": NOWHERE, **options}
    return subprocess.Popen([*DIES_WITH_US, *command], **options)


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

    def divided_by(self, samples):
        return Cpu(*(value / samples for value in self))


def cpu_seconds(pid):
    """The process' CPU clock, which needs no ptrace: see clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def cpu_of(pid):
    user, system = (int(ticks) / _TICKS_PER_SECOND for ticks in _stat_of(f"/proc/{pid}")[11:13])
    return Cpu(cpu_seconds(pid), user, system)


def _stat_of(directory):
    """What follows the name in `stat`; see proc_pid_stat(5)."""
    text = pathlib.Path(directory, "stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()


def peak_memory_bytes(pid):
    """The most that was resident since the process began."""
    return _status_of(f"/proc/{pid}", "VmHWM") * 1024


def memory_bytes(pid):
    """What is resident now."""
    return _status_of(f"/proc/{pid}", "VmRSS") * 1024


def is_traced(pid):
    return all(_status_of(task, "TracerPid") for task in _tasks(pid))


def _status_of(directory, name):
    """The number of a line of `status`, 0 where there is none."""
    text = pathlib.Path(directory, "status").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:\s*(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _tasks(pid):
    return list(pathlib.Path(f"/proc/{pid}/task").iterdir())


def pause(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _is_stopped(pid), f"process {pid} is stopped")


def _is_stopped(pid):
    # Every thread of it: one in the middle of a dump stops at its end.
    return all(state == "T" for state in _thread_states(pid))


def _thread_states(pid):
    for task in _tasks(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield _stat_of(task)[0]


def resume(pid):
    os.kill(pid, signal.SIGCONT)


def settle(pid):
    """Waits until it is idle: what it does after an answer belongs to that answer's cost."""
    wait_until(lambda: _is_idle(pid), f"process {pid} is idle", _END_DEADLINE_SECONDS)


def _is_idle(pid):
    before = cpu_seconds(pid)
    time.sleep(_IDLE_SECONDS)
    return cpu_seconds(pid) - before < _IDLE_CPU_SECONDS


def busy_seconds(pid, is_done):
    """Waits until is_done() and it is idle again. How long its CPU clock moved meanwhile, for one
    that does not say how long a sample took."""
    busy, since = 0, time.monotonic()
    seen, end = cpu_seconds(pid), since + _END_DEADLINE_SECONDS
    while not is_done() or time.monotonic() - since < _IDLE_SECONDS:
        if time.monotonic() > end:
            raise Failure(f"process {pid} does not sample")
        time.sleep(_WATCH_SECONDS)
        if (cpu := cpu_seconds(pid)) - seen > _MOVED_CPU_SECONDS:
            now, seen = time.monotonic(), cpu
            busy, since = busy + _at_work(now - since), now
    return busy


def _at_work(seconds):
    """Of those between two movements: another process sees the clock move at ticks only."""
    return seconds if seconds < _LONGEST_TICK_SECONDS else _WATCH_SECONDS
