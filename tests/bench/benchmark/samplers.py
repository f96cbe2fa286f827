# SPDX-License-Identifier: Apache-2.0
"""What samples sockets beside connections that are timed, this exporter among it."""

import contextlib
import os
import pathlib
import shutil
import subprocess
from typing import Callable, NamedTuple

from support import web

from benchmark import children, processes
from benchmark.command import Failure
from benchmark.exporter import exporter

NOTHING = "nothing"

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_BACK_TO_BACK = "sampling: {interval: 100ms, cpu_budget: 1}\nlisteners: {interval: 100ms}\n"
_TCPSTAT = ("--collector.disable-defaults", "--collector.tcpstat")


class Sampler(NamedTuple):
    """`running` gives the process that samples, and has children that do where it is a loop."""

    name: str
    running: Callable
    program: str = ""  # that has to be installed
    never_rests: bool = True

    def is_there(self):
        return not self.program or shutil.which(self.program) is not None


@contextlib.contextmanager
def _nothing():
    yield None


@contextlib.contextmanager
def _exporter(configuration):
    with exporter(configuration) as running:
        before = _last_sample(running)
        yield running.process.pid
        if _last_sample(running) == before:
            raise Failure("the exporter did not sample meanwhile: take longer --seconds")


def _last_sample(running):
    return running.scrape().source("sockdiag_sample_timestamp_seconds")


@contextlib.contextmanager
def _node_exporter():
    with children.node_exporter(*_TCPSTAT) as (process, port):
        with _loop(lambda: web.request(port)):
            yield process.pid


def _loop(action):
    def act_for_ever():
        while True:
            action()

    return children.fork(act_for_ever)


def _program(*command):
    """In a loop. It ends with its loop, or by itself soon after."""
    return _loop(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))


def _drain():
    return _program(processes.tool("socket_drain"))


ALL = (
    Sampler(NOTHING, _nothing, never_rests=False),
    Sampler("exporter", lambda: _exporter(""), never_rests=False),
    Sampler("exporter, back to back", lambda: _exporter(_BACK_TO_BACK)),
    Sampler("node_exporter tcpstat", _node_exporter, children.NODE_EXPORTER),
    Sampler("ss -tan", lambda: _program("ss", "-tan"), "ss"),
    Sampler("cat /proc/net/tcp{,6}", lambda: _program("cat", "/proc/net/tcp", "/proc/net/tcp6")),
    Sampler("raw drain", _drain),
)


def cpu_seconds(pid):
    """Of the process and of its children, those that have ended included."""
    if pid is None:
        return 0
    fields = _of_process(pid, "stat").rpartition(")")[2].split()
    ended = sum(int(ticks) for ticks in fields[13:15]) / _TICKS_PER_SECOND
    return processes.cpu_seconds(pid) + ended + sum(map(_cpu_if_alive, _children(pid)))


def _of_process(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")


def _children(pid):
    return [int(child) for child in _of_process(pid, f"task/{pid}/children").split()]


def _cpu_if_alive(pid):
    try:
        return processes.cpu_seconds(pid)
    except OSError:
        return 0


def pin(pid, cpu):
    """All threads that it has, and what they start."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), {cpu})
