# SPDX-License-Identifier: Apache-2.0
"""What nobody should send: each is answered or let go, and harms nobody."""

import unittest

from support import web
from support.case import EndToEndTest
from support.web import get, post

CLOSED = None  # the server may end the connection and say nothing
REFUSED = {400, 404, 405, 408, 411, 413, 414, 417, 431, 500, 501, 505, CLOSED}
NOT_FOUND = {404}
SERVED = {200}
EITHER = SERVED | REFUSED

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


if __name__ == "__main__":
    unittest.main()
