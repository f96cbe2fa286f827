# SPDX-License-Identifier: Apache-2.0
"""What a scrape costs those who ask, and the exporter: latency, throughput, bytes and CPU."""

import contextlib
import gzip
import itertools
from typing import NamedTuple

from support.network import enter_fresh_network_namespace

from benchmark import children, processes, scrape_report, scrape_servers, wrk
from benchmark.command import Failure, numbers
from benchmark.sample import summary
from benchmark.scrape_servers import Server

# What both ship with; above it they answer 503.
_SHIPPED_MAX_REQUESTS = 40

# Below this, what was begun and not answered would weigh on the CPU time of the answers.
_ANSWERS_PER_CONNECTION = 10


class Cell(NamedTuple):
    """One kind of requests to one server, run once in each round."""

    server: Server
    asked: int  # series, by the command line; 0 where the page is the server's own
    series: int
    bytes: int  # of a body, as it is sent
    requests: wrk.Requests


class Measured(NamedTuple):
    answers: wrk.Answers
    cpu_seconds: float


def table(result):
    return scrape_report.table(result)


def add_arguments(parser):
    parser.add_argument("--series", type=numbers, default=[100, 1000, 10000], metavar="N,...")
    parser.add_argument("--connections", type=numbers, default=[1, 50, 500], metavar="N,...")
    parser.add_argument("--seconds", type=int, default=2, help="of one run of wrk")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--max-requests", type=int, default=512, help="answered at a time, by both exporters"
    )


def run(arguments):
    enter_fresh_network_namespace()
    with contextlib.ExitStack() as stack:
        cells = [
            cell for series in arguments.series for cell in _cells(series, arguments, stack)
        ] + _default_collectors(arguments, stack)
        measured = _measure(cells, arguments)
    rows = [_row(cell, measured[cell]) for cell in cells]
    result = {"rows": rows, **scrape_report.conclusions(rows)}
    _check(rows, result)
    return result


def _check(rows, result):
    for row in rows:
        if row["server"] == scrape_report.OURS and row["requests"] <= row["not_200"]:
            raise Failure(f"the exporter answered nothing: {row}", result)


def _cells(series, arguments, stack):
    """All that is asked for one number of series."""
    start = stack.enter_context
    ours = start(scrape_servers.exporter(series, arguments.max_requests))
    page = ours.page()
    servers = [ours, *_peers(page, arguments.max_requests, start)]
    all_requests = _all_requests(arguments)
    cells = [_cell(server, series, each) for each in all_requests for server in servers]
    bare = start(scrape_servers.bare_send(page, ours.page(gzip=True)))
    cells += [_cell(bare, series, wrk.Requests(1, False, each)) for each in (False, True)]
    return cells + _as_shipped(series, page, arguments, start)


def _peers(page, max_requests, start, suffix=""):
    if not children.has_node_exporter():
        print("node_exporter is left out: it is not installed")
        return []
    name = f"node_exporter{suffix}"
    return [start(scrape_servers.node_exporter(max_requests, page, name))]


def _all_requests(arguments):
    product = itertools.product(arguments.connections, (False, True), (False, True))
    return [wrk.Requests(*each) for each in product]


def _as_shipped(series, page, arguments, start):
    """How much is refused where many ask at a time."""
    if max(arguments.connections) <= _SHIPPED_MAX_REQUESTS:
        return []
    suffix = f", {_SHIPPED_MAX_REQUESTS} at a time"
    ours = scrape_servers.exporter(series, _SHIPPED_MAX_REQUESTS, f"sockdiag_exporter{suffix}")
    servers = [start(ours), *_peers(page, _SHIPPED_MAX_REQUESTS, start, suffix)]
    requests = wrk.Requests(max(arguments.connections), False, False)
    return [_cell(server, series, requests) for server in servers]


def _default_collectors(arguments, stack):
    if not children.has_node_exporter():
        return []
    name = "node_exporter, its own page"
    server = stack.enter_context(scrape_servers.node_exporter(arguments.max_requests, name=name))
    return [_cell(server, 0, wrk.Requests(each, False, False)) for each in arguments.connections]


def _cell(server, asked, requests):
    page = server.page()
    series, length = scrape_servers.series_of(page), len(page)
    if requests.gzip:
        sent = server.page(gzip=True)
        length = len(sent)
        if scrape_servers.series_of(gzip.decompress(sent)) != series:
            raise Failure(f"{server.name} serves other series with gzip than without")
    return Cell(server, asked, series, length, requests)


def _measure(cells, arguments):
    """{cell: a measurement of each round}; every second round goes backwards."""
    measured = {cell: [] for cell in cells}
    for number in range(arguments.rounds):
        for cell in cells if number % 2 == 0 else reversed(cells):
            measured[cell].append(_measure_cell(cell, arguments.seconds))
    return measured


def _measure_cell(cell, seconds):
    before = processes.cpu_seconds(cell.server.pid)
    answers = wrk.load(cell.server.port, cell.requests, seconds)
    processes.settle(cell.server.pid)  # it works on when those who asked have gone
    return Measured(answers, processes.cpu_seconds(cell.server.pid) - before)


def _row(cell, measured):
    answers = [each.answers for each in measured]
    return {
        "server": cell.server.name,
        "asked": cell.asked,
        "series": cell.series,
        "bytes": cell.bytes,
        **cell.requests._asdict(),
        "requests_per_second": _summary([each.requests / each.seconds for each in answers]),
        **{f"{name}_seconds": _times(answers, name) for name in ("p50", "p90", "p99", "max")},
        "cpu_seconds_per_answer": _summary(_cpu_per_answer(cell, measured)),
        **{name: _total(answers, name) for name in ("requests", "not_200", "socket_errors")},
    }


def _times(answers, name):
    return _summary([getattr(each, name) for each in answers if each.requests])


def _cpu_per_answer(cell, measured):
    enough = cell.requests.connections * _ANSWERS_PER_CONNECTION
    return [
        each.cpu_seconds / each.answers.requests
        for each in measured
        if each.answers.requests >= enough
    ]


def _total(answers, name):
    return sum(getattr(each, name) for each in answers)


def _summary(values):
    return summary(values) if values else None
