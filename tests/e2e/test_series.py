# SPDX-License-Identifier: Apache-2.0
"""How many series a host has: they are what a fleet pays for."""

import contextlib
import ctypes
import os
import subprocess
import unittest

from support.case import EndToEndTest
from support.exposition import Exposition
from support.network import enter_fresh_network_namespace
from support.recipes import connect, end_sending, listen, wait_for_state

_CLONE_NEWNET = 0x40000000
_HERE, _THERE = "192.0.2.1", "192.0.2.2"


class Peer:
    """A second network namespace, a cable away from the one that this thread is in."""

    def __init__(self):
        self._here = _open_namespace()
        enter_fresh_network_namespace()
        self._there = _open_namespace()
        _run("ip", "link", "add", "cable", "type", "veth", "peer", "cable", "netns", self._path())
        self._plug_in(_THERE)
        _enter(self._here)
        self._plug_in(_HERE)

    def _path(self):
        return f"/proc/{os.getpid()}/fd/{self._here}"

    def _plug_in(self, address):
        _run("ip", "address", "add", f"{address}/24", "dev", "cable")
        _run("ip", "link", "set", "cable", "up")

    @contextlib.contextmanager
    def entered(self):
        """What is done within happens over there."""
        _enter(self._there)
        try:
            yield
        finally:
            _enter(self._here)

    def close(self):
        os.close(self._here)
        os.close(self._there)


def _open_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _run(*command):
    subprocess.run(command, check=True)


def series_in(page):
    return [line for line in page.splitlines() if not line.startswith("#")]


class SeriesOfAHost(EndToEndTest):
    LISTENING = range(7000, 7029)  # and the exporter's own
    CALLED = range(8000, 8040)  # and the exporter's own while it is asked
    OWN = 9200
    MOST = 1000

    def setUp(self):
        super().setUp()
        self.peer = Peer()
        self.addCleanup(self.peer.close)

    def keep(self, endpoint):
        self.addCleanup(endpoint.close)
        return endpoint

    def accepted(self, port):
        """A connection to a port of this host: (this end, the peer's)."""
        listener = self.keep(listen(port, _HERE))
        with self.peer.entered():
            client = self.keep(connect(_HERE, port))
        return self.keep(listener.accept()[0]), client

    def called(self, port):
        """A connection to a port of the peer: (this end, the peer's)."""
        with self.peer.entered():
            listener = self.keep(listen(port, _THERE))
        client = self.keep(connect(_THERE, port))
        return client, self.keep(listener.accept()[0])

    def leave_open(self, ends):
        here, there = ends
        end_sending(there, "fin_wait2")
        wait_for_state(here, "close_wait")

    def start_host(self):
        inbound = [self.accepted(port) for port in self.LISTENING]
        outbound = [self.called(port) for port in self.CALLED]
        for ends in (inbound[0], inbound[1], outbound[0]):
            self.leave_open(ends)
        end_sending(inbound[2][0], "fin_wait2")
        for _, there in (*inbound[3:6], *outbound[3:6]):
            there.sendall(b"unread")
        return self.start_exporter(listen=f"127.0.0.1:{self.OWN}")

    def test_thirty_listeners_and_forty_services_are_a_thousand_at_most(self):
        exporter = self.start_host()
        exporter.fresh_scrape()
        text = exporter.request().text
        self.assert_ports(Exposition(text), inbound=30, outbound=40)
        self.assertLessEqual(len(series_in(text)), self.MOST)

    def assert_ports(self, scrape, **expected):
        for direction, count in expected.items():
            ports = scrape.family("sockdiag_tcp_time_wait_started_total")
            of_direction = {port for where, port in ports if where == direction}
            self.assertGreaterEqual(len(of_direction - {"other"}), count, direction)


if __name__ == "__main__":
    unittest.main()
