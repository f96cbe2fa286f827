# SPDX-License-Identifier: Apache-2.0
"""Sockets to be sampled, made by tools/socket_load in the current network namespace."""

import contextlib
import json
import subprocess
from typing import NamedTuple

from benchmark.command import Failure
from benchmark.processes import start, tool

PROFILES = (
    "established",
    "close_wait",
    "time_wait",
    "listeners",
    "destinations",
    "syn_flood",
    "churn",
)


class Load(NamedTuple):
    """What stands, as tools/socket_load.cpp prints it."""

    profile: str
    sockets: int
    half_open: int  # of them, which sockstat leaves out
    servers: int  # listeners beside them
    moving: bool  # whether sockets come and go


@contextlib.contextmanager
def load(profile, sockets=None):
    """Returns when all sockets are there, and is left when all are gone. Without a number the
    profile's usual one."""
    number = [] if sockets is None else ["--sockets", str(sockets)]
    command = [tool("socket_load"), "--profile", profile, *number]
    process = start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield _await_ready(process)
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def _await_ready(process):
    line = process.stdout.readline()
    if not line:
        raise Failure(f"no load: socket_load ended with status {process.wait()}")
    return Load(**json.loads(line))
