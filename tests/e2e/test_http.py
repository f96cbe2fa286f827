# SPDX-License-Identifier: Apache-2.0
"""What the server answers: to every path and method, to impolite clients, to many at once."""

import concurrent.futures
import email.utils
import gzip
import http.client
import signal
import time
import unittest
import zlib

from support import web
from support.case import EndToEndTest
from support.exporter import FAST, LARGE
from support.exposition import Exposition
from support.network import KernelSocket, kernel_sockets
from support.polling import wait_until

EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

# One sample at the start and none after it: two scrapes are of the same sample.
FROZEN = "sampling: {interval: 1h}\nlisteners: {interval: 1m}\n"


class Routes(EndToEndTest):
    # path -> (methods it allows, content type of its answer); without methods it is not there
    ROUTES = {
        "/metrics": ("GET, HEAD, OPTIONS", EXPOSITION_TYPE),
        "/": ("GET, HEAD, OPTIONS", "text/html; charset=utf-8"),
        "/-/healthy": ("GET, HEAD, OPTIONS", "text/plain; charset=utf-8"),
        "/-/ready": ("GET, HEAD, OPTIONS", "text/plain; charset=utf-8"),
        "/-/reload": ("", ""),
        "/nowhere": ("", ""),
    }

    def test_each_path_and_method(self):
        exporter = self.start_exporter()
        for path, (allowed, content_type) in self.ROUTES.items():
            for method in METHODS:
                with self.subTest(f"{method} {path}"):
                    answer = exporter.request(path, method)
                    self.expect_answer(answer, method, allowed, content_type)

    def test_reload_allows_post_only(self):
        exporter = self.start_exporter("--web.enable-lifecycle")
        for method in METHODS:
            with self.subTest(method):
                answer = exporter.request("/-/reload", method)
                self.expect_answer(answer, method, "POST, OPTIONS", "text/plain; charset=utf-8")

    def expect_answer(self, answer, method, allowed, content_type):
        if method == "OPTIONS":
            self.expect_methods(answer, allowed or "GET, HEAD, OPTIONS")
            return
        expected = 404 if not allowed else 200 if method in allowed.split(", ") else 405
        self.assertEqual(answer.status, expected)
        self.assertEqual(answer.header("Connection"), "close" if expected >= 400 else "keep-alive")
        self.assertEqual(answer.header("Allow"), allowed if expected == 405 else None)
        if expected == 200:
            self.assertEqual(answer.header("Content-Type"), content_type)
        if method == "HEAD":
            self.assertEqual(answer.body, b"")
        else:
            self.assertEqual(answer.header("Content-Length"), str(len(answer.body)))

    def expect_methods(self, answer, allowed):
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.header("Allow"), allowed)
        self.assertIsNone(answer.header("Content-Length"))

    def test_options_of_the_server_as_a_whole(self):
        exporter = self.start_exporter()
        self.expect_methods(exporter.request("*", "OPTIONS"), "GET, HEAD, OPTIONS")

    def test_each_answer_is_dated(self):
        exporter = self.start_exporter()
        for method, path in (("GET", "/metrics"), ("HEAD", "/"), ("OPTIONS", "*"), ("BREW", "/")):
            with self.subTest(f"{method} {path}"):
                date = email.utils.parsedate_to_datetime(
                    exporter.request(path, method).header("Date")
                )
                self.assertLessEqual(abs(date.timestamp() - time.time()), 60)

    def test_head_says_the_length_of_get(self):
        exporter = self.start_exporter(config=FROZEN)
        for path in ("/metrics", "/", "/-/healthy", "/-/ready", "/nowhere"):
            with self.subTest(path):
                raw = web.exchange(exporter.port, b"HEAD %s HTTP/1.0\r\n\r\n" % path.encode())
                self.assertTrue(raw.endswith(b"\r\n\r\n"), "a HEAD answer has no body")
                length = int(exporter.request(path, "HEAD").header("Content-Length"))
                body = exporter.request(path).body
                # The process_* values differ by some digits from one scrape to the next.
                self.assertAlmostEqual(length, len(body), delta=len(body) * 0.02)

    def test_query_strings_are_ignored(self):
        exporter = self.start_exporter()
        for target in ("/metrics?", "/metrics?name[]=up", "/metrics?a&c=%00", "/-/ready?x", "/?x"):
            with self.subTest(target):
                self.assertEqual(exporter.request(target).status, 200)
        self.assertEqual(exporter.request("/nowhere?/metrics").status, 404)

    def test_landing_page_links_to_what_is_there(self):
        exporter = self.start_exporter("--web.telemetry-path=/other")
        page = exporter.request("/").text
        self.assertIn("sockdiag_exporter", page)
        for path in ("/other", "/-/healthy", "/-/ready"):
            with self.subTest(path):
                self.assertIn(f'href="{path}"', page)
                self.assertEqual(exporter.request(path).status, 200)

    def test_no_answer_has_a_cors_header(self):
        exporter = self.start_exporter("--web.enable-lifecycle")
        preflight = [("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST")]
        for path in self.ROUTES:
            for method in METHODS:
                with self.subTest(f"{method} {path}"):
                    answer = exporter.request(path, method, preflight)
                    names = {name.lower() for name, _ in answer.headers}
                    self.assertFalse({n for n in names if n.startswith("access-control-")}, names)

    def test_answers_do_not_repeat_the_path(self):
        exporter = self.start_exporter()
        for target in ("/<script>alert(1)</script>", "/%3Cscript%3Ealert(1)%3C/script%3E"):
            with self.subTest(target):
                answer = exporter.request(target)
                self.assertEqual(answer.status, 404)
                self.assertNotIn(b"<script>", answer.body)


