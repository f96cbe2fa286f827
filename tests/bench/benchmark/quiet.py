# SPDX-License-Identifier: Apache-2.0
"""What daemons cost a host where little happens: all at the same time, with their defaults, scraped
now and then."""

import contextlib
import gzip
import http.client
import math
import sys
import time
from typing import NamedTuple

from support.connection_states import Service
from support.exposition import Exposition
from support.network import enter_fresh_network_namespace

from benchmark import processes, sample
from benchmark.command import Failure
from benchmark.daemons import Collectd, NodeExporter
from benchmark.exporter import exporter
from benchmark.tables import columns

_SOURCES = ("tcp", "listeners", "kernel")
_FIRST_PORT = 20_000  # outside of the ephemeral range
_LISTENERS = 20
_CONNECTIONS = 40  # two sockets each
_HALF_CLOSED = 10  # of the connections
_COLLECTD_INTERVAL = 10  # its default
_TIMEOUT_SECONDS = 10

# As Prometheus sends them.
_HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


def add_arguments(parser):
    parser.add_argument("--seconds", type=float, default=120, help="that are measured")
    parser.add_argument("--scrape-interval", type=float, default=15, metavar="SECONDS")


class Target:
    """What Prometheus scrapes, over a connection that is kept where the server keeps it."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)

    def scrape(self):
        """Its series, and how many bytes came for them."""
        self._connection.request("GET", "/metrics", headers=_HEADERS)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200 or answer.getheader("Content-Encoding") != "gzip":
            raise Failure(f"/metrics answered {answer.status}, {answer.headers.items()}")
        return Exposition(gzip.decompress(body).decode()), len(body)


class DefaultNodeExporter(NodeExporter):
    """Not `tcpstat` alone."""

    _COMMAND = ("prometheus-node-exporter",)


class Daemon(NamedTuple):
    name: str
    pid: int
    target: Target | None  # None: it is not scraped


class Moment(NamedTuple):
    """What the process had used when it had answered a scrape."""

    time: float
    cpu: float
    by_source: dict  # the exporter's own clock, by source
    memory: int
    series: int | None
    bytes: int | None


def run(arguments):
    scrapes = math.floor(arguments.seconds / arguments.scrape_interval)
    if scrapes < 1:
        raise Failure("--seconds is less than a scrape interval")
    enter_fresh_network_namespace()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_sockets())
        daemons, left_out = _start(stack)
        sockets = sample.sockets_by_sockstat()
        first, last = _observe(daemons, scrapes, arguments.scrape_interval)
    rows = [_row(daemon, first[daemon.name], last[daemon.name]) for daemon in daemons]
    settings = {"scrape_interval_seconds": arguments.scrape_interval, "scrapes": scrapes}
    return {"sockets": sockets, **settings, "left_out": left_out, "rows": rows}


@contextlib.contextmanager
def _sockets():
    """Listeners, established connections, and some that clients have half closed."""
    services = [Service(_FIRST_PORT + number) for number in range(_LISTENERS)]
    for number in range(_CONNECTIONS):
        services[number % _LISTENERS].connect(1)
    for service in services[:_HALF_CLOSED]:
        service.half_close_clients(1)
    yield
    for service in services:
        service.close()


def _start(stack):
    """The daemons, and {name: why} of those that are not installed."""
    running = stack.enter_context(exporter(""))
    daemons = [Daemon("sockdiag_exporter", running.process.pid, Target(running.port))]
    left_out = {}
    for peer, port in ((DefaultNodeExporter(), NodeExporter.PORT), (Collectd(), None)):
        if why := peer.missing():
            left_out[peer.name] = why
            print(f"{peer.name} is left out: {why}", file=sys.stderr)
            continue
        stack.enter_context(peer.running(_COLLECTD_INTERVAL))
        processes.resume(peer.pid)
        daemons.append(Daemon(peer.name, peer.pid, Target(port) if port else None))
    return daemons, left_out


def _observe(daemons, scrapes, interval):
    """{name: Moment} at a scrape, and `scrapes` later."""
    begin = time.monotonic()
    first = {daemon.name: _moment(daemon) for daemon in daemons}
    for number in range(1, scrapes + 1):
        time.sleep(max(0, begin + number * interval - time.monotonic()))
        last = {daemon.name: _moment(daemon) for daemon in daemons}
    return first, last


def _moment(daemon):
    page, size = daemon.target.scrape() if daemon.target else (None, None)
    return Moment(
        time.monotonic(),
        processes.cpu_seconds(daemon.pid),
        _by_source(page) if daemon.name == "sockdiag_exporter" else {},
        processes.memory_bytes(daemon.pid),
        len(page) if page else None,
        size,
    )


def _by_source(page):
    return {each: page.source("sockdiag_sample_cpu_seconds_total", each) for each in _SOURCES}


def _row(daemon, first, last):
    seconds = last.time - first.time
    cpu = (last.cpu - first.cpu) / seconds
    by_source = {
        each: (last.by_source[each] - first.by_source[each]) / seconds for each in last.by_source
    }
    if by_source:
        by_source["the rest"] = cpu - sum(by_source.values())
    return {
        "name": daemon.name,
        "cpu_seconds_per_second": cpu,
        "of_it": by_source,
        "memory_bytes": last.memory,
        "series": last.series,
        "bytes": last.bytes,
    }


def table(result):
    rows = result["rows"]
    ours = rows[0]["cpu_seconds_per_second"]
    heading = ["", "CPU us a second", "x ours", "MiB resident", "series", "bytes of a scrape"]
    lines = [
        f"{result['sockets']} sockets, {result['scrapes']} scrapes "
        f"{result['scrape_interval_seconds']:g} s apart"
    ]
    lines += columns([heading, *(_cells(row, ours) for row in rows)])
    of_it = [[f"of it {name}", _microseconds(cpu)] for name, cpu in rows[0]["of_it"].items()]
    return "\n".join([*lines, "", *columns([["sockdiag_exporter", "CPU us a second"], *of_it])])


def _cells(row, ours):
    cpu = row["cpu_seconds_per_second"]
    return [
        row["name"],
        _microseconds(cpu),
        f"{cpu / ours:.2f}",
        f"{row['memory_bytes'] / 2**20:.1f}",
        *("-" if row[name] is None else str(row[name]) for name in ("series", "bytes")),
    ]


def _microseconds(seconds):
    return f"{seconds * 1e6:.0f}"
