# SPDX-License-Identifier: Apache-2.0
"""wrk: many connections that ask for /metrics as fast as they are answered."""

import json
import pathlib
import subprocess
from typing import NamedTuple

from support.server import DIES_WITH_US

_REPORT = pathlib.Path(__file__).resolve().parents[1] / "wrk_report.lua"
_THREADS = 2
_MICROSECOND = 1e-6

# Beyond any run: an answer that comes late is late, and not an error.
_TIMEOUT = "60s"


class Requests(NamedTuple):
    """What is asked, and by how many connections at a time."""

    connections: int
    fresh: bool  # a connection for each request, by the client's wish
    gzip: bool


class Answers(NamedTuple):
    """Of one run. Seconds. `not_200` are among the requests."""

    requests: int
    seconds: float
    p50: float
    p90: float
    p99: float
    max: float
    socket_errors: int
    not_200: int


def load(port, requests, seconds):
    command = [*DIES_WITH_US, "wrk", "--timeout", _TIMEOUT]
    command += [f"-t{min(_THREADS, requests.connections)}", f"-c{requests.connections}"]
    command += [f"-d{seconds}s", "-s", str(_REPORT)]
    for header in _headers(requests):
        command += ["-H", header]
    command.append(f"http://127.0.0.1:{port}/metrics")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return _answers(json.loads(done.stdout.splitlines()[-1]))


def _headers(requests):
    if requests.fresh:
        yield "Connection: close"
    if requests.gzip:
        yield "Accept-Encoding: gzip"


def _answers(report):
    times = {name: report[name] * _MICROSECOND for name in ("p50", "p90", "p99", "max")}
    return Answers(
        requests=report["requests"],
        seconds=report["duration"] * _MICROSECOND,
        socket_errors=report["socket_errors"],
        not_200=report["not_200"],
        **times,
    )
