# SPDX-License-Identifier: Apache-2.0
"""A host with services and clients in network namespaces of its own, and its pages over time."""

import contextlib
import itertools
import random
import socket

from support.network import enter_fresh_network_namespace
from support.peer import HERE, THERE, Peer
from support.polling import wait_until

from benchmark.exporter import exporter, sampling_configuration

_FIRST_LISTENING, _FIRST_OUTBOUND = 2000, 4000  # outside of every usual ephemeral range
_INTERVAL_SECONDS = 1
_SAMPLE_DEADLINE_SECONDS = 60
_CLOSED_A_MOVE = 3
_BYTES = 200

# Which ports have what; the others have established connections alone.
_HALF_CLOSED = {"inbound": 4, "outbound": 3}  # ports whose peers have closed: CLOSE_WAIT
_SHUT_DOWN = 1  # ports of either direction whose peers do not close: FIN_WAIT2
_UNREAD = 3  # ports of either direction with bytes that come and go


class _Connection:
    """`ours` is the end that the host has, `theirs` the other one."""

    def __init__(self, ours, theirs):
        self.ours, self.theirs = ours, theirs

    def close(self):
        """By the host first: TIME_WAIT is its own."""
        self.ours.close()
        self.theirs.close()


class _Host:
    """`listening` services with clients elsewhere, and clients of `outbound` services elsewhere.
    One process holds both ends. It stays in the host's namespace."""

    def __init__(self, listening, outbound):
        self._random = random.Random(1)
        enter_fresh_network_namespace()
        self._peer = Peer()
        self._ports = {"inbound": _listen(HERE, _FIRST_LISTENING, listening)}
        with self._peer.entered():
            self._ports["outbound"] = _listen(THERE, _FIRST_OUTBOUND, outbound)
        self._connections = {
            (direction, index): [self._connect(direction, index) for _ in range(3 + index % 6)]
            for direction, ports in self._ports.items()
            for index in range(len(ports))
        }
        self._half_closed = []
        self._be_untidy()

    def _connect(self, direction, index):
        listener = self._ports[direction][index]
        with self._peer.entered() if direction == "inbound" else contextlib.nullcontext():
            client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        return _Connection(*((server, client) if direction == "inbound" else (client, server)))

    def _be_untidy(self):
        """The states that every host has some of, and that no alert is about."""
        for direction, ports in _HALF_CLOSED.items():
            for index in range(min(ports, len(self._ports[direction]))):
                self._half_close(direction, index, lambda each: each.theirs, index + 1)
        for direction in self._ports:
            last = len(self._ports[direction])
            for index in range(max(0, last - _SHUT_DOWN), last):
                self._half_close(direction, index, lambda each: each.ours, 1)

    def _half_close(self, direction, index, half, count):
        connections = [self._connect(direction, index) for _ in range(count)]
        for connection in connections:
            half(connection).shutdown(socket.SHUT_WR)
        self._half_closed += connections

    def move(self):
        """Every other port has connections that end and begin; some have bytes to read."""
        for direction, ports in self._ports.items():
            for index in range(0, len(ports), 2):
                self._renew(direction, index)
            for index in range(min(_UNREAD, len(ports))):
                self._exchange(self._connections[direction, index][0])

    def _renew(self, direction, index):
        connections = self._connections[direction, index]
        for _ in range(self._random.randint(0, _CLOSED_A_MOVE)):
            if len(connections) > 1:
                connections.pop().close()
        for _ in range(self._random.randint(0, _CLOSED_A_MOVE)):
            connections.append(self._connect(direction, index))

    def _exchange(self, connection):
        connection.theirs.send(bytes(self._random.randint(1, _BYTES)))
        if self._random.random() < 0.5:
            connection.ours.recv(100 * _BYTES)

    def close(self):
        for each in [*self._half_closed, *itertools.chain(*self._connections.values())]:
            each.close()
        for listener in itertools.chain(*self._ports.values()):
            listener.close()
        self._peer.close()


def _listen(address, first, number):
    ports = range(first, first + number)
    return [socket.create_server((address, port), backlog=128) for port in ports]


def record(listening, outbound, pages):
    """Pages of one exporter on such a host, a sample each. This thread stays in the
    host's namespace."""
    with contextlib.closing(_Host(listening, outbound)) as host:
        host.move()
        with exporter(sampling_configuration(_INTERVAL_SECONDS)) as running:
            return [_next_page(host, running) for _ in range(pages)]


def _next_page(host, running):
    host.move()
    stamp = _stamp(running.scrape())
    wait_until(
        lambda: running.scrape_if(lambda scrape: _stamp(scrape) > stamp),
        "a later sample",
        _SAMPLE_DEADLINE_SECONDS,
    )
    return running.request().text


def _stamp(scrape):
    return scrape.source("sockdiag_sample_timestamp_seconds")
