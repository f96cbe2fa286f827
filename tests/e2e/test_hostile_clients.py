# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm: beside each of them a scrape is answered within two seconds, and when they
have gone the exporter has the descriptors, threads and CPU time that it had before."""

import contextlib
import os
import resource
import time
import unittest

from support import web
from support.case import EndToEndTest
from support.exporter import FAST, LARGE
from support.polling import wait_until

SECONDS = 2
TICKS = 20  # hundredths of a second of CPU time in a second at rest
# One publication, so that each document is rendered once: a sanitizer makes that slow.
ONCE = "listeners: {interval: 1m, peak_window: 1h}\n"
LONG = ONCE + "sampling: {interval: 1h}\nweb: {request_timeout: 1m}\n"
HELLO = bytes.fromhex("1603010200010001fc0303") + b"\x55" * 200  # half of a TLS handshake

# name -> what each connection sends
ATTACKS = {
    "idle": b"",
    "half a request line": b"GET /metr",
    "slow headers": b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-a: b\r\n",
    "half a TLS handshake": HELLO,
    "pipelining": web.get(b"/-/healthy") * 100,
    "a huge header": web.get(b"/", b"X: " + b"y" * 60_000),
    "a huge URI": web.get(b"/" + b"x" * 60_000),
    "a chunked body": web.post(b"/metrics", b"Transfer-Encoding: chunked", body=b"ffff\r\nx"),
    "HEAD with a body": b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nx",
    "a slow reader of metrics": web.get(b"/metrics"),
    "a slow reader of the page": web.get(b"/"),
    "a slow reader of samples": web.get(b"/api/v1/samples"),
}


def cpu_ticks(pid):
    """User and system time, in hundredths of a second."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12])


def address(number):
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


class HostileClients(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.clients = contextlib.ExitStack()
        self.addCleanup(self.clients.close)

    def attack(self, exporter, count, addresses, payload=b""):
        """Opens connections one after the other, from several addresses in turn."""
        for number in range(count):
            connection = web.connect(exporter.port, 4096, address(number % addresses))
            self.clients.callback(connection.close)
            with contextlib.suppress(ConnectionError):
                connection.sendall(payload)

    def expect_a_scrape(self, exporter):
        begin = time.monotonic()
        self.assertEqual(exporter.request().status, 200)
        self.assertLess(time.monotonic() - begin, SECONDS)

    def ticks_in(self, exporter, seconds):
        """CPU time that it takes from now on for so long."""
        before, end = cpu_ticks(exporter.process.pid), time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > end, "the time is over")
        return cpu_ticks(exporter.process.pid) - before

    def test_a_scrape_beside_each_attack_is_answered_and_nothing_stays_behind(self):
        exporter = self.start_exporter(config=LARGE + ONCE)
        self.expect_a_scrape(exporter)
        descriptors, threads = exporter.open_descriptors(), count_threads(exporter)
        for name, payload in ATTACKS.items():
            with self.subTest(name):
                self.attack(exporter, 200, 20, payload)
                self.expect_a_scrape(exporter)
                self.clients.close()
        wait_until(lambda: exporter.open_descriptors() <= descriptors, "descriptors are given back")
        self.assertEqual(count_threads(exporter), threads)
        self.assertLess(self.ticks_in(exporter, 1), TICKS)

    def test_a_thousand_idle_clients_of_one_address_and_of_fifty(self):
        for addresses in (1, 50):
            with self.subTest(addresses=addresses):
                exporter = self.start_exporter(config=LONG)
                self.attack(exporter, 1000, addresses)
                self.expect_a_scrape(exporter)
                self.assertEqual(len(exporter.log.matching("closed connections")), 1)
                self.clients.close()

    def test_a_client_beyond_its_limit_is_closed_at_once(self):
        exporter = self.start_exporter(config=LONG)
        [first, *others] = [web.connect(exporter.port, source=address(0)) for _ in range(17)]
        for connection in (first, *others):
            self.clients.callback(connection.close)
        self.assertEqual(web.read_to_end(first), b"")
        others[0].sendall(web.get(b"/-/healthy"))
        self.assertEqual(web.statuses(others[0].recv(4096)), [200])

    def test_only_allowed_networks_are_let_in(self):
        exporter = self.start_exporter(config=FAST + "web: {allow: [127.0.0.1, 10.0.0.0/8]}\n")
        for _ in range(100):
            with web.connect(exporter.port, source="127.0.0.2") as stranger:
                self.assertEqual(web.read_to_end(stranger), b"")
        self.expect_a_scrape(exporter)
        [line] = exporter.log.matching("not allowed")
        self.assertIn("127.0.0.2", line)

    def test_a_lack_of_descriptors_is_survived_without_spinning(self):
        exporter = self.start_exporter(config=LONG)
        for limit in (3, 30):
            with self.subTest(limit=limit):
                before = set_descriptors(exporter, limit)
                self.attack(exporter, 60, 10, web.get(b"/-/healthy"))
                self.assertLess(self.ticks_in(exporter, 2), 2 * TICKS)
                set_descriptors(exporter, before)
                self.clients.close()
                wait_until(lambda: is_served(exporter), "a scrape is served again")
        self.assertLessEqual(len(exporter.log.matching("cannot accept")), 1)


def count_threads(exporter):
    return len(os.listdir(f"/proc/{exporter.process.pid}/task"))


def set_descriptors(exporter, soft):
    """Sets the limit of a running exporter and returns the one before."""
    pid = exporter.process.pid
    before, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    return before


def is_served(exporter):
    with contextlib.suppress(OSError):
        return exporter.request().status == 200
    return False


if __name__ == "__main__":
    unittest.main()
