# SPDX-License-Identifier: Apache-2.0
"""Bytes that stand in queues are told from bytes that move; and what is found where the samples
themselves fail."""

import contextlib
import socket
import unittest

from support.connection_states import Ends
from support.fault import NetlinkFault
from support.findings import (
    IMPATIENT,
    QUEUE_WINDOW_SECONDS,
    FindingsTest,
    Found,
    inbound,
)
from support.parallel import side_by_side
from support.peer import HERE
from support.polling import wait_until

RECEIVE = "sockdiag_tcp_receive_queue_bytes"
SEND = "sockdiag_tcp_send_queue_bytes"
PORT = 8080
MANY = 1 << 20  # bytes of a port (findings.queue_bytes)
QUEUE_SECONDS = QUEUE_WINDOW_SECONDS + 10


class QueueTest(FindingsTest):
    def connect(self, count):
        """Connections with the buffers of every day."""
        listener = socket.create_server((HERE, PORT))
        self.addCleanup(listener.close)
        made = []
        for _ in range(count):
            with self.peer.entered():
                client = socket.create_connection((HERE, PORT))
            made.append(Ends(listener.accept()[0], client))
            made[-1].here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200_000)
        for end in (end for ends in made for end in ends):
            end.setblocking(False)
            self.addCleanup(end.close)
        return made

    def wait_for_bytes(self, name, number):
        labels = {"direction": "inbound", "port": str(PORT)}
        self.wait_for(lambda scrape: (scrape.get(name, **labels) or 0) >= number, name)


def fill(connection):
    """Sends as much as the peer and the buffers take."""
    with contextlib.suppress(BlockingIOError):
        while connection.send(bytes(1 << 16)):
            pass


def drain(connection, count=1 << 24):
    with contextlib.suppress(BlockingIOError):
        while count > 0 and (data := connection.recv(min(count, 1 << 16))):
            count -= len(data)


class ReceiveQueue(QueueTest):
    def test_what_nobody_reads_is_found_until_it_is_read(self):
        self.watch()
        made = self.connect(20)
        for ends in made:
            fill(ends.there)
        self.wait_for_bytes(RECEIVE, MANY)
        self.expect(inbound("receive_queue_stuck", "warning", PORT))
        for ends in made:
            drain(ends.here)
        self.expect()

    def test_little_that_nobody_reads_is_nothing(self):
        self.watch()
        for ends in self.connect(20):
            ends.there.send(bytes(50_000))
        self.wait_for_bytes(RECEIVE, 20 * 50_000)
        self.expect_nothing(seconds=QUEUE_SECONDS)

    def test_uploads_that_are_read_slowly_are_nothing(self):
        """The queues are always nearly full, and yet everything moves."""
        self.watch()
        made = self.connect(20)

        def upload():
            for ends in made:
                drain(ends.here, 20_000)
                fill(ends.there)

        self.repeat(upload, 0.2)
        self.wait_for_bytes(RECEIVE, MANY)
        self.expect_nothing(seconds=QUEUE_SECONDS)


class SendQueue(QueueTest):
    def test_what_peers_do_not_take_is_for_information_until_they_do(self):
        self.watch()
        made = self.connect(20)
        for ends in made:
            fill(ends.here)
        self.wait_for_bytes(SEND, MANY)
        self.expect(inbound("send_queue_stuck", "info", PORT))
        for ends in made:
            drain(ends.there)
        self.expect()
        self.expect_nothing(seconds=5)

    def test_downloads_that_are_taken_slowly_are_nothing(self):
        self.watch()
        made = self.connect(20)

        def download():
            for ends in made:
                fill(ends.here)
                drain(ends.there, 20_000)

        self.repeat(download, 0.2)
        self.wait_for_bytes(SEND, MANY)
        self.expect_nothing(seconds=QUEUE_SECONDS)


class Blind(FindingsTest):
    SETTINGS = IMPATIENT.replace("cpu_budget: 1", "cpu_budget: 1, max_staleness: 5s")

    def setUp(self):
        super().setUp()
        self.fault = NetlinkFault()
        self.addCleanup(self.fault.remove)
        self.watch(environment=self.fault.environment())

    def test_a_host_that_cannot_be_looked_at_is_not_healthy(self):
        self.service_here(PORT)
        self.expect_nothing()
        with self.fault("ENOBUFS"):
            self.expect(Found("blind", "warning"))
        self.expect()
        self.expect_nothing(seconds=5)

    def test_what_was_found_before_is_not_told_for_ever(self):
        service = self.service_here(PORT)
        with self.peer.entered():
            made = service.close_waits(25)
        for ends in made:
            ends.here.recv(1)
        leak = inbound("cw_in_not_closed", "warning", PORT)
        self.expect(leak)
        with self.fault("ENOBUFS"):
            self.expect(Found("blind", "warning"))
        self.expect(leak)


load_tests = side_by_side

if __name__ == "__main__":
    unittest.main()
