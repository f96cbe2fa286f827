# SPDX-License-Identifier: Apache-2.0
"""The base of tests that make a fault in a namespace of its own and read what is found there. The
other ends of its connections are in a second namespace, so that they are not looked at."""

import contextlib
import http.client
import threading
from typing import NamedTuple

from support import polling
from support.case import EndToEndTest
from support.connection_states import Service
from support.exposition import Exposition
from support.peer import HERE, THERE, Peer
from support.polling import wait_until

FAMILY = "sockdiag_findings"

# Rules look back on half a minute, those about counters on one, and those about queues on two.
# Nothing asserts how long it took.
WINDOW_SECONDS, QUEUE_WINDOW_SECONDS = 30, 120
DEADLINE_SECONDS = 4 * 60
POLL_SECONDS = 0.2

# A second is enough for a socket to linger. Each scrape comes on the same connection, so that those
# who look make no connections that would be looked at.
IMPATIENT = """
sampling: {interval: 1s, cpu_budget: 1}
listeners: {interval: 1s, peak_window: 4s}
lifetimes: {syn_sent: 1s, syn_recv: 1s, fin_wait1: 1s, fin_wait2: 1s, closing: 1s, close_wait: 1s,
            last_ack: 1s}
web: {request_timeout: 1m}
"""


class Found(NamedTuple):
    """One series of sockdiag_findings. Findings about the whole host have no direction and port."""

    finding: str
    severity: str
    direction: str = ""
    port: str = ""


def inbound(finding, severity, port):
    return Found(finding, severity, "inbound", str(port))


def outbound(finding, severity, port):
    return Found(finding, severity, "outbound", str(port))


def findings_in(scrape):
    """All that is found, each of which has the value 1."""
    found = set()
    for (name, labels), value in scrape.starting_with(FAMILY).items():
        if name != FAMILY or value != 1:
            raise AssertionError(f"{name}{labels} {value}")
        found.add(Found(**dict(labels)))
    return found


class Watch:
    """Scrapes an exporter on one connection, which is opened again where the exporter ends it."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=polling.DEADLINE_SECONDS
        )

    def scrape(self):
        try:
            return self._scrape()
        except (http.client.HTTPException, ConnectionError):
            self._connection.close()
            return self._scrape()

    def _scrape(self):
        self._connection.request("GET", "/metrics")
        return Exposition(self._connection.getresponse().read().decode())

    def close(self):
        self._connection.close()


class Background:
    """Repeats an action on a thread of its own, in the namespace that it is started in."""

    def __init__(self, action, pause):
        self._action, self._pause = action, pause
        self._is_over = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            while not self._is_over.wait(self._pause):
                self._action()
        except Exception as error:  # raised by stop()
            self._error = error

    def stop(self):
        self._is_over.set()
        self._thread.join()
        error, self._error = self._error, None
        if error:
            raise error


class FindingsTest(EndToEndTest):
    SETTINGS = IMPATIENT

    def setUp(self):
        super().setUp()
        self.peer = Peer()
        self.addCleanup(self.peer.close)

    def watch(self, settings=None, **options):
        """Starts the exporter that the others look at."""
        exporter = self.launch_exporter(config=settings or self.SETTINGS, **options)
        self.exporter = exporter.wait_until_listening().wait_until_ready()
        self.eyes = Watch(exporter.port)
        self.addCleanup(self.eyes.close)
        return exporter

    def service_here(self, port, backlog=4096):
        """Made inside `with self.peer.entered()`, its connections are from over there."""
        return self.start_service(port, HERE, backlog)

    def service_there(self, port, backlog=4096):
        with self.peer.entered():
            return self.start_service(port, THERE, backlog)

    def repeat(self, action, pause, there=False):
        with self.peer.entered() if there else contextlib.nullcontext():
            background = Background(action, pause)
        self.addCleanup(background.stop)
        return background

    def expect(self, *expected, besides=()):
        """Scrapes until exactly these are found, but for information that `besides` names, and
        returns that scrape."""
        wanted, last = sorted(expected), []

        def is_found():
            last[:] = [self.eyes.scrape()]
            return without_information(last[0], besides) == wanted

        try:
            wait_until(is_found, "findings", DEADLINE_SECONDS, POLL_SECONDS)
        except AssertionError:
            self.assertEqual(without_information(last[0], besides), wanted)
        return last[0]

    def expect_to_stay(self, *expected, besides=(), seconds=WINDOW_SECONDS + 5):
        """The same of each sample that follows, until they are of more than a window."""
        wanted = sorted(expected)
        first = self._timestamp(self.eyes.scrape())

        def has_seen_enough():
            scrape = self.eyes.scrape()
            self.assertEqual(without_information(scrape, besides), wanted)
            return self._timestamp(scrape) > first + seconds

        wait_until(has_seen_enough, "samples", DEADLINE_SECONDS, POLL_SECONDS)

    def expect_nothing(self, **options):
        self.expect_to_stay(**options)

    def expect_end(self, seconds=5):
        """Scrapes until nothing has been found for so long. A rate that falls may come back once
        while the window passes."""
        since = []

        def is_over():
            scrape = self.eyes.scrape()
            if without_information(scrape, ()):
                since.clear()
                return False
            since.append(self._timestamp(scrape))
            return since[-1] > since[0] + seconds

        wait_until(is_over, "the end of findings", DEADLINE_SECONDS, POLL_SECONDS)

    @staticmethod
    def _timestamp(scrape):
        return scrape.source("sockdiag_sample_timestamp_seconds")

    def wait_for(self, condition, what):
        """Until a scrape has that, which shows that the scene is made."""

        def scrape_if():
            scrape = self.eyes.scrape()
            return scrape if condition(scrape) else None

        return wait_until(scrape_if, what, pause=POLL_SECONDS)


def without_information(scrape, names):
    """What is found, sorted, without such for information that have one of these names."""
    found = findings_in(scrape)
    return sorted(each for each in found if each.severity != "info" or each.finding not in names)
