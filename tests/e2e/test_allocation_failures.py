# SPDX-License-Identifier: Apache-2.0
"""Memory runs out at the worst moment: each allocation of a phase fails in turn, alone or with those
after it. The process starts and serves or ends with one line; it loses a sample, a request or a
reload, and the next is good; it ends in time. It never aborts, and never serves by half.

SWEEP=all tries each allocation. Otherwise a bounded number of them, spread over the phase, is."""

import base64
import functools
import http.client
import itertools
import os
import re
import signal
import ssl
import time
import unittest

from support import web
from support.allocation_fault import AllocationFault
from support.case import EndToEndTest, without_info
from support.certificates import Authority, bcrypt
from support.exporter import ConfigFile, Exporter, run
from support.exposition import Exposition
from support.polling import wait_until

PORT = 8126
RARE = "sampling: {interval: 1h}\nlisteners: {interval: 1m, peak_window: 1h}\nweb: {workers: 2}\n"
OFTEN = "sampling: {interval: 100ms, cpu_budget: 1}\nweb: {workers: 2}\n"
IN_A_ROW = (1, 7, 40)  # how many allocations fail one after the other
TRIES = 6  # of each phase and number in a row
END_SECONDS = 2
# mg_start() and CivetWeb's workers read some strings that they had no memory to copy. libseccomp
# frees twice, or reads, what it had none for. Both before the process listens.
BY_LIBRARIES = (-signal.SIGSEGV, -signal.SIGABRT)
LOST = (ConnectionError, ssl.SSLError, http.client.HTTPException)  # ways to get no answer
# MiB: what the libraries take, in small steps to what threads and samples take, and beyond.
ADDRESS_SPACES = [8, *(10 + step / 4 for step in range(40)), 24, 32, 64, 128, 256, 512, 1024]
CANNOT_LOAD = 127  # the exit status of the dynamic loader
BESIDE = "log lines are missing|(tcp|kernel|listeners) sample failed"


def is_thorough():
    return os.environ.get("SWEEP") == "all"


