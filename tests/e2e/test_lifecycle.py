# SPDX-License-Identifier: Apache-2.0
"""Starting with flags and files, and ending."""

import re
import signal
import unittest

from support import web
from support.case import EndToEndTest
from support.exporter import FAST, LARGE, with_interval


class Flags(EndToEndTest):
    def test_flags_win_over_the_file(self):
        file = "web: {telemetry_path: /file, listen_addresses: ['192.0.2.1:1']}\n"
        exporter = self.start_exporter(
            "--web.telemetry-path=/flag", "--web.enable-lifecycle", config=FAST + file
        )
        self.assertEqual(exporter.request("/flag").status, 200)
        self.assertEqual(exporter.request("/file").status, 404)
        self.assertEqual(exporter.request("/metrics").status, 404)
        self.assertEqual(exporter.request("/-/reload", "POST").status, 200)
        self.assertEqual(exporter.log.matching("restart"), [])

    def test_flags_win_over_a_reloaded_file(self):
        exporter = self.start_exporter("--log.level=info", config=FAST + "log: {level: info}\n")
        exporter.reload(FAST + "log: {level: error}\n")
        exporter.reload(FAST)
        self.assertEqual(len(exporter.log.matching("configuration reloaded")), 2)

    def test_the_flag_may_name_several_addresses(self):
        second = "--web.listen-address=127.0.0.1:8125"
        exporter = self.start_exporter(second, listen="127.0.0.1:8124")
        for port in (8124, 8125):
            self.assertEqual(web.request(port, "/-/healthy").status, 200)
            exporter.log.wait_for(f"listening on http://127.0.0.1:{port}/metrics")


class Listening(EndToEndTest):
    def test_the_log_has_a_url_that_can_be_followed(self):
        exporter = self.start_exporter("--web.telemetry-path=/m", listen=":0")
        exporter.log.wait_for(rf"listening on http://localhost:{exporter.port}/m")


class Ending(EndToEndTest):
    def test_sigterm_and_sigint_end_it_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                self.assertEqual(self.start_exporter().terminate(number), 0)

    def test_it_ends_while_it_waits_for_the_next_sample(self):
        exporter = self.start_exporter(config=with_interval("1h"))
        exporter.scrape()
        self.assertEqual(exporter.terminate(), 0)

    def test_idle_connections_do_not_hold_it_up(self):
        exporter = self.start_exporter()
        connections = [web.connect(exporter.port) for _ in range(60)]
        for connection in connections:
            self.addCleanup(connection.close)
        self.assertEqual(exporter.terminate(), 0)

    def test_slow_readers_do_not_hold_it_up(self):
        exporter = self.start_exporter(config=LARGE)
        for _ in range(30):
            self.start_request(exporter)
        self.assertEqual(exporter.terminate(), 0)

    def test_a_request_in_flight_is_answered_fully(self):
        exporter = self.start_exporter(config=LARGE)
        connection = self.start_request(exporter, receive_buffer=65536)
        received = connection.recv(1000)
        exporter.process.send_signal(signal.SIGTERM)
        exporter.log.wait_for("ending on signal")
        received += web.read_to_end(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        self.assertIn(b"HTTP/1.1 200", head)
        length = int(re.search(rb"\r\nContent-Length: (\d+)", head)[1])
        self.assertEqual(len(body), length)
        self.assertEqual(exporter.wait(), 0)

    def test_two_signals_at_once_are_one(self):
        exporter = self.start_exporter()
        exporter.process.send_signal(signal.SIGTERM)
        self.assertEqual(exporter.terminate(signal.SIGINT), 0)

    def start_request(self, exporter, receive_buffer=4096):
        """A scrape of a body that fits no buffer, so that the server is still writing."""
        connection = web.connect(exporter.port, receive_buffer)
        self.addCleanup(connection.close)
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return connection


if __name__ == "__main__":
    unittest.main()
