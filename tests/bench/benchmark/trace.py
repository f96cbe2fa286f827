# SPDX-License-Identifier: Apache-2.0
"""One run of a program under strace: how much it reads of the kernel, and its peak memory."""

import contextlib
import os
import re
import shutil
import time

from benchmark import processes
from benchmark.cost import Traffic

# The program waits that long at its end, so that its peak can be read there.
_SECONDS_AT_THE_END = 0.3
_OPTIONS = [
    *("-D", "-f", "-qq", "-yy", "--seccomp-bpf"),
    *("-e", "trace=recvmsg,recvfrom,read,exit_group", "-e", "verbose=none", "-s", "0"),
    *("-e", f"inject=exit_group:delay_enter={int(_SECONDS_AT_THE_END * 1e6)}"),
]
# PID call(FD<file>, ...) = result, or that in two parts
_CALL = re.compile(
    r"(\d+) +(?:<\.\.\. )?\w+(?:\(\d+<([^>]*)>| resumed).*?(?:= (\d+)|<unfinished.*)$"
)


def is_possible():
    return shutil.which("strace") is not None


@contextlib.contextmanager
def tracing(command, log):
    """The program itself, started; strace's lines go to the MemoryFile `log`. A sanitizer cannot
    look for leaks in what is traced."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    strace = ["strace", *_OPTIONS, "-o", log.path, "--", *command]
    process = processes.start(strace, stderr=processes.NOWHERE, env=environment)
    try:
        yield process
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
