# SPDX-License-Identifier: Apache-2.0
"""What the server answers: to every path, method and encoding, and what it counts."""

import email.utils
import gzip
import time
import unittest
import zlib

from support import web
from support.case import EndToEndTest
from support.exposition import Exposition

EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

# One sample at the start and none after it: two scrapes are of the same sample.
FROZEN = "sampling: {interval: 1h}\nlisteners: {interval: 1m}\n"


class Routes(EndToEndTest):
    # path -> (methods it allows, content type of its answer); without methods it is not there
    ROUTES = {
        "/metrics": ("GET, HEAD, OPTIONS", EXPOSITION_TYPE),
        "/": ("GET, HEAD, OPTIONS", "text/html; charset=utf-8"),
        "/page.css": ("GET, HEAD, OPTIONS", "text/css; charset=utf-8"),
        "/page.js": ("GET, HEAD, OPTIONS", "text/javascript; charset=utf-8"),
        "/api/v1/findings": ("GET, HEAD, OPTIONS", "application/json"),
        "/api/v1/samples": ("GET, HEAD, OPTIONS", "application/json"),
        "/api/v1/states": ("GET, HEAD, OPTIONS", "application/json"),
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

    def test_the_page_links_to_what_is_there(self):
        exporter = self.start_exporter("--web.telemetry-path=/other")
        page = exporter.request("/").text
        self.assertIn("sockdiag_exporter", page)
        for path in ("/other", "/-/healthy", "/-/ready"):
            with self.subTest(path):
                # Without the slash, for those behind a proxy that adds a prefix.
                self.assertIn(f'href="{path[1:]}"', page)
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


if __name__ == "__main__":
    unittest.main()
