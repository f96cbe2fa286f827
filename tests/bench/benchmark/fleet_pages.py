# SPDX-License-Identifier: Apache-2.0
"""Recorded pages, played by one server as those of many hosts."""

import asyncio
import contextlib
import gzip
import re
import resource
import socket
import time

from support.exposition import Exposition, split_sample

from benchmark import children

_STAMP = "sockdiag_sample_timestamp_seconds"
_REQUEST = re.compile(rb"GET /host/(\d+)/metrics ")
_AS_IN_PROMETHEUS = 6  # the level of compression hardly matters to who unpacks


class Recording:
    """Pages in the order in which they were taken. All are made to have the series of the last
    one. The second time round, counters go on from where they were."""

    def __init__(self, pages):
        self._lines = pages[-1].splitlines()
        types = Exposition(pages[-1]).types
        self._counters = {name for name, type in types.items() if type == "counter"}
        last = _values(pages[-1])
        self._values = [{**last, **_values(page)} for page in pages]
        self.series = len(last)
        self.not_zero = sum(value != 0 for value in last.values())
        self.bytes = len(pages[-1])
        self.gzip_bytes = len(gzip.compress(pages[-1].encode(), _AS_IN_PROMETHEUS))

    def __len__(self):
        return len(self._values)

    def page(self, number, now):
        """The page of that number, counted over all times round, as if taken now."""
        cycle, index = divmod(number, len(self))
        return "".join(f"{self._line(line, cycle, index, now)}\n" for line in self._lines)

    def _line(self, line, cycle, index, now):
        sample = split_sample(line)
        if sample is None:
            return line
        series, _ = sample
        return f"{series} {_text(self._value(series, cycle, index, now))}"

    def _value(self, series, cycle, index, now):
        name = series.partition("{")[0]
        if name == _STAMP:
            return now
        value = self._values[index][series]
        return value + cycle * self._growth(series) if name in self._counters else value

    def _growth(self, series):
        """In one time round, the step from its last page to its first included."""
        grown = self._values[-1][series] - self._values[0][series]
        return grown + grown / max(1, len(self) - 1)


def _values(page):
    """{series: value}"""
    return dict(filter(None, map(split_sample, page.splitlines())))


def _text(value):
    return str(int(value)) if value.is_integer() else repr(value)


class _Player:
    """A host's page changes once in `seconds`, and each host is one page ahead of that before."""

    def __init__(self, recording, seconds):
        self._recording, self._seconds = recording, seconds
        self._begin = time.time()
        self._step, self._answers = None, {}

    def answer(self, host):
        """To a GET, whole; made once in a step for all hosts that are at the same page."""
        step = int((time.time() - self._begin) / self._seconds)
        if step != self._step:
            self._step, self._answers = step, {}
        ahead = host % len(self._recording)
        if ahead not in self._answers:
            self._answers[ahead] = self._make(step + ahead)
        return self._answers[ahead]

    def _make(self, number):
        body = gzip.compress(self._recording.page(number, time.time()).encode(), _AS_IN_PROMETHEUS)
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
            b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
        ) + body

    async def converse(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self.answer(int(_REQUEST.match(request)[1])))
                await writer.drain()
        writer.close()


@contextlib.contextmanager
def playing(recording, seconds):
    """A server in a process of its own, as its port: /host/N/metrics, always with gzip."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        with children.fork(lambda: asyncio.run(_serve(listener, _Player(recording, seconds)))):
            yield listener.getsockname()[1]


async def _serve(listener, player):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection for each host
    server = await asyncio.start_server(player.converse, sock=listener)
    await server.serve_forever()
