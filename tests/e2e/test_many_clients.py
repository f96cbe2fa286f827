# SPDX-License-Identifier: Apache-2.0
"""Connections that stay, and more clients than workers."""

import concurrent.futures
import http.client
import signal
import unittest

from support import web
from support.case import EndToEndTest
from support.exporter import FAST, LARGE
from support.exposition import Exposition
from support.network import has_socket, kernel_sockets
from support.polling import wait_until

KEPT = web.get(b"/-/healthy")
# Lets one address have as many connections as it likes.
CROWD = "web: {max_connections_per_client: 1000}\n"


def address(number):
    """One of the loopback addresses that the exporter is not scraped from."""
    return f"127.0.1.{number + 1}"


class KeptConnections(EndToEndTest):
    def test_requests_follow_each_other_over_one_connection(self):
        exporter = self.start_exporter()
        client = http.client.HTTPConnection("127.0.0.1", exporter.port)
        self.addCleanup(client.close)
        client.connect()
        end = client.sock.getsockname()
        for method in ("GET", "HEAD", "OPTIONS", "GET"):
            client.request(method, "/metrics")
            answer = client.getresponse()
            answer.read()
            self.assertEqual(answer.getheader("Connection"), "keep-alive")
            self.assertEqual(client.sock.getsockname(), end)

    def test_a_request_in_pieces_is_to_come_at_once(self):
        exporter = self.start_exporter()
        connection = self.keep(exporter)
        connection.sendall(b"GET /metr")
        self.assertEqual(web.statuses(web.read_to_end(connection)), [400])

    def test_a_crowd_that_stays_leaves_workers_for_others(self):
        exporter = self.start_exporter(config=FAST + CROWD)
        connections = [self.keep(exporter) for _ in range(100)]
        self.assertEqual(exporter.request().status, 200)
        wait_until(lambda: sum(map(self.is_open, connections)) == 64 // 4, "a quarter is kept")

    def test_idle_ones_go_when_workers_run_short(self):
        exporter = self.start_exporter(config=LARGE + "web: {request_timeout: 1m}\n")
        kept = [self.keep(exporter) for _ in range(16)]
        for number in range(60):
            reader = web.connect(exporter.port, 4096, address(number))
            self.addCleanup(reader.close)
            reader.sendall(web.get(b"/metrics"))
        self.assertEqual(exporter.request().status, 200)
        for connection in kept:
            self.assertEqual(web.read_to_end(connection), b"")

    def test_they_do_not_hold_up_the_end(self):
        exporter = self.start_exporter()
        kept = [self.keep(exporter) for _ in range(10)]
        exporter.process.send_signal(signal.SIGTERM)
        exporter.log.wait_for("ending on signal")
        for connection in kept:
            self.assertEqual(web.read_to_end(connection), b"")
        self.assertEqual(exporter.wait(), 0)

    def test_a_prometheus_leaves_no_time_wait_here(self):
        exporter = self.start_exporter()
        prometheus = self.start_prometheus(exporter)
        prometheus.wait_for("count_over_time(up[1m]) >= bool 10", 1)
        self.assertEqual(prometheus.value("min_over_time(up[1m])"), 1)
        states = [s.state for s in kernel_sockets() if s.local_port == exporter.port]
        self.assertEqual(sorted(states), ["established", "listen"])

    def keep(self, exporter):
        connection = web.connect(exporter.port)
        self.addCleanup(connection.close)
        connection.sendall(KEPT)
        received = b""
        while not received.endswith(b"healthy\n"):
            received += connection.recv(4096)
        return connection

    def is_open(self, connection):
        own = connection.getsockname()[1]
        return any(s.local_port == own and s.state == "established" for s in kernel_sockets())


class ManyClients(EndToEndTest):
    def hold(self, exporter, count, payload=b"", receive_buffer=None):
        """Connections of several addresses that send something and then neither read nor leave."""
        connections = [
            web.connect(exporter.port, receive_buffer, address(number // 15))
            for number in range(count)
        ]
        for connection in connections:
            self.addCleanup(connection.close)
            connection.sendall(payload)
        return connections

    def test_idle_connections_do_not_stop_a_scrape(self):
        for count in (2, 60):
            with self.subTest(count=count):
                exporter = self.start_exporter()
                connections = self.hold(exporter, count)
                self.assertEqual(exporter.request().status, 200)
                for connection in connections:
                    web.read_to_end(connection)  # raises where the server never closes

    def test_half_sent_requests_do_not_stop_a_scrape(self):
        exporter = self.start_exporter()
        self.hold(exporter, 60, b"GET /metrics HTTP/1.1\r\nHost: loc")
        self.assertEqual(exporter.request().status, 200)

    def test_slow_readers_do_not_stop_a_scrape_and_are_closed(self):
        exporter = self.start_exporter(config=LARGE)
        before = exporter.open_descriptors()
        self.hold(exporter, 30, web.get(b"/metrics"), receive_buffer=4096)
        self.assertEqual(exporter.request().status, 200)
        wait_until(lambda: exporter.open_descriptors() <= before, "the slow readers are closed")

    def test_a_reader_of_drops_is_cut_off(self):
        exporter = self.start_exporter(config=LARGE)
        [reader] = self.hold(exporter, 1, web.get(b"/metrics"), receive_buffer=65536)
        received = bytearray(reader.recv(512))
        still_served = exporter.port, reader.getsockname()[1], "established"

        def is_closed_after_one_more_drop():
            received.extend(reader.recv(512))
            return not has_socket(*still_served)

        wait_until(is_closed_after_one_more_drop, "the reader of drops is closed")
        received += web.read_to_end(reader)
        self.assertLess(len(received), len(exporter.request().body))

    def test_more_slow_readers_than_workers_are_outlasted(self):
        exporter = self.start_exporter(config=LARGE)
        self.hold(exporter, 150, web.get(b"/metrics"), receive_buffer=4096)
        wait_until(lambda: exporter.request().status == 200, "a scrape is served")

    def test_concurrent_scrapes_are_served_or_told_to_come_back(self):
        self.start_service(8080).connect(4)
        exporter = self.start_exporter(config=FAST + CROWD)
        exporter.fresh_scrape()
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            answers = list(pool.map(lambda _: exporter.request(), range(200)))
        self.assertLessEqual({answer.status for answer in answers}, {200, 503})
        self.assertIn(200, {answer.status for answer in answers})
        for answer in answers:
            if answer.status == 200:
                self.assert_sockets_match_the_kernel(Exposition(answer.text), 8080)

    def test_beyond_max_requests_it_answers_503(self):
        patient = LARGE + "web: {max_requests: 1, request_timeout: 1m}\n"
        exporter = self.start_exporter(config=patient)
        reader = web.connect(exporter.port, 4096)
        self.addCleanup(reader.close)
        reader.sendall(web.get(b"/metrics"))
        reader.recv(1)  # its answer is being written, and waits for its reader
        self.assertEqual(exporter.request().status, 503)
        [of_another] = self.hold(exporter, 1, web.get(b"/metrics"))
        self.assertEqual(web.statuses(of_another.recv(4096))[:1], [200])
        self.assertEqual(exporter.request("/-/healthy").status, 200)
        reader.close()
        wait_until(lambda: exporter.request().status == 200, "a scrape is served again")

    def test_all_its_threads_take_little_virtual_memory(self):
        exporter = self.start_exporter(config=FAST + CROWD)
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            list(pool.map(lambda _: exporter.request(), range(200)))
        size = exporter.scrape().value("process_virtual_memory_bytes")
        shadow_of_a_sanitizer = 1e12
        self.assertTrue(size < 200e6 or size > shadow_of_a_sanitizer, size)

    def test_no_descriptor_is_left_after_a_crowd(self):
        exporter = self.start_exporter()
        exporter.scrape()
        before = exporter.open_descriptors()
        for _ in range(300):
            web.connect(exporter.port).close()
        wait_until(lambda: exporter.open_descriptors() <= before, "descriptors are given back")


if __name__ == "__main__":
    unittest.main()