class Compression(EndToEndTest):
    # Accept-Encoding -> whether the body is gzip; None where both are right
    NEGOTIATION = {
        "gzip": True,
        "GZIP": True,
        "gzip;q=1": True,
        "gzip;q=0.001": True,
        "gzip ; q=0.5": True,
        "deflate, gzip;q=0.5": True,
        "gzip, deflate, br": True,
        "identity;q=0.5, gzip;q=1.0": True,
        "gzip;q=0": False,
        "gzip;q=0.0": False,
        "gzip;q=0.000": False,
        "gzip; q=0": False,
        "gzip;Q=0": False,
        "gzip;q=0, *": False,
        "*;q=0": False,
        "identity": False,
        "deflate": False,
        "br, zstd": False,
        "gzipped": False,
        "notgzip": False,
        "": False,
        "*": None,
        "x-gzip": None,
        "gzip;q=0, gzip;q=1": None,
        "gzip;q=": None,
        "gzip;q=abc": None,
        "gzip;q=-1": None,
        "gzip;q=1e400": None,
        "gzip;;q=1": None,
        ";;;,,,;q": None,
        ",": False,
        "gzip" * 300: None,
        "gzip;q=" + "9" * 300: None,
    }

    def setUp(self):
        super().setUp()
        self.start_service(8080).connect(4).half_close_clients(1)
        self.exporter = self.start_exporter(config=FROZEN)
        self.plain = self.unchanging(self.exporter.scrape())

    def test_each_accept_encoding(self):
        for accepted, expected in self.NEGOTIATION.items():
            with self.subTest(accepted[:40]):
                answer = self.exporter.request(headers=[("Accept-Encoding", accepted)])
                self.expect_whole(answer)
                if expected is not None:
                    self.assertEqual(answer.header("Content-Encoding") == "gzip", expected)

    def test_no_accept_encoding_is_plain(self):
        answer = self.exporter.request()
        self.expect_whole(answer)
        self.assertIsNone(answer.header("Content-Encoding"))

    def test_head_announces_the_encoding_of_get(self):
        answer = self.exporter.request(method="HEAD", headers=[("Accept-Encoding", "gzip")])
        self.assertEqual(answer.header("Content-Encoding"), "gzip")
        self.assertLess(
            int(answer.header("Content-Length")),
            int(self.exporter.request(method="HEAD").header("Content-Length")),
        )

    def expect_whole(self, answer):
        """Whatever the encoding: 200, and the very series of the plain body."""
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.header("Vary"), "Accept-Encoding")
        self.assertEqual(answer.header("Content-Type"), EXPOSITION_TYPE)
        body = answer.body
        if answer.header("Content-Encoding") == "gzip":
            body = self.only_gzip_member(body)
        self.assertEqual(self.unchanging(Exposition(body.decode())), self.plain)

    @staticmethod
    def unchanging(exposition):
        """Its series but those of the process, and the one that counts the scrapes."""
        series = exposition.starting_with("sockdiag_")
        return {key: series[key] for key in series if key[0] != "sockdiag_http_requests_total"}

    def only_gzip_member(self, body):
        """Some clients read one member and no more."""
        decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)
        data = decompressor.decompress(body) + decompressor.flush()
        self.assertTrue(decompressor.eof, "the gzip member is complete")
        self.assertEqual(decompressor.unused_data, b"", "there is one gzip member")
        self.assertEqual(gzip.decompress(body), data)
        return data