def numbers(count):
    """The allocations to try, of that many, counted from 1."""
    step = 1 if is_thorough() else max(1, count // TRIES)
    return range(1, count + 1, step)


def is_good(scrape):
    return scrape.source("sockdiag_sample_success") == 1


def login(password):
    return ("Authorization", "Basic " + base64.b64encode(b"alice:" + password).decode())


class SecuredExporter(Exporter):
    """Asked over TLS, with a login."""

    def __init__(self, *flags, tls, **options):
        super().__init__(*flags, **options)
        self._tls = tls

    def request(self, path="/metrics", method="GET", headers=(), body=b""):
        headers = headers or [login(b"wonderland")]
        return web.request(self.port, path, method, headers, body, tls=self._tls)


class EachStart:
    """What holds with and without a web configuration."""

    def setUp(self):
        super().setUp()
        self.fault = AllocationFault()
        self.addCleanup(self.fault.remove)

    def sweep(self, count, attempt):
        """attempt(first, failures) for allocations of a phase that makes `count` of them."""
        self.assertGreater(count, 0)
        for failures in IN_A_ROW:
            for first in numbers(count):
                with self.subTest(first=first, failures=failures):
                    attempt(first, failures)

    def launch(self, *flags, **options):
        return Exporter(*flags, **options)

    def start(self, config, first=None, failures=1, library=None, level="error"):
        exporter = self.launch(
            "--web.enable-lifecycle",
            f"--log.level={level}",
            config=config,
            listen=f"127.0.0.1:{PORT}",
            prefix=self.fault.prefix(first, failures, library),
        )
        self.addCleanup(exporter.dispose)
        exporter.port = PORT
        return exporter

    def start_good(self, config):
        exporter = self.start(config)
        wait_until(lambda: self.serves(exporter), "a good sample")
        return exporter

    def serves(self, exporter):
        """Whether it serves good samples. None of its requests fails once it listens."""
        try:
            if exporter.request("/-/ready").status != 200:
                return False
            answer = exporter.request()
            return answer.status == 200 and is_good(Exposition(answer.text))
        except (*LOST, TimeoutError):
            return False

    def expect_end(self, exporter):
        begin = time.monotonic()
        self.assertEqual(exporter.terminate(), 0, exporter.log.text_lines())
        self.assertLess(time.monotonic() - begin, END_SECONDS + 1)

    def test_start(self):
        threads, count = self.threads_and_count()
        self.sweep(count, lambda *fault: self.try_start(threads, *fault))

    def threads_and_count(self, library=None):
        exporter = self.start(OFTEN, first=0, failures=0, library=library)
        wait_until(lambda: self.serves(exporter), "a good sample")
        count = self.fault.count()
        threads = len(os.listdir(f"/proc/{exporter.process.pid}/task"))
        self.expect_end(exporter)
        return threads, count

    def try_start(self, threads, first, failures, library=None):
        exporter = self.start(OFTEN, first, failures, library)
        try:
            self.expect_service_or_end(exporter, threads)
        finally:
            exporter.dispose()

    def expect_service_or_end(self, exporter, threads):
        wait_until(
            lambda: self.serves(exporter) or not exporter.is_alive(),
            lambda: f"serving or the end: {exporter.log.text_lines()}",
            deadline=10,
        )
        if exporter.is_alive():
            self.assertEqual(len(os.listdir(f"/proc/{exporter.process.pid}/task")), threads)
            self.expect_end(exporter)
            return
        if exporter.wait() not in BY_LIBRARIES or not self.fault.was_unchecked():
            self.expect_one_line(exporter, (1,))

    def expect_one_line(self, exporter, statuses):
        """It has ended with one of those statuses, and a line says why."""
        status = exporter.wait()
        self.assertIn(status, statuses, exporter.log.text_lines())
        lines = [line for line in exporter.log.text_lines() if not re.search(BESIDE, line)]
        self.assertEqual(len(lines), 1, exporter.log.text_lines())
        return status

    def sweep_request(self, exporter, ask):
        self.sweep(self.count(ask), lambda *fault: self.try_request(exporter, ask, *fault))

    def count(self, operation):
        with self.fault(0, 0):
            operation()
        return self.fault.count()

    def try_request(self, exporter, ask, first, failures):
        with self.fault(first, failures):
            try:
                self.assertIn(ask().status, (200, 401, 404, 500, 503))
            except LOST:
                pass
        self.assertTrue(exporter.is_alive(), exporter.log.text_lines())
        wait_until(lambda: self.serves(exporter), "a good answer")

    def test_reloads(self):
        exporter = self.start_good(OFTEN)
        reload = functools.partial(exporter.request, "/-/reload", "POST")
        self.sweep(self.count(reload), lambda *fault: self.try_reload(exporter, reload, *fault))
        self.expect_end(exporter)

    def try_reload(self, exporter, reload, first, failures):
        with self.fault(first, failures):
            try:
                self.assertIn(reload().status, (200, 400, 500))
            except LOST:
                pass
        self.assertTrue(exporter.is_alive(), exporter.log.text_lines())
        self.assertEqual(reload().status, 200)
        wait_until(lambda: self.serves(exporter), "a good sample")


class AllocationFailures(EachStart, EndToEndTest):
    def test_requests(self):
        exporter = self.start_good(RARE)
        for path, headers in (
            ("/metrics", ()),
            ("/metrics", (("Accept-Encoding", "gzip"),)),
            ("/", ()),
            ("/api/v1/findings", ()),
            ("/-/healthy", ()),
            ("/nowhere", ()),
        ):
            with self.subTest(path, headers=headers):
                self.sweep_request(
                    exporter, functools.partial(exporter.request, path, headers=headers)
                )
        self.expect_end(exporter)

    def test_start_without_filter(self):
        """libseccomp may crash. In 2.5 one in six of those it makes from the middle on has it loop
        for ever, so neighbours are tried."""
        threads, count = self.threads_and_count("libseccomp.so")
        begin = count * 2 // 3
        for first in numbers(count) if is_thorough() else range(begin, begin + 12):
            with self.subTest(first=first):
                self.try_start(threads, first, 1, "libseccomp.so")

    def test_samples(self):
        exporter = self.start_good(OFTEN)
        count = self.count(exporter.fresh_scrape) // 2
        self.sweep(count, lambda *fault: self.try_sample(exporter, *fault))
        self.expect_end(exporter)

    def try_sample(self, exporter, first, failures):
        with self.fault(first, failures):
            wait_until(
                lambda: self.fault.count() >= first + failures or not exporter.is_alive(),
                "allocations",
                pause=0.005,
            )
        self.assertTrue(exporter.is_alive(), exporter.log.text_lines())
        self.assertTrue(is_good(exporter.fresh_scrape()))

    def test_reloads_by_signal(self):
        exporter = self.start_good(RARE)
        for first in numbers(30):
            with self.subTest(first), self.fault(first, 5):
                exporter.process.send_signal(signal.SIGHUP)
                wait_until(lambda first=first: self.fault.count() >= first, "allocations")
            self.assertTrue(self.serves(exporter))
        self.expect_end(exporter)

    def test_end(self):
        exporter = self.start_good(OFTEN)
        with self.fault(0, 0):
            self.expect_end(exporter)
        self.sweep(max(1, self.fault.count()), self.try_end)

    def try_end(self, first, failures):
        exporter = self.start_good(OFTEN)
        try:
            with self.fault(first, failures):
                self.expect_end(exporter)
        finally:
            exporter.dispose()

    def test_once(self):
        prefix = self.fault.prefix(0, 0)
        self.assertEqual(run("--once", prefix=prefix).returncode, 0)
        self.sweep(self.fault.count(), self.try_once)

    def try_once(self, first, failures):
        done = run("--once", prefix=self.fault.prefix(first, failures))
        self.assertIn(done.returncode, (0, 1), done.stderr)
        if done.returncode == 1:
            self.assertIn(len(without_info(done)), range(1, 4), done.stderr)  # one of each source

    def test_address_space(self):
        """Whatever the limit, it serves good samples, ends with one line, or says what fails."""
        ends = [self.try_address_space(mebibytes) for mebibytes in ADDRESS_SPACES]
        self.assertIn(1, ends[:-1])
        self.assertEqual(ends[-1], 0)

    def try_address_space(self, mebibytes):
        exporter = Exporter(
            "--log.level=error",
            config=OFTEN,
            listen=f"127.0.0.1:{PORT}",
            prefix=["prlimit", f"--as={int(mebibytes * 2**20)}"],
        )
        exporter.port = PORT
        try:
            wait_until(
                lambda: self.serves(exporter)
                or not exporter.is_alive()
                or exporter.log.matching("tcp sample failed"),
                lambda: f"serving or the end: {exporter.log.text_lines()}",
            )
            if exporter.is_alive():
                exporter.process.send_signal(signal.SIGTERM)
                status = exporter.wait()
                self.assertIn(status, (0, 1), exporter.log.text_lines())
                return status
            return self.expect_one_line(exporter, (1, CANNOT_LOAD))
        finally:
            exporter.dispose()


class SecuredAllocationFailures(EachStart, EndToEndTest):
    """With a web configuration, which reloads read again."""

    def setUp(self):
        super().setUp()
        authority = Authority("authority")
        self.addCleanup(authority.remove)
        certificate, key = authority.issue("server")
        self.tls = ssl.create_default_context(cafile=authority.certificate)
        tls = f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n"
        users = f"basic_auth_users: {{alice: '{bcrypt('wonderland')}'}}\n"
        self.web = ConfigFile(tls + users, "web.yml")
        self.addCleanup(self.web.remove)

    def launch(self, *flags, **options):
        file = os.fsdecode(self.web.path)
        return SecuredExporter(f"--web.config.file={file}", *flags, tls=self.tls, **options)

    def test_first_request(self):
        """What OpenSSL makes once and may lack for ever is there before a client comes."""
        self.sweep(self.try_first_request(0, 0), self.try_first_request)

    def try_first_request(self, first, failures):
        exporter = self.start(OFTEN, level="info")
        try:
            exporter.log.wait_for("listening on https://")
            with self.fault(first, failures):
                try:
                    exporter.request()
                except LOST:
                    pass
            wait_until(
                lambda: self.serves(exporter), lambda: f"a sample: {exporter.log.text_lines()}"
            )
            return self.fault.count()
        finally:
            exporter.dispose()

    def test_requests(self):
        exporter = self.start_good(RARE)
        passwords = itertools.count()  # each is hashed
        self.sweep_request(exporter, exporter.request)
        self.sweep_request(
            exporter, lambda: exporter.request(headers=[login(b"%d" % next(passwords))])
        )
        self.expect_end(exporter)


if __name__ == "__main__":
    unittest.main()
