# SPDX-License-Identifier: Apache-2.0
"""A while of everything at once: churn, listeners that come and go, scrapes, reloads.

SOAK_SECONDS sets how long (30); SOAK_UNDER is a command to run the exporter under, such as
valgrind with options. An hour of what operators run, by hand:

    SOAK_SECONDS=3600 SOCKDIAG_EXPORTER=build/release/sockdiag_exporter python3 -B -m unittest -v test_soak
"""

import gzip
import os
import shlex
import subprocess
import sys
import threading
import time
import unittest

from support import web
from support.case import EndToEndTest
from support.exporter import with_interval
from support.exposition import Exposition
from support.kernel_counters import read_sockstat
from support.polling import wait_until
from support.server import DIES_WITH_US

SECONDS = float(os.environ.get("SOAK_SECONDS", "30"))
UNDER = shlex.split(os.environ.get("SOAK_UNDER", ""))
CHURN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "support/churn.py")
PORT = 8080

CONFIGURATIONS = [
    with_interval("1s", "ports: {max_ports: 20}\n"),
    with_interval("1s", "ports: {max_ports: 30}\n"),
]
# Address sanitizer keeps freed memory, so that it is not used again.
SMALL_QUARANTINE = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=16"}
# A release grows by 1 or 2 MB, and the address sanitizer's own memory by 30 MB, and it finds leaks itself.
MOST_GROWTH_BYTES = 64 << 20
OWN_SCRAPES = 30  # leave TIME_WAITs while they look
UNACCOUNTED = "sockdiag_tcp_unaccounted_sockets"


class Churn:
    """A process of support/churn.py."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen(
            [*DIES_WITH_US, sys.executable, "-B", CHURN, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def end(self):
        """Returns how many there were. Called again, returns 0."""
        return int(self._process.communicate()[0] or 0) if self._process.stdin else 0

    def kill(self):
        self._process.kill()
        self._process.wait()


class Scraper:
    """A client that scrapes without a pause, and remembers each counter's highest value."""

    def __init__(self, port, *headers):
        self._port, self._headers = port, headers
        self._counters = {}
        self.scrapes, self.problems = 0, []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._over.wait(0.05):
            answer = web.request(self._port, headers=self._headers)
            if answer.status != 200:
                self.problems.append(answer.status)
                continue
            packed = answer.header("Content-Encoding") == "gzip"
            self._look_at(gzip.decompress(answer.body).decode() if packed else answer.text)
            self.scrapes += 1

    def _look_at(self, text):
        scrape = Exposition(text)
        for (name, labels), value in scrape.starting_with("").items():
            if scrape.types.get(name) != "counter":
                continue
            if value < self._counters.get((name, labels), 0):
                self.problems.append((name, dict(labels), value))
            self._counters[name, labels] = value

    def end(self):
        self._over.set()
        self._thread.join()


def resident_bytes(process):
    with open(f"/proc/{process}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def threads(process):
    return len(os.listdir(f"/proc/{process}/task"))


class Soak(EndToEndTest):
    def test_it_stays_as_it_was_and_counts_right(self):
        exporter = self.start_exporter(
            config=CONFIGURATIONS[0],
            prefix=UNDER,
            environment=SMALL_QUARANTINE,
            logs_are_logfmt=not UNDER,
        )
        # A dump or a file may be open for a moment.
        self.descriptors = min(exporter.open_descriptors() for _ in range(100))
        self.load(exporter, SECONDS / 5)
        before = self.measure_at_rest(exporter)
        made = self.load(exporter, SECONDS)
        after = self.measure_at_rest(exporter)
        print(f"{made}; at rest: {before}, {after}", file=sys.stderr)
        self.assertEqual(after["threads"], before["threads"])
        self.assertLess(after["resident"], before["resident"] + MOST_GROWTH_BYTES)
        failures = exporter.scrape().family("sockdiag_sample_failures_total")
        self.assertEqual(set(failures.values()), {0.0}, "no sample is lost")
        self.assertEqual(exporter.log.matching("level=(warning|error)"), [])

    def load(self, exporter, seconds):
        """Everything at once. Returns what there was, in words."""
        churns = [Churn("connections", PORT), Churn("connections", PORT + 1), Churn("listeners", 300)]
        for churn in churns:
            self.addCleanup(churn.kill)
        scrapers = [
            Scraper(exporter.port),
            Scraper(exporter.port),
            Scraper(exporter.port, ("Accept-Encoding", "gzip")),
        ]
        try:
            reloads = self.reload_for(exporter, seconds)
        finally:
            for scraper in scrapers:
                scraper.end()
        counts = [churn.end() for churn in churns]
        for scraper in scrapers:
            self.assertEqual(scraper.problems, [])
            self.assertGreater(scraper.scrapes, 0)
        scrapes = sum(scraper.scrapes for scraper in scrapers)
        return (
            f"{counts[0] + counts[1]} connections, {counts[2]} listeners, {scrapes} scrapes, "
            f"{reloads} reloads in {seconds:.0f} s"
        )

    @staticmethod
    def reload_for(exporter, seconds):
        """Reloads and scrapes; four times a second at most, since each reload is a line of the log,
        which has 300 a minute."""
        begin, reloads = time.monotonic(), 0
        while time.monotonic() < begin + seconds:
            reloads += 1
            exporter.reload(CONFIGURATIONS[reloads % len(CONFIGURATIONS)])
            exporter.scrape()
            while time.monotonic() < begin + reloads / 4:
                exporter.scrape()
        return reloads

    def measure_at_rest(self, exporter):
        """Once nothing moves any more but TIME_WAITs that end, every socket is accounted for."""
        wait_until(lambda: self.is_reconciled(exporter), "counts that are those of the kernel")
        process = exporter.process.pid
        wait_until(
            lambda: exporter.open_descriptors() <= self.descriptors, "no descriptor is left open"
        )
        return {"resident": resident_bytes(process), "threads": threads(process)}

    @staticmethod
    def is_reconciled(exporter):
        before = read_sockstat()["tw"]
        scrape = exporter.fresh_scrape()
        after = read_sockstat()["tw"]
        counted = sum(
            value
            for (_, labels), value in scrape.starting_with("sockdiag_tcp_sockets").items()
            if ("state", "time_wait") in labels
        )
        return (
            scrape.get(UNACCOUNTED) == 0
            and min(before, after) - OWN_SCRAPES <= counted <= max(before, after) + OWN_SCRAPES
        )


if __name__ == "__main__":
    unittest.main()
