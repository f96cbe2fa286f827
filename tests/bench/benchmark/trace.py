# SPDX-License-Identifier: Apache-2.0
"""Programs under strace: how much they read of the kernel, and their peak memory."""

import contextlib
import re
import shutil
import time

from support.polling import wait_until

from benchmark import processes
from benchmark.sample import Traffic

# The program waits that long at its end, so that its peak can be read there.
_SECONDS_AT_THE_END = 0.3
_OPTIONS = ("-f", "-qq", "-yy", "-s", "0", "-e", "verbose=none")
_CALLS = ("-e", "trace=recvmsg,recvfrom,read,exit_group")
_DELAY = ("-e", f"inject=exit_group:delay_enter={int(_SECONDS_AT_THE_END * 1e6)}")
# PID call(FD<file>, ...) = result, or that in two parts
_CALL = re.compile(
    r"(\d+) +(?:<\.\.\. )?\w+(?:\(\d+<([^>]*)>| resumed).*?(?:= (\d+)|<unfinished.*)$"
)


def is_possible():
    return shutil.which("strace") is not None


@contextlib.contextmanager
def tracing(command, log):
    """The program itself, started; strace's lines go to the MemoryFile `log`."""
    strace = ["strace", "-D", "--seccomp-bpf", *_OPTIONS, *_CALLS, *_DELAY, "-o", log.path, "--"]
    process = processes.start([*strace, *command], stderr=processes.NOWHERE)
    try:
        yield process
    finally:
        processes.end(process)


@contextlib.contextmanager
def attached(pid, log):
    """The same of one that runs."""
    strace = ["strace", *_OPTIONS, *_CALLS, "-o", log.path, "-p", str(pid)]
    process = processes.start(strace, stderr=processes.NOWHERE)
    try:
        wait_until(lambda: processes.is_traced(pid), f"strace has process {pid}")
        yield
    finally:
        processes.end(process)


def traffic_of(command):
    """Of a program that ends by itself."""
    log = processes.MemoryFile()
    with contextlib.closing(log), tracing(command, log) as process:
        peak = _peak_until_end(process)
        return Traffic(kernel_bytes(log.read()), peak)


def _peak_until_end(process):
    peak = 0
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # Nothing is resident any more in one that has ended but has not been waited for.
            peak = processes.peak_memory_bytes(process.pid) or peak
        time.sleep(_SECONDS_AT_THE_END / 10)
    return peak


def kernel_bytes(text):
    """Received from sock_diag sockets and read of /proc/net/tcp and tcp6. A look at a message that
    leaves it there counts for nothing."""
    total, unfinished = 0, {}
    for thread, file, result in _calls(text):
        file = file or unfinished.pop(thread, "")
        if not result:
            unfinished[thread] = file
        elif "SOCK_DIAG" in file or re.search(r"/net/tcp6?$", file):
            total += int(result)
    return total


def _calls(text):
    lines = (line for line in text.splitlines() if "MSG_PEEK" not in line)
    return (match.groups() for line in lines if (match := _CALL.match(line)))
