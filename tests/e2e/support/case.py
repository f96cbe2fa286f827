# SPDX-License-Identifier: Apache-2.0
"""The base of every test: a namespace of its own, and nothing left running behind it."""

import re
import unittest

from support.connection_states import Service
from support.exporter import BINARY, FAST, ConfigFile, Exporter, run
from support.exposition import Exposition
from support.network import enter_fresh_network_namespace, kernel_counts, shown_states
from support.prometheus import Prometheus

_LOGFMT_PAIR = r'[a-z_]+=(?:"(?:[^"\\\x00-\x1f\x7f]|\\.)*"|[^\s"=\x00-\x1f\x7f]+)'
LOGFMT_LINE = re.compile(rf"ts=\S+Z level=\w+ {_LOGFMT_PAIR}(?: {_LOGFMT_PAIR})*")


def lines_of(done):
    """The lines on stderr of a finished run."""
    return done.stderr.decode("utf-8", "surrogateescape").splitlines()


def without_info(done):
    """The lines on stderr of a finished run that are above level info."""
    return [line for line in lines_of(done) if "level=info" not in line]


class EndToEndTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        if not BINARY:
            raise RuntimeError("SOCKDIAG_EXPORTER does not name the binary to test")
        enter_fresh_network_namespace()

    def start_exporter(self, *flags, **options):
        """An exporter with a first sample, that has to end well when the test is over."""
        return self.launch_exporter(*flags, **options).wait_until_listening().wait_until_ready()

    def launch_exporter(self, *flags, config=FAST, logs_are_logfmt=True, **options):
        """The same without waiting, for one whose listening line is not logged."""
        exporter = Exporter(*flags, config=config, **options)
        self.addCleanup(self._end, exporter, logs_are_logfmt)
        return exporter

    def _end(self, exporter, logs_are_logfmt):
        self.assertEqual(exporter.dispose(), 0, exporter.log.text_lines())
        if logs_are_logfmt:
            for line in exporter.log.text_lines():
                self.assertRegex(line, rf"\A{LOGFMT_LINE.pattern}\Z")

    def once(self, config=""):
        """A sample without HTTP, whose connections would be sampled as well."""
        file = ConfigFile(config)
        self.addCleanup(file.remove)
        done = run("--once", b"--config.file=" + file.path)
        self.assertEqual(done.returncode, 0, done.stderr)
        return Exposition(done.stdout.decode())

    def start_service(self, port, *arguments, **options):
        service = Service(port, *arguments, **options)
        self.addCleanup(service.close)
        return service

    def start_prometheus(self, exporter):
        prometheus = Prometheus(exporter.port)
        self.addCleanup(prometheus.stop)
        return prometheus.wait_until_ready()

    def expect_series(self, exporter, name, value, **labels):
        """Scrapes until the series has that value and returns that exposition."""
        try:
            return exporter.scrape_when(
                lambda scrape: scrape.get(name, **labels) == value, f"{name} {labels} == {value}"
            )
        except AssertionError as error:
            last = exporter.scrape().get(name, **labels)
            raise AssertionError(f"{error}; it is {last}") from None

    def assert_sockets_match_the_kernel(self, exposition, port):
        """Every state of the port, in both directions, is what /proc/net/tcp says."""
        kernel = kernel_counts(port)
        for direction in ("inbound", "outbound"):
            expected = {state: kernel[direction, state] for state in shown_states(direction)}
            self.assertEqual(exposition.sockets(port, direction), expected, direction)


class RefusalTest(EndToEndTest):
    """The base of tests that expect one line about what is wrong."""

    def expect_refusal(self, done, status, pattern):
        """That exit status, and one line on stderr that matches."""
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(len(lines_of(done)), 1, done.stderr)
        self.assertRegex(lines_of(done)[0], pattern)
        self.assertEqual(done.stdout, b"")