CLOSED = None  # the server may end the connection and say nothing
REFUSED = {400, 404, 405, 408, 411, 413, 414, 417, 431, 500, 501, 505, CLOSED}
NOT_FOUND = {404}
SERVED = {200}
EITHER = SERVED | REFUSED


def get(target, *lines, version=b"1.1"):
    head = [b"GET %s HTTP/%s" % (target, version), *(lines or [b"Host: localhost"])]
    return b"\r\n".join(head) + b"\r\n\r\n"


def post(target, *lines, body=b""):
    return b"\r\n".join([b"POST %s HTTP/1.1" % target, b"Host: localhost", *lines, b"", body])


SMUGGLED = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"

# name -> (bytes sent, statuses that are right)
IMPOLITE = {
    "a longer path": (get(b"/metricsfoo"), NOT_FOUND),
    "a trailing slash": (get(b"/metrics/"), NOT_FOUND),
    "a path below": (get(b"/metrics/x"), NOT_FOUND),
    "another case": (get(b"/METRICS"), NOT_FOUND),
    "a double slash": (get(b"//metrics"), SERVED | NOT_FOUND),
    "a dot segment": (get(b"/./metrics"), SERVED | NOT_FOUND),
    "a parent segment": (get(b"/x/../metrics"), SERVED | NOT_FOUND),
    "an escaped letter": (get(b"/%6detrics"), SERVED | NOT_FOUND),
    "an escaped slash": (get(b"/%2fmetrics"), SERVED | NOT_FOUND | {400}),
    "an escaped NUL": (get(b"/metrics%00"), NOT_FOUND | {400, CLOSED}),
    "an escaped line feed": (get(b"/metrics%0d%0aX:%20y"), NOT_FOUND | {400, CLOSED}),
    "a broken escape": (get(b"/%zz%"), NOT_FOUND | {400, CLOSED}),
    "a parameter": (get(b"/metrics;x=y"), SERVED | NOT_FOUND),
    "a fragment": (get(b"/metrics#x"), SERVED | NOT_FOUND | {400}),
    "a way out": (get(b"/../etc/passwd"), NOT_FOUND | {400}),
    "a way out from below": (get(b"/metrics/../../../etc/passwd"), NOT_FOUND | {400}),
    "an escaped way out": (get(b"/%2e%2e/%2e%2e/etc/passwd"), NOT_FOUND | {400}),
    "a way out with backslashes": (get(b"/..\\..\\etc\\passwd"), NOT_FOUND | {400, CLOSED}),
    "a non-ASCII path": (get("/métrïcs".encode()), NOT_FOUND | {400, CLOSED}),
    "an own absolute URI": (get(b"http://localhost/metrics"), EITHER),
    "a foreign absolute URI": (get(b"http://evil.example/metrics"), EITHER),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", {204}),
    "a trace": (b"TRACE /metrics HTTP/1.1\r\nHost: localhost\r\nX: echo me\r\n\r\n", REFUSED),
    "a tunnel": (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n", REFUSED),
    "no path": (b"GET HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED),
    "a path without slash": (get(b"metrics"), REFUSED),
    "a path of 60 KB": (get(b"/" + b"x" * 60_000), REFUSED),
    "a foreign Host": (get(b"/metrics", b"Host: evil.example"), SERVED),
    "no Host": (get(b"/metrics", b"Accept: */*"), SERVED | {400}),
    "two Hosts": (get(b"/metrics", b"Host: a", b"Host: b"), SERVED | {400}),
    "a Host with line noise": (get(b"/metrics", b"Host: \x01\xff:::@/"), EITHER),
    "HTTP/1.0": (get(b"/metrics", version=b"1.0"), SERVED),
    "keep-alive": (get(b"/metrics", b"Host: a", b"Connection: keep-alive"), SERVED),
    "HTTP/0.9": (b"GET /metrics\r\n\r\n", REFUSED),
    "HTTP/2.0": (get(b"/metrics", version=b"2.0"), EITHER),
    "the HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    "HTTP/9999999999.1": (get(b"/metrics", version=b"9999999999.1"), EITHER),
    "no version": (b"GET /metrics HTTP/\r\nHost: localhost\r\n\r\n", EITHER),
    "an unknown method": (b"BREW /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED),
    "a lower-case method": (b"get /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED),
    "a method of 60 KB": (b"G" * 60_000 + b" /metrics HTTP/1.1\r\n\r\n", REFUSED),
    "line feeds alone": (b"GET /metrics HTTP/1.1\nHost: localhost\n\n", EITHER),
    "leading empty lines": (b"\r\n\r\n" + get(b"/metrics"), EITHER),
    "a header of 100 KB": (get(b"/metrics", b"X: " + b"y" * 100_000), REFUSED),
    "10 000 header lines": (get(b"/metrics", *[b"X: y"] * 10_000), REFUSED),
    "200 header lines": (get(b"/metrics", *[b"X: y"] * 200), EITHER),
    "a header without colon": (get(b"/metrics", b"nonsense"), EITHER),
    "a header without name": (get(b"/metrics", b": value"), EITHER),
    "a folded header": (get(b"/metrics", b"X: y", b" z"), EITHER),
    "a tab before a value": (get(b"/metrics", b"Host:\tlocalhost"), EITHER),
    "a NUL in a header": (get(b"/metrics", b"X: a\0b"), EITHER),
    "a NUL in the path": (get(b"/met\0rics"), REFUSED),
    "binary garbage": (bytes(range(256)) * 8 + b"\r\n\r\n", REFUSED),
    "a TLS hello": (bytes.fromhex("16030100a5010000a10303") + b"\x55" * 160, REFUSED),
    "NUL bytes": (b"\0" * 1000, REFUSED),
    "a line feed": (b"\n", REFUSED),
    "a negative length": (post(b"/metrics", b"Content-Length: -1"), REFUSED),
    "a huge length": (post(b"/metrics", b"Content-Length: 99999999999999999999"), REFUSED),
    "a large length": (post(b"/metrics", b"Content-Length: 9223372036854775807"), REFUSED),
    "a length in words": (post(b"/metrics", b"Content-Length: many"), REFUSED),
    "two lengths": (
        post(b"/metrics", b"Content-Length: 1", b"Content-Length: 2", body=b"xy"),
        REFUSED,
    ),
    "a GET with a body": (get(b"/metrics", b"Host: a", b"Content-Length: 5") + b"hello", EITHER),
    "a GET with a huge length": (get(b"/metrics", b"Content-Length: 999999999999"), EITHER),
    "a chunked body": (post(b"/metrics", CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n"), REFUSED),
    "a chunked body without end": (post(b"/metrics", CHUNKED, body=b"ffffffff\r\nhello"), REFUSED),
    "a bad chunk size": (post(b"/metrics", CHUNKED, body=b"-5\r\nhello\r\n0\r\n\r\n"), REFUSED),
    "an unknown transfer encoding": (post(b"/metrics", b"Transfer-Encoding: x"), REFUSED),
    "a WebSocket upgrade": (
        get(
            b"/metrics",
            b"Host: localhost",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ),
        EITHER,
    ),
    "an HTTP/2 upgrade": (
        get(b"/metrics", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
        EITHER,
    ),
    "a POST that expects 100": (
        post(b"/metrics", b"Expect: 100-continue", b"Content-Length: 5"),
        REFUSED,
    ),
    "a GET that expects 100": (get(b"/metrics", b"Host: a", b"Expect: 100-continue"), EITHER),
    "an unknown expectation": (get(b"/metrics", b"Host: a", b"Expect: wonders"), EITHER),
    "a range": (get(b"/metrics", b"Host: a", b"Range: bytes=0-1"), SERVED),
    "a condition": (get(b"/metrics", b"Host: a", b"If-None-Match: *"), SERVED),
    "credentials": (get(b"/metrics", b"Host: a", b"Authorization: Basic %%%"), SERVED),
    "smuggling by length and chunks": (
        post(b"/metrics", b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\n" + SMUGGLED),
        REFUSED,
    ),
    "smuggling by chunks and length": (
        post(b"/metrics", CHUNKED, b"Content-Length: 4", body=b"5c\r\n" + SMUGGLED + b"0\r\n\r\n"),
        REFUSED,
    ),
    "smuggling in the body of a GET": (
        get(b"/metrics", b"Host: a", b"Content-Length: 0") + SMUGGLED,
        EITHER,
    ),
    "smuggling by a disguised encoding": (
        post(b"/metrics", b"Transfer-Encoding : chunked", b"Content-Length: 4", body=SMUGGLED),
        REFUSED,
    ),
    "pipelined requests": (get(b"/metrics") * 20, SERVED),
}

# The client leaves in the middle of these; an answer is welcome and not owed.
UNFINISHED = {
    "nothing at all": b"",
    "half a method": b"GE",
    "half a request line": b"GET /metr",
    "half a header": b"GET /metrics HTTP/1.1\r\nHost: loc",
    "no empty line": b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n",
    "half a body": post(b"/-/reload", b"Content-Length: 100", body=b"half"),
    "half a chunk": post(b"/-/reload", CHUNKED, body=b"ff\r\nhalf"),
}


class ImpoliteClients(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.start_service(8080).connect(4)
        self.exporter = self.start_exporter("--web.enable-lifecycle")
        self.exporter.fresh_scrape()

    def test_each_request_is_answered_or_closed_and_harms_nobody(self):
        for name, (payload, expected) in IMPOLITE.items():
            with self.subTest(name):
                reply = web.exchange(self.exporter.port, payload, then_shut_down=True)
                self.expect_one_answer(reply, expected)
                self.expect_unharmed()

    def test_each_unfinished_request_is_let_go(self):
        for name, payload in UNFINISHED.items():
            for half_close in (True, False):  # False: it stays connected and says no more
                with self.subTest(name, half_close=half_close):
                    reply = web.exchange(self.exporter.port, payload, half_close)
                    self.expect_one_answer(reply, EITHER)
                    self.expect_unharmed()

    def test_clients_that_reset_do_no_harm(self):
        for name, payload in [*UNFINISHED.items(), ("a whole request", get(b"/metrics"))]:
            with self.subTest(name):
                connection = web.connect(self.exporter.port)
                connection.sendall(payload)
                web.reset(connection)
                self.expect_unharmed()

    def expect_one_answer(self, reply, expected):
        found = web.statuses(reply)
        self.assertLessEqual(len(found), 1, "one answer and no more for one connection")
        self.assertIn(found[0] if found else CLOSED, expected, reply[:300])
        self.assertTrue(found or reply == b"", f"not HTTP: {reply[:100]!r}")
        self.assertNotIn(b"root:", reply)
        self.assertNotIn(b"echo me", reply)

    def expect_unharmed(self):
        self.assertTrue(self.exporter.is_alive())
        self.assert_sockets_match_the_kernel(self.exporter.scrape(), 8080)


class Counted(EndToEndTest):
    def test_each_answer_is_counted_by_path_and_code(self):
        exporter = self.start_exporter()
        before = self.counts(exporter)
        self.assertEqual(before["500", "/metrics"], 0)
        self.assertEqual(before["503", "/metrics"], 0)
        for method, path in (
            ("GET", "/metrics?x"),
            ("HEAD", "/metrics"),
            ("OPTIONS", "/-/ready"),
            ("POST", "/"),
            ("GET", "/-/reload"),
            ("GET", "/nowhere"),
            ("OPTIONS", "*"),
            ("BREW", "/metrics"),
        ):
            exporter.request(path, method)
        after = self.counts(exporter)
        grown = {key: after[key] - before.get(key, 0) for key in after}
        expected = {
            ("200", "/metrics"): 3,  # the scrape of `before` is in `after` alone
            ("204", "/-/ready"): 1,
            ("405", "/"): 1,
            ("404", "other"): 2,  # one of them for the reload, which is off
            ("204", "other"): 1,
            ("400", "other"): 1,
        }
        self.assertEqual({key: count for key, count in grown.items() if count}, expected)

    @staticmethod
    def counts(exporter):
        """{(code, path): answers}"""
        return exporter.scrape().family("sockdiag_http_requests_total")


KEPT = get(b"/-/healthy")


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
        exporter = self.start_exporter()
        connections = [self.keep(exporter) for _ in range(100)]
        self.assertEqual(exporter.request().status, 200)
        wait_until(lambda: sum(map(self.is_open, connections)) == 64 // 4, "a quarter is kept")

    def test_idle_ones_go_when_workers_run_short(self):
        exporter = self.start_exporter(config=FAST + "web: {request_timeout: 1m}\n")
        kept = [self.keep(exporter) for _ in range(16)]
        for _ in range(60):
            self.addCleanup(web.connect(exporter.port).close)
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
        """Connections that send something and then neither read nor leave."""
        connections = [web.connect(exporter.port, receive_buffer) for _ in range(count)]
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
        self.hold(exporter, 30, get(b"/metrics"), receive_buffer=4096)
        self.assertEqual(exporter.request().status, 200)
        wait_until(lambda: exporter.open_descriptors() <= before, "the slow readers are closed")

    def test_a_reader_of_drops_is_cut_off(self):
        exporter = self.start_exporter(config=LARGE)
        [reader] = self.hold(exporter, 1, get(b"/metrics"), receive_buffer=65536)
        received = bytearray(reader.recv(512))
        still_served = KernelSocket(exporter.port, reader.getsockname()[1], "established")

        def is_closed_after_one_more_drop():
            received.extend(reader.recv(512))
            return still_served not in kernel_sockets()

        wait_until(is_closed_after_one_more_drop, "the reader of drops is closed")
        received += web.read_to_end(reader)
        self.assertLess(len(received), len(exporter.request().body))

    def test_more_slow_readers_than_workers_are_outlasted(self):
        exporter = self.start_exporter(config=LARGE)
        self.hold(exporter, 150, get(b"/metrics"), receive_buffer=4096)
        wait_until(lambda: exporter.request().status == 200, "a scrape is served")

    def test_concurrent_scrapes_are_served_or_told_to_come_back(self):
        self.start_service(8080).connect(4)
        exporter = self.start_exporter()
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
        [reader] = self.hold(exporter, 1, get(b"/metrics"), receive_buffer=4096)
        reader.recv(1)  # its answer is being written, and waits for its reader
        self.assertEqual(exporter.request().status, 503)
        self.assertEqual(exporter.request("/-/healthy").status, 200)
        reader.close()
        wait_until(lambda: exporter.request().status == 200, "a scrape is served again")

    def test_all_its_threads_take_little_virtual_memory(self):
        exporter = self.start_exporter()
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
