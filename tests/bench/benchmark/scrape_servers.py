# SPDX-License-Identifier: Apache-2.0
"""What is scraped: the exporter, node_exporter with the same page, and a bare send of its bytes."""

import contextlib
import socket
from typing import NamedTuple

from support import web
from support.exposition import Exposition

from benchmark import children
from benchmark.command import Failure
from benchmark.exporter import exporter as running_exporter

# An inbound port that is named and has no listener has 13 series; the rest are there without any.
_SERIES_PER_PORT = 13
_SERIES_WITHOUT_PORTS = 119
_FIRST_PORT = 20_000

# No sample runs while its page is asked for. Listeners that happen to be there get no series.
_CONFIG = """
sampling: {{interval: 1h}}
listeners: {{interval: 1m}}
ports: {{max_ports: {max_ports}, inbound: {ports}}}
web: {{max_requests: {max_requests}}}
"""
_GZIP = [("Accept-Encoding", "gzip")]


class Server(NamedTuple):
    """Something that answers /metrics, in a process of its own."""

    name: str
    pid: int
    port: int

    def page(self, gzip=False):
        answer = web.request(self.port, headers=_GZIP if gzip else [])
        if answer.status != 200:
            raise Failure(f"{self.name} answers {answer.status}")
        return answer.body


def series_of(page):
    return len(Exposition(page.decode()))


@contextlib.contextmanager
def exporter(series, max_requests, name="sockdiag_exporter"):
    """Serves about that many series, but no fewer than it has without any port."""
    ports = max(0, round((series - _SERIES_WITHOUT_PORTS) / _SERIES_PER_PORT))
    listed = list(range(_FIRST_PORT, _FIRST_PORT + ports))
    text = _CONFIG.format(ports=listed, max_ports=max(1, ports), max_requests=max_requests)
    with running_exporter(text) as process:
        yield Server(name, process.process.pid, process.port)


@contextlib.contextmanager
def node_exporter(max_requests, page=None, name="node_exporter"):
    """With `page` as its textfile collector's only file, or with its default collectors."""
    flags = [f"--web.max-requests={max_requests}"]
    if page is not None:
        flags += ["--collector.disable-defaults", "--collector.textfile"]
    with children.node_exporter(*flags, page=page or b"") as (process, port):
        yield Server(name, process.pid, port)


@contextlib.contextmanager
def bare_send(page, gzip_page, name="bare send"):
    """A connection, one read, and one send of bytes that are ready: what no server can avoid."""
    answers = {False: _answer(page), True: _answer(gzip_page)}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with children.fork(lambda: _send_for_ever(listener, answers)) as pid:
            yield Server(name, pid, listener.getsockname()[1])


def _answer(page):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(page) + page


def _send_for_ever(listener, answers):
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            request = connection.recv(65536)
            connection.sendall(answers[b"gzip" in request])
